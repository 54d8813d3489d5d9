/* task.c - what is handed to workers: leases, reports, deadlines (rows 5-7, 16, 17). */
#include "engine/domain/support.h"

/* The order and item of a task; NULL: refused. */
static const struct pd_order *
find_task(const struct view *view, uint64_t task, struct pd_order_item **ret_item, struct decision *out)
{
    const struct pd_order *order = view->order_by_task(view->ctx, task);

    for (size_t i = 0; order != NULL && i < order->items_count; i++)
        if (order->items[i].has_task && order->items[i].task == task) {
            *ret_item = &order->items[i];
            return order;
        }
    refuse(out, pd_refuse_field(PD_E_task_not_found, NULL, "task"));
    return NULL;
}

static bool
is_current(const struct pd_order_item *item, uint64_t lease, struct pd_text worker)
{
    return item->state == PD_item_state_provisioning && item->lease == lease && pd_text_equal(item->worker, worker);
}

/* Whether this lease closed the task: its report may come again. A timed-out lease no longer names its worker. */
static bool
has_closed(const struct pd_order_item *item, enum pd_item_state state, uint64_t lease, struct pd_text worker)
{
    return item->state == state && item->lease == lease && pd_text_equal(item->worker, worker);
}

/* Row 16: refused, and recorded once per lease that there has been. */
static void
refuse_stale(const struct pd_order *order, const struct pd_order_item *item, uint64_t lease, struct pd_text worker,
             struct pd_text result, struct decision *out)
{
    refuse(out, pd_refuse_field(PD_E_stale_lease, NULL, "lease"));
    if (result.data == NULL || lease > item->lease || item->stale_leases >> (lease % 64) & 1) return;
    *EMIT(out, task_stale) = (struct pd_task_stale){
        .order = order->order,
        .item = item->item,
        .task = item->task,
        .lease = lease,
        .worker = worker,
        .result = result,
        .previous_state = order->state,
        .state = order->state,
    };
}

/* ---- rules --------------------------------------------------------------------------------------------------------- */

void
decide_lease_task(const struct view *view, const struct pd_lease_task *c, struct decision *out)
{
    struct pd_order_item  *item;
    const struct pd_order *order = find_task(view, c->task, &item, out);

    if (order == NULL) return;
    if (item->state != PD_item_state_provisioning || item->worker.data != NULL) {
        refuse(out, pd_refuse_field(PD_E_stale_lease, NULL, "task"));
        return;
    }
    *EMIT(out, task_leased) = (struct pd_task_leased){
        .order = order->order,
        .item = item->item,
        .task = item->task,
        .lease = item->lease + 1,
        .worker = c->worker,
        .attempt = item->attempt,
        .previous_state = order->state,
        .state = order->state,
    };
}

void
decide_release_lease(const struct view *view, const struct pd_release_lease *c, struct decision *out)
{
    struct pd_order_item  *item;
    const struct pd_order *order = find_task(view, c->task, &item, out);

    if (order == NULL) return;
    if (item->state != PD_item_state_provisioning || item->worker.data == NULL || item->lease != c->lease) {
        refuse(out, pd_refuse_field(PD_E_stale_lease, NULL, "lease"));
        return;
    }
    *EMIT(out, task_released) = (struct pd_task_released){
        .order = order->order,
        .item = item->item,
        .task = item->task,
        .lease = item->lease,
        .reason = c->reason,
        .previous_state = order->state,
        .state = order->state,
    };
}

void
decide_report_progress(const struct view *view, const struct pd_report_progress *c, struct decision *out)
{
    struct pd_order_item  *item;
    const struct pd_order *order = find_task(view, c->task, &item, out);

    if (order == NULL) return;
    if (!is_current(item, c->lease, c->worker)) {
        refuse_stale(order, item, c->lease, c->worker, (struct pd_text){NULL, 0}, out);
        return;
    }
    *EMIT(out, task_progressed) = (struct pd_task_progressed){
        .order = order->order,
        .item = item->item,
        .task = item->task,
        .lease = item->lease,
        .progress = c->progress,
        .has_progress = c->has_progress,
        .message = c->message,
        .previous_state = order->state,
        .state = order->state,
    };
}

/* Row 6. */
void
decide_report_success(const struct view *view, const struct pd_report_success *c, struct decision *out)
{
    struct pd_order_item  *item;
    const struct pd_order *order = find_task(view, c->task, &item, out);

    if (order == NULL || has_closed(item, PD_item_state_completed, c->lease, c->worker)) return;
    if (!is_current(item, c->lease, c->worker)) {
        refuse_stale(order, item, c->lease, c->worker, PD_TEXT("success"), out);
        return;
    }
    *EMIT(out, task_succeeded) = (struct pd_task_succeeded){
        .order = order->order,
        .item = item->item,
        .task = item->task,
        .lease = item->lease,
        .worker = c->worker,
        .message = c->message,
        .previous_state = order->state,
        .state = order->state,
    };
    activate(view, order, item, item->subscription, c->parameters, c->parameters_count, out);
    settle_order(order, item->item, true, (struct pd_text){NULL, 0}, out);
}

static void
fail(const struct pd_order *order, const struct pd_order_item *item, struct pd_text code, struct pd_text message,
     struct decision *out)
{
    *EMIT(out, task_failed) = (struct pd_task_failed){
        .order = order->order,
        .item = item->item,
        .task = item->task,
        .lease = item->lease,
        .worker = item->worker,
        .subscription = item->subscription,
        .code = code,
        .message = message,
        .previous_state = order->state,
        .state = order->state,
    };
    settle_order(order, item->item, false, message.data == NULL ? code : message, out);
}

/* Row 7. */
void
decide_report_failure(const struct view *view, const struct pd_report_failure *c, struct decision *out)
{
    struct pd_order_item  *item;
    const struct pd_order *order = find_task(view, c->task, &item, out);

    if (order == NULL || has_closed(item, PD_item_state_failed, c->lease, c->worker)) return;
    if (!is_current(item, c->lease, c->worker)) {
        refuse_stale(order, item, c->lease, c->worker, PD_TEXT("failure"), out);
        return;
    }
    fail(order, item, c->code.data == NULL ? PD_TEXT("failed") : c->code, c->message, out);
}

/* Row 17. */
void
decide_expire_task(const struct view *view, const struct pd_expire_task *c, struct decision *out)
{
    struct pd_order_item  *item;
    const struct pd_order *order = find_task(view, c->task, &item, out);

    if (order == NULL) return;
    if (item->state != PD_item_state_provisioning || item->attempt != c->attempt) {
        refuse(out, pd_refuse_field(PD_E_stale_lease, NULL, "attempt"));
        return;
    }
    fail(order, item, PD_TEXT("timed_out"), PD_TEXT("the task's deadline has passed"), out);
}

/* ---- folds --------------------------------------------------------------------------------------------------------- */

static void
create_task(struct pd_task *row, const struct pd_opened_item *opened, const struct fold *f)
{
    const struct pd_order_item *item = item_numbered(f->order, opened->item);

    row->task = opened->task;
    row->order = f->order->order;
    row->item = opened->item;
    row->operation = PD_operation_provision;
    row->provisioning = item->provisioning;
    row->worker_group = item->worker_group;
    row->state = PD_task_state_created;
    row->lease = item->lease;
    row->attempt = opened->attempt;
    row->deadline = opened->deadline;
}

void
evolve_order_opened__task(struct pd_task *row, const struct pd_order_opened *e, const struct pd_opened_item *element,
                          const struct fold *f)
{
    (void)e;
    create_task(row, element, f);
}

void
evolve_order_retried__task(struct pd_task *row, const struct pd_order_retried *e, const struct pd_opened_item *element,
                           const struct fold *f)
{
    (void)e;
    create_task(row, element, f);
}

void
evolve_task_leased__task(struct pd_task *row, const struct pd_task_leased *e, const struct fold *f)
{
    (void)f;
    row->state = PD_task_state_leased;
    row->lease = e->lease;
    row->worker = e->worker;
}

void
evolve_task_released__task(struct pd_task *row, const struct pd_task_released *e, const struct fold *f)
{
    (void)e;
    (void)f;
    row->state = PD_task_state_created;
    row->worker = (struct pd_text){NULL, 0};
}

/* A closed task leaves the table of open ones. */
void
evolve_task_succeeded__task(struct pd_task *row, const struct pd_task_succeeded *e, const struct fold *f)
{
    (void)e;
    (void)f;
    row->state = PD_task_state_absent;
}

void
evolve_task_failed__task(struct pd_task *row, const struct pd_task_failed *e, const struct fold *f)
{
    (void)e;
    (void)f;
    row->state = PD_task_state_absent;
}

void
evolve_task_leased__order(struct pd_order *row, const struct pd_task_leased *e, const struct fold *f)
{
    struct pd_order_item *item = item_numbered(row, e->item);

    item->lease = e->lease;
    item->has_lease = true;
    item->worker = e->worker;
    item->since = f->time;
    item->has_since = true;
    item->message = (struct pd_text){NULL, 0};
    item->has_progress = false;
    item->progress = 0;
    row->updated = f->time;
}

void
evolve_task_progressed__order(struct pd_order *row, const struct pd_task_progressed *e, const struct fold *f)
{
    struct pd_order_item *item = item_numbered(row, e->item);

    if (e->has_progress) {
        item->progress = e->progress;
        item->has_progress = true;
    }
    if (e->message.data != NULL) item->message = e->message;
    row->updated = f->time;
}

void
evolve_task_succeeded__order(struct pd_order *row, const struct pd_task_succeeded *e, const struct fold *f)
{
    struct pd_order_item *item = item_numbered(row, e->item);

    item->message = e->message;
    item->has_progress = true;
    item->progress = 100;
    row->updated = f->time;
}

void
evolve_task_failed__order(struct pd_order *row, const struct pd_task_failed *e, const struct fold *f)
{
    struct pd_order_item *item = item_numbered(row, e->item);

    item->state = PD_item_state_failed;
    item->message = e->message.data == NULL ? e->code : e->message;
    /* After a time-out no lease has closed the task: a late report of it is stale. */
    if (pd_text_equal(e->code, PD_TEXT("timed_out"))) item->worker = (struct pd_text){NULL, 0};
    row->updated = f->time;
}

void
evolve_task_released__order(struct pd_order *row, const struct pd_task_released *e, const struct fold *f)
{
    struct pd_order_item *item = item_numbered(row, e->item);

    item->worker = (struct pd_text){NULL, 0};
    item->message = e->reason;
    item->since = f->time;
    item->has_since = true;
    row->updated = f->time;
}

void
evolve_task_stale__order(struct pd_order *row, const struct pd_task_stale *e, const struct fold *f)
{
    (void)f;
    item_numbered(row, e->item)->stale_leases |= (uint64_t)1 << (e->lease % 64);
}
