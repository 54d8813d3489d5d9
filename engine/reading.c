/* reading.c - the threads of the read side: views, backups, queries. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/daemon.h"

enum {
    VIEWS_MS = 200, /* between two batches of the views under load: the more changes together, the less each costs */
    BUSY_ROWS = 2000, /* of a batch: that is load */
    HELD_MS = 10,   /* until queries that wait are asked again, when the views do not move */
    MEND_MS = 5000, /* between two tries to make views from what is damaged */
    DEAD_MS = 5000, /* between two looks for readers that have died */
    GIVE_WAY = 10,  /* of niceness: about a tenth of what a core has, where the writer wants all of it */
};

/* Where there are too few cores for all, who reads waits for who writes. */
static void
give_way(void)
{
    if (setpriority(PRIO_PROCESS, (id_t)gettid(), GIVE_WAY) != 0) log_warn("priority_failed", "error=\"%s\"", strerror(errno));
}

/* ---- the views' thread --------------------------------------------------------------------------------------------- */

/* What a step came to that went wrong: without space it is tried again; views that are damaged are made anew, and when that fails,
 * since the log that they read is damaged, the log of the engine names it. Rows that are damaged a
 * start makes anew, and where nothing serves it may as well be now. */
static void
bear(struct daemon *d, enum store_error error)
{
    bool rows = error == STORE_DAMAGED && store_has_damage(d->books.rows);
    bool exits = rows && !views_figures(d->views).serving && !slots_is_stopped(d->query_slots);

    if (rows) log_error("rows_damaged", "action=%s hint=\"the next start makes them anew\"", exits ? "exit" : "none");
    if (error == STORE_FAILED || exits) insist(error);
    for (uint64_t ms = error == STORE_OK ? 0 : error == STORE_FULL ? FULL_MS : MEND_MS; ms > 0 && !slots_is_stopped(d->query_slots);
         ms -= FULL_MS)
        usleep(FULL_MS * 1000);
}

void *
views_thread(void *arg)
{
    struct daemon *d = arg;
    bool           more = true;
    uint64_t       rows = 0;

    while (!slots_is_stopped(d->query_slots)) {
        uint64_t before = rows;
        if (!more) bell_wait(d->rows_bell, TURN_MS);
        uint64_t began_us = clock_us();
        bear(d, views_step(d->views, &more));
        histogram_add(&d->measures.views_us, clock_us() - began_us);
        engine_set_projected(d->engine, views_needed(d->views));
        slots_nudge(d->query_slots);
        rows = views_figures(d->views).rows;
        if (!more && rows > before + BUSY_ROWS) bell_wait(d->query_bell, VIEWS_MS);
    }
    return NULL;
}

/* ---- the backups' thread ------------------------------------------------------------------------------------------- */

void *
backups_thread(void *arg)
{
    give_way();
    backups_run(((struct daemon *)arg)->backups);
    return NULL;
}

/* ---- the queries' thread ------------------------------------------------------------------------------------------- */

static void
give_answer(void *arg, struct pd_text address, struct pd_text answer)
{
    outbox_put(((struct daemon *)arg)->outbox, PD_port_queries, address, answer);
}

/* What a query waits for is to be in the rows and the views soon. */
static void
hurry(struct daemon *d)
{
    engine_ask_rows(d->engine);
    slots_nudge(d->command_slots);
    bell_ring(d->query_bell);
}

/* Now and then. */
static void
forget_dead(struct daemon *d, uint64_t *looked_ms)
{
    uint64_t now_ms = clock_now().monotonic_ms;

    if (now_ms < *looked_ms + DEAD_MS) return;
    *looked_ms = now_ms;
    store_forget_dead(d->books.log);
    store_forget_dead(d->books.rows);
    if (d->views != NULL) views_forget_dead(d->views);
}

void *
query_thread(void *arg)
{
    struct daemon *d = arg;
    uint64_t       looked_ms = 0;

    give_way();
    while (!slots_is_stopped(d->query_slots)) {
        forget_dead(d, &looked_ms);
        size_t waiting = slots_wait(d->query_slots, held_count(d->held) > 0 ? HELD_MS : TURN_MS);
        for (size_t i = 0; i < waiting && !slots_is_stopped(d->query_slots); i++) {
            struct slot   *slot = slots_waiting(d->query_slots, 0);
            struct pd_text answer = {NULL, 0};
            uint64_t       began_us = clock_us();
            if (!held_take(d->held, clock_now().monotonic_ms, &slot->request, &answer)) hurry(d);
            else histogram_add(&d->measures.query_us, clock_us() - began_us);
            slot->request.answer = pd_arena_text(&slot->arena, answer);
            slots_take(d->query_slots, 1);
            slots_commit(d->query_slots, 1);
        }
        if (held_ask_again(d->held, clock_now().monotonic_ms, give_answer, d) > 0) slots_ring_net(d->query_slots);
    }
    return NULL;
}

struct query_gauges
reading_gauges(void *arg)
{
    struct daemon *d = arg;
    struct now     now = clock_now();

    return (struct query_gauges){
        .time = now.wall_us, .up_s = (now.monotonic_ms - d->started_ms) / 1000, .queries_held = held_count(d->held),
        .commands_pending = slots_unanswered(d->command_slots), .queries_pending = slots_unanswered(d->query_slots),
    };
}
