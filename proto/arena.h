/* arena.h - memory by lifetime: many small allocations, freed together.
 *
 * What is allocated stays where it is until the reset. Running out of memory aborts: there is nothing sensible to do in
 * the middle of a turn, and a crash loses nothing that was acknowledged. Not thread-safe. */
#ifndef PROTO_ARENA_H
#define PROTO_ARENA_H

#include <pedido/types.h>

struct pd_arena_chunk;

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

/* `size` bytes, aligned to 8; pd_arena_zero's are zero. Never NULL; valid until the reset. */
void *pd_arena_alloc(struct pd_arena *arena, size_t size);
void *pd_arena_zero(struct pd_arena *arena, size_t size);

/* A copy. An absent text stays absent. */
struct pd_text pd_arena_text(struct pd_arena *arena, struct pd_text text);

#define PD_ARENA_NEW(arena, type)          ((type *)pd_arena_zero((arena), sizeof(type)))
#define PD_ARENA_ARRAY(arena, type, count) ((type *)pd_arena_zero((arena), sizeof(type) * (count)))

#endif
