/* clock.h - the two clocks, read by main.c and bus/ only; everything else is given the time. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <pedido/types.h>
#include <time.h>

/* What a step is told. */
struct now {
    pd_time_us wall_us;      /* UTC; may jump */
    uint64_t   monotonic_ms; /* for leases and waits */
};

static inline struct now
clock_now(void)
{
    struct timespec wall, mono;
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_MONOTONIC, &mono);
    return (struct now){(pd_time_us)wall.tv_sec * 1000000 + (pd_time_us)wall.tv_nsec / 1000,
                        (uint64_t)mono.tv_sec * 1000 + (uint64_t)mono.tv_nsec / 1000000};
}

#endif
