/* lock.h - one process per data directory. */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <stdbool.h>

/* Makes the directory if `make`, and takes DATA/lock. Returns a descriptor to keep open, or -1: said in the log. */
int lock_directory(const char *dir, bool make);

#endif
