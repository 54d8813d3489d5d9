#include "engine/bus/stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "engine/authorise.h"
#include "engine/base/log.h"
#include "engine/bus/connections.h"
#include "engine/bus/sockets.h"
#include "engine/engine.h"
#include "proto/check.h"

enum { DRAIN_MAX = 256 }; /* messages taken before others have their turn */

struct stream {
    struct stream_parts parts;
    struct connections *connections;
    struct mp_writer    writer;
    struct pd_arena     arena;
    uint64_t            beat_ms; /* when the last one was */
    uint64_t            refused; /* subscriptions */
    uint64_t            narrowed; /* keys_narrowed when the connections were judged last */
};

struct stream *
stream_open(const struct stream_parts *parts)
{
    struct stream *s = calloc(1, sizeof *s);

    PD_CHECK(s != NULL);
    s->parts = *parts;
    s->connections = connections_open(parts->subscriptions);
    s->narrowed = keys_narrowed(parts->keys);
    pd_arena_init(&s->arena);
    return s;
}

void
stream_close(struct stream **stream)
{
    struct stream *s = *stream;

    if (s == NULL) return;
    connections_close(&s->connections);
    mp_writer_fini(&s->writer);
    pd_arena_fini(&s->arena);
    free(s);
    *stream = NULL;
}

/* ---- what goes out ------------------------------------------------------------------------------------------------- */

static bool
may_follow(void *arg, struct pd_text identity, struct pd_text prefix)
{
    const struct stream *s = arg;
    return authorise_prefix(keys_find(s->parts.keys, identity), prefix);
}

/* Whoever may follow no more what he follows is cut off, before anything is sent that happened after that was committed. */
static void
judge(struct stream *s)
{
    uint64_t narrowed = keys_narrowed(s->parts.keys);

    if (narrowed == s->narrowed) return;
    s->narrowed = narrowed;
    size_t cut = connections_judge(s->connections, may_follow, s);
    if (cut > 0) log_info("subscribers_cut_off", "connections=%zu why=\"nothing is granted any more\"", cut);
}

void
stream_publish(struct stream *s, struct pd_text topic, struct pd_text body)
{
    judge(s);
    if (sockets_send(s->parts.socket, topic, ZMQ_SNDMORE)) sockets_send(s->parts.socket, body, 0);
}

void
stream_beat(struct stream *s, struct now now)
{
    char               topic[PD_TOPIC_MAX];
    struct scope_shown shown;

    if (now.monotonic_ms < s->beat_ms + STREAM_BEAT_MS) return;
    s->beat_ms = now.monotonic_ms;
    if (!subscriptions_any(s->parts.subscriptions)) return;
    judge(s);
    pd_arena_reset(&s->arena);
    for (uint64_t scope = 0; scopes_head(s->parts.scopes, scope, &s->arena, &shown); scope++) {
        if (!subscriptions_in_scope(s->parts.subscriptions, shown.id)) continue;
        int size = snprintf(topic, sizeof topic, "%.*s/~head", (int)shown.id.size, shown.id.data);
        mp_writer_clear(&s->writer);
        pd_encode_heartbeat(&s->writer, shown.head, now.wall_us, s->parts.log, shown.chain);
        stream_publish(s, (struct pd_text){topic, (size_t)size}, (struct pd_text){s->writer.data, s->writer.size});
    }
}

/* ---- who follows --------------------------------------------------------------------------------------------------- */

static void
take_monitored(struct stream *s)
{
    struct monitored told;

    while (sockets_monitored(s->parts.monitor, &told)) {
        if (told.event != ZMQ_EVENT_DISCONNECTED) {
            log_warn("accept_failed", "port=%d", PORT_EVENTS);
            continue;
        }
        atomic_fetch_add(&s->parts.measures->disconnected[PORT_EVENTS], 1);
        connections_ended(s->connections, told.value);
    }
}

/* Who subscribes to what may not be is not told, ZeroMQ has no way to: he hears no heartbeat. Said in the log the 1st, 2nd, 4th ...
 * time, so that nobody fills it. */
static void
refuse_subscription(struct stream *s, struct pd_text identity, struct pd_text prefix, bool cut)
{
    atomic_fetch_add(&s->parts.measures->subscriptions_refused, 1);
    s->refused++;
    if ((s->refused & (s->refused - 1)) != 0) return;
    log_warn("subscription_refused",
             "who=\"%.*s\" prefix_bytes=%zu times=%" PRIu64 "%s hint=\"a prefix ends in /, such as default/, and is of a reseller "
             "whose events may be read\"",
             (int)identity.size, identity.data == NULL ? "" : identity.data, prefix.size, s->refused,
             cut ? " connection=cut" : "");
}

/* A frame is 1 or 0, and the prefix. What libzmq makes up when a connection ends comes from none. */
static void
take_subscription(struct stream *s, zmq_msg_t *message)
{
    struct pd_text          frame = {zmq_msg_data(message), zmq_msg_size(message)}, prefix = {frame.data + 1, frame.size - 1};
    struct subscriber       who = {.fd = zmq_msg_get(message, ZMQ_SRCFD), .identity = sockets_identity(message)};
    void                   *socket = s->parts.socket;
    enum connections_answer answer;

    if (who.fd < 0) return;
    if (frame.data[0] == 0) {
        if (!connections_unsubscribe(s->connections, who.fd, prefix)) return;
        zmq_setsockopt(socket, ZMQ_UNSUBSCRIBE, prefix.data, prefix.size);
        return;
    }
    const struct pd_key *grant = keys_find(s->parts.keys, who.identity);
    who.limited = keys_limits(grant);
    answer = connections_subscribe(s->connections, &who, prefix, subscriptions_may(prefix) && authorise_prefix(grant, prefix));
    if (answer == SUBSCRIPTION_MADE) zmq_setsockopt(socket, ZMQ_SUBSCRIBE, prefix.data, prefix.size);
    else refuse_subscription(s, who.identity, prefix, answer == SUBSCRIPTION_CUT);
}

/* A connection's end is told before its descriptor can be another's: it is looked at between a message and what is done for it. */
void
stream_take(struct stream *s)
{
    zmq_msg_t frame;

    take_monitored(s);
    zmq_msg_init(&frame);
    for (int i = 0; i < DRAIN_MAX && zmq_msg_recv(&frame, s->parts.socket, ZMQ_DONTWAIT) >= 0; i++) {
        const char *text = zmq_msg_data(&frame);
        take_monitored(s);
        if (zmq_msg_size(&frame) > 0 && (text[0] == 0 || text[0] == 1)) take_subscription(s, &frame);
    }
    zmq_msg_close(&frame);
}
