/* calls.h - typed calls: a message goes, its reply comes back as the struct that the schema names.
 *
 *     struct pd_reply reply = {0};
 *     const struct pd_put_reply *put =
 *         pd_put_customer(client, &(struct pd_put_customer){.customer = PD_TEXT("ana"), .name = PD_TEXT("Ana")}, &reply);
 *     if (put == NULL) fprintf(stderr, "%s\n", reply.problem);
 *     pd_reply_fini(&reply);
 *
 * For every command and query <name> that a client may send there are three inline functions, made from the schema's rows:
 *
 *   pd_<name>(client, &data, &reply)    sends it, waits, and gives the reply's data; NULL: reply.problem says why
 *   pd_<name>_message(&data)            the message for pd_call and pd_call_start, whose options may then be set
 *   pd_<name>_reply(&reply)             the data of a reply to such a message; NULL: refused, or a reply to another
 *
 * Commands are sent under a new id unless one is set. Who wants to send a command again after a crash of its own chooses the
 * id, keeps it, and sets it: the same id gets the same answer, and nothing is done twice.
 *
 * **Asynchronous.** pd_call_start returns at once; pd_client_poll sends, receives, sends again what was not answered, and calls
 * back. Each call has its own time-out, which begins when it is sent. Answers come in any order.
 *
 * **Together.** A message costs the engine more than the command in it, so commands go together where that delays none. While none
 * is under way a call is sent by pd_call_start itself. While some are, those that are started wait, and go as one array as soon as
 * there are 256 of them, or when the client is driven the next time: by pd_client_poll, also by the one that calls back, or by a
 * call that waits. No time is waited for, and the order is kept. It is an array for the wire alone: each call is refused, told to
 * come later, sent again and answered on its own. A CheckStatus with wait_ms goes in a message of its own, and a query does. */
#ifndef PEDIDO_CALLS_H
#define PEDIDO_CALLS_H

#include <pedido/client.h>

PD_BEGIN_DECLARATIONS

/* One message and how it is to be sent. Made by pd_<name>_message; what it points to is only read until pd_call or
 * pd_call_start returns. Absent texts and zeros: as the protocol does when the key is absent. */
struct pd_call_message {
    enum pd_command_code command; /* what it is; 0: a query */
    enum pd_query_code   query;
    const void          *data; /* struct pd_<name>, of so many bytes */
    size_t               data_size;

    struct pd_text id;           /* 1-64 bytes without control characters; absent: a new one. Not that of an outstanding call */
    struct pd_text reseller;     /* whose things; absent: `default` */
    struct pd_text on_behalf_of; /* 1-200 bytes, the person behind the service; kept with the events */
    struct pd_text trace;        /* 55 bytes, a W3C traceparent; kept with the events */
    bool           dry_run;      /* commands: answer, change nothing */
    uint64_t       expect;       /* commands: refuse unless the thing has this version; 0: one that does not exist */
    bool           has_expect;
    uint64_t       at_least; /* queries: answer from a state that includes this position; 0: any */
    uint32_t       limit;    /* queries: at most this many rows, 1-1,000; 0: 100 */
    struct pd_text cursor;   /* queries: `next` of the reply before, with the same data */
    struct pd_text log;      /* queries: refuse with wrong_log unless this is the engine's log */
    enum pd_sort   sort;     /* queries: the order of rows; 0: oldest first */
    uint32_t       timeout_ms; /* 0: the client's. A wait that the message asks for (wait_ms) is added by itself */
};

/* A refusal, as section 4.2 of the protocol's page explains it. */
struct pd_refused {
    enum pd_error_code  code;        /* PD_OK: none, or one that this library does not know; code_name has it */
    enum pd_error_class error_class; /* what to do; 0 as above */
    struct pd_text      code_name;   /* order_not_found */
    struct pd_text      message;     /* a sentence for a person */
    struct pd_text      field;       /* a key of the request, or a path such as items[1].plan; absent: about none */
    uint64_t            order;       /* reference_taken; else 0 */
    uint64_t            version;     /* version_conflict; else 0 */
    enum pd_order_state state;       /* illegal_transition; else 0 */
    struct pd_text      command;     /* illegal_transition: which */
    struct pd_text     *allowed;     /* illegal_transition: what may be done instead */
    size_t              allowed_count;
    uint64_t            retry_after_ms; /* busy; else 0 */
};

/* What became of a call. Zeroed before its first use (`= {0}`), then used as often as one likes: each call begins it anew. All
 * that it points to is its own, lives until the next use or pd_reply_fini, and does not depend on the client; the next message
 * may point into it (`message.cursor = reply.next`). Every text in it ends in NUL behind its size. */
struct pd_reply {
    enum pd_client_status status;  /* PD_CLIENT_OK: accepted, `data` stands; PD_CLIENT_REFUSED: `refused` stands */
    const char           *problem; /* a sentence for a person; "" when it was accepted */
    struct pd_text        id;      /* under which it was sent; absent: it was not sent */
    enum pd_command_code  command; /* what it is the reply to; 0: a query */
    enum pd_query_code    query;
    const void           *data;     /* as the schema's row names it; better had by pd_<name>_reply. NULL unless accepted */
    uint64_t              position; /* of the last event it goes back to, in the reseller; 0: none. For at_least */
    struct pd_text        next;     /* there may be more rows: the cursor that continues. Absent: there are none */
    struct pd_refused     refused;
    struct pd_arena      *memory; /* the library's */
};

/* Sends a message and waits for its reply. The value is reply->status. Completions of outstanding calls run meanwhile.
 * `busy` is waited out and sent again under the same id, a hundred times at most; other refusals are replies. */
PD_API enum pd_client_status pd_call(struct pd_client *client, const struct pd_call_message *message, struct pd_reply *reply);

/* Frees what a reply holds and zeroes it. One that was only zeroed is well. */
PD_API void pd_reply_fini(struct pd_reply *reply);

/* A completion. The reply is the client's and is gone when this returns, unless it is taken over:
 * `mine = *reply; *reply = (struct pd_reply){0};`. A callback may start calls. What waits (pd_call, pd_client_call,
 * pd_client_hello, pd_subscriber_open) gives PD_CLIENT_IN_CALLBACK there, pd_client_poll returns at once, and pd_client_close
 * must not be called. */
typedef void pd_call_done(void *context, struct pd_reply *reply);

/* Begins a call; `done` is called with its reply exactly once, by a later pd_client_poll, by a call that waits, or by
 * pd_client_close; never from here. Not PD_CLIENT_OK: nothing is sent, `done` is not called, pd_client_problem says why.
 * Calls are sent in the order in which they were started; what waits for the queries endpoint or is sent again comes later.
 * What is started while others are under way may not be sent before the client is polled, and who will not come to that for long
 * does so at once: `pd_client_poll(client, 0)`. */
PD_API enum pd_client_status pd_call_start(struct pd_client *client, const struct pd_call_message *message,
                                           pd_call_done *done, void *context);

/* Sends what waits, completes what can be completed, and waits up to timeout_ms until there is something (0: does not wait).
 * Returns how many calls are outstanding, at once when there are none, and early when a signal came. To finish all:
 * `while (pd_client_poll(client, 1000) > 0) continue;`, which ends, since every call does. */
PD_API size_t pd_client_poll(struct pd_client *client, uint32_t timeout_ms);

/* A descriptor for a loop of one's own (poll, epoll): whenever pd_client_poll(client, 0) has something to do, time-outs included,
 * it is readable, and stays so until that was called; seldom it is when there is nothing. For reading only; the client's, the
 * same one while it is open. -1: no more descriptors; see the problem. */
PD_API int pd_client_fd(struct pd_client *client);

/* ---- for every message --------------------------------------------------------------------------------------------- */

#define PD_DEFINE_CALL(kind, code, name, data_of_reply)                                                                    \
    static inline struct pd_call_message pd_##name##_message(const struct pd_##name *data)                                 \
    {                                                                                                                      \
        struct pd_call_message message;                                                                                    \
        memset(&message, 0, sizeof message);                                                                               \
        message.kind = code;                                                                                               \
        message.data = data;                                                                                               \
        message.data_size = sizeof *data;                                                                                  \
        return message;                                                                                                    \
    }                                                                                                                      \
    static inline const struct pd_##data_of_reply *pd_##name##_reply(const struct pd_reply *reply)                         \
    {                                                                                                                      \
        return reply->kind == code ? (const struct pd_##data_of_reply *)reply->data : NULL;                                \
    }                                                                                                                      \
    static inline const struct pd_##data_of_reply *pd_##name(struct pd_client *client, const struct pd_##name *data,       \
                                                             struct pd_reply *reply)                                       \
    {                                                                                                                      \
        const struct pd_call_message message = pd_##name##_message(data);                                                  \
        pd_call(client, &message, reply);                                                                                  \
        return pd_##name##_reply(reply);                                                                                   \
    }

/* Commands of the workers port are for workers, those of the engine for nobody. */
#define PD_DEFINE_ON_commands(name, reply) PD_DEFINE_CALL(command, PD_COMMAND_##name, name, reply)
#define PD_DEFINE_ON_workers(name, reply)
#define PD_DEFINE_ON_engine(name, reply)

#define PD_COMMAND(code, name, Name, port, role, flags, reply, ...) PD_DEFINE_ON_##port(name, reply)
#define PD_SERVICE(code, name, Name, port, role, flags, reply, ...) PD_DEFINE_ON_##port(name, reply)
#define PD_QUERY(code, name, Name, role, flags, reply, ...)         PD_DEFINE_CALL(query, PD_QUERY_##name, name, reply)
#include "proto/schema.def"

PD_END_DECLARATIONS

#endif
