/* put.c - customer put, plan put and their kin. A Put says everything of a thing anew; a person says what is to change, so what
 * is not said stays as it is. */
#include "clients/cli/cli.h"

#include <stdio.h>

/* The things that are put, and where they are found as they are now. */
static const struct {
    const struct pd_block *(*put)(void), *(*query)(void);
    const char *key, *in; /* the field that names it; under which key of the answer it stands */
} things[] = {
    {pd_block_put_reseller, pd_block_list_resellers, "reseller", "resellers"},
    {pd_block_put_customer, pd_block_get_customer, "customer", "customer"},
    {pd_block_put_plan, pd_block_get_plan, "plan", "plan"},
    {pd_block_put_period, pd_block_get_plan, "plan", "plan"},
};

/* The row of a list that has this text under a key, or NULL. */
static const json_t *
find_row(const json_t *rows, const char *key, const char *text)
{
    json_t *row;
    size_t  i;

    json_array_foreach (rows, i, row) {
        const char *own = json_string_value(json_object_get(row, key));
        if (own != NULL && strcmp(own, text) == 0) return row;
    }
    return NULL;
}

/* The thing as it is now; NULL when it is new. What is wrong with its name the engine says when it is put. */
static int
find_current(struct cli *cli, size_t which, json_t **ret_current)
{
    json_t     *answer = NULL, *refusal = NULL, *data = json_object();
    const char *word = cli->words[0];

    if (things[which].query()->field_count > 0) json_object_set_new(data, things[which].key, json_string(word));
    int           status = exchange_try(cli, things[which].query(), data, &answer, &refusal);
    const json_t *current = json_object_get(answer, things[which].in);
    if (json_is_array(current)) current = find_row(current, things[which].key, word);
    if (things[which].put == pd_block_put_period && current != NULL)
        current = find_row(json_object_get(current, "periods"), "period", cli->words[1]);
    *ret_current = json_incref((json_t *)(uintptr_t)current);
    json_decref(answer);
    json_decref(refusal);
    return status;
}

/* A renewal fee that was the recurring one goes on being it. */
static bool
follows(const struct pd_field *f, const json_t *data, const json_t *current)
{
    return strcmp(f->name, "renewal_fee") == 0 && json_object_get(data, "recurring_fee") != NULL &&
           json_equal(json_object_get(current, "renewal_fee"), json_object_get(current, "recurring_fee"));
}

int
run_put(struct cli *cli)
{
    const struct pd_block *block = cli->verb->block();
    json_t                *data = NULL, *current = NULL;
    size_t                 which = 0;

    while (things[which].put != cli->verb->block) which++;
    int status = find_current(cli, which, &current);
    if (status != STATUS_OK) return status;
    const char *currency = json_string_value(json_object_get(current, "currency"));
    if (currency != NULL) snprintf(cli->currency, sizeof cli->currency, "%s", currency);
    status = fields_given(cli, block, &data);
    for (size_t i = 0; status == STATUS_OK && i < block->field_count; i++) {
        const struct pd_field *f = &block->fields[i];
        json_t                *value = json_object_get(current, f->name);
        if (value != NULL && json_object_get(data, f->name) == NULL && !follows(f, data, current))
            json_object_set(data, f->name, value);
    }
    if (status == STATUS_OK) status = fields_complete(cli, block, data);
    if (status == STATUS_OK) status = request_show(cli, block, data);
    else json_decref(data);
    json_decref(current);
    return status;
}
