/* worker.c - the worker's step, told as stories: what comes out for what happened, when two things happen at once and when time
 * passes. The engine and the processes are this file; what a script does is in tests/integration/worker_alone.py. */
#include "clients/worker/worker.h"

#include "proto/framing.h"
#include "tests/support/check.h"

enum { HEARTBEAT_MS = 1000, LEASE_MS = 3000, TIME_LIMIT_MS = 20000, GRACE_MS = 5000, DRAIN_MS = 30000 };

static const pd_time_us engine_time = 1767225600000000; /* when the worker says Hello */

static struct worker    worker;
static int64_t          now_ms, wake_ms;
static struct mp_reader reader;
static struct pd_arena  arena;
/* Of the last step. Messages: with reports; the job that was started or stopped last. */
static size_t messages, reports, starts, stops, exits, job;

struct sent {
    struct mp_reader reader; /* keeps the message */
    msgpack_object   message;
    char             id[WORKER_ID_MAX], type[32];
};
static struct sent report, other; /* the last one of each */

static void
note_sent(const msgpack_object *message, struct pd_text bytes)
{
    struct pd_text sent_id = mp_find_text(message, "id"), type = mp_find_text(message, "type");
    struct sent   *sent = memcmp(type.data, "Report", 6) == 0 ? &report : &other;

    reports += sent == &report;
    CHECK(mp_parse(&sent->reader, bytes.data, bytes.size, &sent->message));
    snprintf(sent->id, sizeof sent->id, "%.*s", (int)sent_id.size, sent_id.data);
    snprintf(sent->type, sizeof sent->type, "%.*s", (int)type.size, type.data);
}

/* Of an array each element, as if it had come alone. */
static void
note_frame(struct pd_text frame)
{
    msgpack_object message;
    size_t         before = reports;

    CHECK(mp_parse(&reader, frame.data, frame.size, &message));
    if (message.type != MSGPACK_OBJECT_ARRAY) note_sent(&message, frame);
    const char *at = frame.data + 1;
    for (size_t i = 0; message.type == MSGPACK_OBJECT_ARRAY && i < message.via.array.size; i++) {
        const char *behind = mp_skip(at, frame.data + frame.size);
        note_sent(&message.via.array.ptr[i], (struct pd_text){at, (size_t)(behind - at)});
        at = behind;
    }
    messages += reports > before;
}

static void
step(const struct worker_in *in)
{
    messages = reports = starts = stops = exits = 0;
    for (struct worker_action *a = worker_step(&worker, now_ms, in, &wake_ms); a != NULL; a = a->next) {
        starts += a->kind == WORKER_START;
        stops += a->kind == WORKER_STOP;
        exits += a->kind == WORKER_EXIT;
        if (a->kind == WORKER_START || a->kind == WORKER_STOP) job = a->job;
        if (a->kind == WORKER_SEND) note_frame(pd_arena_text(&arena, a->text));
    }
}

static void
pass(int64_t ms)
{
    now_ms += ms;
    step(&(struct worker_in){.kind = WORKER_TICK});
}

static void
hear(struct mp_writer *w)
{
    step(&(struct worker_in){.kind = WORKER_FRAME, .text = {w->data, w->size}});
    mp_writer_fini(w);
}

static void
hear_accepted(const struct sent *sent, const struct pd_block *block, const void *data)
{
    struct mp_writer w = {0};
    pd_encode_accepted(&w, pd_text(sent->id), 0, block, data);
    hear(&w);
}

static void
hear_message(const char *type, const struct pd_block *block, const void *data)
{
    struct mp_writer w = {0};
    mp_map(&w, 2);
    mp_text(&w, PD_TEXT("type"));
    mp_text(&w, pd_text(type));
    mp_text(&w, PD_TEXT("data"));
    pd_encode_map(&w, block, data);
    hear(&w);
}

static void
hear_hello(void)
{
    struct pd_endpoints       e = {PD_TEXT("ipc://c"), PD_TEXT("ipc://e"), PD_TEXT("ipc://q"), PD_TEXT("ipc://w"), 0};
    struct pd_protocol_limits limits = {.frame_bytes = 1};
    struct pd_hello_reply     hello = {.protocol = 1, .software = PD_TEXT("0"), .log = PD_TEXT("0"), .time = engine_time,
                                       .endpoints = &e, .limits = &limits};

    hear_accepted(&other, pd_block_hello_reply(), &hello);
    CHECK_TEXT(pd_text(other.type), "WorkerReady");
}

static void
hear_ready(bool drain)
{
    struct pd_worker_reply ready = {.heartbeat_ms = HEARTBEAT_MS, .lease_ms = LEASE_MS, .drain = drain};
    hear_accepted(&other, pd_block_worker_reply(), &ready);
}

/* What a heartbeat's answer does, without any to answer. */
static void
keep_alive(void)
{
    struct mp_writer w = {0};
    mp_map(&w, 0);
    hear(&w);
}

static int
begin(void **state)
{
    static const struct worker_options options = {
        .endpoint = {"ipc://c", 7}, .name = {"w1", 2}, .nonce = {"n", 1}, .groups = {{"hosting", 7}}, .group_count = 1, .slots = 1,
        .time_limit_ms = TIME_LIMIT_MS, .grace_ms = GRACE_MS, .drain_ms = DRAIN_MS};

    check_start(state);
    pd_arena_init(&arena);
    now_ms = 123456; /* of a machine that was started two minutes ago: no wall clock shows this */
    worker_init(&worker, &options);
    pass(0);
    CHECK_TEXT(pd_text(other.type), "Hello");
    hear_hello();
    hear_ready(false);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    worker_fini(&worker);
    mp_reader_fini(&reader);
    mp_reader_fini(&report.reader);
    mp_reader_fini(&other.reader);
    report = other = (struct sent){0};
    pd_arena_fini(&arena);
    return 0;
}

/* `time_ms`: until its deadline, by the engine's clock at Hello. */
static void
assign(uint64_t task, uint64_t lease, int64_t time_ms)
{
    struct pd_assignment a = {
        .reseller = PD_TEXT("default"), .task = task, .lease = lease, .operation = PD_operation_provision, .instance = PD_TEXT("i"),
        .attempt = 1, .deadline = engine_time + (uint64_t)time_ms * 1000, .customer = PD_TEXT("ana"), .subscription = 1,
        .plan = PD_TEXT("web"), .plan_name = PD_TEXT("Web"), .period = PD_TEXT("1m"), .quantity = 1};
    hear_message("Assignment", pd_block_assignment(), &a);
}

static void
order_to_stop(uint64_t task, uint64_t lease)
{
    struct pd_stop s = {.reseller = PD_TEXT("default"), .task = task, .lease = lease};
    hear_message("Stop", pd_block_stop(), &s);
}

static void
end_run(bool success, bool unasked)
{
    step(&(struct worker_in){.kind = WORKER_ENDED, .job = job, .success = success, .unasked = unasked});
}

static void
accept_report(uint64_t task, uint64_t lease)
{
    struct pd_result_reply r = {.task = task, .lease = lease};
    hear_accepted(&report, pd_block_result_reply(), &r);
}

static void
check_report(const char *type, const char *key, const char *value)
{
    CHECK_EQ(reports, 1);
    CHECK_TEXT(pd_text(report.type), type);
    CHECK_TEXT(mp_find_text(mp_find(&report.message, "data"), key), value);
}

/* The process had ended when the signal was to be sent: what it did counts. */
static void
stop_comes_too_late(void **state)
{
    (void)state;
    assign(4, 1, 3600000);
    CHECK_EQ(starts, 1);
    order_to_stop(4, 1);
    CHECK_EQ(stops, 1);
    order_to_stop(4, 1);
    CHECK_EQ(stops, 0); /* once is enough */
    end_run(true, true);
    CHECK_TEXT(pd_text(report.type), "ReportSuccess");
    order_to_stop(4, 1);
    CHECK_EQ(reports + stops, 0); /* it waits for the answer, whatever is said meanwhile */
    accept_report(4, 1);
    pass(10000);
    CHECK_EQ(reports, 0);
}

/* Success or not, what was asked to end is not done. */
static void
stop_in_time(void **state)
{
    (void)state;
    assign(4, 1, 3600000);
    order_to_stop(4, 1);
    end_run(true, false);
    check_report("ReportRelease", "reason", "stopped");
}

/* The next lease of a task does not begin beside a process of the one before. */
static void
next_lease_while_stopping(void **state)
{
    (void)state;
    worker.options.slots = 2; /* so that it is not for want of one */
    assign(4, 1, 3600000);
    order_to_stop(4, 1);
    assign(4, 2, 3600000);
    CHECK_EQ(starts + stops, 0);
    order_to_stop(4, 1); /* of the old lease, late */
    CHECK_EQ(reports, 0);
    end_run(false, false);
    CHECK_EQ(starts, 1);
    check_report("ReportFailure", "code", "lease_lost"); /* of the old lease: it is stale, but now it is quiet */
    accept_report(4, 1);
    end_run(true, true);
    CHECK_TEXT(pd_text(report.type), "ReportSuccess");
    CHECK_EQ(mp_find(mp_find(&report.message, "data"), "lease")->via.u64, 2);
}

/* By the engine's clock as it was at Hello, and by our own from then on. */
static void
deadline(void **state)
{
    (void)state;
    assign(4, 1, 2000);
    pass(1999);
    CHECK_EQ(stops, 0);
    CHECK_EQ(wake_ms, now_ms + 1);
    pass(1);
    CHECK_EQ(stops, 1);
    end_run(false, false);
    check_report("ReportFailure", "code", "time_limit");
    CHECK(mp_find(mp_find(&report.message, "data"), "retryable")->via.boolean);
    check_report("ReportFailure", "message", "the task's deadline has passed");
}

static void
time_limit(void **state)
{
    (void)state;
    assign(4, 1, 3600000);
    for (int64_t ms = 0; ms < TIME_LIMIT_MS - 1000; ms += 1000) {
        pass(1000);
        keep_alive();
        CHECK_EQ(stops, 0);
    }
    pass(1000);
    CHECK_EQ(stops, 1);
    order_to_stop(4, 1); /* it stays a failure: that is what happened first */
    end_run(false, false);
    check_report("ReportFailure", "message", "over the worker's time limit");
}

/* Said again with the same id, also to another engine process. */
static void
result_survives_silence(void **state)
{
    char first[WORKER_ID_MAX];

    (void)state;
    assign(4, 1, 3600000);
    end_run(true, true);
    memcpy(first, report.id, sizeof first);
    pass(LEASE_MS);
    CHECK_TEXT(pd_text(other.type), "Hello");
    hear_hello();
    CHECK_EQ(reports, 1); /* at once, behind the WorkerReady that names its lease */
    CHECK_TEXT(pd_text(report.id), first);
    hear_ready(false);
    pass(1000);
    CHECK_EQ(reports, 1);
    CHECK_TEXT(pd_text(report.id), first);
    accept_report(4, 1);
    for (int i = 0; i < 20; i++) {
        pass(100);
        CHECK_EQ(reports, 0);
    }
}

/* Ends the runs of three tasks: the first is reported, the others wait for its answer. */
static void
end_three(char ret_first[WORKER_ID_MAX])
{
    size_t jobs[3];

    worker.options.slots = 3;
    for (size_t i = 0; i < 3; i++) {
        assign(4 + i, 1, 3600000);
        CHECK_EQ(starts, 1);
        jobs[i] = job;
    }
    for (size_t i = 0; i < 3; i++) {
        job = jobs[i];
        end_run(true, true);
        CHECK_EQ(reports, i == 0 ? 1 : 0);
        if (i == 0) memcpy(ret_first, report.id, WORKER_ID_MAX);
    }
    CHECK_EQ(wake_ms, now_ms + HEARTBEAT_MS * 2 / 3);
}

static void
results_go_together(void **state)
{
    char                   first[WORKER_ID_MAX], last[WORKER_ID_MAX];
    struct mp_writer       w = {0};
    struct pd_result_reply done = {.task = 6, .lease = 1};
    struct pd_refusal      busy = pd_refuse(PD_E_busy);

    (void)state;
    end_three(first);
    accept_report(4, 1);
    CHECK_EQ(messages, 1);
    CHECK_EQ(reports, 2);
    CHECK_EQ(mp_find(mp_find(&report.message, "data"), "task")->via.u64, 6);
    memcpy(last, report.id, sizeof last);
    /* Each has its own answer: the second of them is done, the first is to come later. */
    busy.retry_after_ms = 300;
    snprintf(first, sizeof first, "n-t%d", atoi(last + 3) - 1);
    mp_array(&w, 2);
    pd_encode_refused(&w, pd_text(first), &busy);
    pd_encode_accepted(&w, pd_text(last), 0, pd_block_result_reply(), &done);
    hear(&w);
    CHECK_EQ(reports, 0);
    pass(300);
    check_report("ReportSuccess", "worker", "w1");
    CHECK_TEXT(pd_text(report.id), first);
    accept_report(5, 1);
    for (int i = 0; i < 20; i++) {
        pass(100);
        CHECK_EQ(reports, 0);
    }
}

/* An older engine takes none, and its refusal says not whose it is. */
static void
results_that_are_refused_together_go_alone(void **state)
{
    char              first[WORKER_ID_MAX];
    struct mp_writer  w = {0};
    struct pd_refusal refusal = pd_refuse_field(PD_E_malformed_message, NULL, "this port takes single maps");

    (void)state;
    end_three(first);
    accept_report(4, 1);
    CHECK_EQ(messages, 1);
    CHECK_EQ(reports, 2);
    pd_encode_refused(&w, (struct pd_text){NULL, 0}, &refusal);
    hear(&w);
    CHECK_EQ(reports, 0);
    pass(1000);
    CHECK_EQ(messages, 2);
    CHECK_EQ(reports, 2);
}

/* A lost answer holds nobody up for longer than it takes to ask again. */
static void
results_wait_for_no_lost_answer(void **state)
{
    char first[WORKER_ID_MAX];

    (void)state;
    end_three(first);
    pass(1000);
    CHECK_EQ(messages, 2);
    CHECK_EQ(reports, 3);
}

/* What runs may finish, until the time for that is over; what waits is given back; then it is over. */
static void
drain(void **state)
{
    (void)state;
    assign(4, 1, 3600000);
    assign(5, 1, 3600000);
    step(&(struct worker_in){.kind = WORKER_DRAIN});
    CHECK_EQ(stops, 0);
    check_report("ReportRelease", "reason", "the worker is leaving");
    accept_report(5, 1);
    assign(6, 1, 3600000);
    check_report("ReportRelease", "reason", "the worker is leaving");
    accept_report(6, 1);
    end_run(true, true);
    CHECK_TEXT(pd_text(report.type), "ReportSuccess");
    CHECK_EQ(exits, 0);
    accept_report(4, 1);
    CHECK_TEXT(pd_text(other.type), "WorkerGoodbye");
    pass(1000);
    CHECK_EQ(exits, 1);
}

/* All that is held is done, also what waits, and what was on its way. */
static void
drained_by_engine(void **state)
{
    (void)state;
    assign(4, 1, 3600000);
    assign(5, 1, 3600000);
    pass(1000);
    hear_ready(true);
    CHECK_EQ(mp_find(mp_find(&other.message, "data"), "credit")->via.u64, 0);
    end_run(true, true);
    CHECK_EQ(starts, 1);
    accept_report(4, 1);
    end_run(true, true);
    CHECK_TEXT(pd_text(report.type), "ReportSuccess");
    accept_report(5, 1);
    CHECK_TEXT(pd_text(other.type), "WorkerGoodbye");
    assign(6, 1, 3600000);
    CHECK_EQ(starts + reports, 0); /* the goodbye has given that back */
    pass(1000);
    CHECK_EQ(exits, 1);
}

/* Nobody answers: it does not wait for ever. */
static void
leave_without_engine(void **state)
{
    (void)state;
    assign(4, 1, 3600000);
    step(&(struct worker_in){.kind = WORKER_LEAVE});
    CHECK_EQ(stops, 1);
    end_run(false, false);
    CHECK_EQ(exits, 0);
    int64_t begun = now_ms;
    while (exits == 0 && now_ms < begun + 60000) pass(wake_ms > now_ms ? wake_ms - now_ms : 1);
    CHECK(now_ms - begun <= GRACE_MS + 5000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(stop_comes_too_late, begin, end),
        cmocka_unit_test_setup_teardown(stop_in_time, begin, end),
        cmocka_unit_test_setup_teardown(next_lease_while_stopping, begin, end),
        cmocka_unit_test_setup_teardown(deadline, begin, end),
        cmocka_unit_test_setup_teardown(time_limit, begin, end),
        cmocka_unit_test_setup_teardown(result_survives_silence, begin, end),
        cmocka_unit_test_setup_teardown(results_go_together, begin, end),
        cmocka_unit_test_setup_teardown(results_that_are_refused_together_go_alone, begin, end),
        cmocka_unit_test_setup_teardown(results_wait_for_no_lost_answer, begin, end),
        cmocka_unit_test_setup_teardown(drain, begin, end),
        cmocka_unit_test_setup_teardown(drained_by_engine, begin, end),
        cmocka_unit_test_setup_teardown(leave_without_engine, begin, end),
    };
    return RUN(tests);
}
