/* fold.h - one event into its rows: the same function live, in a rebuild and in a verification. */
#ifndef ENGINE_FOLD_H
#define ENGINE_FOLD_H

#include "engine/keys.h"
#include "engine/rows.h"
#include "engine/scopes.h"
#include "engine/store/record.h"

struct tasks;
struct waits;

/* What rows are found by and followed by. `tasks` is NULL outside a running engine. */
struct folder {
    struct pd_arena *arena;
    struct rows     *rows;
    struct index    *index;
    struct scopes   *scopes;
    struct tasks    *tasks;
    struct waits    *waits;  /* the same */
    struct keys     *keys;   /* the same */
    uint64_t         monotonic_ms;
    bool             replays; /* what was decided before: numbers and positions were given then */
    bool             shared; /* another thread than the index's writer looks */
};

/* The row a number or name stands for; NULL when there is none. */
void *find_row(const struct folder *folder, int row_code, enum index_kind kind, uint64_t scope, uint64_t number,
               struct pd_text text, struct row_key *ret_key);

/* What was found of an event's rows, for the two functions below. */
struct preload {
    struct row_entry **rows;     /* one per row touched, in order, NULL where there is none yet */
    bool               is_fresh; /* nothing is folded between the look and the event: where there was none, there still is none */
};

/* Looks at every row the event touches and that exists by now; NULL when one is damaged. In the epoch's arena. */
const struct preload *fold_preload(const struct folder *folder, int event_code, const void *event, uint64_t scope, bool is_fresh);

/* The aggregate's row of an event: fills header key, version and previous. The row is made if it must be. False: damaged.
 * `found` may be NULL, here and below: everything is looked for. */
bool fold_address(const struct folder *folder, const void *event, const struct preload *found, struct record_header *header);

/* Folds the event; its header is complete. False: a row is damaged (never after fold_preload). */
bool fold_event(const struct folder *folder, const struct record *record, const void *event, const struct preload *found);

#endif
