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
    struct worker_options    options = {.endpoint = PD_TEXT("commands"), .slots = 2};

    w->process++;
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
    for (int i = 0; i < WORKERS; i++) end(&s->workers[i]);
}

/* A task's process: some progress perhaps, then its end; `late`: after its deadline. */
static void
work(struct sim *s, struct sim_worker *w, const struct worker_action *a)
{
    struct mail m = {.to = CLIENTS + (int)(w - s->workers), .life = w->process, .is_job = true, .job = a->job};
    uint64_t    takes = 5 + chance(s, chance(s, 4) == 0 ? 2000 : 300);

    if (chance(s, 3) == 0) {
        m.at_ms = s->now_ms + takes / 2;
        post(s, m, PD_TEXT(""));
    }
    if (befalls(s, FAULT_worker_slow, 60)) takes += 8000 + chance(s, 30000);
    m.at_ms = s->now_ms + takes;
    m.ends = true;
    m.success = chance(s, 4) > 0;
    post(s, m, PD_TEXT(""));
}

static void
step(struct sim *s, struct sim_worker *w, const struct worker_in *in)
{
    struct mail m = {.to = TO_ENGINE, .from = CLIENTS + (int)(w - s->workers)};
    struct mail stopped = {.to = m.from, .life = w->process, .is_job = true, .ends = true, .at_ms = s->now_ms + 1};
    int64_t     wake_ms;

    for (struct worker_action *a = worker_step(w->step, (int64_t)s->now_ms, in, &wake_ms); a != NULL; a = a->next) {
        m.life = w->life;
        switch (a->kind) {
        case WORKER_OPEN: w->life++; break;
        case WORKER_SEND:
            m.port = memmem(a->text.data, a->text.size, "Hello", 5) != NULL ? PD_port_commands : PD_port_workers;
            if (s->now_ms >= w->cut_off_ms) send_mail(s, m, a->text);
            break;
        case WORKER_START: work(s, w, a); break;
        case WORKER_STOP:
            stopped.job = a->job;
            post(s, stopped, PD_TEXT(""));
            break;
        case WORKER_EXIT: PD_CHECK(!"a worker gives up only when it is told to"); break;
        default: break;
        }
    }
    w->wake_ms = wake_ms > (int64_t)s->now_ms ? (uint64_t)wake_ms : s->now_ms + 1;
}

static void
overhear(struct sim *s, const struct mail *mail)
{
    struct mp_reader     reader = {.ready = false};
    msgpack_object       o;
    struct pd_assignment a = {0};
    struct pd_refusal    refusal;
    struct pd_arena      arena;

    pd_arena_init(&arena);
    if (mp_parse(&reader, mail->data, mail->size, &o) && pd_text_equal(mp_find_text(&o, "type"), PD_TEXT("Assignment")) &&
        pd_decode_map(&arena, pd_block_assignment(), PD_LENIENT, mp_find(&o, "data"), &a, &refusal)) {
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
    if (!mail->is_job) overhear(s, mail);
    if (mail->is_job && !mail->ends)
        in = (struct worker_in){.kind = WORKER_PROGRESS, .job = mail->job, .has_percent = true, .percent = chance(s, 101),
                                .text = PD_TEXT("a medias")};
    else if (mail->is_job)
        in = (struct worker_in){.kind = WORKER_ENDED, .job = mail->job, .success = mail->success,
                                .text = mail->success ? PD_TEXT("hecho") : PD_TEXT("el servidor dijo que no"),
                                .parameters = mail->success ? &login : NULL, .parameter_count = mail->success};
    step(s, w, &in);
}

void
worker_tick(struct sim *s, struct sim_worker *w)
{
    struct worker_in in = {.kind = WORKER_TICK};

    if (befalls(s, FAULT_worker_died, 120)) {
        tell(s, "# %s dies", w->name);
        end(w);
        start(s, w);
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
    static const char *const resellers[] = {"default", "norte", "sur"};
    struct mail              m = {.to = TO_ENGINE, .from = LIAR, .life = 1, .port = PD_port_workers};
    struct mp_writer         frame = {0};
    char                     id[32], name[8];
    struct pd_request        envelope = {.reseller = pd_text(resellers[chance(s, 3)])};
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
    struct pd_worker_goodbye  goodbye = {.worker = pd_text(name)};
    switch (chance(s, 12)) {
    case 0: pd_encode_request(&frame, &envelope, pd_block_worker_goodbye(), &goodbye); break;
    case 1:
    case 2:
    case 3: pd_encode_request(&frame, &envelope, pd_block_report_progress(), &progress); break;
    case 4:
    case 5:
    case 6:
    case 7: pd_encode_request(&frame, &envelope, pd_block_report_failure(), &failure); break;
    default: pd_encode_request(&frame, &envelope, pd_block_report_success(), &success);
    }
    send_mail(s, m, (struct pd_text){frame.data, frame.size});
    mp_writer_fini(&frame);
}
