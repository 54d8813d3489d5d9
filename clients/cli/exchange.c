/* exchange.c - one message to the engine and its answer: only that there is none is said here, not what it is. */
#include "clients/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/cli/context.h"
#include "clients/lib/json.h"

static void
talk(void *context, const char *line)
{
    (void)context;
    cli_say_line(line);
}

const char *
exchange_reseller(const struct cli *cli)
{
    return context_setting(cli, "reseller", "PEDIDO_RESELLER", "default").value;
}

bool
exchange_keys(struct cli *cli)
{
    const char *identity = context_setting(cli, "identity", "PEDIDO_IDENTITY", NULL).value;
    const char *server = context_setting(cli, "server-key", "PEDIDO_SERVER_KEY", NULL).value;
    char        why[256];

    if (identity == NULL && server == NULL) return true;
    if (identity == NULL || server == NULL) {
        cli_say("pedido: --identity and --server-key go together: your own key pair, and the engine's public key");
        return false;
    }
    if (!pd_key_file_read(identity, &cli->own, why)) cli_say("pedido: --identity %s: %s", identity, why);
    else if (cli->own.secret_key[0] == '\0') cli_say("pedido: --identity %s: it has no secret key", identity);
    else if (!pd_key_read_public(server, &cli->server, why)) cli_say("pedido: --server-key %s: %s", server, why);
    else return true;
    return false;
}

void
exchange_connect(struct cli *cli, struct pd_client_options *options)
{
    options->translate = lang_translate;
    options->endpoint = context_setting(cli, "endpoint", "PEDIDO_ENDPOINT", PD_DEFAULT_ENDPOINT).value;
    if (cli->server.public_key[0] != '\0') {
        options->server_key = cli->server.public_key;
        options->public_key = cli->own.public_key;
        options->secret_key = cli->own.secret_key;
    }
    pd_client_open(options, &cli->client);
    explicit_bzero(cli->own.secret_key, sizeof cli->own.secret_key);
}

void
exchange_open(struct cli *cli, uint32_t timeout_ms, uint32_t retries)
{
    struct pd_client_options options = {.timeout_ms = timeout_ms, .retries = retries, .talk = talk};
    double                   seconds;
    const char              *timeout = args_value(cli, "timeout");

    if (timeout != NULL && args_seconds(timeout, &seconds)) options.timeout_ms = (uint32_t)(seconds * 1000);
    exchange_connect(cli, &options);
}

struct pd_client *
exchange_client(struct cli *cli)
{
    const struct pd_client_options standard = PD_CLIENT_DEFAULTS;

    if (cli->client == NULL) exchange_open(cli, standard.timeout_ms, standard.retries);
    return cli->client;
}

/* ---- sending ------------------------------------------------------------------------------------------------------- */

int
exchange_no_answer(struct cli *cli, const struct pd_block *block, enum pd_client_status status)
{
    const struct pd_error *refused = status == PD_CLIENT_REFUSED ? pd_schema_error((int)pd_client_refusal(cli->client)) : NULL;

    if (args_has(cli, "json")) {
        json_t *error = json_pack("{s:{s:s,s:s}}", "error", "code", refused == NULL ? "no_answer" : refused->code, "message",
                                  pd_client_problem(cli->client));
        cli_print_json(error);
        json_decref(error);
    }
    cli_say("pedido: %s", pd_client_problem(cli->client));
    if (status == PD_CLIENT_BAD_ENDPOINT) {
        cli_say("An endpoint is tcp://HOST:PORT or ipc://PATH.");
        return STATUS_USAGE;
    }
    if (status == PD_CLIENT_NO_ANSWER) {
        cli_say("Is the engine running there? `pedidod --data DIR` starts one; `pedido doctor` looks further.");
        if (block != NULL && block->kind == PD_BLOCK_command)
            cli_say("The same id does nothing twice: --id repeats a command safely.");
    }
    return refused == NULL ? STATUS_NO_ANSWER : pd_error_class_exit(refused->class);
}

/* Of a verb that sends several commands --id and --expect are for one. */
static bool
is_meant(const struct cli *cli, const struct pd_block *block)
{
    return cli->only == NULL || cli->only == block;
}

json_t *
exchange_envelope(struct cli *cli, const struct pd_block *block, const char *id, json_t *data)
{
    json_t     *e = json_pack("{s:s,s:s,s:s,s:s*}", "type", block->Name, "id", id, "reseller", exchange_reseller(cli),
                              "on_behalf_of", args_value(cli, "on-behalf-of"));
    uint64_t    number;
    const char *expect = args_value(cli, "expect");

    if (e == NULL) {
        json_decref(data);
        return NULL;
    }
    /* A verb may look something up with a query before it sends its command: these are the command's. */
    if (expect != NULL && block->kind == PD_BLOCK_command && is_meant(cli, block) && args_number(expect, &number))
        json_object_set_new(e, "expect", json_integer((json_int_t)number));
    if (args_has(cli, "sort") && block->kind == PD_BLOCK_query && is_meant(cli, block))
        json_object_set_new(e, "sort", json_string(args_value(cli, "sort")));
    if (args_has(cli, "dry-run") && block->kind == PD_BLOCK_command) json_object_set_new(e, "dry_run", json_true());
    json_object_set_new(e, "data", data);
    return e;
}

/* The answer's bytes. */
static int
call(struct cli *cli, const struct pd_block *block, const struct pd_client_request *request, struct pd_text *ret_answer)
{
    enum pd_client_status status = pd_client_call(exchange_client(cli), request, ret_answer);
    return status == PD_CLIENT_OK ? STATUS_OK : exchange_no_answer(cli, block, status);
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
int
exchange_send(struct cli *cli, const struct pd_block *block, json_t *envelope, json_t **ret_answer)
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
                                            wait_ms > 0 && wait_ms <= 300000 ? (uint32_t)wait_ms : 0};
        status = call(cli, block, &request, &bytes);
        if (status == STATUS_OK) {
            *ret_answer = read_answer(bytes, block->reply());
            if (*ret_answer == NULL) status = bad_answer();
        }
    }
    mp_writer_fini(&w);
    json_decref(envelope);
    return status;
}

const char *
exchange_id(const struct cli *cli, const struct pd_block *block, char id[PD_ID_SIZE])
{
    const char *given = args_value(cli, "id");
    if (given != NULL && is_meant(cli, block)) return given;
    pd_client_new_id(id);
    return id;
}

/* The answer's data, or its refusal. */
static int
ask(struct cli *cli, const struct pd_block *block, json_t *envelope, json_t **ret_data, json_t **ret_refusal)
{
    json_t *answer = NULL;
    int     status = exchange_send(cli, block, envelope, &answer);

    if (status != STATUS_OK) return status;
    if (json_is_true(json_object_get(answer, "ok"))) *ret_data = json_incref(json_object_get(answer, "data"));
    else *ret_refusal = json_incref(json_object_get(answer, "error"));
    json_decref(answer);
    return STATUS_OK;
}

int
exchange_try(struct cli *cli, const struct pd_block *block, json_t *data, json_t **ret_data, json_t **ret_refusal)
{
    char id[PD_ID_SIZE];
    return ask(cli, block, exchange_envelope(cli, block, exchange_id(cli, block, id), data), ret_data, ret_refusal);
}

int
exchange_trial(struct cli *cli, const struct pd_block *block, json_t *data, json_t **ret_data, json_t **ret_refusal)
{
    char    id[PD_ID_SIZE];
    json_t *envelope;

    pd_client_new_id(id); /* one that was given is for the command that will be carried out */
    envelope = exchange_envelope(cli, block, id, data);
    if (envelope != NULL) json_object_set_new(envelope, "dry_run", json_true());
    return ask(cli, block, envelope, ret_data, ret_refusal);
}

/* One for each request, accepted or refused. */
static bool
are_answers(const json_t *answers, size_t count)
{
    json_t *answer;
    size_t  i;

    if (!json_is_array(answers) || json_array_size(answers) != count) return false;
    json_array_foreach (answers, i, answer)
        if (!json_is_true(json_object_get(answer, "ok")) && !json_is_object(json_object_get(answer, "error"))) return false;
    return true;
}

int
exchange_array(struct cli *cli, json_t *requests, json_t **ret_answers)
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
        status = call(cli, pd_block_put_plan(), &request, &bytes);
    }
    if (status == STATUS_OK) {
        *ret_answers = pd_json_from_bytes(bytes, NULL);
        /* An array that is refused as a whole is answered by one map: it is the answer to each. */
        if (json_is_object(*ret_answers)) {
            json_t *one = *ret_answers;
            *ret_answers = json_array();
            for (size_t i = 0; i < json_array_size(requests); i++) json_array_append(*ret_answers, one);
            json_decref(one);
        }
        if (!are_answers(*ret_answers, json_array_size(requests))) {
            json_decref(*ret_answers);
            *ret_answers = NULL;
            status = bad_answer();
        }
    }
    mp_writer_fini(&w);
    return status;
}
