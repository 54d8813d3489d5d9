/* sending.c - requests on their way out: over which socket, and which of them in one message.
 *
 * A message costs the engine more than a command does, so commands go together where that delays none. While nothing is under
 * way on the commands port a request is sent as it is started, alone. While something is, requests gather in the queue until
 * there are enough for an array, or until the client is driven, as it is when an answer has come: then all that wait go, in the
 * order in which they were started. No time is waited for. What the engine was asked to hold is not under way in this sense.
 *
 * Several arrays may be under way, but no more requests than half of what an engine has room for: it would tell everybody to come
 * later. Those that are too many stay in the queue; their time begins when they are sent. */
#include "clients/lib/socket.h"
#include "clients/lib/state.h"
#include "proto/check.h"
#include "proto/limits.h"

enum {
    ARRAY_MOST = 256,      /* requests in a message; more of them make nothing cheaper, and an answer waits for its last */
    HEAD_MOST = 3,         /* bytes of an array before its elements */
    /* A byte at least for each of the elements that the engine takes in a message: no array has too many of them. */
    ARRAY_BYTES = PD_ELEMENTS_MAX - HEAD_MOST,
    UNDER_WAY_MOST = 8192,
};

/* ---- sockets ------------------------------------------------------------------------------------------------------- */

const char *
pd_sending_endpoint(const struct pd_client *c, enum pd_port port)
{
    if (port == PD_port_commands) return c->endpoint;
    if (c->hello == NULL) return NULL;
    return port == PD_port_queries ? c->hello->endpoints->queries.data : c->hello->endpoints->workers.data;
}

bool
pd_sending_reach(struct pd_client *c, enum pd_port port, uint64_t now)
{
    const char *endpoint = pd_sending_endpoint(c, port);

    if (endpoint == NULL) return pd_hello_start(c) == PD_CLIENT_OK;
    if (c->sockets[port] != NULL) return true;
    c->sockets[port] = pd_socket_open(c, ZMQ_DEALER, endpoint);
    if (c->sockets[port] == NULL) return false;
    c->spoke_ms[port] = now;
    pd_loop_add(c, c->sockets[port]);
    return true;
}

void
pd_sending_close(struct pd_client *c, enum pd_port port)
{
    if (c->sockets[port] != NULL) pd_loop_remove(c, c->sockets[port]);
    pd_socket_close(&c->sockets[port]);
}

/* The empty frame in front makes the request pass through ZeroMQ proxies. What cannot be sent is sent again later. */
static void
send_body(struct pd_client *c, enum pd_port port, zmq_msg_t *body)
{
    void *socket = c->sockets[port];

    if (socket == NULL || zmq_send(socket, "", 0, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0 || zmq_msg_send(body, socket, ZMQ_DONTWAIT) < 0)
        zmq_msg_close(body);
}

/* ---- a request alone ----------------------------------------------------------------------------------------------- */

bool
pd_sending_alone(struct pd_client *c, struct pd_pending *p, uint64_t now)
{
    zmq_msg_t body;

    if (!pd_sending_reach(c, p->port, now)) return false;
    /* First the frame that takes memory, then the first one to be sent: half a message would be glued to the next. */
    if (c->sockets[p->port] == NULL || zmq_msg_init_size(&body, p->bytes.size) != 0) return true;
    memcpy(zmq_msg_data(&body), p->bytes.data, p->bytes.size);
    send_body(c, p->port, &body);
    return true;
}

void
pd_sending_waiting(struct pd_client *c)
{
    struct pd_pending *p;
    uint64_t           now = pd_now_ms();

    TAILQ_FOREACH(p, &c->pending, link)
    {
        if (p->port == PD_port_commands || !p->step.waiting) continue;
        p->sent_ms = now;
        pd_sending_alone(c, p, now);
    }
}

/* ---- the queue of the commands port -------------------------------------------------------------------------------- */

void
pd_sending_queue(struct pd_client *c, struct pd_pending *p)
{
    PD_CHECK(p->port == PD_port_commands && !p->queued);
    TAILQ_INSERT_TAIL(&c->queue, p, queue_link);
    p->queued = true;
    c->queued++;
}

void
pd_sending_forget(struct pd_client *c, struct pd_pending *p)
{
    if (p->queued) {
        TAILQ_REMOVE(&c->queue, p, queue_link);
        c->queued--;
    }
    if (p->under_way) c->under_way--;
    p->queued = p->under_way = false;
}

/* What had no answer goes alone the next time: if its message was what the engine did not like, it stands in nobody's way. */
static bool
may_join(const struct pd_pending *p)
{
    return p->joins && p->step.sent == (p->step.waiting ? 1 : 0);
}

/* How many of those that wait longest are the next message, and its size. */
static size_t
choose(const struct pd_client *c, size_t *ret_size)
{
    const struct pd_pending *p = TAILQ_FIRST(&c->queue);
    size_t                   count = 1, size = p->bytes.size;

    for (const struct pd_pending *next; may_join(p) && count < ARRAY_MOST; p = next) {
        next = TAILQ_NEXT(p, queue_link);
        if (next == NULL || !may_join(next) || size + next->bytes.size > ARRAY_BYTES) break;
        count++;
        size += next->bytes.size;
    }
    *ret_size = size + (count == 1 ? 0 : count < 16 ? 1 : HEAD_MOST);
    return count;
}

/* The time for the answer begins; one that is only sent over another socket has what is left of it. */
static void
mark_sent(struct pd_client *c, struct pd_pending *p, uint64_t now)
{
    pd_sending_forget(c, p);
    if (!p->step.waiting) {
        PD_CHECK(pd_call_step(&p->step, now, NULL) == PD_CALL_SEND);
        p->sent_ms = now;
    }
    if (p->step.wake_ms < c->wake_ms) c->wake_ms = p->step.wake_ms;
    p->under_way = !p->held;
    c->under_way += p->under_way;
}

static void
send_next(struct pd_client *c, uint64_t now)
{
    size_t           size, count = choose(c, &size);
    zmq_msg_t        body;
    bool             room = zmq_msg_init_size(&body, size) == 0;
    struct mp_writer w = {.data = room ? zmq_msg_data(&body) : NULL, .capacity = size};

    if (room && count > 1) mp_array(&w, count);
    for (size_t i = 0; i < count; i++) {
        struct pd_pending *p = TAILQ_FIRST(&c->queue);
        if (room) mp_raw(&w, p->bytes.data, p->bytes.size);
        mark_sent(c, p, now);
    }
    if (!room) return;
    PD_CHECK(w.size == size);
    send_body(c, PD_port_commands, &body);
}

bool
pd_sending_has(const struct pd_client *c)
{
    return c->queued > 0 && c->under_way < UNDER_WAY_MOST;
}

void
pd_sending_flush(struct pd_client *c, bool full)
{
    if (!pd_sending_has(c)) return;
    uint64_t now = pd_now_ms();
    pd_sending_reach(c, PD_port_commands, now);
    while (pd_sending_has(c) && (!full || c->under_way == 0 || c->queued >= ARRAY_MOST)) send_next(c, now);
}

/* ---- another socket ------------------------------------------------------------------------------------------------ */

/* Those that are sent again were started before those that wait: the queue is made anew, in the order of starts. */
static void
queue_again(struct pd_client *c, const struct pd_pending *late, uint64_t now)
{
    struct pd_pending *p;

    TAILQ_INIT(&c->queue);
    c->queued = 0;
    TAILQ_FOREACH(p, &c->pending, link)
    {
        bool again = p != late && p->port == PD_port_commands && p->step.waiting && p->step.wake_ms > now;
        if (!again && !p->queued) continue;
        p->queued = false; /* in the one before */
        pd_sending_forget(c, p);
        pd_sending_queue(c, p);
    }
}

void
pd_sending_renew(struct pd_client *c, const struct pd_pending *late, uint64_t now)
{
    struct pd_pending *p;

    if (c->spoke_ms[late->port] > late->sent_ms) return;
    pd_sending_close(c, late->port);
    c->spoke_ms[late->port] = now; /* once for all whose time is over now */
    if (late->port == PD_port_commands) {
        queue_again(c, late, now);
        return;
    }
    TAILQ_FOREACH(p, &c->pending, link)
        if (p != late && p->port == late->port && p->step.waiting && p->step.wake_ms > now) pd_sending_alone(c, p, now);
}
