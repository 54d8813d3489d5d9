#include "clients/worker/worker.h"

#include <stdio.h>

#include "clients/worker/jobs.h"
#include "proto/framing.h"

enum {
    HELLO_EVERY_MS      = 1000,
    HEARTBEAT_FIRST_MS  = 1000,  /* until the engine says otherwise */
    LEASE_FIRST_MS      = 10000,
    SHORTEST_MS         = 20,    /* an engine that asks for less is not followed */
    REPORT_MS           = 2000,  /* for what is reported at the end to be answered */
    GOODBYE_MS          = 1000,
};

/* ---- what the engine says ------------------------------------------------------------------------------------------ */

/* In more haste than so far; never in less. */
static void
leave(struct worker *w, int64_t now, enum worker_leaving how)
{
    if (how <= w->leaving) return;
    w->leaving = how;
    w->ready_at_ms = now;
    w->leave_by_ms = now + (how == WORKER_DRAINING ? w->options.drain_ms : w->options.grace_ms + REPORT_MS);
    if (how > WORKER_DRAINED) jobs_stop_all(w, now, how == WORKER_LEAVING, "the worker is leaving");
}

static int64_t
next_ready(const struct worker *w, int64_t now)
{
    return now + w->heartbeat_ms * 2 / 3;
}

static bool
decode(struct worker *w, const struct pd_block *block, struct pd_text data, void *ret_message)
{
    struct pd_refusal ignored;
    return data.data != NULL && pd_decode_map(&w->scratch, block, PD_LENIENT, data, ret_message, &ignored);
}

static void
hear_hello(struct worker *w, int64_t now, struct pd_text data)
{
    struct pd_hello_reply hello;
    if (w->phase != WORKER_FINDING || !decode(w, pd_block_hello_reply(), data, &hello)) return;
    if (hello.endpoints == NULL || hello.endpoints->workers.data == NULL) return;
    worker_act(w, WORKER_OPEN)->text = pd_arena_text(&w->scratch, hello.endpoints->workers);
    worker_note(w, "engine_found", NULL, hello.endpoints->workers);
    w->phase = WORKER_WORKING;
    w->ready_at_ms = w->heard_ms = now;
    w->has_engine_time = hello.time > 0 && hello.time <= INT64_MAX;
    if (w->has_engine_time) w->engine_ahead_ms = (int64_t)(hello.time / 1000) - now;
    jobs_repeat(w, now);
}

static void
hear_ready(struct worker *w, int64_t now, struct pd_text data)
{
    struct pd_worker_reply reply;
    if (!decode(w, pd_block_worker_reply(), data, &reply)) return;
    if (reply.heartbeat_ms >= SHORTEST_MS) w->heartbeat_ms = (int64_t)reply.heartbeat_ms;
    if (reply.lease_ms >= SHORTEST_MS) w->lease_ms = (int64_t)reply.lease_ms;
    if (next_ready(w, now) < w->ready_at_ms) w->ready_at_ms = next_ready(w, now); /* as it wants it, from the first on */
    for (size_t i = 0; i < reply.lost_count; i++) jobs_lose(w, reply.lost[i].reseller, reply.lost[i].task, reply.lost[i].lease);
    for (size_t i = 0; i < reply.stop_count; i++)
        jobs_stop(w, now, reply.stop[i].reseller, reply.stop[i].task, reply.stop[i].lease);
    if (reply.drain) leave(w, now, WORKER_DRAINED);
}

/* For good: not even what runs is this worker's any more. */
static void
hear_refusal(struct worker *w, int64_t now, const msgpack_object *error)
{
    struct pd_text         message = mp_find_text(error, "message");
    const struct pd_error *known = pd_schema_error_named(mp_find_text(error, "code"));

    if (known == NULL || known->class == PD_CLASS_unavailable || w->refused) return;
    w->refused = true;
    if (message.size > 0) snprintf(w->refusal, sizeof w->refusal, "%.*s", (int)message.size, message.data);
    jobs_lose_all(w);
    leave(w, now, WORKER_LEAVING);
}

static void
hear_answer(struct worker *w, int64_t now, const msgpack_object *answer, struct pd_text packed)
{
    struct pd_text        id = mp_find_text(answer, "id"), nonce = w->options.nonce, data = mp_find_packed(packed, "data");
    const msgpack_object *error = mp_find(answer, "error");

    if (id.size < nonce.size + 2 || memcmp(id.data, nonce.data, nonce.size) != 0) return;
    char kind = id.data[nonce.size + 1];
    if (kind == 'g' && w->phase == WORKER_GOODBYE) w->phase = WORKER_GONE;
    else if ((kind == 'h' || kind == 'r') && error != NULL) hear_refusal(w, now, error);
    else if (kind == 'h') hear_hello(w, now, data);
    else if (kind == 'r') hear_ready(w, now, data);
    else if (kind == 't') jobs_hear_answer(w, now, id, error);
}

static void
hear_frame(struct worker *w, int64_t now, struct pd_text frame)
{
    struct mp_scan scan;
    msgpack_object message;
    if (!mp_scan(frame.data, frame.size, &scan) || !mp_parse(&w->reader, frame.data, frame.size, &message)) {
        worker_note(w, "unreadable_message", NULL, (struct pd_text){NULL, 0});
        return;
    }
    w->heard_ms = now;
    struct mp_cursor answers = mp_cursor_of(frame);
    size_t           count = mp_take_array(&answers);
    for (size_t i = 0; i < count; i++) hear_answer(w, now, &message.via.array.ptr[i], mp_take_packed(&answers));
    struct pd_text       type = mp_find_text(&message, "type"), data = mp_find_packed(frame, "data");
    struct pd_assignment task;
    struct pd_stop       stop;
    if (pd_text_equal(type, PD_TEXT("Assignment"))) {
        if (decode(w, pd_block_assignment(), data, &task) && task.task > 0 && task.reseller.data != NULL) jobs_take(w, now, &task);
    } else if (pd_text_equal(type, PD_TEXT("Stop"))) {
        if (decode(w, pd_block_stop(), data, &stop)) jobs_stop(w, now, stop.reseller, stop.task, stop.lease);
    } else hear_answer(w, now, &message, frame);
}

/* ---- time ---------------------------------------------------------------------------------------------------------- */

static void
say_hello(struct worker *w, int64_t now)
{
    struct pd_hello data = {0};
    char            id[WORKER_ID_MAX];

    if (now >= w->reopen_at_ms) {
        worker_act(w, WORKER_OPEN)->text = w->options.endpoint;
        w->reopen_at_ms = now + w->lease_ms;
    }
    worker_new_id(w, 'h', id);
    worker_pack(&w->packed, pd_block_hello(), id, (struct pd_text){NULL, 0}, &data);
    worker_send(w, &w->packed);
    w->hello_at_ms = now + HELLO_EVERY_MS;
}

static void
say_ready(struct worker *w, int64_t now)
{
    struct pd_held_lease   held[WORKER_JOBS_MAX];
    struct pd_worker_ready data = {.worker = w->options.name, .groups = w->options.groups,
                                   .groups_count = w->options.group_count, .operations = w->options.operations,
                                   .operations_count = w->options.operation_count, .leases = held};
    char                   id[WORKER_ID_MAX];

    data.credit = w->leaving != WORKER_STAYING ? 0 : w->options.slots;
    data.leases_count = jobs_held(w, held);
    worker_new_id(w, 'r', id);
    worker_pack(&w->packed, pd_block_worker_ready(), id, (struct pd_text){NULL, 0}, &data);
    worker_send(w, &w->packed);
    w->ready_at_ms = next_ready(w, now);
}

static void
say_goodbye(struct worker *w, int64_t now)
{
    struct pd_worker_goodbye data = {.worker = w->options.name};
    char                     id[WORKER_ID_MAX];

    w->phase = w->phase == WORKER_WORKING ? WORKER_GOODBYE : WORKER_GONE;
    w->goodbye_by_ms = now + GOODBYE_MS;
    if (w->phase == WORKER_GONE) return;
    worker_new_id(w, 'g', id);
    worker_pack(&w->packed, pd_block_worker_goodbye(), id, (struct pd_text){NULL, 0}, &data);
    worker_send(w, &w->packed);
}

static void
pass_time(struct worker *w, int64_t now)
{
    if (!w->refused && w->phase == WORKER_WORKING && now >= w->heard_ms + w->lease_ms) {
        worker_note(w, "engine_silent", NULL, (struct pd_text){NULL, 0});
        w->phase = WORKER_FINDING;
        w->hello_at_ms = w->reopen_at_ms = now;
    }
    if (w->leaving == WORKER_DRAINING && now >= w->leave_by_ms) leave(w, now, WORKER_LEAVING);
    if (!w->refused && w->phase == WORKER_FINDING && now >= w->hello_at_ms) say_hello(w, now);
    if (!w->refused && w->phase == WORKER_WORKING && now >= w->ready_at_ms) say_ready(w, now);
    bool pending = jobs_pass_time(w, now);
    if (w->leaving == WORKER_STAYING) return;
    bool over = !pending || (w->leaving == WORKER_LEAVING && now >= w->leave_by_ms);
    if (w->refused && over) w->phase = WORKER_GONE;
    if (w->phase < WORKER_GOODBYE && over) say_goodbye(w, now);
    if (w->phase == WORKER_GOODBYE && now >= w->goodbye_by_ms) w->phase = WORKER_GONE;
    if (w->phase != WORKER_GONE) return;
    struct worker_action *a = worker_act(w, WORKER_EXIT);
    a->what = w->refused ? "the engine refused this worker" : NULL;
    a->text = pd_arena_text(&w->scratch, pd_text(w->refusal));
}

static int64_t
next_wake(const struct worker *w, int64_t now)
{
    int64_t at = w->phase == WORKER_FINDING ? w->hello_at_ms : w->heard_ms + w->lease_ms;
    if (w->refused) return w->leave_by_ms < now ? now : w->leave_by_ms;
    if (w->phase == WORKER_WORKING && w->ready_at_ms < at) at = w->ready_at_ms;
    if (w->leaving > WORKER_DRAINED && w->phase < WORKER_GOODBYE && w->leave_by_ms < at) at = w->leave_by_ms;
    if (w->phase == WORKER_GOODBYE && w->goodbye_by_ms < at) at = w->goodbye_by_ms;
    at = jobs_next_wake(w, at);
    return at < now ? now : at;
}

/* ---- the step ------------------------------------------------------------------------------------------------------ */

void
worker_init(struct worker *w, const struct worker_options *options)
{
    *w = (struct worker){.options = *options, .heartbeat_ms = HEARTBEAT_FIRST_MS, .lease_ms = LEASE_FIRST_MS};
    pd_arena_init(&w->scratch);
    for (size_t i = 0; i < WORKER_JOBS_MAX; i++) pd_arena_init(&w->jobs[i].arena);
}

void
worker_fini(struct worker *w)
{
    for (size_t i = 0; i < WORKER_JOBS_MAX; i++) {
        pd_arena_fini(&w->jobs[i].arena);
        mp_writer_fini(&w->jobs[i].result.frame);
        mp_writer_fini(&w->jobs[i].progress.frame);
    }
    mp_writer_fini(&w->packed);
    mp_reader_fini(&w->reader);
    pd_arena_fini(&w->scratch);
}

struct worker_action *
worker_step(struct worker *w, int64_t now_ms, const struct worker_in *in, int64_t *ret_next_wake_ms)
{
    pd_arena_reset(&w->scratch);
    w->first = NULL;
    w->last = &w->first;
    switch (in->kind) {
    case WORKER_TICK: break;
    case WORKER_FRAME: hear_frame(w, now_ms, in->text); break;
    case WORKER_PROGRESS: jobs_hear_progress(w, in); break;
    case WORKER_ENDED: jobs_hear_end(w, now_ms, in); break;
    case WORKER_DRAIN: leave(w, now_ms, WORKER_DRAINING); break;
    case WORKER_LEAVE: leave(w, now_ms, WORKER_LEAVING); break;
    }
    pass_time(w, now_ms);
    *ret_next_wake_ms = next_wake(w, now_ms);
    return w->first;
}
