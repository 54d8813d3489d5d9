/* crew.c - workers as the engine knows them: they come and go, serve their groups and are told what to stop. */
#include "tests/unit/tasks_steps.h"

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
a_worker_does_only_what_it_says_it_can(void **state)
{
    struct pd_task row = row_of(1, "hosting", NULL, 0, 9000);
    uint64_t       since;

    (void)state;
    row.operation = PD_operation_deprovision;
    tasks_changed(tasks, &row, PD_TEXT("local"), now_ms);
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
a_drained_worker_gets_nothing_more_and_is_told_so(void **state)
{
    uint64_t held, since;

    (void)state;
    put_task(1, "hosting", NULL, 0, 9000);
    put_task(2, "hosting", NULL, 0, 9000);
    CHECK(!tasks_drain(tasks, PD_TEXT("w1"), &held, now_ms));
    ready("w1", "hosting", 2, "A", NULL, 0);
    CHECK(!answer.drain);
    CHECK_EQ(hand_out("w1"), 1);
    CHECK(tasks_drain(tasks, PD_TEXT("w1"), &held, now_ms += 10));
    CHECK_EQ(held, 1);
    CHECK(!tasks_group_served(tasks, PD_TEXT("hosting"), PD_operation_provision, &since));
    CHECK_EQ(since, now_ms);
    CHECK(tasks_drain(tasks, PD_TEXT("w1"), &held, now_ms)); /* said twice */
    CHECK(!tasks_group_served(tasks, PD_TEXT("hosting"), PD_operation_provision, &since));
    CHECK_EQ(hand_out(NULL), 0);
    ready("w1", "hosting", 2, "A", &(struct held){"default", 1, 1}, 1);
    CHECK(answer.drain);
    CHECK_EQ(hand_out(NULL), 0);
    tasks_worker_goodbye(tasks, PD_TEXT("w1"), PD_TEXT("A"), now_ms);
    ready("w1", "hosting", 2, "B", NULL, 0); /* a new life */
    CHECK(!answer.drain);
    CHECK(tasks_group_served(tasks, PD_TEXT("hosting"), PD_operation_provision, &since));
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
    tasks_changed(tasks, &row, PD_TEXT("local"), now_ms);
    check_stop(1, "A");
    ready("w1", "hosting", 1, "A", &held, 1); /* and again with each heartbeat, while it holds it */
    CHECK_EQ(answer.stop_count, 1);
    CHECK_EQ(answer.lost_count, 0);
    row.state = PD_task_state_absent;
    tasks_changed(tasks, &row, PD_TEXT("worker/w1"), now_ms); /* it gave it back itself */
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
    struct pd_task          delayed = row_of(3, "dns", NULL, 1, 9000);

    (void)state;
    put_task(1, "hosting", NULL, 0, 9000);
    put_task(2, "mail", NULL, 0, 9000);
    delayed.next_try = 2000;
    delayed.has_next_try = true;
    tasks_changed(tasks, &delayed, PD_TEXT("worker/w2"), now_ms);
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
        bool                        served = pd_text_equal(g->group, PD_TEXT("hosting"));
        CHECK_EQ(g->workers, served ? 1 : 0);
        CHECK_EQ(g->waiting, pd_text_equal(g->group, PD_TEXT("mail")) ? 1 : 0);
        CHECK_EQ(g->has_unserved_since, !served);
    }
    CHECK_EQ(roster.groups_count, 4); /* hosting for both operations, mail for what waits, dns for what waits for its next try */
}

int
main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, open_tasks, close_tasks)
    const struct CMUnitTest tests[] = {
        STORY(a_goodbye_gives_everything_back_at_once),
        STORY(a_former_namesakes_goodbye_changes_nothing),
        STORY(a_worker_that_comes_back_from_elsewhere_keeps_only_what_it_names),
        STORY(a_group_is_unserved_since_its_last_worker_went),
        STORY(a_worker_does_only_what_it_says_it_can),
        STORY(a_drained_worker_gets_nothing_more_and_is_told_so),
        STORY(of_two_of_one_name_the_newer_stays),
        STORY(a_worker_is_told_to_stop_what_others_have_ended),
        STORY(the_roster_tells_who_is_there_and_what_waits),
    };
    return RUN(tests);
}
