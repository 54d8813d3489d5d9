#include "engine/rows.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/base/log.h"
#include "proto/check.h"

static void
table_init(struct row_table *t, struct pd_arena *arena)
{
    *t = (struct row_table){.arena = arena, .mask = 4095, .capacity = 2048};
    t->slots = calloc(t->mask + 1, sizeof *t->slots);
    t->entries = calloc(t->capacity, sizeof *t->entries);
    PD_CHECK(t->slots != NULL && t->entries != NULL);
}

static void
table_clear(struct row_table *t)
{
    if (t->count > 0) memset(t->slots, 0, (t->mask + 1) * sizeof *t->slots);
    t->count = t->dirty_count = t->loaded_bytes = 0;
}

void
rows_init(struct rows *rows, struct pd_arena *arena)
{
    *rows = (struct rows){.stored = UINT64_MAX};
    rows->young = &rows->tables[0];
    rows->old = &rows->tables[1];
    table_init(rows->young, arena);
    table_init(rows->old, NULL);
    rows->memos = calloc(ROW_MEMOS, sizeof *rows->memos);
    PD_CHECK(rows->memos != NULL);
}

void
rows_fini(struct rows *rows)
{
    for (int i = 0; i < 2; i++) {
        free(rows->tables[i].slots);
        free(rows->tables[i].entries);
    }
    free(rows->memos);
    *rows = (struct rows){.reader = NULL};
}

void
rows_clear(struct rows *rows)
{
    table_clear(rows->young);
    table_clear(rows->old);
    memset(rows->recent, 0, sizeof rows->recent);
    rows->damaged = false;
    rows->reader = NULL;
}

void
rows_turn_over(struct rows *rows, struct pd_arena *arena)
{
    struct row_table *young = rows->old;

    PD_CHECK(arena != rows->young->arena);
    table_clear(young);
    young->arena = arena;
    rows->old = rows->young;
    rows->young = young;
    memset(rows->recent, 0, sizeof rows->recent);
}

static uint32_t
hash_of(int code, struct row_key key)
{
    uint64_t hash = (key.position ^ (uint64_t)key.item << 48 ^ (uint64_t)code << 58) * 0x9e3779b97f4a7c15u;
    return (uint32_t)(hash >> 32);
}

/* A probe compares hashes first: an entry is another line of memory. */
static struct row_slot *
slot_of(const struct row_table *t, int code, struct row_key key, uint32_t hash)
{
    size_t i = hash & t->mask;
    for (; t->slots[i].place != 0; i = (i + 1) & t->mask) {
        if (t->slots[i].hash != hash) continue;
        const struct row_entry *e = t->entries[t->slots[i].place - 1];
        if (e->code == code && e->key.position == key.position && e->key.item == key.item) break;
    }
    return &t->slots[i];
}

static void
grow(struct row_table *t)
{
    if (t->count < t->capacity) return;
    struct row_slot *old = t->slots;
    size_t           old_mask = t->mask;

    t->capacity *= 2;
    t->mask = t->capacity * 2 - 1;
    t->entries = realloc(t->entries, t->capacity * sizeof *t->entries);
    t->slots = calloc(t->mask + 1, sizeof *t->slots);
    PD_CHECK(t->entries != NULL && t->slots != NULL);
    for (size_t i = 0; i <= old_mask; i++) {
        if (old[i].place == 0) continue;
        const struct row_entry *e = t->entries[old[i].place - 1];
        *slot_of(t, e->code, e->key, old[i].hash) = old[i];
    }
    free(old);
}

static void
load(struct rows *rows, struct row_entry *e)
{
    const struct pd_block *block = pd_schema_row(e->code);
    struct pd_text         bytes;

    enum store_error error = STORE_NONE;
    if (e->key.position <= rows->stored) error = store_read_row(rows->reader, e->code, e->key, rows->young->arena, &bytes);
    switch (error) {
    case STORE_OK:
        rows->young->loaded_bytes += bytes.size;
        e->damaged = !pd_decode_row(rows->young->arena, block, bytes, e->row);
        break;
    case STORE_NONE: e->gone = true; break;
    default: e->damaged = true;
    }
    if (e->gone || e->damaged) memset(e->row, 0, block->size);
    if (e->damaged)
        log_error("row_damaged", "table=%s position=%" PRIu64 " item=%" PRIu32, block->name, e->key.position, e->key.item);
}

/* The row as it was when its generation was written, if it is there. */
static bool
copy_old(struct rows *rows, struct row_entry *e, uint32_t hash)
{
    const struct row_slot *slot = slot_of(rows->old, e->code, e->key, hash);

    if (slot->place == 0) return false;
    const struct row_entry *old = rows->old->entries[slot->place - 1];
    const struct pd_block  *block = pd_schema_row(e->code);
    size_t                  before = rows->young->arena->total;
    e->gone = old->gone;
    e->damaged = old->damaged;
    if (e->gone || e->damaged) memset(e->row, 0, block->size);
    else pd_copy_block(rows->young->arena, block, old->row, e->row);
    /* Packed it takes less than as a struct. */
    rows->young->loaded_bytes += block->size + rows->young->arena->total - before;
    return true;
}

static struct row_entry *
find(struct rows *rows, int code, struct row_key key)
{
    struct row_table *t = rows->young;

    grow(t);
    uint32_t         hash = hash_of(code, key);
    struct row_slot *slot = slot_of(t, code, key, hash);
    if (slot->place == 0) {
        struct row_entry *e = PD_ARENA_NEW(t->arena, struct row_entry);
        e->code = code;
        e->key = key;
        e->row = pd_arena_alloc(t->arena, pd_schema_row(code)->size);
        if (!copy_old(rows, e, hash)) load(rows, e);
        t->entries[t->count++] = e;
        *slot = (struct row_slot){hash, (uint32_t)t->count};
    }
    struct row_entry *e = t->entries[slot->place - 1];
    rows->damaged = rows->damaged || e->damaged;
    rows->recent[code] = e;
    return e;
}

void *
rows_recent(const struct rows *rows, int code, struct row_key *ret_key)
{
    const struct row_entry *e = rows->recent[code];

    if (e == NULL || e->gone || e->damaged) return NULL;
    *ret_key = e->key;
    return e->row;
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

bool
rows_prefetch(const struct rows *rows, int code, uint64_t print, enum row_hint step)
{
    const struct row_memo  *m = &rows->memos[print % ROW_MEMOS];
    const struct row_table *t = rows->young;

    __builtin_prefetch(m);
    if (step == ROW_HINT_MEMO) return true;
    if (m->print != print || m->key.position == 0) return false;
    uint32_t               hash = hash_of(code, m->key);
    const struct row_slot *slot = &t->slots[hash & t->mask];
    __builtin_prefetch(slot);
    if (step == ROW_HINT_SLOT || slot->place == 0 || slot->hash != hash) return true;
    struct row_entry *const *place = &t->entries[slot->place - 1];
    __builtin_prefetch(place);
    if (step == ROW_HINT_PLACE) return true;
    __builtin_prefetch(*place);
    if (step == ROW_HINT_ENTRY) return true;
    const char *row = (*place)->row;
    for (size_t at = 0; at < 256; at += 64) __builtin_prefetch(row + at);
    return true;
}

void
rows_touch(struct rows *rows, struct row_entry *entry)
{
    rows->young->dirty_count += !entry->dirty;
    entry->dirty = true;
}

/* What is soon to be packed was changed long ago, as caches count. */
static void
prefetch_row(const struct row_entry *e)
{
    size_t size = e->gone ? 0 : pd_schema_row(e->code)->size;
    for (size_t at = 0; at < size; at += 64) __builtin_prefetch((const char *)e->row + at);
}

void
rows_flush(const struct row_table *t, struct store *store, struct mp_writer *scratch, struct mp_writer *changes)
{
    struct sort_key *dirty = malloc(t->dirty_count * sizeof *dirty + 1); /* with their places among the entries */
    size_t           count = 0;

    PD_CHECK(dirty != NULL);
    for (size_t i = 0; i < t->count; i++) {
        const struct row_entry *e = t->entries[i];
        if (i + 8 < t->count) __builtin_prefetch(t->entries[i + 8]);
        if (!e->dirty) continue;
        dirty[count] = change_sort_key((struct change){e->code, e->key});
        dirty[count++].low |= i;
    }
    sort_keys(dirty, count);
    for (size_t i = 0; i < count; i++) {
        const struct row_entry *e = t->entries[(uint32_t)dirty[i].low];
        if (i + 4 < count) __builtin_prefetch(t->entries[(uint32_t)dirty[i + 4].low]);
        if (i + 2 < count) prefetch_row(t->entries[(uint32_t)dirty[i + 2].low]);
        if (changes != NULL) changes_add(changes, (struct change){e->code, e->key});
        if (e->gone) {
            store_delete_row(store, e->code, e->key);
            continue;
        }
        mp_writer_clear(scratch);
        pd_encode_row(scratch, pd_schema_row(e->code), e->row);
        store_put_row(store, e->code, e->key, scratch->data, scratch->size);
    }
    free(dirty);
}
