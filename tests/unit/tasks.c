/* tasks.c - open tasks: who is handed what and when, told as stories. crew.c tells of those they are handed to; tasks_model.c
 * compares long random stories with a plain model. */
#include "tests/unit/tasks_steps.h"

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
    tasks_changed(tasks, &row, PD_TEXT("worker/w1"), now_ms);
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
    tasks_changed(tasks, &row, PD_TEXT("worker/w1"), now_ms);
    check_due(DUE_deadline, 1, 9000);
}

static void
what_is_to_be_removed_goes_first(void **state)
{
    struct pd_task row = row_of(2, "hosting", NULL, 0, 9000);

    (void)state;
    put_task(1, "hosting", NULL, 0, 9000);
    row.operation = PD_operation_deprovision;
    tasks_changed(tasks, &row, PD_TEXT("local"), now_ms);
    ready("w1", "hosting", 1, "A", NULL, 0);
    CHECK_EQ(hand_out("w1"), 2);
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
        STORY(what_is_set_aside_lets_others_go_first),
        STORY(a_task_set_aside_is_handed_out_later_and_its_lease_ends_later),
        STORY(after_a_restart_each_lease_gets_its_time),
        STORY(deadlines_are_told_earliest_first),
        STORY(a_deadline_may_move_and_applies_while_leased),
        STORY(the_next_wake_is_the_earliest_of_all),
        STORY(the_counts_follow),
        STORY(what_is_tried_again_waits_for_its_time),
        STORY(what_is_to_be_removed_goes_first),
    };
    return RUN(tests);
}
