#include "engine/remembered.h"

#include <stdlib.h>

#include "proto/check.h"

struct note {
    uint64_t          print;
    uint8_t           content[16];
    struct pd_refusal refusal; /* code 0: an empty place */
};

struct generation {
    struct note *notes;
    size_t       mask, count;
};

struct remembered {
    struct generation young, old;
};

static struct generation
new_generation(size_t places)
{
    struct generation g = {calloc(places, sizeof(struct note)), places - 1, 0};
    PD_CHECK(g.notes != NULL);
    return g;
}

static struct note *
place_of(const struct generation *g, uint64_t print)
{
    size_t i = print & g->mask;
    while (g->notes[i].refusal.code != PD_OK && g->notes[i].print != print) i = (i + 1) & g->mask;
    return &g->notes[i];
}

struct remembered *
remembered_open(void)
{
    struct remembered *r = calloc(1, sizeof *r);
    PD_CHECK(r != NULL);
    r->young = new_generation(1024);
    r->old = new_generation(1);
    r->old.notes[0].refusal.code = PD_OK;
    return r;
}

void
remembered_close(struct remembered **remembered)
{
    if (*remembered == NULL) return;
    free((*remembered)->young.notes);
    free((*remembered)->old.notes);
    free(*remembered);
    *remembered = NULL;
}

static void
grow(struct generation *g)
{
    struct generation larger = new_generation((g->mask + 1) * 2);
    for (size_t i = 0; i <= g->mask; i++)
        if (g->notes[i].refusal.code != PD_OK) *place_of(&larger, g->notes[i].print) = g->notes[i];
    larger.count = g->count;
    free(g->notes);
    *g = larger;
}

void
remembered_add(struct remembered *r, uint64_t print, const uint8_t content[16], const struct pd_refusal *refusal)
{
    if (r->young.count == REMEMBERED_MAX) {
        free(r->old.notes);
        r->old = r->young;
        r->young = new_generation(1024);
    }
    if (r->young.count * 2 > r->young.mask) grow(&r->young);
    struct note *n = place_of(&r->young, print);
    r->young.count += n->refusal.code == PD_OK;
    n->print = print;
    memcpy(n->content, content, sizeof n->content);
    n->refusal = *refusal;
}

const struct pd_refusal *
remembered_find(const struct remembered *r, uint64_t print, const uint8_t content[16], bool *ret_same)
{
    const struct note *n = place_of(&r->young, print);
    if (n->refusal.code == PD_OK && r->old.mask > 0) n = place_of(&r->old, print);
    if (n->refusal.code == PD_OK) return NULL;
    *ret_same = memcmp(n->content, content, sizeof n->content) == 0;
    return &n->refusal;
}
