/* task.h - a task as a script sees it. */
#ifndef CLIENTS_WORKER_TASK_H
#define CLIENTS_WORKER_TASK_H

#include "proto/arena.h"

#include <pedido/messages.h>

/* One JSON object and a newline. */
struct pd_text task_json(struct pd_arena *arena, const struct pd_assignment *task);

/* `base` without its PEDIDO_ variables, then PEDIDO_<FIELD> for each field and PEDIDO_PARAM_<KEY> for each parameter
 * and PEDIDO_SERVICE_<KEY> for each service parameter; ends with NULL. */
char **task_environment(struct pd_arena *arena, char *const *base, const struct pd_assignment *task);

#endif
