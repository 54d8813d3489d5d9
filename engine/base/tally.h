/* tally.h - how much of something each of many has: numbers by the 64-bit print of whom. One thread. */
#ifndef BASE_TALLY_H
#define BASE_TALLY_H

#include <stddef.h>
#include <stdint.h>

/* Zero-initialised is empty. Who was ever counted stays in it, so those who are must be few: keys, not orders. */
struct tally {
    struct tally_slot {
        uint64_t print, count; /* print 0: free */
    } *slots;
    size_t used, mask; /* mask + 1: slots */
};

void tally_fini(struct tally *tally);

/* The number of whoever has this print: to be read and changed, until another is asked for. A print is not 0. */
uint64_t *tally_of(struct tally *tally, uint64_t print);

#endif
