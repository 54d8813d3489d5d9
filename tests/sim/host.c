/* host.c - the engine's process, as main.c and bus/net.c make it of steps: slots filled at the door, a turn decided while the one
 * before is committed, rows written when it pleases. And its ends: a crash at any of these, or a stop in good order. */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/bus/door.h"
#include "engine/publish.h"
#include "proto/check.h"
#include "tests/sim/disk.h"
#include "tests/sim/host.h"

enum { BUSY_TURN_AT = 2 };

bool
host_is_up(const struct sim *s)
{
    return s->host->engine != NULL;
}

uint64_t
host_wake_ms(const struct sim *s)
{
    return s->host->wake_ms;
}

/* ---- life and death ---------------------------------------------------------------------------------------------------- */

/* The planned crash: its time has come, and it is of this kind. */
static bool
dies(struct sim *s, enum fault kind)
{
    return !s->calm && s->crashes < CRASHES && s->crash == kind && s->counts.commands >= s->crash_at[s->crashes];
}

static void
plan_next(struct sim *s)
{
    s->counts.faults[s->crash]++;
    s->crashes++;
    s->crash = FAULT_first_crash + (enum fault)chance(s, FAULTS - FAULT_first_crash);
}

static void
serve_log(struct sim *s, struct pd_text log)
{
    struct host *h = s->host;

    model_serves(s->model, log);
    if (pd_text_equal(log, pd_text(h->logs[0]))) return;
    memcpy(h->logs[1], h->logs[0], sizeof h->logs[1]);
    snprintf(h->logs[0], sizeof h->logs[0], "%.*s", (int)log.size, log.data);
}

static void
start(struct sim *s)
{
    struct host          *h = s->host;
    uint64_t              known;
    struct turn           first = {.now_ms = sim_time(s).monotonic_ms, .wall_us = sim_time(s).wall_us};
    struct engine_options options = {
        .lease_ms = LEASE_MS, .known_commands = 8192, .young = 100, .busy_turn = s->seed % 2 == 0 ? BUSY_TURN_AT : 0,
        .rows_ms = s->seed % 3 * 10, .views = s->reads, .software = PD_TEXT("sim"),
        .endpoints = {PD_TEXT("commands"), PD_TEXT("events"), PD_TEXT("queries"), PD_TEXT("workers"), 0},
    };

    enum disk_fault       armed = disk.armed; /* for the engine's start; a restore is another program's */

    disk.armed = DISK_FINE;
    disk.log = disk.rows = NULL;
    disk.log_full = disk.rows_full = false;
    restore_if_due(s);
    PD_CHECK(books_open(h->dir, STORE_CREATE, false, &h->books, &known) == STORE_OK);
    disk.log = h->books.log;
    disk.rows = h->books.rows;
    look_at_log(s);
    reading_check_start(s);
    disk.armed = armed;
    h->unread = h->stopping = h->released = h->rows_left = false;
    model_begin_life(s->model, first.now_ms);
    enum store_error error = engine_open(&h->books, &options, sim_time(s), &h->engine);
    bool             failed = disk.fired && disk.armed == DISK_FINE;
    disk.armed = DISK_FINE;
    disk.fired = false;
    PD_CHECK(failed == (error != STORE_OK));
    if (error == STORE_OK) serve_log(s, engine_log(h->engine));
    show_turn(s, &first, error != STORE_OK);
    if (error != STORE_OK) { /* once more */
        tell(s, "# the start fails");
        plan_next(s);
        books_close(&h->books);
        h->wake_ms = h->up_ms = s->now_ms + 50;
        return;
    }
    h->slots = slots_open();
    h->open = h->sealed = NULL;
    h->received_count = h->taken_count = 0;
    h->wake_ms = s->now_ms + 1;
    reading_open(s);
    host_look_at_rows(s);
}

static void
go_down(struct sim *s)
{
    struct host *h = s->host;

    restore_give_up(s);
    reading_close(s);
    engine_close(&h->engine);
    books_close(&h->books);
    slots_close(&h->slots);
    disk.armed = DISK_FINE;
    disk.fired = false;
    for (size_t i = 0; i < 2; i++) h->turns[i].count = 0;
    h->wake_ms = h->up_ms = s->now_ms + 10 + chance(s, 800);
    s->counts.crashes++;
    tell(s, "restart");
}

static void
crash(struct sim *s)
{
    tell(s, "# crash: %d", (int)s->crash);
    plan_next(s);
    go_down(s);
}

/* When the planned crash is an error of the disk, at this place. */
static void
arm(struct sim *s, enum fault kind, enum disk_fault fault)
{
    if (dies(s, kind)) disk.armed = fault;
}

void
host_open(struct sim *s)
{
    s->host = calloc(1, sizeof *s->host);
    PD_CHECK(s->host != NULL);
    pd_arena_init(&s->host->arena);
    pd_arena_init(&s->host->reading.arena);
    snprintf(s->host->dir, sizeof s->host->dir, "sim");
    restore_open(s);
    start(s);
}

void
host_close(struct sim *s)
{
    struct host *h = s->host;

    backup_close(&h->restore.backup);
    reading_fini(s);
    engine_close(&h->engine);
    if (h->books.log != NULL) books_close(&h->books);
    slots_close(&h->slots);
    store_memory_forget(h->dir);
    restore_close(s);
    for (size_t i = 0; i < h->later_count; i++) free(h->later[i].data);
    door_fini(&h->door);
    mp_writer_fini(&h->scratch);
    pd_arena_fini(&h->arena);
    free(h);
}

/* ---- in ---------------------------------------------------------------------------------------------------------------- */

/* An address as a ROUTER would know it: the peer and its socket's life. */
static struct pd_text
pack_address(struct pd_arena *arena, const struct mail *m)
{
    char *at = pd_arena_alloc(arena, sizeof m->from + sizeof m->life);
    memcpy(at, &m->from, sizeof m->from);
    memcpy(at + sizeof m->from, &m->life, sizeof m->life);
    return (struct pd_text){at, sizeof m->from + sizeof m->life};
}

void
count_refusals(struct sim *s, struct pd_text answer)
{
    static struct mp_reader reader;
    msgpack_object          o;

    PD_CHECK(mp_parse(&reader, answer.data, answer.size, &o));
    size_t count = o.type == MSGPACK_OBJECT_ARRAY ? o.via.array.size : 1;
    for (size_t i = 0; i < count; i++) {
        const msgpack_object  *one = o.type == MSGPACK_OBJECT_ARRAY ? &o.via.array.ptr[i] : &o;
        const struct pd_error *e = pd_schema_error_named(mp_find_text(mp_find(one, "error"), "code"));
        if (e != NULL) s->counts.refusals[e->number]++;
    }
}

static void
answer(struct sim *s, struct pd_text address, struct pd_text body)
{
    struct mail m;

    memset(&m, 0, sizeof m);
    m.from = TO_ENGINE;
    memcpy(&m.to, address.data, sizeof m.to);
    memcpy(&m.life, address.data + sizeof m.to, sizeof m.life);
    count_refusals(s, body);
    tell_message(s, "then", body, NULL);
    if (m.to != LIAR) send_mail(s, m, body);
}

/* Nothing is queued: as bus/net.c says when the queue is crowded, or at a stop. */
static void
answer_later(struct sim *s, const struct mail *m, struct pd_text body)
{
    struct host      *h = s->host;
    struct pd_refusal later = pd_refuse(h->stopping ? PD_E_shutting_down : PD_E_busy), refusal;
    struct mp_writer  answers = {0};
    size_t            count;

    later.retry_after_ms = 100;
    if (!door_open(&h->door, m->port, body, &count, &refusal)) pd_encode_refused(&answers, (struct pd_text){NULL, 0}, &refusal);
    else {
        if (count > 0) mp_array(&answers, count);
        for (size_t i = 0; i < (count > 0 ? count : 1); i++) {
            struct request r = {0};
            door_take(&h->door, m->port, count > 0, &h->arena, &r);
            pd_encode_refused(&answers, r.message.envelope.id, r.refusal.code != PD_OK ? &r.refusal : &later);
        }
    }
    answer(s, pack_address(&h->arena, m), (struct pd_text){answers.data, answers.size});
    mp_writer_fini(&answers);
    pd_arena_reset(&h->arena);
}

/* As take_single and take_array of bus/net.c: a slot for each command, the frame with the last. */
static void
take_message(struct sim *s, const struct mail *m, struct pd_text frame)
{
    struct host      *h = s->host;
    struct pd_refusal refusal = {0};
    size_t            count = 0;
    char             *body = malloc(frame.size + 1);

    PD_CHECK(body != NULL);
    memcpy(body, frame.data, frame.size);
    frame.data = body;
    bool open = door_open(&h->door, m->port, frame, &count, &refusal);
    if (!open && ((unsigned char)*body & 0xf0) == 0x90) { /* an array */
        mp_writer_clear(&h->scratch);
        pd_encode_refused(&h->scratch, (struct pd_text){NULL, 0}, &refusal);
        answer(s, pack_address(&h->arena, m), (struct pd_text){h->scratch.data, h->scratch.size});
        free(body);
        return;
    }
    size_t slots = count > 0 ? count : 1;
    for (size_t i = 0; i < slots; i++) {
        struct slot *slot = slots_free(h->slots, i);
        PD_CHECK(slot != NULL);
        slot->request.port = m->port;
        if (open) door_take(&h->door, m->port, count > 0, &slot->arena, &slot->request);
        else slot->request.refusal = refusal;
        slot->array_index = (uint32_t)i;
        slot->array_count = (uint32_t)count;
        slot->request.address = pack_address(&slot->arena, m);
        if (i + 1 == slots) slot->body = body, slot->body_size = frame.size;
        PD_CHECK(h->received_count - h->taken_count < INBOX_MAX);
        h->received[h->received_count++ % INBOX_MAX] =
            (struct model_request){.port = m->port, .frame = frame, .address = slot->request.address, .n = i, .array = count > 0};
    }
    slots_receive(h->slots, slots, frame.size);
}

void
host_hear(struct sim *s, const struct mail *m)
{
    struct host   *h = s->host;
    struct pd_text body = {m->data, m->size};

    tell_message(s, h->engine == NULL ? "# nobody hears" : "when", body, pd_block_request());
    if (h->engine == NULL) { /* the sender's socket may keep it until there is somebody again */
        if (chance(s, 2) == 0 || h->later_count == INBOX_MAX) return;
        struct mail *kept = &h->later[h->later_count++];
        *kept = *m;
        PD_CHECK((kept->data = malloc(m->size + 1)) != NULL);
        memcpy(kept->data, m->data, m->size);
        return;
    }
    if (befalls(s, FAULT_crowded, 3000)) h->crowded_ms = s->now_ms + 50 + chance(s, 200);
    bool query = m->port == PD_port_queries;
    if (h->stopping || s->now_ms < h->crowded_ms || (query && befalls(s, FAULT_page_busy, 12))) answer_later(s, m, body);
    else if (query) reading_hear(s, m, pack_address(&h->arena, m));
    else take_message(s, m, body);
    if (h->wake_ms > s->now_ms) h->wake_ms = s->now_ms;
}

/* ---- out --------------------------------------------------------------------------------------------------------------- */

/* As send_committed of bus/net.c; `some`: not all of them. */
static void
send_answers(struct sim *s, bool some)
{
    struct host *h = s->host;
    struct slot *slot;

    while ((slot = slots_committed(h->slots, 0)) != NULL && (!some || chance(s, 2) == 0)) {
        size_t         count = slot->array_count > 0 ? slot->array_count : 1;
        struct slot   *last = slots_committed(h->slots, count - 1);
        struct pd_text body = slot->request.answer;
        if (last == NULL) return; /* an array's turn is not over */
        if (slot->array_count > 0) {
            mp_writer_clear(&h->scratch);
            mp_array(&h->scratch, count);
            for (size_t i = 0; i < count; i++) {
                struct pd_text one = slots_committed(h->slots, i)->request.answer;
                mp_raw(&h->scratch, one.data, one.size);
            }
            body = (struct pd_text){h->scratch.data, h->scratch.size};
        }
        if (body.data != NULL) answer(s, last->request.address, body);
        free(last->body);
        last->body = NULL;
        slots_release(h->slots, count, last->body_size);
    }
}

static bool
wants(void *arg, struct pd_text topic)
{
    return subscribers_want(arg, topic) || chance(arg, 4) == 0;
}

static void
publish(void *arg, struct pd_text topic, struct pd_text body)
{
    struct sim *s = arg;
    note(s, body);
    model_published(s->model, topic, body);
    subscribers_publish(s, topic, body);
}

static void
send_results(struct sim *s)
{
    struct host           *h = s->host;
    struct publisher       publisher = {s, wants, publish};
    size_t                 outgoing_count, appended_count;
    const struct outgoing *outgoing = engine_outgoing(h->engine, &outgoing_count);
    const struct appended *appended = engine_appended(h->engine, &appended_count);

    for (size_t i = 0; i < outgoing_count; i++) {
        model_outgoing(s->model, outgoing[i].port, outgoing[i].address, outgoing[i].body);
        answer(s, outgoing[i].address, outgoing[i].body);
    }
    model_sent(s->model);
    for (size_t i = 0; i < appended_count; i++) publish_event(&appended[i], engine_log(h->engine), &h->scratch, &publisher);
}

/* ---- a turn ------------------------------------------------------------------------------------------------------------ */

static void
decide_waiting(struct sim *s)
{
    struct host    *h = s->host;
    size_t          pending = slots_pending(h->slots), taken;
    struct request *requests[64];
    size_t          count = pending < 64 ? pending : 64;

    if (count > 1 && chance(s, 3) == 0) count = 1 + chance(s, count);
    if (h->open == NULL) {
        h->open = &h->turns[h->sealed == &h->turns[0]];
        h->open->count = 0;
        s->counts.turns++;
    }
    for (size_t i = 0; i < count; i++) requests[i] = &slots_waiting(h->slots, i)->request;
    if (!s->calm && !h->unread && chance(s, 400) == 0) {
        disk.armed = DISK_READ;
        disk.calls = (unsigned)chance(s, 3);
    }
    struct now now = sim_time(s);
    PD_CHECK(engine_decide(h->engine, now, requests, count, &taken) == STORE_OK && taken == count);
    if (disk.armed == DISK_READ) disk.armed = DISK_FINE;
    if (disk.fired) {
        s->counts.faults[FAULT_unread]++;
        h->unread = true;
        disk.fired = false;
        tell(s, "# a record cannot be read");
    }
    h->open->now_ms = now.monotonic_ms;
    h->open->wall_us = now.wall_us;
    PD_CHECK(h->open->count + count <= TURN_MAX);
    for (size_t i = 0; i < count; i++) {
        struct model_request *r = &h->open->requests[h->open->count++];
        *r = h->received[h->taken_count++ % INBOX_MAX];
        r->answer = requests[i]->answer;
        r->now_ms = now.monotonic_ms;
        r->last = i == count - 1 ? engine_last(h->engine) : 0;
    }
    slots_take(h->slots, taken);
}

static void
seal(struct sim *s)
{
    struct host *h = s->host;

    engine_seal(h->engine);
    h->sealed = h->open;
    h->open = NULL;
    h->commit_ms = s->now_ms + chance(s, 6);
}

/* An error of the disk that the engine does not see is the worst. */
static bool
is_well(struct sim *s, enum store_error error)
{
    disk.armed = DISK_FINE;
    if (disk.fired && error == STORE_OK) model_blame(s->model, "the disk failed, and the engine goes on");
    disk.fired = false;
    if (disk.refused) s->host->refused_ms = s->now_ms;
    disk.refused = false;
    return error == STORE_OK;
}

/* False: the process is no more. */
static bool
make_room(struct sim *s, unsigned times)
{
    arm(s, FAULT_room_failed, DISK_ROOM);
    if (is_well(s, engine_make_room(s->host->engine, times))) return true;
    crash(s);
    return false;
}

/* Makes the sealed turn durable, then lets its results go. False: the process is no more. */
static bool
commit(struct sim *s)
{
    struct host *h = s->host;
    struct turn *t = h->sealed;

    if (dies(s, FAULT_sealed)) return crash(s), false;
    arm(s, FAULT_begin_failed, DISK_BEGIN);
    arm(s, FAULT_commit_lost, DISK_COMMIT_LOST);
    arm(s, FAULT_commit_kept, DISK_COMMIT_KEPT);
    if (!is_well(s, engine_commit(h->engine))) {
        bool stays = s->crash == FAULT_commit_kept || store_last(h->books.log) > model_last(s->model);
        if (stays) show_turn(s, t, true); /* and nobody hears of it */
        return crash(s), false;
    }
    show_turn(s, t, false);
    h->sealed = NULL;
    if (model_violation(s->model) != NULL) return false;
    if (dies(s, FAULT_committed) && t->count > 0) return crash(s), false;
    slots_commit(h->slots, t->count);
    if (dies(s, FAULT_amid_answers) && t->count > 1) return send_answers(s, true), crash(s), false;
    send_answers(s, false);
    if (dies(s, FAULT_answered) && t->count > 0) return crash(s), false;
    send_results(s);
    if (engine_leaves_rows(h->engine)) {
        h->rows_left = true;
        h->rows_ms = s->now_ms + chance(s, chance(s, 8) == 0 ? 300 : 5);
    }
    return make_room(s, 1);
}

static bool
write_rows(struct sim *s)
{
    struct host *h = s->host;
    bool         written = false;

    if (dies(s, FAULT_rows_left)) return crash(s), false;
    arm(s, FAULT_rows_lost, DISK_ROWS_LOST);
    arm(s, FAULT_rows_kept, DISK_ROWS_KEPT);
    if (!is_well(s, engine_write_rows(h->engine, &written))) return crash(s), false;
    while (index_work(engine_index(h->engine))) continue;
    h->rows_left = !written;
    h->rows_ms = s->now_ms + 200;
    if (!written) return true;
    reading_rows_written(s);
    if (chance(s, 100) == 0) host_look_at_rows(s);
    return make_room(s, 2);
}

/* A stop in good order: what was received is answered, waits are let go, rows are written. */
static void
stop(struct sim *s)
{
    struct host *h = s->host;
    size_t       none;
    struct turn  last = {.now_ms = sim_time(s).monotonic_ms, .wall_us = sim_time(s).wall_us};

    if (!h->released) {
        decide_waiting(s);
        engine_release_waits(h->engine);
        seal(s);
        h->released = true;
        return;
    }
    while (h->rows_left && s->host->engine != NULL) {
        disk.log_full = disk.rows_full = false;
        if (!write_rows(s)) return;
    }
    PD_CHECK(engine_decide(h->engine, sim_time(s), NULL, 0, &none) == STORE_OK);
    engine_seal(h->engine);
    PD_CHECK(engine_commit(h->engine) == STORE_OK);
    show_turn(s, &last, true);
    tell(s, "# stopped");
    plan_next(s);
    go_down(s);
}

/* ---- the process ------------------------------------------------------------------------------------------------------- */

void
host_change_disk(struct sim *s)
{
    struct host *h = s->host;
    if (h->engine == NULL) return;
    disk.log_full = disk.rows_full = false;
    if (befalls(s, FAULT_log_full, 30)) disk.log_full = true;
    if (befalls(s, FAULT_rows_full, 30)) disk.rows_full = true;
    if (disk.log_full || disk.rows_full) tell(s, "# the disk is full");
}

static void
come_up(struct sim *s)
{
    struct host *h = s->host;
    size_t       kept = h->later_count;

    if (dies(s, FAULT_start_failed)) {
        disk.armed = DISK_ANY;
        disk.calls = (unsigned)chance(s, 6);
    }
    start(s);
    if (h->engine == NULL) return;
    h->later_count = 0;
    for (size_t i = 0; i < kept; i++) {
        host_hear(s, &h->later[i]);
        free(h->later[i].data);
    }
}

/* When to go on: at once while there is something to do, at the latest when the engine wants a turn. */
static uint64_t
next_wake(const struct sim *s)
{
    const struct host *h = s->host;
    uint64_t           at = s->now_ms + 1 + engine_idle_ms(h->engine, sim_time(s));

    if (h->open != NULL || slots_pending(h->slots) > 0 || h->stopping) at = s->now_ms + 1;
    if (h->sealed != NULL && h->commit_ms < at) at = h->commit_ms;
    if (h->rows_left && h->rows_ms < at) at = h->rows_ms;
    return at > s->now_ms ? at : s->now_ms + 1;
}

void
host_step(struct sim *s)
{
    struct host *h = s->host;

    if (h->engine == NULL) {
        come_up(s);
        return;
    }
    slots_hand_over(h->slots);
    restore_step(s);
    if (h->sealed != NULL && s->now_ms >= h->commit_ms && !commit(s)) return;
    if (h->rows_left && s->now_ms >= h->rows_ms && !write_rows(s)) return;
    if (dies(s, FAULT_stopped)) h->stopping = true;
    if (dies(s, FAULT_start_failed)) {
        go_down(s);
        return;
    }
    bool idle = slots_pending(h->slots) == 0 && h->open == NULL && h->sealed == NULL;
    if (h->stopping && idle) {
        stop(s);
        if (h->engine != NULL) h->wake_ms = next_wake(s);
        return;
    }
    if (slots_pending(h->slots) > 0 || (idle && (engine_idle_ms(h->engine, sim_time(s)) == 0 || chance(s, 4) == 0)))
        decide_waiting(s);
    if (h->open != NULL && dies(s, FAULT_in_turn) && h->open->count > 0) {
        crash(s);
        return;
    }
    if (h->open != NULL && h->sealed == NULL && chance(s, 3) > 0) seal(s);
    h->wake_ms = next_wake(s);
}
