/* entries_lmdb.c - keys and values of any kind in LMDB, one table for all of them. */
#include <stdlib.h>

#include "engine/store/lmdb_store.h"
#include "proto/check.h"

struct store_cursor {
    MDB_cursor *cursor;
    const char *dir;
};

static MDB_val
val_of(struct pd_text text)
{
    return (MDB_val){text.size, (void *)(uintptr_t)text.data};
}

/* ---- writing ------------------------------------------------------------------------------------------------------- */

/* Keys that come in order find their place from the one before. */
static bool
has_place(struct store *s)
{
    if (s->error == STORE_OK && s->put == NULL) lmdb_note(s, "put_failed", mdb_cursor_open(s->txn, s->entries, &s->put));
    return s->error == STORE_OK;
}

static void
put(struct store *s, struct pd_text key, struct pd_text value, unsigned flags)
{
    PD_CHECK(key.size > 0 && key.size <= STORE_KEY_MAX);
    if (!has_place(s)) return;
    lmdb_note(s, "put_failed", lmdb_put(s->txn, s->entries, s->put, val_of(key), value.data, value.size, flags));
}

void
store_put_entry(struct store *s, struct pd_text key, struct pd_text value)
{
    put(s, key, value, 0);
}

/* Pages are filled to the end, not split in the middle. */
void
store_append_entry(struct store *s, struct pd_text key, struct pd_text value)
{
    put(s, key, value, MDB_APPEND);
}

void
store_delete_entry(struct store *s, struct pd_text key)
{
    MDB_val k = val_of(key), none;

    if (!has_place(s)) return;
    int rc = mdb_cursor_get(s->put, &k, &none, MDB_SET);
    if (rc == MDB_SUCCESS) rc = mdb_cursor_del(s->put, 0);
    lmdb_note(s, "delete_failed", rc == MDB_NOTFOUND ? MDB_SUCCESS : rc);
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

enum store_error
store_read_entry(struct store_reader *r, struct pd_text key, struct pd_arena *arena, struct pd_text *ret_value)
{
    struct pd_text   bytes;
    enum store_error error = lmdb_get(r->store->dir, r->txn, r->store->entries, val_of(key), &bytes);

    if (error == STORE_OK) *ret_value = pd_arena_text(arena, bytes);
    return error;
}

enum store_error
store_cursor_open(struct store_reader *r, struct store_cursor **ret_cursor)
{
    struct store_cursor *c = calloc(1, sizeof *c);

    PD_CHECK(c != NULL);
    c->dir = r->store->dir;
    int rc = mdb_cursor_open(r->txn, r->store->entries, &c->cursor);
    if (rc != MDB_SUCCESS) {
        free(c);
        return lmdb_failed("read_failed", r->store->dir, rc);
    }
    *ret_cursor = c;
    return STORE_OK;
}

void
store_cursor_close(struct store_cursor **cursor)
{
    if (*cursor == NULL) return;
    mdb_cursor_close((*cursor)->cursor);
    free(*cursor);
    *cursor = NULL;
}

static enum store_error
move(struct store_cursor *c, MDB_val key, MDB_cursor_op op, struct store_entry *ret_entry)
{
    MDB_val value;
    int     rc = mdb_cursor_get(c->cursor, &key, &value, op);

    if (rc == MDB_NOTFOUND) return STORE_NONE;
    if (rc != MDB_SUCCESS) return lmdb_failed("read_failed", c->dir, rc);
    struct pd_text bytes = lmdb_checked(&key, &value);
    if (bytes.data == NULL) return STORE_DAMAGED;
    *ret_entry = (struct store_entry){{key.mv_data, key.mv_size}, bytes};
    return STORE_OK;
}

enum store_error
store_cursor_seek(struct store_cursor *c, struct pd_text key, struct store_entry *ret_entry)
{
    return move(c, val_of(key), MDB_SET_RANGE, ret_entry);
}

enum store_error
store_cursor_seek_before(struct store_cursor *c, struct pd_text key, struct store_entry *ret_entry)
{
    MDB_val k = val_of(key), value;
    int     rc = mdb_cursor_get(c->cursor, &k, &value, MDB_SET_RANGE);

    if (rc != MDB_SUCCESS && rc != MDB_NOTFOUND) return lmdb_failed("read_failed", c->dir, rc);
    return move(c, k, rc == MDB_NOTFOUND ? MDB_LAST : MDB_PREV, ret_entry);
}

enum store_error
store_cursor_next(struct store_cursor *c, struct store_entry *ret_entry)
{
    return move(c, (MDB_val){0, NULL}, MDB_NEXT, ret_entry);
}

enum store_error
store_cursor_previous(struct store_cursor *c, struct store_entry *ret_entry)
{
    return move(c, (MDB_val){0, NULL}, MDB_PREV, ret_entry);
}
