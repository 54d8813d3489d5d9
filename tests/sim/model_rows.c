/* model_rows.c - the rows, against what the log says. */
#include <inttypes.h>

#include "tests/sim/model_tables.h"

/* What an item's row and a subscription's say of a task alike. */
#define IS_SLOT(row, slot)                                                                                             \
    ((row)->task == (slot)->task && (row)->attempt == (slot)->attempt && (row)->lease == (slot)->lease &&              \
     m_print((row)->worker) == (slot)->worker && m_print((row)->message) == (slot)->message &&                         \
     (row)->deadline == (slot)->deadline && (row)->stale_leases == (slot)->stale &&                                    \
     (row)->task_state == (enum pd_task_state)(slot)->state &&                                                         \
     ((row)->has_next_try ? (row)->next_try == (slot)->next_try : (slot)->next_try == 0) &&                            \
     ((row)->has_progress ? (int)(row)->progress == (slot)->progress : (slot)->progress == -1))

static bool
check_item(struct model *m, const struct m_item *i, const struct pd_order_item *row)
{
    const struct m_former *former = i->former_count == 0 ? NULL : &i->formers[i->former_count - 1];

    NEED(m, row->state == (enum pd_item_state)i->state && row->plan_version == i->plan_version && m_print(row->plan) == i->plan &&
                m_print(row->domain) == i->domain && row->quantity == i->quantity && row->claims == i->claims,
         "an item's row is not what the log says");
    NEED(m, row->subscription == i->subscription && m_print(row->instance) == i->instance && IS_SLOT(row, &i->slot),
         "an item's row tells another way of its task");
    NEED(m, row->former_lease == (former == NULL ? 0 : former->lease), "an item's row tells of another former lease");
    return true;
}

static bool
check_order(struct model *m, struct m_scope *s, const struct pd_order *row)
{
    const struct m_order *o = m_order(s, row->order, (struct pd_text){NULL, 0});

    NEED(m, o != NULL, "a row of order %" PRIu64 ", which is not in the log", row->order);
    bool ending = o->state == PD_order_state_cancelling || o->state == PD_order_state_cleanup_failed;
    if (ending) NEED(m, row->goal == (enum pd_order_state)o->goal, "the row of order %" PRIu64 " has another goal", row->order);
    NEED(m, row->version == o->version && row->state == (enum pd_order_state)o->state && row->items_count == o->count &&
                row->total == o->total && m_print(row->customer) == o->customer && m_print(row->reference) == o->reference,
         "the row of order %" PRIu64 " is not what the log says", row->order);
    for (size_t i = 0; i < o->count; i++)
        if (!check_item(m, &o->items[i], &row->items[i])) return false;
    return true;
}

static bool
check_subscription(struct model *m, struct m_scope *s, const struct pd_subscription *row)
{
    NEED(m, row->subscription >= 1 && row->subscription <= s->subscription_count, "a row of no subscription");
    const struct m_subscription *sub = &s->subscriptions[row->subscription - 1];
    NEED(m, row->order == sub->order && row->item == sub->item && row->version == sub->version &&
                row->status == (enum pd_subscription_status)sub->status &&
                row->service_status == (enum pd_service_status)sub->service && row->start == sub->start &&
                row->expiration == sub->expiration && m_print(row->customer) == sub->customer,
         "the row of subscription %" PRIu64 " is not what the log says", row->subscription);
    NEED(m, m_print(row->instance) == sub->instance && m_print(row->domain) == sub->domain && row->claims == sub->claims &&
                row->remains_count == sub->remain_count && IS_SLOT(row, &sub->slot),
         "the row of subscription %" PRIu64 " tells another way of its removal", row->subscription);
    const struct m_item *item = m_item_of(s, sub);
    NEED(m, row->former_instances_count == (item == NULL ? 0 : item->former_count),
         "a row tells of more or fewer former instances");
    for (size_t i = 0; i < row->former_instances_count; i++)
        NEED(m, m_print(row->former_instances[i].instance) == item->formers[i].instance &&
                    row->former_instances[i].lease == item->formers[i].lease,
             "a row tells of another former instance");
    for (size_t i = 0; i < sub->remain_count; i++)
        NEED(m, m_print(row->remains[i]) == sub->remains[i], "another instance is to be removed, by a row");
    return true;
}

static bool
check_task(struct model *m, struct m_scope *s, const struct pd_task *row)
{
    struct m_work w;

    NEED(m, m_work_of(s, row->task, &w) && m_is_open(w.slot), "a row of task %" PRIu64 ", which is not open", row->task);
    NEED(m, row->lease == w.slot->lease && m_print(row->worker) == w.slot->worker && row->attempt == w.slot->attempt &&
                row->deadline == w.slot->deadline && row->state == (enum pd_task_state)w.slot->state &&
                row->stopping == w.slot->stopping && m_print(row->worker_group) == w.group &&
                (row->has_next_try ? row->next_try : 0) == w.slot->next_try &&
                (row->operation == PD_operation_deprovision) == (w.subscription != NULL),
         "the row of task %" PRIu64 " is not what the log says", row->task);
    return true;
}

static bool
check_customer(struct model *m, struct m_scope *s, const struct pd_customer *row)
{
    const struct m_customer *c = m_customer(s, row->customer);

    NEED(m, c != NULL && row->version == c->version && m_print(row->name) == c->name && row->holds_count == c->hold_count &&
                (row->status == PD_customer_status_on_hold) == m_on_hold(c),
         "a customer's row is not what the log says");
    for (size_t i = 0; i < c->hold_count; i++) NEED(m, m_print(row->holds[i]) == c->holds[i], "a customer's row has another hold");
    return true;
}

static bool
check_plan(struct model *m, struct m_scope *s, const struct pd_plan *row)
{
    const struct m_plan *p = m_plan(s, row->plan);

    NEED(m, p != NULL && row->version == p->version && row->published == p->published && row->periods_count == p->count &&
                m_print(row->name) == p->name,
         "a plan's row is not what the log says");
    for (size_t i = 0; i < p->count; i++)
        NEED(m, row->periods[i].recurring_fee == p->periods[i].recurring && row->periods[i].enabled == p->periods[i].enabled &&
                    row->periods[i].version == p->periods[i].version,
             "a period's row is not what the log says");
    return true;
}

void
model_row(struct model *m, int row_code, struct pd_text bytes)
{
    const struct pd_block *block = pd_schema_row(row_code);

    if (m->violation[0] != '\0') return;
    struct pd_row_head *row = pd_arena_zero(&m->arena, block->size);
    if (bytes.data == NULL || !pd_decode_row(&m->arena, block, bytes, row) || row->scope == 0 || row->scope >= m->scope_count) {
        wrong(m, "a row of kind %s cannot be read", block->name);
        return;
    }
    struct m_scope *s = m->scopes[row->scope];
    m->seen[row_code]++;
    switch (row_code) {
    case PD_ROW_reseller: if (row->version != s->version) wrong(m, "a reseller's row is not what the log says"); break;
    case PD_ROW_customer: check_customer(m, s, (const void *)row); break;
    case PD_ROW_plan: check_plan(m, s, (const void *)row); break;
    case PD_ROW_order: check_order(m, s, (const void *)row); break;
    case PD_ROW_subscription: check_subscription(m, s, (const void *)row); break;
    case PD_ROW_task: check_task(m, s, (const void *)row); break;
    default: wrong(m, "a row of kind %d", row_code);
    }
    pd_arena_reset(&m->arena);
}

void
model_rows_seen(struct model *m)
{
    size_t        there[PD_ROW_CODES] = {0};
    struct m_work w;

    for (size_t n = 1; n < m->scope_count; n++) {
        struct m_scope *s = m->scopes[n];
        there[PD_ROW_reseller]++;
        there[PD_ROW_customer] += s->customer_count;
        there[PD_ROW_plan] += s->plan_count;
        there[PD_ROW_order] += s->order_count;
        there[PD_ROW_subscription] += s->subscription_count;
        for (size_t t = 1; t <= s->task_count; t++) there[PD_ROW_task] += m_work_of(s, t, &w) && m_is_open(w.slot);
    }
    for (int code = 1; code < PD_ROW_CODES; code++)
        if (there[code] != m->seen[code])
            wrong(m, "%zu rows of kind %d, %zu by the log", m->seen[code], code, there[code]);
    memset(m->seen, 0, sizeof m->seen);
}
