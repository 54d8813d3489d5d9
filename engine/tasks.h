/* tasks.h - open tasks and the workers that do them: who waits, who holds what until when. A step without clock or sockets.
 *
 * The truth about tasks is in the books' rows; this is their shape in memory, followed by tasks_changed and rebuilt at start.
 * Workers and renewals live in memory only. After a restart each open lease gets one full lease time. */
#ifndef ENGINE_TASKS_H
#define ENGINE_TASKS_H

#include "engine/index/index.h"
#include "proto/arena.h"
#include "proto/schema.h"

struct tasks;

struct tasks *tasks_open(uint64_t lease_ms, uint64_t now_ms);
void          tasks_close(struct tasks **tasks);

/* A task's row was made or changed by `actor`; without a state it is closed. */
void tasks_changed(struct tasks *tasks, const struct pd_task *row, struct pd_text actor, uint64_t now_ms);

/* A hint that a task will be asked for soon. */
void tasks_prefetch(const struct tasks *tasks, uint64_t scope, uint64_t task);

/* A worker says that it is there (`address` is where its messages go) and what it works on: those leases are renewed. The answer
 * names those that are not its own, and those that it is to stop and give back; lists in the arena. `scope_of` gives a reseller's
 * number (0: none). False: there are too many workers. */
enum ready_answer { READY_OK, READY_TOO_MANY, READY_REPLACED /* a namesake has come since, from elsewhere */ };
enum ready_answer tasks_worker_ready(struct tasks *tasks, const struct pd_worker_ready *ready, struct pd_text address,
                                     uint64_t (*scope_of)(void *arg, struct pd_text reseller), void *arg, struct pd_arena *arena,
                                     struct pd_worker_reply *ret_reply, uint64_t now_ms);

/* What it holds is given back at once. From elsewhere than where it is, it is a former namesake's, and nothing happens. */
void tasks_worker_goodbye(struct tasks *tasks, struct pd_text worker, struct pd_text address, uint64_t now_ms);

/* Workers of this name, or whose names begin with it and a dot, are gone: their key is revoked. */
void tasks_dismiss(struct tasks *tasks, struct pd_text name, uint64_t now_ms);

/* A worker is to get no more tasks, and is told so with its next heartbeat; its groups are no longer served by it. False: nobody of
 * this name is at work. */
bool tasks_drain(struct tasks *tasks, struct pd_text worker, uint64_t *ret_held, uint64_t now_ms);

/* What is due: the engine turns it into a command, whose event comes back by tasks_changed. */
enum due_kind { DUE_nothing, DUE_deadline, DUE_lost_lease };
struct due {
    enum due_kind kind;
    uint64_t      scope, task, lease, attempt;
};
struct due tasks_next_due(struct tasks *tasks, pd_time_us wall_us, uint64_t now_ms);

/* A waiting task and a worker with credit for it; false when there is no pair. */
struct match {
    uint64_t          scope, task;
    enum pd_operation operation;
    struct pd_text    worker, address; /* valid until the worker changes */
    uint64_t          next_scope, next_task; /* what waits behind it, a hint; task 0: nothing */
};
bool tasks_next_match(struct tasks *tasks, struct match *ret_match);

/* What was due, or a match, was refused: it is left alone for 10 s, so that nothing waits behind it. */
void tasks_set_aside(struct tasks *tasks, uint64_t scope, uint64_t task, pd_time_us wall_us, uint64_t now_ms);

/* A lease whose worker is to be told to stop: it has ended by somebody else's doing, or is to be given back. False: there is no
 * more. */
struct stop {
    uint64_t       scope, task, lease;
    struct pd_text address; /* valid until the worker changes */
};
bool tasks_next_stop(struct tasks *tasks, struct stop *ret_stop);

/* Forgets workers that have been silent for a lease's time. */
void tasks_tick(struct tasks *tasks, uint64_t now_ms);

/* When to call again even if nothing comes in: monotonic ms and wall time; UINT64_MAX: never. */
void tasks_next_wake(const struct tasks *tasks, uint64_t *ret_monotonic_ms, pd_time_us *ret_wall_us);

/* Whether a live worker does this for the group; if not, since when (monotonic ms). */
bool tasks_group_served(const struct tasks *tasks, struct pd_text group, enum pd_operation operation, uint64_t *ret_since_ms);

void tasks_counts(const struct tasks *tasks, uint64_t *ret_waiting, uint64_t *ret_leased, uint64_t *ret_workers);

/* Who is at work, and what waits for whom, as ListWorkers tells it; in the arena. `wall_us` is what the clock showed at
 * `now_ms`. */
void tasks_roster(const struct tasks *tasks, pd_time_us wall_us, uint64_t now_ms, struct pd_arena *arena,
                  struct pd_workers_reply *ret_roster);
/* Whether that has changed since it was asked last. */
bool tasks_roster_changed(struct tasks *tasks);

#endif
