/* merge.h - several sorted lists of pairs as one. A pair is there, gone, there again from one list to the next newer one; of all
 * that the lists say of it one thing is left, or nothing. */
#ifndef INDEX_MERGE_H
#define INDEX_MERGE_H

#include "engine/index/run.h"

enum { MERGE_MAX = 80 };

struct merge_source {
    struct run        *run; /* NULL: an array */
    uint64_t           next; /* of the run, to be read */
    const struct pair *pairs;
    size_t             count;
};

struct merge {
    struct merge_source sources[MERGE_MAX]; /* the oldest first */
    size_t              count;
    bool                oldest; /* nothing is older: what is gone need not be said */
    bool                damaged;
};

/* Zeroed, then filled by these, the oldest first. What is added stays the caller's, and there. */
void merge_add_run(struct merge *merge, struct run *run);
void merge_add_pairs(struct merge *merge, const struct pair *pairs, size_t count);

/* The next pair in order; false: there are no more, or merge->damaged. */
bool merge_next(struct merge *merge, struct pair *ret_pair);

#endif
