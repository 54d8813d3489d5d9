/* arena.h - memory by lifetime: many small allocations, freed together.
 *
 * What is allocated stays where it is until the reset. Running out of memory aborts: there is nothing sensible to do in
 * the middle of a turn, and a crash loses nothing that was acknowledged. Not thread-safe. */
#ifndef PROTO_ARENA_H
#define PROTO_ARENA_H

#include <pedido/types.h>

struct pd_arena_chunk {
    struct pd_arena_chunk *next;
    size_t                 size;
    _Alignas(16) char      bytes[];
};

struct pd_arena {
    struct pd_arena_chunk *first, *current;
    size_t                 used;  /* bytes of the current chunk */
    size_t                 total; /* bytes handed out since the last reset */
    bool                   over;  /* the first chunk is the caller's memory */
    size_t                 keep;  /* bytes of chunks that a reset keeps; 0: 4 MiB */
};

void pd_arena_init(struct pd_arena *arena);

/* An arena that hands out `memory` first (aligned to 16, the caller's) and takes chunks from the heap beyond it. */
void pd_arena_init_over(struct pd_arena *arena, void *memory, size_t size);
void pd_arena_fini(struct pd_arena *arena);

/* Forgets all allocations; keeps up to arena->keep bytes of chunks for the next use, and over given memory only that. */
void pd_arena_reset(struct pd_arena *arena);

/* What the inline one below calls when the chunk is at its end. */
void *pd_arena_alloc_more(struct pd_arena *arena, size_t size);

/* `size` bytes, aligned to 8; pd_arena_zero's are zero. Never NULL; valid until the reset. */
static inline void *
pd_arena_alloc(struct pd_arena *arena, size_t size)
{
    size = (size + 7) & ~(size_t)7;
    if (arena->current == NULL || arena->current->size - arena->used < size) return pd_arena_alloc_more(arena, size);
    void *p = arena->current->bytes + arena->used;
    arena->used += size;
    arena->total += size;
    return p;
}

static inline void *
pd_arena_zero(struct pd_arena *arena, size_t size)
{
    return memset(pd_arena_alloc(arena, size), 0, size);
}

/* memcpy for what is mostly short: names, keys, numbers. A call for each cost more than the copying. */
static inline void
pd_copy_short(void *to, const void *from, size_t size)
{
    char       *t = to;
    const char *f = from;

    if (size > 32) memcpy(t, f, size);
    else if (size >= 16) {
        memcpy(t, f, 16);
        memcpy(t + size - 16, f + size - 16, 16);
    } else if (size >= 8) {
        memcpy(t, f, 8);
        memcpy(t + size - 8, f + size - 8, 8);
    } else if (size >= 4) {
        memcpy(t, f, 4);
        memcpy(t + size - 4, f + size - 4, 4);
    } else
        for (; size > 0; size--) *t++ = *f++;
}

/* A copy. An absent text stays absent. */
static inline struct pd_text
pd_arena_text(struct pd_arena *arena, struct pd_text text)
{
    if (text.data == NULL) return text;
    char *copy = pd_arena_alloc(arena, text.size + 1);
    pd_copy_short(copy, text.data, text.size);
    copy[text.size] = '\0';
    return (struct pd_text){copy, text.size};
}

#define PD_ARENA_NEW(arena, type)          ((type *)pd_arena_zero((arena), sizeof(type)))
#define PD_ARENA_ARRAY(arena, type, count) ((type *)pd_arena_zero((arena), sizeof(type) * (count)))

#endif
