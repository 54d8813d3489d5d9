#include "engine/index/index.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <xxhash.h>

#include "proto/check.h"

/* Open addressing with linear probing and backward-shift deletion: no tombstones. An entry with position 0 is empty; rows
 * stand at positions from 1. Equal fingerprints stand in the order they were added as long as none between is removed. */
struct entry {
    uint64_t print, position;
    uint32_t item;
};

struct table {
    struct entry *entries;
    size_t        mask, used;
};

/* What finds rows grows with them, and everybody waits while a table is copied to a larger one: so it is many tables, each for the
 * fingerprints of some first bits, that grow one after the other. */
enum { SHARD_BITS = 6, SHARDS = 1 << SHARD_BITS };

struct index {
    pthread_rwlock_t lock;
    struct table     rows[SHARDS], ids;
    uint64_t        *ring; /* the ids' fingerprints and positions in order of age */
    uint64_t         ring_head;
    size_t           ids_max;
};

/* Look-ups hit these tables at random: in large pages, where the system has them, each is one miss and not two. */
static void *
large_zeroes(size_t size)
{
    enum { LARGE = 2 << 20 };
    void *p = size < LARGE ? calloc(1, size) : aligned_alloc(LARGE, (size + LARGE - 1) / LARGE * LARGE);
    PD_CHECK(p != NULL);
    if (size < LARGE) return p;
    (void)madvise(p, size, MADV_HUGEPAGE);
    return memset(p, 0, size);
}

static void
table_init(struct table *t, size_t capacity)
{
    t->entries = large_zeroes(capacity * sizeof *t->entries);
    t->mask = capacity - 1;
    t->used = 0;
}

static void
table_put(struct table *t, struct entry e)
{
    size_t i = e.print & t->mask;
    while (t->entries[i].position != 0) i = (i + 1) & t->mask;
    t->entries[i] = e;
    t->used++;
}

static void
table_double(struct table *t)
{
    struct table larger;
    size_t       start = 0;

    table_init(&larger, (t->mask + 1) * 2);
    /* From behind an empty place, so that runs keep their order. */
    while (t->entries[start].position != 0) start++;
    for (size_t n = 0; n <= t->mask; n++) {
        struct entry *old = &t->entries[(start + n) & t->mask];
        if (old->position != 0) table_put(&larger, *old);
    }
    free(t->entries);
    *t = larger;
}

static void
table_remove(struct table *t, uint64_t print, uint64_t position, uint32_t item)
{
    size_t i = print & t->mask;
    while (t->entries[i].print != print || t->entries[i].position != position || t->entries[i].item != item) {
        if (t->entries[i].position == 0) return;
        i = (i + 1) & t->mask;
    }
    for (size_t hole = i;;) {
        i = (i + 1) & t->mask;
        if (t->entries[i].position == 0) {
            t->entries[hole].position = 0;
            break;
        }
        size_t home = t->entries[i].print & t->mask;
        if (((i - home) & t->mask) < ((i - hole) & t->mask)) continue;
        t->entries[hole] = t->entries[i];
        hole = i;
    }
    t->used--;
}

static size_t
shard_of(uint64_t print)
{
    return (size_t)(print >> (64 - SHARD_BITS));
}

/* A shard is doubled when it is between a half and two thirds full, the one earlier than the other: they have as many entries each,
 * and would all be due at once. */
static void
add_row(struct index *index, struct entry e)
{
    size_t        shard = shard_of(e.print);
    struct table *t = &index->rows[shard];

    if (t->used * (3 * SHARDS + shard) / (2 * SHARDS) > t->mask) table_double(t);
    table_put(t, e);
}

struct index *
index_open(size_t ids)
{
    struct index *index = calloc(1, sizeof *index);
    size_t        capacity = 1;

    PD_CHECK(index != NULL && pthread_rwlock_init(&index->lock, NULL) == 0);
    for (int i = 0; i < SHARDS; i++) table_init(&index->rows[i], 1 << 6);
    while (capacity < 2 * ids) capacity *= 2;
    table_init(&index->ids, capacity);
    index->ids_max = ids;
    index->ring = large_zeroes(ids * 2 * sizeof *index->ring);
    return index;
}

void
index_close(struct index **index)
{
    if (*index == NULL) return;
    pthread_rwlock_destroy(&(*index)->lock);
    for (int i = 0; i < SHARDS; i++) free((*index)->rows[i].entries);
    free((*index)->ids.entries);
    free((*index)->ring);
    free(*index);
    *index = NULL;
}

uint64_t
index_text_print(enum index_kind kind, uint64_t scope, struct pd_text text)
{
    return XXH3_64bits_withSeed(text.data, text.size, scope << 8 | (uint64_t)kind);
}

void
index_add(struct index *index, uint64_t print, struct row_key key)
{
    pthread_rwlock_wrlock(&index->lock);
    add_row(index, (struct entry){print, key.position, key.item});
    pthread_rwlock_unlock(&index->lock);
}

void
index_remove(struct index *index, uint64_t print, struct row_key key)
{
    pthread_rwlock_wrlock(&index->lock);
    table_remove(&index->rows[shard_of(print)], print, key.position, key.item);
    pthread_rwlock_unlock(&index->lock);
}

size_t
index_find(const struct index *index, uint64_t print, struct row_key *ret_keys, size_t max)
{
    size_t              n = 0;
    const struct table *t = &index->rows[shard_of(print)];
    for (size_t i = print & t->mask; t->entries[i].position != 0; i = (i + 1) & t->mask) {
        const struct entry *e = &t->entries[i];
        if (e->print != print) continue;
        if (n < max) ret_keys[n] = (struct row_key){e->position, e->item};
        n++;
    }
    return n;
}

size_t
index_find_shared(struct index *index, uint64_t print, struct row_key *ret_keys, size_t max)
{
    pthread_rwlock_rdlock(&index->lock);
    size_t n = index_find(index, print, ret_keys, max);
    pthread_rwlock_unlock(&index->lock);
    return n;
}

/* Only the engine's thread uses ids: no lock. */
void
index_add_id(struct index *index, uint64_t print, uint64_t position)
{
    uint64_t *slot = &index->ring[(index->ring_head++ % index->ids_max) * 2];
    if (slot[1] != 0) table_remove(&index->ids, slot[0], slot[1], 0);
    slot[0] = print;
    slot[1] = position;
    table_put(&index->ids, (struct entry){print, position, 0});
}

size_t
index_find_id(struct index *index, uint64_t print, uint64_t *ret_positions, size_t max)
{
    const struct table *t = &index->ids;
    size_t              n = 0;
    for (size_t i = print & t->mask; t->entries[i].position != 0; i = (i + 1) & t->mask)
        if (t->entries[i].print == print && n < max) ret_positions[n++] = t->entries[i].position;
    return n;
}

void
index_prefetch(const struct index *index, uint64_t print)
{
    const struct table *t = &index->rows[shard_of(print)];
    __builtin_prefetch(&t->entries[print & t->mask]);
}

void
index_prefetch_id(const struct index *index, uint64_t print)
{
    __builtin_prefetch(&index->ids.entries[print & index->ids.mask]);
}
