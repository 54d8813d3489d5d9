#include "engine/base/heap.h"

#include <stdlib.h>

#include "proto/check.h"

static void
put(struct heap *h, size_t at, struct heap_place p)
{
    h->places[at] = p;
    p.node->at = at;
}

/* Finds the place for what stood, or is to stand, at `at`. */
static void
settle(struct heap *h, size_t at, struct heap_place p)
{
    for (; at > 0 && h->places[(at - 1) / 2].due > p.due; at = (at - 1) / 2) put(h, at, h->places[(at - 1) / 2]);
    for (size_t child; (child = 2 * at + 1) < h->count; at = child) {
        if (child + 1 < h->count && h->places[child + 1].due < h->places[child].due) child++;
        if (h->places[child].due >= p.due) break;
        put(h, at, h->places[child]);
    }
    put(h, at, p);
}

void
heap_add(struct heap *h, struct heap_node *n, uint64_t due)
{
    if (h->count == h->capacity) {
        h->capacity = h->capacity * 2 + 256;
        h->places = realloc(h->places, h->capacity * sizeof *h->places);
        PD_CHECK(h->places != NULL);
    }
    h->count++;
    settle(h, h->count - 1, (struct heap_place){due, n});
}

void
heap_move(struct heap *h, struct heap_node *n, uint64_t due)
{
    if (h->places[n->at].due != due) settle(h, n->at, (struct heap_place){due, n});
}

void
heap_remove(struct heap *h, struct heap_node *n)
{
    struct heap_place last = h->places[--h->count];
    if (last.node != n) settle(h, n->at, last);
}

void
heap_fini(struct heap *h)
{
    free(h->places);
    *h = (struct heap){0};
}
