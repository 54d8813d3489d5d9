#include "clients/lib/call.h"

enum {
    BUSY_MAX = 100, /* answers of this kind in one call, then the last one is the answer */
    BUSY_PAUSE_MAX = 5000,
    PAUSE_FIRST = 100, /* before the second sending; doubled before each later one */
    PAUSE_MAX = 2000,
};

/* What one answer says about us. */
enum verdict { NOT_OURS, OURS, OURS_BUSY };

/* Whether one answer of possibly many is `busy`, and for how long; the longest counts. */
static bool
is_busy(const msgpack_object *answer, uint32_t *pause_ms)
{
    const msgpack_object *error = mp_find(answer, "error");
    if (!pd_text_equal(mp_find_text(error, "code"), PD_TEXT("busy"))) return false;
    const msgpack_object *after = mp_find(error, "retry_after_ms");
    uint64_t ms = after != NULL && after->type == MSGPACK_OBJECT_POSITIVE_INTEGER ? after->via.u64 : PAUSE_FIRST;
    if (ms > BUSY_PAUSE_MAX) ms = BUSY_PAUSE_MAX;
    if (ms > *pause_ms) *pause_ms = (uint32_t)ms;
    return true;
}

static const msgpack_object *
first_of(const msgpack_object *answer)
{
    if (answer->type != MSGPACK_OBJECT_ARRAY) return answer;
    return answer->via.array.size > 0 ? &answer->via.array.ptr[0] : NULL;
}

struct pd_text
pd_call_answer_id(const msgpack_object *answer)
{
    return mp_find_text(first_of(answer), "id");
}

static bool
has_id(const msgpack_object *answer, struct pd_text id)
{
    const msgpack_object *o = mp_find(first_of(answer), "id");
    if (o == NULL) return false;
    /* Nil: the engine could not read so much as the id. Whoever hands it to us knows of no other request under way. */
    if (o->type == MSGPACK_OBJECT_NIL) return true;
    return pd_text_equal(pd_call_answer_id(answer), id);
}

static enum verdict
judge(const msgpack_object *answer, struct pd_text id, uint32_t *pause_ms)
{
    bool busy = false;

    *pause_ms = 0;
    if (!has_id(answer, id)) return NOT_OURS;
    if (answer->type != MSGPACK_OBJECT_ARRAY) return is_busy(answer, pause_ms) ? OURS_BUSY : OURS;
    /* Sending the whole array again is safe: what was accepted is answered as before. */
    for (uint32_t i = 0; i < answer->via.array.size; i++) busy |= is_busy(&answer->via.array.ptr[i], pause_ms);
    return busy ? OURS_BUSY : OURS;
}

/* Doubling, and a little different for every id so that many clients do not come back at once. */
static uint32_t
pause_before(const struct pd_call *call)
{
    uint32_t hash = 2166136261u, pause = PAUSE_FIRST;
    for (size_t i = 0; i < call->id.size; i++) hash = (hash ^ (unsigned char)call->id.data[i]) * 16777619u;
    for (uint32_t i = 1; i < call->sent && pause < PAUSE_MAX; i++) pause *= 2;
    if (pause > PAUSE_MAX) pause = PAUSE_MAX;
    return pause + hash % (pause / 2);
}

void
pd_call_init(struct pd_call *call, struct pd_text id, uint32_t timeout_ms, uint32_t retries)
{
    *call = (struct pd_call){.id = id, .timeout_ms = timeout_ms, .retries = retries};
}

enum pd_call_act
pd_call_step(struct pd_call *call, uint64_t now_ms, const msgpack_object *answer)
{
    uint32_t pause_ms;

    if (answer != NULL && call->waiting) {
        enum verdict verdict = judge(answer, call->id, &pause_ms);
        if (verdict == OURS || (verdict == OURS_BUSY && call->busy == BUSY_MAX)) return PD_CALL_ANSWERED;
        if (verdict == OURS_BUSY) {
            call->busy++;
            call->sent = 0; /* it lives: time-outs are counted anew */
            call->waiting = false;
            call->wake_ms = now_ms + pause_ms;
            return PD_CALL_BUSY;
        }
    }
    if (now_ms < call->wake_ms) return PD_CALL_WAIT;
    if (!call->waiting) {
        call->waiting = true;
        call->sent++;
        call->wake_ms = now_ms + call->timeout_ms;
        return PD_CALL_SEND;
    }
    if (call->sent > call->retries) return PD_CALL_GIVE_UP;
    call->waiting = false;
    call->wake_ms = now_ms + pause_before(call);
    return PD_CALL_REOPEN;
}
