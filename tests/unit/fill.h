/* fill.h - any block's struct, filled with values that look random, by its descriptor. */
#ifndef UNIT_FILL_H
#define UNIT_FILL_H

#include "proto/arena.h"
#include "proto/schema.h"

/* Whether a PD_RAW field stands in the block or in what it contains: its bytes are the framing's business. */
bool has_raw(const struct pd_block *block);

/* Values within their types' bounds; optional fields are there or not. Everything lies in the arena. */
void fill_block(struct pd_arena *arena, uint64_t *seed, const struct pd_block *block, void *message);

#endif
