#include "engine/rows.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/base/log.h"
#include "proto/check.h"

void
rows_init(struct rows *rows, struct pd_arena *arena)
{
    *rows = (struct rows){.arena = arena, .mask = 4095, .capacity = 2048};
    rows->table = calloc(rows->mask + 1, sizeof *rows->table);
    rows->entries = calloc(rows->capacity, sizeof *rows->entries);
    PD_CHECK(rows->table != NULL && rows->entries != NULL);
}

void
rows_fini(struct rows *rows)
{
    free(rows->table);
    free(rows->entries);
    mp_writer_fini(&rows->packed);
    *rows = (struct rows){0};
}

void
rows_clear(struct rows *rows)
{
    if (rows->count > 0) memset(rows->table, 0, (rows->mask + 1) * sizeof *rows->table);
    if (rows->count > 0) memset(rows->memos, 0, sizeof rows->memos);
    rows->count = rows->dirty_count = rows->loaded_bytes = 0;
    rows->damaged = false;
    rows->reader = NULL;
}

static uint32_t
hash_of(int code, struct row_key key)
{
    uint64_t hash = (key.position ^ (uint64_t)key.item << 48 ^ (uint64_t)code << 58) * 0x9e3779b97f4a7c15u;
    return (uint32_t)(hash >> 32);
}

/* A probe compares hashes first: an entry is another line of memory. */
static struct row_slot *
slot_of(struct rows *rows, int code, struct row_key key, uint32_t hash)
{
    size_t i = hash & rows->mask;
    for (; rows->table[i].place != 0; i = (i + 1) & rows->mask) {
        if (rows->table[i].hash != hash) continue;
        const struct row_entry *e = rows->entries[rows->table[i].place - 1];
        if (e->code == code && e->key.position == key.position && e->key.item == key.item) break;
    }
    return &rows->table[i];
}

static void
grow(struct rows *rows)
{
    if (rows->count < rows->capacity) return;
    struct row_slot *old = rows->table;
    size_t           old_mask = rows->mask;

    rows->capacity *= 2;
    rows->mask = rows->capacity * 2 - 1;
    rows->entries = realloc(rows->entries, rows->capacity * sizeof *rows->entries);
    rows->table = calloc(rows->mask + 1, sizeof *rows->table);
    PD_CHECK(rows->entries != NULL && rows->table != NULL);
    for (size_t i = 0; i <= old_mask; i++) {
        if (old[i].place == 0) continue;
        const struct row_entry *e = rows->entries[old[i].place - 1];
        *slot_of(rows, e->code, e->key, old[i].hash) = old[i];
    }
    free(old);
}

static void
load(struct rows *rows, struct row_entry *e)
{
    const struct pd_block *block = pd_schema_row(e->code);
    struct pd_text         bytes;

    e->row = pd_arena_zero(rows->arena, block->size);
    switch (store_read_row(rows->reader, e->code, e->key, rows->arena, &bytes)) {
    case STORE_OK:
        rows->loaded_bytes += bytes.size;
        e->damaged = !pd_decode_row(rows->arena, block, bytes, e->row);
        break;
    case STORE_NONE: e->gone = true; break;
    default: e->damaged = true;
    }
    if (e->damaged)
        log_error("row_damaged", "table=%s position=%" PRIu64 " item=%" PRIu32, block->name, e->key.position, e->key.item);
}

static struct row_entry *
find(struct rows *rows, int code, struct row_key key)
{
    grow(rows);
    uint32_t         hash = hash_of(code, key);
    struct row_slot *slot = slot_of(rows, code, key, hash);
    if (slot->place == 0) {
        struct row_entry *e = PD_ARENA_NEW(rows->arena, struct row_entry);
        e->code = code;
        e->key = key;
        load(rows, e);
        rows->entries[rows->count++] = e;
        *slot = (struct row_slot){hash, (uint32_t)rows->count};
    }
    struct row_entry *e = rows->entries[slot->place - 1];
    rows->damaged = rows->damaged || e->damaged;
    return e;
}

void *
rows_get(struct rows *rows, int code, struct row_key key)
{
    struct row_entry *e = find(rows, code, key);
    return e->gone || e->damaged ? NULL : e->row;
}

struct row_entry *
rows_entry(struct rows *rows, int code, struct row_key key)
{
    struct row_entry *e = find(rows, code, key);
    return e->damaged ? NULL : e;
}

struct row_key *
rows_recall(struct rows *rows, uint64_t print)
{
    struct row_memo *m = &rows->memos[print % ROW_MEMOS];
    return m->print == print && m->key.position != 0 ? &m->key : NULL;
}

void
rows_remember(struct rows *rows, uint64_t print, struct row_key key)
{
    rows->memos[print % ROW_MEMOS] = (struct row_memo){print, key};
}

void
rows_touch(struct rows *rows, struct row_entry *entry)
{
    rows->dirty_count += !entry->dirty;
    entry->dirty = true;
}

static int
compare(const void *a, const void *b)
{
    const struct row_entry *x = *(struct row_entry *const *)a, *y = *(struct row_entry *const *)b;
    if (x->code != y->code) return x->code < y->code ? -1 : 1;
    if (x->key.position != y->key.position) return x->key.position < y->key.position ? -1 : 1;
    return (x->key.item > y->key.item) - (x->key.item < y->key.item);
}

void
rows_flush(struct rows *rows, struct store *store)
{
    struct row_entry **dirty = pd_arena_alloc(rows->arena, rows->count * sizeof *dirty + 1);
    size_t             count = 0;

    for (size_t i = 0; i < rows->count; i++)
        if (rows->entries[i]->dirty) dirty[count++] = rows->entries[i];
    qsort(dirty, count, sizeof *dirty, compare);
    rows->dirty_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct row_entry *e = dirty[i];
        e->dirty = false;
        if (e->gone) {
            store_delete_row(store, e->code, e->key);
            continue;
        }
        mp_writer_clear(&rows->packed);
        pd_encode_row(&rows->packed, pd_schema_row(e->code), e->row);
        store_put_row(store, e->code, e->key, rows->packed.data, rows->packed.size);
    }
}
