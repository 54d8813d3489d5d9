/* rows.h - the rows that turns look at: each decoded once, changed in memory, written by a flush in order of key. They stay for
 * as many turns as their owner likes; what is dirty and not flushed is in the log, and is folded again after a crash.
 *
 * There are two generations. When the young one is to be written it becomes the old one: no longer changed, so that another
 * thread may write it, and still looked at, so that nobody has to read what is not written yet. A row that is asked for again
 * is copied to the young one. */
#ifndef ENGINE_ROWS_H
#define ENGINE_ROWS_H

#include "engine/index/index.h"
#include "engine/store/changes.h"
#include "proto/codec.h"

struct row_entry {
    int            code; /* enum pd_row_code */
    struct row_key key;
    void          *row; /* struct pd_<row>, in the arena */
    bool           dirty;
    bool           gone;    /* deleted, or never was: a missing row is remembered as well */
    bool           damaged;
    uint64_t      *prints;  /* the fold's: under which it stands in the index; NULL: not looked at yet */
    size_t         print_count;
};

struct row_slot {
    uint32_t hash, place; /* place: of the entry, + 1; 0: empty */
};

/* Where a fingerprint was found lately; to be checked like the index. */
struct row_memo {
    uint64_t       print;
    struct row_key key; /* position 0: none */
};
enum { ROW_MEMOS = 8192 };

struct row_table {
    struct pd_arena   *arena;
    struct row_entry **entries;
    size_t             count, capacity;
    struct row_slot   *slots; /* open addressing by code and key */
    size_t             mask;
    size_t             dirty_count;  /* rows that a flush will write */
    size_t             loaded_bytes; /* of rows as they were read */
};

struct rows {
    struct row_table     tables[2], *young, *old;
    struct store_reader *reader; /* set for the turn */
    uint64_t             stored; /* rows that events behind this position made are not in the store: none is looked for there */
    bool                 damaged; /* some look-up found a row it cannot trust, or failed; set until it is cleared */
    struct row_entry    *recent[PD_ROW_CODES]; /* of each table the one that was found last; NULL: none */
    struct row_memo     *memos; /* ROW_MEMOS of them; they may outlive what they name, since each is checked */
};

void rows_init(struct rows *rows, struct pd_arena *arena);
void rows_fini(struct rows *rows);

/* Forgets every row, flushed or not; the arena is its owner's to reset. Then rows->reader is to be set, as for every turn. */
void rows_clear(struct rows *rows);

/* The young ones are the old ones now, whatever was old is forgotten, and what is looked at or made from now on lives in `arena`:
 * not the one of what was young. */
void rows_turn_over(struct rows *rows, struct pd_arena *arena);

/* The row, or NULL when there is none (or it is damaged, which is noted in rows->damaged and logged). */
void *rows_get(struct rows *rows, int code, struct row_key key);

/* The same as an entry to be changed; a row that does not exist is made, zeroed, with gone set. NULL: damaged. */
struct row_entry *rows_entry(struct rows *rows, int code, struct row_key key);

/* The row of this table that was looked for last, with its key, or NULL: events of one command touch the same rows. */
void *rows_recent(const struct rows *rows, int code, struct row_key *ret_key);

/* The memo of a fingerprint, or NULL. */
struct row_key *rows_recall(struct rows *rows, uint64_t print);
void            rows_remember(struct rows *rows, uint64_t print, struct row_key key);

/* Hints that the row of this code behind a fingerprint will be asked for soon: each step reads what the one before has had fetched,
 * from one line of memory to the next. False: there is no memo, and the index will be asked. */
enum row_hint { ROW_HINT_MEMO, ROW_HINT_SLOT, ROW_HINT_PLACE, ROW_HINT_ENTRY, ROW_HINT_ROW, ROW_HINTS };
bool rows_prefetch(const struct rows *rows, int code, uint64_t print, enum row_hint step);

/* The row will have to be written. */
void rows_touch(struct rows *rows, struct row_entry *entry);

/* Writes every dirty row, in order of table and key; changes nothing in them. `changes` is a list that has begun, or NULL. */
void rows_flush(const struct row_table *table, struct store *store, struct mp_writer *scratch, struct mp_writer *changes);

#endif
