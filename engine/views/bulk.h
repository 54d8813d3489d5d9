/* bulk.h - the entries of new views: gathered from all rows and events, put in order, and then written from the first to the last.
 * So each page is written once, however many resellers there are and however long the log is. */
#ifndef VIEWS_BULK_H
#define VIEWS_BULK_H

#include "engine/views/operations.h"

struct bulk;

/* What `memory` bytes do not hold lies in a file in `dir` meanwhile, which has no name. */
struct bulk *bulk_new(const char *dir, size_t memory);
void         bulk_free(struct bulk **bulk);

/* Before a batch. STORE_FULL: there is no space, nothing has changed. */
enum store_error bulk_make_room(struct bulk *bulk) STORE_MUST_CHECK;

/* What a batch puts and counts in views that have nothing yet; forgets it. Lists of events come in parts, in order. */
void bulk_take(struct bulk *bulk, struct operations *operations);

/* All has been taken, said once or more often. STORE_FULL: as above. */
enum store_error bulk_finish(struct bulk *bulk) STORE_MUST_CHECK;

enum { BULK_BYTES_AT_ONCE = 8 << 20 };

/* Some more of the entries, of that many bytes or little more, into the store's open transaction, behind those that there are.
 * *ret_more: it is not all yet. */
enum store_error bulk_write(struct bulk *bulk, struct store *store, bool *ret_more) STORE_MUST_CHECK;

/* How much of it has been written: 0 to 1. */
double bulk_written(const struct bulk *bulk);

#endif
