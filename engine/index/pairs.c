#include "engine/index/pairs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/base/sort.h"
#include "proto/check.h"

/* Look-ups hit the table at random: in large pages, where the system has them, each is one miss and not two. Memory that was never
 * written to takes none. */
static struct pair *
zeroes(size_t slots)
{
    void *p = mmap(NULL, slots * sizeof(struct pair), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    PD_CHECK(p != MAP_FAILED);
    return p;
}

void
pair_table_init(struct pair_table *t, size_t slots)
{
    *t = (struct pair_table){.slots = zeroes(slots), .mask = slots - 1};
}

void
pair_table_fini(struct pair_table *t)
{
    if (t->slots != NULL) munmap(t->slots, (t->mask + 1) * sizeof *t->slots);
    *t = (struct pair_table){.slots = NULL};
}

void
pair_table_clear(struct pair_table *t)
{
    if (t->used > 0) memset(t->slots, 0, (t->mask + 1) * sizeof *t->slots);
    t->used = 0;
}

static void
put(struct pair_table *t, struct pair pair)
{
    size_t i = pair_table_home(t, pair.print);
    while (t->slots[i].to != 0) i = (i + 1) & t->mask;
    t->slots[i] = pair;
    t->used++;
}

static void
grow(struct pair_table *t)
{
    struct pair_table larger;

    pair_table_init(&larger, (t->mask + 1) * 2);
    for (size_t i = 0; i <= t->mask; i++)
        if (t->slots[i].to != 0) put(&larger, t->slots[i]);
    pair_table_fini(t);
    *t = larger;
}

void
pair_table_put(struct pair_table *t, struct pair pair)
{
    if (t->used >= (t->mask + 1) / 4 * 3) grow(t);
    put(t, pair);
}

bool
pair_table_take(struct pair_table *t, struct pair pair)
{
    size_t i = pair_table_home(t, pair.print);

    while (t->slots[i].print != pair.print || t->slots[i].to != pair.to) {
        if (t->slots[i].to == 0) return false;
        i = (i + 1) & t->mask;
    }
    for (size_t hole = i;;) {
        i = (i + 1) & t->mask;
        if (t->slots[i].to == 0) {
            t->slots[hole].to = 0;
            break;
        }
        size_t home = pair_table_home(t, t->slots[i].print);
        if (((i - home) & t->mask) < ((i - hole) & t->mask)) continue;
        t->slots[hole] = t->slots[i];
        hole = i;
    }
    t->used--;
    return true;
}

struct pair *
pair_table_sorted(const struct pair_table *t)
{
    struct pair     *pairs = malloc(t->used * sizeof *pairs + 1);
    struct sort_key *keys = malloc(t->used * sizeof *keys + 1);
    size_t           count = 0;

    PD_CHECK(pairs != NULL && keys != NULL);
    for (size_t i = 0; i <= t->mask; i++)
        if (t->slots[i].to != 0) keys[count++] = (struct sort_key){t->slots[i].print, t->slots[i].to};
    sort_keys(keys, count);
    for (size_t i = 0; i < count; i++) pairs[i] = (struct pair){keys[i].high, keys[i].low};
    free(keys);
    return pairs;
}
