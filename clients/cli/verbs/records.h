/* records.h - what is to be taken over, as files have it: customers and subscriptions that exist already, a line each.
 *
 * JSON lines are objects of a message's fields: {"customer":"ana","name":"..."} is a customer, one with a `plan` a subscription.
 * CSV has the fields' names in its first line; `parameters.KEY` is one of a map; an empty cell says nothing. Times are RFC 3339, or
 * a date, which is its midnight UTC. */
#ifndef CLI_VERBS_RECORDS_H
#define CLI_VERBS_RECORDS_H

#include <jansson.h>
#include <stdbool.h>

#include "proto/schema.h"

struct record {
    int                    line; /* of the file, from 1 */
    const struct pd_block *block; /* PutCustomer or ImportSubscription */
    json_t                *data;
};

struct records {
    struct record *list;
    size_t         count, capacity;
};

/* Called for each problem; `line` 0: with the file as a whole. `code` and `field` are a refusal's, `said` is for people. */
typedef void records_report(void *context, int line, const char *code, const char *field, const char *said);

/* Reads the whole file, and checks each line as the engine would before it looks at anything. False: problems were reported. */
bool records_read(const char *path, records_report *report, void *context, struct records *ret_records);
void records_fini(struct records *records);

#endif
