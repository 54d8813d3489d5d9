/* waits.h - CheckStatus requests whose answer is held: for a change of their order, or until their time is over. A wait owns copies
 * of what it needs, so its slot is free; it costs about 200 bytes, and nothing while its order stays as it is. */
#ifndef ENGINE_WAITS_H
#define ENGINE_WAITS_H

#include <pedido/types.h>

enum { WAITS_MAX = 16384, WAITS_OF_ONE = WAITS_MAX / 4 /* of one who is limited */ };

struct wait {
    struct pd_text address, id, identity; /* the sender's, or absent */
    uint64_t       scope, order, version; /* version: as it was when the wait began */
    bool           to_end, limited; /* limited: the sender has a share of them */
    uint64_t       due_ms; /* monotonic */
};

struct waits;

struct waits *waits_open(void);
void          waits_close(struct waits **waits);

/* False: so many are held already, of all or of this one. */
bool waits_add(struct waits *waits, const struct wait *wait);

/* The order has changed: those that wait for it are to be asked. */
void waits_touch(struct waits *waits, uint64_t scope, uint64_t order);

/* Calls for each wait whose order was touched since the last time, or whose time is over; those for which `is_over` answers true
 * are forgotten. With `all`, for every one. */
typedef bool wait_visit(void *arg, const struct wait *wait);
void waits_visit(struct waits *waits, uint64_t now_ms, bool all, wait_visit *is_over, void *arg);

/* When the first one's time is over, monotonic ms; UINT64_MAX: never. */
uint64_t waits_next_due(const struct waits *waits);

#endif
