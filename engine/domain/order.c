/* order.c - the order from draft to its end. The table is transitions.def; rows are named by its numbers. */
#include "engine/domain/support.h"
#include "engine/domain/transitions.h"

/* ---- rules --------------------------------------------------------------------------------------------------------- */

static bool
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

/* Row 8. */
void
decide_retry_provisioning(const struct view *view, const struct pd_retry_provisioning *c, struct decision *out)
{
    const struct pd_order *order =
        find_movable_order(view, PD_COMMAND_retry_provisioning, &c->reference, c->has_order, c->order, out);
    struct pd_opened_item *items;
    size_t                 count = 0;

    if (order == NULL || !may_order(view->customer(view->ctx, order->customer), out)) return;
    items = PD_ARENA_ARRAY(out->arena, struct pd_opened_item, order->items_count);
    for (size_t i = 0; i < order->items_count; i++) {
        const struct pd_order_item *item = &order->items[i];
        if (item->state != PD_item_state_failed) continue;
        items[count++] = (struct pd_opened_item){
            .item = item->item,
            .state = PD_item_state_provisioning,
            .has_subscription = true,
            .subscription = item->subscription,
            .has_task = true,
            .task = item->task,
            .instance = item->instance,
            .has_attempt = true,
            .attempt = item->attempt + 1,
            .has_deadline = true,
            .deadline = view->now + item->deadline_s * 1000000,
        };
    }
    *EMIT(out, order_retried) = (struct pd_order_retried){
        .order = order->order,
        .reference = order->reference,
        .previous_state = order->state,
        .state = PD_order_state_provisioning,
        .items = items,
        .items_count = count,
    };
}

/* Row 10. */
void
decide_cancel_order(const struct view *view, const struct pd_cancel_order *c, struct decision *out)
{
    const struct pd_order *order =
        find_movable_order(view, PD_COMMAND_cancel_order, &c->reference, c->has_order, c->order, out);

    if (order == NULL) return;
    *EMIT(out, order_cancelled) = (struct pd_order_cancelled){
        .order = order->order,
        .reference = order->reference,
        .previous_state = order->state,
        .state = PD_order_state_cancelled,
        .reason = c->reason,
    };
}

static bool
is_kept_by_hold(const struct view *view, const struct pd_order *order)
{
    if (order->state != PD_order_state_held) return false;
    const struct pd_customer *customer = view->customer(view->ctx, order->customer);
    return customer == NULL || customer->status == PD_customer_status_on_hold;
}

/* What an item that is not done waits for, and since when; what a person may have to do about it, for the order's `blocked_by`. */
static struct pd_text
tell_wait(const struct view *view, const struct pd_order_item *item, bool on_hold, struct pd_status_item *s)
{
    struct pd_text trouble = {NULL, 0};

    if (on_hold) {
        s->waits_for = PD_waits_for_customer_on_hold;
        return PD_TEXT("the customer is on hold");
    }
    if (item->state != PD_item_state_provisioning) return trouble;
    s->since = item->since;
    s->has_since = item->has_since;
    if (item->provisioning == PD_provisioning_manual) {
        s->waits_for = PD_waits_for_by_hand;
        return PD_TEXT("waiting for somebody to do it by hand");
    }
    s->worker_group = item->worker_group;
    s->waits_for = PD_waits_for_worker;
    if (item->worker.data != NULL) return trouble;
    trouble = view->group_trouble(view->ctx, item->worker_group);
    s->waits_for = trouble.data != NULL ? PD_waits_for_no_worker : PD_waits_for_free_worker;
    return trouble;
}

/* Row 15; waiting is the engine's business. */
void
decide_check_status(const struct view *view, const struct pd_check_status *c, struct decision *out)
{
    const struct pd_order  *order = find_order(view, &c->reference, c->has_order, c->order, out);
    struct pd_status_reply *s;

    if (order == NULL) return;
    s = out->answer = PD_ARENA_NEW(out->arena, struct pd_status_reply);
    *s = (struct pd_status_reply){
        .order = order->order,
        .reference = order->reference,
        .state = order->state,
        .reason = order->reason,
        .version = order->version,
        .items = PD_ARENA_ARRAY(out->arena, struct pd_status_item, order->items_count),
        .items_count = order->items_count,
        .allowed = PD_ARENA_ARRAY(out->arena, struct pd_text, PD_COMMAND_CODES),
    };
    bool on_hold = is_kept_by_hold(view, order);
    s->allowed_count = pd_allowed_names(allowed_commands(order->state), s->allowed, PD_COMMAND_CODES);
    for (size_t i = 0; i < order->items_count; i++) {
        const struct pd_order_item *item = &order->items[i];
        s->items[i] = (struct pd_status_item){
            .item = item->item,
            .plan = item->plan,
            .state = item->state,
            .subscription = item->subscription,
            .has_subscription = item->has_subscription,
            .task = item->task,
            .has_task = item->has_task,
            .attempt = item->attempt,
            .has_attempt = item->has_attempt,
            .progress = item->progress,
            .has_progress = item->has_progress,
            .message = item->message,
            .worker = item->worker,
            .deadline = item->deadline,
            .has_deadline = item->has_deadline,
        };
        struct pd_text trouble = tell_wait(view, item, on_hold, &s->items[i]);
        if (s->blocked_by.data == NULL) s->blocked_by = trouble;
    }
}

/* ---- folds --------------------------------------------------------------------------------------------------------- */

static void
move_to(struct pd_order *row, enum pd_order_state state, struct pd_text reason, const struct fold *f)
{
    row->state = state;
    row->reason = reason;
    row->updated = f->time;
}

static void
set_claims(struct pd_order *row, bool claims)
{
    for (size_t i = 0; i < row->items_count; i++) row->items[i].claims = claims && row->items[i].domain.data != NULL;
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
    move_to(row, e->state, (struct pd_text){NULL, 0}, f);
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
    move_to(row, e->state, (struct pd_text){NULL, 0}, f);
}

void
evolve_order_confirmed__order(struct pd_order *row, const struct pd_order_confirmed *e, const struct fold *f)
{
    set_claims(row, true);
    move_to(row, e->state, (struct pd_text){NULL, 0}, f);
}

void
evolve_order_held__order(struct pd_order *row, const struct pd_order_held *e, const struct fold *f)
{
    move_to(row, e->state, e->reason, f);
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
        item->task = o->task;
        item->has_task = true;
        item->instance = o->instance;
        item->attempt = o->attempt;
        item->has_attempt = true;
        item->deadline = o->deadline;
        item->has_deadline = true;
        item->since = f->time;
        item->has_since = true;
        item->worker = item->message = (struct pd_text){NULL, 0};
        item->has_progress = false;
        item->progress = 0;
    }
}

void
evolve_order_opened__order(struct pd_order *row, const struct pd_order_opened *e, const struct fold *f)
{
    start_items(row, e->items, e->items_count, f);
    move_to(row, e->state, (struct pd_text){NULL, 0}, f);
}

void
evolve_order_retried__order(struct pd_order *row, const struct pd_order_retried *e, const struct fold *f)
{
    start_items(row, e->items, e->items_count, f);
    move_to(row, e->state, (struct pd_text){NULL, 0}, f);
}

void
evolve_order_completed__order(struct pd_order *row, const struct pd_order_completed *e, const struct fold *f)
{
    move_to(row, e->state, (struct pd_text){NULL, 0}, f);
}

void
evolve_order_provisioning_failed__order(struct pd_order *row, const struct pd_order_provisioning_failed *e,
                                        const struct fold *f)
{
    move_to(row, e->state, e->reason, f);
}

void
evolve_order_cancelled__order(struct pd_order *row, const struct pd_order_cancelled *e, const struct fold *f)
{
    set_claims(row, false);
    for (size_t i = 0; i < row->items_count; i++) row->items[i].state = PD_item_state_cancelled;
    move_to(row, e->state, e->reason, f);
}
