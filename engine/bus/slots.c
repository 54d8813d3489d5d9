#include "engine/bus/slots.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "proto/check.h"

struct slots {
    struct slot      *ring;
    _Atomic uint64_t  received, committed, sent;
    _Atomic uint64_t  bytes; /* of the bodies between sent and received */
    int               work_bell, net_bell;
    _Atomic bool      work_sleeps, net_sleeps, draining, drained, stopped;
};

struct slots *
slots_open(void)
{
    struct slots *s = calloc(1, sizeof *s);
    PD_CHECK(s != NULL);
    s->ring = aligned_alloc(64, sizeof *s->ring * SLOTS);
    s->work_bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->net_bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    PD_CHECK(s->ring != NULL && s->work_bell >= 0 && s->net_bell >= 0);
    return s;
}

void
slots_close(struct slots **slots)
{
    struct slots *s = *slots;
    if (s == NULL) return;
    for (uint64_t i = s->sent; i < s->received; i++) {
        pd_arena_fini(&s->ring[i % SLOTS].arena);
        free(s->ring[i % SLOTS].body);
    }
    close(s->work_bell);
    close(s->net_bell);
    free(s->ring);
    free(s);
    *slots = NULL;
}

static void
ring(int bell)
{
    uint64_t one = 1;
    ssize_t  n = write(bell, &one, sizeof one);
    PD_CHECK(n == (ssize_t)sizeof one || errno == EAGAIN);
}

static void
hush(int bell)
{
    uint64_t count;
    ssize_t  n = read(bell, &count, sizeof count);
    PD_CHECK(n == (ssize_t)sizeof count || errno == EAGAIN || errno == EINTR);
}

/* ---- net ----------------------------------------------------------------------------------------------------------- */

struct slot *
slots_free(struct slots *s, size_t n)
{
    uint64_t i = atomic_load_explicit(&s->received, memory_order_relaxed) + n;
    if (i - atomic_load_explicit(&s->sent, memory_order_relaxed) >= SLOTS) return NULL;
    struct slot *slot = &s->ring[i % SLOTS];
    pd_arena_init_over(&slot->arena, slot->memory, sizeof slot->memory);
    slot->answer = (struct pd_text){NULL, 0};
    slot->array_index = slot->array_count = 0;
    slot->body = NULL;
    slot->body_size = 0;
    memset(&slot->request, 0, sizeof slot->request);
    return slot;
}

bool
slots_is_crowded(const struct slots *s)
{
    return atomic_load_explicit(&s->received, memory_order_relaxed) - atomic_load_explicit(&s->sent, memory_order_relaxed) >
               SLOTS / 10 * 8 ||
           atomic_load_explicit(&s->bytes, memory_order_relaxed) > SLOTS_BYTES_MAX / 10 * 8;
}

void
slots_receive(struct slots *s, size_t count, size_t bytes)
{
    atomic_fetch_add_explicit(&s->bytes, bytes, memory_order_relaxed);
    atomic_fetch_add(&s->received, count);
    if (atomic_exchange(&s->work_sleeps, false)) ring(s->work_bell);
}

struct slot *
slots_committed(struct slots *s, size_t n)
{
    uint64_t i = atomic_load_explicit(&s->sent, memory_order_relaxed) + n;
    return i < atomic_load_explicit(&s->committed, memory_order_acquire) ? &s->ring[i % SLOTS] : NULL;
}

void
slots_release(struct slots *s, size_t count, size_t bytes)
{
    for (size_t n = 0; n < count; n++) {
        struct slot *slot = &s->ring[(s->sent + n) % SLOTS];
        pd_arena_fini(&slot->arena);
    }
    atomic_fetch_sub_explicit(&s->bytes, bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->sent, count, memory_order_release);
}

bool
slots_is_empty(const struct slots *s)
{
    return atomic_load(&s->sent) == atomic_load(&s->received);
}

int
slots_net_bell(const struct slots *s)
{
    return s->net_bell;
}

bool
slots_net_sleeps(struct slots *s)
{
    atomic_store(&s->net_sleeps, true);
    return atomic_load(&s->committed) != atomic_load_explicit(&s->sent, memory_order_relaxed);
}

void
slots_net_wakes(struct slots *s)
{
    atomic_store(&s->net_sleeps, false);
    hush(s->net_bell);
}

/* ---- work ---------------------------------------------------------------------------------------------------------- */

size_t
slots_pending(const struct slots *s)
{
    return (size_t)(atomic_load(&s->received) - atomic_load_explicit(&s->committed, memory_order_relaxed));
}

size_t
slots_wait(struct slots *s, uint64_t timeout_ms)
{
    size_t n = slots_pending(s);
    if (n > 0) return n;
    atomic_store(&s->work_sleeps, true);
    if (slots_pending(s) == 0 && !atomic_load(&s->stopped) && atomic_load(&s->draining) == atomic_load(&s->drained)) {
        struct pollfd fd = {.fd = s->work_bell, .events = POLLIN};
        int           rc = poll(&fd, 1, (int)timeout_ms);
        PD_CHECK(rc >= 0 || errno == EINTR);
    }
    atomic_store(&s->work_sleeps, false);
    hush(s->work_bell);
    return slots_pending(s);
}

struct slot *
slots_waiting(struct slots *s, size_t n)
{
    return &s->ring[(atomic_load_explicit(&s->committed, memory_order_relaxed) + n) % SLOTS];
}

void
slots_commit(struct slots *s, size_t count)
{
    atomic_fetch_add(&s->committed, count);
    slots_ring_net(s);
}

void
slots_ring_net(struct slots *s)
{
    if (atomic_exchange(&s->net_sleeps, false)) ring(s->net_bell);
}

void
slots_drain(struct slots *s)
{
    atomic_store(&s->draining, true);
    ring(s->work_bell);
}

bool
slots_is_draining(const struct slots *s)
{
    return atomic_load(&s->draining);
}

void
slots_set_drained(struct slots *s)
{
    atomic_store(&s->drained, true);
    slots_ring_net(s);
}

bool
slots_is_drained(const struct slots *s)
{
    return atomic_load(&s->drained);
}

void
slots_stop(struct slots *s)
{
    atomic_store(&s->stopped, true);
    ring(s->work_bell);
}

bool
slots_is_stopped(const struct slots *s)
{
    return atomic_load(&s->stopped);
}
