/* sorter.h - keys and values in order, more of them than memory holds: what fills it is sorted and written to a file as a run, and
 * the runs are merged in the end (Knuth, The Art of Computer Programming, volume 3, 5.4). What fits in memory meets no disk. The
 * file has no name, and goes with the sorter. One thread. */
#ifndef BASE_SORTER_H
#define BASE_SORTER_H

#include <stdbool.h>
#include <stdint.h>

#include <pedido/types.h>

enum { SORTER_KEY_MAX = 480, SORTER_VALUE_MAX = 4096 };

struct sorter;

/* `dir`, which has to be there only when more than `memory` bytes are added, is copied. Running out of memory aborts. */
struct sorter *sorter_new(const char *dir, size_t memory);
void           sorter_free(struct sorter **sorter);

/* Both are copied. It is full when it has had `memory` bytes since the last run, and takes more nevertheless. */
void sorter_add(struct sorter *sorter, struct pd_text key, struct pd_text value);
bool sorter_is_full(const struct sorter *sorter);

/* Writes a run. False: errno says why; nothing has changed, and it may be tried again. */
bool sorter_spill(struct sorter *sorter);

/* All has been added; what follows reads it. False as above. */
bool sorter_finish(struct sorter *sorter);

/* How many were added. */
uint64_t sorter_count(const struct sorter *sorter);

/* The next in the order of memcmp, a shorter key before those that begin with it; equal keys as they were added. Valid until the
 * next call. False: there are no more, or *ret_failed, errno says why, and it cannot go on. */
bool sorter_next(struct sorter *sorter, struct pd_text *ret_key, struct pd_text *ret_value, bool *ret_failed);

#endif
