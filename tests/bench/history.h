/* history.h - years of orders, as an engine would have written them: by the engine's own core, in one thread, under a clock of its
 * own. What is in them is told by past.c, how they are driven by history.c. */
#ifndef BENCH_HISTORY_H
#define BENCH_HISTORY_H

#include "engine/engine.h"
#include "tests/bench/load.h"

enum {
    TURN_MAX = 16384, /* commands that go together */
    WORKERS = 4, CREDIT = 1024, TASKS_MAX = 8192, ENDING_MAX = 4096,
};

/* What becomes of an order is a function of its number. */
enum fate { DRAFT, CANCELLED, STUMBLES, RETRIED, GIVEN_UP, CORRECTED, COMPLETED };

struct history {
    struct mp_writer frames; /* requests of the next turn, packed one behind the other */
    struct {
        enum pd_port port;
        size_t       begin;
        char         worker; /* who sends it */
    } requests[TURN_MAX];
    size_t count;

    uint64_t  orders, resellers, random;
    uint64_t *customers; /* of each reseller, so far */
    uint64_t  imported;

    /* Tasks that were handed out and not yet reported on; those that failed for now and will be again. */
    struct task {
        uint64_t task, lease, order, attempt;
        uint32_t reseller;
        char     worker;
        bool     provisions, of_order;
    } tasks[TASKS_MAX];
    size_t task_count, stumbled;

    /* Subscriptions that are to end, some time after they began: a ring. */
    struct {
        uint32_t reseller;
        uint64_t subscription;
    } ending[ENDING_MAX];
    size_t ending_first, ending_count;
};

enum fate history_fate(uint64_t order);

/* Requests of the next turn. */
void past_furnish(struct history *h, uint64_t reseller);
void past_workers(struct history *h, uint64_t credit);
void past_prepare(struct history *h, uint64_t order); /* its customer, where it is a new one; now and then an import */
void past_add(struct history *h, uint64_t order);
void past_confirm(struct history *h, uint64_t order);
void past_open(struct history *h, uint64_t order); /* or cancel */
void past_repair(struct history *h, uint64_t order);
void past_report(struct history *h);
void past_end(struct history *h, size_t most);

/* What came of a turn: tasks that were handed out, subscriptions that became active. */
void past_assigned(struct history *h, struct pd_text address, struct pd_text body);
void past_activated(struct history *h, struct pd_text reseller, uint64_t subscription);

#endif
