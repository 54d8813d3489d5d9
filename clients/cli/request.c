/* request.c - a message sent, its answer shown or its refusal reported. */
#include <stdio.h>

#include "clients/cli/cli.h"
#include "clients/cli/show/format.h"

enum { ROWS_MAX = 1000 };

int
request_data(struct cli *cli, const struct pd_block *block, json_t *data, json_t **ret_data)
{
    json_t *refusal = NULL, *asked = json_incref(data);
    int     status = exchange_try(cli, block, data, ret_data, &refusal);

    if (refusal != NULL) status = request_refused(cli, refusal, asked);
    json_decref(refusal);
    json_decref(asked);
    return status;
}

/* ---- showing ------------------------------------------------------------------------------------------------------- */

/* All pages of a list, at most `limit` rows; takes `data`. *ret_more, where not NULL: there are rows beyond the limit. */
static int
walk_list(struct cli *cli, const struct pd_block *block, json_t *data, uint64_t limit, request_take *take, void *context,
          bool *ret_more)
{
    const struct pd_field *list = show_list_field(block->reply());
    json_t                *cursor = NULL, *last = NULL;
    uint64_t               taken = 0;
    int                    status = STATUS_OK;

    do {
        char     id[PD_ID_SIZE];
        json_t  *answer = NULL, *row;
        size_t   i;
        json_t  *envelope = exchange_envelope(cli, block, exchange_id(cli, block, id), json_incref(data));
        uint64_t wanted = limit - taken < ROWS_MAX ? limit - taken : ROWS_MAX;
        json_object_set_new(envelope, "limit", json_integer((json_int_t)wanted));
        if (cursor != NULL) json_object_set(envelope, "cursor", cursor);
        json_decref(last);
        last = cursor;
        cursor = NULL;
        status = exchange_send(cli, block, envelope, &answer);
        if (status != STATUS_OK) break;
        if (!json_is_true(json_object_get(answer, "ok")))
            status = request_refused(cli, json_object_get(answer, "error"), data);
        json_array_foreach (json_object_get(json_object_get(answer, "data"), list->name), i, row) {
            taken++;
            take(context, row);
        }
        cursor = json_incref(json_object_get(answer, "next"));
        json_decref(answer);
        /* A page that leads to itself would be asked for for ever. */
    } while (status == STATUS_OK && json_is_string(cursor) && taken < limit && !json_equal(cursor, last));
    if (ret_more != NULL) *ret_more = json_is_string(cursor) && taken >= limit;
    json_decref(cursor);
    json_decref(last);
    json_decref(data);
    return status;
}

static void
keep_row(void *context, json_t *row)
{
    json_array_append(context, row);
}

static void
print_row(void *context, json_t *row)
{
    size_t *count = context;
    ++*count;
    cli_print_json(row);
}

int
request_each(struct cli *cli, const struct pd_block *block, json_t *data, uint64_t limit, request_take *take, void *context)
{
    return walk_list(cli, block, data, limit, take, context, NULL);
}

int
request_rows(struct cli *cli, const struct pd_block *block, json_t *data, json_t **ret_rows)
{
    json_t *rows = json_array();
    int     status = walk_list(cli, block, data, UINT64_MAX, keep_row, rows, NULL);
    if (status == STATUS_OK) *ret_rows = rows;
    else json_decref(rows);
    return status;
}

/* A list of nothing of a customer that nobody knows is a slip of the pen. */
static int
check_customer(struct cli *cli, const char *customer)
{
    json_t *answer = NULL;
    int     status = request_data(cli, pd_block_get_customer(), json_pack("{s:s}", "customer", customer), &answer);
    json_decref(answer);
    return status;
}

/* Rows of JSON are printed as they come; a table wants them all to know its columns. */
static int
show_list(struct cli *cli, const struct pd_block *block, const struct pd_field *list, json_t *data)
{
    uint64_t limit = UINT64_MAX;
    size_t   printed = 0;
    bool     more = false, json = args_has(cli, "json");
    json_t  *rows = json_array(), *customer = json_incref(json_object_get(data, "customer"));
    char     label[48];

    if (args_value(cli, "limit") != NULL) args_number(args_value(cli, "limit"), &limit);
    int  status = json ? walk_list(cli, block, data, limit, print_row, &printed, &more)
                       : walk_list(cli, block, data, limit, keep_row, rows, &more);
    bool none = status == STATUS_OK && printed + json_array_size(rows) == 0;
    format_label(list->name, label, sizeof label);
    if (none && customer != NULL) status = check_customer(cli, json_string_value(customer));
    if (none && !json && block == pd_block_find()) cli_say("Nothing was found.");
    else if (none && !json && status == STATUS_OK) cli_say("no %s", label);
    else if (!none && status == STATUS_OK && !json) show_rows(list->block(), rows);
    if (more) cli_say("There are more; without --limit all of them are shown.");
    json_decref(rows);
    json_decref(customer);
    return status;
}

int
request_show(struct cli *cli, const struct pd_block *block, json_t *data)
{
    const struct pd_field *list = show_list_field(block->reply());
    json_t                *answer = NULL;

    if (list != NULL) return show_list(cli, block, list, data);
    int status = request_data(cli, block, data, &answer);
    if (status != STATUS_OK) return status;
    if (args_has(cli, "json")) {
        cli_print_json(answer);
    } else {
        show_answer(block->reply(), answer);
        if (args_has(cli, "dry-run")) cli_say("dry run: nothing was changed");
        else next_say(cli, block, answer, NULL);
    }
    json_decref(answer);
    return STATUS_OK;
}

int
run_message(struct cli *cli)
{
    const struct pd_block *block = cli->verb->block();
    json_t                *data;
    int                    status = fields_collect(cli, block, &data);
    return status != STATUS_OK ? status : request_show(cli, block, data);
}
