/* levels.h - the inside of the index: the tables in memory, the runs behind them, and the work between them.
 *
 *     young  --freeze-->  frozen  --flush-->  run, run, run  --merge-->  run
 *
 * The writer freezes the young table where an epoch of rows ends. When those rows are stored, the worker may write it: so runs
 * never know what rows do not. Results are taken over by the writer (levels_tidy), under the lock that keeps away who looks from
 * other threads; the writer's own look-ups need none.
 *
 * Runs are merged when the older ones are not several times as long as what has come after them. A long merge does not hold up
 * short ones: there may be several, each of newer runs than the last, and the newest goes first. */
#ifndef INDEX_LEVELS_H
#define INDEX_LEVELS_H

#include <pthread.h>

#include "engine/index/index.h"
#include "engine/index/merge.h"

enum { RUNS_MAX = 64, MERGES_MAX = 6, DEAD_MAX = RUNS_MAX };

struct journal {
    struct pair *pairs;
    size_t       count, capacity;
};

/* From the writer to the worker, and back when its run is there. Under the lock of the work, but what is the worker's alone. */
struct merging {
    struct run        *inputs[RUNS_MAX]; /* next to each other, the oldest first */
    size_t             count;
    bool               oldest;
    uint64_t           ids_after; /* ids up to this position are forgotten */
    struct run        *result;
    struct merge       merge; /* the worker's */
    struct run_writer *writer;
};

enum flushing { FLUSH_NONE, FLUSH_WANTED, FLUSH_DONE, FLUSH_CLEAR };

struct index {
    pthread_rwlock_t     lock; /* of what is looked at: tables and runs */
    struct index_options options;
    uint8_t              log_id[PD_LOG_ID_BYTES];
    struct shelf        *shelf, *own_shelf;
    struct pair_table    young, frozen;
    bool                 is_frozen, is_clear; /* is_clear: the frozen table is empty, and the writer's */
    uint64_t             frozen_from, frozen_to;
    struct run          *runs[RUNS_MAX]; /* the oldest first */
    size_t               run_count;
    struct journal       journals[2];
    int                  journal; /* which one is being written */
    _Atomic uint64_t     kept;
    _Atomic bool         damaged;

    uint64_t turned; /* the position of the last turning over */
    bool     loading;
    unsigned loads; /* runs that were written meanwhile, for their names */

    pthread_mutex_t work_lock;
    _Atomic bool    has_results;
    bool            has_failed; /* the worker's: it was said */
    enum flushing   flushing;
    struct run     *flushed;
    struct merging *merges[MERGES_MAX]; /* the newest runs' last */
    size_t          merge_count;
    struct run     *dead[DEAD_MAX]; /* to be closed and removed by the worker */
    size_t          dead_count;
};

/* Takes the runs that follow from each other from the shelf; everything else on it is removed. */
void levels_init(struct index *index);
void levels_fini(struct index *index);

/* If it is worth it, the young table is frozen: it is of a position. */
void levels_freeze(struct index *index, uint64_t position);

#endif
