/* expiry.h - orders that are left unopened for too long. The delay is the same for all, so no timer is kept for any: a follower
 * reads the log at that distance, and asks of each order that it meets whether it still is as it was then. Where it is,
 * is kept beside the rows (kept.h). */
#ifndef ENGINE_EXPIRY_H
#define ENGINE_EXPIRY_H

#include "engine/index/index.h"
#include "proto/schema.h"

struct expiry {
    pd_time_us delay;  /* microseconds */
    uint64_t   next;   /* the next position to be looked at */
    uint64_t   missed; /* the first position where an order could not be looked at or cancelled; 0: none. A start begins there */
    bool       behind; /* there is more that is old enough */
};

void expiry_init(struct expiry *expiry, pd_time_us delay);

/* Whether an order waits to be opened; and whether it has begun to with this event. */
bool expiry_concerns(const struct pd_order *order);
bool expiry_begins(int event_code);

#endif
