/* pairs.h - what the index is made of, and the table in which the latest of it is.
 *
 * A pair is a fingerprint and what it leads to; of one that was taken away again, or of an id, it says so. The latest are in
 * memory, in open addressing with linear probing and backward-shift deletion: no tombstones of the table's own. */
#ifndef INDEX_PAIRS_H
#define INDEX_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `to`: from the highest bit on position, item, whether it is an id, whether it is gone. Never 0: positions count from 1. */
struct pair {
    uint64_t print, to;
};

enum { PAIR_GONE = 1, PAIR_ID = 2, PAIR_ITEM_SHIFT = 2, PAIR_POSITION_SHIFT = 18 };
#define PAIR_POSITION_MAX ((uint64_t)1 << 46)
#define PAIR_ITEM_MAX     ((uint32_t)1 << 16)

static inline uint64_t
pair_position(struct pair p)
{
    return p.to >> PAIR_POSITION_SHIFT;
}

static inline uint32_t
pair_item(struct pair p)
{
    return (uint32_t)(p.to >> PAIR_ITEM_SHIFT) & (PAIR_ITEM_MAX - 1);
}

/* The order in which pairs stand in runs; that one is gone does not count. */
static inline int
pair_compare(struct pair a, struct pair b)
{
    if (a.print != b.print) return a.print < b.print ? -1 : 1;
    return (a.to >> 1 > b.to >> 1) - (a.to >> 1 < b.to >> 1);
}

/* Not more than three quarters of the slots are used; more are made when they are. */
struct pair_table {
    struct pair *slots;
    size_t       mask, used;
};

void pair_table_init(struct pair_table *table, size_t slots); /* a power of two */
void pair_table_fini(struct pair_table *table);
void pair_table_clear(struct pair_table *table);

void pair_table_put(struct pair_table *table, struct pair pair);

/* Whether it was there; it is not any more. */
bool pair_table_take(struct pair_table *table, struct pair pair);

/* The slot at which to look for a fingerprint: from there on as far as they are used (slot.to != 0). */
static inline size_t
pair_table_home(const struct pair_table *table, uint64_t print)
{
    return print & table->mask;
}

/* All of it in order, `used` of them; allocated. */
struct pair *pair_table_sorted(const struct pair_table *table);

#endif
