#include "engine/bus/relay.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "engine/base/clock.h"
#include "proto/check.h"

struct relay {
    pthread_mutex_t lock;
    pthread_cond_t  changed;
    _Atomic bool    idle;
    bool            handed, stopped;
    size_t          requests;
};

struct relay *
relay_open(void)
{
    struct relay *r = calloc(1, sizeof *r);
    PD_CHECK(r != NULL && pthread_mutex_init(&r->lock, NULL) == 0 && clock_cond_init(&r->changed) == 0);
    r->idle = true;
    return r;
}

void
relay_close(struct relay **relay)
{
    if (*relay == NULL) return;
    pthread_cond_destroy(&(*relay)->changed);
    pthread_mutex_destroy(&(*relay)->lock);
    free(*relay);
    *relay = NULL;
}

bool
relay_is_idle(struct relay *r)
{
    return r->idle;
}

void
relay_wait_idle(struct relay *r)
{
    pthread_mutex_lock(&r->lock);
    while (!r->idle) pthread_cond_wait(&r->changed, &r->lock);
    pthread_mutex_unlock(&r->lock);
}

void
relay_wait_idle_for(struct relay *r, uint64_t timeout_ms)
{
    struct timespec until = clock_after_ms(timeout_ms);

    pthread_mutex_lock(&r->lock);
    while (!r->idle && pthread_cond_timedwait(&r->changed, &r->lock, &until) == 0) continue;
    pthread_mutex_unlock(&r->lock);
}

void
relay_hand(struct relay *r, size_t requests)
{
    pthread_mutex_lock(&r->lock);
    PD_CHECK(r->idle);
    r->idle = false;
    r->handed = true;
    r->requests = requests;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

void
relay_stop(struct relay *r)
{
    pthread_mutex_lock(&r->lock);
    r->stopped = true;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

bool
relay_take(struct relay *r, size_t *ret_requests)
{
    pthread_mutex_lock(&r->lock);
    while (!r->handed && !r->stopped) pthread_cond_wait(&r->changed, &r->lock);
    bool taken = r->handed;
    r->handed = false;
    *ret_requests = r->requests;
    pthread_mutex_unlock(&r->lock);
    return taken;
}

void
relay_done(struct relay *r)
{
    pthread_mutex_lock(&r->lock);
    r->idle = true;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}
