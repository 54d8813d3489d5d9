#include "tests/unit/tasks_steps.h"

struct tasks          *tasks;
uint64_t               now_ms;
struct pd_arena        arena;
struct pd_worker_reply answer;

int
open_tasks(void **state)
{
    check_start(state);
    now_ms = 50000;
    tasks = tasks_open(LEASE_MS, now_ms);
    pd_arena_init(&arena);
    return 0;
}

int
close_tasks(void **state)
{
    (void)state;
    tasks_close(&tasks);
    pd_arena_fini(&arena);
    return 0;
}

struct pd_task
row_of(uint64_t number, const char *group, const char *holder, uint64_t lease, pd_time_us deadline)
{
    return (struct pd_task){
        .scope = 1, .task = number, .operation = PD_operation_provision, .worker_group = pd_text(group),
        .lease = lease, .attempt = 1, .deadline = deadline,
        .state = holder == NULL ? PD_task_state_created : PD_task_state_leased, .worker = pd_text(holder),
        .provisioning = group[0] == '\0' ? PD_provisioning_manual : PD_provisioning_worker,
    };
}

void
put_task(uint64_t number, const char *group, const char *holder, uint64_t lease, pd_time_us deadline)
{
    struct pd_task row = row_of(number, group, holder, lease, deadline);
    tasks_changed(tasks, &row, PD_TEXT("engine"), now_ms);
}

void
close_task(uint64_t number)
{
    tasks_changed(tasks, &(struct pd_task){.scope = 1, .task = number}, PD_TEXT("engine"), now_ms);
}

static uint64_t
scope_of(void *arg, struct pd_text reseller)
{
    (void)arg;
    return pd_text_equal(reseller, PD_TEXT("default")) ? 1 : pd_text_equal(reseller, PD_TEXT("norte")) ? 2 : 0;
}

enum ready_answer
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

size_t
ready(const char *worker, const char *group, uint64_t credit, const char *address, const struct held *held, size_t count)
{
    CHECK_EQ(say_ready(worker, group, NULL, credit, address, held, count), READY_OK);
    return answer.lost_count;
}

uint64_t
hand_out(const char *expected_worker)
{
    struct match m;
    char         worker[16];

    if (!tasks_next_match(tasks, &m)) return 0;
    snprintf(worker, sizeof worker, "%.*s", (int)m.worker.size, m.worker.data);
    if (expected_worker != NULL) CHECK_TEXT(m.worker, expected_worker);
    CHECK_EQ(m.scope, 1);
    put_task(m.task, "hosting", worker, 1, 1u << 30);
    return m.task;
}

void
check_due(enum due_kind kind, uint64_t task, pd_time_us wall_us)
{
    struct due due = tasks_next_due(tasks, wall_us, now_ms);
    CHECK_EQ(due.kind, kind);
    if (kind != DUE_nothing) CHECK_EQ(due.task, task);
}
