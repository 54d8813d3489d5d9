/* order_status.c - CheckStatus (row 15): where an order and each of its items stands, what it waits for, what may be done next. */
#include "engine/domain/support.h"
#include "engine/domain/transitions.h"

static bool
is_kept_by_hold(const struct view *view, const struct pd_order *order)
{
    if (order->state != PD_order_state_held) return false;
    const struct pd_customer *customer = view->customer(view->ctx, order->customer);
    return customer == NULL || customer->status == PD_customer_status_on_hold;
}

/* What a task waits for, or an item whose order is on hold; what a person may have to do about it, for the order's `blocked_by`. */
static struct pd_text
tell_wait(const struct view *view, const struct slot *slot, enum pd_provisioning provisioning, struct pd_text group,
          enum pd_operation operation, struct pd_status_item *s)
{
    struct pd_text trouble = {NULL, 0};
    bool           tries_later = *slot->has_next_try && *slot->next_try > view->now;

    if (!is_open(*slot->state)) return trouble;
    s->since = *slot->since;
    s->has_since = *slot->has_since;
    if (provisioning == PD_provisioning_manual) {
        s->waits_for = PD_waits_for_by_hand;
        return PD_TEXT("waiting for somebody to do it by hand");
    }
    s->worker_group = group;
    if (*slot->state == PD_task_state_leased) s->waits_for = PD_waits_for_worker;
    else {
        trouble = view->group_trouble(view->ctx, group, operation);
        s->waits_for = trouble.data != NULL   ? PD_waits_for_no_worker
                       : tries_later         ? PD_waits_for_next_try
                                             : PD_waits_for_free_worker;
    }
    return trouble;
}

static void
show_slot(const struct slot *slot, struct pd_status_item *s)
{
    s->task = *slot->task;
    s->has_task = *slot->has_task;
    s->attempt = *slot->attempt;
    s->has_attempt = *slot->has_attempt;
    s->progress = *slot->progress;
    s->has_progress = *slot->has_progress;
    s->message = *slot->message;
    s->worker = *slot->worker;
    s->deadline = *slot->deadline;
    s->has_deadline = *slot->has_deadline;
    s->next_try = *slot->next_try;
    s->has_next_try = *slot->has_next_try;
}

/* An item as it stands; what it waits for, if a person may have to do something about that. */
static struct pd_text
show_item(const struct view *view, struct pd_order_item *item, bool on_hold, struct pd_status_item *ret_item)
{
    struct slot             slot = SLOT_OF(item);
    enum pd_operation       operation = PD_operation_provision;
    struct pd_subscription *s = NULL;

    *ret_item = (struct pd_status_item){
        .item = item->item, .plan = item->plan, .state = item->state, .subscription = item->subscription,
        .has_subscription = item->has_subscription,
    };
    bool stopping = item->state == PD_item_state_removing && item->task_state == PD_task_state_leased;
    bool removal = item->state == PD_item_state_removing || item->state == PD_item_state_cleanup_failed;
    if (removal && !stopping && item->has_subscription)
        s = (struct pd_subscription *)(uintptr_t)view->subscription(view->ctx, item->subscription);
    if (s != NULL && s->has_task) {
        slot = SLOT_OF(s);
        operation = PD_operation_deprovision;
    }
    show_slot(&slot, ret_item);
    if (on_hold) {
        ret_item->waits_for = PD_waits_for_customer_on_hold;
        return PD_TEXT("the customer is on hold");
    }
    struct pd_text trouble = tell_wait(view, &slot, item->provisioning, item->worker_group, operation, ret_item);
    if (stopping) ret_item->waits_for = PD_waits_for_worker_to_stop;
    return trouble;
}

/* Waiting is the engine's business. */
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
        .goal = order->goal,
        .version = order->version,
        .items = PD_ARENA_ARRAY(out->arena, struct pd_status_item, order->items_count),
        .items_count = order->items_count,
        .allowed = PD_ARENA_ARRAY(out->arena, struct pd_text, PD_COMMAND_CODES),
    };
    bool on_hold = is_kept_by_hold(view, order);
    s->allowed_count = pd_allowed_names(allowed_commands(order->state), s->allowed, PD_COMMAND_CODES);
    for (size_t i = 0; i < order->items_count; i++) {
        struct pd_text trouble = show_item(view, &order->items[i], on_hold, &s->items[i]);
        if (s->blocked_by.data == NULL) s->blocked_by = trouble;
    }
}
