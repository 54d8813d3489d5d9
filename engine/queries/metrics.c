/* metrics.c - GetMetrics: all that is counted and timed, a row each. */
#include <stdio.h>
#include <unistd.h>

#include "engine/queries/query.h"
#include "engine/subscribers.h"
#include "proto/check.h"

enum { METRICS_MAX = 1024 };
_Static_assert(SUBSCRIBERS_MAX + MEASURES_CODES + 128 <= METRICS_MAX, "there is a row for each");

struct metrics {
    struct queries        *queries;
    struct pd_metric_view *rows;
    size_t                 count;
};

static struct pd_metric_view *
add(struct metrics *l, enum pd_metric metric, struct pd_text of)
{
    PD_CHECK(l->count < METRICS_MAX);
    struct pd_metric_view *row = &l->rows[l->count++];

    *row = (struct pd_metric_view){.metric = metric, .of = of};
    return row;
}

static void
put_of(struct metrics *l, enum pd_metric metric, struct pd_text of, uint64_t value)
{
    struct pd_metric_view *row = add(l, metric, of);
    row->value = value;
    row->has_value = true;
}

static void
put(struct metrics *l, enum pd_metric metric, uint64_t value)
{
    put_of(l, metric, (struct pd_text){NULL, 0}, value);
}

static void
put_histogram(struct metrics *l, enum pd_metric metric, struct pd_text of, const struct histogram *h)
{
    struct pd_metric_view *row = add(l, metric, of);

    row->buckets = PD_ARENA_ARRAY(&l->queries->arena, struct pd_metric_bucket, HISTOGRAM_BUCKETS);
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t n = atomic_load_explicit(&h->counts[i], memory_order_relaxed);
        if (n > 0) row->buckets[row->buckets_count++] = (struct pd_metric_bucket){.at_most = (uint64_t)1 << i, .count = n};
        row->count += n;
    }
    row->sum = atomic_load_explicit(&h->sum, memory_order_relaxed);
    row->has_count = row->has_sum = true;
}

/* ---- what there is ------------------------------------------------------------------------------------------------- */

static void
put_work(struct metrics *l, const struct engine_figures *f, const struct query_gauges *g)
{
    put(l, PD_metric_up_s, g->up_s);
    put(l, PD_metric_writable, f->writable);
    put(l, PD_metric_log_position, f->position);
    put(l, PD_metric_commands_total, f->commands);
    put(l, PD_metric_turns_total, f->turns);
    put_of(l, PD_metric_pending, PD_TEXT("commands"), g->commands_pending);
    put_of(l, PD_metric_pending, PD_TEXT("queries"), g->queries_pending);
    put(l, PD_metric_held_queries, g->queries_held);
    put(l, PD_metric_tasks_waiting, f->tasks_waiting);
    put(l, PD_metric_tasks_leased, f->tasks_leased);
    put(l, PD_metric_workers, f->workers);
}

static void
put_times(struct metrics *l, const struct measures *m)
{
    const struct pd_text none = {NULL, 0};

    put_histogram(l, PD_metric_turn_us, none, &m->turn_us);
    put_histogram(l, PD_metric_turn_commands, none, &m->turn_commands);
    put_histogram(l, PD_metric_commit_us, none, &m->commit_us);
    put_histogram(l, PD_metric_rows_us, none, &m->rows_us);
    put_histogram(l, PD_metric_views_us, none, &m->views_us);
    put_histogram(l, PD_metric_query_us, none, &m->query_us);
}

static void
put_counts(struct metrics *l, const struct measures *m)
{
    static const char *const ports[MEASURES_PORTS] = {"commands", "queries", "workers", "events"};

    for (int code = 1; code < MEASURES_CODES; code++) {
        const struct pd_error *error = pd_schema_error(code);
        uint64_t               n = atomic_load_explicit(&m->refused[code], memory_order_relaxed);
        if (error != NULL && n > 0) put_of(l, PD_metric_refusals_total, pd_text(error->code), n);
    }
    for (int port = 0; port < MEASURES_PORTS; port++) {
        put_of(l, PD_metric_unaddressed_total, pd_text(ports[port]), atomic_load(&m->unaddressed[port]));
        put_of(l, PD_metric_disconnected_total, pd_text(ports[port]), atomic_load(&m->disconnected[port]));
        put_of(l, PD_metric_undeliverable_total, pd_text(ports[port]), atomic_load(&m->undeliverable[port]));
    }
    put(l, PD_metric_published_total, atomic_load(&m->published));
    put(l, PD_metric_peers_refused_total, atomic_load(&m->peers_refused));
    put(l, PD_metric_peers_limited_total, atomic_load(&m->peers_limited));
    put(l, PD_metric_subscriptions_refused_total, atomic_load(&m->subscriptions_refused));
    put(l, PD_metric_unauthorised_total, atomic_load(&m->unauthorised));
}

static void
put_store(struct metrics *l, struct pd_text of, const struct store_figures *f)
{
    put_of(l, PD_metric_store_used_bytes, of, f->used_bytes);
    put_of(l, PD_metric_store_file_bytes, of, f->file_bytes);
    put_of(l, PD_metric_store_map_bytes, of, f->map_bytes);
    put_of(l, PD_metric_store_readers, of, f->readers);
    put_of(l, PD_metric_store_reader_lag, of, f->reader_lag);
    put_of(l, PD_metric_disk_free_bytes, of, f->disk_free_bytes);
    if (f->sync_us != NULL) put_histogram(l, PD_metric_sync_us, of, f->sync_us);
}

static void
put_index(struct metrics *l, uint64_t position)
{
    struct index        *index = engine_index(l->queries->sources.engine);
    struct index_figures f;
    uint64_t             kept = index_kept(index);

    index_figures(index, &f);
    put_of(l, PD_metric_store_file_bytes, PD_TEXT("index"), f.bytes);
    put(l, PD_metric_index_files, f.files);
    put(l, PD_metric_index_lag, position > kept ? position - kept : 0);
}

static void
put_views(struct metrics *l, uint64_t position)
{
    struct views        *views = l->queries->sources.views;
    struct store_figures f;

    if (views == NULL) return;
    struct views_figures v = views_figures(views);
    put(l, PD_metric_views_lag, position > v.position ? position - v.position : 0);
    put(l, PD_metric_views_building, v.building);
    if (views_store_figures(views, &f)) put_store(l, PD_TEXT("views"), &f);
}

/* Pages that are the process's own, and not a file's. */
static uint64_t
own_memory(void)
{
    unsigned long long size = 0, resident = 0, shared = 0;
    FILE              *file = fopen("/proc/self/statm", "re");

    if (file == NULL) return 0;
    if (fscanf(file, "%llu %llu %llu", &size, &resident, &shared) != 3) resident = shared = 0;
    fclose(file);
    return (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void
put_subscribers(struct metrics *l)
{
    struct pd_subscribers_reply all = {0};
    struct queries             *q = l->queries;

    read_subscribers(q, &all);
    for (size_t i = 0; i < all.subscribers_count; i++) {
        const struct pd_subscriber_view *v = &all.subscribers[i];
        char                             name[140];
        snprintf(name, sizeof name, "%.*s/%.*s", v->reseller.data != NULL ? (int)v->reseller.size : 4,
                 v->reseller.data != NULL ? v->reseller.data : "~all", (int)v->subscriber.size, v->subscriber.data);
        put_of(l, PD_metric_subscriber_lag, pd_arena_text(&q->arena, pd_text(name)), v->lag);
    }
}

void *
get_metrics(struct queries *q)
{
    struct pd_metrics_reply *r = PD_ARENA_NEW(&q->arena, struct pd_metrics_reply);
    struct metrics           l = {.queries = q, .rows = PD_ARENA_ARRAY(&q->arena, struct pd_metric_view, METRICS_MAX)};
    struct engine_figures    f = engine_figures(q->sources.engine);
    struct query_gauges      g = q->sources.gauges(q->sources.arg);
    struct store_figures     log, rows;

    put_work(&l, &f, &g);
    put_times(&l, q->sources.measures);
    put_counts(&l, q->sources.measures);
    store_figures(q->sources.books->log, &log);
    put_store(&l, PD_TEXT("log"), &log);
    store_figures(q->sources.books->rows, &rows);
    put_store(&l, PD_TEXT("rows"), &rows);
    put_index(&l, f.position);
    put_views(&l, f.position);
    put(&l, PD_metric_memory_bytes, own_memory());
    put_subscribers(&l);
    *r = (struct pd_metrics_reply){.software = q->sources.software, .log = q->log, .time = g.time, .metrics = l.rows,
                                   .metrics_count = l.count};
    return r;
}
