#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/lib/socket.h"
#include "clients/lib/state.h"
#include "proto/check.h"

/* ---- which there are ----------------------------------------------------------------------------------------------- */

/* Ids are the program's own: nobody makes them alike on purpose. */
static uint64_t
hash_of(struct pd_text id)
{
    uint64_t hash = id.size;

    for (size_t at = 0; at < id.size; at += 8) {
        uint64_t word = 0;
        memcpy(&word, id.data + at, id.size - at < 8 ? id.size - at : 8);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 32;
    }
    return hash;
}

/* What points to the request of an id, or to NULL behind the others with such a hash. */
static struct pd_pending **
place_of(const struct pd_client *c, struct pd_text id, uint64_t hash)
{
    struct pd_pending **place = &c->by_id[hash & (c->id_slots - 1)];
    while (*place != NULL && ((*place)->hash != hash || !pd_text_equal((*place)->step.id, id))) place = &(*place)->beside;
    return place;
}

static struct pd_pending *
find(const struct pd_client *c, struct pd_text id)
{
    return id.size == 0 ? NULL : *place_of(c, id, hash_of(id));
}

/* The one request that waits for an answer from a port; NULL when there are none or several. */
static struct pd_pending *
find_only(const struct pd_client *c, enum pd_port port)
{
    struct pd_pending *only = NULL, *p;

    TAILQ_FOREACH(p, &c->pending, link)
    {
        if (p->port != port || !p->step.waiting) continue;
        if (only != NULL) return NULL;
        only = p;
    }
    return only;
}

static void
complete(struct pd_client *c, struct pd_pending *p, enum pd_client_status status, const msgpack_object *answer)
{
    pd_sending_forget(c, p);
    TAILQ_REMOVE(&c->pending, p, link);
    *place_of(c, p->step.id, p->hash) = p->beside;
    c->count--;
    c->completed++;
    p->taker.take(c, p, status, answer);
    free(p);
}

/* ---- one request --------------------------------------------------------------------------------------------------- */

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

static void
give_up(struct pd_client *c, struct pd_pending *p, uint64_t now)
{
    const char *endpoint = pd_sending_endpoint(c, p->port);

    pd_sending_renew(c, p, now);
    pd_client_fail(c, PD_CLIENT_NO_ANSWER,
                   "no answer from %s: sent %" PRIu32 " times, waited %" PRIu32 " ms each time (id %.*s)",
                   endpoint == NULL ? c->endpoint : endpoint, p->step.sent, p->step.timeout_ms, (int)p->step.id.size,
                   p->step.id.data);
    complete(c, p, PD_CLIENT_NO_ANSWER, NULL);
}

static void
step(struct pd_client *c, struct pd_pending *p, uint64_t now, const msgpack_object *answer)
{
    struct pd_text id = p->step.id;

    for (;; answer = NULL) {
        /* Its time begins when its turn has come. */
        if (p->port == PD_port_commands && pd_call_is_to_send(&p->step, now)) {
            if (!p->queued) pd_sending_queue(c, p);
            return;
        }
        switch (pd_call_step(&p->step, now, answer)) {
        case PD_CALL_ANSWERED: complete(c, p, PD_CLIENT_OK, answer); return;
        case PD_CALL_GIVE_UP: give_up(c, p, now); return;
        case PD_CALL_SEND:
            p->sent_ms = now;
            if (pd_sending_alone(c, p, now)) break;
            complete(c, p, PD_CLIENT_BAD_ENDPOINT, NULL);
            return;
        case PD_CALL_REOPEN:
            talk(c, "no answer in %" PRIu32 " ms, sending the same command again (id %.*s)", p->step.timeout_ms, (int)id.size,
                 id.data);
            pd_sending_forget(c, p);
            pd_sending_renew(c, p, now);
            break;
        case PD_CALL_BUSY:
            talk(c, "the engine is busy, sending the same command again (id %.*s)", (int)id.size, id.data);
            pd_sending_forget(c, p);
            break;
        case PD_CALL_WAIT:
            if (p->step.wake_ms < c->wake_ms) c->wake_ms = p->step.wake_ms;
            return;
        }
    }
}

/* ---- beginning ----------------------------------------------------------------------------------------------------- */

static struct pd_pending *
make(const struct pd_client *c, const struct pd_pending_options *o, struct pd_taker taker)
{
    struct pd_pending *p = malloc(sizeof *p + o->id.size + o->bytes.size);

    PD_CHECK(p != NULL);
    struct pd_text id = {p->memory, o->id.size}, bytes = {p->memory + o->id.size, o->bytes.size};
    *p = (struct pd_pending){.hash = hash_of(o->id), .port = o->port, .joins = o->joins, .held = o->wait_ms > 0,
                             .bytes = bytes, .taker = taker};
    memcpy(p->memory, o->id.data, id.size);
    memcpy(p->memory + id.size, o->bytes.data, bytes.size);
    /* The answer may be held as long as the engine was asked to. */
    pd_call_init(&p->step, id, o->wait_ms > UINT32_MAX - o->timeout_ms ? UINT32_MAX : o->timeout_ms + (uint32_t)o->wait_ms,
                 c->options.retries);
    return p;
}

enum pd_client_status
pd_pending_start(struct pd_client *c, const struct pd_pending_options *options, struct pd_taker taker)
{
    struct pd_text id = options->id;
    uint64_t       now = pd_now_ms();

    if (c->closing) return pd_client_fail(c, PD_CLIENT_CLOSED, "the client is being closed");
    if (id.size == 0) return pd_client_fail(c, PD_CLIENT_BAD_MESSAGE, "the id is empty");
    if (find(c, id) != NULL)
        return pd_client_fail(c, PD_CLIENT_BAD_MESSAGE, "a call with the id %.*s is outstanding", (int)id.size, id.data);
    /* An endpoint that is none is told at once. */
    if (!pd_sending_reach(c, options->port, now)) return PD_CLIENT_BAD_ENDPOINT;
    struct pd_pending *p = make(c, options, taker);
    TAILQ_INSERT_TAIL(&c->pending, p, link);
    *place_of(c, p->step.id, p->hash) = p;
    c->count++;
    step(c, p, now, NULL);
    if (!c->driving) pd_sending_flush(c, true);
    return PD_CLIENT_OK;
}

/* ---- all of them --------------------------------------------------------------------------------------------------- */

/* An array of answers is taken apart, unless it is the one answer to bytes that were sent as one request. */
static void
take_answer(struct pd_client *c, enum pd_port port, uint64_t now)
{
    msgpack_object o;

    c->spoke_ms[port] = now;
    c->packed = (struct pd_text){zmq_msg_data(&c->answer), zmq_msg_size(&c->answer)};
    if (!mp_parse(&c->reader, c->packed.data, c->packed.size, &o)) return;
    struct pd_text     id = pd_call_answer_id(&o);
    struct pd_pending *p = id.data != NULL ? find(c, id) : find_only(c, port);
    if (o.type != MSGPACK_OBJECT_ARRAY || (p != NULL && !p->joins)) {
        if (p != NULL && p->port == port) step(c, p, now, &o);
        return;
    }
    struct mp_cursor answers = mp_cursor_of(c->packed);
    (void)mp_take_array(&answers);
    for (uint32_t i = 0; i < o.via.array.size; i++) {
        const msgpack_object *answer = &o.via.array.ptr[i];
        c->packed = mp_take_packed(&answers);
        p = find(c, pd_call_answer_id(answer));
        if (p != NULL && p->port == port && p->joins) step(c, p, now, answer);
    }
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
static void
receive(struct pd_client *c, enum pd_port port, uint64_t now)
{
    size_t last = c->completed + c->options.outstanding;

    for (uint32_t n = 0; n <= c->options.outstanding && c->completed <= last && c->sockets[port] != NULL; n++) {
        if (!pd_socket_receive(c->sockets[port], NULL, &c->answer)) break;
        take_answer(c, port, now);
        pd_sending_flush(c, true);
    }
}

/* What callbacks start waits until the answer that has called them is taken apart. */
void
pd_pending_drive(struct pd_client *c)
{
    uint64_t now = pd_now_ms();

    c->driving = true;
    for (int port = 0; port < PORTS; port++) receive(c, (enum pd_port)port, now);
    step_due(c, now);
    c->driving = false;
    pd_sending_flush(c, false);
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
pd_pending_end(struct pd_client *c, enum pd_client_status status)
{
    while (!TAILQ_EMPTY(&c->pending)) complete(c, TAILQ_FIRST(&c->pending), status, NULL);
    for (int port = 0; port < PORTS; port++) pd_sending_close(c, (enum pd_port)port);
}
