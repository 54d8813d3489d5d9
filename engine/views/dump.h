/* dump.h - all that views hold, a line each, in order: two of the same position must be the same, however they were made. */
#ifndef VIEWS_DUMP_H
#define VIEWS_DUMP_H

#include "engine/views/view.h"

/* Told "row order 17/0 <bytes>" and "entry orders_by_state <key> <value>", in hexadecimal; the line is valid for the call. What
 * views know of their own making is left out. */
typedef void dump_line(void *arg, const char *line);
enum store_error views_dump(struct store_reader *reader, dump_line *line, void *arg) STORE_MUST_CHECK;

/* Whether two hold the same; ret_what, 256 bytes, is the first difference in words, or empty. */
enum store_error views_compare(struct store_reader *a, struct store_reader *b, struct pd_arena *scratch,
                               char *ret_what) STORE_MUST_CHECK;

#endif
