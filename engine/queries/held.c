#include "engine/queries/held.h"

#include <stdlib.h>

#include "proto/check.h"

/* A query, in one piece. */
struct kept {
    struct request  request;
    struct pd_arena arena;
    uint64_t        wanted, until_ms;
    struct kept    *next;
    _Alignas(16) char memory[]; /* what it points to */
};

struct held {
    struct queries *queries;
    struct kept    *first, **end; /* in the order in which they came */
    size_t          count;
};

struct held *
held_open(struct queries *queries)
{
    struct held *h = calloc(1, sizeof *h);
    PD_CHECK(h != NULL);
    h->queries = queries;
    h->end = &h->first;
    return h;
}

static void
drop(struct kept *k)
{
    pd_arena_fini(&k->arena);
    free(k);
}

void
held_close(struct held **held)
{
    if (*held == NULL) return;
    for (struct kept *k = (*held)->first, *next; k != NULL; k = next) {
        next = k->next;
        drop(k);
    }
    free(*held);
    *held = NULL;
}

static void
keep(struct held *h, const struct request *from, uint64_t wanted, uint64_t until_ms)
{
    enum { BYTES = 2048 }; /* for most; what is larger takes more */
    struct kept       *k = calloc(1, sizeof *k + BYTES);
    struct pd_message *m = &k->request.message;

    PD_CHECK(k != NULL);
    pd_arena_init_over(&k->arena, k->memory, BYTES);
    k->request = *from;
    k->request.arena = NULL;
    k->request.address = pd_arena_text(&k->arena, from->address);
    if (from->identity.data != NULL) k->request.identity = pd_arena_text(&k->arena, from->identity);
    pd_copy_block(&k->arena, pd_block_request(), &from->message.envelope, &m->envelope);
    m->body = pd_arena_alloc(&k->arena, m->block->size);
    pd_copy_block(&k->arena, m->block, from->message.body, m->body);
    k->wanted = wanted;
    k->until_ms = until_ms;
    *h->end = k;
    h->end = &k->next;
    h->count++;
}

bool
held_take(struct held *h, uint64_t now_ms, const struct request *request, struct pd_text *ret_answer)
{
    uint64_t wanted = 0, wait_ms = 0;

    if (queries_answer(h->queries, request, h->count >= HELD_MAX, &wanted, &wait_ms, ret_answer)) return true;
    keep(h, request, wanted, now_ms + wait_ms);
    return false;
}

size_t
held_ask_again(struct held *h, uint64_t now_ms, held_give *give, void *arg)
{
    size_t given = 0;

    for (struct kept **link = &h->first, *k = *link; k != NULL; k = *link) {
        struct pd_text answer;
        uint64_t       wait_ms;
        if (!queries_answer(h->queries, &k->request, now_ms >= k->until_ms, &k->wanted, &wait_ms, &answer)) {
            link = &k->next;
            continue;
        }
        give(arg, k->request.address, answer);
        *link = k->next;
        if (*link == NULL) h->end = link;
        drop(k);
        h->count--;
        given++;
    }
    return given;
}

size_t
held_count(const struct held *h)
{
    return h->count;
}
