#include "engine/base/sort.h"

#include <stdlib.h>

#include "tests/support/check.h"

enum { MANY = 20000 };

static uint64_t
next_random(uint64_t *state) /* splitmix64 */
{
    uint64_t x = *state += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static int
compare(const void *a, const void *b)
{
    const struct sort_key *x = a, *y = b;
    if (x->high != y->high) return x->high < y->high ? -1 : 1;
    return (x->low > y->low) - (x->low < y->low);
}

/* Keys whose bits outside of the masks are all alike. */
static void
check_sorted(size_t count, struct sort_key mask)
{
    static struct sort_key keys[MANY], wanted[MANY];
    uint64_t               state = count ^ mask.high ^ mask.low;
    struct sort_key        common = {next_random(&state) & ~mask.high, next_random(&state) & ~mask.low};

    ABOUT("%zu keys, bits %016llx %016llx", count, (unsigned long long)mask.high, (unsigned long long)mask.low);
    for (size_t i = 0; i < count; i++)
        wanted[i] = keys[i] = (struct sort_key){common.high | (next_random(&state) & mask.high),
                                                common.low | (next_random(&state) & mask.low)};
    if (count > 0) qsort(wanted, count, sizeof *wanted, compare);
    sort_keys(keys, count);
    CHECK_EQ(memcmp(keys, wanted, count * sizeof *keys), 0);
}

static void
as_qsort_has_them(void **state)
{
    static const struct sort_key masks[] = {
        {UINT64_MAX, UINT64_MAX}, {0, UINT64_MAX}, {UINT64_MAX, 0}, {0, 0}, {0, 1}, {1, 0}, {1, UINT64_MAX}, {0xff, 0xff},
        {(uint64_t)1 << 63, 1}, {0, 0x7f}, {0, 0x1ff}, {0xff00000000000000u, 0xffff}, {3, 0x8000000000000001u},
    };
    static const size_t counts[] = {0, 1, 2, 31, 32, 33, 100, 257, 1000, MANY};

    (void)state;
    for (size_t m = 0; m < sizeof masks / sizeof masks[0]; m++)
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) check_sorted(counts[c], masks[m]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {TEST(as_qsort_has_them)};
    return RUN(tests);
}
