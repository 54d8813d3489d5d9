#include "engine/expiry.h"

#include "engine/store/record.h"

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

/* Times never decrease: the first event that is not before the oldest order's. */
enum store_error
expiry_begin(struct expiry *x, struct store_reader *log, struct pd_arena *arena)
{
    uint64_t low = 1, high = store_reader_last(log) + 1;

    if (x->oldest == UINT64_MAX) low = high;
    while (low < high) {
        uint64_t       middle = low + (high - low) / 2;
        struct pd_text bytes;
        struct record  r;
        enum store_error error = store_read_record(log, middle, arena, &bytes);
        if (error != STORE_OK) return error == STORE_NONE ? STORE_DAMAGED : error;
        if (!record_read(bytes, &r)) return STORE_DAMAGED;
        if (r.header.time < x->oldest) low = middle + 1;
        else high = middle;
    }
    x->next = low;
    return STORE_OK;
}

bool
expiry_begins(int event_code)
{
    return event_code == PD_EVENT_order_added || event_code == PD_EVENT_order_updated || event_code == PD_EVENT_order_confirmed ||
           event_code == PD_EVENT_order_held;
}
