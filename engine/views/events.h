/* events.h - what views keep of events: where each reseller stands, at which positions of the log its events are, and how many
 * there were of each type in each hour.
 *
 *   heads            scope                             -> its last position, the log's position of that event
 *   events           scope, type, position in scope    -> a block of positions: that in the log, then pairs of differences
 *   events_by_hour   scope, hour, type                 -> how many
 *   states_by_hour   scope, hour, state, 0 or 1        -> how many orders came into it, or left it
 *
 * A list of events is that of a scope (type 0) or of a type in a scope; EVENTS_OF_ALL is the scope that every event is of, where
 * its position is the log's. A reseller's list has no gaps, so that a position of its own is found without a search. */
#ifndef VIEWS_EVENTS_H
#define VIEWS_EVENTS_H

#include "engine/views/blocks.h"

#define EVENTS_OF_ALL UINT32_MAX

/* What the events behind `from`, up to `to`, put and count in views that have those before, as `store`'s open transaction sees
 * them. NULL: in parts, for views that are made in bulk (bulk.h). */
enum store_error events_project(struct store_reader *log, uint64_t from, uint64_t to, struct store *store,
                                struct operations *operations, struct pd_arena *arena) STORE_MUST_CHECK;

/* A scope's last position as the reader sees it; 0: it has none. */
enum store_error events_head(struct store_reader *reader, uint64_t scope, struct pd_arena *arena,
                             uint64_t *ret_position) STORE_MUST_CHECK;

struct event_list {
    struct store_cursor *cursor;
    struct view_key      prefix;
    struct event_place   places[EVENTS_PER_BLOCK];
    size_t               count, at;
    bool                 backwards;
};

/* The events of a list, from the first whose position is not below `from` on; backwards, from the last that is not above it.
 * STORE_NONE at the end. */
enum store_error event_list_open(struct event_list *list, struct store_reader *reader, uint64_t scope, int type, uint64_t from,
                                 bool backwards) STORE_MUST_CHECK;
enum store_error event_list_next(struct event_list *list, struct event_place *ret_place) STORE_MUST_CHECK;
void             event_list_close(struct event_list *list);

#endif
