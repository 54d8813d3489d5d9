/* call.h - one request until its answer: when to send, when to send again, when to give up. A step without clock or
 * socket of its own; pending.c gives it both. */
#ifndef CLIENTS_LIB_CALL_H
#define CLIENTS_LIB_CALL_H

#include "proto/msgpack.h"

enum pd_call_act {
    PD_CALL_WAIT,     /* for an answer, until wake_ms */
    PD_CALL_SEND,     /* the request, then step again */
    PD_CALL_REOPEN,   /* the answer did not come: drop the socket, then step again */
    PD_CALL_BUSY,     /* the engine is busy: nothing to do but step again */
    PD_CALL_ANSWERED, /* by the bytes of this step */
    PD_CALL_GIVE_UP,
};

struct pd_call {
    struct pd_text id;
    uint32_t       timeout_ms, retries;
    uint32_t       sent, busy; /* how often */
    bool           waiting;    /* for an answer; else for the time to send */
    uint64_t       wake_ms;
};

void pd_call_init(struct pd_call *call, struct pd_text id, uint32_t timeout_ms, uint32_t retries);

/* Whether the next step without an answer says PD_CALL_SEND. */
static inline bool
pd_call_is_to_send(const struct pd_call *call, uint64_t now_ms)
{
    return !call->waiting && now_ms >= call->wake_ms;
}

/* What is to be done now. `answer` is what came, or NULL; what is not the answer is passed over. */
enum pd_call_act pd_call_step(struct pd_call *call, uint64_t now_ms, const msgpack_object *answer);

/* The id that an answer goes to, of an array that of its first; absent when it is nil or not to be found. */
struct pd_text pd_call_answer_id(const msgpack_object *answer);

#endif
