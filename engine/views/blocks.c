#include "engine/views/blocks.h"

struct view_key
block_list(uint64_t scope, int type)
{
    struct view_key key = view_key(VIEW_events, scope);
    view_key_number(&key, (uint64_t)type, 2);
    return key;
}

bool
block_is_of(const struct view_key *list, struct pd_text key)
{
    return key.size == list->size + 8 && memcmp(key.data, list->bytes, list->size) == 0;
}

bool
block_read(uint64_t first, struct pd_text value, struct event_place places[EVENTS_PER_BLOCK], size_t *ret_count)
{
    struct event_place place = {first, 0};
    uint64_t           step, in_log;
    size_t             count = 0;

    if (!varint_read(&value, &place.in_log)) return false;
    for (places[count++] = place; value.size > 0; places[count++] = place) {
        if (count == EVENTS_PER_BLOCK || !varint_read(&value, &step) || !varint_read(&value, &in_log)) return false;
        place.position += step;
        place.in_log += in_log;
    }
    *ret_count = count;
    return true;
}

bool
block_load(struct block *b, uint64_t first, struct pd_text value)
{
    struct event_place places[EVENTS_PER_BLOCK];

    if (value.size > sizeof b->bytes || !block_read(first, value, places, &b->count)) return false;
    memcpy(b->bytes, value.data, b->size = value.size);
    b->first = first;
    b->last = places[b->count - 1];
    return true;
}

bool
block_is_full(const struct block *b)
{
    return b->size > BLOCK_BYTES || b->count == EVENTS_PER_BLOCK;
}

void
block_add(struct block *b, struct event_place place)
{
    if (b->first == 0 || block_is_full(b)) {
        b->first = place.position;
        b->size = varint_write(b->bytes, place.in_log);
        b->count = 1;
    } else {
        b->size += varint_write(b->bytes + b->size, place.position - b->last.position);
        b->size += varint_write(b->bytes + b->size, place.in_log - b->last.in_log);
        b->count++;
    }
    b->last = place;
}

struct view_key
block_key(const struct block *b)
{
    struct view_key key = b->list;

    view_key_number(&key, b->first, 8);
    return key;
}
