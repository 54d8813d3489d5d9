/* fill.c - a log of many orders, written as commands: arrays of them, several outstanding. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#include "engine/base/decimal.h"
#include "proto/check.h"
#include "tests/bench/reading.h"

enum { BATCH = 200, WINDOW = 16, COMMANDS_MAX = 1024 };

struct filling {
    void            *socket;
    uint64_t         customers; /* of each reseller */
    struct mp_writer batch, all; /* the commands; with the array's head before them */
    size_t           count;     /* of the batch */
    uint64_t         sent, answered;
    size_t           outstanding;
};

static void
count_answers(const char *at, const char *end, uint64_t *answered)
{
    while ((at = memmem(at, (size_t)(end - at), "\xa2ok", 3)) != NULL) {
        if ((unsigned char)at[3] != 0xc3) {
            fprintf(stderr, "refused: %.*s\n", (int)(end - at < 200 ? end - at : 200), at);
            exit(EXIT_FAILURE);
        }
        ++*answered;
        at += 3;
    }
}

static void
take_answer(struct filling *f)
{
    zmq_msg_t answer;

    zmq_msg_init(&answer);
    PD_CHECK(zmq_msg_recv(&answer, f->socket, 0) >= 0);
    const char *at = zmq_msg_data(&answer);
    count_answers(at, at + zmq_msg_size(&answer), &f->answered);
    zmq_msg_close(&answer);
    f->outstanding--;
}

static void
send_batch(struct filling *f)
{
    if (f->count == 0) return;
    while (f->outstanding >= WINDOW) take_answer(f);
    mp_writer_clear(&f->all);
    mp_array(&f->all, f->count);
    mp_raw(&f->all, f->batch.data, f->batch.size);
    PD_CHECK(zmq_send(f->socket, f->all.data, f->all.size, 0) >= 0);
    f->outstanding++;
    f->sent += f->count;
    f->count = 0;
    mp_writer_clear(&f->batch);
}

static void
add_command(struct filling *f, const char *type, char step, uint64_t n, size_t fields)
{
    char id[32] = {step}, reseller[32] = "reseller-";

    *decimal_put(id + 1, n) = '\0';
    *decimal_put(reseller + strlen("reseller-"), n % RESELLERS) = '\0';
    load_add_request(&f->batch, type, id, reseller, fields);
    f->count++;
}

static void
add_reference(struct filling *f, const char *type, char step, uint64_t n)
{
    add_command(f, type, step, n, 1);
    load_numbered(&f->batch, "reference", "", n);
}

/* What becomes of an order goes round by customer as well: each has of all. */
static void
add_order(struct filling *f, uint64_t n)
{
    uint64_t of_reseller = n / RESELLERS, customer = of_reseller % f->customers;
    uint64_t fate = (customer + of_reseller / f->customers) % 10;

    add_command(f, "AddOrder", 'a', n, 3);
    load_numbered(&f->batch, "customer", "c", customer);
    mp_key(&f->batch, "items");
    mp_array(&f->batch, 1);
    mp_map(&f->batch, 3);
    load_text(&f->batch, "plan", "web");
    load_text(&f->batch, "period", "1y");
    mp_key(&f->batch, "domain");
    char domain[40] = "d";
    mp_text(&f->batch, (struct pd_text){domain, (size_t)(stpcpy(decimal_put(domain + 1, n), ".es") - domain)});
    load_numbered(&f->batch, "reference", "", n);
    if (fate < OF_TEN_DRAFT) return;
    if (fate == OF_TEN_DRAFT) {
        add_reference(f, "CancelOrder", 'x', n);
        return;
    }
    add_reference(f, "ConfirmOrder", 'c', n);
    if (fate >= 10 - OF_TEN_COMPLETED) add_reference(f, "OpenOrder", 'o', n);
}

static void
add_customers(struct filling *f)
{
    for (uint64_t n = 0; n < f->customers * RESELLERS; n++) {
        add_command(f, "PutCustomer", 'p', n, 2);
        load_numbered(&f->batch, "customer", "c", n / RESELLERS);
        load_numbered(&f->batch, "name", "Customer ", n / RESELLERS);
        if (f->count == COMMANDS_MAX / 2) send_batch(f);
    }
    send_batch(f);
}

int
fill(const char *commands, uint64_t from, uint64_t to, uint64_t orders)
{
    void          *context = zmq_ctx_new();
    struct filling f = {.socket = load_socket(context, ZMQ_DEALER, commands, false), .customers = orders / ORDERS_STEP};

    PD_CHECK(orders > 0 && orders % ORDERS_STEP == 0 && from <= to && to <= orders);
    if (from == 0) {
        for (unsigned i = 0; i < RESELLERS; i++) load_shop(&f.all, f.socket, "fill", i, "none");
        add_customers(&f);
    }
    while (f.outstanding > 0) take_answer(&f);
    uint64_t begun = load_now_us(), before = f.answered;
    for (uint64_t n = from; n < to; n++) {
        add_order(&f, n);
        if (n % BATCH == BATCH - 1) send_batch(&f);
    }
    send_batch(&f);
    while (f.outstanding > 0) take_answer(&f);
    double seconds = (double)(load_now_us() - begun) / 1e6;
    printf("{\"orders\":%" PRIu64 ",\"commands\":%" PRIu64 ",\"answered\":%" PRIu64 ",\"seconds\":%.3f}\n", to - from,
           f.sent - before, f.answered - before, seconds);
    zmq_close(f.socket);
    zmq_ctx_term(context);
    mp_writer_fini(&f.batch);
    mp_writer_fini(&f.all);
    return f.sent == f.answered ? EXIT_SUCCESS : EXIT_FAILURE;
}
