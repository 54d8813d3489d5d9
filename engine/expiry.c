#include "engine/expiry.h"

#include "engine/log_times.h"

void
expiry_init(struct expiry *x, pd_time_us delay)
{
    *x = (struct expiry){.delay = delay, .oldest = UINT64_MAX, .next = 1};
}

bool
expiry_concerns(const struct pd_order *o)
{
    return o->state == PD_order_state_draft || o->state == PD_order_state_new || o->state == PD_order_state_held;
}

void
expiry_seen(struct expiry *x, const struct pd_order *o)
{
    if (expiry_concerns(o) && o->updated < x->oldest) x->oldest = o->updated;
}

enum store_error
expiry_begin(struct expiry *x, struct store_reader *log, struct pd_arena *arena)
{
    return log_find_time(log, x->oldest, arena, &x->next);
}

bool
expiry_begins(int event_code)
{
    return event_code == PD_EVENT_order_added || event_code == PD_EVENT_order_updated || event_code == PD_EVENT_order_confirmed ||
           event_code == PD_EVENT_order_held;
}
