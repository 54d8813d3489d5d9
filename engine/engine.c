#include "engine/engine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "engine/base/log.h"
#include "engine/parts.h"
#include "engine/upkeep.h"
#include "proto/check.h"

enum { AHEAD = 8 };

/* ---- the turn ------------------------------------------------------------------------------------------------------ */

static void
forget_turn(struct engine *e)
{
    pd_arena_reset(&e->turn_arena);
    e->outgoing_count = e->appended_count = e->appended_bytes = 0;
    if (!e->epoch_over) return;
    rows_clear(&e->rows);
    pd_arena_reset(&e->arena);
    e->epoch_over = false;
    e->epoch_bytes = 0;
}

static enum store_error
begin(struct engine *e, struct now now, struct store_reader **ret_reader)
{
    enum store_error error = store_prepare(e->store);

    forget_turn(e);
    e->now = now;
    e->due_refused = false;
    e->folder.monotonic_ms = now.monotonic_ms;
    if (now.wall_us > e->last_time) e->last_time = now.wall_us;
    if (error != STORE_OK && error != STORE_FULL) return error;
    if (error == STORE_FULL && e->writable) log_error("storage_full", "state=read_only");
    if (error == STORE_OK && !e->writable) log_info("storage_ok", "state=writable");
    e->writable = error == STORE_OK;
    /* Rows that are still to be written have the space that was ahead of the last turn. */
    e->writing = e->writable || e->rows.dirty_count > 0;
    error = e->writing ? store_begin(e->store) : store_reader_open(e->store, ret_reader);
    if (error != STORE_OK) return error;
    e->rows.reader = e->writing ? store_writer_view(e->store) : *ret_reader;
    e->turn++;
    return STORE_OK;
}

/* Whether rows are written now: always when there is little to do, so that whoever looks at them need not wait. */
static bool
is_flush_due(const struct engine *e, size_t taken)
{
    uint64_t busy = e->options.busy_turn > 0 ? e->options.busy_turn : BUSY_TURN;
    return taken < busy || !e->writable || e->rows_wanted || e->arena.total > EPOCH_MEMORY_MAX ||
           epoch_weight(e) > EPOCH_BYTES_MAX || e->rows.dirty_count > EPOCH_ROWS_MAX;
}

/* Ends the transaction; with it rows and events are on stable storage. */
static enum store_error
commit(struct engine *e, bool flush)
{
    bool dirty = e->rows.dirty_count > 0;

    if (e->appended_count == 0 && !(flush && dirty)) {
        store_abort(e->store);
        return STORE_OK;
    }
    if (flush) {
        rows_flush(&e->rows, e->store);
        e->folded = e->last;
    }
    store_set_folded(e->store, e->folded);
    return store_commit(e->store, e->chain);
}

static enum store_error
finish(struct engine *e, size_t taken, struct store_reader **reader)
{
    enum store_error error = STORE_OK;
    bool             flush = is_flush_due(e, taken);

    if (e->writing) error = commit(e, flush);
    else store_reader_close(reader);
    e->epoch_over = flush;
    pthread_mutex_lock(&e->figures_lock);
    e->figures.turns++;
    e->figures.writable = e->writable;
    tasks_counts(e->tasks, &e->figures.tasks_waiting, &e->figures.tasks_leased, &e->figures.workers);
    e->shown = e->figures;
    e->shown_last = e->last;
    e->shown_folded = e->folded;
    if (flush) {
        e->rows_wanted = false;
        pthread_cond_broadcast(&e->rows_written);
    }
    pthread_mutex_unlock(&e->figures_lock);
    /* A head is told only when engine_wait_rows knows of it: who reads it waits for the rows of it. */
    if (error == STORE_OK) scopes_commit(e->scopes);
    return error;
}

bool
engine_wait_rows(struct engine *e)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 5;
    pthread_mutex_lock(&e->figures_lock);
    uint64_t last = e->shown_last;
    while (e->shown_folded < last) {
        e->rows_wanted = true;
        if (pthread_cond_timedwait(&e->rows_written, &e->figures_lock, &until) != 0) break;
    }
    bool there = e->shown_folded >= last;
    pthread_mutex_unlock(&e->figures_lock);
    return there;
}

enum store_error
engine_turn(struct engine *e, struct now now, struct request *const *requests, size_t count, size_t *ret_taken)
{
    struct store_reader *reader = NULL;
    enum store_error     error = begin(e, now, &reader);
    size_t               taken = 0;

    if (error != STORE_OK) return error;
    for (; taken < count && taken < TURN_COMMANDS_MAX && !turn_is_full(e); taken++) {
        if (taken + AHEAD < count) prefetch(e, requests[taken + AHEAD]);
        serve(e, requests[taken]);
        e->figures.commands++;
        e->figures.refusals += requests[taken]->refused;
    }
    tasks_tick(e->tasks, e->now.monotonic_ms);
    if (e->writable) {
        own_due(e);
        own_matches(e);
    }
    waits_each(e->waits, release_wait, e);
    *ret_taken = taken;
    return finish(e, taken, &reader);
}

const struct outgoing *
engine_outgoing(const struct engine *e, size_t *ret_count)
{
    *ret_count = e->outgoing_count;
    return e->outgoing;
}

const struct appended *
engine_appended(const struct engine *e, size_t *ret_count)
{
    *ret_count = e->appended_count;
    return e->appended;
}

uint64_t
engine_idle_ms(const struct engine *e, struct now now)
{
    uint64_t   lease_ms = UINT64_MAX, idle_ms = 1000, waits_ms = waits_next_due(e->waits);
    pd_time_us deadline = UINT64_MAX;

    if (e->rows.dirty_count > 0) return 0; /* nothing else to do: time to write them */
    if (e->writable && !e->due_refused) tasks_next_wake(e->tasks, &lease_ms, &deadline); /* else nothing that is due can be done */
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

struct index *
engine_index(struct engine *e)
{
    return e->index;
}

struct engine_figures
engine_figures(const struct engine *engine)
{
    struct engine *e = (struct engine *)(uintptr_t)engine;
    pthread_mutex_lock(&e->figures_lock);
    struct engine_figures f = e->shown;
    pthread_mutex_unlock(&e->figures_lock);
    return f;
}

/* ---- opening ------------------------------------------------------------------------------------------------------- */

/* Command ids, from the log's tail: at most as many as are kept. */
static enum store_error
read_tail(struct engine *e, struct store_reader *reader)
{
    uint64_t last = store_reader_last(reader), first = last > INDEX_IDS ? last - INDEX_IDS + 1 : 1;

    for (uint64_t p = first; p <= last; p++) {
        struct pd_text bytes;
        struct record  r;
        enum store_error error = store_read_record(reader, p, &e->arena, &bytes);
        if (error != STORE_OK || !record_read(bytes, &r)) {
            log_error("record_damaged", "position=%" PRIu64, p);
            return STORE_DAMAGED;
        }
        const struct scope *scope = scopes_at(e->scopes, r.header.command_scope);
        if (r.header.index == 0 && scope != NULL && !pd_text_equal(r.actor, PD_TEXT("engine")))
            index_add_id(e->index, id_print(scope->reseller.reseller, r.actor, r.command_id), p);
        if (p == last) {
            e->last_time = r.header.time;
            e->term = r.header.term;
            e->turn = r.header.turn;
            memcpy(e->chain, r.chain, sizeof e->chain);
        }
        if (p % 1024 == 0) pd_arena_reset(&e->arena);
    }
    /* The operators' scope has no rows that tell its position; every event is of one scope, and each scope counts from 1. */
    struct scope *operators = scopes_at(e->scopes, 0);
    operators->position = last;
    for (uint64_t i = 1; i <= scopes_count(e->scopes); i++) operators->position -= scopes_at(e->scopes, i)->position;
    operators->committed = operators->position;
    e->last = e->folded = last;
    pd_arena_reset(&e->arena);
    return STORE_OK;
}

static enum store_error
start(struct engine *e, struct now now)
{
    struct store_reader *reader = NULL;
    enum store_error     error = begin(e, now, &reader);

    if (error != STORE_OK) return error;
    if (!e->writable) {
        store_reader_close(&reader);
        return STORE_FULL;
    }
    return own_start(e) ? finish(e, 0, &reader) : STORE_FAILED;
}

/* What is rebuilt from the books at each start. */
static void
open_parts(struct engine *e, struct now now)
{
    e->index = index_open();
    e->scopes = scopes_open();
    e->tasks = tasks_open(e->options.lease_ms, now.monotonic_ms);
    e->folder = (struct folder){.arena = &e->arena, .rows = &e->rows, .index = e->index, .scopes = e->scopes, .tasks = e->tasks,
                                .monotonic_ms = now.monotonic_ms};
}

static void
close_parts(struct engine *e)
{
    index_close(&e->index);
    scopes_close(&e->scopes);
    tasks_close(&e->tasks);
}

static enum store_error
read_books(struct engine *e)
{
    struct store_reader *reader = NULL;
    enum store_error     error = upkeep_fold_tail(e->store, NULL, NULL);

    if (error == STORE_OK) error = store_reader_open(e->store, &reader);
    if (error == STORE_OK) error = upkeep_read_rows(&e->folder, reader);
    if (error == STORE_OK) error = read_tail(e, reader);
    store_reader_close(&reader);
    return error;
}

/* A row that cannot be trusted would be missed, its numbers given again: before anything is served, the log gives all rows
 * back, if its own chain is whole. */
static enum store_error
mend_books(struct engine *e, struct now now)
{
    log_warn("rows_damaged", "action=rebuild");
    enum store_error error = upkeep_rebuild(e->store, NULL, NULL);
    if (error != STORE_OK) return error;
    close_parts(e);
    open_parts(e, now);
    return read_books(e);
}

enum store_error
engine_open(struct store *store, const struct engine_options *options, struct now now, struct engine **ret_engine)
{
    struct engine *e = calloc(1, sizeof *e);
    const uint8_t *id = store_log_id(store);

    PD_CHECK(e != NULL && pthread_mutex_init(&e->figures_lock, NULL) == 0 && pthread_cond_init(&e->rows_written, NULL) == 0);
    e->store = store;
    e->options = *options;
    for (int i = 0; i < PD_LOG_ID_BYTES; i++) snprintf(e->log_text + 2 * i, 3, "%02x", id[i]);
    pd_arena_init(&e->turn_arena);
    pd_arena_init(&e->arena);
    e->arena.keep = EPOCH_MEMORY_MAX;
    rows_init(&e->rows, &e->arena);
    e->waits = waits_open();
    e->remembered = remembered_open();
    e->writable = true;
    open_parts(e, now);

    enum store_error error = read_books(e);
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
    mp_reader_fini(&e->parser);
    pd_arena_fini(&e->turn_arena);
    pd_arena_fini(&e->arena);
    pthread_cond_destroy(&e->rows_written);
    pthread_mutex_destroy(&e->figures_lock);
    free(e->outgoing);
    free(e->appended);
    free(e);
    *engine = NULL;
}
