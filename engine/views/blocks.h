/* blocks.h - lists of events as they are stored: some hundreds of places to an entry, whose key is the list's and the first place's
 * position, and whose value where that is in the log, then pairs of differences. Blocks are filled in order, each until it is full,
 * so they are the same however many places come at once. */
#ifndef VIEWS_BLOCKS_H
#define VIEWS_BLOCKS_H

#include "engine/views/operations.h"

/* A place in a list of events. */
struct event_place {
    uint64_t position; /* in the list's scope */
    uint64_t in_log;
};

enum { EVENTS_PER_BLOCK = 512, BLOCK_BYTES = 1024 };

/* A list's last block, which goes on being filled. */
struct block {
    struct view_key    list;
    uint64_t           first; /* 0: none yet */
    struct event_place last;
    size_t             size, count;
    char               bytes[BLOCK_BYTES + 2 * VARINT_MAX];
};

struct view_key block_list(uint64_t scope, int type);
bool            block_is_of(const struct view_key *list, struct pd_text key);

/* What an entry has. False: it is damaged. */
bool block_read(uint64_t first, struct pd_text value, struct event_place places[EVENTS_PER_BLOCK], size_t *ret_count);

/* As it was stored. False: it is damaged. */
bool block_load(struct block *block, uint64_t first, struct pd_text value);

/* A full one has to be put before another place is added, which begins the next. */
bool            block_is_full(const struct block *block);
void            block_add(struct block *block, struct event_place place);
struct view_key block_key(const struct block *block);

static inline struct pd_text
block_value(const struct block *block)
{
    return (struct pd_text){block->bytes, block->size};
}

#endif
