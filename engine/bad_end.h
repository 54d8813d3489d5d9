/* bad_end.h - LMDB trusts its pages, and may die of one that a disk has changed. A start does not look at all of them, or it would
 * take the longer the older the log is; but the start after such an end does (STORE_SUSPECT). */
#ifndef ENGINE_BAD_END_H
#define ENGINE_BAD_END_H

/* From here on a signal that ends the process for its own fault leaves the file in `dir`, and then does what it would have done.
 * Says in the log when the file is there. */
void bad_end_watch(const char *dir);

/* Removes it: everything is open, and was looked at. */
void bad_end_forget(void);

#endif
