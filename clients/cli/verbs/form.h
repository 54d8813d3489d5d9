/* form.h - an order asked for step by step. Only where somebody can be asked (terminal_asks). */
#ifndef CLIENTS_CLI_VERBS_FORM_H
#define CLIENTS_CLI_VERBS_FORM_H

#include "clients/cli/cli.h"

/* Asks for what `order` (customer, reference) does not say, shows the review, and adds, confirms and opens it as it is told.
 * STATUS_ABANDONED: somebody did not go on. */
int form_fill(struct cli *cli, json_t *order);

/* Sets a text of `data` from an answer, asked for until there is one. */
int form_text(json_t *data, const char *key, const char *question);

#endif
