/* order_end.c - an order that ends before its time: cancelled, given up, expired (rows 10-14). What may exist of it is removed
 * first; what cannot be is tried again, or abandoned by name. */
#include "engine/domain/support.h"

/* ---- the end ------------------------------------------------------------------------------------------------------- */

/* What an end tells beside itself. */
struct leavings {
    struct pd_ended_item *items;
    size_t                items_count;
    struct pd_orphan     *orphans;
    size_t                orphans_count;
};

static void
end_order(const struct pd_order *order, enum pd_order_state goal, struct pd_text reason, const struct leavings *left,
          struct decision *out)
{
    if (goal == PD_order_state_failed)
        *EMIT(out, order_failed) = (struct pd_order_failed){
            .order = order->order, .reference = order->reference, .previous_state = order->state, .state = goal,
            .reason = reason, .items = left->items, .items_count = left->items_count, .orphans = left->orphans,
            .orphans_count = left->orphans_count,
        };
    else
        *EMIT(out, order_cancelled) = (struct pd_order_cancelled){
            .order = order->order, .reference = order->reference, .previous_state = order->state,
            .state = PD_order_state_cancelled, .reason = reason, .items = left->items, .items_count = left->items_count,
            .orphans = left->orphans, .orphans_count = left->orphans_count,
        };
}

/* Rows 12a and 12b. */
void
settle_ending(const struct pd_order *order, uint64_t closed_item, bool failed, struct pd_text failure, struct decision *out)
{
    const struct leavings none = {0};

    for (size_t i = 0; i < order->items_count; i++) {
        const struct pd_order_item *item = &order->items[i];
        if (item->item == closed_item) continue;
        if (item->state == PD_item_state_removing) return;
        if (item->state == PD_item_state_cleanup_failed) failed = true;
    }
    if (failed)
        *EMIT(out, order_cleanup_failed) = (struct pd_order_cleanup_failed){
            .order = order->order, .reference = order->reference, .previous_state = order->state,
            .state = PD_order_state_cleanup_failed,
            .reason = failure.data == NULL ? PD_TEXT("something could not be removed") : failure,
        };
    else end_order(order, order->goal, order->goal_reason, &none, out);
}

/* ---- winding up ---------------------------------------------------------------------------------------------------- */

/* Under its present instance something was worked on; what was done by hand exists when it is completed. */
bool
may_exist(const struct pd_order_item *item)
{
    if (item->provisioning == PD_provisioning_none) return false;
    return item->state == PD_item_state_completed || item->lease > item->former_lease;
}

/* What becomes of an item of an order that is to end, and of its subscription. */
struct fate {
    const struct pd_order_item   *item;
    const struct pd_subscription *subscription;
    bool                          exists;  /* it is to be removed, or may be */
    bool                          leased;  /* a worker is at it: when that has ended */
    bool                          remains; /* a removal is under way, or has failed */
};

static struct fate
foresee(const struct view *view, const struct pd_order_item *item)
{
    struct fate fate = {.item = item, .leased = item->task_state == PD_task_state_leased};

    if (item->has_subscription) fate.subscription = view->subscription(view->ctx, item->subscription);
    const struct pd_subscription *s = fate.subscription;
    if (s == NULL) return fate;
    fate.remains = s->remains_count > 0;
    /* A completed item's service may be on its way out already, or gone. */
    fate.exists = may_exist(item) && !fate.leased &&
                  (item->state != PD_item_state_completed || s->service_status == PD_service_status_running);
    return fate;
}

static bool
is_removed_first(const struct fate *f)
{
    return f->exists || f->leased || f->remains;
}

/* Rows 11a and 11b. */
static void
wind_up(const struct view *view, const struct pd_order *order, enum pd_order_state goal, struct pd_text reason,
        struct decision *out)
{
    struct fate          *fates = PD_ARENA_ARRAY(out->arena, struct fate, order->items_count);
    struct pd_ended_item *items = PD_ARENA_ARRAY(out->arena, struct pd_ended_item, order->items_count);
    uint64_t              next_task = view->next_number(view->ctx, NUMBER_task);
    bool                  removes = false;

    for (size_t i = 0; i < order->items_count; i++) {
        const struct pd_order_item *item = &order->items[i];
        fates[i] = foresee(view, item);
        bool first = is_removed_first(&fates[i]), open = is_open(item->task_state);
        removes = removes || first;
        items[i] = (struct pd_ended_item){
            .item = item->item, .state = first ? PD_item_state_removing : PD_item_state_cancelled,
            .subscription = item->subscription, .has_subscription = first, .task = item->task, .has_task = open,
        };
    }
    if (removes)
        *EMIT(out, order_cancelling) = (struct pd_order_cancelling){
            .order = order->order, .reference = order->reference, .previous_state = order->state,
            .state = PD_order_state_cancelling, .goal = goal, .reason = reason, .items = items,
            .items_count = order->items_count,
        };
    for (size_t i = 0; i < order->items_count; i++) {
        const struct fate            *f = &fates[i];
        const struct pd_subscription *s = f->subscription;
        if (!is_removed_first(f)) {
            if (s != NULL && s->status != PD_subscription_status_terminated)
                end_subscription(s, PD_service_status_removed, reason, out);
        } else if (f->exists) remove_instance(view, s, order, f->item, f->item->instance, &next_task, out);
        else if (!f->leased && !is_open(s->task_state)) remove_instance(view, s, order, f->item, s->remains[0], &next_task, out);
    }
    if (!removes) {
        struct leavings left = {.items = items, .items_count = order->items_count};
        end_order(order, goal, reason, &left, out);
    }
}

/* ---- after a failed clean-up --------------------------------------------------------------------------------------- */

static void
go_on_cancelling(const struct pd_order *order, struct pd_ended_item *items, size_t count, struct decision *out)
{
    *EMIT(out, order_cancelling) = (struct pd_order_cancelling){
        .order = order->order, .reference = order->reference, .previous_state = order->state,
        .state = PD_order_state_cancelling, .goal = order->goal, .reason = order->goal_reason, .items = items,
        .items_count = count,
    };
}

static struct pd_ended_item
removing_again(const struct pd_order_item *item)
{
    return (struct pd_ended_item){.item = item->item, .state = PD_item_state_removing, .subscription = item->subscription,
                                  .has_subscription = true};
}

void
resume_removal(const struct pd_order *order, const struct pd_order_item *item, struct decision *out)
{
    struct pd_ended_item *items = PD_ARENA_ARRAY(out->arena, struct pd_ended_item, 1);

    items[0] = removing_again(item);
    go_on_cancelling(order, items, 1, out);
}

/* Row 12c. */
static void
remove_again(const struct view *view, const struct pd_order *order, struct decision *out)
{
    struct pd_ended_item *items = PD_ARENA_ARRAY(out->arena, struct pd_ended_item, order->items_count);
    uint64_t              next_task = view->next_number(view->ctx, NUMBER_task);
    size_t                count = 0;

    for (size_t i = 0; i < order->items_count; i++)
        if (order->items[i].state == PD_item_state_cleanup_failed) items[count++] = removing_again(&order->items[i]);
    go_on_cancelling(order, items, count, out);
    for (size_t i = 0; i < count; i++) {
        const struct pd_subscription *s = view->subscription(view->ctx, items[i].subscription);
        if (s != NULL && s->remains_count > 0)
            remove_instance(view, s, order, item_numbered(order, items[i].item), s->remains[0], &next_task, out);
    }
}

/* Row 13. */
static void
abandon(const struct view *view, const struct pd_order *order, struct pd_text reason, struct decision *out)
{
    struct leavings left = {.orphans = PD_ARENA_ARRAY(out->arena, struct pd_orphan, order->items_count * ORPHANS_MAX)};

    for (size_t i = 0; i < order->items_count; i++) {
        const struct pd_order_item *item = &order->items[i];
        if (item->state != PD_item_state_cleanup_failed) continue;
        const struct pd_subscription *s = view->subscription(view->ctx, item->subscription);
        if (s == NULL) continue;
        left.orphans_count += list_orphans(s, left.orphans + left.orphans_count);
        if (s->status != PD_subscription_status_terminated) end_subscription(s, PD_service_status_removal_failed, reason, out);
    }
    end_order(order, order->goal, reason, &left, out);
}

/* ---- rules --------------------------------------------------------------------------------------------------------- */

/* Rows 10, 11 and 12c. */
void
decide_cancel_order(const struct view *view, const struct pd_cancel_order *c, struct decision *out)
{
    const struct pd_order *order =
        find_movable_order(view, PD_COMMAND_cancel_order, &c->reference, c->has_order, c->order, out);

    if (order == NULL) return;
    if (order->state == PD_order_state_cleanup_failed) remove_again(view, order, out);
    else wind_up(view, order, PD_order_state_cancelled, c->reason, out);
}

/* Rows 11 and 13. */
void
decide_give_up(const struct view *view, const struct pd_give_up *c, struct decision *out)
{
    const struct pd_order *order = find_movable_order(view, PD_COMMAND_give_up, &c->reference, c->has_order, c->order, out);
    bool                   cleaned = order != NULL && order->state == PD_order_state_cleanup_failed;

    if (order == NULL) return;
    if (c->abandon != cleaned)
        refuse(out, pd_refuse_field(cleaned ? PD_E_abandon_required : PD_E_nothing_to_abandon, NULL, "abandon"));
    else if (cleaned) abandon(view, order, c->reason, out);
    else wind_up(view, order, PD_order_state_failed, c->reason, out);
}

/* Row 14. */
void
decide_expire_order(const struct view *view, const struct pd_expire_order *c, struct decision *out)
{
    const struct pd_text   absent = {NULL, 0};
    const struct pd_order *order = find_movable_order(view, PD_COMMAND_expire_order, &absent, true, c->order, out);

    if (order == NULL) return;
    if (order->updated != c->updated) {
        refuse(out, pd_refuse_field(PD_E_version_conflict, NULL, "updated"));
        return;
    }
    *EMIT(out, order_expired) = (struct pd_order_expired){
        .order = order->order, .reference = order->reference, .previous_state = order->state,
        .state = PD_order_state_cancelled, .reason = PD_TEXT("expired"),
    };
}

/* ---- folds --------------------------------------------------------------------------------------------------------- */

/* Every item is cancelled, but those that are left behind. */
static void
end_items(struct pd_order *row, const struct pd_orphan *orphans, size_t orphan_count)
{
    for (size_t i = 0; i < row->items_count; i++) {
        struct pd_order_item *item = &row->items[i];
        if (is_open(item->task_state)) item->task_state = PD_task_state_cancelled;
        item->has_next_try = item->claims = false;
        item->state = PD_item_state_cancelled;
    }
    for (size_t i = 0; i < orphan_count; i++)
        if (orphans[i].has_item) item_numbered(row, orphans[i].item)->state = PD_item_state_orphaned;
}

void
evolve_order_cancelling__order(struct pd_order *row, const struct pd_order_cancelling *e, const struct fold *f)
{
    for (size_t i = 0; i < e->items_count; i++) {
        struct pd_order_item *item = item_numbered(row, e->items[i].item);
        item->state = e->items[i].state;
        item->has_next_try = false;
        if (item->task_state == PD_task_state_created) item->task_state = PD_task_state_cancelled;
    }
    row->goal = e->goal;
    row->goal_reason = e->reason;
    order_moves(row, e->state, e->reason, f);
}

void
evolve_order_cancelled__order(struct pd_order *row, const struct pd_order_cancelled *e, const struct fold *f)
{
    end_items(row, e->orphans, e->orphans_count);
    order_moves(row, e->state, e->reason, f);
}

void
evolve_order_failed__order(struct pd_order *row, const struct pd_order_failed *e, const struct fold *f)
{
    end_items(row, e->orphans, e->orphans_count);
    order_moves(row, e->state, e->reason, f);
}

void
evolve_order_cleanup_failed__order(struct pd_order *row, const struct pd_order_cleanup_failed *e, const struct fold *f)
{
    order_moves(row, e->state, e->reason, f);
}

void
evolve_order_expired__order(struct pd_order *row, const struct pd_order_expired *e, const struct fold *f)
{
    end_items(row, NULL, 0);
    order_moves(row, e->state, e->reason, f);
}
