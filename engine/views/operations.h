/* operations.h - what a batch puts, deletes and counts, gathered and then done nearly in order of key: the same pages are met
 * together. */
#ifndef VIEWS_OPERATIONS_H
#define VIEWS_OPERATIONS_H

#include "engine/base/sort.h"
#include "engine/base/sorter.h"
#include "engine/views/view.h"

/* Zeroed it is empty. */
struct operations {
    struct operation *list;   /* puts and deletes */
    struct sort_key  *places; /* where they belong */
    size_t            count, capacity;
    struct tally     *tallies; /* open addressing; most counts are of the same few keys, so each is kept once */
    size_t            tally_count, tally_mask;
};

void operations_fini(struct operations *operations);

/* Key and value stay the caller's until they are done. */
void operations_put(struct operations *operations, struct pd_text key, struct pd_text value);
void operations_delete(struct operations *operations, struct pd_text key);
void operations_add(struct operations *operations, struct pd_text key, int64_t count);

/* Does all of them in the open transaction, those of one key in the order in which they were said, and forgets them. */
enum store_error operations_do(struct operations *operations, struct store *store, struct pd_arena *scratch) STORE_MUST_CHECK;
void             operations_forget(struct operations *operations);

/* Gives them to the sorter instead, and forgets them: counts as varints, each a part. Nothing may be deleted. */
void operations_sort(struct operations *operations, struct sorter *sorter);

/* A number as it is stored, of one to ten bytes; returns how many. What it reads it moves on; false: it is cut off. */
enum { VARINT_MAX = 10 };
size_t varint_write(char *to, uint64_t number);
bool   varint_read(struct pd_text *from, uint64_t *ret_number);

#endif
