/* shelf.h - where the index's files stand: a directory of files that are written once, from beginning to end, and then only read,
 * mapped. A file is there under its name when all of it is on stable storage, and not before. Or memory, for simulations and for
 * what lives no longer than a process; that shelf has the same contract.
 *
 * One thread writes; any may map and read. A shelf in memory is one thread's. */
#ifndef INDEX_SHELF_H
#define INDEX_SHELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shelf;
struct shelf_file; /* that is being written */

enum { SHELF_NAME_MAX = 64 };

/* The directory is made when there is none; what was not finished in it is removed. NULL: memory. False, and errno: it cannot be
 * opened. */
bool shelf_open(const char *dir, struct shelf **ret_shelf);
void shelf_close(struct shelf **shelf);

/* From now on who writes pauses now and then, for others who wait for the same disk. */
void shelf_go_gently(struct shelf *shelf);

/* The n-th name, in no order; false: there are not so many. Valid until something is finished or removed. */
bool shelf_name(struct shelf *shelf, size_t n, char ret_name[SHELF_NAME_MAX]);

/* False from each of these: errno says why, ENOSPC among others; the file is to be given up. */
bool shelf_has_room(const struct shelf *shelf, uint64_t bytes); /* on its disk; where that cannot be told, there is */
bool shelf_begin(struct shelf *shelf, struct shelf_file **ret_file);
bool shelf_write(struct shelf_file *file, uint64_t offset, const void *bytes, size_t size);
bool shelf_finish(struct shelf_file **file, const char *name); /* given up in either case */
void shelf_give_up(struct shelf_file **file);

/* A finished file's bytes, until shelf_unmap; it may be removed meanwhile. NULL: there is none, or errno says why. */
const char *shelf_map(struct shelf *shelf, const char *name, size_t *ret_size);
void        shelf_unmap(struct shelf *shelf, const char *bytes, size_t size);
void        shelf_clear(struct shelf *shelf); /* removes all that can be removed */
bool        shelf_remove(struct shelf *shelf, const char *name); /* whether it is gone */

#endif
