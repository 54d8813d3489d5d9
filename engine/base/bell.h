/* bell.h - wakes a thread that sleeps; what rings while it is awake is not lost. */
#ifndef BASE_BELL_H
#define BASE_BELL_H

#include <stdbool.h>
#include <stdint.h>

struct bell;

struct bell *bell_open(void);
void         bell_close(struct bell **bell);

/* Any thread. */
void bell_ring(struct bell *bell);

/* Until it has rung since the last time, or timeout_ms have passed. Whether it has. */
bool bell_wait(struct bell *bell, uint64_t timeout_ms);

#endif
