#include "engine/engine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "engine/base/log.h"
#include "engine/parts.h"
#include "engine/upkeep.h"
#include "proto/check.h"

enum { APART = 3, AHEAD = PREFETCH_STEPS * APART, QUIET_MS = 20, ASKED_MS = 5, ROSTER_MS = 200 };

static const pd_time_us ORDER_EXPIRY_US = (pd_time_us)30 * 86400 * 1000000;

/* ---- the turn ------------------------------------------------------------------------------------------------------ */

/* What was young is to be written, or is by now, and is the old generation; what was old is written. */
static void
begin_epoch(struct engine *e)
{
    e->arena = e->arena == &e->arenas[0] ? &e->arenas[1] : &e->arenas[0];
    pd_arena_reset(e->arena);
    rows_turn_over(&e->rows, e->arena);
    index_turn_over(e->index, e->last);
    e->folder.arena = e->arena;
    e->epoch_over = false;
    e->epoch_bytes = 0;
}

static void
look_at_space(struct engine *e)
{
    bool writable = !e->log_is_full && !e->rows_are_full;

    if (!writable && e->writable) log_error("storage_full", "state=read_only");
    if (writable && !e->writable) log_info("storage_ok", "state=writable");
    e->writable = writable;
}

static enum store_error
begin(struct engine *e)
{
    struct batch *b = &e->batches[e->sealed % 2];

    PD_CHECK(e->sealed - e->committed < 2);
    if (e->epoch_over) begin_epoch(e);
    e->index_works = index_tidy(e->index, e->stored);
    pd_arena_reset(&b->arena);
    b->outgoing_count = b->appended_count = b->kept_count = b->bytes = b->taken = 0;
    b->last = e->last;
    e->batch = b;
    e->turn++;
    look_at_space(e);
    /* A row is no newer than the log. */
    enum store_error error = store_reader_open(e->books.rows, &e->row_reader);
    if (error == STORE_OK) error = store_reader_open(e->books.log, &e->log_reader);
    e->rows.reader = e->row_reader;
    e->rows.stored = e->stored;
    return error;
}

static void
set_time(struct engine *e, struct now now)
{
    e->now = now;
    e->folder.monotonic_ms = now.monotonic_ms;
    if (now.wall_us > e->last_time) e->last_time = now.wall_us;
}

/* Who has gone and what is due come before what is handed out. */
static void
run_tasks(struct engine *e)
{
    tasks_tick(e->tasks, e->now.monotonic_ms);
    if (!e->writable) return;
    own_due(e);
    own_matches(e);
}

/* Of those that come within reach when `at` is next to be begun. */
static void
prefetch_at(struct engine *e, struct request *const *requests, size_t count, size_t at)
{
    for (int step = 0; step < PREFETCH_STEPS; step++) {
        size_t back = (size_t)step * APART;
        if (at >= back && at - back < count) prefetch(e, requests[at - back], step);
    }
}

enum store_error
engine_decide(struct engine *e, struct now now, struct request *const *requests, size_t count, size_t *ret_taken)
{
    size_t taken = 0;

    if (e->batch == NULL) {
        enum store_error error = begin(e);
        if (error != STORE_OK) return error;
    }
    set_time(e, now);
    for (size_t at = 0; at < AHEAD && count > 0; at++) prefetch_at(e, requests, count, at);
    for (; taken < count && !turn_is_full(e); taken++) {
        prefetch_at(e, requests, count, taken + AHEAD);
        serve(e, requests[taken]);
        e->figures.commands++;
        e->figures.refusals += requests[taken]->refused;
    }
    if (taken > 0) run_tasks(e); /* not all at the end: the log may be waiting by then */
    e->batch->taken += taken;
    *ret_taken = taken;
    return STORE_OK;
}

static bool
is_epoch_heavy(const struct engine *e)
{
    return e->arena->total > EPOCH_MEMORY_MAX || epoch_weight(e) > EPOCH_BYTES_MAX;
}

/* When rows are to be left, if they do not become many. Each writing takes flushes of the disk from the log: while nobody asks they
 * are rare. */
static uint64_t
rows_due_ms(const struct engine *e)
{
    bool     asked = atomic_load(&e->rows_are_asked) && ASKED_MS < e->options.rows_ms;
    uint64_t due_ms = e->left_ms == 0 ? 0 : e->left_ms + (asked ? ASKED_MS : e->options.rows_ms);
    return due_ms > e->quiet_ms ? due_ms : e->quiet_ms;
}

static bool
is_flush_due(const struct engine *e)
{
    return e->now.monotonic_ms >= rows_due_ms(e) || !e->writable || is_epoch_heavy(e) ||
           e->rows.young->dirty_count > EPOCH_ROWS_MAX;
}

/* For the query thread. What changes with every heartbeat is not told each time. */
static void
show_roster(struct engine *e)
{
    if (e->now.monotonic_ms < e->roster_ms + ROSTER_MS || !tasks_roster_changed(e->tasks)) return;
    e->roster_ms = e->now.monotonic_ms;
    pthread_mutex_lock(&e->shown_lock);
    pd_arena_reset(&e->roster_arena);
    tasks_roster(e->tasks, e->now.wall_us, e->now.monotonic_ms, &e->roster_arena, &e->roster);
    pthread_mutex_unlock(&e->shown_lock);
}

/* The same of who follows under a name. */
static void
show_subscribers(struct engine *e)
{
    if (!e->subscribers_changed || (e->subscribers_ms > 0 && e->now.monotonic_ms < e->subscribers_ms + ROSTER_MS)) return;
    e->subscribers_ms = e->now.monotonic_ms;
    pthread_mutex_lock(&e->shown_lock);
    pd_arena_reset(&e->subscribers_arena);
    e->subscribers_changed = services_show(e, &e->subscribers_arena, &e->subscribers_shown);
    pthread_mutex_unlock(&e->shown_lock);
}

void
engine_seal(struct engine *e)
{
    struct batch *b = e->batch;

    PD_CHECK(b != NULL);
    if (e->writable) own_expiry(e);
    run_tasks(e);
    own_stops(e);
    show_roster(e);
    show_subscribers(e);
    waits_visit(e->waits, e->now.monotonic_ms, false, release_wait, e);
    store_reader_close(&e->log_reader);
    store_reader_close(&e->row_reader);
    e->rows.reader = NULL;
    if (b->taken >= (e->options.busy_turn > 0 ? e->options.busy_turn : BUSY_TURN)) e->quiet_ms = e->now.monotonic_ms + QUIET_MS;
    /* While the old rows are still being written the young ones stay; asked once, since another thread answers. What was only
     * looked at is forgotten as well. */
    bool writing = e->rows_are_left, dirty = e->left_last < e->last;
    bool leave = !writing && dirty && is_flush_due(e);
    e->epoch_over = leave || (!writing && !dirty && is_epoch_heavy(e));
    if (leave) {
        e->left_ms = e->now.monotonic_ms;
        atomic_store(&e->rows_are_asked, false);
        e->rows_are_left = true;
        e->left_last = e->last;
    }
    b->rows = leave ? e->rows.young : NULL;
    b->rows_bytes = epoch_weight(e);
    if (leave) b->beside = kept_collect(e->index, e->scopes, &e->expiry_follower, e->arena);
    b->rows_pages = e->rows.young->dirty_count;
    b->keys = keys_noted(e->keys, &b->arena, &b->key_count);
    b->heads = scopes_moved(e->scopes, &b->arena, &b->head_count);
    e->figures.turns++;
    e->figures.position = e->last;
    e->figures.time = e->last_time;
    e->figures.writable = e->writable;
    tasks_counts(e->tasks, &e->figures.tasks_waiting, &e->figures.tasks_leased, &e->figures.workers);
    b->figures = e->figures;
    e->batch = NULL;
    e->sealed++;
}

enum store_error
engine_settle(struct engine *e, struct now now)
{
    size_t none;
    e->quiet_ms = e->left_ms = 0;
    return engine_turn(e, now, NULL, 0, &none);
}

enum store_error
engine_turn(struct engine *e, struct now now, struct request *const *requests, size_t count, size_t *ret_taken)
{
    bool written;

    enum store_error error = engine_make_room(e, 1);
    if (error == STORE_OK && e->rows_are_left) error = engine_write_rows(e, &written); /* those that found no space */
    if (error == STORE_OK) error = engine_decide(e, now, requests, count, ret_taken);
    if (error != STORE_OK) return error;
    engine_seal(e);
    error = engine_commit(e);
    if (error == STORE_OK && engine_leaves_rows(e)) error = engine_write_rows(e, &written);
    while (error == STORE_OK && e->index_works && !e->options.index_apart) e->index_works = index_work(e->index);
    return error;
}

uint64_t
engine_idle_ms(const struct engine *e, struct now now)
{
    uint64_t   lease_ms = UINT64_MAX, idle_ms = 1000, waits_ms = waits_next_due(e->waits);
    pd_time_us deadline = UINT64_MAX;

    if (e->left_last < e->last && !e->rows_are_left && rows_due_ms(e) < now.monotonic_ms + idle_ms)
        idle_ms = rows_due_ms(e) > now.monotonic_ms ? rows_due_ms(e) - now.monotonic_ms : 0;
    if (e->writable) tasks_next_wake(e->tasks, &lease_ms, &deadline); /* else nothing that is due can be done */
    if (e->expiry_follower.behind && e->writable) idle_ms = 0;
    if (waits_ms < lease_ms) lease_ms = waits_ms;
    if (lease_ms < now.monotonic_ms + idle_ms) idle_ms = lease_ms > now.monotonic_ms ? lease_ms - now.monotonic_ms : 0;
    if (deadline < now.wall_us + idle_ms * 1000)
        idle_ms = deadline > now.wall_us ? (deadline - now.wall_us) / 1000 + 1 : 0;
    return idle_ms;
}

void
engine_fingerprint(const struct pd_message *m, struct mp_writer *scratch, uint8_t ret_fingerprint[16])
{
    const struct pd_request *r = &m->envelope;
    mp_writer_clear(scratch);
    mp_uint(scratch, (uint64_t)m->block->code);
    mp_uint(scratch, r->has_expect ? r->expect + 1 : 0);
    mp_text(scratch, r->on_behalf_of);
    pd_encode_map(scratch, m->block, m->body);
    XXH128_hash_t hash = XXH3_128bits(scratch->data, scratch->size);
    memcpy(ret_fingerprint, &hash, 16);
}

uint64_t
engine_last(const struct engine *e)
{
    return e->last;
}

struct pd_text
engine_log(const struct engine *e)
{
    return pd_text(e->log_text);
}

struct scopes *
engine_scopes(struct engine *e)
{
    return e->scopes;
}

struct keys *
engine_keys(struct engine *e)
{
    return e->keys;
}

struct index *
engine_index(struct engine *e)
{
    return e->index;
}

bool
engine_index_waits(const struct engine *e)
{
    return e->index_works;
}

/* ---- opening ------------------------------------------------------------------------------------------------------- */

/* Where the log ends. */
static enum store_error
read_end(struct engine *e)
{
    struct store_reader *reader = NULL;
    uint64_t             last = store_last(e->books.log);
    struct pd_text       bytes;
    struct record        r;
    enum store_error     error = store_reader_open(e->books.log, &reader);

    if (error == STORE_OK && last > 0) {
        error = store_read_record(reader, last, e->arena, &bytes);
        if (error == STORE_NONE || (error == STORE_OK && !record_read(bytes, &r))) error = STORE_DAMAGED;
        if (error == STORE_DAMAGED) log_error("record_damaged", "position=%" PRIu64, last);
    }
    if (error == STORE_OK && last > 0) {
        e->last_time = r.header.time;
        e->term = r.header.term;
        e->turn = r.header.turn;
        memcpy(e->chain, r.chain, sizeof e->chain);
        scopes_commit(e->scopes, NULL, 0, e->chain);
    }
    if (error == STORE_OK) error = subscribers_read(e->subscribers, reader);
    store_reader_close(&reader);
    e->stored = e->last = e->left_last = last;
    pd_arena_reset(e->arena);
    return error;
}

/* What all rows of a kind are kept in memory of: open tasks, whose table has no others, and keys. */
struct taking {
    struct engine *engine;
    int            row_code;
    bool           damaged;
};

static bool
take_row(void *arg, struct row_key key, struct pd_text bytes)
{
    struct taking         *t = arg;
    struct engine         *e = t->engine;
    const struct pd_block *block = pd_schema_row(t->row_code);
    void                  *row = pd_arena_alloc(e->arena, block->size);

    t->damaged = bytes.data == NULL || !pd_decode_row(e->arena, block, bytes, row);
    if (t->damaged) {
        log_error("row_damaged", "table=%s position=%" PRIu64 " item=%" PRIu32, block->name, key.position, key.item);
        return false;
    }
    if (t->row_code == PD_ROW_task) tasks_changed(e->tasks, row, (struct pd_text){NULL, 0}, e->folder.monotonic_ms);
    else keys_note(e->keys, row);
    pd_arena_reset(e->arena);
    return true;
}

static enum store_error
take_rows(struct engine *e, int row_code)
{
    struct taking        t = {.engine = e, .row_code = row_code};
    struct store_reader *reader = NULL;
    enum store_error     error = store_reader_open(e->books.rows, &reader);

    if (error == STORE_OK) error = store_each_row(reader, row_code, (struct row_key){0, 0}, take_row, &t);
    store_reader_close(&reader);
    return error == STORE_OK && t.damaged ? STORE_DAMAGED : error;
}

static enum store_error
start(struct engine *e, struct now now)
{
    bool written = true;

    e->rows_are_full = true; /* until it is known: make_room looks */
    enum store_error error = engine_make_room(e, 1);
    if (error == STORE_OK && (e->log_is_full || e->rows_are_full)) return STORE_FULL;
    if (error == STORE_OK) error = begin(e);
    if (error != STORE_OK) return error;
    set_time(e, now);
    if (!own_start(e)) return STORE_FAILED;
    engine_seal(e);
    error = engine_commit(e);
    if (error == STORE_OK && engine_leaves_rows(e)) error = engine_write_rows(e, &written);
    return error == STORE_OK && !written ? STORE_FULL : error;
}

/* What is rebuilt from the books at each start. */
static void
open_parts(struct engine *e, struct now now)
{
    e->index = index_open(&(struct index_options){
        .shelf = e->books.index, .log_id = store_log_id(e->books.log), .ids = e->options.known_commands, .young = e->options.young,
        .gently = e->options.index_apart,
    });
    e->scopes = scopes_open();
    e->tasks = tasks_open(e->options.lease_ms, now.monotonic_ms);
    e->subscribers = subscribers_open();
    e->keys = keys_open(&e->options.keys);
    e->subscribers_changed = true;
    expiry_init(&e->expiry_follower, e->options.order_expiry_us);
    e->folder = (struct folder){.arena = e->arena, .rows = &e->rows, .index = e->index, .scopes = e->scopes, .tasks = e->tasks,
                                .waits = e->waits, .keys = e->keys, .monotonic_ms = now.monotonic_ms};
}

static void
close_parts(struct engine *e)
{
    index_close(&e->index);
    scopes_close(&e->scopes);
    tasks_close(&e->tasks);
    subscribers_close(&e->subscribers);
    keys_close(&e->keys);
}

static enum store_error
read_books(struct engine *e)
{
    struct upkeep_parts parts = {.index = e->index, .scopes = e->scopes, .expiry = &e->expiry_follower};
    enum store_error    error = upkeep_open_parts(&e->books, &parts);

    if (error == STORE_OK) error = upkeep_fold_tail(&e->books, &parts, NULL, NULL);
    if (error == STORE_OK) error = take_rows(e, PD_ROW_task);
    if (error == STORE_OK) error = take_rows(e, PD_ROW_key);
    if (error == STORE_OK) error = read_end(e);
    return error;
}

/* A row that cannot be trusted would be missed, its numbers given again: before anything is served, the log gives all rows
 * back, if its own chain is whole. */
static enum store_error
mend_books(struct engine *e, struct now now)
{
    log_warn("rows_damaged", "action=rebuild");
    close_parts(e);
    enum store_error error = upkeep_rebuild(&e->books, e->options.known_commands, NULL, NULL);
    open_parts(e, now);
    if (error != STORE_OK) return error;
    return read_books(e);
}

enum store_error
engine_open(const struct books *books, const struct engine_options *options, struct now now, struct engine **ret_engine)
{
    struct engine *e = calloc(1, sizeof *e);
    const uint8_t *id = store_log_id(books->log);

    PD_CHECK(e != NULL && pthread_mutex_init(&e->shown_lock, NULL) == 0);
    e->books = *books;
    e->options = *options;
    if (e->options.known_commands == 0) e->options.known_commands = KNOWN_COMMANDS;
    if (e->options.order_expiry_us == 0) e->options.order_expiry_us = ORDER_EXPIRY_US;
    for (int i = 0; i < PD_LOG_ID_BYTES; i++) snprintf(e->log_text + 2 * i, 3, "%02x", id[i]);
    for (int i = 0; i < 2; i++) {
        pd_arena_init(&e->batches[i].arena);
        pd_arena_init(&e->arenas[i]);
        e->arenas[i].keep = EPOCH_MEMORY_MAX;
    }
    e->arena = &e->arenas[0];
    rows_init(&e->rows, e->arena);
    pd_arena_init(&e->roster_arena);
    pd_arena_init(&e->subscribers_arena);
    e->waits = waits_open();
    e->remembered = remembered_open();
    e->writable = true;
    open_parts(e, now);

    enum store_error error = store_has_damage(e->books.rows) ? STORE_DAMAGED : read_books(e);
    if (error == STORE_DAMAGED) error = mend_books(e, now);
    if (error == STORE_OK) error = start(e, now);
    if (error != STORE_OK) {
        engine_close(&e);
        return error;
    }
    *ret_engine = e;
    return STORE_OK;
}

void
engine_close(struct engine **engine)
{
    struct engine *e = *engine;
    if (e == NULL) return;
    close_parts(e);
    waits_close(&e->waits);
    remembered_close(&e->remembered);
    rows_fini(&e->rows);
    mp_writer_fini(&e->writer);
    mp_writer_fini(&e->row_writer);
    mp_writer_fini(&e->change_writer);
    store_reader_close(&e->log_reader);
    store_reader_close(&e->row_reader);
    for (int i = 0; i < 2; i++) {
        pd_arena_fini(&e->batches[i].arena);
        pd_arena_fini(&e->arenas[i]);
        free(e->batches[i].outgoing);
        free(e->batches[i].appended);
        free(e->batches[i].kept);
    }
    pd_arena_fini(&e->roster_arena);
    pd_arena_fini(&e->subscribers_arena);
    pthread_mutex_destroy(&e->shown_lock);
    free(e);
    *engine = NULL;
}
