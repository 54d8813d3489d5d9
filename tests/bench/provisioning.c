/* provisioning.c - the load of scripts/bench on tasks and waits. It stops between two acts, so that the engine can be looked at:
 * after the line that says what is there it waits for one on standard input.
 *
 *   provisioning tasks COMMANDS WORKERS COUNT PROVISIONING RUN   opens COUNT orders; then 4 workers of credit 256 do their tasks
 *   provisioning waits COMMANDS COUNT RUN                        COUNT CheckStatus are held; then their order changes
 *
 * Only to endpoints on this machine. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#include "proto/check.h"
#include "tests/bench/load.h"

enum { RESELLERS = 16, WINDOW = 1024, WORKERS = 4, CREDIT = 256, FEW = 100 };

static struct mp_writer w;

static void
pause_for_a_look(void)
{
    char line[16];
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL) exit(EXIT_SUCCESS);
}

/* ---- orders -------------------------------------------------------------------------------------------------------- */

/* "<step>-<order>-<run>"; the order's reference is "<order>-<run>". */
static void
send_step(void *commands, char step, uint64_t order, const char *run)
{
    char id[64], reseller[32], reference[64], domain[64];

    snprintf(id, sizeof id, "%c-%" PRIu64 "-%s", step, order, run);
    snprintf(reseller, sizeof reseller, "reseller-%" PRIu64, order % RESELLERS);
    snprintf(reference, sizeof reference, "%" PRIu64 "-%s", order, run);
    if (step == 'a') {
        snprintf(domain, sizeof domain, "d%s-%" PRIu64 ".es", run, order);
        load_request(&w, "AddOrder", id, reseller, 3);
        load_text(&w, "customer", "ana");
        mp_key(&w, "items");
        mp_array(&w, 1);
        mp_map(&w, 3);
        load_text(&w, "plan", "web");
        load_text(&w, "period", "1y");
        load_text(&w, "domain", domain);
        load_text(&w, "reference", reference);
    } else {
        load_request(&w, step == 'c' ? "ConfirmOrder" : "OpenOrder", id, reseller, 1);
        load_text(&w, "reference", reference);
    }
    PD_CHECK(zmq_send(commands, w.data, w.size, 0) >= 0);
}

/* An answer begins {"id": "<step>-<order>-...", "ok": true. */
static char
read_step(const char *in, size_t size, uint64_t *ret_order)
{
    const char *id = in + 4;
    size_t      header = (unsigned char)*id >= 0xd9 ? 2 : 1;

    PD_CHECK(memmem(in, size, "\xa2ok\xc3", 4) != NULL);
    *ret_order = strtoull(id + header + 2, NULL, 10);
    return id[header];
}

static double
open_orders(void *commands, uint64_t count, const char *run)
{
    uint64_t begun = load_now_us(), sent = 0, opened = 0, order;
    char     in[65536];

    while (sent < count && sent < WINDOW) send_step(commands, 'a', ++sent, run);
    while (opened < count) {
        int  size = zmq_recv(commands, in, sizeof in, 0);
        char step = read_step(in, (size_t)size, &order);
        if (step == 'a') send_step(commands, 'c', order, run);
        else if (step == 'c') send_step(commands, 'o', order, run);
        else if (++opened && sent < count) send_step(commands, 'a', ++sent, run);
    }
    return (double)(load_now_us() - begun) / 1e6;
}

/* ---- workers ------------------------------------------------------------------------------------------------------- */

static void
say_ready(void *socket, int worker)
{
    char name[16];

    snprintf(name, sizeof name, "bench-%d", worker);
    load_request(&w, "WorkerReady", "w", "reseller-0", 3);
    load_text(&w, "worker", name);
    mp_key(&w, "groups");
    mp_array(&w, 1);
    mp_key(&w, "hosting");
    mp_key(&w, "credit");
    mp_uint(&w, CREDIT);
    PD_CHECK(zmq_send(socket, w.data, w.size, 0) >= 0);
}

static void
report(void *socket, int worker, const char *in, size_t size)
{
    uint64_t    task = load_uint(load_after(in, size, "\xa4task")), lease = load_uint(load_after(in, size, "\xa5lease"));
    const char *reseller = load_after(in, size, "\xa8reseller");
    char        name[16], owner[40], id[64];
    size_t      owner_size = (unsigned char)*reseller & 0x1f;

    memcpy(owner, reseller + 1, owner_size);
    owner[owner_size] = '\0';
    snprintf(name, sizeof name, "bench-%d", worker);
    snprintf(id, sizeof id, "r-%" PRIu64 "-%s", task, owner);
    load_request(&w, "ReportSuccess", id, owner, 4);
    load_text(&w, "worker", name);
    mp_key(&w, "task");
    mp_uint(&w, task);
    mp_key(&w, "lease");
    mp_uint(&w, lease);
    mp_key(&w, "parameters");
    mp_map(&w, 1);
    load_text(&w, "login", "https://panel.example/login");
    PD_CHECK(zmq_send(socket, w.data, w.size, 0) >= 0);
}

/* What a worker's socket holds: assignments are reported on at once. How many reports were answered. */
static uint64_t
serve_worker(void *socket, int worker)
{
    char     in[65536];
    uint64_t done = 0;

    for (int size; (size = zmq_recv(socket, in, sizeof in, ZMQ_DONTWAIT)) > 0;) {
        /* An assignment begins {"type": ..., an answer {"id": "r-... or "w" */
        if ((unsigned char)in[1] == 0xa4) report(socket, worker, in, (size_t)size);
        else if (in[5] == 'r') {
            PD_CHECK(memmem(in, (size_t)size, "\xa2ok\xc3", 4) != NULL);
            done++;
        }
    }
    return done;
}

static double
do_tasks(void *context, const char *endpoint, uint64_t count)
{
    zmq_pollitem_t items[WORKERS];
    uint64_t       begun = load_now_us(), done = 0, ready = begun;

    for (int i = 0; i < WORKERS; i++)
        items[i] = (zmq_pollitem_t){.socket = load_socket(context, ZMQ_DEALER, endpoint, false), .events = ZMQ_POLLIN};
    while (done < count) {
        for (int i = 0; i < WORKERS && load_now_us() >= ready; i++) say_ready(items[i].socket, i);
        if (load_now_us() >= ready) ready = load_now_us() + 5000000;
        zmq_poll(items, WORKERS, 100);
        for (int i = 0; i < WORKERS; i++)
            if (items[i].revents != 0) done += serve_worker(items[i].socket, i);
    }
    double seconds = (double)(load_now_us() - begun) / 1e6;
    for (int i = 0; i < WORKERS; i++) zmq_close(items[i].socket);
    return seconds;
}

static int
tasks(const char *commands, const char *workers, uint64_t count, const char *provisioning, const char *run)
{
    void *context = zmq_ctx_new(), *socket = load_socket(context, ZMQ_DEALER, commands, false);

    for (unsigned i = 0; i < RESELLERS; i++) load_shop(&w, socket, run, i, provisioning);
    printf("{\"ready\":true}\n");
    pause_for_a_look();
    double seconds = open_orders(socket, count, run);
    printf("{\"opened\":%" PRIu64 ",\"seconds\":%.3f}\n", count, seconds);
    pause_for_a_look();
    if (strcmp(provisioning, "worker") == 0) {
        seconds = do_tasks(context, workers, count);
        printf("{\"tasks\":%" PRIu64 ",\"rate\":%.0f}\n", count, (double)count / seconds);
    }
    zmq_close(socket);
    zmq_ctx_term(context);
    mp_writer_fini(&w);
    return EXIT_SUCCESS;
}

/* ---- waits --------------------------------------------------------------------------------------------------------- */

static void
send_status(void *socket, const char *id, const char *reference, bool held)
{
    load_request(&w, "CheckStatus", id, "reseller-1", held ? 2 : 1);
    load_text(&w, "reference", reference);
    if (held) {
        mp_key(&w, "wait_ms");
        mp_uint(&w, 300000);
    }
    PD_CHECK(zmq_send(socket, w.data, w.size, 0) >= 0);
}

/* Few at a time, so that what they cost is not what any burst leaves behind in arenas and queues. */
static void
hold(void *socket, uint64_t count, const char *reference)
{
    char id[64], in[4096];

    for (uint64_t i = 0; i < count; i++) {
        snprintf(id, sizeof id, "h-%" PRIu64, i);
        send_status(socket, id, reference, true);
        if (i % FEW != FEW - 1 && i != count - 1) continue;
        send_status(socket, "s", reference, false); /* answered behind them: they are held */
        PD_CHECK(zmq_recv(socket, in, sizeof in, 0) > 0);
    }
}

static int
waits(const char *commands, uint64_t count, const char *run)
{
    void *context = zmq_ctx_new(), *socket = load_socket(context, ZMQ_DEALER, commands, false);
    char  reference[64], in[65536];

    snprintf(reference, sizeof reference, "1-%s", run);
    for (unsigned i = 0; i < RESELLERS; i++) load_shop(&w, socket, run, i, "worker");
    open_orders(socket, 1, run);
    printf("{\"ready\":true}\n");
    pause_for_a_look();
    hold(socket, count, reference);
    printf("{\"held\":%" PRIu64 "}\n", count);
    pause_for_a_look();
    uint64_t begun = load_now_us();
    load_request(&w, "CancelOrder", "x", "reseller-1", 1);
    load_text(&w, "reference", reference);
    PD_CHECK(zmq_send(socket, w.data, w.size, 0) >= 0);
    for (uint64_t i = 0; i < count + 1; i++) PD_CHECK(zmq_recv(socket, in, sizeof in, 0) > 0);
    printf("{\"answered\":%" PRIu64 ",\"ms\":%.1f}\n", count, (double)(load_now_us() - begun) / 1e3);
    zmq_close(socket);
    zmq_ctx_term(context);
    mp_writer_fini(&w);
    return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
    if (argc == 7 && strcmp(argv[1], "tasks") == 0) return tasks(argv[2], argv[3], strtoull(argv[4], NULL, 10), argv[5], argv[6]);
    if (argc == 5 && strcmp(argv[1], "waits") == 0) return waits(argv[2], strtoull(argv[3], NULL, 10), argv[4]);
    fputs("provisioning tasks|waits ...; see scripts/bench\n", stderr);
    return 2;
}
