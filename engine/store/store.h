/* store.h - where events and rows lie: what one transaction changes is on stable storage when store_commit returns. A data
 * directory has two of them (books.h). Two implementations with one contract (tests/contract): store_lmdb.c, and
 * store_memory.c for simulations, chosen at link time.
 *
 * One writer: begin, append/put/delete, commit. Errors are sticky in the transaction: straight-line code checks at the
 * commit. What is read is copied into the caller's arena; no pointer into the store crosses this header.
 *
 * A record and a row stand behind an xxh3-64 of them and of their key, checked when read. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "engine/base/histogram.h"
#include "engine/index/index.h"
#include "proto/arena.h"
#include "proto/limits.h"

enum store_error {
    STORE_OK = 0,
    STORE_NONE,    /* there is no such thing */
    STORE_DAMAGED, /* it is there and cannot be trusted */
    STORE_FULL,    /* no space ahead; nothing was begun */
    STORE_SHORTER, /* the log is shorter than DATA/head knows */
    STORE_EXISTS_NOT, /* no books in this directory */
    STORE_FAILED,  /* I/O or memory; said in the log. Stop. */
};

enum store_mode {
    STORE_CREATE,   /* make the books when there are none */
    STORE_EXISTING, /* there must be books */
    STORE_ROWS,     /* DATA/rows; made when there are none, with an id of its own until it is set */
    STORE_VIEWS,    /* `dir` itself; made when there are none, with an id of its own until it is set */
    STORE_VIEWS_EXISTING, /* the same, where there are some */
    STORE_VIEWS_LOOK,     /* the same, to read them only, once inspect_store has found them well */
    STORE_SCRATCH,  /* a store of no durability for a verification, in `dir`, which is empty or made, and removed at once */
};

struct store;
struct store_reader;

#define STORE_MUST_CHECK __attribute__((warn_unused_result))

/* Opens DATA/books. With accept_shorter, a log shorter than known is taken, under a new log id. *ret_known is, on
 * STORE_SHORTER, the position that was known. */
enum store_error store_open(const char *dir, enum store_mode mode, bool accept_shorter, struct store **ret_store,
                            uint64_t *ret_known) STORE_MUST_CHECK;
void             store_close(struct store **store);

/* The shelf of DATA/index, made when there is none; what a bad end makes suspect is thrown away, but with STORE_EXISTING.
 * STORE_FAILED: said in the log. */
enum store_error store_open_shelf(const char *dir, enum store_mode mode, struct shelf **ret_shelf) STORE_MUST_CHECK;
void             store_close_shelf(struct shelf **shelf);

/* A file in the data directory: as long as it is there, whoever opens a store looks at every page of it first. */
#define STORE_SUSPECT "suspect"

/* A row was met that cannot be trusted. Noted beside the rows, where the next start sees it and makes them anew. Any thread. */
void store_note_damage(struct store *store);
bool store_has_damage(const struct store *store);
void store_forget_damage(struct store *store);

/* Throws away what STORE_VIEWS has made, or has left half made; it must be closed. */
void store_remove(const char *dir);

/* 16 random bytes, made with the log. */
const uint8_t *store_log_id(const struct store *store);

/* Last position of the log as of the last commit (0: empty), and the position up to which rows are folded, as it was set:
 * lower while rows wait to be written, or a rebuild is under way. */
uint64_t store_last(const struct store *store);
uint64_t store_folded(const struct store *store);

/* Space for what is to be written: up to `bytes` that are new, and `pages` that are there and rewritten. Extends the file ahead of
 * need. STORE_FULL when the disk has none; call again later. Any thread. */
enum store_error store_prepare(struct store *store, size_t bytes, size_t pages) STORE_MUST_CHECK;

/* The write transaction. store_begin aborts none and waits for nobody. */
enum store_error store_begin(struct store *store) STORE_MUST_CHECK;
void             store_append(struct store *store, uint64_t position, const char *bytes, size_t size);
void             store_put_row(struct store *store, int row_code, struct row_key key, const char *bytes, size_t size);
void             store_delete_row(struct store *store, int row_code, struct row_key key);
void             store_drop_rows(struct store *store); /* and entries, all of them; sets store_folded to 0 */
void             store_set_folded(struct store *store, uint64_t position);
void             store_set_log_id(struct store *store, const uint8_t id[PD_LOG_ID_BYTES]);
void             store_put_entry(struct store *store, struct pd_text key, struct pd_text value);
void             store_append_entry(struct store *store, struct pd_text key, struct pd_text value); /* behind all that there are */
void             store_delete_entry(struct store *store, struct pd_text key);
/* `chain` is the last event's, noted in DATA/head with its position; NULL: nothing was appended. */
enum store_error store_commit(struct store *store, const uint8_t *chain) STORE_MUST_CHECK;
void             store_abort(struct store *store);

/* What the open write transaction sees. Owned by the store; valid until its end. */
struct store_reader *store_writer_view(struct store *store);

/* A snapshot of the last commit. Any thread; short-lived: a reader that stays keeps pages from being used again. */
enum store_error store_reader_open(struct store *store, struct store_reader **ret_reader) STORE_MUST_CHECK;
void             store_reader_close(struct store_reader **reader);
uint64_t         store_reader_last(struct store_reader *reader);
/* What store_folded was in it. */
enum store_error store_reader_folded(struct store_reader *reader, uint64_t *ret_folded) STORE_MUST_CHECK;

/* How much it has and who looks at it; any thread. The histogram, in microseconds, lives as long as the store; NULL: nothing is
 * timed. */
struct store_figures {
    uint64_t used_bytes, file_bytes, map_bytes, disk_free_bytes;
    uint64_t readers, reader_lag; /* snapshots that are open, and how many commits ago the oldest of them was taken */
    const struct histogram *sync_us;
};
void store_figures(struct store *store, struct store_figures *ret_figures);

/* Forgets the snapshots of other programs that have died with them open: they keep every later page from being used again. To be
 * called every few seconds; any thread. */
void store_forget_dead(struct store *store);

/* One record or row, copied into the arena: STORE_OK, STORE_NONE, STORE_DAMAGED or STORE_FAILED. */
enum store_error store_read_record(struct store_reader *reader, uint64_t position, struct pd_arena *arena,
                                   struct pd_text *ret_bytes) STORE_MUST_CHECK;
enum store_error store_read_row(struct store_reader *reader, int row_code, struct row_key key, struct pd_arena *arena,
                                struct pd_text *ret_bytes) STORE_MUST_CHECK;

/* Records from a position up to another, in order, until the visitor answers false or there are no more. `bytes` are valid for the
 * call, and absent where they are damaged. */
typedef bool store_visit_record(void *arg, uint64_t position, struct pd_text bytes);
enum store_error store_each_record(struct store_reader *reader, uint64_t from, uint64_t to, store_visit_record *visit,
                                   void *arg) STORE_MUST_CHECK;

/* Rows of a kind in order of key, from a key on, until the visitor answers false. `bytes` are valid for the call. A damaged
 * row is visited with absent bytes. */
typedef bool store_visit(void *arg, struct row_key key, struct pd_text bytes);
enum store_error store_each_row(struct store_reader *reader, int row_code, struct row_key from, store_visit *visit,
                                void *arg) STORE_MUST_CHECK;

/* ---- entries ---- */

/* What else a store keeps: keys of 1 to STORE_KEY_MAX bytes, in the order of memcmp, and their values, which may be empty. */
enum { STORE_KEY_MAX = 480 };

enum store_error store_read_entry(struct store_reader *reader, struct pd_text key, struct pd_arena *arena,
                                  struct pd_text *ret_value) STORE_MUST_CHECK;

/* A place among the entries, for as long as its reader is open. What it shows is valid until it moves. */
struct store_cursor;
struct store_entry {
    struct pd_text key, value;
};
enum store_error store_cursor_open(struct store_reader *reader, struct store_cursor **ret_cursor) STORE_MUST_CHECK;
void             store_cursor_close(struct store_cursor **cursor);

/* To the first entry that is not before the key; to the last one that is; to the next one; to the one before. STORE_NONE: there is
 * none, and the cursor is nowhere. */
enum store_error store_cursor_seek(struct store_cursor *cursor, struct pd_text key, struct store_entry *ret_entry) STORE_MUST_CHECK;
enum store_error store_cursor_seek_before(struct store_cursor *cursor, struct pd_text key,
                                          struct store_entry *ret_entry) STORE_MUST_CHECK;
enum store_error store_cursor_next(struct store_cursor *cursor, struct store_entry *ret_entry) STORE_MUST_CHECK;
enum store_error store_cursor_previous(struct store_cursor *cursor, struct store_entry *ret_entry) STORE_MUST_CHECK;

#endif
