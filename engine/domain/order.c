/* order.c - the order from draft to where its items have decided. The table is transitions.def; rows are named by its numbers. How
 * a failed order is repaired stands in order_repair.c, how one ends before its time in order_end.c, CheckStatus in
 * order_status.c. */
#include "engine/domain/support.h"
#include "engine/domain/transitions.h"

/* ---- rules --------------------------------------------------------------------------------------------------------- */

bool
may_order(const struct pd_customer *customer, struct decision *out)
{
    if (customer != NULL && customer->status == PD_customer_status_active) return true;
    refuse(out, pd_refuse_field(customer == NULL ? PD_E_customer_not_found : PD_E_customer_on_hold, NULL, "customer"));
    return false;
}

/* Row 1. */
void
decide_add_order(const struct view *view, const struct pd_add_order *c, struct decision *out)
{
    const struct pd_customer *customer = view->customer(view->ctx, c->customer);
    struct pd_text            reference = c->reference.data == NULL ? view->command_id : c->reference;
    const struct pd_order    *namesake;
    struct pd_order_item     *items = PD_ARENA_ARRAY(out->arena, struct pd_order_item, c->items_count);
    struct totals             totals;

    if (!meets_expectation(view, 0, out)) return;
    if (!may_order(customer, out)) return;
    if ((namesake = view->order_by_reference(view->ctx, reference)) != NULL) {
        struct pd_refusal r = pd_refuse_field(PD_E_reference_taken, NULL, "reference");
        r.order = namesake->order;
        refuse(out, r);
        return;
    }
    if (!price_items(view, c->customer, 0, c->items, c->items_count, items, &totals, out)) return;

    *EMIT(out, order_added) = (struct pd_order_added){
        .order = view->next_number(view->ctx, NUMBER_order),
        .reference = reference,
        .customer = c->customer,
        .type = PD_order_type_sales,
        .state = PD_order_state_draft,
        .currency = totals.currency,
        .setup_total = totals.setup,
        .recurring_total = totals.recurring,
        .total = totals.total,
        .items = items,
        .items_count = c->items_count,
    };
}

/* Row 2. */
void
decide_update_order(const struct view *view, const struct pd_update_order *c, struct decision *out)
{
    const struct pd_order *order =
        find_movable_order(view, PD_COMMAND_update_order, &c->reference, c->has_order, c->order, out);
    struct pd_order_item *items = PD_ARENA_ARRAY(out->arena, struct pd_order_item, c->items_count);
    struct totals         totals;

    if (order == NULL || !may_order(view->customer(view->ctx, order->customer), out)) return;
    if (!price_items(view, order->customer, order->order, c->items, c->items_count, items, &totals, out)) return;
    *EMIT(out, order_updated) = (struct pd_order_updated){
        .order = order->order,
        .reference = order->reference,
        .previous_state = order->state,
        .state = PD_order_state_draft,
        .currency = totals.currency,
        .setup_total = totals.setup,
        .recurring_total = totals.recurring,
        .total = totals.total,
        .items = items,
        .items_count = c->items_count,
    };
}

/* Row 3. */
void
decide_confirm_order(const struct view *view, const struct pd_confirm_order *c, struct decision *out)
{
    const struct pd_order *order =
        find_movable_order(view, PD_COMMAND_confirm_order, &c->reference, c->has_order, c->order, out);

    if (order == NULL) return;
    if (c->has_total && c->total != order->total) {
        refuse(out, pd_refuse_field(PD_E_total_mismatch, NULL, "total"));
        return;
    }
    if (!domains_are_free(view, order->customer, order->order, order->items, order->items_count, out)) return;
    *EMIT(out, order_confirmed) = (struct pd_order_confirmed){
        .order = order->order,
        .reference = order->reference,
        .previous_state = order->state,
        .state = PD_order_state_new,
    };
}

static void
open_item(const struct view *view, const struct pd_order_item *item, uint64_t *next_task, struct pd_opened_item *opened)
{
    *opened = (struct pd_opened_item){
        .item = item->item,
        .state = PD_item_state_provisioning,
        .has_subscription = true,
        .subscription = view->next_number(view->ctx, NUMBER_subscription) + item->item - 1,
    };
    if (item->provisioning == PD_provisioning_none) return;
    opened->has_task = true;
    opened->task = (*next_task)++;
    opened->instance = view->new_instance(view->ctx, item->item);
    opened->has_attempt = true;
    opened->attempt = 1;
    opened->has_deadline = true;
    opened->deadline = view->now + item->deadline_s * 1000000;
}

/* Rows 4 and 4b. */
void
decide_open_order(const struct view *view, const struct pd_open_order *c, struct decision *out)
{
    const struct pd_order *order =
        find_movable_order(view, PD_COMMAND_open_order, &c->reference, c->has_order, c->order, out);
    uint64_t next_task = view->next_number(view->ctx, NUMBER_task), first_task = next_task;

    if (order == NULL) return;
    const struct pd_customer *customer = view->customer(view->ctx, order->customer);
    if (customer == NULL || customer->status == PD_customer_status_on_hold) {
        *EMIT(out, order_held) = (struct pd_order_held){
            .order = order->order,
            .reference = order->reference,
            .previous_state = order->state,
            .state = PD_order_state_held,
            .reason = PD_TEXT("customer_on_hold"),
        };
        return;
    }

    struct pd_opened_item   *items = PD_ARENA_ARRAY(out->arena, struct pd_opened_item, order->items_count);
    struct pd_order_opened *opened = EMIT(out, order_opened);
    for (size_t i = 0; i < order->items_count; i++) open_item(view, &order->items[i], &next_task, &items[i]);
    *opened = (struct pd_order_opened){
        .order = order->order,
        .reference = order->reference,
        .previous_state = order->state,
        .state = PD_order_state_provisioning,
        .items = items,
        .items_count = order->items_count,
    };
    for (size_t i = 0; i < order->items_count; i++)
        if (!items[i].has_task) activate(view, order, &order->items[i], items[i].subscription, NULL, 0, out);
    if (next_task == first_task)
        *EMIT(out, order_completed) = (struct pd_order_completed){
            .order = order->order,
            .reference = order->reference,
            .previous_state = PD_order_state_provisioning,
            .state = PD_order_state_completed,
        };
}

/* Rows 6 and 7. */
void
settle_order(const struct pd_order *order, uint64_t closed_item, bool completed, struct pd_text failure,
             struct decision *out)
{
    bool failed = !completed;

    for (size_t i = 0; i < order->items_count; i++) {
        const struct pd_order_item *item = &order->items[i];
        if (item->item == closed_item) continue;
        if (item->state == PD_item_state_provisioning) return;
        if (item->state == PD_item_state_failed) {
            failed = true;
            if (failure.data == NULL) failure = item->message;
        }
    }
    if (failed)
        *EMIT(out, order_provisioning_failed) = (struct pd_order_provisioning_failed){
            .order = order->order,
            .reference = order->reference,
            .previous_state = order->state,
            .state = PD_order_state_provisioning_failed,
            .reason = failure.data == NULL ? PD_TEXT("failed") : failure,
        };
    else
        *EMIT(out, order_completed) = (struct pd_order_completed){
            .order = order->order,
            .reference = order->reference,
            .previous_state = order->state,
            .state = PD_order_state_completed,
        };
}

/* ---- folds --------------------------------------------------------------------------------------------------------- */

void
order_moves(struct pd_order *row, enum pd_order_state state, struct pd_text reason, const struct fold *f)
{
    row->state = state;
    row->reason = reason;
    row->updated = f->time;
}

static void
claim_domains(struct pd_order *row)
{
    for (size_t i = 0; i < row->items_count; i++) row->items[i].claims = row->items[i].domain.data != NULL;
}

void
evolve_order_added__order(struct pd_order *row, const struct pd_order_added *e, const struct fold *f)
{
    row->order = e->order;
    row->reference = e->reference;
    row->customer = e->customer;
    row->type = e->type;
    row->currency = e->currency;
    row->setup_total = e->setup_total;
    row->recurring_total = e->recurring_total;
    row->total = e->total;
    row->created = f->time;
    row->actor = f->actor;
    row->on_behalf_of = f->on_behalf_of;
    row->items = e->items;
    row->items_count = e->items_count;
    order_moves(row, e->state, (struct pd_text){NULL, 0}, f);
}

void
evolve_order_updated__order(struct pd_order *row, const struct pd_order_updated *e, const struct fold *f)
{
    row->currency = e->currency;
    row->setup_total = e->setup_total;
    row->recurring_total = e->recurring_total;
    row->total = e->total;
    row->items = e->items;
    row->items_count = e->items_count;
    order_moves(row, e->state, (struct pd_text){NULL, 0}, f);
}

void
evolve_order_confirmed__order(struct pd_order *row, const struct pd_order_confirmed *e, const struct fold *f)
{
    claim_domains(row);
    order_moves(row, e->state, (struct pd_text){NULL, 0}, f);
}

void
evolve_order_held__order(struct pd_order *row, const struct pd_order_held *e, const struct fold *f)
{
    order_moves(row, e->state, e->reason, f);
}

static void
start_items(struct pd_order *row, const struct pd_opened_item *opened, size_t count, const struct fold *f)
{
    for (size_t i = 0; i < count; i++) {
        const struct pd_opened_item *o = &opened[i];
        struct pd_order_item        *item = item_numbered(row, o->item);
        item->state = o->state;
        item->subscription = o->subscription;
        item->has_subscription = true;
        if (!o->has_task) continue;
        item->instance = o->instance;
        slot_open(&SLOT_OF(item), o->task, o->attempt, o->deadline, f->time);
    }
}

void
evolve_order_opened__order(struct pd_order *row, const struct pd_order_opened *e, const struct fold *f)
{
    start_items(row, e->items, e->items_count, f);
    order_moves(row, e->state, (struct pd_text){NULL, 0}, f);
}

void
evolve_order_retried__order(struct pd_order *row, const struct pd_order_retried *e, const struct fold *f)
{
    start_items(row, e->items, e->items_count, f);
    order_moves(row, e->state, (struct pd_text){NULL, 0}, f);
}

void
evolve_order_provisioning_failed__order(struct pd_order *row, const struct pd_order_provisioning_failed *e,
                                        const struct fold *f)
{
    order_moves(row, e->state, e->reason, f);
}
