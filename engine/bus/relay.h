/* relay.h - from the thread that decides to the one that commits: one turn at a time. */
#ifndef BUS_RELAY_H
#define BUS_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct relay;

struct relay *relay_open(void);
void          relay_close(struct relay **relay);

/* Deciding side. Idle: what was handed over is done. Hands over a turn of so many requests; only when idle. */
bool relay_is_idle(struct relay *relay);
void relay_wait_idle(struct relay *relay);
void relay_wait_idle_for(struct relay *relay, uint64_t timeout_ms);
void relay_hand(struct relay *relay, size_t requests);
void relay_stop(struct relay *relay); /* after what was handed over */

/* Committing side. Waits for a turn; false: it was stopped. Then relay_done when nothing of the turn is needed any more. */
bool relay_take(struct relay *relay, size_t *ret_requests);
void relay_done(struct relay *relay);

#endif
