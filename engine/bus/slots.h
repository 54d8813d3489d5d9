/* slots.h - between the net thread and those that work: a queue of slots with four cursors.
 *
 *     received   the net thread has filled up to here, and said so
 *     taken      the working thread has answered up to here
 *     committed  up to here what the answers say is durable
 *     sent       the net thread has sent the answers up to here; the slots are free again
 *
 * The command and its answer are in the same slot; a slot belongs to the side whose cursor is behind it. The slot that became
 * free last is filled next: so few are in use that they stay in the caches. Bounded in count and in bytes. A bell (eventfd) is
 * rung only for a side that sleeps; nobody polls in a loop. */
#ifndef BUS_SLOTS_H
#define BUS_SLOTS_H

#include <stdatomic.h>

#include "engine/engine.h"

enum { SLOTS = 16384, SLOT_BYTES = 1536, SLOTS_BYTES_MAX = 64 << 20 };

struct slot {
    struct request  request;
    struct pd_arena arena;    /* what was decoded, and then the answer */
    uint32_t        array_index, array_count; /* of the frame's array; count 0: a single command */
    void           *body;     /* in the frame's last slot: what to free with it */
    size_t          body_size;
    uint64_t        sender; /* whose share it takes of (shares.h); 0: nobody's */
    _Alignas(16) char memory[SLOT_BYTES];
};

struct slots;

struct slots *slots_open(void);
void          slots_close(struct slots **slots);

/* Net side. The n-th free slot, or NULL when there are not so many; its arena is fresh. */
struct slot *slots_free(struct slots *slots, size_t n);
bool         slots_is_crowded(const struct slots *slots); /* above 80 % in count or bytes: answer busy */
void         slots_receive(struct slots *slots, size_t count, size_t bytes); /* the first `count` free ones were filled */
void         slots_hand_over(struct slots *slots); /* what was received since the last time; rings */
struct slot *slots_committed(struct slots *slots, size_t n); /* the n-th committed and unsent slot, or NULL */
void         slots_release(struct slots *slots, size_t count, size_t bytes); /* they were sent */
bool         slots_is_empty(const struct slots *slots);
/* How many were answered since the start, and whether others wait for it. */
uint64_t     slots_answered(const struct slots *slots, bool *ret_waiting);
/* How many were received and are not answered yet; any thread. */
uint64_t     slots_unanswered(const struct slots *slots);
int          slots_net_bell(const struct slots *slots); /* to poll */
/* Before sleeping in poll: true when more was committed since slots_committed last said NULL: part of an array's answer is nothing
 * to do. After it: slots_net_wakes. */
bool         slots_net_sleeps(struct slots *slots);
void         slots_net_wakes(struct slots *slots);

/* Working side. Waits until there is something or it is nudged, at most timeout_ms; returns how many slots wait, from
 * slots_waiting(0) on. */
size_t       slots_wait(struct slots *slots, uint64_t timeout_ms);
struct slot *slots_waiting(struct slots *slots, size_t n);
size_t       slots_pending(const struct slots *slots); /* received and not taken, now */
void         slots_take(struct slots *slots, size_t count); /* the first `count` waiting ones are answered */
void         slots_commit(struct slots *slots, size_t count); /* so many more are durable; rings. Perhaps another thread */
void         slots_nudge(struct slots *slots); /* ends the wait, or the next one. Any thread */

/* A stop in two steps. The net side asks the working one to let go of what it holds beside the slots, and waits until it has. */
void slots_drain(struct slots *slots);
bool slots_is_draining(const struct slots *slots);
void slots_set_drained(struct slots *slots); /* working side; rings */
bool slots_is_drained(const struct slots *slots);

/* Rings both sides, for what is not in a slot: the outbox, a stop. Any thread. */
void slots_ring_net(struct slots *slots);
void slots_stop(struct slots *slots);
bool slots_is_stopped(const struct slots *slots);

#endif
