/* reading_lmdb.c - snapshots of the books in LMDB: records and rows. */
#include <inttypes.h>
#include <stdlib.h>
#include <xxhash.h>

#include "engine/base/log.h"
#include "engine/store/lmdb_store.h"
#include "proto/check.h"

/* ---- keys ---------------------------------------------------------------------------------------------------------- */

MDB_val
lmdb_pack_key(struct row_key key, uint8_t buffer[LMDB_KEY_BYTES])
{
    for (int i = 0; i < 8; i++) buffer[i] = (uint8_t)(key.position >> (56 - 8 * i));
    for (int i = 0; i < 4; i++) buffer[8 + i] = (uint8_t)(key.item >> (24 - 8 * i));
    return (MDB_val){LMDB_KEY_BYTES, buffer};
}

static struct row_key
unpack_key(const MDB_val *val)
{
    const uint8_t *b = val->mv_data;
    struct row_key key = {0, 0};
    for (int i = 0; i < 8; i++) key.position = key.position << 8 | b[i];
    for (int i = 8; i < LMDB_KEY_BYTES; i++) key.item = key.item << 8 | b[i];
    return key;
}

/* ---- values -------------------------------------------------------------------------------------------------------- */

static uint64_t
sum_of(const MDB_val *key, const char *bytes, size_t size)
{
    return XXH3_64bits_withSeed(bytes, size, XXH3_64bits(key->mv_data, key->mv_size));
}

int
lmdb_put(MDB_txn *txn, MDB_dbi dbi, MDB_cursor *cursor, MDB_val key, const void *bytes, size_t size, unsigned flags)
{
    uint64_t sum = sum_of(&key, bytes, size);
    MDB_val  value = {sizeof sum + size, NULL};
    int      rc = cursor != NULL ? mdb_cursor_put(cursor, &key, &value, MDB_RESERVE | flags)
                                 : mdb_put(txn, dbi, &key, &value, MDB_RESERVE | flags);

    if (rc != MDB_SUCCESS) return rc;
    memcpy(value.mv_data, &sum, sizeof sum);
    memcpy((char *)value.mv_data + sizeof sum, bytes, size);
    return MDB_SUCCESS;
}

struct pd_text
lmdb_checked(const MDB_val *key, const MDB_val *value)
{
    uint64_t       sum;
    struct pd_text bytes = {(const char *)value->mv_data + sizeof sum, value->mv_size - sizeof sum};

    if (value->mv_size < sizeof sum) return (struct pd_text){NULL, 0};
    memcpy(&sum, value->mv_data, sizeof sum);
    return sum_of(key, bytes.data, bytes.size) == sum ? bytes : (struct pd_text){NULL, 0};
}

enum store_error
lmdb_get(const char *dir, MDB_txn *txn, MDB_dbi dbi, MDB_val key, struct pd_text *ret_bytes)
{
    MDB_val value;
    int     rc = mdb_get(txn, dbi, &key, &value);

    if (rc == MDB_NOTFOUND) return STORE_NONE;
    if (rc != MDB_SUCCESS) return lmdb_failed("read_failed", dir, rc);
    struct pd_text bytes = lmdb_checked(&key, &value);
    if (bytes.data == NULL) return STORE_DAMAGED;
    *ret_bytes = bytes;
    return STORE_OK;
}

enum store_error
lmdb_read_meta(struct store *s, MDB_txn *txn, const char *name, void *ret_value, size_t size)
{
    struct pd_text   bytes = {NULL, 0};
    enum store_error error = lmdb_get(s->dir, txn, s->meta, (MDB_val){strlen(name), (void *)(uintptr_t)name}, &bytes);

    if (error == STORE_OK && bytes.size != size) error = STORE_DAMAGED;
    if (error == STORE_OK) memcpy(ret_value, bytes.data, size);
    if (error == STORE_DAMAGED) log_error("meta_damaged", "path=\"%s\" name=%s", s->dir, name);
    return error;
}

enum store_error
lmdb_last(struct store *s, MDB_txn *txn, uint64_t *ret_last)
{
    MDB_cursor *cursor;
    MDB_val     key, value;
    int         rc = mdb_cursor_open(txn, s->events, &cursor);

    if (rc != MDB_SUCCESS) return lmdb_failed("read_failed", s->dir, rc);
    rc = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
    *ret_last = 0;
    if (rc == MDB_SUCCESS) memcpy(ret_last, key.mv_data, sizeof *ret_last);
    mdb_cursor_close(cursor);
    return rc == MDB_SUCCESS || rc == MDB_NOTFOUND ? STORE_OK : lmdb_failed("read_failed", s->dir, rc);
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

struct store_reader *
store_writer_view(struct store *s)
{
    PD_CHECK(s->txn != NULL);
    return &s->writer;
}

enum store_error
store_reader_open(struct store *s, struct store_reader **ret_reader)
{
    struct store_reader *r = calloc(1, sizeof *r);

    PD_CHECK(r != NULL);
    r->store = s;
    int              rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &r->txn);
    enum store_error error = rc == MDB_SUCCESS ? lmdb_last(s, r->txn, &r->last) : lmdb_failed("read_failed", s->dir, rc);
    if (error == STORE_OK) *ret_reader = r;
    else store_reader_close(&r);
    return error;
}

void
store_reader_close(struct store_reader **reader)
{
    if (*reader == NULL) return;
    if ((*reader)->txn != NULL) mdb_txn_abort((*reader)->txn);
    free(*reader);
    *reader = NULL;
}

uint64_t
store_reader_last(struct store_reader *r)
{
    return r == &r->store->writer ? r->store->pending_last : r->last;
}

enum store_error
store_reader_folded(struct store_reader *r, uint64_t *ret_folded)
{
    uint64_t         folded = r->last;
    enum store_error error = lmdb_read_meta(r->store, r->txn, "folded", &folded, sizeof folded);

    if (error != STORE_OK && error != STORE_NONE) return error;
    *ret_folded = folded;
    return STORE_OK;
}

/* The way to an event that was not looked at before the start. */
static enum store_error
look_at_event(struct store_reader *r, uint64_t position)
{
    struct store *s = r->store;
    MDB_val       key = {strlen("events"), (void *)(uintptr_t) "events"}, value;

    if (position >= s->looked_from || (position >= r->seen_first && position <= r->seen_last)) return STORE_OK;
    if (r->root == 0) {
        int rc = mdb_get(r->txn, s->tables, &key, &value);
        if (rc != MDB_SUCCESS) return lmdb_failed("read_failed", s->dir, rc);
        r->root = page_read_table((struct pd_text){value.mv_data, value.mv_size}).root;
    }
    struct page_place place;
    const char       *wrong = page_find(&s->pages, r->root, position, &place);
    if (wrong != NULL) {
        log_error("page_damaged", "path=\"%s\" page=%" PRIu64 " position=%" PRIu64 " what=\"%s\"", s->dir, place.page, position,
                  wrong);
        return STORE_DAMAGED;
    }
    r->seen_first = place.first;
    r->seen_last = place.last;
    return STORE_OK;
}

enum store_error
store_read_record(struct store_reader *r, uint64_t position, struct pd_arena *arena, struct pd_text *ret_bytes)
{
    struct pd_text   bytes;
    enum store_error error = look_at_event(r, position);

    if (error == STORE_OK)
        error = lmdb_get(r->store->dir, r->txn, r->store->events, (MDB_val){sizeof position, &position}, &bytes);
    if (error == STORE_OK) *ret_bytes = pd_arena_text(arena, bytes);
    return error;
}

/* The record at `at`, or the next one there is; *at is its position. `placed`: the cursor stands before it. */
static int
next_record(MDB_cursor *cursor, bool placed, uint64_t *at, struct pd_text *ret_bytes)
{
    MDB_val key = {sizeof *at, at}, value;
    int     rc = mdb_cursor_get(cursor, &key, &value, placed ? MDB_NEXT : MDB_SET_RANGE);

    if (rc != MDB_SUCCESS) return rc;
    *ret_bytes = lmdb_checked(&key, &value);
    memcpy(at, key.mv_data, sizeof *at);
    return MDB_SUCCESS;
}

enum store_error
store_each_record(struct store_reader *r, uint64_t from, uint64_t to, store_visit_record *visit, void *arg)
{
    enum store_error error = STORE_OK;
    MDB_cursor      *cursor;
    bool             placed = false, more = true;
    int              rc = mdb_cursor_open(r->txn, r->store->events, &cursor);

    if (rc != MDB_SUCCESS) return lmdb_failed("read_failed", r->store->dir, rc);
    for (uint64_t at = from; more && at <= to && error != STORE_FAILED; at++) {
        struct pd_text bytes = {NULL, 0};
        error = look_at_event(r, at);
        if (error == STORE_OK && (rc = next_record(cursor, placed, &at, &bytes)) != MDB_SUCCESS) break;
        placed = error == STORE_OK;
        more = error != STORE_FAILED && at <= to && visit(arg, at, bytes);
    }
    mdb_cursor_close(cursor);
    if (error == STORE_FAILED) return error;
    return rc == MDB_SUCCESS || rc == MDB_NOTFOUND ? STORE_OK : lmdb_failed("read_failed", r->store->dir, rc);
}

enum store_error
store_read_row(struct store_reader *r, int row_code, struct row_key row_key, struct pd_arena *arena,
               struct pd_text *ret_bytes)
{
    uint8_t          buffer[LMDB_KEY_BYTES];
    struct pd_text   bytes;
    enum store_error error = lmdb_get(r->store->dir, r->txn, r->store->rows[row_code], lmdb_pack_key(row_key, buffer), &bytes);

    if (error == STORE_OK) *ret_bytes = pd_arena_text(arena, bytes);
    return error;
}

enum store_error
store_each_row(struct store_reader *r, int row_code, struct row_key from, store_visit *visit, void *arg)
{
    uint8_t     buffer[LMDB_KEY_BYTES];
    MDB_val     key = lmdb_pack_key(from, buffer), value;
    MDB_cursor *cursor;
    int         rc = mdb_cursor_open(r->txn, r->store->rows[row_code], &cursor);

    if (rc != MDB_SUCCESS) return lmdb_failed("read_failed", r->store->dir, rc);
    for (rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE); rc == MDB_SUCCESS;
         rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))
        if (!visit(arg, unpack_key(&key), lmdb_checked(&key, &value))) break;
    mdb_cursor_close(cursor);
    return rc == MDB_SUCCESS || rc == MDB_NOTFOUND ? STORE_OK : lmdb_failed("read_failed", r->store->dir, rc);
}
