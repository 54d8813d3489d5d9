#include "engine/waits.h"

#include <stdlib.h>
#include <string.h>

#include "engine/index/index.h"
#include "proto/check.h"

enum { CHAINS = 4096 };

struct node {
    struct wait  wait; /* its texts lie behind the node */
    struct node *next; /* in its order's chain */
    size_t       heap; /* place in the heap of when they are due */
};

struct waits {
    struct node *chains[CHAINS]; /* by order */
    struct node *heap[WAITS_MAX];
    size_t       count;
    uint32_t     touched[CHAINS]; /* chains to be looked through */
    size_t       touched_count;
    bool         is_touched[CHAINS];
};

struct waits *
waits_open(void)
{
    struct waits *w = calloc(1, sizeof *w);
    PD_CHECK(w != NULL);
    return w;
}

void
waits_close(struct waits **waits)
{
    if (*waits == NULL) return;
    for (size_t i = 0; i < (*waits)->count; i++) free((*waits)->heap[i]);
    free(*waits);
    *waits = NULL;
}

/* ---- heap ---------------------------------------------------------------------------------------------------------- */

static void
heap_set(struct waits *w, size_t i, struct node *n)
{
    w->heap[i] = n;
    n->heap = i;
}

static void
heap_settle(struct waits *w, struct node *n)
{
    size_t i = n->heap;
    while (i > 0 && w->heap[(i - 1) / 2]->wait.due_ms > n->wait.due_ms) {
        heap_set(w, i, w->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    for (size_t child; (child = 2 * i + 1) < w->count; i = child) {
        if (child + 1 < w->count && w->heap[child + 1]->wait.due_ms < w->heap[child]->wait.due_ms) child++;
        if (w->heap[child]->wait.due_ms >= n->wait.due_ms) break;
        heap_set(w, i, w->heap[child]);
    }
    heap_set(w, i, n);
}

static void
heap_remove(struct waits *w, struct node *n)
{
    struct node *last = w->heap[--w->count];
    if (last == n) return;
    heap_set(w, n->heap, last);
    heap_settle(w, last);
}

/* ---- chains -------------------------------------------------------------------------------------------------------- */

static size_t
chain_of(uint64_t scope, uint64_t order)
{
    return index_number_print(INDEX_order, scope, order) % CHAINS;
}

bool
waits_add(struct waits *w, const struct wait *wait)
{
    if (w->count == WAITS_MAX) return false;
    struct node *n = malloc(sizeof *n + wait->address.size + wait->id.size);
    struct node **chain = &w->chains[chain_of(wait->scope, wait->order)];
    PD_CHECK(n != NULL);
    char *texts = (char *)(n + 1);

    *n = (struct node){.wait = *wait, .next = *chain};
    memcpy(texts, wait->address.data, wait->address.size);
    memcpy(texts + wait->address.size, wait->id.data, wait->id.size);
    n->wait.address.data = texts;
    n->wait.id.data = texts + wait->address.size;
    *chain = n;
    heap_set(w, w->count++, n);
    heap_settle(w, n);
    return true;
}

void
waits_touch(struct waits *w, uint64_t scope, uint64_t order)
{
    if (w->count == 0) return;
    size_t chain = chain_of(scope, order);
    if (w->chains[chain] == NULL || w->is_touched[chain]) return;
    w->is_touched[chain] = true;
    w->touched[w->touched_count++] = (uint32_t)chain;
}

/* Asks the waits of a chain, and forgets those that are over. */
static void
visit_chain(struct waits *w, size_t chain, wait_visit *is_over, void *arg)
{
    for (struct node **link = &w->chains[chain]; *link != NULL;) {
        struct node *n = *link;
        if (!is_over(arg, &n->wait)) {
            link = &n->next;
            continue;
        }
        *link = n->next;
        heap_remove(w, n);
        free(n);
    }
}

void
waits_visit(struct waits *w, uint64_t now_ms, bool all, wait_visit *is_over, void *arg)
{
    for (size_t i = 0; i < w->touched_count; i++) {
        w->is_touched[w->touched[i]] = false;
        visit_chain(w, w->touched[i], is_over, arg);
    }
    w->touched_count = 0;
    while (w->count > 0 && (all || w->heap[0]->wait.due_ms <= now_ms)) {
        size_t before = w->count;
        visit_chain(w, chain_of(w->heap[0]->wait.scope, w->heap[0]->wait.order), is_over, arg);
        PD_CHECK(w->count < before); /* one whose time is over is over */
    }
}

uint64_t
waits_next_due(const struct waits *w)
{
    return w->count > 0 ? w->heap[0]->wait.due_ms : UINT64_MAX;
}
