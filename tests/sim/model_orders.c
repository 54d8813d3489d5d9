/* model_orders.c - the events of orders: whether each may follow, and what it changes; and whether an order is as its items are. */
#include <inttypes.h>
#include <stdlib.h>

#include "proto/check.h"
#include "tests/sim/model_tables.h"

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
        .policy = p->policy, .provisioning = p->provisioning, .state = PD_item_state_waiting, .trial = d->trial,
        .slot = {.progress = -1},
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

bool
m_take_added(struct model *m, struct m_scope *s, const struct model_record *r, const struct pd_order_added *e)
{
    NEED(m, e->order == s->order_count + 1, "order number %" PRIu64 " after %zu", e->order, s->order_count);
    NEED(m, m_order(s, 0, e->reference) == NULL, "a reference is given twice");
    struct m_order *o = M_ADD(s->orders, s->order_count);
    o->reference = m_print(e->reference);
    o->customer = m_print(e->customer);
    o->currency = m_print(e->currency);
    o->state = PD_order_state_draft;
    o->updated = r->time;
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
start_item(struct model *m, struct m_item *i, const struct pd_opened_item *e, uint64_t attempt)
{
    i->state = PD_item_state_provisioning;
    NEED(m, e->has_task == (i->provisioning != PD_provisioning_none), "a task for what needs none, or none");
    if (!e->has_task) return true;
    NEED(m, e->attempt == attempt && e->instance.data != NULL, "attempt %" PRIu64 " is told as %" PRIu64, attempt, e->attempt);
    NEED(m, e->deadline == m->time + i->deadline_s * 1000000, "a deadline that is not the plan's");
    i->instance = m_print(e->instance);
    i->slot.task = e->task;
    i->slot.attempt = attempt;
    i->slot.deadline = e->deadline;
    i->slot.state = PD_task_state_created;
    i->slot.worker = i->slot.message = i->slot.next_try = 0;
    i->slot.progress = -1;
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
        const struct m_item         *item = &o->items[n];
        struct m_subscription       *sub = M_ADD(s->subscriptions, s->subscription_count);
        *sub = (struct m_subscription){
            .order = e->order, .item = n + 1, .customer = o->customer, .plan = item->plan,
            .status = PD_subscription_status_ordered, .domain = item->domain, .instance = m_print(i->instance),
            .service = i->has_task ? PD_service_status_provisioning : PD_service_status_not_provisioned,
            .group = item->group, .deadline_s = item->deadline_s, .provisioning = item->provisioning, .slot = {.progress = -1},
        };
        NEED(m, i->item == n + 1 && i->subscription == s->subscription_count, "subscription number %" PRIu64, i->subscription);
        o->items[n].subscription = i->subscription;
        if (i->has_task) {
            struct m_task *task = M_ADD(s->tasks, s->task_count);
            *task = (struct m_task){.order = e->order, .item = n + 1};
            NEED(m, i->task == s->task_count, "task number %" PRIu64 " after %zu", i->task, s->task_count - 1);
        }
        if (!start_item(m, &o->items[n], i, 1)) return false;
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
        NEED(m, i->state == PD_item_state_failed && i->slot.task == e->items[n].task && i->subscription == e->items[n].subscription,
             "a retried item is another");
        NEED(m, i->instance == m_print(e->items[n].instance), "a retried item has another instance");
        s->subscriptions[i->subscription - 1].service = PD_service_status_provisioning;
        if (!start_item(m, i, &e->items[n], i->slot.attempt + 1)) return false;
    }
    return true;
}

/* ---- repair ---------------------------------------------------------------------------------------------------------- */

size_t
m_count_items(const struct m_order *o, int state)
{
    size_t n = 0;
    for (size_t i = 0; i < o->count; i++) n += o->items[i].state == state;
    return n;
}

static uint64_t
former_lease(const struct m_item *i)
{
    return i->former_count == 0 ? 0 : i->formers[i->former_count - 1].lease;
}

bool
m_may_exist(const struct m_item *i)
{
    if (i->provisioning == PD_provisioning_none) return false;
    return i->state == PD_item_state_completed || i->slot.lease > former_lease(i);
}

static bool
take_corrected(struct model *m, struct m_scope *s, struct m_order *o, const struct pd_item_corrected *e)
{
    NEED(m, o->state == PD_order_state_provisioning_failed && e->item >= 1 && e->item <= o->count, "an item is corrected");
    struct m_item         *i = &o->items[e->item - 1], after = *i;
    struct m_subscription *sub = m_subscription(s, i->subscription);
    NEED(m, i->state == PD_item_state_failed && e->subscription == i->subscription, "an item is corrected that has not failed");
    NEED(m, m_print(e->instance) != i->instance && e->instance.data != NULL, "a corrected item keeps its instance");
    after.domain = m_print(e->domain);
    NEED(m, (after.domain == 0) == (i->policy == PD_domain_policy_none), "a corrected item has a domain too many, or none");
    NEED(m, after.domain == i->domain || m_domain_free(s, o->customer, &after, NULL, i), "a domain that another holds");
    if (m_may_exist(i)) m_owe(m, s, i->subscription, i->instance);
    if (i->former_count == M_FORMERS) memmove(i->formers, i->formers + 1, --i->former_count * sizeof i->formers[0]);
    if (i->slot.lease > former_lease(i)) i->formers[i->former_count++] = (struct m_former){i->instance, i->slot.lease};
    i->instance = sub->instance = m_print(e->instance);
    i->domain = sub->domain = after.domain;
    return true;
}

/* What is done is enough: the rest is cancelled, and costs nothing. */
static bool
take_partial(struct model *m, struct m_scope *s, struct m_order *o, const struct pd_order_completed *e)
{
    NEED(m, o->state == PD_order_state_provisioning_failed && m_count_items(o, PD_item_state_completed) > 0,
         "nothing is done, and that is accepted");
    o->setup = o->recurring = 0;
    for (size_t n = 0; n < o->count; n++) {
        struct m_item *i = &o->items[n];
        if (i->state == PD_item_state_completed) {
            o->setup += i->quantity * i->setup;
            o->recurring += i->quantity * i->recurring;
            continue;
        }
        const struct m_subscription *sub = m_subscription(s, i->subscription);
        if (m_may_exist(i)) m_owe(m, s, i->subscription, i->instance);
        else if (sub->remain_count > 0 && !m_is_open(&sub->slot)) m_owe(m, s, i->subscription, sub->remains[0]);
        i->state = PD_item_state_cancelled;
    }
    o->total = o->setup + o->recurring;
    NEED(m, e->has_total && e->setup_total == o->setup && e->recurring_total == o->recurring && e->total == o->total,
         "the totals of a part are not its items'");
    return true;
}

/* ---- ends ------------------------------------------------------------------------------------------------------------ */

static bool
is_unopened(const struct m_order *o)
{
    return o->state == PD_order_state_draft || o->state == PD_order_state_new || o->state == PD_order_state_held;
}

/* What becomes of an item of an order that is to end: what may exist goes first, when no worker is at it any more. */
static bool
wind_up(struct model *m, struct m_scope *s, const struct model_record *r, struct m_item *i, const struct pd_ended_item *e)
{
    struct m_subscription *sub = m_subscription(s, i->subscription);
    bool                   leased = i->slot.state == PD_task_state_leased, remains = sub->remain_count > 0;
    bool exists = m_may_exist(i) && !leased && (i->state != PD_item_state_completed || sub->service == PD_service_status_running);
    bool first = exists || leased || remains;

    NEED(m, e->state == (first ? PD_item_state_removing : PD_item_state_cancelled), "item %" PRIu64 " ends as %d", e->item,
         e->state);
    if (exists) m_owe(m, s, i->subscription, i->instance);
    else if (!leased && remains && !m_is_open(&sub->slot)) m_owe(m, s, i->subscription, sub->remains[0]);
    if (leased) {
        i->slot.stopping = true;
        m_owe_stop(m, r, &i->slot);
    }
    i->state = e->state;
    i->slot.next_try = 0;
    if (i->slot.state == PD_task_state_created) i->slot.state = PD_task_state_cancelled;
    if (first && sub->status != PD_subscription_status_terminated) sub->service = PD_service_status_removing;
    return true;
}

static bool
take_cancelling(struct model *m, struct m_scope *s, const struct model_record *r, struct m_order *o,
                const struct pd_order_cancelling *e)
{
    bool again = o->state == PD_order_state_cleanup_failed ||
                 (o->state == PD_order_state_cancelling && r->command != PD_COMMAND_cancel_order); /* one of several items */

    NEED(m, again || o->state == PD_order_state_provisioning || o->state == PD_order_state_provisioning_failed,
         "an order is cancelled in state %d", o->state);
    if (again) NEED(m, e->goal == (enum pd_order_state)o->goal, "another goal");
    else NEED(m, e->goal == (r->command == PD_COMMAND_give_up ? PD_order_state_failed : PD_order_state_cancelled), "another goal");
    bool late = again && r->command != PD_COMMAND_cancel_order && r->command != PD_COMMAND_retry_task;
    bool all = r->command == PD_COMMAND_cancel_order;
    NEED(m, e->items_count == (!again ? o->count : all ? m_count_items(o, PD_item_state_cleanup_failed) : 1),
         "other items are to end");
    o->goal = e->goal;
    for (size_t n = 0; n < e->items_count; n++) {
        NEED(m, e->items[n].item >= 1 && e->items[n].item <= o->count && (n == 0 || e->items[n].item > e->items[n - 1].item),
             "an item is to end that there is not");
        struct m_item *i = &o->items[e->items[n].item - 1];
        if (!again) {
            if (!wind_up(m, s, r, i, &e->items[n])) return false;
            continue;
        }
        struct m_subscription *sub = m_subscription(s, i->subscription);
        NEED(m, i->state == PD_item_state_cleanup_failed, "an item is removed again that has not failed to be");
        i->state = PD_item_state_removing;
        NEED(m, late ? m->owed_count > 0 : sub->remain_count > 0, "an item is removed again without cause");
        if (!late) m_owe(m, s, i->subscription, sub->remains[0]);
        if (sub->status != PD_subscription_status_terminated) sub->service = PD_service_status_removing;
    }
    return true;
}

/* The end: from before it was opened, at once, when all is removed, or with what is abandoned. */
static bool
take_end(struct model *m, struct m_scope *s, const struct model_record *r, struct m_order *o, int goal,
         const struct pd_orphan *orphans, size_t count)
{
    size_t n = 0;

    if (o->state == PD_order_state_cancelling || o->state == PD_order_state_cleanup_failed)
        NEED(m, goal == o->goal, "an order ends otherwise than it was to");
    else NEED(m, goal == (r->command == PD_COMMAND_give_up ? PD_order_state_failed : PD_order_state_cancelled), "another end");
    NEED(m, is_unopened(o) || o->state != PD_order_state_completed, "an order ends in state %d", o->state);
    for (size_t i = 0; i < o->count; i++) {
        struct m_item         *item = &o->items[i];
        struct m_subscription *sub = item->subscription == 0 ? NULL : m_subscription(s, item->subscription);
        bool                   orphaned = item->state == PD_item_state_cleanup_failed;
        bool gone = item->state == PD_item_state_completed && sub->service == PD_service_status_removed;
        if (o->state == PD_order_state_provisioning || o->state == PD_order_state_provisioning_failed)
            NEED(m, item->slot.state != PD_task_state_leased && sub->remain_count == 0 &&
                        (!m_may_exist(item) || gone),
                 "an order ends, and something of it may exist");
        NEED(m, !orphaned || o->state == PD_order_state_cleanup_failed, "an order ends with what could not be removed");
        for (size_t j = 0; orphaned && j < sub->remain_count; j++, n++)
            NEED(m, n < count && m_print(orphans[n].instance) == sub->remains[j] && orphans[n].subscription == item->subscription,
                 "an abandoned instance is not named");
        if (m_is_open(&item->slot)) item->slot.state = PD_task_state_cancelled;
        item->slot.next_try = 0;
        item->claims = false;
        item->state = orphaned ? PD_item_state_orphaned : PD_item_state_cancelled;
    }
    NEED(m, n == count, "an instance is called abandoned that is not");
    m_server_orphans(m, orphans, count);
    return true;
}

static bool
take_expired(struct model *m, struct m_scope *s, const struct model_record *r, struct m_order *o)
{
    NEED(m, is_unopened(o) && m_is_by_engine(r), "an order expires in state %d", o->state);
    NEED(m, o->updated + M_EXPIRY_DAYS * UINT64_C(86400000000) <= r->time, "an order expires before its time");
    return take_end(m, s, r, o, PD_order_state_cancelled, NULL, 0);
}

/* ---- as its items are ------------------------------------------------------------------------------------------------ */

/* Each item and its task, by the order's state. */
static bool
are_items_sound(struct model *m, struct m_scope *s, const struct m_order *o)
{
    for (size_t n = 0; n < o->count; n++) {
        const struct m_item         *i = &o->items[n];
        const struct m_subscription *sub = i->subscription == 0 ? NULL : m_subscription(s, i->subscription);
        bool                         leased = i->slot.state == PD_task_state_leased;
        switch (i->state) {
        case PD_item_state_waiting: NEED(m, sub == NULL && i->slot.task == 0, "an item waits, and has a task"); break;
        case PD_item_state_provisioning: NEED(m, m_is_open(&i->slot), "an item is provisioned by nobody"); break;
        case PD_item_state_removing:
            NEED(m, leased ? i->slot.stopping : !m_is_open(&i->slot) && m_is_open(&sub->slot), "an item is removed by nobody");
            break;
        default: NEED(m, !m_is_open(&i->slot), "an item in state %d has an open task", i->state);
        }
        if (sub != NULL && !m_is_sound(m, s, sub)) return false;
    }
    return true;
}

bool
m_is_settled(struct model *m, struct m_scope *s, const struct m_order *o)
{
    size_t open = m_count_items(o, PD_item_state_provisioning), failed = m_count_items(o, PD_item_state_failed);
    size_t done = m_count_items(o, PD_item_state_completed), gone = m_count_items(o, PD_item_state_cancelled);
    size_t removing = m_count_items(o, PD_item_state_removing), kept = m_count_items(o, PD_item_state_cleanup_failed);
    bool   settled = false;

    switch (o->state) {
    case PD_order_state_draft:
    case PD_order_state_new:
    case PD_order_state_held: settled = m_count_items(o, PD_item_state_waiting) == o->count; break;
    case PD_order_state_provisioning: settled = open > 0 && open + failed + done == o->count; break;
    case PD_order_state_provisioning_failed: settled = failed > 0 && failed + done == o->count; break;
    case PD_order_state_completed: settled = done > 0 && done + gone == o->count; break;
    case PD_order_state_cancelling: settled = removing > 0 && removing + gone + kept == o->count; break;
    case PD_order_state_cleanup_failed: settled = kept > 0 && kept + gone == o->count; break;
    case PD_order_state_cancelled:
    case PD_order_state_failed: settled = gone + m_count_items(o, PD_item_state_orphaned) == o->count; break;
    default: break;
    }
    NEED(m, settled, "an order in state %d is not as its items are", o->state);
    return are_items_sound(m, s, o);
}

/* ---- one event ------------------------------------------------------------------------------------------------------- */

static bool
take_completed(struct model *m, struct m_scope *s, struct m_order *o, const struct pd_order_completed *e)
{
    if (e->partial) return take_partial(m, s, o, e);
    NEED(m, o->state == PD_order_state_provisioning && m_count_items(o, PD_item_state_completed) == o->count,
         "an order is completed that is not done");
    return true;
}

bool
m_take_order_event(struct model *m, struct m_scope *s, const struct model_record *r, struct m_order *o, const void *body)
{
    switch (r->type) {
    case PD_EVENT_order_updated: {
        const struct pd_order_updated *e = body;
        NEED(m, is_unopened(o), "an order is updated in state %d", o->state);
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
    case PD_EVENT_order_completed: return take_completed(m, s, o, body);
    case PD_EVENT_order_provisioning_failed:
        NEED(m, o->state == PD_order_state_provisioning && m_count_items(o, PD_item_state_provisioning) == 0 &&
                    m_count_items(o, PD_item_state_failed) > 0, "an order fails that has not");
        return true;
    case PD_EVENT_order_retried: return take_retried(m, s, o, body);
    case PD_EVENT_item_corrected: return take_corrected(m, s, o, body);
    case PD_EVENT_order_cancelling: return take_cancelling(m, s, r, o, body);
    case PD_EVENT_order_cleanup_failed:
        NEED(m, o->state == PD_order_state_cancelling && m_count_items(o, PD_item_state_cleanup_failed) > 0, "a clean-up fails");
        return true;
    case PD_EVENT_order_cancelled: {
        const struct pd_order_cancelled *e = body;
        return take_end(m, s, r, o, PD_order_state_cancelled, e->orphans, e->orphans_count);
    }
    case PD_EVENT_order_failed: {
        const struct pd_order_failed *e = body;
        return take_end(m, s, r, o, PD_order_state_failed, e->orphans, e->orphans_count);
    }
    case PD_EVENT_order_expired: return take_expired(m, s, r, o);
    default: return true; /* a note */
    }
}
