#include "tests/bench/lifecycle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <zmq.h>

#include "engine/base/decimal.h"
#include "proto/check.h"

enum { READY_US = 5000000, FINISH_US = 20000000, TICK_NS = 100000 };

/* So much of the time is spent before it is measured: a new engine touches its memory for the first time then. */
static const double WARM = 0.25;

/* ---- names --------------------------------------------------------------------------------------------------------- */

/* Put together by hand: printf would be a quarter of the client's time, on the cores that the engine wants. */
void
lifecycle_reference(const struct lifecycle *l, size_t saga, char reference[64])
{
    char *at = decimal_put(reference, l->sagas[saga].number);
    *at++ = '-';
    at = decimal_put(at, saga);
    *at++ = '-';
    stpcpy(at, l->run);
}

void
lifecycle_domain(const struct lifecycle *l, size_t saga, char domain[64])
{
    char *at = stpcpy(stpcpy(domain, "d"), l->run);
    *at++ = '-';
    stpcpy(decimal_put(at, l->sagas[saga].number), ".es");
}

void
lifecycle_reseller(const struct lifecycle *l, size_t saga, char reseller[32])
{
    *decimal_put(stpcpy(reseller, "reseller-"), l->sagas[saga].reseller) = '\0';
}

/* ---- steps --------------------------------------------------------------------------------------------------------- */

static uint32_t
draw_reseller(struct lifecycle *l)
{
    l->random ^= l->random << 13;
    l->random ^= l->random >> 7;
    l->random ^= l->random << 17;
    return (uint32_t)((l->random >> 32) * l->resellers >> 32);
}

static void
send_step(struct lifecycle *l, size_t saga, char step, uint64_t due_us)
{
    struct saga *s = &l->sagas[saga];

    if (step == 'r') {
        s->report_due_us = due_us;
        wire_report(l, saga);
        return;
    }
    s->step = step;
    s->due_us = due_us;
    l->send(l, saga);
}

/* At once; with a pace, when it is due. */
static void
go(struct lifecycle *l, size_t saga, char step)
{
    if (l->pace <= 0) {
        send_step(l, saga, step, l->now_us);
        return;
    }
    l->sagas[saga].ready = step;
    l->ready[(l->ready_first + l->ready_count++) % SAGAS_MAX] = saga;
}

static void
begin_order(struct lifecycle *l, size_t saga)
{
    struct saga *s = &l->sagas[saga];

    s->number = ++l->orders;
    s->reseller = draw_reseller(l);
    s->left = 2;
    if (l->pace <= 0) go(l, saga, 'a');
}

static void
end_order(struct lifecycle *l, size_t saga)
{
    l->completed++;
    if (l->ending || l->pace > 0) l->idle[l->idle_count++] = saga;
    else begin_order(l, saga);
}

void
lifecycle_answered(struct lifecycle *l, size_t saga, char step, bool ok)
{
    struct saga *s = &l->sagas[saga];

    PD_CHECK(ok && (step == 'r' || step == s->step));
    l->answers++;
    if (!l->ending) load_count(&l->times, l->now_us - (step == 'r' ? s->report_due_us : s->due_us));
    if (step == 'a') go(l, saga, 'c');
    else if (step == 'c') go(l, saga, 'o');
    else if (--s->left == 0) end_order(l, saga);
}

void
lifecycle_assigned(struct lifecycle *l, size_t saga)
{
    go(l, saga, 'r');
}

/* Each message that is due by now: what orders that are begun wait for goes first, else an order begins. It is timed from when it
 * was due, however late it is. */
static void
send_due(struct lifecycle *l)
{
    for (;;) {
        double due_us = l->first_due_us + (double)l->due_count * 1e6 / l->pace;
        if (due_us > (double)l->now_us) return;
        if (l->ready_count > 0) {
            size_t saga = l->ready[l->ready_first];
            l->ready_first = (l->ready_first + 1) % SAGAS_MAX;
            l->ready_count--;
            send_step(l, saga, l->sagas[saga].ready, (uint64_t)due_us);
        } else {
            if (l->ending || l->idle_count == 0) return;
            size_t saga = l->idle[--l->idle_count];
            begin_order(l, saga);
            send_step(l, saga, 'a', (uint64_t)due_us);
        }
        l->due_count++;
    }
}

/* ---- run ----------------------------------------------------------------------------------------------------------- */

/* It ticks where there is a pace; zmq_poll counts in milliseconds. */
static int
open_timer(const struct lifecycle *l)
{
    struct itimerspec every = {.it_interval.tv_nsec = TICK_NS, .it_value.tv_nsec = TICK_NS};
    int               timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

    PD_CHECK(timer >= 0 && (l->pace <= 0 || timerfd_settime(timer, 0, &every, NULL) == 0));
    return timer;
}

/* Until then, and, at an end, no longer than until all orders have come to theirs. */
static void
run_until(struct lifecycle *l, int timer, uint64_t end_us)
{
    uint64_t       ticks;
    zmq_pollitem_t items[3] = {{.socket = l->commands.peers.socket, .events = ZMQ_POLLIN},
                               {.socket = l->reports.peers.socket, .events = ZMQ_POLLIN},
                               {.fd = timer, .events = ZMQ_POLLIN}};

    if (l->client != NULL) items[0] = (zmq_pollitem_t){.fd = library_fd(l), .events = ZMQ_POLLIN};
    while ((l->now_us = load_now_us()) < end_us && !(l->ending && l->idle_count == l->outstanding)) {
        bool wait = l->commands.count == 0 && l->reports.count == 0;
        int  events = zmq_poll(items, l->pace > 0 ? 3 : 2, wait ? 100 : 0);
        l->now_us = load_now_us();
        if (items[0].revents && l->client != NULL) library_take(l);
        else if (items[0].revents) wire_take(l);
        if (items[1].revents) wire_take_worker(l);
        if (items[2].revents && read(timer, &ticks, sizeof ticks) > 0) send_due(l);
        if (events == 0) wire_flush(l);
        if (l->now_us > l->ready_us) {
            wire_ready(l);
            l->ready_us = l->now_us + READY_US;
        }
    }
}

/* `all` is with what was only finished, and with the shops: what the engine has done in all. */
static void
say(const struct lifecycle *l, uint64_t counted, uint64_t elapsed_us)
{
    printf("{\"count\":%" PRIu64 ",\"all\":%" PRIu64 ",\"rate\":%.0f,\"completed\":%" PRIu64, counted,
           l->answers + OF_SHOP * l->resellers, (double)counted * 1e6 / (double)elapsed_us, l->completed);
    if (l->client == NULL) /* the library does not say what it sends, and how much of it together */
        printf(",\"per_message\":%.1f,\"request_bytes\":%.0f,\"reply_bytes\":%.0f", (double)l->commands_sent / (double)l->messages,
               (double)l->sent_bytes / (double)l->commands_sent, (double)l->received_bytes / (double)l->answers);
    printf(",\"p50_us\":%" PRIu64 ",\"p99_us\":%" PRIu64 ",\"max_us\":%" PRIu64 "}\n", load_percentile(&l->times, 0.5),
           load_percentile(&l->times, 0.99), load_percentile(&l->times, 1));
}

static void
open_shops(struct lifecycle *l, const char *commands)
{
    void            *socket = load_socket(l->context, ZMQ_DEALER, commands, false);
    struct mp_writer w = {0};

    load_shops(&w, socket, l->run, (unsigned)l->resellers, "worker");
    zmq_close(socket);
    mp_writer_fini(&w);
}

static void
begin(struct lifecycle *l)
{
    wire_ready(l);
    l->now_us = load_now_us();
    l->ready_us = l->now_us + READY_US;
    l->first_due_us = (double)l->now_us;
    for (size_t i = 0; i < l->outstanding; i++) {
        l->sagas[i].of = l;
        if (l->pace > 0) l->idle[l->idle_count++] = i;
        else begin_order(l, i);
    }
}

int
lifecycle(const char *commands, const char *workers, char *const *settings)
{
    static struct lifecycle l;
    double                  seconds = load_number(settings, "seconds", 1);

    l.context = zmq_ctx_new();
    l.run = load_word(settings, "run", "r");
    l.outstanding = (size_t)load_number(settings, "outstanding", 1024);
    l.resellers = (uint64_t)load_number(settings, "resellers", 16);
    l.pace = load_number(settings, "pace", 0);
    l.random = 0x9e3779b97f4a7c15;
    l.commands.most = (size_t)load_number(settings, "array", 1);
    l.reports.most = (size_t)load_number(settings, "reports", 1);
    l.commands.peers.count = (size_t)load_number(settings, "connections", 1);
    PD_CHECK(l.outstanding <= SAGAS_MAX && l.commands.most <= ARRAY_MAX && l.reports.most <= ARRAY_MAX);
    PD_CHECK(l.commands.peers.count == 1 || l.commands.most == 1);
    open_shops(&l, commands);
    wire_open(&l, commands, workers);
    if (load_number(settings, "library", 0) > 0) library_open(&l, commands);
    int timer = open_timer(&l);
    begin(&l);
    run_until(&l, timer, l.now_us + (uint64_t)(seconds * WARM * 1e6));
    uint64_t start = load_now_us(), before = l.answers;
    l.times = (struct load_times){.counts = {0}};
    run_until(&l, timer, start + (uint64_t)(seconds * 1e6));
    uint64_t counted = l.answers - before, elapsed_us = load_now_us() - start;
    l.ending = true;
    run_until(&l, timer, load_now_us() + FINISH_US);
    say(&l, counted, elapsed_us);
    if (l.client != NULL) library_close(&l);
    wire_close(&l);
    close(timer);
    zmq_ctx_term(l.context);
    if (l.idle_count < l.outstanding) fprintf(stderr, "%zu orders were not finished\n", l.outstanding - l.idle_count);
    return l.idle_count == l.outstanding ? EXIT_SUCCESS : EXIT_FAILURE;
}
