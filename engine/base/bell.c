#include "engine/base/bell.h"

#include <stdlib.h>

#include "engine/base/clock.h"
#include "proto/check.h"

struct bell {
    pthread_mutex_t lock;
    pthread_cond_t  rang;
    bool            rung;
};

struct bell *
bell_open(void)
{
    struct bell *b = calloc(1, sizeof *b);
    PD_CHECK(b != NULL && pthread_mutex_init(&b->lock, NULL) == 0 && clock_cond_init(&b->rang) == 0);
    return b;
}

void
bell_close(struct bell **bell)
{
    if (*bell == NULL) return;
    pthread_cond_destroy(&(*bell)->rang);
    pthread_mutex_destroy(&(*bell)->lock);
    free(*bell);
    *bell = NULL;
}

void
bell_ring(struct bell *b)
{
    pthread_mutex_lock(&b->lock);
    b->rung = true;
    pthread_cond_signal(&b->rang);
    pthread_mutex_unlock(&b->lock);
}

bool
bell_wait(struct bell *b, uint64_t timeout_ms)
{
    struct timespec until = clock_after_ms(timeout_ms);

    pthread_mutex_lock(&b->lock);
    while (!b->rung && pthread_cond_timedwait(&b->rang, &b->lock, &until) == 0) continue;
    bool rung = b->rung;
    b->rung = false;
    pthread_mutex_unlock(&b->lock);
    return rung;
}
