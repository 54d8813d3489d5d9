/* ask.c - lists and gets of a filled log, so many outstanding, perhaps at a pace; each answer is held against what is in it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zmq.h>

#include "engine/base/decimal.h"
#include "proto/check.h"
#include "tests/bench/reading.h"

/* FAR is in resellers for which the writer has no orders: what stands behind a cursor is known. */
enum {
    SLOTS_MAX = 1024,
    FAR_FIRST = 50, FAR_COUNT = 8, FAR_PAGE = 1000,
    SHORT_PAGE = OF_CUSTOMER, PAGE = 50,
    LOST_US = 10000000,
};

enum kind { CUSTOMER, STATE, FAR, ORDER, PANEL, KINDS };
static const char *const names[KINDS] = {"customer", "state", "far", "order", "panel"};

struct asker {
    void             *socket;
    struct mp_writer  w;
    enum kind         first;
    size_t            kinds; /* from `first` on, in turns */
    bool              fresh; /* with all that was committed when they come; else as the views are */
    uint64_t          orders, random;
    char              cursors[FAR_COUNT][80];
    struct {
        uint64_t  sent_us, rows;
        enum kind kind;
    } slots[SLOTS_MAX];
    size_t            free[SLOTS_MAX], free_count;
    uint64_t          asked, answered, refused, wrong;
    struct load_times times;
};

static uint64_t
draw(struct asker *a, uint64_t below)
{
    a->random ^= a->random << 13;
    a->random ^= a->random >> 7;
    a->random ^= a->random << 17;
    return a->random % below;
}

static void
pack_limit(struct asker *a, uint64_t limit)
{
    mp_key(&a->w, "sort");
    mp_key(&a->w, "newest");
    mp_key(&a->w, "limit");
    mp_uint(&a->w, limit);
}

/* A request's head, up to and without what is its own; `more` keys follow, the last of them `data`. */
static void
pack_head(struct asker *a, const char *type, uint64_t id, uint64_t reseller, size_t more)
{
    mp_writer_clear(&a->w);
    mp_map(&a->w, 3 + more + !a->fresh);
    load_text(&a->w, "type", type);
    load_numbered(&a->w, "id", "", id);
    load_numbered(&a->w, "reseller", "reseller-", reseller);
    if (a->fresh) return;
    mp_key(&a->w, "at_least");
    mp_uint(&a->w, 0);
}

static void
pack_data(struct asker *a, size_t fields)
{
    mp_key(&a->w, "data");
    mp_map(&a->w, fields);
}

/* How many rows it must have. */
static uint64_t
pack_query(struct asker *a, enum kind kind, size_t slot)
{
    uint64_t of_reseller = a->orders / RESELLERS, reseller = draw(a, RESELLERS), customer = draw(a, of_reseller / OF_CUSTOMER);

    switch (kind) {
    case CUSTOMER:
        pack_head(a, "ListOrders", slot, reseller, 3);
        pack_limit(a, SHORT_PAGE);
        pack_data(a, 1);
        load_numbered(&a->w, "customer", "c", customer);
        return SHORT_PAGE;
    case STATE:
        pack_head(a, "ListOrders", slot, reseller, 3);
        pack_limit(a, PAGE);
        pack_data(a, 1);
        load_text(&a->w, "state", "cancelled");
        return of_reseller * CANCELLED_OF_TEN / 10 < PAGE ? of_reseller * CANCELLED_OF_TEN / 10 : PAGE;
    case FAR:
        pack_head(a, "ListOrders", slot, FAR_FIRST + reseller % FAR_COUNT, 4);
        pack_limit(a, PAGE);
        load_text(&a->w, "cursor", a->cursors[reseller % FAR_COUNT]);
        pack_data(a, 0);
        return of_reseller / 2 < PAGE ? of_reseller / 2 : PAGE;
    case ORDER:
        pack_head(a, "GetOrder", slot, reseller, 1);
        pack_data(a, 1);
        mp_key(&a->w, "order");
        mp_uint(&a->w, 1 + draw(a, of_reseller));
        return 1;
    default:
        pack_head(a, "GetPanel", slot, reseller, 1);
        pack_data(a, 1);
        load_numbered(&a->w, "customer", "c", customer);
        return OF_CUSTOMER * OF_TEN_COMPLETED / 10;
    }
}

static uint64_t
rows_of(enum kind kind, const char *bytes, size_t size)
{
    if (kind == ORDER) return memmem(bytes, size, "\xa9reference", 10) != NULL;
    return load_array_size(load_after(bytes, size, kind == PANEL ? "\xa8services" : "\xa6orders"));
}

static void
send_query(struct asker *a, uint64_t now_us)
{
    size_t    slot = a->free[--a->free_count];
    enum kind kind = (enum kind)(a->first + a->asked % a->kinds);

    a->slots[slot].rows = pack_query(a, kind, slot);
    a->slots[slot].kind = kind;
    a->slots[slot].sent_us = now_us;
    PD_CHECK(zmq_send(a->socket, a->w.data, a->w.size, 0) >= 0);
    a->asked++;
}

/* An answer begins {"id": "<slot>", "ok": true. */
static void
take_answer(struct asker *a, const char *bytes, size_t size, uint64_t now_us)
{
    size_t slot = strtoul(bytes + 5, NULL, 10);

    PD_CHECK(slot < SLOTS_MAX);
    a->free[a->free_count++] = slot;
    a->answered++;
    if (memmem(bytes, size < 32 ? size : 32, "\xa2ok\xc3", 4) == NULL) {
        if (a->refused++ < 3) fprintf(stderr, "refused: %.*s\n", (int)size, bytes);
        return;
    }
    load_count(&a->times, now_us - a->slots[slot].sent_us);
    a->wrong += rows_of(a->slots[slot].kind, bytes, size) != a->slots[slot].rows;
}

static void
drain(struct asker *a)
{
    zmq_msg_t answer;

    zmq_msg_init(&answer);
    while (zmq_msg_recv(&answer, a->socket, ZMQ_DONTWAIT) > 0)
        take_answer(a, zmq_msg_data(&answer), zmq_msg_size(&answer), load_now_us());
    zmq_msg_close(&answer);
}

/* Half way down each reseller's list, in pages of which the last is as long as it needs to be. */
static void
walk(struct asker *a, size_t i)
{
    zmq_msg_t answer;

    for (uint64_t left = a->orders / RESELLERS / 2; left > 0;) {
        uint64_t limit = left < FAR_PAGE ? left : FAR_PAGE;
        pack_head(a, "ListOrders", 0, FAR_FIRST + i, a->cursors[i][0] != '\0' ? 4 : 3);
        pack_limit(a, limit);
        if (a->cursors[i][0] != '\0') load_text(&a->w, "cursor", a->cursors[i]);
        pack_data(a, 0);
        PD_CHECK(zmq_send(a->socket, a->w.data, a->w.size, 0) >= 0);
        zmq_msg_init(&answer);
        PD_CHECK(zmq_msg_recv(&answer, a->socket, 0) > 0);
        const char *bytes = zmq_msg_data(&answer);
        left -= rows_of(FAR, bytes, zmq_msg_size(&answer));
        const char *end = bytes + zmq_msg_size(&answer), *next = memrchr(bytes, '\xa4', zmq_msg_size(&answer));
        PD_CHECK(next != NULL && memcmp(next, "\xa4next\xd9", 6) == 0 && end - next - 7 < (long)sizeof a->cursors[i]);
        memcpy(a->cursors[i], next + 7, (size_t)(end - next - 7));
        zmq_msg_close(&answer);
    }
}

/* What is asked in turns, by name; `fresh` is all of it, too. */
static void
choose(struct asker *a, const char *what)
{
    a->fresh = strcmp(what, "fresh") == 0;
    a->kinds = KINDS;
    for (int kind = 0; kind < KINDS; kind++)
        if (strcmp(what, names[kind]) == 0) {
            a->first = (enum kind)kind;
            a->kinds = 1;
        }
    PD_CHECK(a->kinds == 1 || a->fresh || strcmp(what, "mixed") == 0);
}

/* Until there is a line on standard input. */
static void
run(struct asker *a, double pace, uint64_t begun_us)
{
    zmq_pollitem_t items[] = {{.socket = a->socket, .events = ZMQ_POLLIN}, {.fd = STDIN_FILENO, .events = ZMQ_POLLIN}};

    while (items[1].revents == 0) {
        uint64_t now = load_now_us(), due = pace > 0 ? (uint64_t)((double)(now - begun_us) * pace / 1e6) : UINT64_MAX;
        while (a->free_count > 0 && a->asked < due) send_query(a, now);
        zmq_poll(items, 2, a->free_count > 0 ? 1 : 100);
        drain(a);
    }
}

/* For what is still to be answered. */
static void
wait_for_rest(struct asker *a, uint64_t until_us)
{
    zmq_pollitem_t item = {.socket = a->socket, .events = ZMQ_POLLIN};

    while (a->answered < a->asked && load_now_us() < until_us) {
        zmq_poll(&item, 1, 100);
        drain(a);
    }
}

int
ask(const char *queries, const char *what, uint64_t orders, size_t outstanding, double pace)
{
    static struct asker a;
    void               *context = zmq_ctx_new();

    PD_CHECK(outstanding > 0 && outstanding <= SLOTS_MAX && orders > 0 && orders % ORDERS_STEP == 0);
    a.socket = load_socket(context, ZMQ_DEALER, queries, false);
    a.orders = orders;
    a.random = 88172645463325252;
    choose(&a, what);
    for (size_t i = 0; i < FAR_COUNT && (a.first == FAR || a.kinds > 1); i++) walk(&a, i);
    while (a.free_count < outstanding) a.free[a.free_count] = a.free_count, a.free_count++;
    printf("{\"ready\":true}\n");
    fflush(stdout);
    uint64_t begun = load_now_us();
    run(&a, pace, begun);
    double elapsed = (double)(load_now_us() - begun) / 1e6;
    double rate = (double)a.answered / elapsed;
    wait_for_rest(&a, load_now_us() + LOST_US);
    printf("{\"asked\":%" PRIu64 ",\"answered\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"wrong\":%" PRIu64
           ",\"rate\":%.0f,\"p50_us\":%" PRIu64 ",\"p99_us\":%" PRIu64 ",\"max_us\":%" PRIu64 "}\n",
           a.asked, a.answered, a.refused, a.wrong, rate, load_percentile(&a.times, 0.5),
           load_percentile(&a.times, 0.99), load_percentile(&a.times, 1));
    zmq_close(a.socket);
    zmq_ctx_term(context);
    mp_writer_fini(&a.w);
    return EXIT_SUCCESS;
}
