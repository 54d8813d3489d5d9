/* shell.h - around the step: the socket, the processes, the clock and the signals, in one poll loop. */
#ifndef CLIENTS_WORKER_SHELL_H
#define CLIENTS_WORKER_SHELL_H

#include "clients/worker/worker.h"

enum { SHELL_OPERATIONS = PD_operation_deprovision + 1 };

/* Works until the engine drains or refuses it, or a SIGTERM, SIGINT or SIGHUP: what runs may finish; a second one: nothing may.
 * `executables` are by operation; NULL: it is not done here. Returns the exit status. */
int shell_run(const struct worker_options *options, const char *const executables[SHELL_OPERATIONS]);

#endif
