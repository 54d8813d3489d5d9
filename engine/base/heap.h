/* heap.h - what is due first: a binary heap of nodes that stand in the things themselves. One thread. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct heap_node {
    size_t at; /* its place in the heap */
};

/* What is compared stands beside each other: a node may be another line of memory. */
struct heap_place {
    uint64_t          due; /* in the caller's unit */
    struct heap_node *node;
};

/* Empty when zeroed. */
struct heap {
    struct heap_place *places; /* the heap's; places[0] is due first */
    size_t             count, capacity;
};

/* The node, which is the caller's, lives until it is removed. Ends the process when memory runs out. */
void heap_add(struct heap *heap, struct heap_node *node, uint64_t due);
void heap_move(struct heap *heap, struct heap_node *node, uint64_t due);
void heap_remove(struct heap *heap, struct heap_node *node);

/* Of the first; UINT64_MAX: there is none. */
static inline uint64_t
heap_due(const struct heap *heap)
{
    return heap->count > 0 ? heap->places[0].due : UINT64_MAX;
}

/* Frees the heap's own memory; the nodes are the caller's. */
void heap_fini(struct heap *heap);

#endif
