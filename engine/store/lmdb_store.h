/* lmdb_store.h - the inside of the books in LMDB, for the files they are made of: store_lmdb.c (opening,
 * writing), reading_lmdb.c, and entries_lmdb.c. */
#ifndef STORE_LMDB_STORE_H
#define STORE_LMDB_STORE_H

#include <lmdb.h>

#include "engine/store/files.h"
#include "engine/store/lmdb_page.h"
#include "engine/store/store.h"
#include "proto/schema.h"

struct store_reader {
    struct store *store;
    MDB_txn      *txn;
    uint64_t      last, root; /* of the events, as this snapshot has them; root 0: not asked yet */
    uint64_t      seen_first, seen_last; /* of these the way was looked at last */
};

struct store {
    MDB_env            *env;
    MDB_dbi             tables, events, meta, entries, rows[PD_ROW_CODES];
    MDB_txn            *txn; /* the open write transaction */
    MDB_cursor         *put; /* its place among the entries; NULL: none was written yet */
    struct store_reader writer;
    enum store_error    error; /* of the transaction, sticky */
    char               *dir;
    bool                scratch, marked;
    int                 head_fd;
    struct files_space  space;
    struct page_file    pages;      /* to look at a leaf before LMDB does */
    uint64_t            looked_from; /* events from there on need no such look */
    size_t              page_size;
    struct histogram    sync_us;
    uint64_t            last, folded, pending_last, pending_folded;
    uint8_t             log_id[PD_LOG_ID_BYTES], pending_log_id[PD_LOG_ID_BYTES];
};

/* Logs, and says so. */
enum store_error lmdb_failed(const char *fact, const char *path, int code);

/* Notes the transaction's first error. */
void lmdb_note(struct store *store, const char *fact, int code);

/* A value behind an xxh3-64 of its key and of itself: neither can change, nor one take another's place, unseen. Written at the
 * cursor when there is one. */
int lmdb_put(MDB_txn *txn, MDB_dbi dbi, MDB_cursor *cursor, MDB_val key, const void *bytes, size_t size, unsigned flags);

/* The value's own bytes, or absent when the sum does not fit. */
struct pd_text lmdb_checked(const MDB_val *key, const MDB_val *value);

/* A row's key as it is stored. */
enum { LMDB_KEY_BYTES = 12 };
MDB_val lmdb_pack_key(struct row_key key, uint8_t buffer[LMDB_KEY_BYTES]);

/* What a store says of itself, of `size` bytes; and the last position of its log. */
enum store_error lmdb_read_meta(struct store *store, MDB_txn *txn, const char *name, void *ret_value, size_t size);
enum store_error lmdb_last(struct store *store, MDB_txn *txn, uint64_t *ret_last);

/* STORE_OK, STORE_NONE, STORE_DAMAGED or STORE_FAILED; the bytes lie in the map. */
enum store_error lmdb_get(const char *dir, MDB_txn *txn, MDB_dbi dbi, MDB_val key, struct pd_text *ret_bytes);

#endif
