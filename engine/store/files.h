/* files.h - what a store asks of the file system beside LMDB. */
#ifndef STORE_FILES_H
#define STORE_FILES_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Removes scratch books: the two files of LMDB, and their directory. */
void files_remove_books(const char *dir);

/* A file that is made longer ahead of need, by written zeroes, and synced: commits then change no file metadata, and want of space
 * is seen here only. */
struct files_space {
    int              fd;   /* -1: none */
    pthread_mutex_t  lock; /* of who extends the file */
    _Atomic uint64_t size; /* bytes of the file that are written, zeroes included */
};

/* 0 or an errno; closed in either case. */
int  files_space_open(struct files_space *space, const char *path);
void files_space_close(struct files_space *space);

/* That the file has `needed` bytes, of which `used` are in use. 0; ENOSPC for every want of space; or another errno. Any thread. */
int files_space_have(struct files_space *space, uint64_t used, uint64_t needed);

#endif
