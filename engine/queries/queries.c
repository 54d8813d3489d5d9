#include "engine/queries/queries.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "engine/audit.h"
#include "engine/authorise.h"
#include "engine/base/clock.h"
#include "engine/base/plain.h"
#include "engine/domain/support.h"
#include "engine/domain/transitions.h"
#include "engine/queries/query.h"
#include "engine/views/events.h"
#include "proto/check.h"

enum { LIMIT = 100 };

struct queries *
queries_open(const struct query_sources *sources)
{
    struct queries *q = calloc(1, sizeof *q);

    PD_CHECK(q != NULL);
    *q = (struct queries){.sources = *sources, .log = engine_log(sources->engine)};
    pd_arena_init(&q->arena);
    pd_arena_init(&q->scratch);
    rows_init(&q->rows, &q->arena);
    q->folder = (struct folder){.arena = &q->arena, .rows = &q->rows, .index = engine_index(sources->engine), .shared = true};
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

/* A cursor is a place under a mask of the log and the query, its fields included, with a sum: opaque, and only good for the query
 * that gave it. What it begins with tells another log's from one that was tampered with.
 *
 *     log's print (8 hexadecimal digits)   place (16, 16, 8)   sum (8) */
enum { CURSOR_SIZE = 56 };

static uint64_t
cursor_mask(const struct queries *q, uint64_t salt)
{
    return XXH3_64bits_withSeed(q->log.data, q->log.size, q->print ^ salt << 40 ^ q->scope << 8);
}

static uint32_t
log_print(const struct queries *q)
{
    return (uint32_t)XXH3_64bits(q->log.data, q->log.size);
}

static uint32_t
sum_of(const struct queries *q, const uint64_t words[2], uint32_t item)
{
    const uint64_t all[] = {words[0], words[1], item};
    return (uint32_t)XXH3_64bits_withSeed(all, sizeof all, cursor_mask(q, 4));
}

/* What the query asks, whatever page of it. */
static uint64_t
query_print(struct queries *q)
{
    mp_writer_clear(&q->writer);
    mp_uint(&q->writer, (uint64_t)q->message->block->code);
    mp_uint(&q->writer, (uint64_t)q->message->envelope.sort);
    pd_encode_map(&q->writer, q->message->block, q->message->body);
    return XXH3_64bits(q->writer.data, q->writer.size);
}

static struct pd_text
write_cursor(struct queries *q, struct list_place place)
{
    char          *text = pd_arena_alloc(&q->arena, CURSOR_SIZE + 1);
    const uint64_t words[] = {place.number ^ cursor_mask(q, 1), place.row.position ^ cursor_mask(q, 2)};
    uint32_t       item = place.row.item ^ (uint32_t)cursor_mask(q, 3);

    int size = snprintf(text, CURSOR_SIZE + 1, "%08" PRIx32 "%016" PRIx64 "%016" PRIx64 "%08" PRIx32 "%08" PRIx32, log_print(q),
                        words[0], words[1], item, sum_of(q, words, item));
    return (struct pd_text){text, (size_t)size};
}

/* PD_OK, or what is wrong with it. */
static enum pd_error_code
read_cursor(const struct queries *q, struct pd_text text, struct list_place *ret_place)
{
    char     copy[CURSOR_SIZE + 1] = "";
    uint64_t words[2];
    uint32_t log, item, sum;

    if (text.size != CURSOR_SIZE) return PD_E_cursor_invalid;
    memcpy(copy, text.data, CURSOR_SIZE);
    if (strspn(copy, "0123456789abcdef") != CURSOR_SIZE ||
        sscanf(copy, "%8" SCNx32 "%16" SCNx64 "%16" SCNx64 "%8" SCNx32 "%8" SCNx32, &log, &words[0], &words[1], &item, &sum) != 5)
        return PD_E_cursor_invalid;
    if (log != log_print(q)) return PD_E_wrong_log;
    if (sum != sum_of(q, words, item)) return PD_E_cursor_invalid;
    *ret_place = (struct list_place){
        words[0] ^ cursor_mask(q, 1), {words[1] ^ cursor_mask(q, 2), item ^ (uint32_t)cursor_mask(q, 3)}};
    return PD_OK;
}

/* ---- lists --------------------------------------------------------------------------------------------------------- */

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
has_item(const struct pd_order *o, struct pd_text plan, struct pd_text domain)
{
    bool has_plan = plan.data == NULL, has_domain = domain.data == NULL;

    for (size_t i = 0; i < o->items_count; i++) {
        has_plan = has_plan || pd_text_equal(o->items[i].plan, plan);
        has_domain = has_domain || (o->items[i].domain.data != NULL && pd_text_equal(o->items[i].domain, domain));
    }
    return has_plan && has_domain;
}

static bool
takes_order(struct queries *q, const void *row)
{
    const struct pd_list_orders *m = q->message->body;
    const struct pd_order       *o = row;
    return (m->customer.data == NULL || pd_text_equal(m->customer, o->customer)) &&
           (m->state == PD_order_state_absent || m->state == o->state) &&
           (m->reference.data == NULL || pd_text_equal(m->reference, o->reference)) && has_item(o, m->plan, m->domain.ascii);
}

static bool
takes_subscription(struct queries *q, const void *row)
{
    const struct pd_list_subscriptions *m = q->message->body;
    const struct pd_subscription       *s = row;
    return (m->customer.data == NULL || pd_text_equal(m->customer, s->customer)) &&
           (m->plan.data == NULL || pd_text_equal(m->plan, s->plan)) &&
           (m->status == PD_subscription_status_absent || m->status == s->status) &&
           (m->service_status == PD_service_status_absent || m->service_status == s->service_status) &&
           (m->removal == PD_task_state_absent || m->removal == s->task_state) &&
           (!m->has_expires_from || (s->has_expiration && s->expiration >= m->expires_from)) &&
           (!m->has_expires_until || (s->has_expiration && s->expiration < m->expires_until));
}

static bool
takes_service(struct queries *q, const void *row)
{
    (void)q;
    return ((const struct pd_subscription *)row)->status != PD_subscription_status_terminated;
}

/* Adds a key of a text or of a number, where it is asked for. */
static void
add_text(struct queries *q, struct page *p, int view, struct pd_text text)
{
    struct view_key key = scope_key(q, view);
    if (text.data == NULL) return;
    view_key_text(&key, text);
    list_add(&p->list, key);
}

static void
add_number(struct queries *q, struct page *p, int view, int number)
{
    struct view_key key = scope_key(q, view);
    if (number == 0) return;
    view_key_number(&key, (uint64_t)number, 1);
    list_add(&p->list, key);
}

/* The order of rows that the query asks for, if it can be had. */
static bool
is_sorted_by(struct queries *q, enum pd_sort one, enum pd_sort other, const char *expected)
{
    enum pd_sort sort = q->message->envelope.sort;

    if (sort == PD_sort_absent || sort == one || sort == other || sort == PD_sort_oldest || sort == PD_sort_newest) return true;
    q->refusal = pd_refuse_field(PD_E_invalid_field, expected, "sort");
    return false;
}

static bool
is_newest_first(const struct queries *q)
{
    return q->message->envelope.sort == PD_sort_newest;
}

static void *
list_orders(struct queries *q)
{
    const struct pd_list_orders *m = q->message->body;
    struct pd_orders_reply      *r = PD_ARENA_NEW(&q->arena, struct pd_orders_reply);
    bool                         changed = q->message->envelope.sort == PD_sort_changed;
    struct page                  p;

    if (!is_sorted_by(q, PD_sort_changed, PD_sort_changed, "oldest, newest or changed")) return NULL;
    begin_page(q, &p, changed, changed || is_newest_first(q));
    if (!changed) {
        add_text(q, &p, VIEW_orders_by_reference, m->reference);
        add_text(q, &p, VIEW_orders_by_domain, m->domain.ascii);
        add_text(q, &p, VIEW_orders_by_customer, m->customer);
        add_number(q, &p, VIEW_orders_by_state, (int)m->state);
        add_text(q, &p, VIEW_orders_by_plan, m->plan);
    }
    if (p.list.count == 0) list_add(&p.list, scope_key(q, changed ? VIEW_orders_by_change : VIEW_orders));
    if (!narrow_page(q, &p, m->has_since ? m->since : 0, m->has_until ? m->until : UINT64_MAX)) return NULL;
    r->orders = read_page(q, &p, PD_ROW_order, takes_order, &r->orders_count);
    return r;
}

static void *
list_subscriptions(struct queries *q)
{
    const struct pd_list_subscriptions *m = q->message->body;
    struct pd_subscriptions_reply      *r = PD_ARENA_NEW(&q->arena, struct pd_subscriptions_reply);
    bool                                expiring = q->message->envelope.sort == PD_sort_expiring;
    struct page                         p;

    if (!is_sorted_by(q, PD_sort_expiring, PD_sort_expiring, "oldest, newest or expiring")) return NULL;
    begin_page(q, &p, expiring, is_newest_first(q));
    if (!expiring) {
        add_text(q, &p, VIEW_subscriptions_by_customer, m->customer);
        add_number(q, &p, VIEW_subscriptions_by_removal, (int)m->removal);
        add_number(q, &p, VIEW_subscriptions_by_service, (int)m->service_status);
        add_number(q, &p, VIEW_subscriptions_by_status, (int)m->status);
    }
    if (p.list.count == 0) list_add(&p.list, scope_key(q, expiring ? VIEW_subscriptions_by_expiration : VIEW_subscriptions));
    if (expiring && m->has_expires_from && p.list.from.number < m->expires_from) p.list.from.number = m->expires_from;
    r->subscriptions = read_page(q, &p, PD_ROW_subscription, takes_subscription, &r->subscriptions_count);
    return r;
}

/* Of a view that is a reseller's all: customers, plans. */
static void *
read_whole(struct queries *q, int view, uint64_t scope, int row_code, takes_row *takes, size_t *ret_count)
{
    struct page p;

    *ret_count = 0;
    if (!is_sorted_by(q, PD_sort_oldest, PD_sort_oldest, "oldest or newest")) return NULL;
    begin_page(q, &p, false, is_newest_first(q));
    list_add(&p.list, view_key(view, scope));
    return read_page(q, &p, row_code, takes, ret_count);
}

static void *
list_plans(struct queries *q)
{
    struct pd_plans_reply *r = PD_ARENA_NEW(&q->arena, struct pd_plans_reply);
    struct pd_plan        *plans = read_whole(q, VIEW_plans, q->scope, PD_ROW_plan, takes_plan, &r->plans_count);
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
    struct page p;
    begin_page(q, &p, false, false);
    add_text(q, &p, VIEW_subscriptions_by_customer, m->customer);
    struct pd_subscription *s = read_page(q, &p, PD_ROW_subscription, takes_service, &r->services_count);
    r->services = PD_ARENA_ARRAY(&q->arena, struct pd_panel_service, r->services_count);
    for (size_t i = 0; i < r->services_count; i++)
        r->services[i] = (struct pd_panel_service){
            .subscription = s[i].subscription, .service = s[i].plan_name, .domain = s[i].domain_unicode, .status = s[i].status,
            .service_status = s[i].service_status, .since = s[i].start, .has_since = s[i].has_start, .until = s[i].expiration,
            .has_until = s[i].has_expiration, .login = login_of(&s[i]),
        };
    return r;
}

/* ---- which there are ---------------------------------------------------------------------------------------------- */

/* What is answered without views. */
static bool
needs_views(const struct pd_block *query)
{
    switch (query->code) {
    case PD_QUERY_health:
    case PD_QUERY_list_views:
    case PD_QUERY_rebuild_views:
    case PD_QUERY_list_workers:
    case PD_QUERY_list_subscribers:
    case PD_QUERY_get_metrics:
    case PD_QUERY_start_backup:
    case PD_QUERY_get_backup: return false;
    default: return true;
    }
}

/* ---- answering ----------------------------------------------------------------------------------------------------- */

#define LIST(block, view, scope, takes)                                                                                \
    {                                                                                                                  \
        struct pd_##block##s_reply *r = PD_ARENA_NEW(&q->arena, struct pd_##block##s_reply);                           \
        r->block##s = read_whole(q, view, scope, PD_ROW_##block, takes, &r->block##s_count);                           \
        return r;                                                                                                      \
    }

static void *
look(struct queries *q)
{
    const void *body = q->message->body;

    switch (q->message->block->code) {
    case PD_QUERY_list_resellers: LIST(reseller, VIEW_resellers, 0, NULL)
    case PD_QUERY_list_keys: LIST(key, VIEW_granted_keys, 0, NULL)
    case PD_QUERY_list_customers: LIST(customer, VIEW_customers, q->scope, takes_customer)
    case PD_QUERY_list_orders: return list_orders(q);
    case PD_QUERY_list_subscriptions: return list_subscriptions(q);
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
    case PD_QUERY_list_subscribers: return list_subscribers(q);
    case PD_QUERY_get_metrics: return get_metrics(q);
    case PD_QUERY_list_counters: return list_counters(q);
    case PD_QUERY_list_hours: return list_hours(q);
    case PD_QUERY_list_views: return list_views(q, false);
    case PD_QUERY_rebuild_views: return list_views(q, true);
    case PD_QUERY_start_backup: return answer_backup(q, body);
    case PD_QUERY_get_backup: return answer_backup(q, NULL);
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

/* Whether it looks at all resellers: then its positions are the log's. */
static bool
is_of_all(const struct pd_message *m)
{
    if (m->block->code == PD_QUERY_read_log) return ((const struct pd_read_log *)m->body)->all;
    if (m->block->code == PD_QUERY_list_subscribers) return ((const struct pd_list_subscribers *)m->body)->all;
    return m->block->code == PD_QUERY_list_counters && ((const struct pd_list_counters *)m->body)->all;
}

/* What can be refused before looking. */
static bool
prepare(struct queries *q, const struct request *request)
{
    const struct pd_request *e = &request->message.envelope;

    q->message = &request->message;
    q->refusal = request->refusal;
    q->has_from = q->has_next = q->log_is_damaged = false;
    q->scanned = q->bytes = 0;
    q->order = 0;
    if (q->refusal.code != PD_OK) return false;
    q->refusal = authorise(keys_find(engine_keys(q->sources.engine), request->identity), q->message);
    if (q->refusal.code != PD_OK) {
        audit_refused(q->sources.measures, clock_now().monotonic_ms, request->identity, q->message, &q->refusal);
        return false;
    }
    q->scope = scopes_lookup(engine_scopes(q->sources.engine), e->reseller, &q->head);
    if (is_of_all(q->message)) q->head = engine_figures(q->sources.engine).position;
    q->limit = e->has_limit ? e->limit : LIMIT;
    q->print = query_print(q);
    if (q->scope == 0) q->refusal = pd_refuse_field(PD_E_reseller_not_found, NULL, "reseller");
    else if (e->log.data != NULL && !pd_text_equal(e->log, q->log)) q->refusal = pd_refuse_field(PD_E_wrong_log, NULL, "log");
    else if (e->has_at_least && e->at_least > q->head) q->refusal = pd_refuse_field(PD_E_position_out_of_range, NULL, "at_least");
    else if (!take_needle(q)) q->refusal = pd_refuse_field(PD_E_invalid_field, "something beside accents", "text");
    if (q->refusal.code != PD_OK || e->cursor.data == NULL) return q->refusal.code == PD_OK;
    q->has_from = true;
    enum pd_error_code wrong = read_cursor(q, e->cursor, &q->from);
    if (wrong != PD_OK) q->refusal = pd_refuse_field(wrong, NULL, "cursor");
    return wrong == PD_OK;
}

/* Opens the views, if they show enough; `wanted` as in queries_answer. False: the query is refused, or, when it is not, too
 * early. */
static bool
open_views(struct queries *q, bool is_late, uint64_t *wanted, uint64_t *ret_wait_ms)
{
    const struct pd_request *e = &q->message->envelope;

    *ret_wait_ms = e->has_at_least ? QUERY_LIMIT_MS : QUERY_FRESH_MS;
    if (*wanted == 0 && !e->has_at_least) *wanted = engine_figures(q->sources.engine).position;
    enum store_error error = views_reader_open(q->sources.views, &q->view);
    if (error == STORE_NONE) *ret_wait_ms = QUERY_LIMIT_MS; /* they are being made */
    if (error == STORE_OK && is_of_all(q->message)) q->head = q->view.position;
    else if (error == STORE_OK) error = events_head(q->view.reader, q->scope, &q->arena, &q->head);
    if (error == STORE_OK && q->view.position >= *wanted && (!e->has_at_least || q->head >= e->at_least)) return true;
    if (error != STORE_OK && error != STORE_NONE) q->refusal = pd_refuse(PD_E_internal);
    else if (is_late && error == STORE_OK && !e->has_at_least) return true;
    else if (is_late) refuse_busy(q);
    return false;
}

static void
write_answer(struct queries *q, const void *data)
{
    struct mp_writer *w = &q->writer;
    struct pd_text    cursor = q->has_next ? write_cursor(q, q->next) : (struct pd_text){NULL, 0};

    mp_writer_clear(w);
    if (data == NULL) {
        pd_encode_refused(w, q->message->envelope.id, &q->refusal);
        measures_refused(q->sources.measures, q->refusal.code);
        return;
    }
    mp_map(w, q->has_next ? 5 : 4);
    mp_key(w, "id");
    mp_text(w, q->message->envelope.id);
    mp_key(w, "ok");
    mp_bool(w, true);
    mp_key(w, "position");
    mp_uint(w, q->head);
    mp_key(w, "data");
    pd_encode_map(w, q->message->block->reply(), data);
    if (!q->has_next) return;
    mp_key(w, "next");
    mp_text(w, cursor);
}

bool
queries_answer(struct queries *q, const struct request *request, bool is_late, uint64_t *wanted, uint64_t *ret_wait_ms,
               struct pd_text *ret_answer)
{
    void *data = NULL;

    pd_arena_reset(&q->arena);
    bool ready = prepare(q, request);
    bool viewed = ready && needs_views(q->message->block);
    if (viewed && q->sources.views == NULL) q->refusal = pd_refuse(PD_E_views_off), ready = false;
    viewed = viewed && ready;
    if (viewed) ready = open_views(q, is_late, wanted, ret_wait_ms);
    if (ready) {
        rows_clear(&q->rows);
        q->rows.reader = q->view.reader;
        data = look(q);
        if (index_is_damaged(q->folder.index)) q->refusal = pd_refuse(PD_E_shutting_down); /* what it did not find may be there */
        if (q->refusal.code != PD_OK) data = NULL;
    }
    store_reader_close(&q->log_reader);
    if (viewed) views_reader_close(q->sources.views, &q->view);
    if (viewed && !ready && q->refusal.code == PD_OK) return false;
    if (viewed && q->refusal.code == PD_E_internal && !q->log_is_damaged) views_rebuild(q->sources.views);
    write_answer(q, data);
    *ret_answer = (struct pd_text){q->writer.data, q->writer.size};
    return true;
}
