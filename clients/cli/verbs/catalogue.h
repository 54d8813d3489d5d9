/* catalogue.h - a catalogue file, read and judged as a whole before anything of it is sent.
 *
 * One JSON document, {"plans": [PLAN, ...]} or the array alone, or JSON lines, one PLAN a line. A PLAN has the fields of
 * PutPlan, and `periods`: objects with the fields of PutPeriod but for `plan`. Amounts are in the minor unit. */
#ifndef CLIENTS_CLI_VERBS_CATALOGUE_H
#define CLIENTS_CLI_VERBS_CATALOGUE_H

#include <jansson.h>
#include <stdbool.h>

/* What is wrong, at which line of the file; `field` is "" where it is about none. `said` is the message in the person's
 * language. */
typedef void catalogue_report(void *context, int line, const char *code, const char *field, const char *message,
                              const char *said);

/* An array of plans. False: everything that is wrong has been reported. */
bool catalogue_read(const char *path, catalogue_report *report, void *context, json_t **ret_plans);

#endif
