#include "engine/expiry.h"

void
expiry_init(struct expiry *x, pd_time_us delay)
{
    *x = (struct expiry){.delay = delay, .next = 1};
}

bool
expiry_concerns(const struct pd_order *o)
{
    return o->state == PD_order_state_draft || o->state == PD_order_state_new || o->state == PD_order_state_held;
}

bool
expiry_begins(int event_code)
{
    return event_code == PD_EVENT_order_added || event_code == PD_EVENT_order_updated || event_code == PD_EVENT_order_confirmed ||
           event_code == PD_EVENT_order_held;
}
