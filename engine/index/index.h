/* index.h - look-ups by another key: fingerprint -> where the row stands. Never authoritative: a fingerprint may be shared, so
 * every hit is checked against the row or event it names.
 *
 * In memory for now, rebuilt at start from rows and the log's tail. One writer; any thread may find. */
#ifndef INDEX_INDEX_H
#define INDEX_INDEX_H

#include <pedido/types.h>

/* A row's key: the position of the event that made it, and an item number. */
struct row_key {
    uint64_t position;
    uint32_t item;
};

/* What a fingerprint is of. */
enum index_kind {
    INDEX_reseller = 1, INDEX_customer, INDEX_plan, INDEX_order, INDEX_reference, INDEX_subscription, INDEX_task,
    INDEX_domain, INDEX_command, INDEX_open_task, INDEX_import, INDEX_import_domain,
};

struct index;

/* Keeps the last `ids` command ids, 64 to 112 bytes each; 0: none may be added. Never fails but by running out of memory, which
 * aborts. */
struct index *index_open(size_t ids);
void          index_close(struct index **index);

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

void index_add(struct index *index, uint64_t print, struct row_key key);
void index_remove(struct index *index, uint64_t print, struct row_key key);

/* Up to `max` candidates for a fingerprint, oldest first; returns how many there are in all. The writer's thread needs no lock
 * for it, any other asks index_find_shared. */
size_t index_find(const struct index *index, uint64_t print, struct row_key *ret_keys, size_t max);
size_t index_find_shared(struct index *index, uint64_t print, struct row_key *ret_keys, size_t max);

/* Command ids: fingerprint -> position of the command's first event. The oldest goes first. */
void   index_add_id(struct index *index, uint64_t print, uint64_t position);
size_t index_find_id(struct index *index, uint64_t print, uint64_t *ret_positions, size_t max);

/* Hints that a fingerprint will be asked for soon. */
void index_prefetch(const struct index *index, uint64_t print);
void index_prefetch_id(const struct index *index, uint64_t print);

#endif
