#include "engine/bus/slots.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "proto/check.h"

/* Cursors that different threads write do not share a line of the cache. */
struct slots {
    struct slot *all;
    struct slot *queue[SLOTS]; /* by arrival */
    struct slot *free[SLOTS];  /* the net side's; the last one is the next to be filled */
    size_t       free_count, filled, bytes; /* filled: received and not yet handed over; bytes: of bodies not yet sent */
    uint64_t     looked; /* what was committed when the net side found no more to send */
    int          work_bell, net_bell;
    _Alignas(64) _Atomic uint64_t received;
    _Atomic uint64_t sent;
    _Alignas(64) uint64_t taken;
    _Alignas(64) _Atomic uint64_t committed;
    _Alignas(64) _Atomic bool work_sleeps, nudged;
    _Atomic bool net_sleeps, draining, drained, stopped;
};

struct slots *
slots_open(void)
{
    struct slots *s = aligned_alloc(64, sizeof *s);
    PD_CHECK(s != NULL);
    memset(s, 0, sizeof *s);
    s->all = aligned_alloc(64, sizeof *s->all * SLOTS);
    s->work_bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->net_bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    PD_CHECK(s->all != NULL && s->work_bell >= 0 && s->net_bell >= 0);
    for (s->free_count = 0; s->free_count < SLOTS; s->free_count++) s->free[s->free_count] = &s->all[SLOTS - 1 - s->free_count];
    return s;
}

void
slots_close(struct slots **slots)
{
    struct slots *s = *slots;
    if (s == NULL) return;
    for (uint64_t i = s->sent; i < s->received + s->filled; i++) {
        pd_arena_fini(&s->queue[i % SLOTS]->arena);
        free(s->queue[i % SLOTS]->body);
    }
    close(s->work_bell);
    close(s->net_bell);
    free(s->all);
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

static void
ring_work(struct slots *s)
{
    if (atomic_load(&s->work_sleeps) && atomic_exchange(&s->work_sleeps, false)) ring(s->work_bell);
}

/* ---- net ----------------------------------------------------------------------------------------------------------- */

struct slot *
slots_free(struct slots *s, size_t n)
{
    if (n >= s->free_count) return NULL;
    struct slot *slot = s->free[s->free_count - 1 - n];
    pd_arena_init_over(&slot->arena, slot->memory, sizeof slot->memory);
    slot->array_index = slot->array_count = 0;
    slot->body = NULL;
    slot->body_size = 0;
    slot->sender = 0;
    memset(&slot->request, 0, sizeof slot->request);
    slot->request.arena = &slot->arena;
    return slot;
}

bool
slots_is_crowded(const struct slots *s)
{
    return s->free_count < SLOTS / 10 * 2 || s->bytes > SLOTS_BYTES_MAX / 10 * 8;
}

void
slots_receive(struct slots *s, size_t count, size_t bytes)
{
    uint64_t next = atomic_load_explicit(&s->received, memory_order_relaxed) + s->filled;
    for (size_t i = 0; i < count; i++) s->queue[(next + i) % SLOTS] = s->free[--s->free_count];
    s->filled += count;
    s->bytes += bytes;
}

void
slots_hand_over(struct slots *s)
{
    if (s->filled == 0) return;
    atomic_fetch_add(&s->received, s->filled);
    s->filled = 0;
    ring_work(s);
}

struct slot *
slots_committed(struct slots *s, size_t n)
{
    uint64_t i = atomic_load_explicit(&s->sent, memory_order_relaxed) + n;
    uint64_t committed = atomic_load_explicit(&s->committed, memory_order_acquire);

    if (i < committed) return s->queue[i % SLOTS];
    s->looked = committed;
    return NULL;
}

void
slots_release(struct slots *s, size_t count, size_t bytes)
{
    uint64_t first = atomic_load_explicit(&s->sent, memory_order_relaxed);
    for (size_t n = 0; n < count; n++) {
        struct slot *slot = s->queue[(first + n) % SLOTS];
        pd_arena_fini(&slot->arena);
        s->free[s->free_count++] = slot;
    }
    s->bytes -= bytes;
    atomic_store_explicit(&s->sent, first + count, memory_order_release);
}

bool
slots_is_empty(const struct slots *s)
{
    return atomic_load(&s->sent) == atomic_load(&s->received);
}

uint64_t
slots_unanswered(const struct slots *s)
{
    uint64_t committed = atomic_load(&s->committed); /* first: it never passes the other */
    return atomic_load(&s->received) - committed;
}

uint64_t
slots_answered(const struct slots *s, bool *ret_waiting)
{
    uint64_t answered = atomic_load(&s->committed);
    *ret_waiting = answered != atomic_load(&s->received);
    return answered;
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
    return atomic_load(&s->committed) != s->looked;
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
    return (size_t)(atomic_load(&s->received) - s->taken);
}

size_t
slots_wait(struct slots *s, uint64_t timeout_ms)
{
    size_t n = slots_pending(s);
    if (n > 0 || atomic_exchange(&s->nudged, false)) return n;
    atomic_store(&s->work_sleeps, true);
    if (slots_pending(s) == 0 && !atomic_load(&s->nudged) && !atomic_load(&s->stopped) &&
        atomic_load(&s->draining) == atomic_load(&s->drained)) {
        struct pollfd fd = {.fd = s->work_bell, .events = POLLIN};
        int           rc = poll(&fd, 1, (int)timeout_ms);
        PD_CHECK(rc >= 0 || errno == EINTR);
    }
    atomic_store(&s->work_sleeps, false);
    atomic_store(&s->nudged, false);
    hush(s->work_bell);
    return slots_pending(s);
}

struct slot *
slots_waiting(struct slots *s, size_t n)
{
    return s->queue[(s->taken + n) % SLOTS];
}

void
slots_take(struct slots *s, size_t count)
{
    s->taken += count;
}

void
slots_commit(struct slots *s, size_t count)
{
    atomic_fetch_add(&s->committed, count);
    slots_ring_net(s);
}

void
slots_nudge(struct slots *s)
{
    atomic_store(&s->nudged, true);
    ring_work(s);
}

void
slots_ring_net(struct slots *s)
{
    if (atomic_load(&s->net_sleeps) && atomic_exchange(&s->net_sleeps, false)) ring(s->net_bell);
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
