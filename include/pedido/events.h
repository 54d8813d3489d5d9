/* events.h - events as structs: those of a subscription, and those that GetOrderHistory and ReadLog answer.
 *
 *     struct pd_event event = {0};
 *     while (pd_subscriber_event(subscriber, 10000, &event) == PD_CLIENT_OK) {
 *         const struct pd_order_completed *completed = pd_event_order_completed(&event);
 *         if (completed != NULL) printf("order %" PRIu64 " is completed\n", completed->order);
 *     }
 *     pd_event_fini(&event);
 *
 * This is the live part: what is published while one listens, as it comes. ZeroMQ may drop events for a slow reader, and what
 * happened before the subscription stood is not sent. A position that is not one more than the one before (in a subscription to
 * all of a reseller), or a heartbeat whose position is ahead of what was seen, shows a gap; this version of the library leaves
 * it to the program to fill it with ReadLog. A subscription stands when its first heartbeat has come. */
#ifndef PEDIDO_EVENTS_H
#define PEDIDO_EVENTS_H

#include <pedido/client.h>

PD_BEGIN_DECLARATIONS

/* An event, or a heartbeat. Zeroed before its first use (`= {0}`), then used as often as one likes; what it points to lives
 * until the next use or pd_event_fini, and every text in it ends in NUL behind its size. */
struct pd_event {
    enum pd_event_code type;      /* which struct `data` is; 0: a heartbeat, or a type that this library does not know */
    bool               heartbeat; /* then only topic, position, time and log stand */
    struct pd_text     topic;     /* default/order/17/OrderCompleted; absent for one from an answer */
    uint64_t           position;  /* in its reseller, from 1 without gaps; under `~all/` in the log. Heartbeat: of the last event */
    pd_time_us         time;      /* when it was decided; never goes back. Heartbeat: the engine's time */
    struct pd_text     log;       /* the log's id; another log's positions mean nothing here. Absent for one from an answer */
    struct pd_text     type_name; /* OrderCompleted */
    struct pd_text     reseller;  /* whose */
    struct pd_text     command;   /* the id of the command that caused it */
    struct pd_text     actor;     /* who sent that: local, worker/<name> or engine */
    struct pd_text     on_behalf_of, trace; /* as the command gave them, or absent */
    uint64_t           version; /* counts the events of the thing that the topic names */
    const void        *data;    /* struct pd_<event>; better had by pd_event_<name>. NULL where type is 0 */
    struct pd_arena   *memory;  /* the library's */
};

/* Waits for the next event or heartbeat. PD_CLIENT_NO_ANSWER: none in timeout_ms, or a signal came. PD_CLIENT_BAD_ANSWER: what
 * came is no event; the next call goes on. Unless PD_CLIENT_OK, the event is empty. */
PD_API enum pd_client_status pd_subscriber_event(struct pd_subscriber *subscriber, uint32_t timeout_ms,
                                                 struct pd_event *event);

/* One of the events of a reply to GetOrderHistory or ReadLog. False: its data are not what the schema says; the event is
 * empty. */
PD_API bool pd_event_from_view(const struct pd_event_view *view, struct pd_event *event);

/* Frees what an event holds and zeroes it. One that was only zeroed is well. */
PD_API void pd_event_fini(struct pd_event *event);

/* The data of an event of that type: pd_event_order_completed(&event); NULL: it is another. */
#define PD_EVENT(code, name, Name, aggregate, description)                                                                 \
    static inline const struct pd_##name *pd_event_##name(const struct pd_event *event)                                    \
    {                                                                                                                      \
        return event->type == PD_EVENT_##name ? (const struct pd_##name *)event->data : NULL;                              \
    }
#include "proto/schema.def"

PD_END_DECLARATIONS

#endif
