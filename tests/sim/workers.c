/* workers.c - those who provision: pedido-worker's own step, with jobs that take their time, fail or never end; workers that die,
 * are cut off and come back; and one that is none, and reports what it was never given. */
#include <inttypes.h>
#include <stdlib.h>

#include "proto/check.h"
#include "tests/sim/sim.h"

static void
start(struct sim *s, struct sim_worker *w)
{
    static const char *const groups[WORKERS][2] = {{"web", NULL}, {"web", NULL}, {"mail", NULL}, {"web", "mail"}};
    size_t                   n = (size_t)(w - s->workers);
    struct worker_options    options = {.endpoint = PD_TEXT("commands"), .slots = 1 + n % 3};

    w->process++;
    w->leaving = w->gone = false;
    snprintf(w->name, sizeof w->name, "w%zu", n + 1);
    snprintf(w->nonce, sizeof w->nonce, "n%zu%" PRIu64, n + 1, s->now_ms);
    options.name = pd_text(w->name);
    options.nonce = pd_text(w->nonce);
    for (; options.group_count < 2 && groups[n][options.group_count] != NULL; options.group_count++)
        options.groups[options.group_count] = pd_text(groups[n][options.group_count]);
    w->step = calloc(1, sizeof *w->step);
    PD_CHECK(w->step != NULL);
    worker_init(w->step, &options);
}

static void
end(struct sim_worker *w)
{
    worker_fini(w->step);
    free(w->step);
}

void
workers_open(struct sim *s)
{
    for (int i = 0; i < WORKERS; i++) {
        s->workers[i].wake_ms = 1 + chance(s, 200);
        start(s, &s->workers[i]);
    }
}

void
workers_close(struct sim *s)
{
    for (int i = 0; i < WORKERS; i++) {
        end(&s->workers[i]);
        mp_writer_fini(&s->workers[i].ready);
    }
}

/* ---- jobs -------------------------------------------------------------------------------------------------------------- */

enum way { FOR_GOOD, RETRYABLE, GIVEN_BACK, WAYS };

static struct pd_assignment
assignment_of(const struct sim_job *j)
{
    return (struct pd_assignment){
        .reseller = pd_text(j->reseller), .instance = pd_text(j->instance), .task = j->task, .lease = j->lease};
}

/* A task's process: some progress perhaps, then its end; `late`: after its deadline. */
static void
work(struct sim *s, struct sim_worker *w, const struct worker_action *a)
{
    struct sim_job *j = &w->jobs[a->job];
    struct mail     m = {.to = CLIENTS + (int)(w - s->workers), .life = w->process, .is_job = true, .job = a->job,
                             .serial = ++w->serial};
    uint64_t        takes = 5 + chance(s, chance(s, 4) == 0 ? 2000 : 300);

    *j = (struct sim_job){.serial = m.serial, .task = a->task->task, .lease = a->task->lease, .operation = a->task->operation,
                          .way = chance(s, 3) > 0 ? RETRYABLE : (int)chance(s, WAYS)};
    snprintf(j->reseller, sizeof j->reseller, "%.*s", (int)a->task->reseller.size, a->task->reseller.data);
    snprintf(j->instance, sizeof j->instance, "%.*s", (int)a->task->instance.size, a->task->instance.data);
    struct pd_assignment assignment = assignment_of(j);
    if (j->operation == PD_operation_provision && befalls(s, FAULT_worker_half, 3)) model_made(s->model, &assignment);
    if (chance(s, 3) == 0) {
        m.at_ms = s->now_ms + takes / 2;
        post(s, m, PD_TEXT(""));
    }
    if (befalls(s, FAULT_worker_slow, 60)) takes += 8000 + chance(s, 30000);
    m.at_ms = s->now_ms + takes;
    m.ends = true;
    m.success = chance(s, j->operation == PD_operation_provision ? 3 : 4) > 0;
    post(s, m, PD_TEXT(""));
}

/* What its end leaves behind. */
static void
finish(struct sim *s, struct sim_job *j, bool success)
{
    struct pd_assignment a = assignment_of(j);

    if (j->killed) return;
    if (j->operation == PD_operation_provision && success) model_made(s->model, &a);
    if (j->operation == PD_operation_deprovision && (success || chance(s, 3) == 0)) model_removed(s->model, &a);
    j->killed = true;
}

/* It may still end what it is at. */
static void
kill_job(struct sim *s, struct sim_worker *w, size_t job)
{
    struct sim_job      *j = &w->jobs[job];
    struct pd_assignment a = assignment_of(j);

    if (!j->killed && j->operation == PD_operation_provision && chance(s, 3) == 0) model_made(s->model, &a);
    struct mail m = {.to = CLIENTS + (int)(w - s->workers), .life = w->process, .is_job = true, .ends = true, .job = job,
                     .serial = w->jobs[job].serial, .at_ms = s->now_ms + 1};

    w->jobs[job].killed = true;
    post(s, m, PD_TEXT(""));
}

/* ---- what it says -------------------------------------------------------------------------------------------------------- */

static int
way_of(const struct sim_worker *w, struct pd_text reseller, const struct pd_report_failure *f)
{
    for (size_t i = 0; i < WORKER_JOBS_MAX; i++)
        if (w->jobs[i].task == f->task && w->jobs[i].lease == f->lease && pd_text_equal(reseller, pd_text(w->jobs[i].reseller)))
            return w->jobs[i].way;
    return FOR_GOOD;
}

/* The step's words, with what a script would have it say: in which way it failed, what it can do. False: as they are. */
static bool
put_otherwise(const struct sim_worker *w, struct pd_arena *arena, struct pd_text text, const msgpack_object *o,
              struct mp_writer *ret_frame)
{
    static struct pd_text    provision[] = {PD_TEXT("provision")};
    struct pd_text           type = mp_find_text(o, "type");
    struct pd_request        envelope = {.id = mp_find_text(o, "id"), .reseller = mp_find_text(o, "reseller")};
    struct pd_report_failure f = {0};
    struct pd_worker_ready   ready = {0};
    struct pd_refusal        refusal;

    if (pd_text_equal(type, PD_TEXT("WorkerReady")) && w->name[1] == '2' &&
        pd_decode_map(arena, pd_block_worker_ready(), PD_LENIENT, mp_find_packed(text, "data"), &ready, &refusal)) {
        ready.operations = provision;
        ready.operations_count = 1;
        pd_encode_request(ret_frame, &envelope, pd_block_worker_ready(), &ready);
        return true;
    }
    if (!pd_text_equal(type, PD_TEXT("ReportFailure")) ||
        !pd_decode_map(arena, pd_block_report_failure(), PD_LENIENT, mp_find_packed(text, "data"), &f, &refusal))
        return false;
    struct pd_report_release back = {.worker = f.worker, .task = f.task, .lease = f.lease, .reason = PD_TEXT("que lo haga otro")};
    int                      way = way_of(w, envelope.reseller, &f);
    f.retryable = way == RETRYABLE;
    if (way == GIVEN_BACK) pd_encode_request(ret_frame, &envelope, pd_block_report_release(), &back);
    else pd_encode_request(ret_frame, &envelope, pd_block_report_failure(), &f);
    return true;
}

static void
say(struct sim *s, struct sim_worker *w, struct mail m, struct pd_text text)
{
    static struct mp_reader reader;
    static struct mp_writer frame;
    struct pd_arena         arena;
    msgpack_object          o;

    pd_arena_init(&arena);
    mp_writer_clear(&frame);
    PD_CHECK(mp_parse(&reader, text.data, text.size, &o));
    if (put_otherwise(w, &arena, text, &o, &frame)) text = (struct pd_text){frame.data, frame.size};
    if (pd_text_equal(mp_find_text(&o, "type"), PD_TEXT("WorkerReady"))) {
        mp_writer_clear(&w->ready);
        mp_raw(&w->ready, text.data, text.size);
    }
    m.port = pd_text_equal(mp_find_text(&o, "type"), PD_TEXT("Hello")) ? PD_port_commands : PD_port_workers;
    send_mail(s, m, text);
    pd_arena_fini(&arena);
}

static void
step(struct sim *s, struct sim_worker *w, const struct worker_in *in)
{
    struct mail m = {.to = TO_ENGINE, .from = CLIENTS + (int)(w - s->workers)};
    int64_t     wake_ms;

    for (struct worker_action *a = worker_step(w->step, (int64_t)s->now_ms, in, &wake_ms); a != NULL; a = a->next) {
        m.life = w->life;
        switch (a->kind) {
        case WORKER_OPEN: w->life++; break;
        case WORKER_SEND:
            if (s->now_ms >= w->cut_off_ms) say(s, w, m, a->text);
            break;
        case WORKER_START: work(s, w, a); break;
        case WORKER_STOP: kill_job(s, w, a->job); break;
        case WORKER_EXIT: w->gone = true; break;
        default: break;
        }
    }
    w->wake_ms = wake_ms > (int64_t)s->now_ms ? (uint64_t)wake_ms : s->now_ms + 1;
    if (!w->gone) return;
    tell(s, "# %s has left, and comes again", w->name);
    end(w);
    start(s, w);
    w->wake_ms = s->now_ms + 1 + chance(s, 2000);
}

/* ---- what it hears ------------------------------------------------------------------------------------------------------- */

/* It may be told to stop a job, or, with its heartbeat, to leave. */
static bool
obey(struct sim *s, struct sim_worker *w, const struct mail *mail)
{
    static struct mp_reader reader;
    msgpack_object          o;

    if (!mp_parse(&reader, mail->data, mail->size, &o)) return false;
    const msgpack_object *data = mp_find(&o, "data"), *drain = mp_find(data, "drain");
    if (drain != NULL && drain->type == MSGPACK_OBJECT_BOOLEAN && drain->via.boolean && !w->leaving) return w->leaving = true;
    if (!pd_text_equal(mp_find_text(&o, "type"), PD_TEXT("Stop"))) return false;
    const msgpack_object *task = mp_find(data, "task"), *lease = mp_find(data, "lease");
    for (size_t i = 0; task != NULL && lease != NULL && i < WORKER_JOBS_MAX; i++) {
        struct sim_job *j = &w->jobs[i];
        if (j->killed || j->task != task->via.u64 || j->lease != lease->via.u64 ||
            !pd_text_equal(mp_find_text(data, "reseller"), pd_text(j->reseller)) || befalls(s, FAULT_worker_deaf, 3))
            continue;
        j->way = GIVEN_BACK;
        kill_job(s, w, i);
    }
    return false;
}

static void
overhear(struct sim *s, const struct mail *mail)
{
    struct mp_reader     reader = {.ready = false};
    msgpack_object       o;
    struct pd_assignment a = {0};
    struct pd_refusal    refusal;
    struct pd_arena      arena;
    struct pd_text       body = {mail->data, mail->size};

    pd_arena_init(&arena);
    if (mp_parse(&reader, mail->data, mail->size, &o) && pd_text_equal(mp_find_text(&o, "type"), PD_TEXT("Assignment")) &&
        pd_decode_map(&arena, pd_block_assignment(), PD_LENIENT, mp_find_packed(body, "data"), &a, &refusal)) {
        struct overheard *h = &s->overheard[s->overheard_count++ % OVERHEARD];
        *h = (struct overheard){.worker = mail->to - CLIENTS, .task = a.task, .lease = a.lease};
        snprintf(h->reseller, sizeof h->reseller, "%.*s", (int)a.reseller.size, a.reseller.data);
    }
    pd_arena_fini(&arena);
    mp_reader_fini(&reader);
}

void
worker_hear(struct sim *s, const struct mail *mail)
{
    static struct pd_pair login = {PD_TEXT("login"), PD_TEXT("https://panel.example")};
    struct sim_worker    *w = &s->workers[mail->to - CLIENTS];
    struct worker_in      in = {.kind = WORKER_FRAME, .text = {mail->data, mail->size}};

    if (mail->life != (mail->is_job ? w->process : w->life) || (!mail->is_job && s->now_ms < w->cut_off_ms)) return;
    if (mail->is_job && mail->serial != w->jobs[mail->job].serial) return;
    if (!mail->is_job) overhear(s, mail);
    if (mail->is_job && mail->ends) finish(s, &w->jobs[mail->job], mail->success);
    if (mail->is_job && !mail->ends)
        in = (struct worker_in){.kind = WORKER_PROGRESS, .job = mail->job, .has_percent = true, .percent = chance(s, 101),
                                .text = PD_TEXT("a medias")};
    else if (mail->is_job)
        in = (struct worker_in){.kind = WORKER_ENDED, .job = mail->job, .success = mail->success,
                                .text = mail->success ? PD_TEXT("hecho") : PD_TEXT("el servidor dijo que no"),
                                .parameters = mail->success ? &login : NULL, .parameter_count = mail->success};
    bool leaves = !mail->is_job && obey(s, w, mail);
    step(s, w, &in);
    if (leaves) step(s, w, &(struct worker_in){.kind = WORKER_LEAVE});
}

void
worker_tick(struct sim *s, struct sim_worker *w)
{
    struct worker_in in = {.kind = WORKER_TICK};

    if (befalls(s, FAULT_worker_died, 120)) {
        struct mail twin = {.to = TO_ENGINE, .from = CLIENTS + (int)(w - s->workers), .life = w->life, .port = PD_port_workers};
        tell(s, "# %s dies", w->name);
        end(w);
        start(s, w);
        twin.at_ms = s->now_ms + 1 + chance(s, 2 * LEASE_MS);
        if (w->ready.size > 0 && befalls(s, FAULT_worker_twin, 2)) post(s, twin, (struct pd_text){w->ready.data, w->ready.size});
    }
    if (s->now_ms >= w->cut_off_ms && befalls(s, FAULT_worker_silent, 80)) {
        w->cut_off_ms = s->now_ms + LEASE_MS + chance(s, LEASE_MS);
        tell(s, "# %s is cut off", w->name);
    }
    step(s, w, &in);
}

/* It names what it has overheard, or whom it likes: a lease that never was, the one before, perhaps the right one. Now and then it
 * says for another that he goes. */
void
tell_lie(struct sim *s)
{
    struct mail              m = {.to = TO_ENGINE, .from = LIAR, .life = 1, .port = PD_port_workers};
    struct mp_writer         frame = {0};
    char                     id[32], name[8];
    struct pd_request        envelope = {.reseller = pd_text(resellers[chance(s, RESELLERS)])};
    uint64_t                 task = 1 + chance(s, 1 + s->counts.commands / 12), lease = 1 + chance(s, 3), who = chance(s, WORKERS);

    s->lie_ms = s->now_ms + 1 + chance(s, 300);
    if (!befalls(s, FAULT_worker_lied, 2)) return;
    if (s->overheard_count > 0 && chance(s, 2) == 0) {
        const struct overheard *h = &s->overheard[chance(s, s->overheard_count < OVERHEARD ? s->overheard_count : OVERHEARD)];
        envelope.reseller = pd_text(h->reseller);
        task = h->task;
        lease = h->lease > 1 ? h->lease - 1 : h->lease + chance(s, 2);
        who = chance(s, 3) > 0 ? (uint64_t)h->worker : who;
    }
    snprintf(id, sizeof id, "lie-%" PRIu64, chance(s, 30) == 0 ? chance(s, 100) : s->sent);
    snprintf(name, sizeof name, "w%" PRIu64, 1 + who);
    envelope.id = pd_text(id);
    struct pd_report_success  success = {.worker = pd_text(name), .task = task, .lease = lease};
    struct pd_report_failure  failure = {.worker = pd_text(name), .task = task, .lease = lease};
    struct pd_report_progress progress = {.worker = pd_text(name), .task = task, .lease = lease, PD_SET(progress, 50)};
    struct pd_report_release  release = {.worker = pd_text(name), .task = task, .lease = lease};
    struct pd_worker_goodbye  goodbye = {.worker = pd_text(name)};
    failure.retryable = chance(s, 2) == 0;
    uint64_t roll = chance(s, 17);
    if (roll > 7 && roll < 12) model_lied(s->model, envelope.reseller, task, lease);
    switch (roll) {
    case 0: pd_encode_request(&frame, &envelope, pd_block_worker_goodbye(), &goodbye); break;
    case 1:
    case 2:
    case 3: pd_encode_request(&frame, &envelope, pd_block_report_progress(), &progress); break;
    case 4:
    case 5:
    case 6:
    case 7: pd_encode_request(&frame, &envelope, pd_block_report_failure(), &failure); break;
    case 12:
    case 13:
    case 14:
    case 15:
    case 16: pd_encode_request(&frame, &envelope, pd_block_report_release(), &release); break;
    default: pd_encode_request(&frame, &envelope, pd_block_report_success(), &success);
    }
    send_mail(s, m, (struct pd_text){frame.data, frame.size});
    mp_writer_fini(&frame);
}
