/* files.h - what a store asks of the file system beside LMDB. */
#ifndef STORE_FILES_H
#define STORE_FILES_H

#include <stdbool.h>
#include <stdint.h>

/* That a directory's entries are on stable storage. */
bool files_sync_directory(const char *path);

/* Writes zeroes behind the file's end until it has `size` bytes, and syncs: commits then change no file metadata, and want of
 * space is seen here only. The end is asked for each time: others write to the same file. *ret_size is what the file has after,
 * also when less could be had. 0, ENOSPC for every want of space, or another errno. */
int files_extend(int fd, uint64_t size, uint64_t *ret_size);

#endif
