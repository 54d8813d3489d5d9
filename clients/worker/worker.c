#include "clients/worker/worker.h"

#include <inttypes.h>
#include <stdio.h>

#include "proto/framing.h"

enum {
    HELLO_EVERY_MS      = 1000,
    HEARTBEAT_FIRST_MS  = 1000,  /* until the engine says otherwise */
    LEASE_FIRST_MS      = 10000,
    SHORTEST_MS         = 20,    /* an engine that asks for less is not followed */
    REPEAT_MS           = 1000,  /* an unanswered report */
    REPEAT_MAX_MS       = 60000, /* however long an engine asks us to wait */
    PROGRESS_EVERY_MS   = 250,
    LEAVE_MS            = 4000,  /* for processes to end and results to be answered */
    GOODBYE_MS          = 1000,
};

/* ---- what comes out ------------------------------------------------------------------------------------------------ */

static struct worker_action *
act(struct worker *w, enum worker_action_kind kind)
{
    struct worker_action *a = PD_ARENA_NEW(&w->scratch, struct worker_action);
    a->kind = kind;
    *w->last = a;
    w->last = &a->next;
    return a;
}

static struct worker_action *
act_on_job(struct worker *w, enum worker_action_kind kind, struct worker_job *job)
{
    struct worker_action *a = act(w, kind);
    struct pd_assignment *task = PD_ARENA_NEW(&w->scratch, struct pd_assignment); /* the job may be free before it is read */
    pd_copy_block(&w->scratch, pd_block_assignment(), &job->task, task);
    a->job = (size_t)(job - w->jobs);
    a->task = task;
    return a;
}

static void
note(struct worker *w, const char *what, struct worker_job *job, struct pd_text text)
{
    struct worker_action *a = job == NULL ? act(w, WORKER_NOTE) : act_on_job(w, WORKER_NOTE, job);
    a->what = what;
    a->text = pd_arena_text(&w->scratch, text);
}

static void
send_bytes(struct worker *w, const struct mp_writer *frame)
{
    act(w, WORKER_SEND)->text = pd_arena_text(&w->scratch, (struct pd_text){frame->data, frame->size});
}

/* The second letter group of an id says what it belongs to: h(ello), r(eady), g(oodbye), t(ask). */
static void
new_id(struct worker *w, char kind, char ret_id[WORKER_ID_MAX])
{
    snprintf(ret_id, WORKER_ID_MAX, "%.*s-%c%" PRIu64, (int)w->options.nonce.size, w->options.nonce.data, kind, ++w->next_id);
}

static void
pack(struct mp_writer *packed, const struct pd_block *block, const char *id, struct pd_text reseller, const void *data)
{
    struct pd_request envelope = {.id = pd_text(id), .reseller = reseller};
    mp_writer_clear(packed);
    pd_encode_request(packed, &envelope, block, data);
}

/* ---- jobs ---------------------------------------------------------------------------------------------------------- */

static bool
holds_lease(const struct worker_job *job)
{
    return job->state == WORKER_WAITING || job->state == WORKER_RUNNING || job->state == WORKER_REPORTING;
}

static bool
is_about(const struct worker_job *job, struct pd_text reseller, uint64_t task)
{
    return job->state != WORKER_FREE && job->task.task == task && pd_text_equal(job->task.reseller, reseller);
}

static void
free_job(struct worker_job *job)
{
    pd_arena_reset(&job->arena);
    job->state = WORKER_FREE;
    job->task = (struct pd_assignment){0};
    job->result.open = job->progress.open = false;
    job->has_news = job->has_percent = false;
    job->message_size = 0;
}

/* The lease is another's: stop working on it. A result that waits for its answer goes on waiting: it may be the one that
 * closed the task. */
static void
lose(struct worker *w, struct worker_job *job)
{
    if (job->state != WORKER_WAITING && job->state != WORKER_RUNNING) return;
    note(w, "lease_lost", job, (struct pd_text){NULL, 0});
    job->progress.open = job->has_news = false;
    if (job->state == WORKER_WAITING) {
        free_job(job);
        return;
    }
    act_on_job(w, WORKER_STOP, job);
    job->state = WORKER_DROPPED;
}

static void
take(struct worker *w, const struct pd_assignment *task)
{
    struct worker_job *room = NULL;
    for (size_t i = 0; i < WORKER_JOBS_MAX; i++) {
        struct worker_job *job = &w->jobs[i];
        if (job->state == WORKER_FREE && room == NULL) room = job;
        if (!is_about(job, task->reseller, task->task)) continue;
        if (job->task.lease >= task->lease) return;
        lose(w, job);
        if (job->state == WORKER_FREE && room == NULL) room = job;
    }
    /* No room: it is not among our leases, and the engine hands it to somebody else. */
    if (room == NULL || w->leaving) return;
    pd_copy_block(&room->arena, pd_block_assignment(), task, &room->task);
    room->state = WORKER_WAITING;
    room->order = ++w->next_order;
    room->progress_from_ms = 0;
}

/* Oldest first, but never beside a process that still works on the same task under a lost lease. */
static struct worker_job *
next_to_start(struct worker *w)
{
    struct worker_job *next = NULL;
    size_t             busy = 0;
    for (size_t i = 0; i < WORKER_JOBS_MAX; i++) {
        struct worker_job *job = &w->jobs[i];
        busy += job->state == WORKER_RUNNING || job->state == WORKER_DROPPED;
        if (job->state != WORKER_WAITING || (next != NULL && next->order < job->order)) continue;
        bool blocked = false;
        for (size_t j = 0; j < WORKER_JOBS_MAX; j++)
            blocked |= w->jobs[j].state == WORKER_DROPPED && is_about(&w->jobs[j], job->task.reseller, job->task.task);
        if (!blocked) next = job;
    }
    return busy < w->options.slots ? next : NULL;
}

/* ---- reports ------------------------------------------------------------------------------------------------------- */

static void
send_report(struct worker *w, int64_t now, struct worker_report *report)
{
    report->again_ms = now + REPEAT_MS;
    if (w->phase == WORKER_WORKING) send_bytes(w, &report->frame);
}

static void
report_failure(struct worker *w, int64_t now, struct worker_job *job, struct pd_text code, struct pd_text message)
{
    struct pd_report_failure data = {.worker = w->options.name, .task = job->task.task, .lease = job->task.lease,
                                     .code = code, .message = message};
    job->state = WORKER_REPORTING;
    job->succeeded = false;
    job->result.open = true;
    new_id(w, 't', job->result.id);
    pack(&job->result.frame, pd_block_report_failure(), job->result.id, job->task.reseller, &data);
    send_report(w, now, &job->result);
}

static void
report_success(struct worker *w, int64_t now, struct worker_job *job, const struct worker_in *in)
{
    struct pd_report_success data = {.worker = w->options.name, .task = job->task.task, .lease = job->task.lease,
                                     .message = in->text, .parameters = in->parameters,
                                     .parameters_count = in->parameter_count};
    job->state = WORKER_REPORTING;
    job->succeeded = true;
    job->result.open = true;
    new_id(w, 't', job->result.id);
    pack(&job->result.frame, pd_block_report_success(), job->result.id, job->task.reseller, &data);
    send_report(w, now, &job->result);
}

static void
report_progress(struct worker *w, int64_t now, struct worker_job *job)
{
    struct pd_report_progress data = {.worker = w->options.name, .task = job->task.task, .lease = job->task.lease,
                                      .progress = job->percent, .has_progress = job->has_percent};
    if (job->message_size > 0) data.message = (struct pd_text){job->message, job->message_size};
    job->has_news = job->has_percent = false;
    job->message_size = 0;
    job->progress_from_ms = now + PROGRESS_EVERY_MS;
    job->progress.open = true;
    new_id(w, 't', job->progress.id);
    pack(&job->progress.frame, pd_block_report_progress(), job->progress.id, job->task.reseller, &data);
    send_report(w, now, &job->progress);
}

static void
hear_progress(struct worker *w, const struct worker_in *in)
{
    struct worker_job *job = &w->jobs[in->job];
    if (job->state != WORKER_RUNNING) return;
    job->has_news = true;
    if (in->has_percent) {
        job->has_percent = true;
        job->percent = in->percent;
    }
    if (in->text.data != NULL) {
        job->message_size = in->text.size < sizeof job->message ? in->text.size : sizeof job->message;
        memcpy(job->message, in->text.data, job->message_size);
    }
}

static void
hear_end(struct worker *w, int64_t now, const struct worker_in *in)
{
    struct worker_job *job = &w->jobs[in->job];
    if (job->state == WORKER_DROPPED) free_job(job);
    if (job->state != WORKER_RUNNING) return;
    job->progress.open = job->has_news = false; /* overtaken */
    if (in->success) report_success(w, now, job, in);
    else report_failure(w, now, job, in->code, in->text);
}

/* ---- what the engine says ------------------------------------------------------------------------------------------ */

static bool
decode(struct worker *w, const struct pd_block *block, const msgpack_object *data, void *ret_message)
{
    struct pd_refusal ignored;
    return data != NULL && pd_decode_map(&w->scratch, block, PD_LENIENT, data, ret_message, &ignored);
}

static void
hear_hello(struct worker *w, int64_t now, const msgpack_object *data)
{
    struct pd_hello_reply hello;
    if (w->phase != WORKER_FINDING || !decode(w, pd_block_hello_reply(), data, &hello)) return;
    if (hello.endpoints == NULL || hello.endpoints->workers.data == NULL) return;
    act(w, WORKER_OPEN)->text = pd_arena_text(&w->scratch, hello.endpoints->workers);
    note(w, "engine_found", NULL, hello.endpoints->workers);
    w->phase = WORKER_WORKING;
    w->ready_at_ms = w->heard_ms = now;
    for (size_t i = 0; i < WORKER_JOBS_MAX; i++) w->jobs[i].result.again_ms = w->jobs[i].progress.again_ms = now;
}

static void
hear_ready(struct worker *w, const msgpack_object *data)
{
    struct pd_worker_reply reply;
    if (!decode(w, pd_block_worker_reply(), data, &reply)) return;
    if (reply.heartbeat_ms >= SHORTEST_MS) w->heartbeat_ms = (int64_t)reply.heartbeat_ms;
    if (reply.lease_ms >= SHORTEST_MS) w->lease_ms = (int64_t)reply.lease_ms;
    for (size_t i = 0; i < reply.lost_count; i++)
        for (size_t j = 0; j < WORKER_JOBS_MAX; j++)
            if (is_about(&w->jobs[j], reply.lost[i].reseller, reply.lost[i].task) &&
                w->jobs[j].task.lease == reply.lost[i].lease)
                lose(w, &w->jobs[j]);
}

static int64_t
pause_of(const msgpack_object *error)
{
    const msgpack_object *ms = mp_find(error, "retry_after_ms");
    if (ms == NULL || ms->type != MSGPACK_OBJECT_POSITIVE_INTEGER || ms->via.u64 == 0) return REPEAT_MS;
    return ms->via.u64 < REPEAT_MAX_MS ? (int64_t)ms->via.u64 : REPEAT_MAX_MS;
}

/* As much of a message as a report takes, up to a whole letter or to what no text has; absent when that is nothing. */
static struct pd_text
cut(struct pd_text text)
{
    size_t size = text.size <= WORKER_TEXT_MAX ? text.size : WORKER_TEXT_MAX;

    while (size > 0 && size < text.size && (text.data[size] & 0xc0) == 0x80) size--;
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f) size = i;
    return size == 0 ? (struct pd_text){NULL, 0} : (struct pd_text){text.data, size};
}

static void
hear_report_answer(struct worker *w, int64_t now, struct worker_job *job, struct worker_report *report,
                   const msgpack_object *error)
{
    struct pd_text         code = mp_find_text(error, "code");
    const struct pd_error *known = pd_schema_error_named(code);

    if (known != NULL && known->class == PD_CLASS_unavailable) {
        report->again_ms = now + pause_of(error);
        return;
    }
    report->open = false;
    /* A slot is free; and an engine that was restarted meanwhile has not heard yet what we work for. */
    if (report == &job->result) w->ready_at_ms = now;
    if (report == &job->progress) {
        if (known != NULL && (known->number == PD_E_stale_lease || known->number == PD_E_task_not_found)) lose(w, job);
        return;
    }
    if (error == NULL) note(w, job->succeeded ? "task_succeeded" : "task_failed", job, (struct pd_text){NULL, 0});
    else note(w, "result_refused", job, code);
    /* A result that the engine cannot take is told as a failure; kept to ourselves it would be done again for ever. */
    if (known != NULL && known->class == PD_CLASS_invalid && job->succeeded) {
        report_failure(w, now, job, PD_TEXT("result_refused"), cut(mp_find_text(error, "message")));
        return;
    }
    free_job(job);
}

static void
hear_answer(struct worker *w, int64_t now, const msgpack_object *answer)
{
    struct pd_text        id = mp_find_text(answer, "id"), nonce = w->options.nonce;
    const msgpack_object *error = mp_find(answer, "error"), *data = mp_find(answer, "data");

    if (id.size < nonce.size + 2 || memcmp(id.data, nonce.data, nonce.size) != 0) return;
    char kind = id.data[nonce.size + 1];
    if (kind == 'g') {
        w->phase = WORKER_GONE;
        return;
    }
    if ((kind == 'h' || kind == 'r') && error != NULL) {
        const struct pd_error *known = pd_schema_error_named(mp_find_text(error, "code"));
        if (known == NULL || known->class == PD_CLASS_unavailable) return;
        struct worker_action *a = act(w, WORKER_EXIT);
        a->what = "the engine refused this worker";
        a->text = pd_arena_text(&w->scratch, mp_find_text(error, "message"));
        return;
    }
    if (kind == 'h') hear_hello(w, now, data);
    if (kind == 'r') hear_ready(w, data);
    for (size_t i = 0; kind == 't' && i < WORKER_JOBS_MAX; i++) {
        struct worker_job *job = &w->jobs[i];
        if (job->result.open && pd_text_equal(id, pd_text(job->result.id)))
            hear_report_answer(w, now, job, &job->result, error);
        else if (job->progress.open && pd_text_equal(id, pd_text(job->progress.id)))
            hear_report_answer(w, now, job, &job->progress, error);
    }
}

static void
hear_frame(struct worker *w, int64_t now, struct pd_text frame)
{
    struct mp_scan scan;
    msgpack_object message;
    if (!mp_scan(frame.data, frame.size, &scan) || !mp_parse(&w->reader, frame.data, frame.size, &message)) {
        note(w, "unreadable_message", NULL, (struct pd_text){NULL, 0});
        return;
    }
    w->heard_ms = now;
    if (pd_text_equal(mp_find_text(&message, "type"), PD_TEXT("Assignment"))) {
        struct pd_assignment task;
        if (decode(w, pd_block_assignment(), mp_find(&message, "data"), &task) && task.task > 0 && task.reseller.data != NULL)
            take(w, &task);
    } else hear_answer(w, now, &message);
}

/* ---- time ---------------------------------------------------------------------------------------------------------- */

static void
say_hello(struct worker *w, int64_t now)
{
    struct pd_hello data = {0};
    char            id[WORKER_ID_MAX];

    if (now >= w->reopen_at_ms) {
        act(w, WORKER_OPEN)->text = w->options.endpoint;
        w->reopen_at_ms = now + w->lease_ms;
    }
    new_id(w, 'h', id);
    pack(&w->packed, pd_block_hello(), id, (struct pd_text){NULL, 0}, &data);
    send_bytes(w, &w->packed);
    w->hello_at_ms = now + HELLO_EVERY_MS;
}

static void
say_ready(struct worker *w, int64_t now)
{
    struct pd_held_lease   held[WORKER_JOBS_MAX];
    struct pd_worker_ready data = {.worker = w->options.name, .groups = w->options.groups,
                                   .groups_count = w->options.group_count, .leases = held};
    char                   id[WORKER_ID_MAX];

    data.credit = w->leaving ? 0 : w->options.slots;
    for (size_t i = 0; i < WORKER_JOBS_MAX; i++) {
        const struct worker_job *job = &w->jobs[i];
        if (!holds_lease(job)) continue;
        held[data.leases_count++] =
            (struct pd_held_lease){.reseller = job->task.reseller, .task = job->task.task, .lease = job->task.lease};
    }
    new_id(w, 'r', id);
    pack(&w->packed, pd_block_worker_ready(), id, (struct pd_text){NULL, 0}, &data);
    send_bytes(w, &w->packed);
    w->ready_at_ms = now + w->heartbeat_ms * 2 / 3;
}

static void
say_goodbye(struct worker *w, int64_t now)
{
    struct pd_worker_goodbye data = {.worker = w->options.name};
    char                     id[WORKER_ID_MAX];

    w->phase = w->phase == WORKER_WORKING ? WORKER_GOODBYE : WORKER_GONE;
    w->leave_by_ms = now + GOODBYE_MS;
    if (w->phase == WORKER_GONE) return;
    new_id(w, 'g', id);
    pack(&w->packed, pd_block_worker_goodbye(), id, (struct pd_text){NULL, 0}, &data);
    send_bytes(w, &w->packed);
}

static void
begin_to_leave(struct worker *w, int64_t now)
{
    if (w->leaving) return;
    w->leaving = true;
    w->leave_by_ms = now + LEAVE_MS;
    w->ready_at_ms = now;
    for (size_t i = 0; i < WORKER_JOBS_MAX; i++) lose(w, &w->jobs[i]);
}

static void
pass_time_for_job(struct worker *w, int64_t now, struct worker_job *job)
{
    if (job->result.open && now >= job->result.again_ms) send_report(w, now, &job->result);
    if (job->progress.open && now >= job->progress.again_ms) send_report(w, now, &job->progress);
    if (job->state == WORKER_RUNNING && job->has_news && !job->progress.open && now >= job->progress_from_ms)
        report_progress(w, now, job);
}

static void
pass_time(struct worker *w, int64_t now)
{
    bool pending = false;

    if (w->phase == WORKER_WORKING && now >= w->heard_ms + w->lease_ms) {
        note(w, "engine_silent", NULL, (struct pd_text){NULL, 0});
        w->phase = WORKER_FINDING;
        w->hello_at_ms = w->reopen_at_ms = now;
    }
    if (w->phase == WORKER_FINDING && now >= w->hello_at_ms) say_hello(w, now);
    if (w->phase == WORKER_WORKING && now >= w->ready_at_ms) say_ready(w, now);
    for (size_t i = 0; i < WORKER_JOBS_MAX; i++) {
        pass_time_for_job(w, now, &w->jobs[i]);
        pending |= w->jobs[i].state != WORKER_FREE;
    }
    for (struct worker_job *job; !w->leaving && (job = next_to_start(w)) != NULL;) {
        job->state = WORKER_RUNNING;
        act_on_job(w, WORKER_START, job);
    }
    if (!w->leaving) return;
    if (w->phase < WORKER_GOODBYE && (!pending || now >= w->leave_by_ms)) say_goodbye(w, now);
    if (w->phase == WORKER_GOODBYE && now >= w->leave_by_ms) w->phase = WORKER_GONE;
    if (w->phase == WORKER_GONE) act(w, WORKER_EXIT);
}

static int64_t
next_wake(const struct worker *w, int64_t now)
{
    int64_t at = w->phase == WORKER_FINDING ? w->hello_at_ms : w->heard_ms + w->lease_ms;
    if (w->phase == WORKER_WORKING && w->ready_at_ms < at) at = w->ready_at_ms;
    if (w->leaving && w->leave_by_ms < at) at = w->leave_by_ms;
    for (size_t i = 0; i < WORKER_JOBS_MAX; i++) {
        const struct worker_job *job = &w->jobs[i];
        if (job->result.open && job->result.again_ms < at) at = job->result.again_ms;
        if (job->progress.open && job->progress.again_ms < at) at = job->progress.again_ms;
        if (job->has_news && !job->progress.open && job->progress_from_ms < at) at = job->progress_from_ms;
    }
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
    case WORKER_PROGRESS: hear_progress(w, in); break;
    case WORKER_ENDED: hear_end(w, now_ms, in); break;
    case WORKER_LEAVE: begin_to_leave(w, now_ms); break;
    }
    pass_time(w, now_ms);
    *ret_next_wake_ms = next_wake(w, now_ms);
    return w->first;
}
