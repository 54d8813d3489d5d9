#include "engine/base/sort.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "proto/check.h"

enum { FEW = 32, DIGIT_BITS = 8, DIGITS = 1 << DIGIT_BITS };

static unsigned __int128
number(struct sort_key k)
{
    return (unsigned __int128)k.high << 64 | k.low;
}

static void
insert_each(struct sort_key *keys, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct sort_key k = keys[i];
        size_t          at = i;
        for (; at > 0 && number(keys[at - 1]) > number(k); at--) keys[at] = keys[at - 1];
        keys[at] = k;
    }
}

/* How many bits are below the digit that begins with the highest bit in which keys differ; false: they do not. */
static bool
find_digit(const struct sort_key *keys, size_t count, unsigned *ret_shift)
{
    struct sort_key differ = {0, 0};

    for (size_t i = 1; i < count; i++) {
        differ.high |= keys[i].high ^ keys[0].high;
        differ.low |= keys[i].low ^ keys[0].low;
    }
    if (number(differ) == 0) return false;
    unsigned bits = differ.high != 0 ? 128 - (unsigned)__builtin_clzll(differ.high) : 64 - (unsigned)__builtin_clzll(differ.low);
    *ret_shift = bits > DIGIT_BITS ? bits - DIGIT_BITS : 0;
    return true;
}

/* By a digit, and each of its values by the next. What keys have in common takes no digit, so there are few. */
static void
sort_range(struct sort_key *keys, struct sort_key *room, size_t count)
{
    size_t   ends[DIGITS] = {0};
    unsigned shift;

    if (count <= FEW) {
        insert_each(keys, count);
        return;
    }
    if (!find_digit(keys, count, &shift)) return;
    for (size_t i = 0; i < count; i++) ends[(number(keys[i]) >> shift) % DIGITS]++;
    for (size_t d = 0, sum = 0; d < DIGITS; d++) {
        size_t of = ends[d];
        ends[d] = sum;
        sum += of;
    }
    for (size_t i = 0; i < count; i++) room[ends[(number(keys[i]) >> shift) % DIGITS]++] = keys[i];
    memcpy(keys, room, count * sizeof *keys);
    for (size_t d = 0, begin = 0; d < DIGITS; begin = ends[d++]) sort_range(keys + begin, room + begin, ends[d] - begin);
}

void
sort_keys(struct sort_key *keys, size_t count)
{
    if (count < 2) return;
    struct sort_key *room = malloc(count * sizeof *room);

    PD_CHECK(room != NULL);
    sort_range(keys, room, count);
    free(room);
}
