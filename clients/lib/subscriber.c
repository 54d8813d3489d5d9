#include <stdlib.h>

#include "clients/lib/socket.h"
#include "clients/lib/state.h"
#include "clients/lib/subscriber.h"
#include "proto/check.h"
#include "proto/codec.h"

static bool
ends_in(struct pd_text text, struct pd_text end)
{
    return text.size >= end.size && memcmp(text.data + text.size - end.size, end.data, end.size) == 0;
}

/* Without the `/`, default would be subscribed to default2, too. */
static enum pd_client_status
check_prefix(struct pd_client *c, struct pd_text prefix)
{
    if (prefix.size <= PD_TOPIC_MAX && (ends_in(prefix, PD_TEXT("/")) || ends_in(prefix, PD_TEXT("/~head")))) return PD_CLIENT_OK;
    return pd_client_fail(c, PD_CLIENT_BAD_OPTION, "the prefix must be of at most %d bytes and end in / or /~head", PD_TOPIC_MAX);
}

enum pd_client_status
pd_subscriber_connect(struct pd_client *client, struct pd_text prefix, struct pd_subscriber **ret_subscriber)
{
    struct pd_subscriber *s = calloc(1, sizeof *s);

    PD_CHECK(s != NULL);
    s->client = client;
    enum pd_client_status status = pd_client_may_wait(client);
    if (status == PD_CLIENT_OK) status = pd_subscriber_reconnect(s, prefix);
    if (status != PD_CLIENT_OK) {
        free(s);
        return status;
    }
    client->subscribers++;
    zmq_msg_init(&s->topic);
    zmq_msg_init(&s->body);
    *ret_subscriber = s;
    return PD_CLIENT_OK;
}

enum pd_client_status
pd_subscriber_reconnect(struct pd_subscriber *s, struct pd_text prefix)
{
    const struct pd_hello_reply *hello;
    enum pd_client_status        status = pd_client_hello(s->client, &hello);

    if (status != PD_CLIENT_OK) return status;
    pd_socket_close(&s->socket);
    s->socket = pd_socket_open(s->client, ZMQ_SUB, hello->endpoints->events.data);
    if (s->socket == NULL) return PD_CLIENT_BAD_ENDPOINT;
    zmq_setsockopt(s->socket, ZMQ_SUBSCRIBE, prefix.data, prefix.size);
    return PD_CLIENT_OK;
}

enum pd_client_status
pd_subscriber_open(struct pd_client *client, struct pd_text prefix, struct pd_subscriber **ret_subscriber)
{
    enum pd_client_status status = check_prefix(client, prefix);
    return status == PD_CLIENT_OK ? pd_subscriber_connect(client, prefix, ret_subscriber) : status;
}

void
pd_subscriber_close(struct pd_subscriber **subscriber)
{
    struct pd_subscriber *s = *subscriber;

    if (s == NULL) return;
    if (s->follow != NULL) pd_follow_end(s);
    pd_socket_close(&s->socket);
    s->client->subscribers--;
    zmq_msg_close(&s->topic);
    zmq_msg_close(&s->body);
    mp_reader_fini(&s->reader);
    free(s);
    *subscriber = NULL;
}

enum pd_client_status
pd_subscriber_add(struct pd_subscriber *s, struct pd_text prefix)
{
    enum pd_client_status status = check_prefix(s->client, prefix);

    if (status == PD_CLIENT_OK) zmq_setsockopt(s->socket, ZMQ_SUBSCRIBE, prefix.data, prefix.size);
    return status;
}

int
pd_subscriber_fd(const struct pd_subscriber *subscriber)
{
    return pd_socket_fd(subscriber->socket);
}

enum pd_client_status
pd_subscriber_next(struct pd_subscriber *s, uint32_t timeout_ms, struct pd_text *ret_topic, struct pd_text *ret_body)
{
    zmq_pollitem_t item = {.socket = s->socket, .events = ZMQ_POLLIN};

    /* An event has two frames; of anything else the topic would be the one before. */
    zmq_msg_close(&s->topic);
    zmq_msg_init(&s->topic);
    if (zmq_poll(&item, 1, (long)timeout_ms) <= 0 || !pd_socket_receive(s->socket, &s->topic, &s->body))
        return pd_client_fail(s->client, PD_CLIENT_NO_ANSWER, "no event in %u ms", (unsigned)timeout_ms);
    *ret_topic = (struct pd_text){zmq_msg_data(&s->topic), zmq_msg_size(&s->topic)};
    *ret_body = (struct pd_text){zmq_msg_data(&s->body), zmq_msg_size(&s->body)};
    return PD_CLIENT_OK;
}

/* ---- events -------------------------------------------------------------------------------------------------------- */

void
pd_event_begin(struct pd_event *event)
{
    *event = (struct pd_event){.memory = pd_memory_begin(event->memory)};
}

void
pd_event_fini(struct pd_event *event)
{
    pd_memory_end(event->memory);
    *event = (struct pd_event){.memory = NULL};
}

/* What stands around the event's own fields, and these; all of it copied. */
static bool
read_event(const struct pd_event_view *view, struct pd_event *event)
{
    struct pd_event_view   v;
    struct pd_refusal      ignored;
    struct pd_arena       *memory = event->memory;
    const struct pd_block *block = pd_schema_find(PD_BLOCK_event, view->type);

    if (view->type.data == NULL) return false;
    pd_copy_block(memory, pd_block_event_view(), view, &v);
    if (block != NULL) {
        void *read = pd_arena_zero(memory, block->size), *copy = pd_arena_zero(memory, block->size);
        if (!pd_decode_map(memory, block, PD_LENIENT, view->data, read, &ignored)) return false;
        pd_copy_block(memory, block, read, copy);
        event->type = (enum pd_event_code)block->code;
        event->data = copy;
    }
    event->position = v.position;
    event->time = v.time;
    event->type_name = v.type;
    event->reseller = v.reseller;
    event->command = v.command;
    event->actor = v.actor;
    event->on_behalf_of = v.on_behalf_of;
    event->trace = v.trace;
    event->version = v.version;
    event->bytes = v.data;
    return true;
}

bool
pd_event_from_view(const struct pd_event_view *view, struct pd_event *event)
{
    pd_event_begin(event);
    bool ok = read_event(view, event);
    if (!ok) pd_event_begin(event);
    return ok;
}

static bool
read_body(struct pd_subscriber *s, struct pd_text topic, struct pd_text body, struct pd_event *event)
{
    struct pd_event_view view;
    struct pd_refusal    ignored;
    msgpack_object       o;

    if (!mp_parse(&s->reader, body.data, body.size, &o) || o.type != MSGPACK_OBJECT_MAP) return false;
    event->topic = pd_arena_text(event->memory, topic);
    event->log = pd_arena_text(event->memory, mp_find_text(&o, "log"));
    event->heartbeat = ends_in(topic, PD_TEXT("/~head"));
    if (!event->heartbeat) {
        return pd_decode_map(event->memory, pd_block_event_view(), PD_LENIENT, body, &view, &ignored) && read_event(&view, event);
    }
    event->chain = mp_find_text(&o, "chain");
    if (event->chain.data != NULL) event->chain = pd_arena_text(event->memory, event->chain);
    const msgpack_object *position = mp_find(&o, "position"), *time = mp_find(&o, "time");
    if (position == NULL || position->type != MSGPACK_OBJECT_POSITIVE_INTEGER) return false;
    if (time == NULL || time->type != MSGPACK_OBJECT_POSITIVE_INTEGER) return false;
    event->position = position->via.u64;
    event->time = time->via.u64;
    return true;
}

enum pd_client_status
pd_subscriber_take(struct pd_subscriber *s, uint32_t timeout_ms, struct pd_event *event)
{
    struct pd_text        topic, body;
    enum pd_client_status status;

    pd_event_begin(event);
    status = pd_subscriber_next(s, timeout_ms, &topic, &body);
    if (status != PD_CLIENT_OK || read_body(s, topic, body, event)) return status;
    pd_event_begin(event);
    return pd_client_fail(s->client, PD_CLIENT_BAD_ANSWER, "what came under %.*s is no event", (int)topic.size, topic.data);
}

enum pd_client_status
pd_subscriber_event(struct pd_subscriber *s, uint32_t timeout_ms, struct pd_event *event)
{
    return s->follow != NULL ? pd_follow_event(s, timeout_ms, event) : pd_subscriber_take(s, timeout_ms, event);
}
