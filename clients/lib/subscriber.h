/* subscriber.h - a subscriber's inside, for subscriber.c (the stream as it comes) and follow.c (every event once). */
#ifndef CLIENTS_LIB_SUBSCRIBER_H
#define CLIENTS_LIB_SUBSCRIBER_H

#include <pedido/events.h>
#include <zmq.h>

#include "proto/msgpack.h"

struct pd_follow;

struct pd_subscriber {
    struct pd_client *client;
    void             *socket;
    zmq_msg_t         topic, body;
    struct mp_reader  reader;
    struct pd_follow *follow; /* NULL: it takes the stream as it comes */
};

/* Makes one that is connected and subscribed. */
enum pd_client_status pd_subscriber_connect(struct pd_client *client, struct pd_text prefix, struct pd_subscriber **ret_subscriber);

/* A new socket in the place of the old one, subscribed to a prefix. */
enum pd_client_status pd_subscriber_reconnect(struct pd_subscriber *subscriber, struct pd_text prefix);

/* What the stream has next, as an event or heartbeat. */
enum pd_client_status pd_subscriber_take(struct pd_subscriber *subscriber, uint32_t timeout_ms, struct pd_event *event);

/* Makes an event empty. */
void pd_event_begin(struct pd_event *event);

/* follow.c: the next event; and the end. */
enum pd_client_status pd_follow_event(struct pd_subscriber *subscriber, uint32_t timeout_ms, struct pd_event *event);
void                  pd_follow_end(struct pd_subscriber *subscriber);

#endif
