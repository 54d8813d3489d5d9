/* sort.h - keys of 128 bits in order. qsort calls a function for every comparison, which was a twelfth of what a command costs. */
#ifndef BASE_SORT_H
#define BASE_SORT_H

#include <stddef.h>
#include <stdint.h>

/* One number: `high` are its upper 64 bits. */
struct sort_key {
    uint64_t high, low;
};

/* In ascending order. Takes as much memory again meanwhile; running out of it aborts. */
void sort_keys(struct sort_key *keys, size_t count);

#endif
