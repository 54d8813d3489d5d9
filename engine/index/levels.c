#include "engine/index/levels.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/log.h"
#include "proto/check.h"

enum {
    RATIO = 3,       /* an older run is at least so many times as long as all newer ones together, or is merged with them */
    RESERVE = 256 << 20, /* bytes of the disk that no merge takes */
    PAIR_ON_DISK = 20,   /* bytes, with its part of lines and sums, and some more */
    SLICE = 1 << 16, /* pairs that are merged before something more urgent may be done */
};

static const char loading_prefix[] = "loading-";

static struct run_head
head_of(const struct index *x, uint64_t from, uint64_t to)
{
    struct run_head head = {.from = from, .to = to};
    memcpy(head.log_id, x->log_id, sizeof head.log_id);
    return head;
}

/* Under what a run stands on the shelf. */
static void
name_run(struct index *x, uint64_t from, uint64_t to, char name[SHELF_NAME_MAX])
{
    if (x->loading) snprintf(name, SHELF_NAME_MAX, "%s%u", loading_prefix, ++x->loads);
    else snprintf(name, SHELF_NAME_MAX, "%016" PRIx64 "-%016" PRIx64, from, to);
}

static void
say_failed(struct index *x)
{
    if (!x->has_failed) log_warn("index_not_written", "error=\"%s\" hint=\"it is tried again\"", strerror(errno));
    x->has_failed = true;
}

/* ---- opening ------------------------------------------------------------------------------------------------------- */

/* Of all that begin where the last one ended the longest: what it was merged from may still be there. */
static struct run *
choose_next(struct index *x, uint64_t from)
{
    struct run *best = NULL, *run;
    char        name[SHELF_NAME_MAX];

    for (size_t n = 0; shelf_name(x->shelf, n, name); n++) {
        if (strncmp(name, loading_prefix, strlen(loading_prefix)) == 0 || !run_open(x->shelf, name, &run)) continue;
        bool better = run->head.from == from && memcmp(run->head.log_id, x->log_id, sizeof x->log_id) == 0 &&
                      (best == NULL || run->head.to > best->head.to);
        struct run *other = better ? best : run;
        if (better) best = run;
        run_close(&other);
    }
    return best;
}

static bool
is_chosen(const struct index *x, const char *name)
{
    for (size_t i = 0; i < x->run_count; i++)
        if (strcmp(x->runs[i]->name, name) == 0) return true;
    return false;
}

static void
remove_others(struct index *x)
{
    char name[SHELF_NAME_MAX];

    for (size_t n = 0; shelf_name(x->shelf, n, name);)
        if (is_chosen(x, name) || !shelf_remove(x->shelf, name)) n++;
}

void
levels_init(struct index *x)
{
    struct run *run;
    size_t      slots = 64;

    while (slots < 2 * x->options.young) slots *= 2;
    pair_table_init(&x->young, slots);
    pair_table_init(&x->frozen, slots);
    x->is_clear = true;
    while (x->run_count < RUNS_MAX && (run = choose_next(x, atomic_load(&x->kept))) != NULL) {
        x->runs[x->run_count++] = run;
        if (run->head.to == atomic_load(&x->kept)) break; /* of nothing; the only one that begins and ends there */
        atomic_store(&x->kept, run->head.to);
    }
    if (!x->options.looks_only) remove_others(x);
}

static void
drop_merge(struct merging *m)
{
    run_give_up(&m->writer);
    run_close(&m->result);
    free(m);
}

static void
drop_runs(struct index *x)
{
    for (size_t i = 0; i < x->run_count; i++) run_close(&x->runs[i]);
    for (size_t i = 0; i < x->merge_count; i++) drop_merge(x->merges[i]);
    for (size_t i = 0; i < x->dead_count; i++) run_close(&x->dead[i]);
    run_close(&x->flushed);
    x->run_count = x->merge_count = x->dead_count = 0;
}

void
levels_fini(struct index *x)
{
    drop_runs(x);
    pair_table_fini(&x->young);
    pair_table_fini(&x->frozen);
}

uint64_t
index_kept(const struct index *index)
{
    return atomic_load(&index->kept);
}

void
index_reset(struct index *x)
{
    drop_runs(x);
    pair_table_clear(&x->young);
    pair_table_clear(&x->frozen);
    x->is_frozen = x->loading = x->has_failed = false;
    x->flushing = FLUSH_NONE;
    x->is_clear = true;
    for (int i = 0; i < 2; i++) x->journals[i].count = 0;
    x->turned = 0;
    atomic_store(&x->kept, 0);
    atomic_store(&x->damaged, false);
    atomic_store(&x->has_results, false);
    if (!x->options.looks_only) remove_others(x);
}

/* ---- the writer's side --------------------------------------------------------------------------------------------- */

static void
freeze(struct index *x)
{
    struct pair_table young = x->frozen;

    x->frozen = x->young;
    x->young = young;
    x->frozen_from = x->run_count > 0 ? x->runs[x->run_count - 1]->head.to : 0;
    x->frozen_to = x->turned;
    x->is_frozen = true;
    x->is_clear = false;
}

void
levels_freeze(struct index *x, uint64_t position)
{
    x->turned = position;
    if (x->loading || x->options.looks_only || !x->is_clear || x->young.used < x->options.young) return;
    if (x->run_count > 0 && position <= x->runs[x->run_count - 1]->head.to) return; /* runs are told apart by where they end */
    pthread_rwlock_wrlock(&x->lock);
    freeze(x);
    pthread_rwlock_unlock(&x->lock);
}

static void
take_flushed(struct index *x)
{
    if (x->flushing != FLUSH_DONE) return;
    pthread_rwlock_wrlock(&x->lock);
    x->runs[x->run_count++] = x->flushed;
    x->is_frozen = false;
    pthread_rwlock_unlock(&x->lock);
    if (!x->loading) atomic_store(&x->kept, x->flushed->head.to);
    x->flushed = NULL;
    x->flushing = FLUSH_CLEAR;
}

static size_t
place_of(const struct index *x, const struct run *run)
{
    size_t i = 0;
    while (x->runs[i] != run) i++;
    return i;
}

static void
take_merged(struct index *x, size_t n)
{
    struct merging *m = x->merges[n];
    size_t          at = place_of(x, m->inputs[0]);

    pthread_rwlock_wrlock(&x->lock);
    x->runs[at] = m->result;
    memmove(&x->runs[at + 1], &x->runs[at + m->count], (x->run_count - at - m->count) * sizeof *x->runs);
    x->run_count -= m->count - 1;
    pthread_rwlock_unlock(&x->lock);
    for (size_t i = 0; i < m->count; i++) x->dead[x->dead_count++] = m->inputs[i];
    memmove(&x->merges[n], &x->merges[n + 1], (--x->merge_count - n) * sizeof *x->merges);
    free(m);
}

/* Up to where ids may be forgotten: enough of them are in runs that came later. */
static uint64_t
forgettable(const struct index *x)
{
    uint64_t ids = 0;

    for (size_t i = x->run_count; i-- > 0;) {
        ids += x->runs[i]->head.ids;
        if (ids >= x->options.ids) return x->runs[i]->head.from;
    }
    return 0;
}

static void
begin_merge(struct index *x, size_t from)
{
    struct merging *m = calloc(1, sizeof *m);

    PD_CHECK(m != NULL);
    m->count = x->run_count - from;
    memcpy(m->inputs, &x->runs[from], m->count * sizeof *m->inputs);
    m->oldest = from == 0;
    m->ids_after = forgettable(x);
    x->merges[x->merge_count++] = m;
}

/* The runs behind those that are being merged already. */
static void
plan_merge(struct index *x)
{
    const struct merging *newest = x->merge_count > 0 ? x->merges[x->merge_count - 1] : NULL;
    size_t                first = newest == NULL ? 0 : place_of(x, newest->inputs[newest->count - 1]) + 1, from = x->run_count;
    uint64_t              newer = 0;

    if (x->merge_count == MERGES_MAX) return;
    for (size_t i = x->run_count; i-- > first; newer += x->runs[i]->head.pairs)
        if (i + 1 < x->run_count && x->runs[i]->head.pairs <= RATIO * newer) from = i;
    if (from + 1 < x->run_count) begin_merge(x, from);
}

bool
index_tidy(struct index *x, uint64_t stored)
{
    bool wanted = x->is_frozen && x->frozen_to <= stored;

    pthread_mutex_lock(&x->work_lock);
    atomic_store(&x->has_results, false);
    take_flushed(x);
    for (size_t i = x->merge_count; i-- > 0;)
        if (x->merges[i]->result != NULL && x->dead_count + x->merges[i]->count <= DEAD_MAX) take_merged(x, i);
    if (wanted && x->flushing == FLUSH_NONE && x->run_count < RUNS_MAX) x->flushing = FLUSH_WANTED;
    x->is_clear = !x->is_frozen && x->flushing == FLUSH_NONE;
    plan_merge(x);
    bool work = x->flushing == FLUSH_WANTED || x->flushing == FLUSH_CLEAR || x->merge_count > 0 || x->dead_count > 0;
    pthread_mutex_unlock(&x->work_lock);
    return work;
}

bool
index_has_results(const struct index *index)
{
    return atomic_load_explicit(&index->has_results, memory_order_relaxed);
}

/* ---- the worker's side --------------------------------------------------------------------------------------------- */

/* Ends a run, and opens it. */
static bool
finish(struct index *x, struct run_writer **writer, uint64_t from, uint64_t to, struct run **ret_run)
{
    struct run_head head = head_of(x, from, to);
    char            name[SHELF_NAME_MAX];

    name_run(x, from, to, name);
    return run_finish(writer, &head, name) && run_open(x->shelf, name, ret_run);
}

static bool
write_pairs(struct run_writer *w, const struct pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!run_add(w, pairs[i])) return false;
    return true;
}

/* A table that is frozen changes no more until it is cleared. */
static bool
flush(struct index *x)
{
    struct pair       *pairs = pair_table_sorted(&x->frozen);
    struct run_writer *writer = NULL;
    struct run        *run = NULL;

    bool ok = run_begin(x->shelf, x->frozen.used, &writer) && write_pairs(writer, pairs, x->frozen.used) &&
              finish(x, &writer, x->frozen_from, x->frozen_to, &run);
    if (!ok) say_failed(x);
    run_give_up(&writer);
    free(pairs);
    if (!ok) return false;
    x->has_failed = false;
    pthread_mutex_lock(&x->work_lock);
    x->flushed = run;
    x->flushing = FLUSH_DONE;
    atomic_store(&x->has_results, true);
    pthread_mutex_unlock(&x->work_lock);
    return true;
}

static bool
begin_merging(struct index *x, struct merging *m)
{
    uint64_t most = 0;

    memset(&m->merge, 0, sizeof m->merge);
    m->merge.oldest = m->oldest;
    for (size_t i = 0; i < m->count; i++) {
        most += m->inputs[i]->head.pairs;
        merge_add_run(&m->merge, m->inputs[i]);
    }
    /* A merge takes as much again as there is, and gives it back at its end: not the last of the disk, on which the log grows. But
     * what is loaded is waited for. */
    if (!x->loading && !shelf_has_room(x->shelf, most * PAIR_ON_DISK + RESERVE)) {
        errno = ENOSPC;
        return false;
    }
    return run_begin(x->shelf, most, &m->writer);
}

/* Some pairs more. *ret_more: there are others. */
static bool
merge_slice(struct merging *m, bool *ret_more)
{
    struct pair pair;

    *ret_more = true;
    for (int i = 0; i < SLICE && *ret_more; i++) {
        *ret_more = merge_next(&m->merge, &pair);
        if (!*ret_more || ((pair.to & PAIR_ID) != 0 && pair_position(pair) <= m->ids_after)) continue;
        if (!run_add(m->writer, pair)) return false;
    }
    return true;
}

/* False: it cannot go on now. */
static bool
go_on_merging(struct index *x, struct merging *m)
{
    struct run *run = NULL;
    bool        more = true;

    if (atomic_load(&x->damaged)) return false;
    bool ok = (m->writer != NULL || begin_merging(x, m)) && merge_slice(m, &more);
    if (m->merge.damaged) atomic_store(&x->damaged, true);
    if (ok && !m->merge.damaged && !more)
        ok = finish(x, &m->writer, m->inputs[0]->head.from, m->inputs[m->count - 1]->head.to, &run);
    if (!ok) say_failed(x);
    if (run != NULL) x->has_failed = false;
    if (!ok || m->merge.damaged) run_give_up(&m->writer); /* from the beginning, the next time */
    if (run == NULL) return ok && !m->merge.damaged;
    pthread_mutex_lock(&x->work_lock);
    m->result = run;
    atomic_store(&x->has_results, true);
    pthread_mutex_unlock(&x->work_lock);
    return true;
}

static void
clear_frozen(struct index *x)
{
    pair_table_clear(&x->frozen);
    pthread_mutex_lock(&x->work_lock);
    x->flushing = FLUSH_NONE;
    atomic_store(&x->has_results, true);
    pthread_mutex_unlock(&x->work_lock);
}

static void
bury(struct index *x, struct run *run)
{
    char name[SHELF_NAME_MAX];

    strcpy(name, run->name);
    run_close(&run);
    shelf_remove(x->shelf, name);
}

bool
index_work(struct index *x)
{
    struct merging *m = NULL;
    struct run     *dead = NULL;

    pthread_mutex_lock(&x->work_lock);
    enum flushing flushing = x->flushing;
    for (size_t i = 0; i < x->merge_count; i++)
        if (x->merges[i]->result == NULL) m = x->merges[i];
    if (flushing != FLUSH_WANTED && flushing != FLUSH_CLEAR && x->dead_count > 0) dead = x->dead[--x->dead_count];
    pthread_mutex_unlock(&x->work_lock);

    if (flushing == FLUSH_WANTED && flush(x)) return true;
    if (flushing == FLUSH_CLEAR) clear_frozen(x);
    else if (dead != NULL) bury(x, dead);
    else if (m == NULL || !go_on_merging(x, m)) return false;
    return true;
}

void
index_settle(struct index *x, uint64_t stored)
{
    while (index_tidy(x, stored))
        if (!index_work(x) && !index_has_results(x)) return;
}

void
index_catch_up(struct index *x, uint64_t stored)
{
    if (x->run_count > RUNS_MAX / 4) {
        index_settle(x, stored);
        return;
    }
    while (index_tidy(x, stored) && x->flushing != FLUSH_NONE)
        if (!index_work(x) || x->has_failed) return;
}

/* ---- anew ---------------------------------------------------------------------------------------------------------- */

void
index_load(struct index *x)
{
    index_reset(x);
    x->loading = true;
}

static void
load_on(struct index *x)
{
    x->journals[x->journal].count = 0;
    if (x->is_clear) freeze(x);
    index_settle(x, x->turned);
}

bool
index_load_on(struct index *x)
{
    if (x->young.used >= x->options.young) load_on(x);
    return !x->has_failed;
}

/* All runs become one, which is of a position. */
static bool
unite(struct index *x, uint64_t position)
{
    struct merging m = {.count = x->run_count, .oldest = true};
    struct run    *run = NULL;
    bool           more = true;

    memcpy(m.inputs, x->runs, x->run_count * sizeof *x->runs);
    bool ok = begin_merging(x, &m);
    while (ok && more) ok = merge_slice(&m, &more);
    x->loading = false;
    ok = ok && !m.merge.damaged && finish(x, &m.writer, 0, position, &run);
    run_give_up(&m.writer);
    if (!ok) return false;
    for (size_t i = 0; i < x->run_count; i++) bury(x, x->runs[i]);
    x->runs[0] = run;
    x->run_count = 1;
    atomic_store(&x->kept, position);
    x->turned = position;
    return true;
}

bool
index_loaded(struct index *x, uint64_t position)
{
    if (x->young.used > 0) load_on(x);
    if (x->young.used == 0 && !x->is_frozen && x->merge_count == 0 && unite(x, position)) return true;
    index_reset(x);
    return false;
}
