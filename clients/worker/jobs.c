#include "clients/worker/jobs.h"

#include <inttypes.h>
#include <stdio.h>

#include "proto/framing.h"
#include "proto/limits.h"

enum {
    REPEAT_MS         = 1000,  /* an unanswered report */
    REPEAT_MAX_MS     = 60000, /* however long an engine asks us to wait */
    PROGRESS_EVERY_MS = 250,
    REPORTS_MAX       = 2 * WORKER_JOBS_MAX,
    ARRAY_BYTES       = PD_ELEMENTS_MAX - 3, /* of reports in a message, which has no more elements than bytes */
};

static const struct pd_text nothing = {NULL, 0};

/* ---- what comes out ------------------------------------------------------------------------------------------------ */

struct worker_action *
worker_act(struct worker *w, enum worker_action_kind kind)
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
    struct worker_action *a = worker_act(w, kind);
    struct pd_assignment *task = PD_ARENA_NEW(&w->scratch, struct pd_assignment); /* the job may be free before it is read */
    pd_copy_block(&w->scratch, pd_block_assignment(), &job->task, task);
    a->job = (size_t)(job - w->jobs);
    a->task = task;
    return a;
}

void
worker_note(struct worker *w, const char *what, struct worker_job *job, struct pd_text text)
{
    struct worker_action *a = job == NULL ? worker_act(w, WORKER_NOTE) : act_on_job(w, WORKER_NOTE, job);
    a->what = what;
    a->text = pd_arena_text(&w->scratch, text);
}

void
worker_send(struct worker *w, const struct mp_writer *frame)
{
    worker_act(w, WORKER_SEND)->text = pd_arena_text(&w->scratch, (struct pd_text){frame->data, frame->size});
}

void
worker_new_id(struct worker *w, char kind, char ret_id[WORKER_ID_MAX])
{
    snprintf(ret_id, WORKER_ID_MAX, "%.*s-%c%" PRIu64, (int)w->options.nonce.size, w->options.nonce.data, kind, ++w->next_id);
}

void
worker_pack(struct mp_writer *packed, const struct pd_block *block, const char *id, struct pd_text reseller, const void *data)
{
    struct pd_request envelope = {.id = pd_text(id), .reseller = reseller};
    mp_writer_clear(packed);
    pd_encode_request(packed, &envelope, block, data);
}

/* ---- reports ------------------------------------------------------------------------------------------------------- */

/* It is sent at the end of this step, or with others. */
static void
open_report(int64_t now, struct worker_report *report)
{
    report->open = true;
    report->waits = false;
    report->sent = 0;
    report->again_ms = now;
}

/* Message by message, as many in each as a frame takes. */
static void
send_together(struct worker *w, int64_t now, struct worker_report *const reports[], size_t count)
{
    for (size_t from = 0, n; from < count; from += n) {
        size_t size = 0;
        for (n = 0; from + n < count && (n == 0 || size + reports[from + n]->frame.size <= ARRAY_BYTES); n++)
            size += reports[from + n]->frame.size;
        mp_writer_clear(&w->packed);
        if (n > 1) mp_array(&w->packed, n);
        for (size_t i = from; i < from + n; i++) {
            mp_raw(&w->packed, reports[i]->frame.data, reports[i]->frame.size);
            reports[i]->sent++;
            reports[i]->waits = false;
            reports[i]->again_ms = now + REPEAT_MS;
        }
        if (w->phase == WORKER_WORKING) worker_send(w, &w->packed);
    }
}

static struct worker_report *
report_at(struct worker *w, size_t i)
{
    return i % 2 == 0 ? &w->jobs[i / 2].result : &w->jobs[i / 2].progress;
}

/* All that is to be sent now. */
static void
send_reports(struct worker *w, int64_t now)
{
    struct worker_report *together[REPORTS_MAX];
    size_t                count = 0;
    int64_t               until_ms = 0; /* others are under way */

    for (size_t i = 0; i < REPORTS_MAX; i++) {
        const struct worker_report *r = report_at(w, i);
        if (r->open && r->sent > 0 && r->again_ms > now && r->again_ms > until_ms) until_ms = r->again_ms;
    }
    for (size_t i = 0; i < REPORTS_MAX; i++) {
        struct worker_report *r = report_at(w, i);
        if (!r->open || now < r->again_ms) continue;
        if (r->sent > 0) send_together(w, now, &r, 1);
        else if (r->waits || until_ms == 0) together[count++] = r;
        else {
            r->waits = true;
            r->again_ms = until_ms;
        }
    }
    send_together(w, now, together, count);
}

/* What is to come of the lease; from now on that is all there is to the job. */
static void
report_result(struct worker *w, int64_t now, struct worker_job *job, enum worker_outcome outcome, const struct pd_block *block,
              const void *data)
{
    job->state = WORKER_REPORTING;
    job->outcome = outcome;
    job->progress.open = job->has_news = false; /* overtaken */
    worker_new_id(w, 't', job->result.id);
    worker_pack(&job->result.frame, block, job->result.id, job->task.reseller, data);
    open_report(now, &job->result);
}

static void
report_failure(struct worker *w, int64_t now, struct worker_job *job, const struct worker_in *in)
{
    struct pd_report_failure data = {.worker = w->options.name, .task = job->task.task, .lease = job->task.lease,
                                     .retryable = in->retryable, .code = in->code, .message = in->text, .output = in->output};
    report_result(w, now, job, WORKER_FAILED, pd_block_report_failure(), &data);
}

static void
report_success(struct worker *w, int64_t now, struct worker_job *job, const struct worker_in *in)
{
    struct pd_report_success data = {.worker = w->options.name, .task = job->task.task, .lease = job->task.lease,
                                     .message = in->text, .output = in->output, .parameters = in->parameters,
                                     .parameters_count = in->parameter_count};
    report_result(w, now, job, WORKER_SUCCEEDED, pd_block_report_success(), &data);
}

static void
report_release(struct worker *w, int64_t now, struct worker_job *job, const char *reason)
{
    struct pd_report_release data = {.worker = w->options.name, .task = job->task.task, .lease = job->task.lease,
                                     .reason = pd_text(reason)};
    report_result(w, now, job, WORKER_RELEASED, pd_block_report_release(), &data);
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
    worker_new_id(w, 't', job->progress.id);
    worker_pack(&job->progress.frame, pd_block_report_progress(), job->progress.id, job->task.reseller, &data);
    open_report(now, &job->progress);
}

void
jobs_repeat(struct worker *w, int64_t now)
{
    for (size_t i = 0; i < REPORTS_MAX; i++)
        if (report_at(w, i)->open) open_report(now, report_at(w, i));
}

/* ---- leases -------------------------------------------------------------------------------------------------------- */

static bool
has_process(const struct worker_job *job)
{
    return job->state == WORKER_RUNNING || job->state == WORKER_STOPPING || job->state == WORKER_DROPPED;
}

static bool
is_about(const struct worker_job *job, struct pd_text reseller, uint64_t task)
{
    return job->state != WORKER_FREE && job->task.task == task && pd_text_equal(job->task.reseller, reseller);
}

static struct worker_job *
find_job(struct worker *w, struct pd_text reseller, uint64_t task, uint64_t lease)
{
    for (size_t i = 0; i < WORKER_JOBS_MAX; i++)
        if (is_about(&w->jobs[i], reseller, task) && w->jobs[i].task.lease == lease) return &w->jobs[i];
    return NULL;
}

static void
free_job(struct worker_job *job)
{
    pd_arena_reset(&job->arena);
    job->state = WORKER_FREE;
    job->task = (struct pd_assignment){0};
    job->result.open = job->progress.open = false;
    job->has_news = job->has_percent = job->overdue = job->lost = false;
    job->message_size = 0;
    job->progress_from_ms = job->limit_ms = 0;
}

static void
lose(struct worker *w, struct worker_job *job)
{
    bool running = job->state == WORKER_RUNNING;

    if (job->state != WORKER_WAITING && job->state != WORKER_STOPPING && !running) return;
    worker_note(w, "lease_lost", job, nothing);
    job->progress.open = job->has_news = false;
    if (job->state == WORKER_WAITING) {
        free_job(job);
        return;
    }
    if (running) act_on_job(w, WORKER_STOP, job);
    job->state = WORKER_DROPPED;
}

void
jobs_lose(struct worker *w, struct pd_text reseller, uint64_t task, uint64_t lease)
{
    struct worker_job *job = find_job(w, reseller, task, lease);
    if (job != NULL) lose(w, job);
}

void
jobs_lose_all(struct worker *w)
{
    for (size_t i = 0; i < WORKER_JOBS_MAX; i++) {
        struct worker_job *job = &w->jobs[i];
        lose(w, job);
        if (job->state == WORKER_REPORTING) free_job(job);
    }
}

/* Nothing of it is told any more but why it ended. */
static void
stop(struct worker *w, int64_t now, struct worker_job *job, bool overdue, const char *reason)
{
    if (job->state == WORKER_WAITING) report_release(w, now, job, reason);
    if (job->state != WORKER_RUNNING) return;
    act_on_job(w, WORKER_STOP, job);
    job->state = WORKER_STOPPING;
    job->overdue = overdue;
    job->reason = reason;
    job->progress.open = job->has_news = false;
}

void
jobs_stop(struct worker *w, int64_t now, struct pd_text reseller, uint64_t task, uint64_t lease)
{
    struct worker_job *job = find_job(w, reseller, task, lease);
    if (job != NULL) stop(w, now, job, false, "stopped");
}

void
jobs_stop_all(struct worker *w, int64_t now, bool also_running, const char *reason)
{
    for (size_t i = 0; i < WORKER_JOBS_MAX; i++)
        if (also_running || w->jobs[i].state == WORKER_WAITING) stop(w, now, &w->jobs[i], false, reason);
}

void
jobs_take(struct worker *w, int64_t now, const struct pd_assignment *task)
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
    /* Not taken, so not among our leases: the engine hands it to somebody else, at once when we have said goodbye. */
    if (room == NULL || w->refused || w->phase > WORKER_WORKING) return;
    pd_copy_block(&room->arena, pd_block_assignment(), task, &room->task);
    room->state = WORKER_WAITING;
    room->order = ++w->next_order;
    if (w->leaving > WORKER_DRAINED) stop(w, now, room, false, "the worker is leaving");
}

/* ---- what the process says ----------------------------------------------------------------------------------------- */

void
jobs_hear_progress(struct worker *w, const struct worker_in *in)
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

void
jobs_hear_end(struct worker *w, int64_t now, const struct worker_in *in)
{
    struct worker_job *job = &w->jobs[in->job];
    bool               asked = job->state == WORKER_STOPPING && !in->unasked;
    struct worker_in   late = {.retryable = true, .code = PD_TEXT("time_limit"), .output = in->output};

    bool               lost = job->state == WORKER_DROPPED;

    if (!lost && job->state != WORKER_RUNNING && job->state != WORKER_STOPPING) return;
    if (lost) {
        /* Stale, but only we know that it has ended now: what it may have made is removed where nobody wants it. */
        late.code = PD_TEXT("lease_lost");
        job->lost = true;
        report_failure(w, now, job, &late);
    } else if (asked && job->overdue) {
        late.text = pd_text(job->reason);
        report_failure(w, now, job, &late);
    } else if (asked) report_release(w, now, job, job->reason);
    else if (in->success) report_success(w, now, job, in);
    else report_failure(w, now, job, in);
}

/* ---- what the engine says to it ------------------------------------------------------------------------------------ */

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
    return size == 0 ? nothing : (struct pd_text){text.data, size};
}

static void
close_job(struct worker *w, struct worker_job *job, const msgpack_object *error, struct pd_text code)
{
    static const char *const facts[] = {"task_succeeded", "task_failed", "task_released"};

    if (error == NULL) worker_note(w, facts[job->outcome], job, nothing);
    else if (job->outcome == WORKER_RELEASED) worker_note(w, "lease_lost", job, nothing);
    else worker_note(w, "result_refused", job, code);
    free_job(job);
}

static void
hear_report_answer(struct worker *w, int64_t now, struct worker_job *job, struct worker_report *report,
                   const msgpack_object *error)
{
    struct pd_text         code = mp_find_text(error, "code");
    const struct pd_error *known = pd_schema_error_named(code);

    if (known != NULL && known->class == PD_CLASS_unavailable) {
        report->sent = 0;
        report->again_ms = now + pause_of(error);
        return;
    }
    report->open = false;
    if (report == &job->progress) {
        if (known != NULL && (known->number == PD_E_stale_lease || known->number == PD_E_task_not_found)) lose(w, job);
        return;
    }
    /* A slot is free; and an engine that was restarted meanwhile has not heard yet what we work for. */
    w->ready_at_ms = now;
    /* A result that the engine cannot take is told as a failure; kept to ourselves it would be done again for ever. */
    if (known != NULL && known->class == PD_CLASS_invalid && job->outcome == WORKER_SUCCEEDED) {
        worker_note(w, "result_refused", job, code);
        report_failure(w, now, job, &(struct worker_in){.code = PD_TEXT("result_refused"),
                                                        .text = cut(mp_find_text(error, "message"))});
        return;
    }
    close_job(w, job, error, code);
}

void
jobs_hear_answer(struct worker *w, int64_t now, struct pd_text id, const msgpack_object *error)
{
    for (size_t i = 0; i < WORKER_JOBS_MAX; i++) {
        struct worker_job *job = &w->jobs[i];
        if (job->result.open && pd_text_equal(id, pd_text(job->result.id)))
            hear_report_answer(w, now, job, &job->result, error);
        else if (job->progress.open && pd_text_equal(id, pd_text(job->progress.id)))
            hear_report_answer(w, now, job, &job->progress, error);
    }
    for (size_t i = 0; i < REPORTS_MAX; i++)
        if (report_at(w, i)->open && report_at(w, i)->waits) report_at(w, i)->again_ms = now;
}

size_t
jobs_held(const struct worker *w, struct pd_held_lease held[WORKER_JOBS_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < WORKER_JOBS_MAX; i++) {
        const struct worker_job *job = &w->jobs[i];
        if (job->state == WORKER_FREE || job->state == WORKER_DROPPED || job->lost) continue;
        held[n++] = (struct pd_held_lease){.reseller = job->task.reseller, .task = job->task.task, .lease = job->task.lease};
    }
    return n;
}

/* ---- time ---------------------------------------------------------------------------------------------------------- */

/* When the task's time runs out, by our clock; never, while the engine has not said what time it is. */
static int64_t
deadline_of(const struct worker *w, const struct worker_job *job)
{
    if (!w->has_engine_time || job->task.deadline > INT64_MAX) return INT64_MAX;
    return (int64_t)(job->task.deadline / 1000) - w->engine_ahead_ms;
}

static void
keep_in_time(struct worker *w, int64_t now, struct worker_job *job)
{
    if (job->state != WORKER_WAITING && job->state != WORKER_RUNNING) return;
    if (now >= deadline_of(w, job)) stop(w, now, job, true, "the task's deadline has passed");
    else if (job->limit_ms > 0 && now >= job->limit_ms) stop(w, now, job, true, "over the worker's time limit");
}

/* Oldest first, but never beside a process that still works on the same task. */
static struct worker_job *
next_to_start(struct worker *w)
{
    struct worker_job *next = NULL;
    size_t             busy = 0;
    for (size_t i = 0; i < WORKER_JOBS_MAX; i++) {
        struct worker_job *job = &w->jobs[i];
        busy += has_process(job);
        if (job->state != WORKER_WAITING || (next != NULL && next->order < job->order)) continue;
        bool blocked = false;
        for (size_t j = 0; j < WORKER_JOBS_MAX; j++)
            blocked |= has_process(&w->jobs[j]) && is_about(&w->jobs[j], job->task.reseller, job->task.task);
        if (!blocked) next = job;
    }
    return busy < w->options.slots ? next : NULL;
}

bool
jobs_pass_time(struct worker *w, int64_t now)
{
    bool left = false;

    for (size_t i = 0; i < WORKER_JOBS_MAX; i++) {
        struct worker_job *job = &w->jobs[i];
        keep_in_time(w, now, job);
        if (job->state == WORKER_RUNNING && job->has_news && !job->progress.open && now >= job->progress_from_ms)
            report_progress(w, now, job);
        left |= job->state != WORKER_FREE;
    }
    send_reports(w, now);
    for (struct worker_job *job; (job = next_to_start(w)) != NULL;) {
        job->state = WORKER_RUNNING;
        job->limit_ms = w->options.time_limit_ms > 0 ? now + w->options.time_limit_ms : 0;
        act_on_job(w, WORKER_START, job);
    }
    return left;
}

int64_t
jobs_next_wake(const struct worker *w, int64_t at)
{
    for (size_t i = 0; i < WORKER_JOBS_MAX; i++) {
        const struct worker_job *job = &w->jobs[i];
        bool                     open = job->state == WORKER_WAITING || job->state == WORKER_RUNNING;
        if (job->result.open && job->result.again_ms < at) at = job->result.again_ms;
        if (job->progress.open && job->progress.again_ms < at) at = job->progress.again_ms;
        if (job->has_news && !job->progress.open && job->progress_from_ms < at) at = job->progress_from_ms;
        if (open && deadline_of(w, job) < at) at = deadline_of(w, job);
        if (open && job->limit_ms > 0 && job->limit_ms < at) at = job->limit_ms;
    }
    return at;
}
