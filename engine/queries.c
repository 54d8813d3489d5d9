#include "engine/queries.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "engine/authorise.h"
#include "engine/base/log.h"
#include "engine/base/plain.h"
#include "engine/domain/support.h"
#include "engine/domain/transitions.h"
#include "engine/publish.h"
#include "engine/query.h"
#include "proto/check.h"

enum { LIMIT = 100 };

struct queries *
queries_open(const struct books *books, struct engine *engine, struct pd_text software, query_counts_fn *counts, void *arg)
{
    struct queries *q = calloc(1, sizeof *q);

    PD_CHECK(q != NULL);
    *q = (struct queries){.books = *books, .engine = engine, .software = software, .counts = counts, .counts_arg = arg,
                          .log = engine_log(engine)};
    pd_arena_init(&q->arena);
    pd_arena_init(&q->scratch);
    rows_init(&q->rows, &q->arena);
    q->folder = (struct folder){.arena = &q->arena, .rows = &q->rows, .index = engine_index(engine), .shared = true};
    return q;
}

void
queries_close(struct queries **queries)
{
    struct queries *q = *queries;
    if (q == NULL) return;
    rows_fini(&q->rows);
    mp_writer_fini(&q->writer);
    pd_arena_fini(&q->arena);
    pd_arena_fini(&q->scratch);
    free(q);
    *queries = NULL;
}

/* ---- cursors ------------------------------------------------------------------------------------------------------- */

/* A cursor is a key under a mask of the log and the query, its fields included, with a sum: opaque, and only good for the query
 * that gave it. */
static uint64_t
cursor_mask(const struct queries *q, uint64_t salt)
{
    return XXH3_64bits_withSeed(q->log.data, q->log.size, q->print ^ salt << 40 ^ q->scope << 8);
}

/* What the query asks, whatever page of it. */
static uint64_t
query_print(struct queries *q)
{
    mp_writer_clear(&q->writer);
    mp_uint(&q->writer, (uint64_t)q->message->block->code);
    pd_encode_map(&q->writer, q->message->block, q->message->body);
    return XXH3_64bits(q->writer.data, q->writer.size);
}

static struct pd_text
write_cursor(struct queries *q, struct row_key key)
{
    char    *text = pd_arena_alloc(&q->arena, 40);
    uint64_t masked = (key.position << 8 | key.item) ^ cursor_mask(q, 1);
    uint32_t sum = (uint32_t)XXH3_64bits_withSeed(&masked, sizeof masked, cursor_mask(q, 2));
    int      size = snprintf(text, 40, "%016" PRIx64 "%08" PRIx32, masked, sum);
    return (struct pd_text){text, (size_t)size};
}

static bool
read_cursor(const struct queries *q, struct pd_text text, struct row_key *ret_key)
{
    char     copy[40];
    uint64_t masked;
    uint32_t sum;

    if (text.size != 24) return false;
    memcpy(copy, text.data, 24);
    copy[24] = '\0';
    if (sscanf(copy, "%16" SCNx64 "%8" SCNx32, &masked, &sum) != 2) return false;
    if (sum != (uint32_t)XXH3_64bits_withSeed(&masked, sizeof masked, cursor_mask(q, 2))) return false;
    masked ^= cursor_mask(q, 1);
    *ret_key = (struct row_key){masked >> 8, (uint32_t)(masked & 0xff)};
    return true;
}

/* ---- lists ------------------------------------------------------------------------------------------------------- */

static bool
takes_customer(struct queries *q, const void *row)
{
    const struct pd_customer *c = row;
    return has_needle(q, c->customer) || has_needle(q, c->name);
}

static const struct pd_plan_period *
cheapest(const struct pd_plan *p)
{
    const struct pd_plan_period *best = NULL;
    for (size_t i = 0; i < p->periods_count; i++)
        if (p->periods[i].enabled && (best == NULL || p->periods[i].recurring_fee < best->recurring_fee)) best = &p->periods[i];
    return best;
}

static bool
takes_plan(struct queries *q, const void *row)
{
    const struct pd_list_plans *m = q->message->body;
    const struct pd_plan       *p = row;
    return p->published && cheapest(p) != NULL && (has_needle(q, p->plan) || has_needle(q, p->name)) &&
           (m->category.data == NULL || pd_text_equal(m->category, p->category));
}

static bool
takes_order(struct queries *q, const void *row)
{
    const struct pd_list_orders *m = q->message->body;
    const struct pd_order       *o = row;
    return (m->customer.data == NULL || pd_text_equal(m->customer, o->customer)) &&
           (m->state == PD_order_state_absent || m->state == o->state);
}

static bool
takes_subscription(struct queries *q, const void *row)
{
    const struct pd_list_subscriptions *m = q->message->body;
    const struct pd_subscription       *s = row;
    return (m->customer.data == NULL || pd_text_equal(m->customer, s->customer)) &&
           (m->status == PD_subscription_status_absent || m->status == s->status) &&
           (m->service_status == PD_service_status_absent || m->service_status == s->service_status) &&
           (m->removal == PD_task_state_absent || m->removal == s->task_state);
}

static bool
takes_service(struct queries *q, const void *row)
{
    const struct pd_get_panel    *m = q->message->body;
    const struct pd_subscription *s = row;
    return pd_text_equal(m->customer, s->customer) && s->status != PD_subscription_status_terminated;
}

static void *
list_plans(struct queries *q)
{
    struct pd_plans_reply *r = PD_ARENA_NEW(&q->arena, struct pd_plans_reply);
    struct pd_plan        *plans = read_page(q, PD_ROW_plan, takes_plan, false, &r->plans_count);

    r->plans = PD_ARENA_ARRAY(&q->arena, struct pd_plan_offer, r->plans_count);
    for (size_t i = 0; i < r->plans_count; i++) {
        const struct pd_plan_period *p = cheapest(&plans[i]);
        r->plans[i] = (struct pd_plan_offer){
            .plan = plans[i].plan, .name = plans[i].name, .category = plans[i].category, .domain = plans[i].domain,
            .from = p->recurring_fee, .currency = p->currency, .period = p->period, .version = plans[i].version,
        };
    }
    return r;
}

/* ---- one thing ----------------------------------------------------------------------------------------------------- */

static struct pd_plan *
seek_plan(struct queries *q, struct pd_text id)
{
    struct pd_plan *p = find_row(&q->folder, PD_ROW_plan, INDEX_plan, q->scope, 0, id, NULL);
    return p != NULL ? p : refuse_query(q, PD_E_plan_not_found, "plan");
}

static struct pd_subscription *
seek_subscription(struct queries *q, uint64_t number)
{
    struct pd_subscription *s =
        find_row(&q->folder, PD_ROW_subscription, INDEX_subscription, q->scope, number, (struct pd_text){NULL, 0}, NULL);
    return s != NULL ? s : refuse_query(q, PD_E_subscription_not_found, "subscription");
}

static void *
get_order(struct queries *q)
{
    const struct pd_get_order  *m = q->message->body;
    struct pd_order_view_reply *r = PD_ARENA_NEW(&q->arena, struct pd_order_view_reply);

    if ((r->order = seek_order(q, m->has_order, m->order, m->reference)) == NULL) return NULL;
    r->allowed = PD_ARENA_ARRAY(&q->arena, struct pd_text, PD_COMMAND_CODES);
    r->allowed_count = pd_allowed_names(allowed_commands(r->order->state), r->allowed, PD_COMMAND_CODES);
    return r;
}

static void *
list_periods(struct queries *q)
{
    struct pd_periods_reply *r = PD_ARENA_NEW(&q->arena, struct pd_periods_reply);
    struct pd_plan          *p = seek_plan(q, ((const struct pd_list_periods *)q->message->body)->plan);

    if (p == NULL) return NULL;
    r->periods = PD_ARENA_ARRAY(&q->arena, struct pd_plan_period, p->periods_count);
    for (size_t i = 0; i < p->periods_count; i++)
        if (p->periods[i].enabled) r->periods[r->periods_count++] = p->periods[i];
    return r;
}

static struct pd_text
login_of(const struct pd_subscription *s)
{
    for (size_t i = 0; i < s->parameters_count; i++)
        if (pd_text_equal(s->parameters[i].key, PD_TEXT("login"))) return s->parameters[i].value;
    return (struct pd_text){NULL, 0};
}

static void *
get_panel(struct queries *q)
{
    const struct pd_get_panel *m = q->message->body;
    struct pd_panel_reply     *r = PD_ARENA_NEW(&q->arena, struct pd_panel_reply);
    struct pd_customer        *c = seek_customer(q, m->customer);

    if (c == NULL) return NULL;
    *r = (struct pd_panel_reply){.customer = c->customer, .name = c->name, .status = c->status};
    struct pd_subscription *s = read_page(q, PD_ROW_subscription, takes_service, false, &r->services_count);
    r->services = PD_ARENA_ARRAY(&q->arena, struct pd_panel_service, r->services_count);
    for (size_t i = 0; i < r->services_count; i++)
        r->services[i] = (struct pd_panel_service){
            .subscription = s[i].subscription, .service = s[i].plan_name, .domain = s[i].domain_unicode, .status = s[i].status,
            .service_status = s[i].service_status, .since = s[i].start, .has_since = s[i].has_start, .until = s[i].expiration,
            .has_until = s[i].has_expiration, .login = login_of(&s[i]),
        };
    return r;
}

/* ---- events -------------------------------------------------------------------------------------------------------- */

static struct pd_event_view
view_event(const struct queries *q, const struct record *r)
{
    struct pd_event_head h = event_head(r, q->message->envelope.reseller, (struct pd_text){NULL, 0});
    return (struct pd_event_view){
        .position = h.position, .time = h.time, .type = h.type, .reseller = h.reseller, .command = h.command, .actor = h.actor,
        .on_behalf_of = h.on_behalf_of, .trace = h.trace, .version = h.version, .data = r->body,
    };
}

/* A record of the log, in the arena. False: damaged; the query is refused. */
static bool
read_event(struct queries *q, uint64_t position, struct pd_arena *arena, struct pd_text *ret_bytes, struct record *ret_record)
{
    bool ok = store_read_record(q->log_reader, position, arena, ret_bytes) == STORE_OK && record_read(*ret_bytes, ret_record);
    if (!ok) q->refusal = pd_refuse(PD_E_internal);
    return ok;
}

/* The events of what a row is of (NULL: it was refused): backwards along the records' `previous`, as many steps as it has events,
 * and then a page of them forwards. A cursor is the number of events that were shown. */
static void *
read_history(struct queries *q, const void *row)
{
    const struct pd_row_head *head = row;
    struct pd_events_reply   *reply = PD_ARENA_NEW(&q->arena, struct pd_events_reply);
    size_t                    first;
    struct pd_text            bytes;
    struct record             r;

    if (head == NULL) return NULL;
    uint64_t *positions = PD_ARENA_ARRAY(&q->arena, uint64_t, head->version);
    first = head->version;
    for (uint64_t p = head->last; p > 0 && first > 0; p = r.header.previous) {
        pd_arena_reset(&q->scratch);
        if (!read_event(q, p, &q->scratch, &bytes, &r)) return NULL;
        positions[--first] = p;
    }
    reply->events = PD_ARENA_ARRAY(&q->arena, struct pd_event_view, q->limit);
    for (size_t i = first + q->from.position; i < head->version; i++) {
        if (reply->events_count == q->limit || q->bytes > PD_PAGE_BYTES_MAX) {
            q->next = (struct row_key){i - first, 0};
            break;
        }
        if (!read_event(q, positions[i], &q->arena, &bytes, &r)) return NULL;
        reply->events[reply->events_count++] = view_event(q, &r);
        q->bytes += bytes.size;
    }
    return reply;
}

/* The reseller's events from its position `from` on. A position in a scope is never above the log's, so the search can begin
 * there; views will know better. A cursor is a log position. */
static void *
read_log(struct queries *q)
{
    const struct pd_read_log *m = q->message->body;
    struct pd_events_reply   *reply = PD_ARENA_NEW(&q->arena, struct pd_events_reply);
    uint64_t                  from = m->has_from && m->from > 0 ? m->from : 1, last = store_reader_last(q->log_reader);

    if (from > q->head + 1) return refuse_query(q, PD_E_position_out_of_range, "from");
    reply->events = PD_ARENA_ARRAY(&q->arena, struct pd_event_view, q->limit);
    for (uint64_t p = q->from.position > 0 ? q->from.position : from; p <= last; p++) {
        struct pd_text bytes;
        struct record  r;
        if (reply->events_count == q->limit || q->bytes > PD_PAGE_BYTES_MAX || q->scanned++ >= SCAN_MAX) {
            q->next = (struct row_key){p, 0};
            break;
        }
        pd_arena_reset(&q->scratch);
        if (!read_event(q, p, &q->scratch, &bytes, &r)) return NULL;
        if (r.header.scope != q->scope || r.header.scope_position < from) continue;
        record_read(pd_arena_text(&q->arena, bytes), &r);
        reply->events[reply->events_count++] = view_event(q, &r);
        q->bytes += bytes.size;
    }
    return reply;
}

/* ---- answering ----------------------------------------------------------------------------------------------------- */

static void *
health(struct queries *q)
{
    struct pd_health_reply *r = PD_ARENA_NEW(&q->arena, struct pd_health_reply);
    struct engine_figures   f = engine_figures(q->engine);
    struct query_counts     c = q->counts(q->counts_arg);

    *r = (struct pd_health_reply){
        .software = q->software, .log = q->log, .head = q->head, .writable = f.writable, .commands = f.commands,
        .refusals = f.refusals, .turns = f.turns, .unaddressed = c.unaddressed, .disconnected = c.disconnected,
        .undeliverable = c.undeliverable, .tasks_waiting = f.tasks_waiting, .tasks_leased = f.tasks_leased, .workers = f.workers,
    };
    return r;
}

#define LIST(block, row_code, takes, all)                                                                              \
    {                                                                                                                  \
        struct pd_##block##s_reply *r = PD_ARENA_NEW(&q->arena, struct pd_##block##s_reply);                           \
        r->block##s = read_page(q, row_code, takes, all, &r->block##s_count);                                          \
        return r;                                                                                                      \
    }

static void *
look(struct queries *q)
{
    const void *body = q->message->body;

    switch (q->message->block->code) {
    case PD_QUERY_list_resellers: LIST(reseller, PD_ROW_reseller, NULL, true)
    case PD_QUERY_list_customers: LIST(customer, PD_ROW_customer, takes_customer, false)
    case PD_QUERY_list_orders: LIST(order, PD_ROW_order, takes_order, false)
    case PD_QUERY_list_subscriptions: LIST(subscription, PD_ROW_subscription, takes_subscription, false)
    case PD_QUERY_list_plans: return list_plans(q);
    case PD_QUERY_list_periods: return list_periods(q);
    case PD_QUERY_get_order: return get_order(q);
    case PD_QUERY_get_order_history: {
        const struct pd_get_order_history *m = body;
        return read_history(q, seek_order(q, m->has_order, m->order, m->reference));
    }
    case PD_QUERY_get_customer_history:
        return read_history(q, seek_customer(q, ((const struct pd_get_customer_history *)body)->customer));
    case PD_QUERY_get_subscription_history:
        return read_history(q, seek_subscription(q, ((const struct pd_get_subscription_history *)body)->subscription));
    case PD_QUERY_read_log: return read_log(q);
    case PD_QUERY_get_panel: return get_panel(q);
    case PD_QUERY_find: return find_things(q);
    case PD_QUERY_list_tasks: return list_tasks(q);
    case PD_QUERY_get_task: return get_task(q);
    case PD_QUERY_list_workers: return list_workers(q);
    case PD_QUERY_health: return health(q);
    case PD_QUERY_get_customer: {
        struct pd_customer_reply *r = PD_ARENA_NEW(&q->arena, struct pd_customer_reply);
        return (r->customer = seek_customer(q, ((const struct pd_get_customer *)body)->customer)) != NULL ? r : NULL;
    }
    case PD_QUERY_get_plan: {
        struct pd_plan_reply *r = PD_ARENA_NEW(&q->arena, struct pd_plan_reply);
        return (r->plan = seek_plan(q, ((const struct pd_get_plan *)body)->plan)) != NULL ? r : NULL;
    }
    case PD_QUERY_get_subscription: {
        struct pd_subscription_reply *r = PD_ARENA_NEW(&q->arena, struct pd_subscription_reply);
        r->subscription = seek_subscription(q, ((const struct pd_get_subscription *)body)->subscription);
        return r->subscription != NULL ? r : NULL;
    }
    default: PD_CHECK(!"a query without an answer"); return NULL;
    }
}

/* The `text` that is searched for, where there is one. */
static bool
take_needle(struct queries *q)
{
    const struct pd_field *field = pd_block_field(q->message->block, PD_TEXT("text"));
    struct pd_text         text = {NULL, 0};

    if (field != NULL) text = *(const struct pd_text *)(const void *)((const char *)q->message->body + field->offset);
    q->needle = text.data == NULL ? text : plain_text(&q->arena, text);
    return text.data == NULL || q->needle.size > 0;
}

/* What can be refused before looking. */
static bool
prepare(struct queries *q, const struct request *request)
{
    const struct pd_request *e = &request->message.envelope;

    q->message = &request->message;
    q->refusal = request->refusal;
    q->next = q->from = (struct row_key){0, 0};
    q->scanned = q->bytes = 0;
    q->order = 0;
    if (q->refusal.code != PD_OK) return false;
    q->refusal.code = authorise(PD_TEXT("local"), q->message, e->reseller);
    if (q->refusal.code != PD_OK) return false;
    /* The head before the rows, and the rows before the snapshot: what is shown includes it. */
    q->scope = scopes_lookup(engine_scopes(q->engine), e->reseller, &q->head);
    q->limit = e->has_limit ? e->limit : LIMIT;
    q->print = query_print(q);
    if (q->scope == 0) q->refusal = pd_refuse_field(PD_E_reseller_not_found, NULL, "reseller");
    else if (e->has_at_least && e->at_least > q->head) q->refusal = pd_refuse_field(PD_E_position_out_of_range, NULL, "at_least");
    else if (e->cursor.data != NULL && !read_cursor(q, e->cursor, &q->from))
        q->refusal = pd_refuse_field(PD_E_cursor_invalid, NULL, "cursor");
    else if (!take_needle(q)) q->refusal = pd_refuse_field(PD_E_invalid_field, "something beside accents", "text");
    bool rows = q->message->block->code != PD_QUERY_health && q->message->block->code != PD_QUERY_read_log;
    if (q->refusal.code == PD_OK && rows && !engine_wait_rows(q->engine)) {
        q->refusal = pd_refuse(PD_E_busy);
        q->refusal.retry_after_ms = 1000;
    }
    return q->refusal.code == PD_OK;
}

static void
write_answer(struct queries *q, const void *data)
{
    struct mp_writer *w = &q->writer;

    mp_writer_clear(w);
    if (data == NULL) {
        pd_encode_refused(w, q->message->envelope.id, &q->refusal);
        return;
    }
    mp_map(w, q->next.position > 0 ? 5 : 4);
    mp_key(w, "id");
    mp_text(w, q->message->envelope.id);
    mp_key(w, "ok");
    mp_bool(w, true);
    mp_key(w, "position");
    mp_uint(w, q->head);
    mp_key(w, "data");
    pd_encode_map(w, q->message->block->reply(), data);
    if (q->next.position == 0) return;
    mp_key(w, "next");
    mp_text(w, write_cursor(q, q->next));
}

struct pd_text
queries_answer(struct queries *q, const struct request *request)
{
    void *data = NULL;

    pd_arena_reset(&q->arena);
    if (prepare(q, request)) {
        /* The rows' snapshot first: the log's has what they were folded from. */
        if (store_reader_open(q->books.rows, &q->rows_reader) != STORE_OK ||
            store_reader_open(q->books.log, &q->log_reader) != STORE_OK)
            q->refusal = pd_refuse(PD_E_internal);
        else {
            rows_clear(&q->rows);
            q->rows.reader = q->rows_reader;
            data = look(q);
            if (q->refusal.code != PD_OK) data = NULL;
        }
        store_reader_close(&q->log_reader);
        store_reader_close(&q->rows_reader);
    }
    write_answer(q, data);
    return (struct pd_text){q->writer.data, q->writer.size};
}
