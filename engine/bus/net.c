#include "engine/bus/net.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <zmq.h>

#include "engine/base/log.h"
#include "engine/bus/door.h"
#include "proto/check.h"

enum {
    PORT_COMMANDS, PORT_QUERIES, PORT_WORKERS, PORT_EVENTS, /* indices of sockets */
    DRAIN_MAX = 256,      /* messages taken from a socket before the others have their turn */
    HAND_OVER = 32,       /* messages that are handed to the working side together */
    STOP_MS = 5000,       /* how long a stop waits for what was received to be answered */
    HEARTBEAT_MS = 1000,
    FRAMES_MAX = PD_ENVELOPE_MAX + 3, /* identity, addresses, empty, body */
};

static const enum pd_port ports[] = {PD_port_commands, PD_port_queries, PD_port_workers};

struct net {
    void             *context;
    void             *sockets[NET_PORTS], *monitors[NET_PORTS];
    char              endpoints[NET_PORTS][256];
    struct net_parts  parts;
    struct door       door;
    struct mp_writer  writer;
    struct pd_arena   arena; /* for what is answered at once */
    uint64_t          heartbeat_ms, refused_subscriptions;
    bool              stopping;
};

/* ---- opening ------------------------------------------------------------------------------------------------------- */

static bool
set(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool
configure(void *socket, int port)
{
    int64_t max = PD_FRAME_MAX;
    bool    events = port == PORT_EVENTS;

    return set(socket, ZMQ_LINGER, 2000) && set(socket, ZMQ_RCVHWM, 10000) && set(socket, ZMQ_SNDHWM, events ? 50000 : 20000) &&
           set(socket, ZMQ_SNDTIMEO, 0) && set(socket, ZMQ_BACKLOG, 1024) && set(socket, ZMQ_HANDSHAKE_IVL, 3000) &&
           set(socket, ZMQ_TCP_KEEPALIVE, 1) && set(socket, ZMQ_TCP_KEEPALIVE_IDLE, 30) &&
           set(socket, ZMQ_TCP_KEEPALIVE_INTVL, 10) && set(socket, ZMQ_TCP_KEEPALIVE_CNT, 3) &&
           zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max, sizeof max) == 0 &&
           set(socket, events ? ZMQ_XPUB_MANUAL : ZMQ_ROUTER_MANDATORY, 1);
}

static bool
bind_port(struct net *n, int port, const char *endpoint)
{
    static const char *const names[] = {"commands", "queries", "workers", "events"};
    char                     address[64];
    size_t                   size = sizeof n->endpoints[port];

    n->sockets[port] = zmq_socket(n->context, port == PORT_EVENTS ? ZMQ_XPUB : ZMQ_ROUTER);
    if (n->sockets[port] == NULL || !configure(n->sockets[port], port)) {
        log_error("socket_failed", "port=%s error=\"%s\"", names[port], zmq_strerror(errno));
        return false;
    }
    snprintf(address, sizeof address, "inproc://monitor-%d", port);
    zmq_socket_monitor(n->sockets[port], address, ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_ACCEPT_FAILED);
    n->monitors[port] = zmq_socket(n->context, ZMQ_PAIR);
    if (n->monitors[port] == NULL || !set(n->monitors[port], ZMQ_LINGER, 0) || zmq_connect(n->monitors[port], address) != 0) {
        log_error("socket_failed", "port=%s error=\"%s\"", names[port], zmq_strerror(errno));
        return false;
    }
    if (zmq_bind(n->sockets[port], endpoint) != 0) {
        log_error("bind_failed", "port=%s endpoint=\"%s\" error=\"%s\" hint=\"%s\"", names[port], endpoint, zmq_strerror(errno),
                  errno == EADDRINUSE      ? "another program has it; choose another endpoint"
                  : errno == ENAMETOOLONG ? "an ipc path has at most 107 bytes"
                                          : "see --help");
        return false;
    }
    zmq_getsockopt(n->sockets[port], ZMQ_LAST_ENDPOINT, n->endpoints[port], &size);
    return true;
}

bool
net_open(const struct net_options *options, struct net **ret_net)
{
    struct net *n = calloc(1, sizeof *n);
    bool        ok = true;
    mode_t      mask = umask(0077); /* an ipc socket is its owner's */

    PD_CHECK(n != NULL && (n->context = zmq_ctx_new()) != NULL);
    pd_arena_init(&n->arena);
    for (int port = 0; port < NET_PORTS && ok; port++) ok = bind_port(n, port, options->endpoints[port]);
    umask(mask);
    if (!ok) net_close(&n);
    else *ret_net = n;
    return ok;
}

void
net_close(struct net **net)
{
    struct net *n = *net;
    if (n == NULL) return;
    for (int port = 0; port < NET_PORTS; port++) {
        if (n->sockets[port] != NULL) zmq_socket_monitor(n->sockets[port], NULL, 0);
        if (n->monitors[port] != NULL) zmq_close(n->monitors[port]);
        if (n->sockets[port] != NULL) zmq_close(n->sockets[port]);
    }
    zmq_ctx_term(n->context);
    door_fini(&n->door);
    mp_writer_fini(&n->writer);
    pd_arena_fini(&n->arena);
    free(n);
    *net = NULL;
}

const char *
net_endpoint(const struct net *n, int port)
{
    return n->endpoints[port];
}

/* ---- sending ------------------------------------------------------------------------------------------------------- */

/* A frame of a message. Where memory ends in the midst of one, the next would be glued to it and go to somebody else. */
static bool
send_frame(void *socket, struct pd_text bytes, int flags)
{
    int n = zmq_send(socket, bytes.data, bytes.size, flags | ZMQ_DONTWAIT);
    PD_CHECK(n >= 0 || errno != ENOMEM);
    return n >= 0;
}

/* An address is what stands before the body: for each frame its size in a byte, and its bytes. */
static bool
send_address(void *socket, struct pd_text address)
{
    for (size_t at = 0; at < address.size;) {
        size_t size = (unsigned char)address.data[at++];
        if (!send_frame(socket, (struct pd_text){address.data + at, size}, ZMQ_SNDMORE)) return false;
        at += size;
    }
    return true;
}

static void
send_to(struct net *n, int port, struct pd_text address, struct pd_text body)
{
    if (!send_address(n->sockets[port], address) || !send_frame(n->sockets[port], body, 0))
        atomic_fetch_add(&n->parts.measures->undeliverable[port], 1); /* gone, or not reading: it asks again with the same id */
}

static void
refuse_now(struct net *n, int port, struct pd_text address, struct pd_text id, const struct pd_refusal *refusal)
{
    mp_writer_clear(&n->writer);
    pd_encode_refused(&n->writer, id, refusal);
    measures_refused(n->parts.measures, refusal->code);
    send_to(n, port, address, (struct pd_text){n->writer.data, n->writer.size});
}

/* An array's answer is complete when its last slot is committed. */
static bool
send_array(struct net *n, int port, struct slots *slots, size_t first, uint32_t count)
{
    struct slot *last = slots_committed(slots, first + count - 1);
    if (last == NULL) return false;
    mp_writer_clear(&n->writer);
    mp_array(&n->writer, count);
    for (size_t i = 0; i < count; i++) {
        const struct slot *slot = slots_committed(slots, first + i);
        mp_raw(&n->writer, slot->request.answer.data, slot->request.answer.size);
    }
    send_to(n, port, last->request.address, (struct pd_text){n->writer.data, n->writer.size});
    return true;
}

static int
port_of(enum pd_port port)
{
    return port == PD_port_queries ? PORT_QUERIES : port == PD_port_workers ? PORT_WORKERS : PORT_COMMANDS;
}

/* Sends the answers that are committed and frees their slots. */
static void
send_committed(struct net *n, struct slots *slots)
{
    size_t       done = 0, bytes = 0;
    struct slot *slot;

    while ((slot = slots_committed(slots, done)) != NULL) {
        int    port = port_of(slot->request.port);
        size_t count = slot->array_count > 0 ? slot->array_count : 1;
        if (slot->array_count > 0) {
            if (!send_array(n, port, slots, done, slot->array_count)) break;
        } else if (slot->request.answer.data != NULL) send_to(n, port, slot->request.address, slot->request.answer);
        struct slot *last = slots_committed(slots, done + count - 1);
        bytes += last->body_size;
        free(last->body);
        last->body = NULL;
        done += count;
    }
    if (done > 0) slots_release(slots, done, bytes);
}

static void
send_outgoing(void *arg, int where, struct pd_text address, struct pd_text body)
{
    struct net *n = arg;
    if (where != OUTBOX_EVENTS) {
        send_to(n, port_of((enum pd_port)where), address, body);
        return;
    }
    /* XPUB drops for a slow subscriber: a hint, and positions show the gap. */
    if (send_frame(n->sockets[PORT_EVENTS], address, ZMQ_SNDMORE)) send_frame(n->sockets[PORT_EVENTS], body, 0);
}

static void
send_heartbeats(struct net *n, struct now now)
{
    char           topic[PD_TOPIC_MAX];
    struct pd_text id;
    uint64_t       head;

    if (now.monotonic_ms < n->heartbeat_ms + HEARTBEAT_MS) return;
    n->heartbeat_ms = now.monotonic_ms;
    if (!subscriptions_any(n->parts.subscriptions)) return;
    pd_arena_reset(&n->arena);
    for (uint64_t scope = 0; scopes_head(n->parts.scopes, scope, &n->arena, &id, &head); scope++) {
        if (!subscriptions_in_scope(n->parts.subscriptions, id)) continue;
        int size = snprintf(topic, sizeof topic, "%.*s/~head", (int)id.size, id.data);
        mp_writer_clear(&n->writer);
        pd_encode_heartbeat(&n->writer, head, now.wall_us, n->parts.log);
        send_outgoing(n, OUTBOX_EVENTS, (struct pd_text){topic, (size_t)size}, (struct pd_text){n->writer.data, n->writer.size});
    }
}

/* ---- receiving ----------------------------------------------------------------------------------------------------- */

struct incoming {
    zmq_msg_t frames[FRAMES_MAX];
    int       count; /* all of them, also those beyond FRAMES_MAX, which are thrown away */
};

static bool
receive(void *socket, struct incoming *in)
{
    int more = 1;
    for (in->count = 0; more; in->count++) {
        zmq_msg_t  extra, *frame = in->count < FRAMES_MAX ? &in->frames[in->count] : &extra;
        zmq_msg_init(frame);
        if (zmq_msg_recv(frame, socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(frame);
            break;
        }
        more = zmq_msg_more(frame);
        if (frame == &extra) zmq_msg_close(frame);
    }
    return in->count > 0;
}

static struct pd_text
frame_text(struct incoming *in, int i)
{
    return (struct pd_text){zmq_msg_data(&in->frames[i]), zmq_msg_size(&in->frames[i])};
}

/* Packs the first `count` frames as an address. False: one is too long to be one. */
static bool
pack_address(struct incoming *in, int count, struct pd_arena *arena, struct pd_text *ret_address)
{
    size_t size = 0;
    char  *at;

    for (int i = 0; i < count; i++) {
        if (frame_text(in, i).size > PD_IDENTITY_MAX) return false;
        size += 1 + frame_text(in, i).size;
    }
    *ret_address = (struct pd_text){at = pd_arena_alloc(arena, size), size};
    for (int i = 0; i < count; i++) {
        struct pd_text frame = frame_text(in, i);
        *at++ = (char)frame.size;
        if (frame.size > 0) memcpy(at, frame.data, frame.size);
        at += frame.size;
    }
    return true;
}

/* The identity, up to four addresses, an empty frame, the body; or the identity and the body. Returns the body's place, or 0;
 * *ret_address_count is how many frames to answer to, 0 when that cannot be told. */
static int
find_body(struct incoming *in, int *ret_address_count)
{
    int known = in->count < FRAMES_MAX ? in->count : FRAMES_MAX;
    int empty = 0;

    for (int i = 1; i < known && empty == 0; i++)
        if (zmq_msg_size(&in->frames[i]) == 0) empty = i;
    *ret_address_count = empty > 0 ? empty + 1 : known > 0 ? 1 : 0;
    if (empty > 0) return empty - 1 <= PD_ENVELOPE_MAX && in->count == empty + 2 ? empty + 1 : 0;
    return in->count == 2 ? 1 : 0;
}

/* Decodes an array's commands into slots of their own; the last one owns the frame. */
static void
take_array(struct net *n, struct slots *slots, int port, struct pd_text address, struct pd_text frame)
{
    struct pd_refusal refusal;
    size_t            count, size = frame.size;
    char             *body = malloc(size);

    PD_CHECK(body != NULL);
    memcpy(body, frame.data, size);
    if (!door_open(&n->door, ports[port], (struct pd_text){body, size}, &count, &refusal)) {
        refuse_now(n, port, address, (struct pd_text){NULL, 0}, &refusal);
        free(body);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct slot *slot = slots_free(slots, i);
        PD_CHECK(slot != NULL); /* not crowded: there is room for any array */
        door_take(&n->door, ports[port], i, true, &slot->arena, &slot->request);
        slot->array_index = (uint32_t)i;
        slot->array_count = (uint32_t)count;
        if (i + 1 < count) continue;
        slot->body = body;
        slot->body_size = size;
        slot->request.address = pd_arena_text(&slot->arena, address);
    }
    slots_receive(slots, count, size);
}

static void
take_single(struct net *n, struct slots *slots, int port, struct pd_text address, struct pd_text body)
{
    struct slot      *slot = slots_free(slots, 0);
    struct pd_refusal refusal;
    size_t            count;

    PD_CHECK(slot != NULL);
    body = pd_arena_text(&slot->arena, body);
    slot->body_size = body.size;
    slot->request.port = ports[port];
    slot->request.address = pd_arena_text(&slot->arena, address);
    if (!door_open(&n->door, ports[port], body, &count, &refusal)) slot->request.refusal = refusal;
    else door_take(&n->door, ports[port], 0, false, &slot->arena, &slot->request);
    slots_receive(slots, 1, body.size);
}

/* Above the mark, and at a stop, nothing is queued: every command is told to come again. */
static void
answer_later(struct net *n, int port, struct pd_text address, struct pd_text body)
{
    struct pd_refusal later = pd_refuse(n->stopping ? PD_E_shutting_down : PD_E_busy), refusal;
    size_t            count;
    struct mp_writer  answers = {0};

    later.retry_after_ms = 100;
    if (!door_open(&n->door, ports[port], body, &count, &refusal)) {
        refuse_now(n, port, address, (struct pd_text){NULL, 0}, &refusal);
        return;
    }
    if (count > 0) mp_array(&answers, count);
    for (size_t i = 0; i < (count > 0 ? count : 1); i++) {
        struct request r = {0};
        door_take(&n->door, ports[port], i, count > 0, &n->arena, &r);
        const struct pd_refusal *why = r.refusal.code != PD_OK ? &r.refusal : &later;
        pd_encode_refused(&answers, r.message.envelope.id, why);
        measures_refused(n->parts.measures, why->code);
    }
    send_to(n, port, address, (struct pd_text){answers.data, answers.size});
    mp_writer_fini(&answers);
}

static bool
is_array(struct pd_text body)
{
    unsigned char first = body.size > 0 ? (unsigned char)body.data[0] : 0;
    return (first & 0xf0) == 0x90 || first == 0xdc || first == 0xdd;
}

static void
take_message(struct net *n, int port, struct incoming *in)
{
    struct slots     *slots = port == PORT_QUERIES ? n->parts.queries : n->parts.commands;
    int               address_count, at = find_body(in, &address_count);
    struct pd_text    address;
    struct pd_refusal refusal;

    pd_arena_reset(&n->arena);
    if (address_count == 0 || !pack_address(in, address_count, &n->arena, &address)) {
        atomic_fetch_add(&n->parts.measures->unaddressed[port], 1);
        log_warn("unaddressed", "port=%d frames=%d", port, in->count);
    } else if (at == 0) {
        refusal = pd_refuse_field(PD_E_malformed_message, NULL, "%d frames: an envelope and one body are expected", in->count - 1);
        refuse_now(n, port, address, (struct pd_text){NULL, 0}, &refusal);
    } else if (n->stopping || slots_is_crowded(slots)) answer_later(n, port, address, frame_text(in, at));
    else if (is_array(frame_text(in, at))) take_array(n, slots, port, address, frame_text(in, at));
    else take_single(n, slots, port, address, frame_text(in, at));
}

static void
drain(struct net *n, int port)
{
    struct incoming in;
    for (int i = 0; i < DRAIN_MAX && receive(n->sockets[port], &in); i++) {
        take_message(n, port, &in);
        for (int f = 0; f < in.count && f < FRAMES_MAX; f++) zmq_msg_close(&in.frames[f]);
        if (i % HAND_OVER == HAND_OVER - 1) slots_hand_over(port == PORT_QUERIES ? n->parts.queries : n->parts.commands);
    }
    slots_hand_over(port == PORT_QUERIES ? n->parts.queries : n->parts.commands);
}

/* Who subscribes to what may not be is not told, ZeroMQ has no way to: he hears no heartbeat. Said in the log the 1st, 2nd, 4th ...
 * time, so that nobody fills it. */
static void
refuse_subscription(struct net *n, struct pd_text prefix)
{
    n->refused_subscriptions++;
    if ((n->refused_subscriptions & (n->refused_subscriptions - 1)) != 0) return;
    log_warn("subscription_refused", "prefix_bytes=%zu times=%" PRIu64 " hint=\"a prefix ends in /, such as default/\"",
             prefix.size, n->refused_subscriptions);
}

/* A frame is 1 or 0, and the prefix. What is 0 when the subscriber has gone needs no call. */
static void
take_subscription(struct net *n, struct pd_text frame)
{
    struct pd_text prefix = {frame.data + 1, frame.size - 1};
    bool           more = frame.data[0] == 1;

    if (subscriptions_may(prefix)) {
        zmq_setsockopt(n->sockets[PORT_EVENTS], more ? ZMQ_SUBSCRIBE : ZMQ_UNSUBSCRIBE, prefix.data, prefix.size);
        subscriptions_change(n->parts.subscriptions, more, prefix);
    } else if (more) refuse_subscription(n, prefix);
}

static void
drain_subscriptions(struct net *n)
{
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    while (zmq_msg_recv(&frame, n->sockets[PORT_EVENTS], ZMQ_DONTWAIT) >= 0) {
        struct pd_text text = {zmq_msg_data(&frame), zmq_msg_size(&frame)};
        if (text.size > 0 && (text.data[0] == 0 || text.data[0] == 1)) take_subscription(n, text);
    }
    zmq_msg_close(&frame);
}

static void
drain_monitor(struct net *n, int port)
{
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    while (zmq_msg_recv(&frame, n->monitors[port], ZMQ_DONTWAIT) >= 0) {
        uint16_t event;
        if (!zmq_msg_more(&frame) || zmq_msg_size(&frame) < sizeof event) continue; /* the address frame */
        memcpy(&event, zmq_msg_data(&frame), sizeof event);
        if (event == ZMQ_EVENT_DISCONNECTED) atomic_fetch_add(&n->parts.measures->disconnected[port], 1);
        else log_warn("accept_failed", "port=%d", port);
    }
    zmq_msg_close(&frame);
}

/* ---- the loop ------------------------------------------------------------------------------------------------------ */

enum { POLL_SOCKETS = 0, POLL_MONITORS = NET_PORTS, POLL_COMMANDS = 2 * NET_PORTS, POLL_QUERIES, POLL_SIGNAL, POLL_COUNT };

static void
fill_poll(struct net *n, zmq_pollitem_t *items)
{
    memset(items, 0, POLL_COUNT * sizeof *items);
    for (int port = 0; port < NET_PORTS; port++) {
        items[POLL_SOCKETS + port].socket = n->sockets[port];
        items[POLL_MONITORS + port].socket = n->monitors[port];
    }
    items[POLL_COMMANDS].fd = slots_net_bell(n->parts.commands);
    items[POLL_QUERIES].fd = slots_net_bell(n->parts.queries);
    items[POLL_SIGNAL].fd = n->parts.signal_fd;
    for (int i = 0; i < POLL_COUNT; i++) items[i].events = ZMQ_POLLIN;
}

static void
send_all(struct net *n)
{
    send_committed(n, n->parts.commands);
    send_committed(n, n->parts.queries);
    outbox_take(n->parts.outbox, send_outgoing, n);
}

/* Takes nothing more, and says so; waits for what was received to be answered. */
static void
finish(struct net *n)
{
    uint64_t until = clock_now().monotonic_ms + STOP_MS;
    n->stopping = true;
    n->parts.beat(n->parts.beat_arg, clock_now(), true);
    slots_drain(n->parts.commands);
    do {
        for (int port = PORT_COMMANDS; port <= PORT_WORKERS; port++) drain(n, port);
        zmq_pollitem_t bell = {.fd = slots_net_bell(n->parts.commands), .events = ZMQ_POLLIN};
        send_all(n);
        if (slots_is_empty(n->parts.commands) && slots_is_empty(n->parts.queries) && slots_is_drained(n->parts.commands)) break;
        if (!slots_net_sleeps(n->parts.commands)) zmq_poll(&bell, 1, 50);
        slots_net_wakes(n->parts.commands);
    } while (clock_now().monotonic_ms < until);
    send_all(n);
}

bool
net_run(struct net *n, const struct net_parts *parts)
{
    zmq_pollitem_t items[POLL_COUNT];

    n->parts = *parts;
    long rest_ms = (long)(parts->beat_ms < HEARTBEAT_MS / 2 ? parts->beat_ms : HEARTBEAT_MS / 2);
    fill_poll(n, items);
    for (;;) {
        bool busy = slots_net_sleeps(parts->commands) | slots_net_sleeps(parts->queries);
        busy = busy || !outbox_is_empty(parts->outbox);
        int failed = zmq_poll(items, POLL_COUNT, busy ? 0 : rest_ms) < 0 ? errno : 0;
        slots_net_wakes(parts->commands);
        slots_net_wakes(parts->queries);
        if (failed != 0 && failed != EINTR) {
            log_error("poll_failed", "error=\"%s\"", zmq_strerror(failed));
            return false;
        }
        if (items[POLL_SIGNAL].revents != 0) break;
        send_all(n);
        if (items[PORT_EVENTS].revents != 0) drain_subscriptions(n);
        for (int port = PORT_COMMANDS; port <= PORT_WORKERS; port++)
            if (items[port].revents != 0) drain(n, port);
        for (int port = 0; port < NET_PORTS; port++)
            if (items[POLL_MONITORS + port].revents != 0) drain_monitor(n, port);
        struct now now = clock_now();
        send_heartbeats(n, now);
        parts->beat(parts->beat_arg, now, false);
    }
    finish(n);
    return true;
}
