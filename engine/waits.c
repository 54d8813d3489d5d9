#include "engine/waits.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "engine/base/heap.h"
#include "engine/base/tally.h"
#include "engine/index/index.h"
#include "proto/check.h"

enum { CHAINS = 4096 };

struct node {
    struct heap_node due;  /* first, so that it is the node's address; monotonic ms */
    struct wait      wait; /* its texts lie behind the node */
    struct node     *next; /* in its order's chain */
};

struct waits {
    struct node *chains[CHAINS]; /* by order */
    struct heap  due;
    uint32_t     touched[CHAINS]; /* chains to be looked through */
    size_t       touched_count;
    bool         is_touched[CHAINS];
    struct tally of_one; /* by identity */
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
    for (size_t i = 0; i < (*waits)->due.count; i++) free((*waits)->due.places[i].node);
    heap_fini(&(*waits)->due);
    tally_fini(&(*waits)->of_one);
    free(*waits);
    *waits = NULL;
}

/* ---- chains -------------------------------------------------------------------------------------------------------- */

static size_t
chain_of(uint64_t scope, uint64_t order)
{
    return index_number_print(INDEX_order, scope, order) % CHAINS;
}

/* How many his are; NULL: that is no matter. */
static uint64_t *
count_of(struct waits *w, const struct wait *wait)
{
    return wait->limited ? tally_of(&w->of_one, XXH3_64bits(wait->identity.data, wait->identity.size) | 1) : NULL;
}

bool
waits_add(struct waits *w, const struct wait *wait)
{
    uint64_t *of_one = count_of(w, wait);

    if (w->due.count == WAITS_MAX || (of_one != NULL && *of_one == WAITS_OF_ONE)) return false;
    if (of_one != NULL) ++*of_one;
    struct node *n = malloc(sizeof *n + wait->address.size + wait->id.size + wait->identity.size);
    struct node **chain = &w->chains[chain_of(wait->scope, wait->order)];
    PD_CHECK(n != NULL);
    char *texts = (char *)(n + 1);

    *n = (struct node){.wait = *wait, .next = *chain};
    memcpy(texts, wait->address.data, wait->address.size);
    memcpy(texts + wait->address.size, wait->id.data, wait->id.size);
    n->wait.address.data = texts;
    n->wait.id.data = texts + wait->address.size;
    if (wait->identity.data != NULL) {
        n->wait.identity.data = n->wait.id.data + wait->id.size;
        memcpy(texts + wait->address.size + wait->id.size, wait->identity.data, wait->identity.size);
    }
    *chain = n;
    heap_add(&w->due, &n->due, wait->due_ms);
    return true;
}

void
waits_touch(struct waits *w, uint64_t scope, uint64_t order)
{
    if (w->due.count == 0) return;
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
        heap_remove(&w->due, &n->due);
        uint64_t *of_one = count_of(w, &n->wait);
        if (of_one != NULL) --*of_one;
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
    while (w->due.count > 0 && (all || heap_due(&w->due) <= now_ms)) {
        size_t             before = w->due.count;
        const struct wait *first = &((const struct node *)(const void *)w->due.places[0].node)->wait;
        visit_chain(w, chain_of(first->scope, first->order), is_over, arg);
        PD_CHECK(w->due.count < before); /* one whose time is over is over */
    }
}

uint64_t
waits_next_due(const struct waits *w)
{
    return heap_due(&w->due);
}
