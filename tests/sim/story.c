/* story.c - the demo's story in one process under one seed: the real engine over books in memory, the worker's step, the
 * client's step; a clock that is told, a network that loses, doubles and delays, and crashes that forget what was not durable.
 *
 *   sim [--quiet] SEED [COUNT]
 *
 * Two customers' orders are added, confirmed, opened and checked; one provisioning fails first and is retried. At the end an
 * auditor reads the log: positions without gap, every acknowledged command in it once, each asked again answered with the
 * same bytes, both orders completed. The same seed tells the same story, byte for byte. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/lib/json.h"
#include "engine/store/store_memory.h"
#include "proto/check.h"
#include "tests/sim/sim.h"

static const char *const owner[] = {
    "{'type':'PutCustomer','data':{'customer':'ana','name':'Panadería López'}}",
    "{'type':'PutCustomer','data':{'customer':'bruno','name':'Bruno e Hijos'}}",
    "{'type':'PutPlan','data':{'plan':'web','name':'Hosting estándar y correo electrónico','category':'hosting','published':true,"
    "'domain':'exclusive','worker_group':'hosting'}}",
    "{'type':'PutPeriod','data':{'plan':'web','period':'1y','enabled':true,'setup_fee':0,'recurring_fee':9900,'currency':'EUR'}}",
    NULL,
};
static const char *const ana[] = {
    "{'type':'AddOrder','data':{'customer':'ana','reference':'A',"
    "'items':[{'plan':'web','period':'1y','domain':'panadería-lópez.es'}]}}",
    "{'type':'ConfirmOrder','data':{'reference':'A','total':9900}}",
    "{'type':'OpenOrder','data':{'reference':'A'}}",
    "{'type':'AddNote','data':{'reference':'A','text':'Ana llama el viernes'}}",
    "{'type':'CheckStatus','data':{'reference':'A','wait_ms':4000,'until':'end'}}",
    NULL,
};
static const char *const bruno[] = {
    "{'type':'AddOrder','data':{'customer':'bruno','reference':'B','items':[{'plan':'web','period':'1y','domain':'bruno.es'}]}}",
    "{'type':'ConfirmOrder','data':{'reference':'B'}}",
    "{'type':'OpenOrder','data':{'reference':'B'}}",
    "{'type':'CheckStatus','data':{'reference':'B','wait_ms':4000,'until':'end'}}",
    "{'type':'AddNote','data':{'customer':'bruno','text':'Avisado del fallo'}}",
    "{'type':'RetryProvisioning','data':{'reference':'B'}}",
    "{'type':'CheckStatus','data':{'reference':'B','wait_ms':4000,'until':'end'}}",
    NULL,
};

/* ---- chance and story ---------------------------------------------------------------------------------------------- */

static uint64_t
chance(struct sim *s, uint64_t of)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return s->random % of;
}

static void __attribute__((format(printf, 2, 3)))
tell(struct sim *s, const char *format, ...)
{
    char    line[512];
    va_list args;
    int     size = snprintf(line, sizeof line, "%6" PRIu64 "  ", s->now_ms);

    va_start(args, format);
    size += vsnprintf(line + size, sizeof line - (size_t)size, format, args);
    va_end(args);
    s->hash = index_text_print(INDEX_command, s->hash, pd_text(line));
    if (!s->quiet) puts(line);
}

/* ---- the network --------------------------------------------------------------------------------------------------- */

static void
post(struct sim *s, struct mail mail, struct pd_text body)
{
    PD_CHECK(s->mail_count < MAIL_MAX);
    mail.data = malloc(body.size + 1);
    PD_CHECK(mail.data != NULL);
    memcpy(mail.data, body.data, body.size);
    mail.size = body.size;
    s->mails[s->mail_count++] = mail;
}

/* One message on its way: lost, doubled, late, and so overtaken by others. */
static void
send_mail(struct sim *s, struct mail mail, struct pd_text body)
{
    uint64_t copies = chance(s, 100) < 5 ? 2 : 1;

    if (chance(s, 100) < 5) {
        s->lost++;
        return;
    }
    s->doubled += copies - 1;
    mail.job = -1;
    for (uint64_t i = 0; i < copies; i++) {
        mail.at_ms = s->now_ms + 1 + chance(s, 20) + (chance(s, 50) == 0 ? chance(s, 2000) : 0);
        post(s, mail, body);
    }
}

static struct mail
take_mail(struct sim *s, size_t i)
{
    struct mail m = s->mails[i];
    s->mails[i] = s->mails[--s->mail_count];
    return m;
}

/* ---- the engine ---------------------------------------------------------------------------------------------------- */

struct now
engine_time(const struct sim *s)
{
    return (struct now){1767225600000000 + s->now_ms * 1000, s->now_ms + 1};
}

static void
open_engine(struct sim *s)
{
    struct engine_options options = {
        .lease_ms = LEASE_MS, .busy_turn = s->busy_turn, .software = PD_TEXT("sim"),
        .endpoints = {PD_TEXT("commands"), PD_TEXT("events"), PD_TEXT("queries"), PD_TEXT("workers"), 0},
    };
    uint64_t known;
    PD_CHECK(books_open("sim", STORE_CREATE, false, &s->books, &known) == STORE_OK);
    PD_CHECK(engine_open(&s->books, &options, engine_time(s), &s->engine) == STORE_OK);
    s->life++;
}

static void
crash(struct sim *s, const char *when)
{
    tell(s, "crash %s", when);
    engine_close(&s->engine);
    books_close(&s->books);
    s->committed = s->decided;
    s->rows_left = false;
    s->crashes++;
    s->life++; /* what is on its way to or from it is lost */
    s->engine_down_ms = s->now_ms + 100 + chance(s, 1000);
}

/* An address is the peer and its socket's life, as a ROUTER would know it. */
static void
answer(struct sim *s, struct pd_text address, struct pd_text body)
{
    struct mail m = {.from = TO_ENGINE};
    memcpy(&m.to, address.data, sizeof m.to);
    memcpy(&m.life, address.data + sizeof m.to, sizeof m.life);
    send_mail(s, m, body);
}

/* Takes what has arrived for the engine, as one turn. */
static void
decide_turn(struct sim *s)
{
    struct turn    *t = &s->turns_open[s->decided % 2];
    struct request *list[TURN_MAX];
    size_t          done, n;

    pd_arena_reset(&t->arena);
    t->count = 0;
    for (size_t i = 0; i < s->mail_count && t->count < TURN_MAX;) {
        if (s->mails[i].to != TO_ENGINE || s->mails[i].at_ms > s->now_ms) {
            i++;
            continue;
        }
        struct mail     m = take_mail(s, i);
        struct request *r = list[t->count] = &t->requests[t->count];
        char           *address = pd_arena_alloc(&t->arena, 16);
        t->count++;
        memset(r, 0, sizeof *r);
        memcpy(address, &m.from, sizeof m.from);
        memcpy(address + sizeof m.from, &m.life, sizeof m.life);
        r->address = (struct pd_text){address, sizeof m.from + sizeof m.life};
        struct pd_text body = pd_arena_text(&t->arena, (struct pd_text){m.data, m.size});
        free(m.data);
        PD_CHECK(door_open(&s->door, m.port, body, &n, &r->refusal));
        door_take(&s->door, m.port, 0, false, &t->arena, r);
    }
    PD_CHECK(engine_decide(s->engine, engine_time(s), list, t->count, &done) == STORE_OK && done == t->count);
    engine_seal(s->engine);
    s->decided++;
    s->turns++;
}

/* Commits the turn that was decided first, and gives its answers; now and then dies before, or between the two. */
static void
commit_turn(struct sim *s)
{
    const struct turn *t = &s->turns_open[s->committed % 2];
    size_t             n;

    if (t->count > 0 && chance(s, 60) == 0) {
        crash(s, "before the commit");
        return;
    }
    PD_CHECK(engine_commit(s->engine) == STORE_OK);
    s->committed++;
    s->rows_left = s->rows_left || engine_leaves_rows(s->engine);
    const struct appended *events = engine_appended(s->engine, &n);
    for (size_t i = 0; i < n; i++)
        tell(s, "event %" PRIu64 " %s (%.*s)", events[i].record.header.position,
             pd_schema_event(events[i].record.header.type)->Name, (int)events[i].record.actor.size, events[i].record.actor.data);
    if (n > 0 && chance(s, 10) == 0) {
        crash(s, "between commit and reply");
        return;
    }
    for (size_t i = 0; i < t->count; i++)
        if (t->requests[i].answer.data != NULL) answer(s, t->requests[i].address, t->requests[i].answer);
    const struct outgoing *out = engine_outgoing(s->engine, &n);
    for (size_t i = 0; i < n; i++) answer(s, out[i].address, out[i].body);
}

static void
write_rows(struct sim *s)
{
    bool written;
    PD_CHECK(engine_write_rows(s->engine, &written) == STORE_OK && written);
    s->rows_left = false;
}

/* A turn may be decided while the one before is committed, and rows are written when it pleases. */
static void
run_engine(struct sim *s)
{
    if (s->engine == NULL) {
        if (s->now_ms < s->engine_down_ms) return;
        open_engine(s);
        tell(s, "the engine is back, at event %" PRIu64, store_last(s->books.log));
    }
    decide_turn(s);
    if (s->decided - s->committed == 1 && chance(s, 3) == 0) return;
    while (s->engine != NULL && s->committed < s->decided) commit_turn(s);
    if (s->engine != NULL && s->rows_left && chance(s, 3) > 0) write_rows(s);
}

/* What is under way comes to its end. */
static void
settle(struct sim *s)
{
    while (s->engine != NULL && s->committed < s->decided) commit_turn(s);
    if (s->engine == NULL) open_engine(s);
    if (s->rows_left) write_rows(s);
}

/* ---- clients ------------------------------------------------------------------------------------------------------- */

static void
write_request(struct client *c, const char *line)
{
    char                   text[1024];
    struct pd_json_problem problem;

    snprintf(text, sizeof text, "%s", line);
    for (char *p = text; *p != '\0'; p++)
        if (*p == '\'') *p = '"';
    json_t *o = json_loads(text, 0, NULL);
    PD_CHECK(o != NULL);
    json_object_set_new(o, "id", json_string(c->id));
    mp_writer_clear(&c->request);
    PD_CHECK(pd_json_to_request(&c->request, pd_block_request(), o, &problem));
    json_decref(o);
}

static bool
is_ok(struct pd_text answer)
{
    return memmem(answer.data, answer.size, "\xa2ok\xc3", 4) != NULL;
}

/* CheckStatus is asked anew until the order has ended or failed. */
static bool
is_settled(struct pd_text answer)
{
    return memmem(answer.data, answer.size, "completed", 9) != NULL ||
           memmem(answer.data, answer.size, "provisioning_failed", 19) != NULL;
}

static void
step_client(struct sim *s, int number, struct pd_text answer_bytes)
{
    struct client   *c = &s->clients[number];
    struct mp_reader reader = {.ready = false};
    msgpack_object   parsed;
    struct mail      m = {.to = TO_ENGINE, .from = number, .port = PD_port_commands, .life = s->life};

    if (c->script[c->at] == NULL) return;
    if (!c->busy) {
        snprintf(c->id, sizeof c->id, "client-%d-%zu-%" PRIu64, number, c->at, s->now_ms);
        write_request(c, c->script[c->at]);
        pd_call_init(&c->call, pd_text(c->id), 800, 1000000);
        c->busy = true;
    }
    bool came = answer_bytes.data != NULL && mp_parse(&reader, answer_bytes.data, answer_bytes.size, &parsed);
    for (bool go = true; go; came = false)
        switch (pd_call_step(&c->call, s->now_ms, came ? &parsed : NULL)) {
        case PD_CALL_SEND: send_mail(s, m, (struct pd_text){c->request.data, c->request.size}); break;
        case PD_CALL_ANSWERED:
            tell(s, "client %d has the answer to %s", number, c->id);
            PD_CHECK(is_ok(answer_bytes));
            c->busy = go = false;
            if (strstr(c->script[c->at], "CheckStatus") != NULL) c->at += is_settled(answer_bytes);
            else {
                c->answers[c->at] = pd_arena_text(&s->arena, answer_bytes);
                c->asked[c->at] = pd_arena_text(&s->arena, (struct pd_text){c->request.data, c->request.size});
                c->at++;
            }
            break;
        case PD_CALL_WAIT: go = false; break;
        case PD_CALL_GIVE_UP: PD_CHECK(!"a client never gives up here"); break;
        default: break;
        }
    mp_reader_fini(&reader);
}

/* ---- the worker ---------------------------------------------------------------------------------------------------- */

static void
step_worker(struct sim *s, const struct worker_in *in)
{
    struct mail m = {.to = TO_ENGINE, .from = TO_WORKER};

    for (struct worker_action *a = worker_step(s->worker, (int64_t)s->now_ms, in, &s->worker_wake_ms); a != NULL; a = a->next) {
        m.life = s->worker_life;
        switch (a->kind) {
        case WORKER_OPEN: s->worker_life = ++s->life * 1000; break; /* a new socket */
        case WORKER_SEND:
            m.port = memmem(a->text.data, a->text.size, "Hello", 5) != NULL ? PD_port_commands : PD_port_workers;
            send_mail(s, m, a->text);
            break;
        case WORKER_START: {
            bool fails = pd_text_equal(a->task->reference, PD_TEXT("B")) && a->task->attempt == 1;
            tell(s, "the worker starts order %.*s, attempt %" PRIu64 ", lease %" PRIu64, (int)a->task->reference.size,
                 a->task->reference.data, a->task->attempt, a->task->lease);
            struct mail end = {.at_ms = s->now_ms + 50 + chance(s, 500), .to = TO_WORKER, .job = (int)a->job, .success = !fails};
            post(s, end, PD_TEXT(""));
            break;
        }
        case WORKER_STOP: {
            struct mail end = {.at_ms = s->now_ms + 1, .to = TO_WORKER, .job = (int)a->job};
            tell(s, "the worker stops a task that is no longer its own");
            for (size_t i = 0; i < s->mail_count;)
                if (s->mails[i].to == TO_WORKER && s->mails[i].job == (int)a->job) free(take_mail(s, i).data);
                else i++;
            post(s, end, PD_TEXT(""));
            break;
        }
        default: break;
        }
    }
}

/* ---- time ---------------------------------------------------------------------------------------------------------- */

static void
deliver(struct sim *s)
{
    for (size_t i = 0; i < s->mail_count;) {
        if (s->mails[i].at_ms > s->now_ms || s->mails[i].to == TO_ENGINE) {
            i++;
            continue;
        }
        struct mail    m = take_mail(s, i);
        struct pd_text body = {m.data, m.size};
        if (m.to < CLIENTS) step_client(s, m.to, body);
        else if (m.job >= 0) {
            struct pd_pair   login = {PD_TEXT("login"), PD_TEXT("https://panel.example")};
            struct worker_in in = {.kind = WORKER_ENDED, .job = (size_t)m.job, .success = m.success,
                                   .text = m.success ? PD_TEXT("done") : PD_TEXT("the server said no"),
                                   .parameters = m.success ? &login : NULL, .parameter_count = m.success};
            step_worker(s, &in);
        } else if (m.life == s->worker_life) {
            struct worker_in in = {.kind = WORKER_FRAME, .text = body};
            step_worker(s, &in);
        }
        free(m.data);
        i = 0; /* the list has changed */
    }
}

static bool
is_over(const struct sim *s)
{
    for (int i = 0; i < CLIENTS; i++)
        if (s->clients[i].script[s->clients[i].at] != NULL) return false;
    return true;
}

static void
live(struct sim *s)
{
    const struct pd_text nothing = {NULL, 0};
    for (s->now_ms = 1; !is_over(s) && s->now_ms < STORY_MS; s->now_ms++) {
        struct worker_in tick = {.kind = WORKER_TICK};
        deliver(s);
        step_client(s, 0, nothing);
        if (s->clients[0].script[s->clients[0].at] == NULL)
            for (int i = 1; i < CLIENTS; i++) step_client(s, i, nothing);
        if ((int64_t)s->now_ms >= s->worker_wake_ms) step_worker(s, &tick);
        run_engine(s);
    }
    PD_CHECK(is_over(s)); /* every order has a way out */
}

/* ---- one seed ------------------------------------------------------------------------------------------------------ */

static struct sim *
run_seed(uint64_t seed, bool quiet)
{
    struct sim           *s = calloc(1, sizeof *s);
    struct worker_options options = {
        .endpoint = PD_TEXT("commands"), .name = PD_TEXT("w1"), .nonce = PD_TEXT("sim"), .groups = {PD_TEXT("hosting")},
        .group_count = 1, .slots = 2,
    };

    PD_CHECK(s != NULL && (s->worker = malloc(sizeof *s->worker)) != NULL);
    s->random = seed * 0x9e3779b97f4a7c15u + 1;
    s->busy_turn = seed % 2 == 0 ? 1 : 0; /* in every other story rows are written after their events, and a crash comes between */
    s->quiet = quiet;
    s->clients[0].script = owner;
    s->clients[1].script = ana;
    s->clients[2].script = bruno;
    pd_arena_init(&s->arena);
    for (int i = 0; i < 2; i++) pd_arena_init(&s->turns_open[i].arena);
    worker_init(s->worker, &options);
    open_engine(s);
    live(s);
    settle(s);
    audit_log(s);
    audit_answers(s);
    engine_close(&s->engine);
    books_close(&s->books);
    open_engine(s); /* and once more after a restart */
    audit_answers(s);
    return s;
}

static void
forget(struct sim *s)
{
    engine_close(&s->engine);
    books_close(&s->books);
    store_memory_forget("sim");
    worker_fini(s->worker);
    free(s->worker);
    while (s->mail_count > 0) free(take_mail(s, 0).data);
    for (int c = 0; c < CLIENTS; c++) mp_writer_fini(&s->clients[c].request);
    door_fini(&s->door);
    pd_arena_fini(&s->arena);
    for (int i = 0; i < 2; i++) pd_arena_fini(&s->turns_open[i].arena);
    free(s);
}

int
main(int argc, char **argv)
{
    bool     quiet = argc > 1 && strcmp(argv[1], "--quiet") == 0;
    uint64_t seed = argc > 1 + quiet ? strtoull(argv[1 + quiet], NULL, 10) : 1;
    uint64_t count = argc > 2 + quiet ? strtoull(argv[2 + quiet], NULL, 10) : 1, crashes = 0, lost = 0, doubled = 0;

    for (uint64_t i = 0; i < count; i++) {
        printf("seed %" PRIu64 "\n", seed + i); /* before it runs: a check that fails names it */
        fflush(stdout);
        struct sim *s = run_seed(seed + i, quiet);
        uint64_t    hash = s->hash;
        crashes += s->crashes;
        lost += s->lost;
        doubled += s->doubled;
        forget(s);
        s = run_seed(seed + i, true);
        if (s->hash != hash) {
            printf("seed %" PRIu64 " tells two stories\n", seed + i);
            return EXIT_FAILURE;
        }
        forget(s);
    }
    /* Seeds without a crash prove little. */
    printf("%" PRIu64 " seeds: %" PRIu64 " crashes, %" PRIu64 " messages lost, %" PRIu64 " doubled\n", count, crashes, lost,
           doubled);
    if (crashes == 0 || lost == 0 || doubled == 0) return EXIT_FAILURE;
    return EXIT_SUCCESS;
}
