#include <pedido/client.h>

#include <stdio.h>
#include <stdlib.h>

#include "clients/lib/socket.h"
#include "clients/lib/state.h"
#include "proto/check.h"
#include "proto/codec.h"

/* All three, or none. */
static bool
are_keys(const struct pd_client_options *o)
{
    const char *keys[] = {o->server_key, o->public_key, o->secret_key};
    int         there = 0, right = 0;

    for (int i = 0; i < 3; i++) {
        there += keys[i] != NULL;
        right += keys[i] != NULL && pd_key_is_z85(pd_text(keys[i]));
    }
    return there == right && (there == 0 || there == 3);
}

static bool
check_options(const struct pd_client_options *o, size_t structs_size)
{
    char line[120];

    if (structs_size != PD_STRUCTS_SIZE)
        snprintf(line, sizeof line, "the program was not compiled for this libpedido (" PD_VERSION "); compile it anew");
    else if (o->outstanding > PD_CLIENT_OUTSTANDING_MAX)
        snprintf(line, sizeof line, "the option outstanding must be 1-%d, or 0 for %d", PD_CLIENT_OUTSTANDING_MAX,
                 PD_CLIENT_OUTSTANDING);
    else if (!are_keys(o)) snprintf(line, sizeof line, "the three keys are 40 characters of Z85 each, or all absent");
    else return true;
    if (o->talk != NULL) o->talk(o->talk_context, line);
    return false;
}

void
pd_client_new_keys(char ret_public[PD_CLIENT_KEY_SIZE], char ret_secret[PD_CLIENT_KEY_SIZE])
{
    PD_CHECK(zmq_curve_keypair(ret_public, ret_secret) == 0);
}

enum pd_client_status
pd_client_open_for(size_t structs_size, const struct pd_client_options *options, struct pd_client **ret_client)
{
    const struct pd_client_options defaults = PD_CLIENT_DEFAULTS;

    if (options == NULL) options = &defaults;
    if (!check_options(options, structs_size)) return PD_CLIENT_BAD_OPTION;
    struct pd_client *c = calloc(1, sizeof *c);
    PD_CHECK(c != NULL);
    c->options = *options;
    if (c->options.timeout_ms == 0) c->options.timeout_ms = defaults.timeout_ms;
    if (c->options.outstanding == 0) c->options.outstanding = PD_CLIENT_OUTSTANDING;
    c->endpoint = strdup(options->endpoint == NULL ? PD_DEFAULT_ENDPOINT : options->endpoint);
    if (options->server_key != NULL) {
        memcpy(c->keys[0], options->server_key, PD_KEY_SIZE);
        memcpy(c->keys[1], options->public_key, PD_KEY_SIZE);
        memcpy(c->keys[2], options->secret_key, PD_KEY_SIZE);
    }
    c->options.server_key = c->options.public_key = c->options.secret_key = NULL;
    c->context = zmq_ctx_new();
    for (c->id_slots = 16; c->id_slots < c->options.outstanding; c->id_slots *= 2) continue;
    c->by_id = calloc(c->id_slots, sizeof(struct pd_pending *));
    PD_CHECK(c->endpoint != NULL && c->context != NULL && c->by_id != NULL);
    zmq_msg_init(&c->answer);
    zmq_msg_init(&c->kept);
    pd_arena_init(&c->arena);
    TAILQ_INIT(&c->pending);
    TAILQ_INIT(&c->queue);
    c->wake_ms = UINT64_MAX;
    c->loop_fd = c->timer_fd = c->flag_fd = -1;
    *ret_client = c;
    return PD_CLIENT_OK;
}

void
pd_client_close(struct pd_client **client)
{
    struct pd_client *c = *client;

    if (c == NULL) return;
    PD_CHECK(!c->in_callback && c->subscribers == 0);
    c->closing = true;
    pd_client_fail(c, PD_CLIENT_CLOSED, "the client was closed before the answer came");
    pd_pending_end(c, PD_CLIENT_CLOSED);
    pd_loop_close(c);
    zmq_msg_close(&c->answer);
    zmq_msg_close(&c->kept);
    mp_reader_fini(&c->reader);
    mp_writer_fini(&c->writer);
    pd_arena_fini(&c->arena);
    pd_reply_fini(&c->reply);
    zmq_ctx_term(c->context);
    explicit_bzero(c->keys, sizeof c->keys);
    free(c->endpoint);
    free(c->by_id);
    free(c);
    *client = NULL;
}

/* ---- waiting ------------------------------------------------------------------------------------------------------- */

enum pd_client_status
pd_client_may_wait(struct pd_client *client)
{
    if (!client->in_callback) return PD_CLIENT_OK;
    return pd_client_fail(client, PD_CLIENT_IN_CALLBACK, "a callback cannot wait; it can start a call");
}

void
pd_client_wait(struct pd_client *client, const bool *flag, bool value)
{
    for (;;) {
        pd_pending_drive(client);
        if (*flag == value) break;
        pd_pending_wait(client, UINT64_MAX);
    }
    pd_loop_arm(client);
}

/* Hello is the library's own: nobody has started it. */
static size_t
calls_under_way(const struct pd_client *client)
{
    return client->count - (client->asking ? 1 : 0);
}

size_t
pd_client_poll(struct pd_client *client, uint32_t timeout_ms)
{
    uint64_t until_ms = pd_now_ms() + timeout_ms;
    size_t   completed = client->completed;

    if (client->in_callback) return calls_under_way(client);
    for (;;) {
        pd_pending_drive(client);
        if (client->completed != completed || calls_under_way(client) == 0 || pd_now_ms() >= until_ms) break;
        if (!pd_pending_wait(client, until_ms)) break;
    }
    pd_loop_arm(client);
    return calls_under_way(client);
}

/* ---- requests as bytes --------------------------------------------------------------------------------------------- */

struct waiter {
    bool                  done;
    enum pd_client_status status;
};

static void
keep_answer(struct pd_client *c, const struct pd_pending *pending, enum pd_client_status status,
            const msgpack_object *answer)
{
    struct waiter *waiter = pending->taker.context;

    if (answer != NULL) zmq_msg_move(&c->kept, &c->answer);
    waiter->status = status;
    waiter->done = true;
}

enum pd_client_status
pd_client_call(struct pd_client *client, const struct pd_client_request *request, struct pd_text *ret_answer)
{
    struct waiter                waiter = {.done = false};
    struct pd_taker              taker = {.take = keep_answer, .context = &waiter};
    const struct pd_hello_reply *hello;
    enum pd_client_status        status = pd_client_may_wait(client);

    if (status != PD_CLIENT_OK) return status;
    if (request->port != PD_port_commands && request->port != PD_port_queries && request->port != PD_port_workers)
        return pd_client_fail(client, PD_CLIENT_BAD_ENDPOINT, "messages of this kind are sent by the engine alone");
    if (request->port != PD_port_commands) status = pd_client_hello(client, &hello);
    if (status != PD_CLIENT_OK) return status;
    status = pd_pending_start(
        client, &(struct pd_pending_options){.port = request->port, .id = request->id, .bytes = request->bytes,
                                             .timeout_ms = client->options.timeout_ms, .wait_ms = request->wait_ms}, taker);
    if (status != PD_CLIENT_OK) return status;
    pd_client_wait(client, &waiter.done, true);
    if (waiter.status == PD_CLIENT_OK)
        *ret_answer = (struct pd_text){zmq_msg_data(&client->kept), zmq_msg_size(&client->kept)};
    return waiter.status;
}

/* ---- Hello --------------------------------------------------------------------------------------------------------- */

static bool
read_hello(struct pd_client *c)
{
    struct pd_refusal     ignored;
    struct pd_hello_reply received;
    struct pd_text        data = mp_find_packed(c->packed, "data");

    if (!pd_decode_map(&c->arena, pd_block_hello_reply(), PD_LENIENT, data, &received, &ignored)) return false;
    const struct pd_endpoints *e = received.endpoints;
    if (e == NULL || e->events.data == NULL || e->queries.data == NULL || e->workers.data == NULL || received.limits == NULL)
        return false;
    /* The copy's texts end in NUL, as libzmq wants its endpoints. */
    c->hello = PD_ARENA_NEW(&c->arena, struct pd_hello_reply);
    pd_copy_block(&c->arena, pd_block_hello_reply(), &received, c->hello);
    return true;
}

static void
take_hello(struct pd_client *c, const struct pd_pending *pending, enum pd_client_status status, const msgpack_object *answer)
{
    (void)pending;
    (void)answer; /* it is read from its bytes */
    c->asking = false;
    c->hello_status = status;
    if (status != PD_CLIENT_OK) return;
    if (read_hello(c)) pd_sending_waiting(c);
    else c->hello_status = pd_client_fail(c, PD_CLIENT_BAD_ANSWER, "%s did not answer Hello as an engine does", c->endpoint);
}

enum pd_client_status
pd_hello_start(struct pd_client *client)
{
    char             id[PD_ID_SIZE];
    struct mp_writer w = {0};

    if (client->hello != NULL || client->asking) return PD_CLIENT_OK;
    pd_client_new_id(id);
    mp_map(&w, 2);
    mp_key(&w, "type");
    mp_key(&w, "Hello");
    mp_key(&w, "id");
    mp_text(&w, pd_text(id));
    enum pd_client_status status = pd_pending_start(
        client, &(struct pd_pending_options){.port = PD_port_commands, .id = pd_text(id), .bytes = {w.data, w.size},
                                             .timeout_ms = client->options.timeout_ms},
        (struct pd_taker){.take = take_hello});
    client->asking = status == PD_CLIENT_OK;
    mp_writer_fini(&w);
    return status;
}

enum pd_client_status
pd_client_hello(struct pd_client *client, const struct pd_hello_reply **ret_hello)
{
    if (client->hello == NULL) {
        enum pd_client_status status = pd_client_may_wait(client);
        if (status == PD_CLIENT_OK) status = pd_hello_start(client);
        if (status != PD_CLIENT_OK) return status;
        pd_client_wait(client, &client->asking, false);
        if (client->hello == NULL) return client->hello_status;
    }
    *ret_hello = client->hello;
    return PD_CLIENT_OK;
}
