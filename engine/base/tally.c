#include "engine/base/tally.h"

#include <stdlib.h>

#include "proto/check.h"

void
tally_fini(struct tally *t)
{
    free(t->slots);
    *t = (struct tally){.slots = NULL};
}

static struct tally_slot *
find(const struct tally *t, uint64_t print)
{
    size_t i = print & t->mask;
    while (t->slots[i].print != 0 && t->slots[i].print != print) i = (i + 1) & t->mask;
    return &t->slots[i];
}

static void
grow(struct tally *t)
{
    struct tally larger = {.used = t->used, .mask = t->slots == NULL ? 15 : t->mask * 2 + 1};

    PD_CHECK((larger.slots = calloc(larger.mask + 1, sizeof *larger.slots)) != NULL);
    for (size_t i = 0; t->slots != NULL && i <= t->mask; i++)
        if (t->slots[i].print != 0) *find(&larger, t->slots[i].print) = t->slots[i];
    free(t->slots);
    *t = larger;
}

uint64_t *
tally_of(struct tally *t, uint64_t print)
{
    PD_CHECK(print != 0);
    if (t->slots == NULL || t->used * 2 > t->mask) grow(t);
    struct tally_slot *slot = find(t, print);
    t->used += slot->print == 0;
    slot->print = print;
    return &slot->count;
}
