#include "engine/base/heap.h"

#include <stdlib.h>

#include "proto/check.h"

static void
place(struct heap *h, size_t at, struct heap_node *n)
{
    h->nodes[at] = n;
    n->at = at;
}

/* Moves a node from where it stands to where it belongs. */
static void
settle(struct heap *h, struct heap_node *n)
{
    size_t at = n->at;

    while (at > 0 && h->nodes[(at - 1) / 2]->due > n->due) {
        place(h, at, h->nodes[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (size_t child; (child = 2 * at + 1) < h->count; at = child) {
        if (child + 1 < h->count && h->nodes[child + 1]->due < h->nodes[child]->due) child++;
        if (h->nodes[child]->due >= n->due) break;
        place(h, at, h->nodes[child]);
    }
    place(h, at, n);
}

void
heap_add(struct heap *h, struct heap_node *n, uint64_t due)
{
    if (h->count == h->capacity) {
        h->capacity = h->capacity * 2 + 256;
        h->nodes = realloc(h->nodes, h->capacity * sizeof(struct heap_node *));
        PD_CHECK(h->nodes != NULL);
    }
    n->due = due;
    place(h, h->count++, n);
    settle(h, n);
}

void
heap_move(struct heap *h, struct heap_node *n, uint64_t due)
{
    n->due = due;
    settle(h, n);
}

void
heap_remove(struct heap *h, struct heap_node *n)
{
    struct heap_node *last = h->nodes[--h->count];

    if (last == n) return;
    place(h, n->at, last);
    settle(h, last);
}

void
heap_fini(struct heap *h)
{
    free(h->nodes);
    *h = (struct heap){0};
}
