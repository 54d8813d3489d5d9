/* view.h - what the rules see: the view of domain/rules.h over the turn's rows, the index and the scopes. */
#ifndef ENGINE_VIEW_H
#define ENGINE_VIEW_H

#include "engine/fold.h"

/* The last expiration that was reckoned. */
struct expiry_memo {
    pd_time_us anchor, result;
    uint64_t   n;
    char       zone[64], period[8];
    size_t     zone_size, period_size;
};

/* Where a view looks. `scope` is the command's reseller; NULL for the engine's commands outside any. */
struct lookup {
    const struct folder *folder;
    struct scope        *scope;
    struct tasks        *tasks;
    const uint8_t       *log_id;
    uint64_t             next_position;
    pd_time_us           now;
    uint64_t             monotonic_ms;
    struct expiry_memo  *expiry;
};

/* A view over the lookup; its envelope fields are the caller's to fill. */
struct view view_over(struct lookup *lookup);

#endif
