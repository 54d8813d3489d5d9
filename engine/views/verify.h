/* verify.h - the views of a directory that nobody serves: printed, and held against some that are made for it. */
#ifndef VIEWS_VERIFY_H
#define VIEWS_VERIFY_H

#include "engine/store/books.h"
#include "engine/views/dump.h"

typedef void views_progress(void *arg, const char *what, uint64_t done, uint64_t of);

/* Compares the views in `dir` with those that it makes of the books in `scratch_dir`. STORE_NONE: there are none, or they are
 * behind the rows, *ret_position: the next start has them follow. ret_what, 256 bytes, is the first difference, or empty. */
enum store_error views_verify(const char *dir, const struct books *books, const char *scratch_dir, views_progress *progress,
                              void *arg, uint64_t *ret_position, char *ret_what) STORE_MUST_CHECK;

/* Prints them, as views_dump. STORE_NONE: there are none. */
enum store_error views_print(const char *dir, const struct books *books, dump_line *line, void *arg) STORE_MUST_CHECK;

#endif
