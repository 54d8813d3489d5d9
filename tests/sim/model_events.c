/* model_events.c - each event of the log: whether it may follow, and what it changes. By domain.md 2-4. */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "proto/check.h"
#include "tests/sim/model_tables.h"

static void *
add(void **list, size_t *count, size_t size)
{
    char *grown = realloc(*list, (*count + 1) * size);
    PD_CHECK(grown != NULL);
    *list = grown;
    return memset(grown + size * (*count)++, 0, size);
}
#define ADD(list, count) add((void **)&(list), &(count), sizeof *(list))

static bool
is_by_engine(const struct model_record *r)
{
    return pd_text_equal(r->actor, PD_TEXT("engine"));
}

static bool
is_by_worker(const struct model_record *r, uint64_t name)
{
    return r->actor.size > 7 && memcmp(r->actor.data, "worker/", 7) == 0 &&
           m_print((struct pd_text){r->actor.data + 7, r->actor.size - 7}) == name;
}

/* ---- what orders are made for ---------------------------------------------------------------------------------------- */

static bool
take_reseller(struct model *m, const struct model_record *r, const struct pd_reseller_put *e)
{
    struct m_scope *s = m_scope(m, e->reseller);
    if (s == NULL) {
        NEED(m, m->scope_count < M_SCOPES && r->scope == m->scope_count, "a new reseller has number %" PRIu64, r->scope);
        s = m->scopes[m->scope_count++] = calloc(1, sizeof *s);
        PD_CHECK(s != NULL);
        s->id = m_print(e->reseller);
    }
    NEED(m, m->scopes[r->scope] == s, "a reseller is put in another's scope");
    NEED(m, r->version == ++s->version, "reseller version %" PRIu64, r->version);
    return true;
}

static bool
take_customer(struct model *m, struct m_scope *s, const struct model_record *r, const struct pd_customer_put *e)
{
    struct m_customer *c = m_customer(s, e->customer);
    if (c == NULL) {
        PD_CHECK(s->customer_count < M_CUSTOMERS);
        c = &s->customers[s->customer_count++];
        c->id = m_print(e->customer);
    }
    c->name = m_print(e->name);
    NEED(m, r->version == ++c->version, "customer version %" PRIu64, r->version);
    return true;
}

static bool
take_hold(struct model *m, struct m_customer *c, const struct model_record *r, uint64_t reason, bool held)
{
    NEED(m, c != NULL, "a hold of a customer that is not there");
    NEED(m, r->version == ++c->version, "customer version %" PRIu64, r->version);
    size_t i = 0;
    while (i < c->hold_count && c->holds[i] != reason) i++;
    if (held) {
        NEED(m, i < PD_REASONS_MAX, "more than 16 holds");
        if (i == c->hold_count) c->holds[c->hold_count++] = reason;
        return true;
    }
    NEED(m, i < c->hold_count, "a hold is released that there is not");
    memmove(&c->holds[i], &c->holds[i + 1], (--c->hold_count - i) * sizeof c->holds[0]);
    return true;
}

static bool
take_plan(struct model *m, struct m_scope *s, const struct model_record *r, const struct pd_plan_put *e)
{
    struct m_plan *p = m_plan(s, e->plan);
    if (p == NULL) {
        PD_CHECK(s->plan_count < M_PLANS);
        p = &s->plans[s->plan_count++];
        p->id = m_print(e->plan);
    }
    p->name = m_print(e->name);
    p->category = m_print(e->category);
    p->group = m_print(e->worker_group);
    p->deadline_s = e->deadline_s;
    p->policy = e->domain;
    p->provisioning = e->provisioning;
    p->published = e->published;
    NEED(m, r->version == ++p->version, "plan version %" PRIu64, r->version);
    return true;
}

static bool
take_period(struct model *m, struct m_scope *s, const struct model_record *r, const struct pd_period_put *e)
{
    struct m_plan *p = m_plan(s, e->plan);
    NEED(m, p != NULL, "a period of a plan that is not there");
    struct m_period *d = m_period(p, e->period);
    if (d == NULL) {
        NEED(m, p->count < M_PERIODS, "more than 64 periods");
        d = &p->periods[p->count++];
    }
    *d = (struct m_period){m_print(e->period), e->setup_fee, e->recurring_fee, m_print(e->currency), d->version + 1, e->enabled,
                           e->trial};
    NEED(m, r->version == ++p->version, "plan version %" PRIu64, r->version);
    return true;
}

/* ---- orders ---------------------------------------------------------------------------------------------------------- */

/* The terms that an item is priced with are the plan's of now. */
static bool
price(struct model *m, struct m_scope *s, const struct pd_order_item *from, size_t n, struct m_order *o)
{
    struct m_plan   *p = m_plan(s, from->plan);
    struct m_period *d = p == NULL ? NULL : m_period(p, from->period);
    struct m_item   *i = &o->items[n];

    NEED(m, p != NULL && p->published && d != NULL && d->enabled, "an item of what cannot be ordered");
    NEED(m, from->item == n + 1 && from->state == PD_item_state_waiting, "item %zu begins as another", n + 1);
    NEED(m, from->plan_version == p->version && from->period_version == d->version, "an item of another version of its plan");
    NEED(m, from->setup_fee == d->setup && from->recurring_fee == d->recurring, "an item at another price");
    NEED(m, (p->policy == PD_domain_policy_none) == (from->domain.data == NULL), "a domain that the plan does not ask for");
    NEED(m, o->currency == d->currency, "two currencies in an order");
    *i = (struct m_item){
        .plan = p->id, .plan_version = p->version, .category = p->category, .period = d->period, .domain = m_print(from->domain),
        .quantity = from->quantity, .setup = d->setup, .recurring = d->recurring, .group = p->group, .deadline_s = p->deadline_s,
        .policy = p->policy, .provisioning = p->provisioning, .state = PD_item_state_waiting, .trial = d->trial, .progress = -1,
    };
    o->setup += i->quantity * i->setup;
    o->recurring += i->quantity * i->recurring;
    return true;
}

static bool
take_items(struct model *m, struct m_scope *s, struct m_order *o, const struct pd_order_item *items, size_t count,
           uint64_t setup, uint64_t recurring, uint64_t total)
{
    const struct m_customer *c = NULL;
    for (size_t i = 0; i < s->customer_count; i++)
        if (s->customers[i].id == o->customer) c = &s->customers[i];
    NEED(m, c != NULL && !m_on_hold(c), "an order for a customer who may not");
    NEED(m, count >= 1 && count <= M_ITEMS, "an order of %zu items", count);
    o->setup = o->recurring = 0;
    o->count = count;
    for (size_t i = 0; i < count; i++)
        if (!price(m, s, &items[i], i, o)) return false;
    o->total = o->setup + o->recurring;
    NEED(m, o->setup == setup && o->recurring == recurring && o->total == total, "an order's totals are not its items'");
    NEED(m, m_domains_free(s, o, o->customer, o->items, count), "an order of a domain that another holds");
    return true;
}

static bool
take_added(struct model *m, struct m_scope *s, const struct pd_order_added *e)
{
    NEED(m, e->order == s->order_count + 1, "order number %" PRIu64 " after %zu", e->order, s->order_count);
    NEED(m, m_order(s, 0, e->reference) == NULL, "a reference is given twice");
    struct m_order *o = ADD(s->orders, s->order_count);
    o->reference = m_print(e->reference);
    o->customer = m_print(e->customer);
    o->currency = m_print(e->currency);
    o->state = PD_order_state_draft;
    m->touched = o;
    m->touched_from = PD_order_state_absent;
    NEED(m, e->previous_state == PD_order_state_absent && e->state == PD_order_state_draft, "an order begins as no draft");
    return take_items(m, s, o, e->items, e->items_count, e->setup_total, e->recurring_total, e->total);
}

static bool
is_held(struct m_scope *s, const struct m_order *o)
{
    for (size_t i = 0; i < s->customer_count; i++)
        if (s->customers[i].id == o->customer) return m_on_hold(&s->customers[i]);
    return true;
}

static bool
start_item(struct model *m, struct m_order *o, struct m_item *i, const struct pd_opened_item *e, uint64_t attempt)
{
    i->state = PD_item_state_provisioning;
    NEED(m, e->has_task == (i->provisioning != PD_provisioning_none), "a task for what needs none, or none");
    if (!e->has_task) return true;
    NEED(m, e->attempt == attempt && e->instance.data != NULL, "attempt %" PRIu64 " is told as %" PRIu64, attempt, e->attempt);
    NEED(m, e->deadline == m->time + i->deadline_s * 1000000, "a deadline that is not the plan's");
    i->instance = m_print(e->instance);
    i->task = e->task;
    i->attempt = attempt;
    i->deadline = e->deadline;
    i->worker = i->message = 0;
    i->progress = -1;
    m->touched = o;
    return true;
}

static bool
take_opened(struct model *m, struct m_scope *s, struct m_order *o, const struct pd_order_opened *e)
{
    NEED(m, o->state == PD_order_state_new || o->state == PD_order_state_held, "an order is opened in state %d", o->state);
    NEED(m, !is_held(s, o), "an order of a customer on hold is opened");
    NEED(m, e->items_count == o->count, "%zu of %zu items are opened", e->items_count, o->count);
    for (size_t n = 0; n < o->count; n++) {
        const struct pd_opened_item *i = &e->items[n];
        struct m_subscription       *sub = ADD(s->subscriptions, s->subscription_count);
        *sub = (struct m_subscription){
            .order = e->order, .item = n + 1, .customer = o->customer, .plan = o->items[n].plan,
            .status = PD_subscription_status_ordered,
            .service = i->has_task ? PD_service_status_provisioning : PD_service_status_not_provisioned,
        };
        NEED(m, i->item == n + 1 && i->subscription == s->subscription_count, "subscription number %" PRIu64, i->subscription);
        o->items[n].subscription = i->subscription;
        if (i->has_task) {
            struct m_task *task = ADD(s->tasks, s->task_count);
            *task = (struct m_task){e->order, n + 1};
            NEED(m, i->task == s->task_count, "task number %" PRIu64 " after %zu", i->task, s->task_count - 1);
        }
        if (!start_item(m, o, &o->items[n], i, 1)) return false;
    }
    return true;
}

static bool
take_retried(struct model *m, struct m_scope *s, struct m_order *o, const struct pd_order_retried *e)
{
    size_t failed = 0;

    NEED(m, o->state == PD_order_state_provisioning_failed && !is_held(s, o), "an order is retried that may not be");
    for (size_t n = 0; n < o->count; n++) failed += o->items[n].state == PD_item_state_failed;
    NEED(m, e->items_count == failed, "%zu of %zu failed items are retried", e->items_count, failed);
    for (size_t n = 0; n < e->items_count; n++) {
        NEED(m, e->items[n].item >= 1 && e->items[n].item <= o->count, "an item is retried that there is not");
        struct m_item *i = &o->items[e->items[n].item - 1];
        NEED(m, i->state == PD_item_state_failed && i->task == e->items[n].task && i->subscription == e->items[n].subscription,
             "a retried item is another");
        NEED(m, i->instance == m_print(e->items[n].instance), "a retried item has another instance");
        s->subscriptions[i->subscription - 1].service = PD_service_status_provisioning;
        if (!start_item(m, o, i, &e->items[n], i->attempt + 1)) return false;
    }
    return true;
}

static size_t
count_items(const struct m_order *o, int state)
{
    size_t n = 0;
    for (size_t i = 0; i < o->count; i++) n += o->items[i].state == state;
    return n;
}

/* One command's events bring an order to a state that its items bear out. */
bool
m_is_settled(const struct m_order *o)
{
    size_t open = count_items(o, PD_item_state_provisioning), failed = count_items(o, PD_item_state_failed);

    switch (o->state) {
    case PD_order_state_draft:
    case PD_order_state_new:
    case PD_order_state_held: return count_items(o, PD_item_state_waiting) == o->count;
    case PD_order_state_provisioning: return open > 0;
    case PD_order_state_provisioning_failed: return open == 0 && failed > 0;
    case PD_order_state_completed: return count_items(o, PD_item_state_completed) == o->count;
    case PD_order_state_cancelled: return count_items(o, PD_item_state_cancelled) == o->count;
    default: return false;
    }
}

static bool
take_order_event(struct model *m, struct m_scope *s, const struct model_record *r, struct m_order *o, const void *body)
{
    switch (r->type) {
    case PD_EVENT_order_updated: {
        const struct pd_order_updated *e = body;
        NEED(m, o->state == PD_order_state_draft || o->state == PD_order_state_new || o->state == PD_order_state_held,
             "an order is updated in state %d", o->state);
        o->currency = m_print(e->currency);
        return take_items(m, s, o, e->items, e->items_count, e->setup_total, e->recurring_total, e->total);
    }
    case PD_EVENT_order_confirmed:
        NEED(m, o->state == PD_order_state_draft, "an order is confirmed in state %d", o->state);
        NEED(m, m_domains_free(s, o, o->customer, o->items, o->count), "a domain is claimed that another holds");
        for (size_t i = 0; i < o->count; i++) o->items[i].claims = o->items[i].domain != 0;
        return true;
    case PD_EVENT_order_opened: return take_opened(m, s, o, body);
    case PD_EVENT_order_held:
        NEED(m, (o->state == PD_order_state_new || o->state == PD_order_state_held) && is_held(s, o), "an order is held");
        return true;
    case PD_EVENT_order_completed:
        NEED(m, o->state == PD_order_state_provisioning && count_items(o, PD_item_state_completed) == o->count,
             "an order is completed that is not done");
        return true;
    case PD_EVENT_order_provisioning_failed:
        NEED(m, o->state == PD_order_state_provisioning && count_items(o, PD_item_state_provisioning) == 0 &&
                    count_items(o, PD_item_state_failed) > 0, "an order fails that has not");
        return true;
    case PD_EVENT_order_retried: return take_retried(m, s, o, body);
    case PD_EVENT_order_cancelled:
        NEED(m, o->state == PD_order_state_draft || o->state == PD_order_state_new || o->state == PD_order_state_held,
             "an order is cancelled in state %d", o->state);
        for (size_t i = 0; i < o->count; i++) o->items[i].state = PD_item_state_cancelled, o->items[i].claims = false;
        return true;
    default: return true; /* a note */
    }
}

/* ---- tasks ----------------------------------------------------------------------------------------------------------- */

bool
m_is_current(const struct m_item *i, uint64_t lease, struct pd_text worker)
{
    return i->state == PD_item_state_provisioning && i->worker != 0 && i->lease == lease && i->worker == m_print(worker);
}

bool
m_has_closed(const struct m_item *i, int state, uint64_t lease, struct pd_text worker)
{
    return i->state == state && i->lease == lease && i->worker == m_print(worker);
}

/* A hand-out: to somebody who is there, for whom it is, and who has a free slot. */
static bool
take_leased(struct model *m, struct m_item *i, const struct pd_task_leased *e)
{
    const struct m_worker *w = m_worker(m, e->worker);
    size_t                 held = 0;
    bool                   serves = false;

    NEED(m, i->state == PD_item_state_provisioning && i->worker == 0, "task %" PRIu64 " has two live leases", e->task);
    NEED(m, e->lease == i->lease + 1, "lease %" PRIu64 " after %" PRIu64, e->lease, i->lease);
    NEED(m, e->attempt == i->attempt && i->provisioning == PD_provisioning_worker, "a lease of another attempt, or by hand");
    NEED(m, w != NULL && w->heard_ms + m->lease_ms > m->now_ms, "a lease for a worker that is not there");
    for (size_t g = 0; g < w->group_count; g++) serves = serves || w->groups[g] == i->group;
    NEED(m, serves, "a lease for a worker of another group");
    for (size_t s = 1; s < m->scope_count; s++)
        for (size_t t = 0; t < m->scopes[s]->task_count; t++) {
            const struct m_item *other = m_item_of(m->scopes[s], t + 1, NULL);
            held += other->state == PD_item_state_provisioning && other->worker == w->name;
        }
    NEED(m, held < w->credit, "a worker of credit %" PRIu64 " is given one lease more", w->credit);
    i->lease = e->lease;
    i->worker = w->name;
    i->message = 0;
    i->progress = -1;
    i->lease_until_ms = m->now_ms + m->lease_ms;
    return true;
}

static bool
take_failed(struct model *m, struct m_scope *s, const struct model_record *r, struct m_item *i, const struct pd_task_failed *e)
{
    bool timed_out = is_by_engine(r);

    NEED(m, i->state == PD_item_state_provisioning && e->lease == i->lease, "a stale failure");
    NEED(m, e->subscription == i->subscription, "a failure of another's subscription");
    if (timed_out) NEED(m, i->deadline <= r->time && pd_text_equal(e->code, PD_TEXT("timed_out")), "a deadline before its time");
    else NEED(m, m_is_current(i, e->lease, e->worker) && is_by_worker(r, i->worker), "a stale failure is taken");
    i->state = PD_item_state_failed;
    i->message = m_print(e->message.data == NULL ? e->code : e->message);
    if (timed_out) i->worker = 0;
    s->subscriptions[i->subscription - 1].service = PD_service_status_not_provisioned;
    return true;
}

static bool
take_task_event(struct model *m, struct m_scope *s, const struct model_record *r, struct m_item *i, const void *body)
{
    switch (r->type) {
    case PD_EVENT_task_leased: return take_leased(m, i, body);
    case PD_EVENT_task_progressed: {
        const struct pd_task_progressed *e = body;
        NEED(m, i->worker != 0 && i->lease == e->lease && is_by_worker(r, i->worker) && i->state == PD_item_state_provisioning,
             "progress under a stale lease");
        if (e->has_progress) i->progress = (int)e->progress;
        if (e->message.data != NULL) i->message = m_print(e->message);
        return true;
    }
    case PD_EVENT_task_succeeded: {
        const struct pd_task_succeeded *e = body;
        NEED(m, m_is_current(i, e->lease, e->worker) && is_by_worker(r, i->worker), "a stale success is taken");
        i->message = m_print(e->message);
        i->progress = 100;
        m->done = i;
        return true;
    }
    case PD_EVENT_task_failed: return take_failed(m, s, r, i, body);
    case PD_EVENT_task_released: {
        const struct pd_task_released *e = body;
        NEED(m, i->state == PD_item_state_provisioning && i->worker != 0 && e->lease == i->lease, "a lease is released twice");
        NEED(m, m->now_ms >= i->lease_until_ms, "a lease is taken away %" PRIu64 " ms early", i->lease_until_ms - m->now_ms);
        i->worker = 0;
        i->message = m_print(e->reason);
        return true;
    }
    case PD_EVENT_task_stale: {
        const struct pd_task_stale *e = body;
        NEED(m, e->lease <= i->lease && !m_is_current(i, e->lease, e->worker), "a lease is called stale that is not");
        NEED(m, (i->stale >> e->lease % 64 & 1) == 0, "a stale result is recorded twice");
        i->stale |= (uint64_t)1 << e->lease % 64;
        return true;
    }
    default: return wrong(m, "an event of type %d", r->type);
    }
}

/* ---- subscriptions ----------------------------------------------------------------------------------------------------- */

/* The story's resellers live in UTC. */
static uint64_t
expiry(uint64_t start, struct pd_text text)
{
    time_t           seconds = (time_t)(start / 1000000);
    struct tm        tm;
    struct pd_period p;

    PD_CHECK(pd_parse_period(text, &p));
    gmtime_r(&seconds, &tm);
    int day = tm.tm_mday;
    if (p.unit == 'd') tm.tm_mday += (int)p.count;
    if (p.unit == 'm') tm.tm_mon += (int)p.count;
    if (p.unit == 'y') tm.tm_year += (int)p.count;
    seconds = timegm(&tm);
    if (p.unit != 'd' && tm.tm_mday != day) seconds -= tm.tm_mday * 86400; /* the month's last day */
    return (uint64_t)seconds * 1000000 + start % 1000000;
}

static bool
take_activated(struct model *m, struct m_scope *s, const struct model_record *r, const struct pd_subscription_activated *e)
{
    static const char *const periods[] = {"1m", "1y", "30d"};
    uint64_t                 wanted = 0;

    NEED(m, e->subscription >= 1 && e->subscription <= s->subscription_count, "a subscription is active that there is not");
    struct m_subscription *sub = &s->subscriptions[e->subscription - 1];
    NEED(m, r->version == ++sub->version, "subscription version %" PRIu64, r->version);
    struct m_order *o = m_order(s, sub->order, (struct pd_text){NULL, 0});
    struct m_item  *i = &o->items[sub->item - 1];
    NEED(m, e->order == sub->order && e->item == sub->item && m_print(e->customer) == o->customer, "another's subscription");
    NEED(m, i->state == PD_item_state_provisioning && (i == m->done || i->provisioning == PD_provisioning_none),
         "a subscription is active without its item's success");
    for (size_t n = 0; n < 3; n++)
        if (i->period == m_print(pd_text(periods[n]))) wanted = expiry(r->time, pd_text(periods[n]));
    NEED(m, e->start == r->time && e->periods == 1 && e->expiration == wanted, "a subscription's time is not its period's");
    NEED(m, e->status == (i->trial ? PD_subscription_status_trial : PD_subscription_status_active), "a trial that is none");
    sub->status = e->status;
    sub->service = PD_service_status_running;
    sub->start = e->start;
    sub->expiration = e->expiration;
    i->state = PD_item_state_completed;
    m->touched = o;
    return true;
}

/* ---- one event --------------------------------------------------------------------------------------------------------- */

/* Events of an order begin with its number, or the order and the item; all carry both states. */
static bool
take_of_order(struct model *m, struct m_scope *s, const struct model_record *r, const struct pd_block *block, const char *body)
{
    const struct pd_field *number = pd_block_field(block, PD_TEXT("order")), *item = pd_block_field(block, PD_TEXT("item"));
    const struct pd_field *from = pd_block_field(block, PD_TEXT("previous_state")), *to = pd_block_field(block, PD_TEXT("state"));
    uint64_t               n = *(const uint64_t *)(const void *)(body + number->offset);
    int                    before, after = *(const int *)(const void *)(body + to->offset);

    if (r->type == PD_EVENT_order_added && !take_added(m, s, (const void *)body)) return false;
    struct m_order *o = m_order(s, n, (struct pd_text){NULL, 0});
    NEED(m, o != NULL, "an event of an order that there is not");
    NEED(m, r->version == ++o->version, "order %" PRIu64 " has version %" PRIu64, n, r->version);
    if (r->type == PD_EVENT_order_added) return true;
    memcpy(&before, body + from->offset, sizeof before);
    if (m->touched != o) m->touched_from = o->state;
    m->touched = o;
    NEED(m, before == o->state, "order %" PRIu64 " leaves state %d, in which it is not", n, before);
    if (item == NULL) {
        if (!take_order_event(m, s, r, o, body)) return false;
    } else {
        uint64_t at = *(const uint64_t *)(const void *)(body + item->offset);
        uint64_t task = *(const uint64_t *)(const void *)(body + pd_block_field(block, PD_TEXT("task"))->offset);
        NEED(m, at >= 1 && at <= o->count && o->items[at - 1].task == task, "an event of a task that there is not");
        if (!take_task_event(m, s, r, &o->items[at - 1], body)) return false;
    }
    bool may = (r->type == PD_EVENT_order_updated && after == PD_order_state_draft) ||
               (r->type == PD_EVENT_order_confirmed && after == PD_order_state_new) ||
               ((r->type == PD_EVENT_order_opened || r->type == PD_EVENT_order_retried) && after == PD_order_state_provisioning) ||
               (r->type == PD_EVENT_order_held && after == PD_order_state_held) ||
               (r->type == PD_EVENT_order_completed && after == PD_order_state_completed) ||
               (r->type == PD_EVENT_order_provisioning_failed && after == PD_order_state_provisioning_failed) ||
               (r->type == PD_EVENT_order_cancelled && after == PD_order_state_cancelled) ||
               ((item != NULL || r->type == PD_EVENT_note_added) && after == o->state);
    NEED(m, may, "order %" PRIu64 " goes from %d to %d", n, before, after);
    o->state = after;
    return true;
}

bool
m_take_event(struct model *m, const struct model_record *r)
{
    const struct pd_block *block = pd_schema_event(r->type);
    NEED(m, block != NULL, "an event of type %d", r->type);
    void *body = pd_arena_zero(&m->arena, block->size);
    NEED(m, pd_decode_event(&m->arena, &m->event_reader, block, r->body, body), "event %" PRIu64 " cannot be read", r->position);
    NEED(m, r->time >= m->time, "event %" PRIu64 " is before the last one", r->position);
    m->time = r->time;
    if (r->type == PD_EVENT_reseller_put && !take_reseller(m, r, body)) return false;
    NEED(m, r->scope < m->scope_count, "an event of reseller %" PRIu64, r->scope);
    struct m_scope *s = m->scopes[r->scope];
    NEED(m, r->scope_position == ++s->position, "reseller %" PRIu64 ": position %" PRIu64 " after %" PRIu64, r->scope,
         r->scope_position, s->position - 1);

    switch (r->type) {
    case PD_EVENT_engine_started:
    case PD_EVENT_reseller_put: return true;
    case PD_EVENT_customer_put: return take_customer(m, s, r, body);
    case PD_EVENT_customer_held: {
        const struct pd_customer_held *e = body;
        return take_hold(m, m_customer(s, e->customer), r, m_print(e->reason), true);
    }
    case PD_EVENT_customer_released: {
        const struct pd_customer_released *e = body;
        return take_hold(m, m_customer(s, e->customer), r, m_print(e->reason), false);
    }
    case PD_EVENT_customer_note_added: {
        struct m_customer *c = m_customer(s, ((const struct pd_customer_note_added *)body)->customer);
        NEED(m, c != NULL && r->version == ++c->version, "a note of a customer");
        return true;
    }
    case PD_EVENT_subscription_note_added: {
        uint64_t n = ((const struct pd_subscription_note_added *)body)->subscription;
        NEED(m, n >= 1 && n <= s->subscription_count && r->version == ++s->subscriptions[n - 1].version, "a subscription's note");
        return true;
    }
    case PD_EVENT_plan_put: return take_plan(m, s, r, body);
    case PD_EVENT_period_put: return take_period(m, s, r, body);
    case PD_EVENT_subscription_activated: return take_activated(m, s, r, body);
    default: return take_of_order(m, s, r, block, body);
    }
}
