/* worker.c - what the engine, or whoever sits there, sends to a worker: frames, each behind two bytes of its length. Whatever
 * comes, all that the worker sends is a request of the right form, and its socket is opened to some endpoint. */
#include "clients/worker/worker.h"

#include <stdio.h>

#include "proto/framing.h"
#include "tests/fuzz/fuzz.h"

static const struct worker_options options = {.endpoint = {"ipc://x", 7}, .name = {"w1", 2}, .nonce = {"n", 1},
                                              .groups = {{"hosting", 7}}, .group_count = 1, .slots = 2,
                                              .time_limit_ms = 5000, .grace_ms = 1000};
static struct worker worker;
static char          last_id[WORKER_ID_MAX]; /* of what was sent */

static void
check_request(struct pd_text bytes)
{
    static struct pd_arena arena;
    struct pd_message      m;
    struct pd_refusal      refusal;

    pd_arena_reset(&arena);
    struct mp_cursor c = mp_cursor_of(mp_find_packed(bytes, "type"));
    struct pd_text   type = mp_take_text(&c);
    enum pd_port     port = pd_text_equal(type, PD_TEXT("Hello")) ? PD_port_commands : PD_port_workers;
    /* Resellers, tasks and leases are as the other side gave them; the rest is the worker's own. */
    if (!pd_decode_request(&arena, port, bytes, &m, &refusal))
        PD_CHECK(strcmp(refusal.field, "reseller") == 0 || strcmp(refusal.field, "task") == 0 ||
                 strcmp(refusal.field, "lease") == 0 || strncmp(refusal.field, "leases[", 7) == 0);
    snprintf(last_id, sizeof last_id, "%.*s", (int)m.envelope.id.size, m.envelope.id.data);
}

static void
check_sent(struct pd_text frame)
{
    struct mp_scan   scan;
    struct mp_cursor c = mp_cursor_of(frame);

    PD_CHECK(mp_scan(frame.data, frame.size, &scan));
    size_t count = mp_take_array(&c);
    if (c.failed) check_request(frame);
    for (; count > 0; count--) check_request(mp_take_packed(&c));
}

/* A step; a job that is started ends at once, one way or another by turns, or runs until it is told to stop. */
static void
step(int64_t *now, const struct worker_in *in)
{
    struct worker_in ended[WORKER_JOBS_MAX];
    int64_t          wake;
    size_t           count = 0;

    *now += 100;
    for (struct worker_action *a = worker_step(&worker, *now, in, &wake); a != NULL; a = a->next) {
        if (a->kind == WORKER_SEND) check_sent(a->text);
        PD_CHECK(a->kind != WORKER_OPEN || a->text.data != NULL);
        if ((a->kind == WORKER_START && a->task->attempt % 2 == 0) || a->kind == WORKER_STOP) {
            PD_CHECK(count < WORKER_JOBS_MAX);
            ended[count++] = (struct worker_in){.kind = WORKER_ENDED, .job = a->job, .unasked = a->kind == WORKER_START,
                                                .success = a->job % 2 == 0};
        }
    }
    for (size_t i = 0; i < count; i++) step(now, &ended[i]);
}

static void
hear(int64_t *now, const void *frame, size_t size)
{
    step(now, &(struct worker_in){.kind = WORKER_FRAME, .text = {frame, size}});
}

/* Hello and WorkerReady as a real engine answers them, so that the fuzzer need not guess. */
static void
greet(int64_t *now)
{
    struct mp_writer          w = {0};
    struct pd_endpoints       e = {PD_TEXT("ipc://c"), PD_TEXT("ipc://e"), PD_TEXT("ipc://q"), PD_TEXT("ipc://w"), 0};
    struct pd_protocol_limits limits = {.frame_bytes = 1};
    struct pd_hello_reply     hello = {.protocol = 1, .software = PD_TEXT("0"), .log = PD_TEXT("0"), .endpoints = &e,
                                       .time = 1767225600000000,
                                       .limits = &limits};
    struct pd_worker_reply    ready = {.heartbeat_ms = 5000, .lease_ms = 30000};

    step(now, &(struct worker_in){.kind = WORKER_TICK});
    pd_encode_accepted(&w, pd_text(last_id), 0, pd_block_hello_reply(), &hello);
    hear(now, w.data, w.size);
    mp_writer_clear(&w);
    pd_encode_accepted(&w, pd_text(last_id), 0, pd_block_worker_reply(), &ready);
    hear(now, w.data, w.size);
    mp_writer_fini(&w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t now = 1000;

    if (!fuzz_claims_little(data, size)) return -1;
    worker_init(&worker, &options);
    greet(&now);
    while (size >= 2) {
        size_t frame = (size_t)data[0] << 8 | data[1];
        if (frame > size - 2) frame = size - 2;
        hear(&now, data + 2, frame);
        data += 2 + frame;
        size -= 2 + frame;
    }
    step(&now, &(struct worker_in){.kind = WORKER_DRAIN});
    step(&now, &(struct worker_in){.kind = WORKER_LEAVE});
    for (int i = 0; i < 100 && worker.phase != WORKER_GONE; i++) step(&now, &(struct worker_in){.kind = WORKER_TICK});
    PD_CHECK(worker.phase == WORKER_GONE);
    worker_fini(&worker);
    return 0;
}
