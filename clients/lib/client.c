#include <pedido/client.h>

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <zmq.h>

#include "clients/lib/call.h"
#include "clients/lib/socket.h"
#include "proto/check.h"
#include "proto/codec.h"

enum { PORTS = 4 }; /* indexed by enum pd_port, from 1 */

struct pd_client {
    struct pd_client_options options;
    char                    *endpoint;
    void                    *context;
    void                    *sockets[PORTS];
    zmq_msg_t                answer;
    struct mp_reader         reader;
    struct pd_arena          arena; /* what Hello answered */
    struct pd_hello_reply   *hello;
    char                     problem[400];
};

enum pd_client_status
pd_client_open(const struct pd_client_options *options, struct pd_client **ret_client)
{
    struct pd_client *c = calloc(1, sizeof *c);

    PD_CHECK(c != NULL);
    c->options = *options;
    c->endpoint = strdup(options->endpoint);
    c->context = zmq_ctx_new();
    PD_CHECK(c->endpoint != NULL && c->context != NULL);
    zmq_msg_init(&c->answer);
    pd_arena_init(&c->arena);
    *ret_client = c;
    return PD_CLIENT_OK;
}

void
pd_client_close(struct pd_client **client)
{
    struct pd_client *c = *client;

    if (c == NULL) return;
    for (int i = 0; i < PORTS; i++) pd_socket_close(&c->sockets[i]);
    zmq_msg_close(&c->answer);
    mp_reader_fini(&c->reader);
    pd_arena_fini(&c->arena);
    zmq_ctx_term(c->context);
    free(c->endpoint);
    free(c);
    *client = NULL;
}

const char *
pd_client_problem(const struct pd_client *client)
{
    return client->problem;
}

enum pd_client_status
pd_client_fail(struct pd_client *client, enum pd_client_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(client->problem, sizeof client->problem, format, args);
    va_end(args);
    return status;
}

/* ---- sockets ------------------------------------------------------------------------------------------------------- */

void *
pd_socket_open(struct pd_client *client, int type, const char *endpoint)
{
    int   linger_ms = 0, send_ms = 0, keepalive = 1, queue = 100000;
    void *socket = zmq_socket(client->context, type);

    if (socket != NULL) {
        zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
        zmq_setsockopt(socket, ZMQ_SNDTIMEO, &send_ms, sizeof send_ms);
        zmq_setsockopt(socket, ZMQ_TCP_KEEPALIVE, &keepalive, sizeof keepalive);
        zmq_setsockopt(socket, ZMQ_RCVHWM, &queue, sizeof queue);
        if (zmq_connect(socket, endpoint) == 0) return socket;
    }
    pd_client_fail(client, PD_CLIENT_BAD_ENDPOINT, "cannot connect to %s: %s", endpoint, zmq_strerror(zmq_errno()));
    pd_socket_close(&socket);
    return NULL;
}

void
pd_socket_close(void **socket)
{
    if (*socket != NULL) zmq_close(*socket);
    *socket = NULL;
}

bool
pd_socket_receive(void *socket, uint64_t timeout_ms, void *head, void *body)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};

    if (zmq_poll(&item, 1, (long)timeout_ms) <= 0) return false;
    for (bool first = true;; first = false) {
        if (!first && head != NULL) zmq_msg_move(head, body);
        if (zmq_msg_recv(body, socket, ZMQ_DONTWAIT) < 0) return false;
        if (!zmq_msg_more(body)) return true;
    }
}

/* ---- calls --------------------------------------------------------------------------------------------------------- */

static uint64_t
now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* The empty frame in front makes the request pass through ZeroMQ proxies. What cannot be sent is sent again later. */
static void
send_request(void *socket, struct pd_text bytes)
{
    if (zmq_send(socket, "", 0, ZMQ_DONTWAIT | ZMQ_SNDMORE) == 0) zmq_send(socket, bytes.data, bytes.size, ZMQ_DONTWAIT);
}

static void
talk(struct pd_client *c, const char *format, ...)
{
    char    line[200];
    va_list args;

    if (c->options.talk == NULL) return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    c->options.talk(c->options.talk_context, line);
}

/* The endpoint of a port, or NULL with the problem noted. */
static const char *
endpoint_of(struct pd_client *c, enum pd_port port, enum pd_client_status *ret_status)
{
    const struct pd_hello_reply *hello;

    *ret_status = PD_CLIENT_OK;
    if (port == PD_port_commands) return c->endpoint;
    if (port != PD_port_queries && port != PD_port_workers) {
        *ret_status = pd_client_fail(c, PD_CLIENT_BAD_ENDPOINT, "messages of this kind are sent by the engine alone");
        return NULL;
    }
    *ret_status = pd_client_hello(c, &hello);
    if (*ret_status != PD_CLIENT_OK) return NULL;
    return port == PD_port_queries ? hello->endpoints->queries.data : hello->endpoints->workers.data;
}

static enum pd_client_status
run_call(struct pd_client *c, struct pd_call *call, const struct pd_client_request *r, const char *endpoint)
{
    void         **socket = &c->sockets[r->port];
    struct pd_text came = {NULL, 0};

    for (;;) {
        if (*socket == NULL && (*socket = pd_socket_open(c, ZMQ_DEALER, endpoint)) == NULL) return PD_CLIENT_BAD_ENDPOINT;
        uint64_t now = now_ms();
        switch (pd_call_step(call, now, came, &c->reader)) {
        case PD_CALL_ANSWERED: return PD_CLIENT_OK;
        case PD_CALL_SEND: send_request(*socket, r->bytes); break;
        case PD_CALL_REOPEN:
            talk(c, "no answer in %" PRIu32 " ms, sending the same command again (id %.*s)", call->timeout_ms,
                 (int)r->id.size, r->id.data);
            pd_socket_close(socket);
            break;
        case PD_CALL_BUSY:
            talk(c, "the engine is busy, sending the same command again (id %.*s)", (int)r->id.size, r->id.data);
            break;
        case PD_CALL_GIVE_UP:
            pd_socket_close(socket);
            return pd_client_fail(c, PD_CLIENT_NO_ANSWER,
                                  "no answer from %s: sent %" PRIu32 " times, waited %" PRIu32 " ms each time (id %.*s)",
                                  endpoint, call->sent, call->timeout_ms, (int)r->id.size, r->id.data);
        case PD_CALL_WAIT:
            came = (struct pd_text){NULL, 0};
            if (pd_socket_receive(*socket, call->wake_ms - now, NULL, &c->answer))
                came = (struct pd_text){zmq_msg_data(&c->answer), zmq_msg_size(&c->answer)};
            continue;
        }
        came = (struct pd_text){NULL, 0};
    }
}

enum pd_client_status
pd_client_call(struct pd_client *client, const struct pd_client_request *request, struct pd_text *ret_answer)
{
    enum pd_client_status status;
    struct pd_call        call;
    const char           *endpoint = endpoint_of(client, request->port, &status);

    if (endpoint == NULL) return status;
    pd_call_init(&call, request->id, client->options.timeout_ms + request->wait_ms, client->options.retries);
    status = run_call(client, &call, request, endpoint);
    if (status == PD_CLIENT_OK) *ret_answer = (struct pd_text){zmq_msg_data(&client->answer), zmq_msg_size(&client->answer)};
    return status;
}

/* ---- Hello --------------------------------------------------------------------------------------------------------- */

static bool
keep_hello(struct pd_client *c, struct pd_text answer)
{
    msgpack_object        o;
    struct pd_refusal     ignored;
    struct pd_hello_reply received;

    if (!mp_parse(&c->reader, answer.data, answer.size, &o)) return false;
    const msgpack_object *data = mp_find(&o, "data");
    if (data == NULL || !pd_decode_map(&c->arena, pd_block_hello_reply(), PD_LENIENT, data, &received, &ignored))
        return false;
    const struct pd_endpoints *e = received.endpoints;
    if (e == NULL || e->events.data == NULL || e->queries.data == NULL || e->workers.data == NULL || received.limits == NULL)
        return false;
    /* The copy's texts end in NUL, as libzmq wants its endpoints. */
    c->hello = PD_ARENA_NEW(&c->arena, struct pd_hello_reply);
    pd_copy_block(&c->arena, pd_block_hello_reply(), &received, c->hello);
    return true;
}

enum pd_client_status
pd_client_hello(struct pd_client *client, const struct pd_hello_reply **ret_hello)
{
    char             id[PD_ID_SIZE];
    struct mp_writer w = {0};
    struct pd_text   answer;

    if (client->hello == NULL) {
        pd_client_new_id(id);
        mp_map(&w, 2);
        mp_key(&w, "type");
        mp_key(&w, "Hello");
        mp_key(&w, "id");
        mp_text(&w, pd_text(id));
        struct pd_client_request request = {PD_port_commands, pd_text(id), {w.data, w.size}, 0};
        enum pd_client_status    status = pd_client_call(client, &request, &answer);
        mp_writer_fini(&w);
        if (status != PD_CLIENT_OK) return status;
        if (!keep_hello(client, answer))
            return pd_client_fail(client, PD_CLIENT_BAD_ANSWER, "%s did not answer Hello as an engine does",
                                  client->endpoint);
    }
    *ret_hello = client->hello;
    return PD_CLIENT_OK;
}
