/* events.h - events as structs: those of a subscription, and those that GetOrderHistory and ReadLog answer.
 *
 *     struct pd_event event = {0};
 *     while (pd_subscriber_event(subscriber, 10000, &event) == PD_CLIENT_OK) {
 *         const struct pd_order_completed *completed = pd_event_order_completed(&event);
 *         if (completed != NULL) printf("order %" PRIu64 " is completed\n", completed->order);
 *     }
 *     pd_event_fini(&event);
 *
 * Two kinds of subscribers. pd_subscriber_open takes the stream as it comes: ZeroMQ may drop events for a slow reader, and what
 * happened before the subscription stood is not sent; positions and heartbeats show it. pd_subscriber_follow gives every event of a
 * reseller, or of all, once and in order, from any position on: what the stream lacks it reads from the log. */
#ifndef PEDIDO_EVENTS_H
#define PEDIDO_EVENTS_H

#include <pedido/client.h>

PD_BEGIN_DECLARATIONS

/* An event, or a heartbeat. Zeroed before its first use (`= {0}`), then used as often as one likes; what it points to lives
 * until the next use or pd_event_fini, and every text in it ends in NUL behind its size. */
struct pd_event {
    enum pd_event_code type;      /* which struct `data` is; 0: a heartbeat, or a type that this library does not know */
    bool               heartbeat; /* then only topic, position, time and log stand, and under `~all/` chain */
    struct pd_text     topic;     /* default/order/17/OrderCompleted; absent for one from an answer */
    uint64_t           position;  /* in its reseller, from 1 without gaps; under `~all/` in the log. Heartbeat: of the last event */
    pd_time_us         time;      /* when it was decided; never goes back. Heartbeat: the engine's time */
    struct pd_text     log;       /* the log's id; another log's positions mean nothing here. Absent for one from an answer */
    struct pd_text     chain;     /* of the log's head, in hexadecimal: pedidod verify --head POSITION:CHAIN. Else absent */
    struct pd_text     type_name; /* OrderCompleted */
    struct pd_text     reseller;  /* whose */
    struct pd_text     command;   /* the id of the command that caused it */
    struct pd_text     actor;     /* who sent that: local, worker/<name> or engine */
    struct pd_text     on_behalf_of, trace; /* as the command gave them, or absent */
    uint64_t           version; /* counts the events of the thing that the topic names */
    const void        *data;    /* struct pd_<event>; better had by pd_event_<name>. NULL where type is 0 */
    struct pd_text     bytes;   /* the same as it came, a MessagePack map; for a type that this library does not know */
    struct pd_arena   *memory;  /* the library's */
};

/* Waits for the next event or heartbeat. PD_CLIENT_NO_ANSWER: none in timeout_ms, or a signal came. PD_CLIENT_BAD_ANSWER: what
 * came is no event; the next call goes on. Unless PD_CLIENT_OK, the event is empty. */
PD_API enum pd_client_status pd_subscriber_event(struct pd_subscriber *subscriber, uint32_t timeout_ms,
                                                 struct pd_event *event);

/* One of the events of a reply to GetOrderHistory or ReadLog. False: its data are not what the schema says; the event is
 * empty. */
PD_API bool pd_event_from_view(const struct pd_event_view *view, struct pd_event *event);

/* ---- following ----------------------------------------------------------------------------------------------------- */

/* What is to be followed, and from where. */
struct pd_follow_options {
    struct pd_text reseller; /* whose events; absent: `default`. `~all`: those of all resellers, with the log's positions */
    uint64_t       from;     /* the first position wanted, 1 for all there are; 0: what happens from now on */
    struct pd_text log;      /* `from` is a position of this log; absent: of whatever log there is */
    /* A file that keeps how far the program has come: the events that it had been given when it asked for another one are done. It
     * is written each second, when nothing is left to be given, at the end, and by pd_subscriber_save; never before an event is
     * done, so that after a crash of the program some may come again and none is missing. Where it exists it counts, and `from`
     * and `log` do not. A program that needs each event exactly once keeps position and log with what it does, in one
     * transaction, and gives them here. NULL: none. One program at a time. */
    const char    *checkpoint;
    /* Instead of a file: the engine keeps the position under this name, the reseller's own (an id), and lets nobody else follow
     * under it meanwhile: PD_CLIENT_REFUSED with `subscriber_in_use`. `from` counts where the name is new. It is kept as often as a
     * checkpoint is. Absent: none. */
    struct pd_text subscriber;
};

/* Follows: pd_subscriber_event gives every event once and in order, never a heartbeat. It reads the log where the stream lacks
 * something; while it does, its time-out is kept, and calls that are outstanding complete. PD_CLIENT_RESET: the engine has
 * another log, as after a backup was restored; nothing more comes until pd_subscriber_restart. PD_CLIENT_REFUSED: the engine
 * refused to read the log, such as from a position that is not there; the problem says why. PD_CLIENT_BAD_OPTION: an option
 * cannot be right, or the checkpoint cannot be read. Asks Hello if that was not done yet. The subscriber is closed before its
 * client; pd_subscriber_add and pd_subscriber_next are not for it. */
PD_API enum pd_client_status pd_subscriber_follow(struct pd_client *client, const struct pd_follow_options *options,
                                                  struct pd_subscriber **ret_subscriber);

/* The position that was given last, and the highest that is known to be there; 0 before anything was heard. */
PD_API uint64_t pd_subscriber_position(const struct pd_subscriber *subscriber, uint64_t *ret_head);

/* The id of the log that is followed, NUL behind it; absent before anything was heard. Valid until the subscriber's next event. */
PD_API struct pd_text pd_subscriber_log(const struct pd_subscriber *subscriber);

/* All that was given is done: writes the checkpoint now, or has the engine keep the position, and waits for that.
 * PD_CLIENT_BAD_OPTION: it cannot be written, or there is none. */
PD_API enum pd_client_status pd_subscriber_save(struct pd_subscriber *subscriber);

/* An event takes long, and the subscriber has a name: to be called at least each 5 s meanwhile, or another program may take it
 * after 15 s. Does not wait. PD_CLIENT_REFUSED: another has it. */
PD_API enum pd_client_status pd_subscriber_renew(struct pd_subscriber *subscriber);

/* Begins anew in the log that there is now, after PD_CLIENT_RESET; `from` as in the options. Under a name it waits like a call, and
 * takes the name in that log; PD_CLIENT_REFUSED: another has it there. */
PD_API enum pd_client_status pd_subscriber_restart(struct pd_subscriber *subscriber, uint64_t from);

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
