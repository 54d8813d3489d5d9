/* tasks.c - open tasks and their workers, told as stories. tasks_model.c compares long random ones with a plain model. */
#include "engine/tasks.h"

#include "tests/support/check.h"

enum { LEASE_MS = 1000 };

static struct tasks *tasks;
static uint64_t      now_ms;
static struct pd_arena        arena;
static struct pd_worker_reply answer; /* of the last WorkerReady */

static int
open_tasks(void **state)
{
    check_start(state);
    now_ms = 50000;
    tasks = tasks_open(LEASE_MS, now_ms);
    pd_arena_init(&arena);
    return 0;
}

static int
close_tasks(void **state)
{
    (void)state;
    tasks_close(&tasks);
    pd_arena_fini(&arena);
    return 0;
}

/* A task of reseller 1 as its row says: under position `number`, lease 0 is none yet. */
static struct pd_task
row_of(uint64_t number, const char *group, const char *holder, uint64_t lease, pd_time_us deadline)
{
    return (struct pd_task){
        .scope = 1, .task = number, .operation = PD_operation_provision, .worker_group = pd_text(group),
        .lease = lease, .attempt = 1, .deadline = deadline,
        .state = holder == NULL ? PD_task_state_created : PD_task_state_leased, .worker = pd_text(holder),
        .provisioning = group[0] == '\0' ? PD_provisioning_manual : PD_provisioning_worker,
    };
}

static void
put_task(uint64_t number, const char *group, const char *holder, uint64_t lease, pd_time_us deadline)
{
    struct pd_task row = row_of(number, group, holder, lease, deadline);
    tasks_changed(tasks, (struct row_key){number, 1}, &row, PD_TEXT("engine"), now_ms);
}

static void
close_task(uint64_t number)
{
    tasks_changed(tasks, (struct row_key){number, 1}, NULL, PD_TEXT("engine"), now_ms);
}

static uint64_t
scope_of(void *arg, struct pd_text reseller)
{
    (void)arg;
    return pd_text_equal(reseller, PD_TEXT("default")) ? 1 : pd_text_equal(reseller, PD_TEXT("norte")) ? 2 : 0;
}

struct held {
    const char *reseller;
    uint64_t    task, lease;
};

/* The worker says it is there, for one group, naming what it holds, and perhaps all it can do. */
static enum ready_answer
say_ready(const char *worker, const char *group, const char *operation, uint64_t credit, const char *address,
          const struct held *held, size_t count)
{
    struct pd_text         groups[] = {pd_text(group)}, operations[] = {pd_text(operation)};
    struct pd_held_lease   leases[8];
    struct pd_worker_ready message = {.worker = pd_text(worker), .groups = groups, .groups_count = 1, .credit = credit,
                                      .operations = operations, .operations_count = operation != NULL,
                                      .leases = leases, .leases_count = count};
    for (size_t i = 0; i < count; i++)
        leases[i] = (struct pd_held_lease){.reseller = pd_text(held[i].reseller), .task = held[i].task, .lease = held[i].lease};
    answer = (struct pd_worker_reply){0};
    return tasks_worker_ready(tasks, &message, pd_text(address), scope_of, NULL, &arena, &answer, now_ms);
}

/* The same for all operations; returns how many of its leases it has lost. */
static size_t
ready(const char *worker, const char *group, uint64_t credit, const char *address, const struct held *held, size_t count)
{
    CHECK_EQ(say_ready(worker, group, NULL, credit, address, held, count), READY_OK);
    return answer.lost_count;
}

/* The next pair, leased as the engine would: 0 when there is none. */
static uint64_t
hand_out(const char *expected_worker)
{
    struct match m;
    char         worker[16];

    if (!tasks_next_match(tasks, &m)) return 0;
    snprintf(worker, sizeof worker, "%.*s", (int)m.worker.size, m.worker.data);
    if (expected_worker != NULL) CHECK_TEXT(m.worker, expected_worker);
    CHECK_EQ(m.scope, 1);
    CHECK_EQ(m.task_key.position, m.task);
    put_task(m.task, "hosting", worker, 1, 1u << 30);
    return m.task;
}

static void
check_due(enum due_kind kind, uint64_t task, pd_time_us wall_us)
{
    struct due due = tasks_next_due(tasks, wall_us, now_ms);
    CHECK_EQ(due.kind, kind);
    if (kind != DUE_nothing) CHECK_EQ(due.task, task);
}

static void
tasks_go_out_in_the_order_they_came(void **state)
{
    (void)state;
    put_task(3, "hosting", NULL, 0, 900);
    put_task(1, "hosting", NULL, 0, 100);
    put_task(2, "hosting", NULL, 0, 500);
    CHECK_EQ(hand_out(NULL), 0);
    ready("w1", "hosting", 5, "A", NULL, 0);
    CHECK_EQ(hand_out("w1"), 3);
    CHECK_EQ(hand_out("w1"), 1);
    CHECK_EQ(hand_out("w1"), 2);
    CHECK_EQ(hand_out(NULL), 0);
}

static void
credit_is_never_exceeded(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 5; i++) put_task(i, "hosting", NULL, 0, 1000);
    ready("w1", "hosting", 2, "A", NULL, 0);
    CHECK_EQ(hand_out("w1"), 1);
    CHECK_EQ(hand_out("w1"), 2);
    CHECK_EQ(hand_out(NULL), 0);
    close_task(1);
    CHECK_EQ(hand_out("w1"), 3);
    CHECK_EQ(hand_out(NULL), 0);
    ready("w1", "hosting", 0, "A", NULL, 0); /* it takes no more */
    close_task(2);
    CHECK_EQ(hand_out(NULL), 0);
}

static void
workers_take_turns(void **state)
{
    uint64_t by_w1 = 0, by_w2 = 0;
    (void)state;
    for (uint64_t i = 1; i <= 10; i++) put_task(i, "hosting", NULL, 0, 1000);
    ready("w1", "hosting", 10, "A", NULL, 0);
    ready("w2", "hosting", 10, "B", NULL, 0);
    for (uint64_t i = 1; i <= 10; i++) {
        struct match m;
        CHECK(tasks_next_match(tasks, &m));
        bool first = pd_text_equal(m.worker, PD_TEXT("w1"));
        CHECK_TEXT(m.address, first ? "A" : "B");
        put_task(m.task, "hosting", first ? "w1" : "w2", 1, 1000);
        by_w1 += first;
        by_w2 += !first;
    }
    CHECK_EQ(by_w1, 5);
    CHECK_EQ(by_w2, 5);
}

static void
a_worker_is_given_only_its_groups_tasks(void **state)
{
    (void)state;
    put_task(1, "mail", NULL, 0, 1000);
    put_task(2, "hosting", NULL, 0, 1000);
    ready("w1", "hosting", 5, "A", NULL, 0);
    CHECK_EQ(hand_out("w1"), 2);
    CHECK_EQ(hand_out(NULL), 0);
}

static void
what_is_done_by_hand_is_handed_to_nobody(void **state)
{
    uint64_t waiting, leased, workers;
    (void)state;
    put_task(1, "", NULL, 0, 1000);
    ready("w1", "hosting", 5, "A", NULL, 0);
    CHECK_EQ(hand_out(NULL), 0);
    tasks_counts(tasks, &waiting, &leased, &workers);
    CHECK_EQ(waiting, 1);
    check_due(DUE_deadline, 1, 1000); /* its time runs out all the same */
}

static void
a_silent_workers_lease_is_lost_after_its_time(void **state)
{
    (void)state;
    put_task(1, "hosting", NULL, 0, 1u << 30);
    ready("w1", "hosting", 1, "A", NULL, 0);
    CHECK_EQ(hand_out("w1"), 1);
    now_ms += LEASE_MS - 1;
    check_due(DUE_nothing, 0, 0);
    now_ms += 1;
    check_due(DUE_lost_lease, 1, 0);
    put_task(1, "hosting", NULL, 1, 1u << 30); /* released: it waits again */
    check_due(DUE_nothing, 0, 0);
    ready("w2", "hosting", 1, "B", NULL, 0);
    tasks_tick(tasks, now_ms);
    CHECK_EQ(hand_out("w2"), 1);
}

static void
naming_a_lease_renews_it(void **state)
{
    const struct held held[] = {{"default", 1, 1}};
    (void)state;
    put_task(1, "hosting", NULL, 0, 1u << 30);
    ready("w1", "hosting", 1, "A", NULL, 0);
    CHECK_EQ(hand_out("w1"), 1);
    for (int i = 0; i < 10; i++) {
        now_ms += LEASE_MS - 1;
        check_due(DUE_nothing, 0, 0);
        CHECK_EQ(ready("w1", "hosting", 1, "A", held, 1), 0);
    }
    now_ms += LEASE_MS;
    check_due(DUE_lost_lease, 1, 0);
}

/* The assignment may still be on its way when the worker speaks: that renews nothing, and loses nothing before its time. */
static void
a_heartbeat_that_does_not_name_a_lease_does_not_renew_it(void **state)
{
    (void)state;
    put_task(1, "hosting", NULL, 0, 1u << 30);
    ready("w1", "hosting", 1, "A", NULL, 0);
    CHECK_EQ(hand_out("w1"), 1);
    now_ms += LEASE_MS - 1;
    CHECK_EQ(ready("w1", "hosting", 1, "A", NULL, 0), 0);
    check_due(DUE_nothing, 0, 0);
    now_ms += 1;
    check_due(DUE_lost_lease, 1, 0);
}

static void
leases_that_are_not_the_workers_are_told_as_lost(void **state)
{
    const struct held held[] = {{"default", 1, 1}, {"default", 1, 2}, {"norte", 1, 1}, {"nobody", 1, 1}, {"default", 9, 1}};
    (void)state;
    put_task(1, "hosting", NULL, 0, 1u << 30);
    ready("w1", "hosting", 1, "A", NULL, 0);
    CHECK_EQ(hand_out("w1"), 1);
    CHECK_EQ(ready("w1", "hosting", 1, "A", held, 5), 4);
    CHECK_EQ(ready("w2", "hosting", 1, "B", held, 1), 1);
    now_ms += LEASE_MS;
    check_due(DUE_lost_lease, 1, 0); /* w2's claim has not kept it alive */
}

static void
a_goodbye_gives_everything_back_at_once(void **state)
{
    uint64_t since;
    (void)state;
    put_task(1, "hosting", NULL, 0, 1u << 30);
    put_task(2, "hosting", NULL, 0, 1u << 30);
    ready("w1", "hosting", 1, "A", NULL, 0);
    ready("w2", "hosting", 1, "B", NULL, 0);
    hand_out(NULL);
    hand_out(NULL);
    tasks_worker_goodbye(tasks, PD_TEXT("w1"), PD_TEXT("A"), now_ms);
    struct due due = tasks_next_due(tasks, 0, now_ms);
    CHECK_EQ(due.kind, DUE_lost_lease);
    put_task(due.task, "hosting", NULL, 1, 1u << 30);
    check_due(DUE_nothing, 0, 0); /* w2 keeps its own */
    CHECK(tasks_group_served(tasks, PD_TEXT("hosting"), PD_operation_provision, &since));
    tasks_worker_goodbye(tasks, PD_TEXT("w2"), PD_TEXT("B"), now_ms);
    CHECK(!tasks_group_served(tasks, PD_TEXT("hosting"), PD_operation_provision, &since));
    tasks_worker_goodbye(tasks, PD_TEXT("w3"), PD_TEXT("C"), now_ms); /* nobody */
}

static void
a_former_namesakes_goodbye_changes_nothing(void **state)
{
    const struct held held[] = {{"default", 1, 1}};
    (void)state;
    put_task(1, "hosting", NULL, 0, 1u << 30);
    ready("w1", "hosting", 0, "A", NULL, 0);
    ready("w1", "hosting", 1, "B", NULL, 0);
    hand_out("w1");
    tasks_worker_goodbye(tasks, PD_TEXT("w1"), PD_TEXT("A"), now_ms);
    check_due(DUE_nothing, 0, 0);
    CHECK_EQ(ready("w1", "hosting", 1, "B", held, 1), 0);
}

/* What is refused again and again keeps nothing from being done that stands behind it. */
static void
what_is_set_aside_lets_others_go_first(void **state)
{
    pd_time_us wall_us = 1000;
    (void)state;
    put_task(1, "hosting", NULL, 0, 500);
    put_task(2, "hosting", NULL, 0, 600);
    check_due(DUE_deadline, 1, wall_us);
    tasks_set_aside(tasks, 1, 1, wall_us, now_ms);
    check_due(DUE_deadline, 2, wall_us);
    tasks_set_aside(tasks, 1, 2, wall_us + 1, now_ms);
    check_due(DUE_nothing, 0, wall_us);
    check_due(DUE_deadline, 1, wall_us + 10000000);
}

static void
a_task_set_aside_is_handed_out_later_and_its_lease_ends_later(void **state)
{
    (void)state;
    put_task(1, "hosting", NULL, 0, 1u << 30);
    put_task(2, "hosting", NULL, 0, 1u << 30);
    ready("w1", "hosting", 8, "A", NULL, 0);
    tasks_set_aside(tasks, 1, 1, 0, now_ms);
    CHECK_EQ(hand_out("w1"), 2);
    CHECK_EQ(hand_out("w1"), 0);
    check_due(DUE_nothing, 0, 10000000);
    CHECK_EQ(hand_out("w1"), 1);
    now_ms += LEASE_MS;
    check_due(DUE_lost_lease, 2, 10000000);
    tasks_set_aside(tasks, 1, 2, 10000000, now_ms);
    check_due(DUE_lost_lease, 1, 10000000);
    tasks_set_aside(tasks, 1, 1, 10000000, now_ms);
    check_due(DUE_nothing, 0, 10000000);
    now_ms += LEASE_MS;
    check_due(DUE_lost_lease, 2, 10000000);
}

static void
a_worker_that_comes_back_from_elsewhere_keeps_only_what_it_names(void **state)
{
    const struct held held[] = {{"default", 2, 1}};
    struct match      m;
    (void)state;
    put_task(1, "hosting", NULL, 0, 1u << 30);
    put_task(2, "hosting", NULL, 0, 1u << 30);
    put_task(3, "hosting", NULL, 0, 1u << 30);
    ready("w1", "hosting", 2, "A", NULL, 0);
    CHECK_EQ(hand_out("w1"), 1);
    CHECK_EQ(hand_out("w1"), 2);
    CHECK_EQ(ready("w1", "hosting", 2, "B", held, 1), 0);
    check_due(DUE_lost_lease, 1, 0);
    put_task(1, "hosting", NULL, 1, 1u << 30);
    check_due(DUE_nothing, 0, 0);
    CHECK(tasks_next_match(tasks, &m));
    CHECK_TEXT(m.address, "B");
    CHECK_EQ(m.task, 3); /* 1 waits behind it now */
}

/* Rows tell of a lease before its worker was heard of: it has a full lease time to come back. */
static void
after_a_restart_each_lease_gets_its_time(void **state)
{
    const struct held held[] = {{"default", 1, 4}};
    (void)state;
    put_task(1, "hosting", "w1", 4, 1u << 30);
    put_task(2, "hosting", "w2", 1, 1u << 30);
    now_ms += LEASE_MS / 2;
    CHECK_EQ(ready("w1", "hosting", 1, "A", held, 1), 0);
    CHECK_EQ(hand_out(NULL), 0); /* its slot is taken */
    now_ms += LEASE_MS / 2;
    check_due(DUE_lost_lease, 2, 0);
    put_task(2, "hosting", NULL, 1, 1u << 30);
    check_due(DUE_nothing, 0, 0);
    CHECK_EQ(hand_out(NULL), 0);
    close_task(1);
    CHECK_EQ(hand_out("w1"), 2);
}

static void
deadlines_are_told_earliest_first(void **state)
{
    static const uint64_t order[] = {5, 2, 8, 1, 9, 3, 7, 4, 6};
    (void)state;
    for (size_t i = 0; i < 9; i++) put_task(order[i], "hosting", NULL, 0, order[i] * 100);
    check_due(DUE_nothing, 0, 99);
    for (uint64_t i = 1; i <= 9; i++) {
        check_due(DUE_deadline, i, 900);
        close_task(i);
    }
    check_due(DUE_nothing, 0, 1u << 30);
}

static void
a_deadline_may_move_and_applies_while_leased(void **state)
{
    (void)state;
    put_task(1, "hosting", NULL, 0, 100);
    put_task(2, "hosting", NULL, 0, 200);
    put_task(1, "hosting", "w1", 1, 300);
    check_due(DUE_deadline, 2, 250);
    close_task(2);
    check_due(DUE_nothing, 0, 250);
    check_due(DUE_deadline, 1, 300);
}

static void
the_next_wake_is_the_earliest_of_all(void **state)
{
    uint64_t   monotonic;
    pd_time_us wall;
    (void)state;
    tasks_next_wake(tasks, &monotonic, &wall);
    CHECK(monotonic == UINT64_MAX && wall == UINT64_MAX);
    put_task(1, "hosting", NULL, 0, 777);
    put_task(2, "hosting", NULL, 0, 888);
    ready("w1", "hosting", 1, "A", NULL, 0);
    now_ms += 10;
    CHECK_EQ(hand_out("w1"), 1);
    tasks_next_wake(tasks, &monotonic, &wall);
    CHECK_EQ(monotonic, now_ms - 10 + LEASE_MS); /* the worker falls silent before its lease ends */
    CHECK_EQ(wall, 888);                         /* handing out moved the first deadline */
}

static void
a_group_is_unserved_since_its_last_worker_went(void **state)
{
    uint64_t since;
    (void)state;
    CHECK(!tasks_group_served(tasks, PD_TEXT("hosting"), PD_operation_provision, &since));
    CHECK_EQ(since, 50000); /* the start */
    put_task(1, "hosting", NULL, 0, 9000000); /* a group nobody waits for is forgotten with its last worker */
    put_task(2, "mail", NULL, 0, 9000000);
    now_ms += 100;
    ready("w1", "hosting", 1, "A", NULL, 0);
    CHECK(tasks_group_served(tasks, PD_TEXT("hosting"), PD_operation_provision, &since));
    CHECK(!tasks_group_served(tasks, PD_TEXT("mail"), PD_operation_provision, &since));
    now_ms += 100;
    ready("w1", "mail", 1, "A", NULL, 0); /* it changed its groups */
    CHECK(tasks_group_served(tasks, PD_TEXT("mail"), PD_operation_provision, &since));
    CHECK(!tasks_group_served(tasks, PD_TEXT("hosting"), PD_operation_provision, &since));
    CHECK_EQ(since, 50200);
    now_ms += LEASE_MS - 1;
    tasks_tick(tasks, now_ms);
    CHECK(tasks_group_served(tasks, PD_TEXT("mail"), PD_operation_provision, &since));
    now_ms += 1;
    tasks_tick(tasks, now_ms);
    CHECK(!tasks_group_served(tasks, PD_TEXT("mail"), PD_operation_provision, &since));
    CHECK_EQ(since, now_ms);
}

static void
the_counts_follow(void **state)
{
    uint64_t waiting, leased, workers;
    (void)state;
    for (uint64_t i = 1; i <= 3000; i++) put_task(i, "hosting", NULL, 0, 1000); /* the table grows */
    ready("w1", "hosting", 1, "A", NULL, 0);
    CHECK_EQ(hand_out("w1"), 1);
    tasks_counts(tasks, &waiting, &leased, &workers);
    CHECK(waiting == 2999 && leased == 1 && workers == 1);
    for (uint64_t i = 1; i <= 3000; i++) close_task(i);
    close_task(1); /* closed already */
    tasks_counts(tasks, &waiting, &leased, &workers);
    CHECK(waiting == 0 && leased == 0 && workers == 1);
}

static void
what_is_tried_again_waits_for_its_time(void **state)
{
    struct pd_task row = row_of(1, "hosting", NULL, 1, 9000);
    uint64_t       monotonic;
    pd_time_us     wall;

    (void)state;
    ready("w1", "hosting", 5, "A", NULL, 0);
    row.next_try = 2000;
    row.has_next_try = true;
    tasks_changed(tasks, (struct row_key){1, 1}, &row, PD_TEXT("worker/w1"), now_ms);
    CHECK_EQ(hand_out(NULL), 0);
    tasks_next_wake(tasks, &monotonic, &wall);
    CHECK_EQ(wall, 2000);
    check_due(DUE_nothing, 0, 1999);
    CHECK_EQ(hand_out(NULL), 0);
    check_due(DUE_nothing, 0, 2000);
    tasks_next_wake(tasks, &monotonic, &wall);
    CHECK_EQ(wall, 9000); /* what is left is its deadline */
    CHECK_EQ(hand_out("w1"), 1);
    put_task(1, "hosting", NULL, 1, 9000);
    row.next_try = 9500; /* behind the deadline: that comes first */
    tasks_changed(tasks, (struct row_key){1, 1}, &row, PD_TEXT("worker/w1"), now_ms);
    check_due(DUE_deadline, 1, 9000);
}

static void
a_worker_does_only_what_it_says_it_can(void **state)
{
    struct pd_task row = row_of(1, "hosting", NULL, 0, 9000);
    uint64_t       since;

    (void)state;
    row.operation = PD_operation_deprovision;
    tasks_changed(tasks, (struct row_key){1, 1}, &row, PD_TEXT("local"), now_ms);
    put_task(2, "hosting", NULL, 0, 9000);
    say_ready("w1", "hosting", "provision", 5, "A", NULL, 0);
    CHECK_EQ(hand_out("w1"), 2);
    CHECK_EQ(hand_out(NULL), 0);
    CHECK(tasks_group_served(tasks, PD_TEXT("hosting"), PD_operation_provision, &since));
    CHECK(!tasks_group_served(tasks, PD_TEXT("hosting"), PD_operation_deprovision, &since));
    say_ready("w2", "hosting", "deprovision", 5, "B", NULL, 0);
    CHECK_EQ(hand_out("w2"), 1);
}

static void
what_is_to_be_removed_goes_first(void **state)
{
    struct pd_task row = row_of(2, "hosting", NULL, 0, 9000);

    (void)state;
    put_task(1, "hosting", NULL, 0, 9000);
    row.operation = PD_operation_deprovision;
    tasks_changed(tasks, (struct row_key){2, 1}, &row, PD_TEXT("local"), now_ms);
    ready("w1", "hosting", 1, "A", NULL, 0);
    CHECK_EQ(hand_out("w1"), 2);
}

static void
a_drained_worker_gets_nothing_more_and_is_told_so(void **state)
{
    uint64_t held;

    (void)state;
    put_task(1, "hosting", NULL, 0, 9000);
    put_task(2, "hosting", NULL, 0, 9000);
    CHECK(!tasks_drain(tasks, PD_TEXT("w1"), &held));
    ready("w1", "hosting", 2, "A", NULL, 0);
    CHECK(!answer.drain);
    CHECK_EQ(hand_out("w1"), 1);
    CHECK(tasks_drain(tasks, PD_TEXT("w1"), &held));
    CHECK_EQ(held, 1);
    CHECK_EQ(hand_out(NULL), 0);
    ready("w1", "hosting", 2, "A", &(struct held){"default", 1, 1}, 1);
    CHECK(answer.drain);
    CHECK_EQ(hand_out(NULL), 0);
    tasks_worker_goodbye(tasks, PD_TEXT("w1"), PD_TEXT("A"), now_ms);
    ready("w1", "hosting", 2, "B", NULL, 0); /* a new life */
    CHECK(!answer.drain);
    CHECK_EQ(hand_out("w1"), 2);
}

static void
of_two_of_one_name_the_newer_stays(void **state)
{
    (void)state;
    ready("w1", "hosting", 1, "A", NULL, 0);
    ready("w1", "hosting", 1, "B", NULL, 0);
    CHECK_EQ(say_ready("w1", "hosting", NULL, 1, "A", NULL, 0), READY_REPLACED);
    put_task(1, "hosting", NULL, 0, 9000);
    struct match m;
    CHECK(tasks_next_match(tasks, &m));
    CHECK_TEXT(m.address, "B");
    now_ms += LEASE_MS; /* when that is gone the older may come again */
    tasks_tick(tasks, now_ms);
    CHECK_EQ(say_ready("w1", "hosting", NULL, 1, "A", NULL, 0), READY_OK);
}

static void
check_stop(uint64_t task, const char *address)
{
    struct stop stop;
    CHECK(tasks_next_stop(tasks, &stop));
    CHECK_EQ(stop.task, task);
    CHECK_TEXT(stop.address, address);
    CHECK(!tasks_next_stop(tasks, &stop));
}

static void
a_worker_is_told_to_stop_what_others_have_ended(void **state)
{
    struct held    held = {"default", 1, 1};
    struct pd_task row = row_of(1, "hosting", "w1", 1, 9000);
    struct stop    stop;

    (void)state;
    put_task(1, "hosting", NULL, 0, 9000);
    ready("w1", "hosting", 1, "A", NULL, 0);
    CHECK_EQ(hand_out("w1"), 1);
    row.stopping = true;
    tasks_changed(tasks, (struct row_key){1, 1}, &row, PD_TEXT("local"), now_ms);
    check_stop(1, "A");
    ready("w1", "hosting", 1, "A", &held, 1); /* and again with each heartbeat, while it holds it */
    CHECK_EQ(answer.stop_count, 1);
    CHECK_EQ(answer.lost_count, 0);
    tasks_changed(tasks, (struct row_key){1, 1}, NULL, PD_TEXT("worker/w1"), now_ms); /* it gave it back itself */
    CHECK(!tasks_next_stop(tasks, &stop));
    put_task(2, "hosting", NULL, 0, 9000);
    CHECK_EQ(hand_out("w1"), 2);
    put_task(2, "hosting", NULL, 1, 9000); /* an operator took it away */
    check_stop(2, "A");
}

static void
the_roster_tells_who_is_there_and_what_waits(void **state)
{
    struct pd_workers_reply roster;

    (void)state;
    put_task(1, "hosting", NULL, 0, 9000);
    put_task(2, "mail", NULL, 0, 9000);
    ready("w1", "hosting", 3, "A", NULL, 0);
    CHECK_EQ(hand_out("w1"), 1);
    CHECK(tasks_roster_changed(tasks));
    CHECK(!tasks_roster_changed(tasks));
    tasks_roster(tasks, 60000000, now_ms, &arena, &roster);
    CHECK_EQ(roster.workers_count, 1);
    CHECK_TEXT(roster.workers[0].worker, "w1");
    CHECK(roster.workers[0].credit == 3 && roster.workers[0].held == 1 && roster.workers[0].since == 60000000);
    for (size_t i = 0; i < roster.groups_count; i++) {
        const struct pd_group_view *g = &roster.groups[i];
        bool                        mail = pd_text_equal(g->group, PD_TEXT("mail"));
        CHECK_EQ(g->workers, mail ? 0 : 1);
        CHECK_EQ(g->waiting, mail ? 1 : 0);
        CHECK_EQ(g->has_unserved_since, mail);
    }
    CHECK_EQ(roster.groups_count, 3); /* hosting for both operations, mail for the one that waits */
}

int
main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, open_tasks, close_tasks)
    const struct CMUnitTest tests[] = {
        STORY(tasks_go_out_in_the_order_they_came),
        STORY(credit_is_never_exceeded),
        STORY(workers_take_turns),
        STORY(a_worker_is_given_only_its_groups_tasks),
        STORY(what_is_done_by_hand_is_handed_to_nobody),
        STORY(a_silent_workers_lease_is_lost_after_its_time),
        STORY(naming_a_lease_renews_it),
        STORY(a_heartbeat_that_does_not_name_a_lease_does_not_renew_it),
        STORY(leases_that_are_not_the_workers_are_told_as_lost),
        STORY(a_goodbye_gives_everything_back_at_once),
        STORY(a_former_namesakes_goodbye_changes_nothing),
        STORY(what_is_set_aside_lets_others_go_first),
        STORY(a_task_set_aside_is_handed_out_later_and_its_lease_ends_later),
        STORY(a_worker_that_comes_back_from_elsewhere_keeps_only_what_it_names),
        STORY(after_a_restart_each_lease_gets_its_time),
        STORY(deadlines_are_told_earliest_first),
        STORY(a_deadline_may_move_and_applies_while_leased),
        STORY(the_next_wake_is_the_earliest_of_all),
        STORY(a_group_is_unserved_since_its_last_worker_went),
        STORY(the_counts_follow),
        STORY(what_is_tried_again_waits_for_its_time),
        STORY(a_worker_does_only_what_it_says_it_can),
        STORY(what_is_to_be_removed_goes_first),
        STORY(a_drained_worker_gets_nothing_more_and_is_told_so),
        STORY(of_two_of_one_name_the_newer_stays),
        STORY(a_worker_is_told_to_stop_what_others_have_ended),
        STORY(the_roster_tells_who_is_there_and_what_waits),
    };
    return RUN(tests);
}
