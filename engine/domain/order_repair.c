/* order_repair.c - what can be done about an order whose provisioning has failed, and still have it: retry (row 8), correct an item
 * (8b), accept what is done (9). */
#include "engine/domain/support.h"

/* ---- rules --------------------------------------------------------------------------------------------------------- */

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

/* The domain that an item is to have instead; refuses what its plan does not take, and what others hold. */
static bool
may_have_domain(const struct view *view, const struct pd_order *order, const struct pd_order_item *item, struct pd_text domain,
                struct decision *out)
{
    struct claim claim = {.customer = order->customer, .category = item->category, .domain = domain,
                          .policy = item->domain_policy, .order = order->order, .item = item->item};

    if (item->domain_policy == PD_domain_policy_none)
        refuse(out, pd_refuse_field(PD_E_invalid_field, "the plan takes no domain", "domain"));
    else if (!claim_is_free(view, &claim)) refuse(out, pd_refuse_field(PD_E_domain_taken, NULL, "domain"));
    return out->refusal.code == PD_OK;
}

/* Row 8b. What was worked on under the old instance is removed beside whatever the order does next. */
void
decide_correct_item(const struct view *view, const struct pd_correct_item *c, struct decision *out)
{
    const struct pd_order *order =
        find_movable_order(view, PD_COMMAND_correct_item, &c->reference, c->has_order, c->order, out);
    const struct pd_order_item   *item = order == NULL ? NULL : item_numbered(order, c->item);
    const struct pd_subscription *s = item == NULL ? NULL : view->subscription(view->ctx, item->subscription);
    bool                          renamed = c->domain.ascii.data != NULL;

    if (order == NULL) return;
    if (item == NULL) {
        refuse(out, pd_refuse_field(PD_E_item_not_found, NULL, "item"));
        return;
    }
    if (item->state != PD_item_state_failed || s == NULL) {
        refuse(out, pd_refuse_field(PD_E_item_not_failed, NULL, "item"));
        return;
    }
    if (s->remains_count >= ORPHANS_MAX - 1) {
        refuse(out, pd_refuse_field(PD_E_too_many_remains, NULL, "item"));
        return;
    }
    if (!renamed && c->parameters_count == 0) {
        bool nameless = item->domain_policy == PD_domain_policy_none;
        refuse(out, pd_refuse_field(PD_E_missing_field, NULL, nameless ? "parameters" : "domain"));
        return;
    }
    if (renamed && !may_have_domain(view, order, item, c->domain.ascii, out)) return;
    *EMIT(out, item_corrected) = (struct pd_item_corrected){
        .order = order->order,
        .reference = order->reference,
        .item = item->item,
        .subscription = item->subscription,
        .domain = renamed ? c->domain.ascii : item->domain,
        .domain_unicode = renamed ? c->domain.unicode : item->domain_unicode,
        .parameters = c->parameters_count > 0 ? c->parameters : item->parameters,
        .parameters_count = c->parameters_count > 0 ? c->parameters_count : item->parameters_count,
        .instance = view->new_instance(view->ctx, item->item),
        .previous_state = order->state,
        .state = order->state,
    };
    uint64_t next_task = view->next_number(view->ctx, NUMBER_task);
    if (may_exist(item)) remove_instance(view, s, NULL, NULL, item->instance, &next_task, out);
}

/* Row 9. */
void
decide_accept_partial(const struct view *view, const struct pd_accept_partial *c, struct decision *out)
{
    const struct pd_order *order =
        find_movable_order(view, PD_COMMAND_accept_partial, &c->reference, c->has_order, c->order, out);
    uint64_t      next_task = view->next_number(view->ctx, NUMBER_task);
    struct totals totals = {0};
    bool          any = false;

    for (size_t i = 0; order != NULL && i < order->items_count; i++) {
        const struct pd_order_item *item = &order->items[i];
        if (item->state != PD_item_state_completed) continue;
        any = true;
        totals.setup += item->quantity * item->setup_fee;
        totals.recurring += item->quantity * item->recurring_fee;
    }
    if (order == NULL) return;
    if (!any) {
        refuse(out, pd_refuse_field(PD_E_nothing_completed, NULL, "order"));
        return;
    }
    *EMIT(out, order_completed) = (struct pd_order_completed){
        .order = order->order,
        .reference = order->reference,
        .previous_state = order->state,
        .state = PD_order_state_completed,
        .partial = true,
        .setup_total = totals.setup,
        .has_setup_total = true,
        .recurring_total = totals.recurring,
        .has_recurring_total = true,
        .total = totals.setup + totals.recurring,
        .has_total = true,
    };
    for (size_t i = 0; i < order->items_count; i++) {
        const struct pd_order_item   *item = &order->items[i];
        const struct pd_subscription *s = view->subscription(view->ctx, item->subscription);
        if (item->state != PD_item_state_failed || s == NULL) continue;
        bool remains = may_exist(item) || s->remains_count > 0;
        end_subscription(s, remains ? PD_service_status_removing : PD_service_status_removed, PD_TEXT("not provisioned"), out);
        if (may_exist(item)) remove_instance(view, s, NULL, NULL, item->instance, &next_task, out);
        else if (remains && !is_open(s->task_state)) remove_instance(view, s, NULL, NULL, s->remains[0], &next_task, out);
    }
}

/* ---- folds --------------------------------------------------------------------------------------------------------- */

void
evolve_item_corrected__order(struct pd_order *row, const struct pd_item_corrected *e, const struct fold *f)
{
    struct pd_order_item *item = item_numbered(row, e->item);

    item->former_lease = item->lease;
    item->instance = e->instance;
    item->domain = e->domain;
    item->domain_unicode = e->domain_unicode;
    item->parameters = e->parameters;
    item->parameters_count = e->parameters_count;
    row->updated = f->time;
}

/* Partial: what has failed is cancelled, and costs nothing. */
void
evolve_order_completed__order(struct pd_order *row, const struct pd_order_completed *e, const struct fold *f)
{
    order_moves(row, e->state, (struct pd_text){NULL, 0}, f);
    if (!e->partial) return;
    row->partial = true;
    row->setup_total = e->setup_total;
    row->recurring_total = e->recurring_total;
    row->total = e->total;
    for (size_t i = 0; i < row->items_count; i++)
        if (row->items[i].state == PD_item_state_failed) row->items[i].state = PD_item_state_cancelled;
}
