/* tasks_model.c - long random stories of tasks and workers, compared at each step with a model of plain arrays. */
#include "engine/tasks.h"
#include "tests/support/check.h"

enum { LEASE_MS = 1000, TASKS = 60, WORKERS = 6, GROUPS = 3, ROUNDS = 40000, NAME_BYTES = 4 };

static const char group_names[GROUPS][NAME_BYTES] = {"g0", "g1", "g2"};
static const char worker_names[WORKERS][NAME_BYTES] = {"w0", "w1", "w2", "w3", "w4", "w5"};

struct model_task {
    bool       open, leased, by_hand;
    bool       delayed;
    size_t     group, worker;
    enum pd_operation operation;
    uint64_t   lease, attempt, expires_ms;
    pd_time_us deadline, next_try;
};

struct model_worker {
    bool     alive, serves[GROUPS], does[3];
    uint64_t credit, heard_ms;
    char     address[24];
};

struct world {
    struct tasks       *tasks;
    struct pd_arena     arena;
    uint64_t            seed, now_ms, addresses, handed_out, lost, expired;
    struct model_task   task[TASKS];
    struct model_worker worker[WORKERS];
};

/* Task i is number i / 2 + 1 of reseller 1 or 2: numbers are the same in both. */
static uint64_t
number_of(size_t i)
{
    return i / 2 + 1;
}

static uint64_t
scope_number(size_t i)
{
    return i % 2 + 1;
}

static pd_time_us
wall(const struct world *w)
{
    return w->now_ms * 1000;
}

static void
tell(struct world *w, size_t i)
{
    const struct model_task *t = &w->task[i];
    struct pd_task           row = {
                  .scope = scope_number(i), .task = number_of(i), .lease = t->lease, .attempt = t->attempt,
                  .worker_group = pd_text(group_names[t->group]), .deadline = t->deadline, .operation = t->operation,
                  .next_try = t->next_try, .has_next_try = t->delayed,
                  .provisioning = t->by_hand ? PD_provisioning_manual : PD_provisioning_worker,
                  .state = !t->open ? PD_task_state_absent : t->leased ? PD_task_state_leased : PD_task_state_created,
                  .worker = t->leased ? pd_text(worker_names[t->worker]) : (struct pd_text){NULL, 0},
    };
    tasks_changed(w->tasks, &row, PD_TEXT("engine"), w->now_ms);
}

static uint64_t
held_by(const struct world *w, size_t worker)
{
    uint64_t held = 0;
    for (size_t i = 0; i < TASKS; i++) held += w->task[i].open && w->task[i].leased && w->task[i].worker == worker;
    return held;
}

static void
open_or_close_a_task(struct world *w)
{
    size_t             i = check_pick(&w->seed, TASKS);
    struct model_task *t = &w->task[i];

    if (t->open && check_pick(&w->seed, 2) == 0) t->open = false;
    else if (!t->open)
        *t = (struct model_task){.open = true, .by_hand = check_pick(&w->seed, 10) == 0, .group = check_pick(&w->seed, GROUPS),
                                 .operation = PD_operation_provision + (enum pd_operation)check_pick(&w->seed, 2),
                                 .attempt = 1, .deadline = wall(w) + 1000 * check_pick(&w->seed, 20 * LEASE_MS)};
    else if (t->leased && check_pick(&w->seed, 2) == 0) { /* it failed, and waits for its next try */
        t->leased = false;
        t->delayed = true;
        t->attempt++;
        t->next_try = wall(w) + 1000 * check_pick(&w->seed, 2 * LEASE_MS);
    } else return;
    tell(w, i);
}

/* It may be handed out: it does not wait for its next try any more. */
static bool
is_waiting(const struct world *w, const struct model_task *t)
{
    return t->open && !t->leased && !t->by_hand && !(t->delayed && t->next_try > wall(w));
}

static uint64_t
scope_of(void *arg, struct pd_text reseller)
{
    (void)arg;
    return (uint64_t)(reseller.data[1] - '0');
}

/* A worker speaks: from its old address or a new one, with its groups, credit, and leases it holds, held or made up. */
static void
a_worker_is_ready(struct world *w)
{
    static const char      resellers[3][NAME_BYTES] = {"r0", "r1", "r2"};
    size_t                 me = check_pick(&w->seed, WORKERS), count = 0, lost = 0;
    struct model_worker   *worker = &w->worker[me];
    struct pd_text         groups[GROUPS + 1];
    struct pd_held_lease   leases[TASKS + 1], should[TASKS + 1];
    struct pd_text         operations[2];
    struct pd_worker_reply reply = {0};
    struct pd_worker_ready message = {.worker = pd_text(worker_names[me]), .groups = groups, .leases = leases,
                                      .operations = operations};
    bool                   moved = !worker->alive || check_pick(&w->seed, 8) == 0, named[TASKS] = {false};

    memset(worker->serves, 0, sizeof worker->serves);
    for (size_t n = 1 + check_pick(&w->seed, GROUPS + 1); n > 0; n--) {
        size_t g = check_pick(&w->seed, GROUPS);
        groups[message.groups_count++] = pd_text(group_names[g]); /* one may stand twice */
        worker->serves[g] = true;
    }
    size_t only = check_pick(&w->seed, 4); /* one operation, or both */
    for (size_t o = 1; o <= 2; o++) worker->does[o] = only == o || only == 0 || only == 3;
    for (size_t o = 1; o <= 2 && only != 0; o++)
        if (worker->does[o]) operations[message.operations_count++] = PD_NAME(operation, o);
    for (size_t i = 0; i < TASKS; i++) {
        struct model_task *t = &w->task[i];
        bool               mine = t->open && t->leased && t->worker == me;
        if (check_pick(&w->seed, mine ? 5 : 30) == 0 ? mine : !mine) continue;
        uint64_t lease = t->lease + (check_pick(&w->seed, 20) == 0);
        size_t   reseller = check_pick(&w->seed, 20) == 0 ? 0 : scope_number(i);
        leases[count] = (struct pd_held_lease){.reseller = pd_text(resellers[reseller]), .task = number_of(i), .lease = lease};
        mine = mine && lease == t->lease && reseller != 0;
        if (mine) t->expires_ms = w->now_ms + LEASE_MS;
        else should[lost++] = leases[count];
        named[i] = mine;
        count++;
    }
    if (moved) snprintf(worker->address, sizeof worker->address, "%ju", (uintmax_t)++w->addresses);
    for (size_t i = 0; i < TASKS && moved; i++)
        if (w->task[i].open && w->task[i].leased && w->task[i].worker == me && !named[i]) w->task[i].expires_ms = w->now_ms;
    worker->alive = true;
    worker->heard_ms = w->now_ms;
    worker->credit = message.credit = check_pick(&w->seed, 5);
    message.leases_count = count;
    pd_arena_reset(&w->arena);
    CHECK_EQ(tasks_worker_ready(w->tasks, &message, pd_text(worker->address), scope_of, NULL, &w->arena, &reply, w->now_ms),
             READY_OK);
    CHECK_EQ(reply.lost_count, lost);
    for (size_t i = 0; i < lost; i++) CHECK(reply.lost[i].task == should[i].task && reply.lost[i].lease == should[i].lease);
}

static void
a_worker_says_goodbye(struct world *w)
{
    size_t me = check_pick(&w->seed, WORKERS);
    bool   alive = w->worker[me].alive;

    tasks_worker_goodbye(w->tasks, pd_text(worker_names[me]), pd_text(w->worker[me].address), w->now_ms);
    for (size_t i = 0; i < TASKS && alive; i++)
        if (w->task[i].open && w->task[i].leased && w->task[i].worker == me) w->task[i].expires_ms = w->now_ms;
    w->worker[me].alive = false;
}

static void
time_passes(struct world *w)
{
    w->now_ms += check_pick(&w->seed, 20) == 0 ? check_pick(&w->seed, 2 * LEASE_MS) : check_pick(&w->seed, 40);
    tasks_tick(w->tasks, w->now_ms);
    for (size_t i = 0; i < WORKERS; i++)
        if (w->worker[i].heard_ms + LEASE_MS <= w->now_ms) w->worker[i].alive = false;
}

/* Everything due is told, deadlines before leases, and nothing else. */
static void
take_what_is_due(struct world *w)
{
    for (;;) {
        struct due due = tasks_next_due(w->tasks, wall(w), w->now_ms);
        size_t     i = due.kind == DUE_nothing ? TASKS : (size_t)((due.task - 1) * 2 + due.scope - 1);
        pd_time_us earliest = UINT64_MAX;
        bool       lease_is_over = false;

        for (size_t n = 0; n < TASKS; n++) {
            const struct model_task *t = &w->task[n];
            if (t->open && t->deadline < earliest) earliest = t->deadline;
            if (t->open && t->leased && t->expires_ms <= w->now_ms) lease_is_over = true;
        }
        CHECK((due.kind == DUE_deadline) == (earliest <= wall(w)));
        CHECK((due.kind != DUE_nothing) == (earliest <= wall(w) || lease_is_over));
        if (due.kind == DUE_nothing) return;
        struct model_task *t = &w->task[i];
        CHECK(t->open && t->lease == due.lease && t->attempt == due.attempt);
        if (due.kind == DUE_deadline) {
            CHECK(t->deadline <= wall(w));
            t->open = false;
            w->expired++;
        } else {
            CHECK(t->leased && t->expires_ms <= w->now_ms);
            t->leased = false;
            w->lost++;
        }
        tell(w, i);
    }
}

static bool
could_be_handed_out(const struct world *w)
{
    for (size_t i = 0; i < TASKS; i++) {
        const struct model_task *t = &w->task[i];
        for (size_t n = 0; n < WORKERS && is_waiting(w, t); n++)
            if (w->worker[n].alive && w->worker[n].serves[t->group] && w->worker[n].does[t->operation] &&
                held_by(w, n) < w->worker[n].credit)
                return true;
    }
    return false;
}

static size_t
index_of(uint64_t scope, uint64_t number)
{
    return (size_t)(number - 1) * 2 + (size_t)scope - 1;
}

static void
hand_out(struct world *w)
{
    struct match m;

    while (tasks_next_match(w->tasks, &m)) {
        size_t             i = index_of(m.scope, m.task), n = 0;
        struct model_task *t = &w->task[i];
        while (n < WORKERS && !pd_text_equal(m.worker, pd_text(worker_names[n]))) n++;
        CHECK(n < WORKERS && w->worker[n].alive);
        CHECK_TEXT(m.address, w->worker[n].address);
        CHECK(is_waiting(w, t));
        CHECK(m.operation == t->operation && w->worker[n].does[t->operation]);
        CHECK(!t->leased); /* never held by two */
        CHECK(w->worker[n].serves[t->group]);
        CHECK(held_by(w, n) < w->worker[n].credit);
        t->leased = true;
        t->delayed = false;
        t->worker = n;
        t->lease++;
        t->expires_ms = w->now_ms + LEASE_MS;
        w->handed_out++;
        tell(w, i);
    }
    CHECK(!could_be_handed_out(w));
}

static void
check_figures(const struct world *w)
{
    uint64_t   waiting = 0, leased = 0, workers = 0, ret_waiting, ret_leased, ret_workers, monotonic, since;
    uint64_t   wake = UINT64_MAX;
    pd_time_us wall_us, earliest = UINT64_MAX;

    for (size_t i = 0; i < TASKS; i++) {
        const struct model_task *t = &w->task[i];
        waiting += t->open && !t->leased;
        leased += t->open && t->leased;
        pd_time_us due = t->delayed && t->next_try > wall(w) && t->next_try < t->deadline ? t->next_try : t->deadline;
        if (t->open && due < earliest) earliest = due;
        if (t->open && t->leased && t->expires_ms < wake) wake = t->expires_ms;
    }
    for (size_t n = 0; n < WORKERS; n++) {
        workers += w->worker[n].alive;
        if (w->worker[n].alive && w->worker[n].heard_ms + LEASE_MS < wake) wake = w->worker[n].heard_ms + LEASE_MS;
    }
    tasks_counts(w->tasks, &ret_waiting, &ret_leased, &ret_workers);
    CHECK(ret_waiting == waiting && ret_leased == leased && ret_workers == workers);
    tasks_next_wake(w->tasks, &monotonic, &wall_us);
    CHECK_EQ(monotonic, wake);
    CHECK_EQ(wall_us, earliest);
    for (size_t g = 0; g < GROUPS; g++) {
        for (size_t o = 1; o <= 2; o++) {
            bool served = false;
            for (size_t n = 0; n < WORKERS; n++)
                served = served || (w->worker[n].alive && w->worker[n].serves[g] && w->worker[n].does[o]);
            CHECK_EQ(tasks_group_served(w->tasks, pd_text(group_names[g]), (enum pd_operation)o, &since), served);
        }
    }
}

static void
a_task_is_never_held_by_two_and_never_forgotten(void **state)
{
    struct world w = {.seed = check_seed(), .now_ms = 5000};

    (void)state;
    w.tasks = tasks_open(LEASE_MS, w.now_ms);
    pd_arena_init(&w.arena);
    for (int round = 0; round < ROUNDS; round++) {
        ABOUT("round %d", round);
        switch (check_pick(&w.seed, 8)) {
        case 0: a_worker_is_ready(&w); break;
        case 1: a_worker_says_goodbye(&w); break;
        case 2: case 3: time_passes(&w); break;
        default: open_or_close_a_task(&w); break;
        }
        take_what_is_due(&w);
        hand_out(&w);
        check_figures(&w);
    }
    CHECK(w.handed_out > 1000 && w.lost > 100 && w.expired > 100);
    tasks_close(&w.tasks);
    pd_arena_fini(&w.arena);
    CHECK(w.tasks == NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_task_is_never_held_by_two_and_never_forgotten),
    };
    return RUN(tests);
}
