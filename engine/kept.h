/* kept.h - what is kept beside the rows, in their transactions, so that a start need not read them all: how the index has changed
 * since its last file, what was counted in each reseller, how far the follower of expiring orders is.
 *
 *   entry "i", a list (lists.h): pairs of the index, as they are in memory
 *   entry "s", scope in 4 bytes: position and the last numbers, 8 bytes each
 *   entry "x": position, 8 bytes
 *
 * Numbers with their most significant byte first. */
#ifndef ENGINE_KEPT_H
#define ENGINE_KEPT_H

#include "engine/expiry.h"
#include "engine/scopes.h"
#include "engine/store/books.h"
#include "proto/msgpack.h"

/* Of an epoch; valid as long as its arena and the index's journal. */
struct kept {
    struct index_changes  index;
    struct scope_numbers *scopes;
    size_t                scope_count;
    uint64_t              expiry; /* the position that is looked at next */
};

/* What there is to keep; to be called once at the end of an epoch. */
struct kept kept_collect(struct index *index, struct scopes *scopes, const struct expiry *expiry, struct pd_arena *arena);

/* How many bytes, at most, an epoch will keep that has changed so much by now. */
size_t kept_weight(const struct index *index, const struct scopes *scopes);

/* Writes it, in the open transaction that brings the rows from one position to another, and forgets what the index has in files by
 * now (index_kept). */
void kept_write(const struct kept *kept, struct store *rows, struct mp_writer *scratch, uint64_t from, uint64_t to,
                uint64_t index_kept);

/* Brings index, scopes (whose resellers are there) and expiry to where the rows are. STORE_NONE: the index is lost, and empty; the
 * others are there. STORE_DAMAGED: what is kept does not fit the rows. */
enum store_error kept_read(struct store_reader *rows, struct index *index, struct scopes *scopes, struct expiry *expiry,
                           struct pd_arena *arena) STORE_MUST_CHECK;

#endif
