/* tasks_steps.h - the steps that stories of open tasks and their workers are told in. One set of tasks at a time. */
#ifndef UNIT_TASKS_STEPS_H
#define UNIT_TASKS_STEPS_H

#include "engine/tasks.h"
#include "tests/support/check.h"

enum { LEASE_MS = 1000 };

struct held {
    const char *reseller;
    uint64_t    task, lease;
};

extern struct tasks          *tasks;
extern uint64_t               now_ms; /* the monotonic time that each step says */
extern struct pd_arena        arena;  /* what answers lie in */
extern struct pd_worker_reply answer; /* of the last WorkerReady */

/* Before and after each story. */
int open_tasks(void **state);
int close_tasks(void **state);

/* A task of reseller 1 as its row says: under position `number`, lease 0 is none yet. */
struct pd_task row_of(uint64_t number, const char *group, const char *holder, uint64_t lease, pd_time_us deadline);

/* Its row has become that one; it has none any more. */
void put_task(uint64_t number, const char *group, const char *holder, uint64_t lease, pd_time_us deadline);
void close_task(uint64_t number);

/* The worker says it is there, for one group, naming what it holds, and perhaps all it can do. */
enum ready_answer say_ready(const char *worker, const char *group, const char *operation, uint64_t credit, const char *address,
                            const struct held *held, size_t count);

/* The same for all operations; returns how many of its leases it has lost. */
size_t ready(const char *worker, const char *group, uint64_t credit, const char *address, const struct held *held, size_t count);

/* The next pair, leased as the engine would: 0 when there is none. */
uint64_t hand_out(const char *expected_worker);

/* What is due first. */
void check_due(enum due_kind kind, uint64_t task, pd_time_us wall_us);

#endif
