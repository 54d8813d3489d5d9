/* request.c - a message sent, its answer shown or its refusal reported. */
#include "clients/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>

#include "clients/cli/context.h"
#include "clients/cli/show/format.h"
#include "clients/lib/json.h"

enum { ROWS_MAX = 1000 };

static void
talk(void *context, const char *line)
{
    (void)context;
    cli_say_line(line);
}

const char *
request_reseller(const struct cli *cli)
{
    return context_setting(cli, "reseller", "PEDIDO_RESELLER", "default").value;
}

struct pd_client *
request_client(struct cli *cli)
{
    struct pd_client_options options = PD_CLIENT_DEFAULTS;
    double                   seconds;
    const char              *timeout = args_value(cli, "timeout");

    if (cli->client != NULL) return cli->client;
    options.endpoint = context_setting(cli, "endpoint", "PEDIDO_ENDPOINT", PD_DEFAULT_ENDPOINT).value;
    options.talk = talk;
    options.translate = lang_translate;
    if (timeout != NULL && args_seconds(timeout, &seconds)) options.timeout_ms = (uint32_t)(seconds * 1000);
    pd_client_open(&options, &cli->client);
    return cli->client;
}

/* ---- sending ------------------------------------------------------------------------------------------------------- */

int
request_no_answer(struct cli *cli, enum pd_client_status status)
{
    cli_say("pedido: %s", pd_client_problem(cli->client));
    if (status == PD_CLIENT_BAD_ENDPOINT) {
        cli_say("An endpoint is tcp://HOST:PORT or ipc://PATH.");
        return STATUS_USAGE;
    }
    if (status == PD_CLIENT_NO_ANSWER) {
        cli_say("Is the engine running there? `pedidod --data DIR` starts one; `pedido doctor` looks further.");
        cli_say("The same id does nothing twice: --id repeats a command safely.");
    }
    return STATUS_NO_ANSWER;
}

json_t *
request_envelope(struct cli *cli, const struct pd_block *block, const char *id, json_t *data)
{
    json_t     *e = json_pack("{s:s,s:s,s:s,s:s*}", "type", block->Name, "id", id, "reseller", request_reseller(cli),
                              "on_behalf_of", args_value(cli, "on-behalf-of"));
    uint64_t    number;
    const char *expect = args_value(cli, "expect");

    if (e == NULL) {
        json_decref(data);
        return NULL;
    }
    /* A verb may look something up with a query before it sends its command: these are the command's. */
    if (expect != NULL && block->kind == PD_BLOCK_command && args_number(expect, &number))
        json_object_set_new(e, "expect", json_integer((json_int_t)number));
    if (args_has(cli, "dry-run") && block->kind == PD_BLOCK_command) json_object_set_new(e, "dry_run", json_true());
    json_object_set_new(e, "data", data);
    return e;
}

/* Sends what is in `w`; the answer as JSON, its data by the block. */
static int
call(struct cli *cli, const struct pd_client_request *request, struct pd_text *ret_answer)
{
    enum pd_client_status status = pd_client_call(request_client(cli), request, ret_answer);
    return status == PD_CLIENT_OK ? STATUS_OK : request_no_answer(cli, status);
}

static int
bad_answer(void)
{
    cli_say("pedido: the answer is not what the protocol says");
    return STATUS_NO_ANSWER;
}

/* An answer's `data` has the block that the message's row names. NULL: it is no answer. */
static json_t *
read_answer(struct pd_text bytes, const struct pd_block *reply)
{
    struct mp_reader reader = {.ready = false};
    msgpack_object   o;
    json_t          *answer = NULL;

    if (mp_parse(&reader, bytes.data, bytes.size, &o) && o.type == MSGPACK_OBJECT_MAP)
        answer = pd_json_from_msgpack(&o, NULL);
    const msgpack_object *data = answer == NULL ? NULL : mp_find(&o, "data");
    if (data != NULL) json_object_set_new(answer, "data", pd_json_from_msgpack(data, reply));
    mp_reader_fini(&reader);
    bool ok = json_is_true(json_object_get(answer, "ok"));
    if (json_is_object(json_object_get(answer, ok ? "data" : "error"))) return answer;
    json_decref(answer);
    return NULL;
}

/* One exchange; `envelope` is taken. The answer has been accepted or refused. */
static int
exchange(struct cli *cli, const struct pd_block *block, json_t *envelope, json_t **ret_answer)
{
    struct mp_writer       w = {0};
    struct pd_json_problem problem;
    struct pd_text         bytes;
    int                    status;

    if (envelope == NULL) return cli_usage(cli, "an option's value is not UTF-8");
    const json_t *wait = json_object_get(json_object_get(envelope, "data"), "wait_ms");
    json_int_t    wait_ms = json_integer_value(wait);
    if (!pd_json_to_request(&w, pd_block_request(), envelope, &problem)) {
        status = cli_usage(cli, "%s %s", problem.field, problem.what);
    } else {
        struct pd_client_request request = {(enum pd_port)block->port,
                                            pd_text(json_string_value(json_object_get(envelope, "id"))),
                                            {w.data, w.size},
                                            wait_ms > 0 && wait_ms < 300000 ? (uint32_t)wait_ms : 0};
        status = call(cli, &request, &bytes);
        if (status == STATUS_OK) {
            *ret_answer = read_answer(bytes, block->reply());
            if (*ret_answer == NULL) status = bad_answer();
        }
    }
    mp_writer_fini(&w);
    json_decref(envelope);
    return status;
}

static const char *
new_id(const struct cli *cli, char id[PD_ID_SIZE])
{
    const char *given = args_value(cli, "id");
    if (given != NULL) return given;
    pd_client_new_id(id);
    return id;
}

/* The answer's data, or its refusal. */
static int
ask(struct cli *cli, const struct pd_block *block, json_t *envelope, json_t **ret_data, json_t **ret_refusal)
{
    json_t *answer = NULL;
    int     status = exchange(cli, block, envelope, &answer);

    if (status != STATUS_OK) return status;
    if (json_is_true(json_object_get(answer, "ok"))) *ret_data = json_incref(json_object_get(answer, "data"));
    else *ret_refusal = json_incref(json_object_get(answer, "error"));
    json_decref(answer);
    return STATUS_OK;
}

int
request_try(struct cli *cli, const struct pd_block *block, json_t *data, json_t **ret_data, json_t **ret_refusal)
{
    char id[PD_ID_SIZE];
    return ask(cli, block, request_envelope(cli, block, new_id(cli, id), data), ret_data, ret_refusal);
}

int
request_trial(struct cli *cli, const struct pd_block *block, json_t *data, json_t **ret_data, json_t **ret_refusal)
{
    char    id[PD_ID_SIZE];
    json_t *envelope;

    pd_client_new_id(id); /* one that was given is for the command that will be carried out */
    envelope = request_envelope(cli, block, id, data);
    if (envelope != NULL) json_object_set_new(envelope, "dry_run", json_true());
    return ask(cli, block, envelope, ret_data, ret_refusal);
}

int
request_data(struct cli *cli, const struct pd_block *block, json_t *data, json_t **ret_data)
{
    json_t *refusal = NULL, *asked = json_incref(data);
    int     status = request_try(cli, block, data, ret_data, &refusal);

    if (refusal != NULL) status = request_refused(cli, refusal, asked);
    json_decref(refusal);
    json_decref(asked);
    return status;
}

int
request_array(struct cli *cli, json_t *requests, json_t **ret_answers)
{
    struct mp_writer       w = {0};
    struct pd_json_problem problem;
    struct pd_text         bytes;
    int                    status = STATUS_OK;

    mp_array(&w, json_array_size(requests));
    for (size_t i = 0; i < json_array_size(requests) && status == STATUS_OK; i++)
        if (!pd_json_to_request(&w, pd_block_request(), json_array_get(requests, i), &problem))
            status = cli_usage(cli, "%s %s", problem.field, problem.what);
    if (status == STATUS_OK) {
        const char              *id = json_string_value(json_object_get(json_array_get(requests, 0), "id"));
        struct pd_client_request request = {PD_port_commands, pd_text(id), {w.data, w.size}, 0};
        status = call(cli, &request, &bytes);
    }
    if (status == STATUS_OK) {
        *ret_answers = pd_json_from_bytes(bytes, NULL);
        /* An array that is refused as a whole is answered by one map. */
        if (json_is_object(*ret_answers)) *ret_answers = json_pack("[o]", *ret_answers);
        if (!json_is_array(*ret_answers)) status = bad_answer();
    }
    mp_writer_fini(&w);
    return status;
}

/* ---- showing ------------------------------------------------------------------------------------------------------- */

/* What each page of a list is given to. */
typedef void take_row(void *context, json_t *row);

/* All pages of a list, at most `limit` rows; takes `data`. */
static int
walk_list(struct cli *cli, const struct pd_block *block, json_t *data, uint64_t limit, take_row *take, void *context)
{
    const struct pd_field *list = show_list_field(block->reply());
    json_t                *cursor = NULL;
    uint64_t               taken = 0;
    int                    status = STATUS_OK;

    do {
        char     id[PD_ID_SIZE];
        json_t  *answer = NULL, *row;
        size_t   i;
        json_t  *envelope = request_envelope(cli, block, new_id(cli, id), json_incref(data));
        uint64_t wanted = limit - taken < ROWS_MAX ? limit - taken : ROWS_MAX;
        json_object_set_new(envelope, "limit", json_integer((json_int_t)wanted));
        if (cursor != NULL) json_object_set_new(envelope, "cursor", cursor);
        cursor = NULL;
        status = exchange(cli, block, envelope, &answer);
        if (status != STATUS_OK) break;
        if (!json_is_true(json_object_get(answer, "ok")))
            status = request_refused(cli, json_object_get(answer, "error"), data);
        json_array_foreach (json_object_get(json_object_get(answer, "data"), list->name), i, row) {
            taken++;
            take(context, row);
        }
        cursor = json_incref(json_object_get(answer, "next"));
        json_decref(answer);
    } while (status == STATUS_OK && json_is_string(cursor) && taken < limit);
    json_decref(cursor);
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
    (void)context;
    cli_print_json(row);
}

int
request_rows(struct cli *cli, const struct pd_block *block, json_t *data, json_t **ret_rows)
{
    json_t *rows = json_array();
    int     status = walk_list(cli, block, data, UINT64_MAX, keep_row, rows);
    if (status == STATUS_OK) *ret_rows = rows;
    else json_decref(rows);
    return status;
}

/* Rows of JSON are printed as they come; a table wants them all to know its columns. */
static int
show_list(struct cli *cli, const struct pd_block *block, const struct pd_field *list, json_t *data)
{
    uint64_t limit = UINT64_MAX;
    json_t  *rows = json_array();
    int      status;

    if (args_value(cli, "limit") != NULL) args_number(args_value(cli, "limit"), &limit);
    if (args_has(cli, "json")) {
        status = walk_list(cli, block, data, limit, print_row, NULL);
    } else {
        char label[48];
        status = walk_list(cli, block, data, limit, keep_row, rows);
        format_label(list->name, label, sizeof label);
        bool none = status == STATUS_OK && json_array_size(rows) == 0;
        if (none && block == pd_block_find()) cli_say("Nothing was found.");
        else if (none) cli_say("no %s", label);
        else if (status == STATUS_OK) show_rows(list->block(), rows);
    }
    json_decref(rows);
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
