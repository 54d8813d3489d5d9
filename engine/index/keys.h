/* keys.h - under which fingerprints a row can be found: a pure function of the row. */
#ifndef INDEX_KEYS_H
#define INDEX_KEYS_H

#include "engine/index/index.h"
#include "proto/schema.h"

/* An order has its number, its reference, a task and a domain per item. */
enum { INDEX_KEYS_MAX = 2 + 2 * 32 };

/* Fills ret_prints, each once; returns how many. */
size_t index_keys(int row_code, const void *row, uint64_t ret_prints[INDEX_KEYS_MAX]);

#endif
