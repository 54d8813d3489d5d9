#include "engine/bus/net.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#include "engine/base/endpoint.h"
#include "engine/base/log.h"
#include "engine/audit.h"
#include "engine/authorise.h"
#include "engine/bus/door.h"
#include "engine/bus/shares.h"
#include "engine/bus/stream.h"
#include "proto/check.h"

enum {
    DRAIN_MAX = 256,      /* messages taken from a socket before the others have their turn */
    HAND_OVER = 32,       /* messages that are handed to the working side together */
    STOP_MS = 5000,       /* how long a stop waits for what was received to be answered */
    FRAMES_MAX = PD_ENVELOPE_MAX + 3, /* identity, addresses, empty, body */
};

static const enum pd_port ports[] = {PD_port_commands, PD_port_queries, PD_port_workers};

struct net {
    struct sockets    sockets;
    struct net_parts  parts;
    struct door       door;
    struct mp_writer  writer;
    struct pd_arena   arena; /* for what is answered at once */
    struct stream    *stream;
    struct shares     shares;
    bool              stopping;
};

/* ---- opening ------------------------------------------------------------------------------------------------------- */

bool
net_open(const struct net_options *options, struct net **ret_net)
{
    struct net *n = calloc(1, sizeof *n);

    PD_CHECK(n != NULL);
    pd_arena_init(&n->arena);
    bool ok = sockets_open(options, &n->sockets);
    if (!ok) net_close(&n);
    else *ret_net = n;
    return ok;
}

void
net_close(struct net **net)
{
    struct net *n = *net;
    if (n == NULL) return;
    stream_close(&n->stream);
    sockets_close(&n->sockets);
    shares_fini(&n->shares);
    door_fini(&n->door);
    mp_writer_fini(&n->writer);
    pd_arena_fini(&n->arena);
    free(n);
    *net = NULL;
}

const char *
net_endpoint(const struct net *n, int port, bool local)
{
    const char *found = n->sockets.endpoints[port][0];

    for (int i = 0; i < ENDPOINTS_MAX; i++) {
        const char *endpoint = n->sockets.endpoints[port][i];
        if (endpoint[0] != '\0' && endpoint_is_tcp(pd_text(endpoint)) != local) return endpoint;
    }
    return found;
}

/* ---- sending ------------------------------------------------------------------------------------------------------- */

/* An address is what stands before the body: for each frame its size in a byte, and its bytes. */
static bool
send_address(void *socket, struct pd_text address)
{
    for (size_t at = 0; at < address.size;) {
        size_t size = (unsigned char)address.data[at++];
        if (!sockets_send(socket, (struct pd_text){address.data + at, size}, ZMQ_SNDMORE)) return false;
        at += size;
    }
    return true;
}

static void
send_to(struct net *n, int port, struct pd_text address, struct pd_text body)
{
    if (!send_address(n->sockets.ports[port], address) || !sockets_send(n->sockets.ports[port], body, 0))
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
        for (size_t i = 0; i < count; i++)
            shares_give(&n->shares, last->sender, i == 0 ? last->body_size : 0);
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
    stream_publish(n->stream, address, body);
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

/* A message, taken apart: where it came in, whom to answer, who sent it, and what. */
struct taken {
    int                  port;
    struct pd_text       address, identity, body;
    const struct pd_key *grant; /* NULL: nothing was granted to him */
};

/* Whose share it takes of. */
static uint64_t
whom(const struct taken *t)
{
    return keys_limits(t->grant) ? shares_whom(t->identity) : 0;
}

/* The next request of the frame that was opened, into a slot that has its frame's size already, or nothing of it. */
static void
take_request(struct net *n, struct slot *slot, const struct taken *t, bool array)
{
    struct request *r = &slot->request;

    slot->sender = whom(t);
    shares_take(&n->shares, slot->sender, slot->body_size);
    r->identity = t->identity.data == NULL ? t->identity : pd_arena_text(&slot->arena, t->identity);
    door_take(&n->door, ports[t->port], array, &slot->arena, r);
    authorise_complete(t->grant, &r->message);
}

/* Decodes an array's commands into slots of their own; the last one owns the frame. */
static void
take_array(struct net *n, struct slots *slots, const struct taken *t)
{
    struct pd_refusal refusal;
    size_t            count, size = t->body.size;
    char             *body = malloc(size);

    PD_CHECK(body != NULL);
    memcpy(body, t->body.data, size);
    if (!door_open(&n->door, ports[t->port], (struct pd_text){body, size}, &count, &refusal)) {
        refuse_now(n, t->port, t->address, (struct pd_text){NULL, 0}, &refusal);
        free(body);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct slot *slot = slots_free(slots, i);
        PD_CHECK(slot != NULL); /* not crowded: there is room for any array */
        slot->array_index = (uint32_t)i;
        slot->array_count = (uint32_t)count;
        if (i + 1 == count) slot->body = body, slot->body_size = size;
        take_request(n, slot, t, true);
        if (i + 1 < count) continue;
        slot->request.address = pd_arena_text(&slot->arena, t->address);
    }
    slots_receive(slots, count, size);
}

static void
take_single(struct net *n, struct slots *slots, const struct taken *t)
{
    struct slot      *slot = slots_free(slots, 0);
    struct pd_refusal refusal;
    size_t            count;

    PD_CHECK(slot != NULL);
    struct pd_text body = pd_arena_text(&slot->arena, t->body);
    slot->body_size = body.size;
    slot->request.port = ports[t->port];
    slot->request.address = pd_arena_text(&slot->arena, t->address);
    if (door_open(&n->door, ports[t->port], body, &count, &refusal)) take_request(n, slot, t, false);
    else slot->request.refusal = refusal;
    slots_receive(slots, 1, body.size);
}

/* Nothing is queued: every command is refused here. */
static void
refuse_all(struct net *n, const struct taken *t, const struct pd_refusal *with)
{
    struct pd_refusal refusal;
    size_t            count;
    struct mp_writer  answers = {0};

    if (!door_open(&n->door, ports[t->port], t->body, &count, &refusal)) {
        refuse_now(n, t->port, t->address, (struct pd_text){NULL, 0}, &refusal);
        return;
    }
    if (count > 0) mp_array(&answers, count);
    for (size_t i = 0; i < (count > 0 ? count : 1); i++) {
        struct request r = {0};
        door_take(&n->door, ports[t->port], count > 0, &n->arena, &r);
        const struct pd_refusal *why = r.refusal.code != PD_OK && with->code != PD_E_not_authorised ? &r.refusal : with;
        pd_encode_refused(&answers, r.message.envelope.id, why);
        measures_refused(n->parts.measures, why->code);
    }
    send_to(n, t->port, t->address, (struct pd_text){answers.data, answers.size});
    mp_writer_fini(&answers);
}

/* Above the mark, and at a stop. */
static void
answer_later(struct net *n, const struct taken *t)
{
    struct pd_refusal later = pd_refuse(n->stopping ? PD_E_shutting_down : PD_E_busy);

    later.retry_after_ms = 100;
    refuse_all(n, t, &later);
}

/* A connection stays when its key is revoked, or when the first one is granted. */
static void
answer_nobody(struct net *n, const struct taken *t)
{
    const struct pd_refusal refusal = pd_refuse(PD_E_not_authorised);
    const struct pd_message unread = {.block = NULL};

    audit_refused(n->parts.measures, clock_now().monotonic_ms, t->identity, &unread, &refusal);
    refuse_all(n, t, &refusal);
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
    struct taken      t = {.port = port};
    struct pd_refusal refusal;

    pd_arena_reset(&n->arena);
    if (address_count == 0 || !pack_address(in, address_count, &n->arena, &t.address)) {
        atomic_fetch_add(&n->parts.measures->unaddressed[port], 1);
        log_warn("unaddressed", "port=%d frames=%d", port, in->count);
        return;
    }
    if (at == 0) {
        refusal = pd_refuse_field(PD_E_malformed_message, NULL, "%d frames: an envelope and one body are expected", in->count - 1);
        refuse_now(n, port, t.address, (struct pd_text){NULL, 0}, &refusal);
        return;
    }
    t.body = frame_text(in, at);
    t.identity = sockets_identity(&in->frames[at]); /* of the payload: of the first frame libzmq 4.3.4 may lose it */
    t.grant = keys_find(n->parts.keys, t.identity);
    if (t.grant == NULL) answer_nobody(n, &t);
    else if (n->stopping || slots_is_crowded(slots) || shares_is_greedy(&n->shares, whom(&t))) answer_later(n, &t);
    else if (is_array(t.body)) take_array(n, slots, &t);
    else take_single(n, slots, &t);
}

static void
drain(struct net *n, int port)
{
    struct incoming in;
    for (int i = 0; i < DRAIN_MAX && receive(n->sockets.ports[port], &in); i++) {
        take_message(n, port, &in);
        for (int f = 0; f < in.count && f < FRAMES_MAX; f++) zmq_msg_close(&in.frames[f]);
        if (i % HAND_OVER == HAND_OVER - 1) slots_hand_over(port == PORT_QUERIES ? n->parts.queries : n->parts.commands);
    }
    slots_hand_over(port == PORT_QUERIES ? n->parts.queries : n->parts.commands);
}

static void
drain_monitor(struct net *n, int port)
{
    struct monitored told;

    while (sockets_monitored(n->sockets.monitors[port], &told)) {
        if (told.event == ZMQ_EVENT_DISCONNECTED) atomic_fetch_add(&n->parts.measures->disconnected[port], 1);
        else log_warn("accept_failed", "port=%d", port);
    }
}

/* ---- the loop ------------------------------------------------------------------------------------------------------ */

enum {
    POLL_SOCKETS = 0, POLL_MONITORS = NET_PORTS, POLL_COMMANDS = 2 * NET_PORTS, POLL_QUERIES, POLL_SIGNAL, POLL_ZAP, POLL_COUNT
};

static void
fill_poll(struct net *n, zmq_pollitem_t *items)
{
    memset(items, 0, POLL_COUNT * sizeof *items);
    for (int port = 0; port < NET_PORTS; port++) {
        items[POLL_SOCKETS + port].socket = n->sockets.ports[port];
        items[POLL_MONITORS + port].socket = n->sockets.monitors[port];
    }
    items[POLL_COMMANDS].fd = slots_net_bell(n->parts.commands);
    items[POLL_QUERIES].fd = slots_net_bell(n->parts.queries);
    items[POLL_SIGNAL].fd = n->parts.signal_fd;
    items[POLL_ZAP].socket = zap_socket(n->sockets.zap);
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
    n->stream = stream_open(&(struct stream_parts){
        .socket = n->sockets.ports[PORT_EVENTS], .monitor = n->sockets.monitors[PORT_EVENTS], .subscriptions = parts->subscriptions,
        .scopes = parts->scopes, .keys = parts->keys, .measures = parts->measures, .log = parts->log});
    long rest_ms = (long)(parts->beat_ms < STREAM_BEAT_MS / 2 ? parts->beat_ms : STREAM_BEAT_MS / 2);
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
        if (items[PORT_EVENTS].revents != 0 || items[POLL_MONITORS + PORT_EVENTS].revents != 0) stream_take(n->stream);
        for (int port = PORT_COMMANDS; port <= PORT_WORKERS; port++)
            if (items[port].revents != 0) drain(n, port);
        for (int port = PORT_COMMANDS; port <= PORT_WORKERS; port++)
            if (items[POLL_MONITORS + port].revents != 0) drain_monitor(n, port);
        struct now now = clock_now();
        if (items[POLL_ZAP].revents != 0) zap_take(n->sockets.zap, parts->keys, parts->measures, now.monotonic_ms);
        stream_beat(n->stream, now);
        parts->beat(parts->beat_arg, now, false);
    }
    finish(n);
    return true;
}
