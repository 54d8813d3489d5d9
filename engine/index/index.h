/* index.h - look-ups by another key: fingerprint -> where the row stands, or an id's command. Never authoritative: a fingerprint
 * may be shared, so every hit is checked against the row or event it names.
 *
 * The latest changes are in a table in memory. Now and then it is frozen, written to a file as a sorted run (run.h), and another
 * one is begun; runs are merged, so that there are few and each is several times as long as the next newer one. So memory is
 * bounded, whatever the log has seen; every byte is written in order, by another thread, and what a crash leaves is whole files.
 *
 * What is in the runs is as of one position of the log (index_kept). What has changed since is kept beside the rows, in their
 * transactions (index_journal), and given back at a start by index_apply; so the index is always as of the rows. Files are thrown
 * away by nobody but their owner, and what is lost or damaged is made anew, from the rows.
 *
 * One writer, the engine's thread; any thread may find; one thread, perhaps another, does the work. */
#ifndef INDEX_INDEX_H
#define INDEX_INDEX_H

#include <pedido/types.h>

#include "engine/index/pairs.h"

/* A row's key: the position of the event that made it, and an item number. */
struct row_key {
    uint64_t position;
    uint32_t item;
};

/* What a fingerprint is of. */
enum index_kind {
    INDEX_reseller = 1, INDEX_customer, INDEX_plan, INDEX_order, INDEX_reference, INDEX_subscription, INDEX_task,
    INDEX_domain, INDEX_command, INDEX_open_task, INDEX_import, INDEX_import_domain, INDEX_key,
};

struct index;
struct shelf;

struct index_options {
    struct shelf  *shelf;  /* outlives the index, which alone uses it; NULL: a shelf in memory of its own */
    const uint8_t *log_id; /* runs of another log are thrown away; copied; NULL: zeroes */
    size_t         ids;    /* so many ids at least are kept, the last ones; 0: the default of a million */
    size_t         young;  /* pairs in memory before they are written; 0: the default */
    bool           looks_only; /* nothing is written or removed */
    bool           gently; /* writing pauses now and then: others commit meanwhile */
};

enum { INDEX_IDS = 1 << 20, INDEX_YOUNG = 1 << 18 };

/* Never fails but by running out of memory, which aborts: what cannot be read is thrown away. NULL: all defaults. */
struct index *index_open(const struct index_options *options);
void          index_close(struct index **index);

/* The position of the log that the runs are of; 0: there are none. Any thread. */
uint64_t index_kept(const struct index *index);

/* What there is in files; any thread. */
struct index_figures {
    uint64_t files, pairs, bytes;
};
void index_figures(struct index *index, struct index_figures *ret_figures);

/* Whether there are files at all, of this log or not. */
bool index_has_files(const struct index *index);

/* How many ids are kept, at least. */
size_t index_ids(const struct index *index);

/* Removes the files, and nothing else: the next start makes them anew. While others still look and work. */
void index_discard(struct index *index);

/* Throws everything away. */
void index_reset(struct index *index);

uint64_t index_text_print(enum index_kind kind, uint64_t scope, struct pd_text text);

/* The finalizer of splitmix64 (Steele, Lea and Flood, 2014), twice: ten instructions, where a hash of bytes is a hundred. */
static inline uint64_t
index_mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static inline uint64_t
index_number_print(enum index_kind kind, uint64_t scope, uint64_t number)
{
    return index_mix(number ^ index_mix(scope << 8 | (uint64_t)kind));
}

/* What is added is not there, what is removed is. */
void index_add(struct index *index, uint64_t print, struct row_key key);
void index_remove(struct index *index, uint64_t print, struct row_key key);

/* Command ids: fingerprint -> position of the command's first event, which no other id has. */
void index_add_id(struct index *index, uint64_t print, uint64_t position);

/* Up to `max` candidates for a fingerprint, in order of position; returns how many there are in all. The writer's thread needs no
 * lock for it, any other asks index_find_shared. Of what is damaged nothing is found: index_is_damaged is to be asked as well. */
size_t index_find(struct index *index, uint64_t print, struct row_key *ret_keys, size_t max);
size_t index_find_shared(struct index *index, uint64_t print, struct row_key *ret_keys, size_t max);
size_t index_find_id(struct index *index, uint64_t print, uint64_t *ret_positions, size_t max);

/* Whether some look-up has met a page that is not as it was written. Any thread. */
bool index_is_damaged(const struct index *index);

/* Hints that a fingerprint will be asked for soon. */
void index_prefetch(const struct index *index, uint64_t print);

/* ---- the journal --------------------------------------------------------------------------------------------------- */

/* What has changed since index_turn_over was called last; valid until it is called the second time after this. */
struct index_changes {
    const struct pair *pairs;
    size_t             count;
};
struct index_changes index_journal(const struct index *index);

/* Changes that were kept, done again, in order; they are not in the journal once more. False: they are none. */
bool index_apply(struct index *index, struct index_changes changes);

/* A new journal begins. Everything up to a position of the log has been added and removed, and nothing of later ones. */
void index_turn_over(struct index *index, uint64_t position);

/* ---- the work ------------------------------------------------------------------------------------------------------ */

/* Takes over what was done, and looks what there is to do: rows and log are on stable storage up to `stored`. The writer's thread,
 * now and then. True: there is work. */
bool index_tidy(struct index *index, uint64_t stored);

/* A piece of it: tens of milliseconds at most. False: there is no more, or no space. */
bool index_work(struct index *index);

/* Whether work waits for the writer to take it over. Any thread. */
bool index_has_results(const struct index *index);

/* The two together until there is nothing to do; for one thread that is both. index_catch_up leaves what can wait: a start is not
 * to wait for a long merge. */
void index_settle(struct index *index, uint64_t stored);
void index_catch_up(struct index *index, uint64_t stored);

/* ---- anew ---------------------------------------------------------------------------------------------------------- */

/* From here on what is added is of no position until index_loaded says of which; a crash meanwhile leaves nothing. For one thread
 * that also does the work, and calls index_load_on now and then. */
void index_load(struct index *index);
bool index_load_on(struct index *index); /* false: there is no space; index_loaded will say so as well */
bool index_loaded(struct index *index, uint64_t position); /* false: there was no space, and everything is as if it had not been */

/* ---- all of it ----------------------------------------------------------------------------------------------------- */

/* Everything that is there, in order, without ids; the writer's thread, which must not change anything until index_walk_end. */
struct index_walk;
struct index_walk *index_walk_begin(struct index *index);
bool               index_walk_next(struct index_walk *walk, struct pair *ret_pair); /* false: no more, or the index is damaged */
void               index_walk_end(struct index_walk **walk);

#endif
