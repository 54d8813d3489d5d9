/* waits.h - CheckStatus requests whose answer is held. A wait owns copies of what it needs, so its slot is free. */
#ifndef ENGINE_WAITS_H
#define ENGINE_WAITS_H

#include <pedido/types.h>

struct wait {
    struct pd_text address, id;
    uint64_t       scope, order, version; /* version: as it was when the wait began */
    bool           to_end;
    uint64_t       due_ms; /* monotonic */
};

struct waits;

struct waits *waits_open(void);
void          waits_close(struct waits **waits);

/* False: WAITS_MAX are held already. */
bool waits_add(struct waits *waits, const struct wait *wait);

/* Calls for each wait; those for which `is_over` answers true are forgotten. */
void waits_each(struct waits *waits, bool (*is_over)(void *arg, const struct wait *wait), void *arg);

/* When the first one's time is over, monotonic ms; UINT64_MAX: never. */
uint64_t waits_next_due(const struct waits *waits);

#endif
