/* reading.c - the read side of the engine's process, as main.c makes it of steps: the projector, which follows when it pleases;
 * queries of the log and of lists; heartbeats. And what befalls it: killed in a commit, thrown away and made anew, asked for what
 * is of another log. */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/views/dump.h"
#include "engine/views/projection.h"
#include "proto/check.h"
#include "tests/sim/disk.h"
#include "tests/sim/host.h"

enum { BEAT_MS = 1000, HELD_MS = 20 };

static const char views_dir[] = "sim-views"; /* beside all books: views of another log are found there */

static struct query_gauges
no_gauges(void *arg)
{
    (void)arg;
    return (struct query_gauges){0};
}

static struct measures measures;

void
reading_open(struct sim *s)
{
    struct host    *h = s->host;
    struct reading *r = &h->reading;

    if (!s->reads) return;
    PD_CHECK(views_open(views_dir, &h->books, &r->views) == STORE_OK);
    r->queries = queries_open(&(struct query_sources){
        .books = &h->books, .engine = h->engine, .views = r->views, .software = PD_TEXT("sim"), .gauges = no_gauges,
        .measures = &measures});
    r->held = held_open(r->queries);
    r->step_ms = s->now_ms + 1 + chance(s, 50);
    r->beat_ms = s->now_ms + 1 + chance(s, BEAT_MS);
}

void
reading_close(struct sim *s)
{
    struct reading *r = &s->host->reading;

    held_close(&r->held);
    queries_close(&r->queries);
    views_close(&r->views);
}

void
reading_fini(struct sim *s)
{
    reading_close(s);
    store_memory_forget(views_dir);
    pd_arena_fini(&s->host->reading.arena);
    mp_writer_fini(&s->host->reading.writer);
}

void
reading_check_start(struct sim *s)
{
    uint64_t seen;

    PD_CHECK(views_seen(views_dir, &s->host->books, &seen) == STORE_OK);
    if (seen > store_last(s->host->books.log)) model_blame(s->model, "the views show what is not in the log");
}

void
reading_rows_written(struct sim *s)
{
    struct reading *r = &s->host->reading;
    if (r->views != NULL && r->step_ms == UINT64_MAX) r->step_ms = s->now_ms + 1 + chance(s, chance(s, 6) == 0 ? 1200 : 200);
}

uint64_t
reading_wake_ms(const struct sim *s)
{
    const struct reading *r = &s->host->reading;
    if (r->views == NULL) return UINT64_MAX;
    return r->step_ms < r->beat_ms ? r->step_ms : r->beat_ms;
}

bool
reading_is_at_head(const struct sim *s)
{
    const struct host *h = s->host;
    if (h->reading.views == NULL) return false;
    struct views_figures f = views_figures(h->reading.views);
    return f.serving && !f.building && f.position == store_last(h->books.log);
}

/* ---- queries ------------------------------------------------------------------------------------------------------------- */

static void
give(void *arg, struct pd_text address, struct pd_text body)
{
    struct sim *s = arg;
    struct mail m = {.from = TO_ENGINE, .port = PD_port_queries};

    memcpy(&m.to, address.data, sizeof m.to);
    memcpy(&m.life, address.data + sizeof m.to, sizeof m.life);
    note(s, (struct pd_text){body.data, body.size < 64 ? body.size : 64}); /* what is in it is noted when it is given */
    if (body.size < 400) count_refusals(s, body);
    if (!befalls(s, FAULT_page_late, 12)) {
        send_mail(s, m, body);
        return;
    }
    m.at_ms = s->now_ms + chance(s, 2500);
    post(s, m, body);
}

/* In the reading's arena. */
static bool
take_query(struct sim *s, struct pd_text frame, struct request *ret_request)
{
    struct host *h = s->host;
    size_t       count;

    *ret_request = (struct request){.port = PD_port_queries};
    bool open = door_open(&h->door, PD_port_queries, frame, &count, &ret_request->refusal);
    if (open) door_take(&h->door, PD_port_queries, false, &h->reading.arena, ret_request);
    return open && ret_request->refusal.code == PD_OK;
}

void
reading_hear(struct sim *s, const struct mail *m, struct pd_text address)
{
    struct reading *r = &s->host->reading;
    struct request  request;
    struct pd_text  answer;

    if (!take_query(s, (struct pd_text){m->data, m->size}, &request)) model_blame(s->model, "libpedido asks what no door takes");
    request.address = address;
    if (befalls(s, FAULT_page_short, 3)) request.message.envelope.limit = 1 + chance(s, 30);
    if (held_take(r->held, s->now_ms, &request, &answer)) give(s, address, answer);
    pd_arena_reset(&r->arena);
    if (held_count(r->held) > 0 && r->step_ms > s->now_ms + HELD_MS) r->step_ms = s->now_ms + HELD_MS;
}

/* Answered at once, as somebody whose time is over; valid until the next. */
static struct pd_text
ask(struct sim *s, const char *type, struct pd_text reseller, struct pd_text log, struct pd_text cursor)
{
    struct reading  *r = &s->host->reading;
    struct mp_writer *w = &r->writer;
    struct request   request;
    struct pd_text   answer;
    uint64_t         wanted = 0, wait_ms;
    bool             everybody = strcmp(type, "ListSubscribers") == 0;

    mp_writer_clear(w);
    mp_map(w, (uint32_t)(4 + (log.data != NULL) + (cursor.data != NULL) + everybody));
    mp_key(w, "type");
    mp_text(w, pd_text(type));
    mp_key(w, "id");
    mp_text(w, PD_TEXT("look"));
    mp_key(w, "reseller");
    mp_text(w, reseller);
    mp_key(w, "limit");
    mp_uint(w, strcmp(type, "ListOrders") == 0 ? 2 : 1000);
    if (log.data != NULL) mp_key(w, "log"), mp_text(w, log);
    if (cursor.data != NULL) mp_key(w, "cursor"), mp_text(w, cursor);
    if (everybody) mp_key(w, "data"), mp_map(w, 1), mp_key(w, "all"), mp_bool(w, true);
    PD_CHECK(take_query(s, (struct pd_text){w->data, w->size}, &request));
    PD_CHECK(queries_answer(r->queries, &request, true, &wanted, &wait_ms, &answer));
    engine_ask_rows(s->host->engine);
    pd_arena_reset(&r->arena);
    return answer;
}

/* Somebody turns a page, with the cursor or the log's id of the page before. */
static void
turn_page(struct sim *s)
{
    static struct mp_reader reader;
    struct reading         *r = &s->host->reading;
    bool                    foreign = r->of_log[0] != '\0' && !pd_text_equal(pd_text(r->of_log), engine_log(s->host->engine));
    bool                    by_log = chance(s, 2) == 0;
    struct pd_text          none = {NULL, 0}, log = r->of_log[0] == '\0' || !by_log ? none : pd_text(r->of_log);
    struct pd_text          cursor = r->cursor[0] == '\0' || (foreign && by_log) ? none : pd_text(r->cursor);
    msgpack_object          o;

    if (foreign) s->counts.faults[FAULT_foreign]++;
    struct pd_text answer = ask(s, "ListOrders", pd_text(resellers[0]), log, cursor);
    count_refusals(s, answer);
    model_queried(s->model, answer, foreign);
    PD_CHECK(mp_parse(&reader, answer.data, answer.size, &o));
    struct pd_text next = mp_find_text(&o, "next");
    bool           kept = next.data != NULL && next.size < sizeof r->cursor;
    snprintf(r->cursor, sizeof r->cursor, "%.*s", kept ? (int)next.size : 0, kept ? next.data : "");
    snprintf(r->of_log, sizeof r->of_log, "%s", kept ? engine_log(s->host->engine).data : "");
}

/* Who follows under a name, and how far each is behind. What a turn has changed is shown when it is sealed, and is known here when
 * it is durable: so between two turns. */
static void
look_at_names(struct sim *s)
{
    struct pd_text none = {NULL, 0};

    if (s->host->open != NULL || s->host->sealed != NULL) return;
    model_listed(s->model, ask(s, "ListSubscribers", pd_text(resellers[0]), none, none), s->now_ms);
}

/* ---- the projector ------------------------------------------------------------------------------------------------------- */

/* New ones, made of the same rows and the same log. */
static void
compare(struct sim *s, struct store_reader *followed)
{
    struct host         *h = s->host;
    struct projector     w;
    struct projection    anew;
    struct store_reader *reader = NULL;
    char                 what[256];
    bool                 full = disk.log_full;

    disk.log_full = false; /* this is beside the story */
    projector_init(&w, h->books.rows, h->books.log);
    enum store_error error = projection_open(&w, "sim-anew", STORE_VIEWS, &anew);
    for (bool more = true; more && error == STORE_OK;) error = projection_step(&w, &anew, &more);
    if (error == STORE_OK) error = store_reader_open(anew.store, &reader);
    if (error == STORE_OK) error = views_compare(followed, reader, &w.arena, what);
    PD_CHECK(error == STORE_OK);
    disk.log_full = full;
    if (what[0] != '\0') model_blame(s->model, what);
    store_reader_close(&reader);
    projection_close(&anew);
    store_remove("sim-anew");
    projector_fini(&w);
}

/* When they show what the rows are. */
void
reading_look_at_views(struct sim *s)
{
    struct reading     *r = &s->host->reading;
    struct views_reader reader;

    if (r->views == NULL || views_reader_open(r->views, &reader) != STORE_OK) return;
    bool now = reader.position == store_folded(s->host->books.rows);
    if (now) compare(s, reader.reader);
    views_reader_close(r->views, &reader);
    if (now) s->counts.compared++;
    for (size_t i = 0; i < RESELLERS && reading_is_at_head(s) && shop_is_open(s); i++) {
        struct pd_text none = {NULL, 0}, reseller = pd_text(resellers[i]);
        model_counters(s->model, reseller, ask(s, "ListCounters", reseller, none, none));
    }
}

/* The process that they were committed in ends there. */
static void
kill_projector(struct sim *s, bool kept)
{
    s->counts.faults[kept ? FAULT_views_kept : FAULT_views_lost]++;
    tell(s, "# the projector is killed");
    reading_close(s);
    reading_open(s);
    reading_look_at_views(s);
}

static void
project(struct sim *s)
{
    struct host    *h = s->host;
    struct reading *r = &h->reading;
    bool            more = false, kept = chance(s, 2) == 0;

    if (befalls(s, FAULT_views_anew, 300)) views_rebuild(r->views);
    if (!s->calm && chance(s, 60) == 0) {
        disk.armed = kept ? DISK_VIEWS_KEPT : DISK_VIEWS_LOST;
        disk.calls = (unsigned)chance(s, 2);
    }
    enum store_error error = views_step(r->views, &more);
    bool             fired = disk.fired;
    disk.armed = DISK_FINE;
    disk.fired = disk.refused = false;
    if (fired != (error == STORE_FAILED)) model_blame(s->model, "a commit of the views failed, and they go on");
    r->step_ms = more || error == STORE_FULL ? s->now_ms + 1 + chance(s, error == STORE_FULL ? 300 : 20) : UINT64_MAX;
    if (fired) {
        kill_projector(s, kept);
        return;
    }
    if (error != STORE_OK && error != STORE_FULL) model_blame(s->model, "the views cannot follow");
    engine_set_projected(h->engine, views_needed(r->views));
    if (chance(s, 300) == 0) reading_look_at_views(s);
}

static void
beat(struct sim *s)
{
    struct host       *h = s->host;
    struct scope_shown shown;
    char               topic[PD_TOPIC_MAX];

    h->reading.beat_ms = s->now_ms + BEAT_MS;
    for (uint64_t n = 0; scopes_head(engine_scopes(h->engine), n, &h->reading.arena, &shown); n++) {
        int            size = snprintf(topic, sizeof topic, "%.*s/~head", (int)shown.id.size, shown.id.data);
        struct pd_text name = {topic, (size_t)size};
        if (!subscribers_want(s, name)) continue;
        model_heartbeat(s->model, shown.id, shown.head);
        mp_writer_clear(&h->scratch);
        pd_encode_heartbeat(&h->scratch, shown.head, sim_time(s).wall_us, engine_log(h->engine), shown.chain);
        subscribers_publish(s, name, (struct pd_text){h->scratch.data, h->scratch.size});
    }
    pd_arena_reset(&h->reading.arena);
    if (shop_is_open(s)) turn_page(s);
    look_at_names(s);
}

void
reading_step(struct sim *s)
{
    struct reading *r = &s->host->reading;

    if (s->now_ms >= r->beat_ms) beat(s);
    if (s->now_ms < r->step_ms) return;
    project(s);
    held_ask_again(r->held, s->now_ms, give, s);
    if (held_count(r->held) > 0 && r->step_ms > s->now_ms + HELD_MS) r->step_ms = s->now_ms + HELD_MS;
}
