/* store_memory.h - what tests may do to the books in memory. */
#ifndef STORE_STORE_MEMORY_H
#define STORE_STORE_MEMORY_H

#include "engine/store/store.h"

/* Throws the books of a name away; they must be closed. */
void store_memory_forget(const char *dir);

/* No space from now on, or again. */
void store_memory_fill(const char *dir, bool full);

/* A row's bytes no longer fit their checksum. */
void store_memory_damage(const char *dir, int row_code, struct row_key key);

#endif
