/* clock.h - the two clocks, read by main.c and bus/ only, and by the store to time itself; everything else is given the time. Waits
 * of threads for each other are by the monotonic one, so that a clock that is set makes none shorter or longer. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <pedido/types.h>
#include <pthread.h>
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

/* For what is timed. */
static inline uint64_t
clock_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* A condition whose waits end by the monotonic clock, at clock_after_ms. 0 is OK. */
static inline int
clock_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t monotonic;
    int                rc = pthread_condattr_init(&monotonic);
    if (rc == 0) rc = pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    if (rc == 0) rc = pthread_cond_init(cond, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return rc;
}

static inline struct timespec
clock_after_ms(uint64_t ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    t.tv_sec += (time_t)(ms / 1000) + t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

#endif
