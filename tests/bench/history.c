/* history.c - writes years of orders into a new data directory at full speed:
 *
 *   history DIR [orders=200000] [years=5] [resellers=1000] [cohort=0]
 *
 * The engine's own core decides, folds and commits, with the real store, so that what it leaves is what an engine would have left
 * and `pedidod verify` finds nothing. The clock is the history's: orders come in cohorts, which live through their hours step by
 * step; then it leaps to the next one. It ends now. Prints a JSON line.
 *
 * So it is also what the engine could do without a network, in one thread; `history-memory`, which has the store in memory, what it
 * could do without a store as well. `cohort`: so many orders live at once; 0: as many as begin in a day. */
#include "tests/bench/history.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "engine/bus/door.h"
#include "proto/check.h"

enum { COHORT_MIN = 500, COHORT_MAX = 8000, STEP_S = 390, AT_ONCE = 8192, REST_TURNS = 100000 };
/* A pause before the next try is 5 minutes at most, so a step is longer. */

struct drive {
    struct history  history;
    struct books    books;
    struct engine  *engine;
    struct now      now;
    struct door     door;
    struct pd_arena arena;
    struct request  requests[TURN_MAX], *waiting[TURN_MAX];
    uint64_t        commands;
    uint64_t        begun_us, said_us;
};

/* ---- turns --------------------------------------------------------------------------------------------------------- */

static void
take_requests(struct drive *d)
{
    struct history *h = &d->history;

    for (size_t i = 0; i < h->count; i++) {
        struct request *r = &d->requests[i];
        size_t          end = i + 1 < h->count ? h->requests[i + 1].begin : h->frames.size, count;
        struct pd_text  frame = {h->frames.data + h->requests[i].begin, end - h->requests[i].begin};

        *r = (struct request){.port = h->requests[i].port, .address = {&h->requests[i].worker, 1}, .arena = &d->arena};
        PD_CHECK(door_open(&d->door, r->port, frame, &count, &r->refusal));
        door_take(&d->door, r->port, false, &d->arena, r);
        d->waiting[i] = r;
    }
}

static void
take_results(struct drive *d)
{
    size_t                 count;
    const struct outgoing *out = engine_outgoing(d->engine, &count);

    for (size_t i = 0; i < count; i++)
        if (out[i].port == PD_port_workers) past_assigned(&d->history, out[i].address, out[i].body);
    const struct appended *events = engine_appended(d->engine, &count);
    for (size_t i = 0; i < count; i++) {
        const struct pd_subscription_activated *activated = events[i].event;
        if (events[i].record.header.type != PD_EVENT_subscription_activated) continue;
        past_activated(&d->history, events[i].reseller, activated->subscription);
    }
}

/* All that was asked for, in as many turns as it takes; at least one. */
static void
turn(struct drive *d)
{
    size_t done = 0, taken;

    d->now.wall_us += (pd_time_us)STEP_S * 1000000;
    d->now.monotonic_ms++; /* leases stay: nobody is silent in between */
    take_requests(d);
    do {
        size_t count = d->history.count - done < AT_ONCE ? d->history.count - done : AT_ONCE;
        PD_CHECK(engine_turn(d->engine, d->now, d->waiting + done, count, &taken) == STORE_OK);
        done += taken;
        take_results(d);
    } while (done < d->history.count);
    for (size_t i = 0; i < done; i++) {
        if (!d->requests[i].refused) continue;
        fprintf(stderr, "refused: %.*s\n", (int)d->requests[i].answer.size, d->requests[i].answer.data);
        exit(EXIT_FAILURE);
    }
    d->commands += d->history.count;
    d->history.count = 0;
    mp_writer_clear(&d->history.frames);
    pd_arena_reset(&d->arena);
}

/* Until no task is left. */
static void
work(struct drive *d)
{
    while (d->history.task_count > 0 || d->history.stumbled > 0) {
        past_report(&d->history);
        turn(d);
    }
}

/* ---- years --------------------------------------------------------------------------------------------------------- */

static void
each(struct drive *d, uint64_t first, uint64_t count, void (*what)(struct history *h, uint64_t order))
{
    for (uint64_t i = 0; i < count; i++) what(&d->history, first + i);
    turn(d);
}

static void
live_through(struct drive *d, uint64_t first, uint64_t count)
{
    past_workers(&d->history, CREDIT);
    each(d, first, count, past_prepare);
    each(d, first, count, past_add);
    each(d, first, count, past_confirm);
    each(d, first, count, past_open);
    work(d);
    each(d, first, count, past_repair);
    work(d);
    past_end(&d->history, ENDING_MAX / 2);
    turn(d);
    work(d);
}

static void
say_progress(struct drive *d, uint64_t done)
{
    uint64_t now_us = load_now_us(), orders = d->history.orders;

    if (now_us < d->said_us + 2000000) return;
    d->said_us = now_us;
    double seconds = (double)(now_us - d->begun_us) / 1e6;
    fprintf(stderr, "  %" PRIu64 " of %" PRIu64 " orders, %" PRIu64 " events, %.0f s, %.0f s left\n", done, orders,
            engine_last(d->engine), seconds, seconds / (double)done * (double)(orders - done));
}

static void
furnish(struct drive *d)
{
    for (uint64_t i = 0; i < d->history.resellers; i++) {
        past_furnish(&d->history, i);
        if (d->history.count > TURN_MAX / 2) turn(d);
    }
    turn(d);
}

static void
write_years(struct drive *d, double years, uint64_t cohort)
{
    struct history *h = &d->history;
    pd_time_us      end_us = clock_now().wall_us, span_us = (pd_time_us)(years * 365.25 * 86400e6);
    uint64_t        a_day = (uint64_t)((double)h->orders / (years * 365.25));

    if (cohort == 0) cohort = a_day < COHORT_MIN ? COHORT_MIN : a_day > COHORT_MAX ? COHORT_MAX : a_day;
    furnish(d);
    for (uint64_t done = 0; done < h->orders; done += cohort) {
        uint64_t   count = h->orders - done < cohort ? h->orders - done : cohort;
        pd_time_us begin_us = end_us - span_us + (pd_time_us)((double)span_us * (double)done / (double)h->orders);
        if (d->now.wall_us < begin_us) d->now.wall_us = begin_us;
        live_through(d, done, count);
        say_progress(d, done + count);
    }
    if (d->now.wall_us < end_us) d->now.wall_us = end_us - (pd_time_us)STEP_S * 1000000;
    past_workers(h, 0);
    turn(d);
    /* What is due by then: orders that nobody has opened. */
    for (int i = 0; i < REST_TURNS && engine_idle_ms(d->engine, d->now) == 0; i++) {
        d->now.monotonic_ms++;
        size_t none;
        PD_CHECK(engine_turn(d->engine, d->now, NULL, 0, &none) == STORE_OK);
    }
}

static void
open_books(struct drive *d, const char *dir, double years)
{
    uint64_t              known;
    struct engine_options options = {.lease_ms = 3600000, .software = PD_TEXT("history")};

    PD_CHECK(mkdir(dir, 0700) == 0 || errno == EEXIST);
    pd_arena_init(&d->arena);
    d->now = (struct now){clock_now().wall_us - (pd_time_us)((years + 0.1) * 365.25 * 86400e6), 1};
    enum store_error error = books_open(dir, STORE_CREATE, false, &d->books, &known);
    if (error == STORE_OK && store_last(d->books.log) > 0) {
        fputs("history: there is a log already\n", stderr);
        exit(EXIT_FAILURE);
    }
    if (error == STORE_OK) error = engine_open(&d->books, &options, d->now, &d->engine);
    PD_CHECK(error == STORE_OK);
}

static void
close_books(struct drive *d)
{
    PD_CHECK(engine_settle(d->engine, d->now) == STORE_OK);
    engine_close(&d->engine);
    books_close(&d->books);
    door_fini(&d->door);
    pd_arena_fini(&d->arena);
    mp_writer_fini(&d->history.frames);
    free(d->history.customers);
}

static double
processor_seconds(void)
{
    struct rusage used;

    PD_CHECK(getrusage(RUSAGE_SELF, &used) == 0);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

int
main(int argc, char **argv)
{
    static struct drive d;

    if (argc < 2 || argv[1][0] == '-') {
        fputs("history DIR [orders=200000] [years=5] [resellers=1000] [cohort=0]\n", stderr);
        return 2;
    }
    double years = load_number(argv + 2, "years", 5);
    d.history.orders = (uint64_t)load_number(argv + 2, "orders", 200000);
    d.history.resellers = (uint64_t)load_number(argv + 2, "resellers", 1000);
    uint64_t cohort = (uint64_t)load_number(argv + 2, "cohort", 0);
    PD_CHECK(years > 0 && years < 50 && d.history.orders > 0 && d.history.resellers > 0 && cohort <= COHORT_MAX);
    PD_CHECK((d.history.customers = calloc(d.history.resellers, sizeof *d.history.customers)) != NULL);
    open_books(&d, argv[1], years);
    d.begun_us = d.said_us = load_now_us();
    write_years(&d, years, cohort);
    double   seconds = (double)(load_now_us() - d.begun_us) / 1e6;
    uint64_t events = engine_last(d.engine), imported = d.history.imported;
    double   cpu = processor_seconds();
    close_books(&d);
    printf("{\"orders\":%" PRIu64 ",\"imported\":%" PRIu64 ",\"events\":%" PRIu64 ",\"seconds\":%.1f,\"events_s\":%.0f,",
           d.history.orders, imported, events, seconds, (double)events / seconds);
    printf("\"rate\":%.0f,\"cpu_us\":%.2f}\n", (double)d.commands / seconds, cpu * 1e6 / (double)d.commands);
    return EXIT_SUCCESS;
}
