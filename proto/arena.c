#include "proto/arena.h"

#include <stdlib.h>

#include "proto/check.h"

enum { CHUNK_BYTES = 64 << 10, KEEP_BYTES = 4 << 20 };

static struct pd_arena_chunk *
new_chunk(size_t size)
{
    struct pd_arena_chunk *c = malloc(sizeof *c + size);
    PD_CHECK(c != NULL);
    c->next = NULL;
    c->size = size;
    return c;
}

void
pd_arena_init(struct pd_arena *arena)
{
    *arena = (struct pd_arena){0};
}

void
pd_arena_init_over(struct pd_arena *arena, void *memory, size_t size)
{
    struct pd_arena_chunk *c = memory;
    PD_CHECK(size > sizeof *c && (uintptr_t)memory % 16 == 0);
    c->next = NULL;
    c->size = size - sizeof *c;
    *arena = (struct pd_arena){.first = c, .current = c, .over = true};
}

static void
free_chunks(struct pd_arena_chunk *c)
{
    for (struct pd_arena_chunk *next; c != NULL; c = next) {
        next = c->next;
        free(c);
    }
}

void
pd_arena_fini(struct pd_arena *arena)
{
    free_chunks(arena->over ? arena->first->next : arena->first);
    *arena = (struct pd_arena){0};
}

void
pd_arena_reset(struct pd_arena *arena)
{
    size_t kept = 0;
    for (struct pd_arena_chunk *c = arena->first; c != NULL; c = c->next) {
        kept += c->size;
        if (kept < (arena->keep > 0 ? arena->keep : KEEP_BYTES) && !arena->over) continue;
        free_chunks(c->next);
        c->next = NULL;
    }
    arena->current = arena->first;
    arena->used = arena->total = 0;
}

void *
pd_arena_alloc_more(struct pd_arena *arena, size_t size)
{
    while (arena->current == NULL || arena->current->size - arena->used < size) {
        struct pd_arena_chunk *next = arena->current == NULL ? arena->first : arena->current->next;
        if (next == NULL || next->size < size) {
            struct pd_arena_chunk *c = new_chunk(size > CHUNK_BYTES ? size : CHUNK_BYTES);
            c->next = next;
            if (arena->current == NULL) arena->first = c;
            else arena->current->next = c;
            next = c;
        }
        arena->current = next;
        arena->used = 0;
    }
    void *p = arena->current->bytes + arena->used;
    arena->used += size;
    arena->total += size;
    return p;
}
