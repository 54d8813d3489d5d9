/* task.c - what is handed to workers, or done by hand: leases, reports, deadlines, and what operators do about them (rows 5-7, 12,
 * 16, 17). A task provisions an item of an order, or removes what a subscription may have. Its folds stand in task_folds.c. */
#include "engine/domain/support.h"

enum { SECOND_US = 1000000, PAUSE_MAX_US = 300 * SECOND_US };

/* ---- finding ------------------------------------------------------------------------------------------------------- */

/* The order waits for a removal while its item is being removed, and no worker is at that any more. */
static bool
find_removal(const struct view *view, uint64_t task, struct work *w)
{
    w->subscription = view->subscription_by_task(view->ctx, task);
    if (w->subscription == NULL) return false;
    struct pd_subscription *s = (struct pd_subscription *)(uintptr_t)w->subscription;
    w->slot = SLOT_OF(s);
    if (!s->has_order) return true;
    const struct pd_order      *order = view->order(view->ctx, s->order);
    const struct pd_order_item *item = order == NULL ? NULL : item_numbered(order, s->item);
    if (item == NULL || item->state != PD_item_state_removing) return true;
    w->held = item->task_state == PD_task_state_leased;
    if (w->held) return true;
    w->order = order;
    w->item = item;
    return true;
}

/* What a task is of; false: refused. */
static bool
find_work(const struct view *view, uint64_t task, struct work *ret_work, struct decision *out)
{
    *ret_work = (struct work){.order = view->order_by_task(view->ctx, task)};

    for (size_t i = 0; ret_work->order != NULL && i < ret_work->order->items_count; i++) {
        struct pd_order_item *item = &ret_work->order->items[i];
        if (!item->has_task || item->task != task) continue;
        ret_work->item = item;
        ret_work->slot = SLOT_OF(item);
        return true;
    }
    ret_work->order = NULL;
    if (find_removal(view, task, ret_work)) return true;
    refuse(out, pd_refuse_field(PD_E_task_not_found, NULL, "task"));
    return false;
}

static bool
is_current(const struct work *w, uint64_t lease, struct pd_text worker)
{
    return *w->slot.state == PD_task_state_leased && *w->slot.lease == lease && pd_text_equal(*w->slot.worker, worker);
}

/* Whether this lease closed the task: its report may come again. */
static bool
has_closed(const struct work *w, enum pd_task_state state, uint64_t lease, struct pd_text worker)
{
    return *w->slot.state == state && *w->slot.lease == lease && pd_text_equal(*w->slot.worker, worker);
}

/* Whether an item's order is being cancelled. */
static bool
is_ending(const struct work *w)
{
    return w->item != NULL && w->item->state == PD_item_state_removing;
}

/* ---- what comes of it ---------------------------------------------------------------------------------------------- */

/* The lease of an item whose order is being cancelled has ended: what it may have made is removed. */
static void
remove_made(const struct view *view, const struct work *w, struct decision *out)
{
    uint64_t next_task = view->next_number(view->ctx, NUMBER_task);
    remove_instance(view, view->subscription(view->ctx, w->item->subscription), w->order, w->item, w->item->instance, &next_task,
                    out);
}

/* One instance is gone; with the last one its subscription, if it is to end, and what an order waits for (row 12a). */
static void
removed(const struct work *w, uint64_t left, struct decision *out)
{
    const struct pd_subscription *s = w->subscription;
    bool ends = w->order != NULL || s->service_status == PD_service_status_removing;

    if (left > 0 || w->held) return;
    if (ends && s->status != PD_subscription_status_terminated) end_subscription(s, PD_service_status_removed, s->reason, out);
    if (w->order != NULL) settle_ending(w->order, w->item->item, false, (struct pd_text){NULL, 0}, out);
}

/* What the succeeded task brings: row 6 for a provisioning. */
static void
succeed(const struct view *view, const struct work *w, struct pd_task_succeeded *e, const struct pd_pair *parameters,
        size_t parameter_count, struct decision *out)
{
    if (w->subscription != NULL) {
        e->instance = w->subscription->remains[0];
        e->left = w->subscription->remains_count - 1;
        e->has_left = e->left > 0;
        removed(w, e->left, out);
    } else if (is_ending(w)) remove_made(view, w, out);
    else {
        activate(view, w->order, w->item, w->item->subscription, parameters, parameter_count, out);
        settle_order(w->order, w->item->item, true, (struct pd_text){NULL, 0}, out);
    }
}

/* For good: row 7 for a provisioning, 12b for a removal. */
static void
fail(const struct view *view, const struct work *w, struct pd_task_failed *e, struct decision *out)
{
    struct pd_text words = e->message.data == NULL ? e->code : e->message;

    e->subscription = w->subscription != NULL ? w->subscription->subscription : w->item->subscription;
    e->has_subscription = true;
    if (w->subscription != NULL) {
        if (w->order != NULL) settle_ending(w->order, w->item->item, true, words, out);
    } else if (is_ending(w)) remove_made(view, w, out);
    else settle_order(w->order, w->item->item, false, words, out);
}

/* The task waits for a worker again; one whose order is being cancelled is over, and what it made is removed. */
static void
give_back(const struct view *view, const struct work *w, struct pd_text reason, struct decision *out)
{
    bool cancelled = w->subscription == NULL && is_ending(w);

    *EMIT(out, task_released) = (struct pd_task_released){
        ABOUT(w),
        .lease = *w->slot.lease,
        .worker = *w->slot.state == PD_task_state_leased ? *w->slot.worker : (struct pd_text){NULL, 0},
        .reason = reason,
        .cancelled = cancelled,
    };
    if (cancelled) remove_made(view, w, out);
}

/* From 1 s doubling to 5 min, less up to a quarter of it, by the task: what failed together does not come back together. */
static pd_time_us
pause_before(uint64_t task, uint64_t next_attempt)
{
    uint64_t doublings = next_attempt < 2 ? 0 : next_attempt - 2;
    uint64_t pause = doublings > 8 ? PAUSE_MAX_US : (uint64_t)SECOND_US << doublings;
    uint64_t mixed = (task * 0x9e3779b97f4a7c15u ^ next_attempt) * 0xbf58476d1ce4e5b9u;

    if (pause > PAUSE_MAX_US) pause = PAUSE_MAX_US;
    return pause - pause / 4 * (mixed >> 54) / 1024;
}

/* What a worker under an old lease may have made until now, if nobody wants it: under an instance before the last correction, or of
 * an item that is cancelled, or whose subscription has ended or is to be removed. Who failed, or gave it back, may have made it as
 * well. Absent: it is wanted, or the present lease's end has it removed. */
static struct pd_text
find_unwanted(const struct view *view, const struct work *w, uint64_t lease)
{
    const struct pd_order_item   *item = w->item;
    const struct pd_subscription *s = w->subscription != NULL ? NULL : view->subscription(view->ctx, item->subscription);
    const struct pd_text          absent = {NULL, 0};

    if (s == NULL) return absent;
    for (size_t i = 0; i < s->former_instances_count; i++)
        if (lease <= s->former_instances[i].lease) return s->former_instances[i].instance;
    if (item->task_state == PD_task_state_leased) return absent;
    bool gone = s->status == PD_subscription_status_terminated || s->service_status == PD_service_status_removing ||
                s->service_status == PD_service_status_removal_failed;
    return item->state == PD_item_state_cancelled || gone ? item->instance : absent;
}

/* An instance of an item's goes, whatever its order does; one that is being cancelled waits for it, unless a worker is still at the
 * item. */
static struct pd_task_created *
remove_for(const struct view *view, const struct pd_order *order, const struct pd_order_item *item, struct pd_text instance,
           struct decision *out)
{
    bool     failed = item->state == PD_item_state_cleanup_failed;
    bool     awaited = failed || (item->state == PD_item_state_removing && item->task_state != PD_task_state_leased);
    uint64_t next_task = view->next_number(view->ctx, NUMBER_task);

    if (failed) resume_removal(order, item, out);
    return remove_instance(view, view->subscription(view->ctx, item->subscription), awaited ? order : NULL, item, instance,
                           &next_task, out);
}

/* Whether a stale result of this lease was recorded; that of the last 64 is known. */
static bool
is_recorded(const struct slot *s, uint64_t lease)
{
    return lease + 64 > *s->lease && *s->stale_leases >> (lease % 64) & 1;
}

/* Row 16: refused, and recorded once per lease that is over. */
static void
refuse_stale(const struct view *view, const struct work *w, uint64_t lease, struct pd_text worker, struct pd_text result,
             struct decision *out)
{
    bool live = *w->slot.state == PD_task_state_leased && lease == *w->slot.lease; /* and another's, who has made nothing of it */

    refuse(out, pd_refuse_field(PD_E_stale_lease, NULL, "lease"));
    if (result.data == NULL || lease > *w->slot.lease || live || is_recorded(&w->slot, lease)) return;
    *EMIT(out, task_stale) = (struct pd_task_stale){ABOUT(w), .lease = lease, .worker = worker, .result = result};
    struct pd_text made = find_unwanted(view, w, lease);
    if (made.data != NULL) remove_for(view, w->order, w->item, made, out);
}

/* ---- the engine's own ---------------------------------------------------------------------------------------------- */

void
decide_lease_task(const struct view *view, const struct pd_lease_task *c, struct decision *out)
{
    struct work w;

    if (!find_work(view, c->task, &w, out)) return;
    if (*w.slot.state != PD_task_state_created) {
        refuse(out, pd_refuse_field(PD_E_stale_lease, NULL, "task"));
        return;
    }
    *EMIT(out, task_leased) = (struct pd_task_leased){
        ABOUT(&w), .lease = *w.slot.lease + 1, .worker = c->worker, .attempt = *w.slot.attempt};
}

void
decide_release_lease(const struct view *view, const struct pd_release_lease *c, struct decision *out)
{
    struct work w;

    if (!find_work(view, c->task, &w, out)) return;
    if (*w.slot.state != PD_task_state_leased || *w.slot.lease != c->lease) {
        refuse(out, pd_refuse_field(PD_E_stale_lease, NULL, "lease"));
        return;
    }
    give_back(view, &w, c->reason, out);
}

/* Row 17. */
void
decide_expire_task(const struct view *view, const struct pd_expire_task *c, struct decision *out)
{
    struct work w;

    if (!find_work(view, c->task, &w, out)) return;
    if (!is_open(*w.slot.state) || *w.slot.attempt != c->attempt) {
        refuse(out, pd_refuse_field(PD_E_stale_lease, NULL, "attempt"));
        return;
    }
    struct pd_task_failed *e = EMIT(out, task_failed);
    *e = (struct pd_task_failed){ABOUT(&w), .lease = *w.slot.lease, .worker = *w.slot.worker, .attempt = *w.slot.attempt,
                                 .code = PD_TEXT("timed_out"), .message = PD_TEXT("the task's deadline has passed")};
    fail(view, &w, e, out);
}

/* ---- reports ------------------------------------------------------------------------------------------------------- */

void
decide_report_progress(const struct view *view, const struct pd_report_progress *c, struct decision *out)
{
    struct work w;

    if (!find_work(view, c->task, &w, out)) return;
    if (!is_current(&w, c->lease, c->worker)) {
        refuse_stale(view, &w, c->lease, c->worker, (struct pd_text){NULL, 0}, out);
        return;
    }
    *EMIT(out, task_progressed) = (struct pd_task_progressed){
        ABOUT(&w), .lease = c->lease, .progress = c->progress, .has_progress = c->has_progress, .message = c->message};
}

/* Row 6. */
void
decide_report_success(const struct view *view, const struct pd_report_success *c, struct decision *out)
{
    struct work w;

    if (!find_work(view, c->task, &w, out) || has_closed(&w, PD_task_state_succeeded, c->lease, c->worker)) return;
    if (!is_current(&w, c->lease, c->worker)) {
        refuse_stale(view, &w, c->lease, c->worker, PD_TEXT("success"), out);
        return;
    }
    struct pd_task_succeeded *e = EMIT(out, task_succeeded);
    *e = (struct pd_task_succeeded){ABOUT(&w), .lease = c->lease, .worker = c->worker, .message = c->message, .output = c->output};
    succeed(view, &w, e, c->parameters, c->parameters_count, out);
}

/* Row 7; what may be tried again waits for that, as long as the deadline allows. */
void
decide_report_failure(const struct view *view, const struct pd_report_failure *c, struct decision *out)
{
    struct work w;

    if (!find_work(view, c->task, &w, out) || has_closed(&w, PD_task_state_failed, c->lease, c->worker)) return;
    if (!is_current(&w, c->lease, c->worker)) {
        refuse_stale(view, &w, c->lease, c->worker, PD_TEXT("failure"), out);
        return;
    }
    struct pd_task_failed *e = EMIT(out, task_failed);
    pd_time_us             next_try = view->now + pause_before(c->task, *w.slot.attempt + 1);
    *e = (struct pd_task_failed){ABOUT(&w), .lease = c->lease, .worker = c->worker, .attempt = *w.slot.attempt,
                                 .code = c->code.data == NULL ? PD_TEXT("failed") : c->code, .message = c->message,
                                 .output = c->output};
    bool stopped = w.subscription == NULL && is_ending(&w);
    if (c->retryable && !stopped && next_try < *w.slot.deadline) {
        e->next_try = next_try;
        e->has_next_try = true;
    } else fail(view, &w, e, out);
}

void
decide_report_release(const struct view *view, const struct pd_report_release *c, struct decision *out)
{
    struct work w;

    if (!find_work(view, c->task, &w, out)) return;
    if (!is_current(&w, c->lease, c->worker)) {
        refuse_stale(view, &w, c->lease, c->worker, PD_TEXT("release"), out);
        return;
    }
    give_back(view, &w, c->reason.data == NULL ? PD_TEXT("given back by the worker") : c->reason, out);
}

/* ---- operators ----------------------------------------------------------------------------------------------------- */

/* An open task; else refused. */
static bool
find_open_work(const struct view *view, uint64_t task, struct work *ret_work, struct decision *out)
{
    if (!find_work(view, task, ret_work, out)) return false;
    if (is_open(*ret_work->slot.state)) return true;
    refuse(out, pd_refuse_field(PD_E_task_closed, NULL, "task"));
    return false;
}

/* A removal that has failed for good. */
static void
remove_once_more(const struct view *view, const struct pd_subscription *s, struct pd_text reason, struct decision *out)
{
    const struct pd_order  *order = s->has_order ? view->order(view->ctx, s->order) : NULL;
    uint64_t                next_task = view->next_number(view->ctx, NUMBER_task);
    struct pd_task_created *e = order == NULL ? remove_instance(view, s, NULL, NULL, s->remains[0], &next_task, out)
                                              : remove_for(view, order, item_numbered(order, s->item), s->remains[0], out);
    e->reason = reason;
}

void
decide_retry_task(const struct view *view, const struct pd_retry_task *c, struct decision *out)
{
    struct work w;

    if (!find_work(view, c->task, &w, out)) return;
    bool open = is_open(*w.slot.state);
    if (!open && (w.subscription == NULL || w.subscription->remains_count == 0))
        refuse(out, pd_refuse_field(PD_E_task_closed, NULL, "task"));
    else if (!open) remove_once_more(view, w.subscription, c->reason, out);
    else if (!*w.slot.has_next_try)
        refuse(out, pd_refuse_field(PD_E_task_not_waiting, NULL, "task"));
    else give_back(view, &w, c->reason.data == NULL ? PD_TEXT("to be tried at once") : c->reason, out);
}

void
decide_release_task(const struct view *view, const struct pd_release_task *c, struct decision *out)
{
    struct work w;

    if (!find_open_work(view, c->task, &w, out)) return;
    if (*w.slot.state != PD_task_state_leased)
        refuse(out, pd_refuse_field(PD_E_task_not_leased, NULL, "task"));
    else give_back(view, &w, c->reason.data == NULL ? PD_TEXT("taken from its worker") : c->reason, out);
}

void
decide_fail_task(const struct view *view, const struct pd_fail_task *c, struct decision *out)
{
    struct work w;

    if (!find_open_work(view, c->task, &w, out)) return;
    struct pd_task_failed *e = EMIT(out, task_failed);
    *e = (struct pd_task_failed){ABOUT(&w), .lease = *w.slot.lease, .attempt = *w.slot.attempt,
                                 .code = PD_TEXT("failed_by_operator"), .message = c->reason};
    fail(view, &w, e, out);
}

void
decide_succeed_task(const struct view *view, const struct pd_succeed_task *c, struct decision *out)
{
    struct work w;

    if (!find_open_work(view, c->task, &w, out)) return;
    struct pd_task_succeeded *e = EMIT(out, task_succeeded);
    *e = (struct pd_task_succeeded){ABOUT(&w), .lease = *w.slot.lease, .message = c->reason};
    succeed(view, &w, e, c->parameters, c->parameters_count, out);
}
