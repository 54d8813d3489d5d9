#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/lib/socket.h"
#include "clients/lib/state.h"
#include "proto/check.h"

/* ---- which there are ----------------------------------------------------------------------------------------------- */

static int
compare_ids(const void *a, const void *b)
{
    struct pd_text x = ((const struct pd_pending *)a)->step.id, y = ((const struct pd_pending *)b)->step.id;

    if (x.size != y.size) return x.size < y.size ? -1 : 1;
    return memcmp(x.data, y.data, x.size);
}

static struct pd_pending *
find(const struct pd_client *c, struct pd_text id)
{
    const struct pd_pending key = {.step.id = id};
    struct pd_pending     **found = id.size == 0 ? NULL : tfind(&key, &c->by_id, compare_ids);
    return found == NULL ? NULL : *found;
}

/* The one request that is under way on a port; NULL when there are none or several. */
static struct pd_pending *
find_only(const struct pd_client *c, enum pd_port port)
{
    struct pd_pending *only = NULL, *p;

    TAILQ_FOREACH(p, &c->pending, link)
    {
        if (p->port != port) continue;
        if (only != NULL) return NULL;
        only = p;
    }
    return only;
}

static void
complete(struct pd_client *c, struct pd_pending *p, enum pd_client_status status, const msgpack_object *answer)
{
    TAILQ_REMOVE(&c->pending, p, link);
    tdelete(p, &c->by_id, compare_ids);
    c->count--;
    c->completed++;
    p->taker.take(c, p, status, answer);
    free(p);
}

/* ---- sending ------------------------------------------------------------------------------------------------------- */

static void
talk(struct pd_client *c, const char *format, ...)
{
    char    line[200];
    va_list args;

    if (c->options.talk == NULL) return;
    va_start(args, format);
    vsnprintf(line, sizeof line, pd_client_words(c, format), args);
    va_end(args);
    c->options.talk(c->options.talk_context, line);
}

/* NULL: only Hello knows it, and has not answered yet. */
static const char *
endpoint_of(const struct pd_client *c, enum pd_port port)
{
    if (port == PD_port_commands) return c->endpoint;
    if (c->hello == NULL) return NULL;
    return port == PD_port_queries ? c->hello->endpoints->queries.data : c->hello->endpoints->workers.data;
}

/* The empty frame in front makes the request pass through ZeroMQ proxies. What cannot be sent is sent again later. False: the
 * endpoint is none. */
static bool
transmit(struct pd_client *c, struct pd_pending *p, uint64_t now)
{
    const char *endpoint = endpoint_of(c, p->port);
    void      **socket = &c->sockets[p->port];

    p->sent_ms = now;
    if (endpoint == NULL) return pd_hello_start(c) == PD_CLIENT_OK;
    if (*socket == NULL) {
        *socket = pd_socket_open(c, ZMQ_DEALER, endpoint);
        if (*socket == NULL) return false;
        c->spoke_ms[p->port] = now;
        pd_loop_add(c, *socket);
    }
    /* First the frame that takes memory, then the first one to be sent: half a message would be glued to the next. */
    zmq_msg_t body;
    if (zmq_msg_init_size(&body, p->bytes.size) != 0) return true;
    memcpy(zmq_msg_data(&body), p->bytes.data, p->bytes.size);
    if (zmq_send(*socket, "", 0, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0 || zmq_msg_send(&body, *socket, ZMQ_DONTWAIT) < 0)
        zmq_msg_close(&body);
    return true;
}

static void
close_socket(struct pd_client *c, enum pd_port port)
{
    if (c->sockets[port] != NULL) pd_loop_remove(c, c->sockets[port]);
    pd_socket_close(&c->sockets[port]);
}

/* A request has had no answer: its socket may be dead. What else waits on it, and has time left, is sent again. */
static void
renew_socket(struct pd_client *c, const struct pd_pending *late, uint64_t now)
{
    struct pd_pending *p;

    if (c->spoke_ms[late->port] > late->sent_ms) return;
    close_socket(c, late->port);
    TAILQ_FOREACH(p, &c->pending, link)
        if (p != late && p->port == late->port && p->step.waiting && p->step.wake_ms > now) transmit(c, p, now);
}

static void
give_up(struct pd_client *c, struct pd_pending *p, uint64_t now)
{
    const char *endpoint = endpoint_of(c, p->port);

    renew_socket(c, p, now);
    pd_client_fail(c, PD_CLIENT_NO_ANSWER,
                   "no answer from %s: sent %" PRIu32 " times, waited %" PRIu32 " ms each time (id %.*s)",
                   endpoint == NULL ? c->endpoint : endpoint, p->step.sent, p->step.timeout_ms, (int)p->step.id.size,
                   p->step.id.data);
    complete(c, p, PD_CLIENT_NO_ANSWER, NULL);
}

/* ---- one request --------------------------------------------------------------------------------------------------- */

static void
step(struct pd_client *c, struct pd_pending *p, uint64_t now, const msgpack_object *answer)
{
    struct pd_text id = p->step.id;

    for (;; answer = NULL) {
        switch (pd_call_step(&p->step, now, answer)) {
        case PD_CALL_ANSWERED: complete(c, p, PD_CLIENT_OK, answer); return;
        case PD_CALL_GIVE_UP: give_up(c, p, now); return;
        case PD_CALL_SEND:
            if (transmit(c, p, now)) break;
            complete(c, p, PD_CLIENT_BAD_ENDPOINT, NULL);
            return;
        case PD_CALL_REOPEN:
            talk(c, "no answer in %" PRIu32 " ms, sending the same command again (id %.*s)", p->step.timeout_ms, (int)id.size,
                 id.data);
            renew_socket(c, p, now);
            break;
        case PD_CALL_BUSY:
            talk(c, "the engine is busy, sending the same command again (id %.*s)", (int)id.size, id.data);
            break;
        case PD_CALL_WAIT:
            if (p->step.wake_ms < c->wake_ms) c->wake_ms = p->step.wake_ms;
            return;
        }
    }
}

enum pd_client_status
pd_pending_start(struct pd_client *c, const struct pd_pending_options *options, struct pd_taker taker)
{
    struct pd_text id = options->id, bytes = options->bytes;

    if (c->closing) return pd_client_fail(c, PD_CLIENT_CLOSED, "the client is being closed");
    if (id.size == 0) return pd_client_fail(c, PD_CLIENT_BAD_MESSAGE, "the id is empty");
    if (find(c, id) != NULL)
        return pd_client_fail(c, PD_CLIENT_BAD_MESSAGE, "a call with the id %.*s is outstanding", (int)id.size, id.data);
    struct pd_pending *p = malloc(sizeof *p + id.size + bytes.size);
    PD_CHECK(p != NULL);
    memcpy(p->memory, id.data, id.size);
    memcpy(p->memory + id.size, bytes.data, bytes.size);
    p->bytes = (struct pd_text){p->memory + id.size, bytes.size};
    p->port = options->port;
    p->taker = taker;
    p->sent_ms = pd_now_ms();
    pd_call_init(&p->step, (struct pd_text){p->memory, id.size}, options->timeout_ms, c->options.retries);

    /* The first step sends; an endpoint that is none is told at once. */
    PD_CHECK(pd_call_step(&p->step, p->sent_ms, NULL) == PD_CALL_SEND);
    if (!transmit(c, p, p->sent_ms)) {
        free(p);
        return PD_CLIENT_BAD_ENDPOINT;
    }
    TAILQ_INSERT_TAIL(&c->pending, p, link);
    PD_CHECK(tsearch(p, &c->by_id, compare_ids) != NULL);
    c->count++;
    if (p->step.wake_ms < c->wake_ms) c->wake_ms = p->step.wake_ms;
    return PD_CLIENT_OK;
}

/* ---- all of them --------------------------------------------------------------------------------------------------- */

static void
take_answer(struct pd_client *c, enum pd_port port, uint64_t now)
{
    msgpack_object     o;
    struct pd_pending *p;

    c->spoke_ms[port] = now;
    if (!mp_parse(&c->reader, zmq_msg_data(&c->answer), zmq_msg_size(&c->answer), &o)) return;
    struct pd_text id = pd_call_answer_id(&o);
    p = id.data != NULL ? find(c, id) : find_only(c, port);
    if (p != NULL && p->port == port) step(c, p, now, &o);
}

/* Completions take requests away, but only their own, and add new ones at the end. */
static void
step_due(struct pd_client *c, uint64_t now)
{
    if (now < c->wake_ms) return;
    c->wake_ms = UINT64_MAX;
    for (struct pd_pending *p = TAILQ_FIRST(&c->pending), *next; p != NULL; p = next) {
        next = TAILQ_NEXT(p, link);
        step(c, p, now, NULL);
    }
}

/* Answers that are here come before time-outs: a program that was away for long has not lost them. A port that never falls
 * silent has its turn for as many as can be outstanding. */
void
pd_pending_drive(struct pd_client *c)
{
    uint64_t now = pd_now_ms();

    for (int port = 0; port < PORTS; port++)
        for (uint32_t n = 0; n <= c->options.outstanding && c->sockets[port] != NULL; n++) {
            if (!pd_socket_receive(c->sockets[port], NULL, &c->answer)) break;
            take_answer(c, (enum pd_port)port, now);
        }
    step_due(c, now);
}

bool
pd_pending_wait(struct pd_client *c, uint64_t until_ms)
{
    zmq_pollitem_t items[PORTS];
    int            count = 0;
    uint64_t       now = pd_now_ms();

    if (until_ms > c->wake_ms) until_ms = c->wake_ms;
    if (until_ms <= now) return true;
    for (int port = 0; port < PORTS; port++)
        if (c->sockets[port] != NULL) items[count++] = (zmq_pollitem_t){.socket = c->sockets[port], .events = ZMQ_POLLIN};
    return zmq_poll(items, count, (long)(until_ms - now)) >= 0 || zmq_errno() != EINTR;
}

void
pd_pending_send_waiting(struct pd_client *c)
{
    struct pd_pending *p;
    uint64_t           now = pd_now_ms();

    TAILQ_FOREACH(p, &c->pending, link)
        if (p->port != PD_port_commands && p->step.waiting) transmit(c, p, now);
}

void
pd_pending_end(struct pd_client *c, enum pd_client_status status)
{
    while (!TAILQ_EMPTY(&c->pending)) complete(c, TAILQ_FIRST(&c->pending), status, NULL);
    for (int port = 0; port < PORTS; port++) close_socket(c, (enum pd_port)port);
}
