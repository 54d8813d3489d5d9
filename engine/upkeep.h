/* upkeep.h - the rows against the log: fold them again, compare them. The offline work of `pedidod rebuild` and `verify`. */
#ifndef ENGINE_UPKEEP_H
#define ENGINE_UPKEEP_H

#include "engine/fold.h"
#include "engine/kept.h"
#include "engine/store/books.h"

/* Told now and then: how far it is of how much. NULL: nobody asks. */
typedef void upkeep_progress(void *arg, const char *what, uint64_t done, uint64_t of);

/* What is known beside the rows, and follows them. */
struct upkeep_parts {
    struct index  *index;
    struct scopes *scopes;
    struct expiry *expiry;
};

/* Brings all of it, new and empty, to where the rows are, from what is kept; an index that is lost is made anew from the rows and
 * the log. STORE_DAMAGED: a row, or what is kept, cannot be trusted; the log says what. STORE_FULL: no space for the index. */
enum store_error upkeep_open_parts(const struct books *books, const struct upkeep_parts *parts) STORE_MUST_CHECK;

/* Folds the events behind store_folded into rows and parts, in batches, each committed: what a crash or an interrupted rebuild
 * left. */
enum store_error upkeep_fold_tail(const struct books *books, const struct upkeep_parts *parts, upkeep_progress *progress,
                                  void *arg) STORE_MUST_CHECK;

/* Checks the log's chain, then drops every row and the index and folds the log from the beginning. Interrupted, it goes on at the
 * next start. For whoever has no index open; so many commands are known by their ids then (0: the default). A damaged log is
 * STORE_DAMAGED, and the rows stay as they are. */
enum store_error upkeep_rebuild(const struct books *books, size_t known_commands, upkeep_progress *progress,
                                void *arg) STORE_MUST_CHECK;

/* Checks the chain, folds the log into a scratch store in `scratch_dir` (which is made), and compares every row and what is kept
 * beside them, and the index. STORE_OK; or
 * STORE_DAMAGED with the first difference in ret_what. Changes nothing in the books. */
enum store_error upkeep_verify(const struct books *books, const char *scratch_dir, upkeep_progress *progress, void *arg,
                               char ret_what[256]) STORE_MUST_CHECK;

#endif
