/* bench.c - the load of scripts/bench: a bare ZeroMQ echo, and the life of orders, with a window of outstanding messages.
 *
 *   bench echo-server ENDPOINT REPLY_BYTES
 *   bench echo ENDPOINT REQUEST_BYTES OUTSTANDING SECONDS
 *   bench lifecycle COMMANDS WORKERS OUTSTANDING SECONDS RUN
 *
 * The last two print one JSON line. A lifecycle finishes afterwards, unmeasured, what it has begun: the next one is to find no
 * task that is not its own. Bounded in time; only to endpoints on this machine. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zmq.h>

#include "engine/base/decimal.h"
#include "proto/check.h"
#include "tests/bench/load.h"

enum { RESELLERS = 16, SAGAS_MAX = 16384, READY_US = 5000000, FINISH_US = 20000000 };

/* ---- echo ---------------------------------------------------------------------------------------------------------- */

static int
echo_server(const char *endpoint, size_t reply_bytes)
{
    void *context = zmq_ctx_new(), *s = load_socket(context, ZMQ_ROUTER, endpoint, true);
    char *reply = calloc(1, reply_bytes + 1);
    char  identity[256], body[65536];

    for (;;) {
        int size = zmq_recv(s, identity, sizeof identity, 0);
        if (size < 0 || zmq_recv(s, body, sizeof body, 0) < 0) return 0;
        zmq_send(s, identity, (size_t)size, ZMQ_SNDMORE);
        zmq_send(s, reply, reply_bytes, 0);
    }
}

static int
echo(const char *endpoint, size_t bytes, int outstanding, double seconds)
{
    void    *context = zmq_ctx_new(), *s = load_socket(context, ZMQ_DEALER, endpoint, false);
    char    *body = calloc(1, bytes + 1), in[65536];
    uint64_t count = 0, start = load_now_us(), end = start + (uint64_t)(seconds * 1e6);

    for (int i = 0; i < outstanding; i++) zmq_send(s, body, bytes, 0);
    while (load_now_us() < end)
        for (int i = 0; i < 256; i++) {
            zmq_recv(s, in, sizeof in, 0);
            zmq_send(s, body, bytes, 0);
            count++;
        }
    printf("{\"count\":%" PRIu64 ",\"rate\":%.0f}\n", count, (double)count * 1e6 / (double)(load_now_us() - start));
    zmq_close(s);
    zmq_ctx_term(context);
    return 0;
}

/* ---- lifecycle ----------------------------------------------------------------------------------------------------- */

/* One order after another: added, confirmed, opened, its task's success reported. */
struct saga {
    uint64_t number; /* of the order it is at; names reference and domain */
    uint64_t sent_us;
};

struct load {
    void            *commands, *workers;
    const char      *run;
    struct saga      sagas[SAGAS_MAX];
    uint64_t         orders, answers, refusals, sent_bytes, received_bytes, messages, completed;
    struct load_times times;
    bool             ending;
    size_t           ended; /* sagas that begin no more orders */
    uint64_t         ready_us; /* when the worker is to be heard of again */
    uint64_t         now_us; /* read once for the messages that are taken together */
    struct mp_writer w;
};

static void
send_request(struct load *l, void *socket)
{
    PD_CHECK(zmq_send(socket, l->w.data, l->w.size, 0) >= 0);
    l->sent_bytes += l->w.size;
    l->messages++;
}

/* Texts are put together by hand: printf would be a quarter of the client's time, on the cores that the engine wants. */
static char *
add_text(char *at, const char *text)
{
    while (*text != '\0') *at++ = *text++;
    *at = '\0';
    return at;
}

static char *
add_number(char *at, uint64_t n)
{
    at = decimal_put(at, n);
    *at = '\0';
    return at;
}

/* "<step>-<saga>-<run>-<order>": tells both when it comes back. */
static void
name_step(const struct load *l, char step, size_t saga, char id[64])
{
    *id = step;
    char *at = add_number(add_text(id + 1, "-"), saga);
    add_number(add_text(add_text(add_text(at, "-"), l->run), "-"), l->sagas[saga].number);
}

/* "<order>-<saga>-<run>" */
static void
name_reference(const struct load *l, size_t saga, char reference[64])
{
    char *at = add_number(reference, l->sagas[saga].number);
    add_text(add_text(add_number(add_text(at, "-"), saga), "-"), l->run);
}

/* Sends step 'a', 'c' or 'o' of a saga. */
static void
send_step(struct load *l, size_t saga, char step)
{
    struct saga *s = &l->sagas[saga];
    char         id[64], reseller[32], reference[64], domain[64];

    name_step(l, step, saga, id);
    add_number(add_text(reseller, "reseller-"), saga % RESELLERS);
    name_reference(l, saga, reference);
    s->sent_us = l->now_us;
    if (step == 'a') {
        add_text(add_number(add_text(add_text(add_text(domain, "d"), l->run), "-"), s->number), ".es");
        load_request(&l->w, "AddOrder", id, reseller, 3);
        load_text(&l->w, "customer", "ana");
        mp_key(&l->w, "items");
        mp_array(&l->w, 1);
        mp_map(&l->w, 3);
        load_text(&l->w, "plan", "web");
        load_text(&l->w, "period", "1y");
        load_text(&l->w, "domain", domain);
        load_text(&l->w, "reference", reference);
    } else {
        load_request(&l->w, step == 'c' ? "ConfirmOrder" : "OpenOrder", id, reseller, 1);
        load_text(&l->w, "reference", reference);
    }
    send_request(l, l->commands);
}

static void
next_order(struct load *l, size_t saga)
{
    if (l->ending) {
        l->ended++;
        return;
    }
    l->sagas[saga].number = ++l->orders;
    send_step(l, saga, 'a');
}

/* An answer begins {"id": "<step>-<saga>-...", "ok": true. */
static void
take_answer(struct load *l, const char *bytes, size_t size)
{
    const char    *end = bytes + size, *id = bytes + 4, *after = mp_skip(id, end);
    size_t         header = (unsigned char)*id >= 0xd9 ? 2 : 1;
    bool           ok = after != NULL && after + 3 < end && (unsigned char)after[3] == 0xc3;
    char           step = id[header];
    size_t         saga = strtoul(id + header + 2, NULL, 10);

    l->received_bytes += size;
    l->answers++;
    if (step == 'w') { /* WorkerReady's */
        l->answers--;
        return;
    }
    load_count(&l->times, l->now_us - l->sagas[saga].sent_us);
    if (!ok) {
        if (l->refusals++ < 3) fprintf(stderr, "refused: %.*s\n", (int)size, bytes);
        if (step != 'r') next_order(l, saga);
        return;
    }
    if (step == 'a') send_step(l, saga, 'c');
    else if (step == 'c') send_step(l, saga, 'o');
    else if (step == 'r') {
        l->completed++;
        next_order(l, saga);
    }
}

/* An assignment: report success at once, under the saga that its reference names. */
static void
take_assignment(struct load *l, const char *bytes, size_t size)
{
    const char *reseller = load_after(bytes, size, "\xa8reseller"), *reference = load_after(bytes, size, "\xa9reference");
    uint64_t    task = load_uint(load_after(bytes, size, "\xa4task")), lease = load_uint(load_after(bytes, size, "\xa5lease"));
    char        id[64], name[40], *after;
    size_t      reseller_size = (unsigned char)*reseller & 0x1f, run_size = strlen(l->run);
    uint64_t    order = strtoull(reference + 1, &after, 10);
    size_t      saga = strtoul(after + 1, &after, 10);

    /* What an earlier run left is not ours to report. */
    if (saga >= SAGAS_MAX || l->sagas[saga].number != order || memcmp(after + 1, l->run, run_size) != 0) return;
    memcpy(name, reseller + 1, reseller_size);
    name[reseller_size] = '\0';
    name_step(l, 'r', saga, id);
    load_request(&l->w, "ReportSuccess", id, name, 4);
    load_text(&l->w, "worker", "bench");
    mp_key(&l->w, "task");
    mp_uint(&l->w, task);
    mp_key(&l->w, "lease");
    mp_uint(&l->w, lease);
    mp_key(&l->w, "parameters");
    mp_map(&l->w, 1);
    load_text(&l->w, "login", "https://panel.example/login");
    l->sagas[saga].sent_us = l->now_us;
    send_request(l, l->workers);
}

static void
send_ready(struct load *l)
{
    load_request(&l->w, "WorkerReady", "w", "reseller-0", 3);
    load_text(&l->w, "worker", "bench");
    mp_key(&l->w, "groups");
    mp_array(&l->w, 1);
    mp_key(&l->w, "hosting");
    mp_key(&l->w, "credit");
    mp_uint(&l->w, 1024);
    PD_CHECK(zmq_send(l->workers, l->w.data, l->w.size, 0) >= 0);
}

static void
drain(struct load *l, void *socket, bool worker)
{
    char in[65536];
    int  size;
    for (int i = 0; i < 256 && (size = zmq_recv(socket, in, sizeof in, ZMQ_DONTWAIT)) > 0; i++) {
        /* An assignment begins {"type": ... */
        if (worker && (unsigned char)in[1] == 0xa4) take_assignment(l, in, (size_t)size);
        else take_answer(l, in, (size_t)size);
    }
}

/* Until then, and, at an end, no longer than until all sagas have come to theirs. */
static void
run_until(struct load *l, uint64_t end_us, size_t outstanding)
{
    zmq_pollitem_t items[2] = {{.socket = l->commands, .events = ZMQ_POLLIN}, {.socket = l->workers, .events = ZMQ_POLLIN}};

    while ((l->now_us = load_now_us()) < end_us && l->ended < outstanding) {
        zmq_poll(items, 2, 100);
        l->now_us = load_now_us();
        if (items[0].revents) drain(l, l->commands, false);
        if (items[1].revents) drain(l, l->workers, true);
        if (l->now_us > l->ready_us) {
            send_ready(l);
            l->ready_us += READY_US;
        }
    }
}

static void
say_lifecycle(const struct load *l, uint64_t elapsed_us)
{
    printf("{\"count\":%" PRIu64 ",\"rate\":%.0f,\"completed\":%" PRIu64 ",\"refusals\":%" PRIu64
           ",\"request_bytes\":%.0f,\"reply_bytes\":%.0f,\"p50_us\":%" PRIu64 ",\"p99_us\":%" PRIu64
           ",\"max_us\":%" PRIu64 "}\n",
           l->answers, (double)l->answers * 1e6 / (double)elapsed_us, l->completed, l->refusals,
           (double)l->sent_bytes / (double)l->messages, (double)l->received_bytes / (double)l->answers,
           load_percentile(&l->times, 0.5), load_percentile(&l->times, 0.99), load_percentile(&l->times, 1));
}

static int
lifecycle(const char *commands, const char *workers, size_t outstanding, double seconds, const char *run)
{
    static struct load l;
    void              *context = zmq_ctx_new();

    PD_CHECK(outstanding <= SAGAS_MAX);
    l.run = run;
    l.commands = load_socket(context, ZMQ_DEALER, commands, false);
    l.workers = load_socket(context, ZMQ_DEALER, workers, false);
    for (unsigned i = 0; i < RESELLERS; i++) load_shop(&l.w, l.commands, l.run, i, "worker");
    send_ready(&l);
    uint64_t start = l.now_us = load_now_us();
    l.ready_us = start + READY_US;
    l.sent_bytes = l.messages = 0;
    for (size_t i = 0; i < outstanding; i++) next_order(&l, i);
    run_until(&l, start + (uint64_t)(seconds * 1e6), outstanding);
    say_lifecycle(&l, load_now_us() - start);
    l.ending = true;
    run_until(&l, load_now_us() + FINISH_US, outstanding);
    zmq_close(l.commands);
    zmq_close(l.workers);
    zmq_ctx_term(context);
    mp_writer_fini(&l.w);
    if (l.ended < outstanding) fprintf(stderr, "%zu orders were not finished\n", outstanding - l.ended);
    return l.refusals == 0 && l.ended == outstanding ? 0 : 1;
}

int
main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "echo-server") == 0) return echo_server(argv[2], strtoul(argv[3], NULL, 10));
    if (argc == 6 && strcmp(argv[1], "echo") == 0)
        return echo(argv[2], strtoul(argv[3], NULL, 10), atoi(argv[4]), atof(argv[5]));
    if (argc == 7 && strcmp(argv[1], "lifecycle") == 0)
        return lifecycle(argv[2], argv[3], strtoul(argv[4], NULL, 10), atof(argv[5]), argv[6]);
    fputs("bench echo-server|echo|lifecycle ...; see scripts/bench\n", stderr);
    return 2;
}
