/* expiry.h - orders that are left unopened for too long. The delay is the same for all, so no timer is kept for any: a follower
 * reads the log at that distance, and asks of each order that it meets whether it still is as it was then. Where it was is not
 * kept either: at start it begins at the oldest order that could still expire. */
#ifndef ENGINE_EXPIRY_H
#define ENGINE_EXPIRY_H

#include "engine/index/index.h"
#include "engine/store/store.h"
#include "proto/schema.h"

struct expiry {
    pd_time_us delay;  /* microseconds */
    pd_time_us oldest; /* at start: when the oldest unopened order last changed; UINT64_MAX: there is none */
    uint64_t   next;   /* the next position to be looked at */
    bool       behind; /* there is more that is old enough */
};

void expiry_init(struct expiry *expiry, pd_time_us delay);

/* An order's row, as the start meets it. */
void expiry_seen(struct expiry *expiry, const struct pd_order *order);

/* Where the follower begins: found in the log by time. */
enum store_error expiry_begin(struct expiry *expiry, struct store_reader *log, struct pd_arena *arena) STORE_MUST_CHECK;

/* Whether an order waits to be opened; and whether it has begun to with this event. */
bool expiry_concerns(const struct pd_order *order);
bool expiry_begins(int event_code);

#endif
