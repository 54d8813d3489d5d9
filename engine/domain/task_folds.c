/* task_folds.c - what the events of tasks leave: in the table of open tasks, and in the item or subscription that a task is of. */
#include "engine/domain/support.h"

/* ---- folds into the table of open tasks ---------------------------------------------------------------------------- */

static void
create_task(struct pd_task *row, const struct pd_opened_item *opened, const struct fold *f)
{
    const struct pd_order_item *item = item_numbered(f->order, opened->item);

    *row = (struct pd_task){
        .scope = row->scope, .version = row->version, .last = row->last, .last_scoped = row->last_scoped,
        .task = opened->task, .order = f->order->order, .has_order = true, .item = opened->item, .has_item = true,
        .subscription = opened->subscription, .operation = PD_operation_provision, .provisioning = item->provisioning,
        .worker_group = item->worker_group, .state = PD_task_state_created, .lease = item->lease, .attempt = opened->attempt,
        .deadline = opened->deadline, .created = f->time, .since = f->time,
    };
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

/* A removal: made, or given one more instance while it is open. */
void
evolve_task_created__task(struct pd_task *row, const struct pd_task_created *e, const struct fold *f)
{
    bool fresh = row->state == PD_task_state_absent;

    row->task = e->task;
    row->order = e->order;
    row->has_order = e->has_order;
    row->item = e->item;
    row->has_item = e->has_item;
    row->subscription = e->subscription;
    row->operation = e->operation;
    row->provisioning = e->provisioning;
    row->worker_group = e->worker_group;
    row->attempt = e->attempt;
    row->deadline = e->deadline;
    if (!fresh) return;
    row->state = PD_task_state_created;
    row->created = row->since = f->time;
    row->lease = e->lease;
}

void
evolve_task_leased__task(struct pd_task *row, const struct pd_task_leased *e, const struct fold *f)
{
    row->state = PD_task_state_leased;
    row->lease = e->lease;
    row->worker = e->worker;
    row->since = f->time;
    row->has_next_try = false;
}

static void
wait_again(struct pd_task *row, const struct fold *f)
{
    row->state = PD_task_state_created;
    row->worker = (struct pd_text){NULL, 0};
    row->since = f->time;
    row->has_next_try = false;
}

void
evolve_task_released__task(struct pd_task *row, const struct pd_task_released *e, const struct fold *f)
{
    wait_again(row, f);
    if (e->cancelled) row->state = PD_task_state_absent;
}

/* A closed task leaves the table of open ones. */
void
evolve_task_succeeded__task(struct pd_task *row, const struct pd_task_succeeded *e, const struct fold *f)
{
    wait_again(row, f);
    if (!e->has_left) row->state = PD_task_state_absent;
}

void
evolve_task_failed__task(struct pd_task *row, const struct pd_task_failed *e, const struct fold *f)
{
    wait_again(row, f);
    if (!e->has_next_try) {
        row->state = PD_task_state_absent;
        return;
    }
    row->next_try = e->next_try;
    row->has_next_try = true;
    row->attempt = e->attempt + 1;
}

/* Over; or held by a worker that is told to stop. */
static void
end_task(struct pd_task *row, const struct pd_ended_item *ended)
{
    if (ended->state == PD_item_state_removing && row->state == PD_task_state_leased) row->stopping = true;
    else row->state = PD_task_state_absent;
}

void
evolve_order_cancelling__task(struct pd_task *row, const struct pd_order_cancelling *e, const struct pd_ended_item *element,
                              const struct fold *f)
{
    (void)e;
    (void)f;
    end_task(row, element);
}

void
evolve_order_cancelled__task(struct pd_task *row, const struct pd_order_cancelled *e, const struct pd_ended_item *element,
                             const struct fold *f)
{
    (void)e;
    (void)f;
    end_task(row, element);
}

void
evolve_order_failed__task(struct pd_task *row, const struct pd_order_failed *e, const struct pd_ended_item *element,
                          const struct fold *f)
{
    (void)e;
    (void)f;
    end_task(row, element);
}

/* ---- folds into what the task is of -------------------------------------------------------------------------------- */

void
slot_open(const struct slot *s, uint64_t task, uint64_t attempt, pd_time_us deadline, pd_time_us now)
{
    *s->task = task;
    *s->attempt = attempt;
    *s->deadline = deadline;
    *s->since = now;
    *s->has_task = *s->has_attempt = *s->has_deadline = *s->has_since = true;
    *s->state = PD_task_state_created;
    *s->worker = *s->message = (struct pd_text){NULL, 0};
    *s->has_progress = *s->has_next_try = false;
    *s->progress = 0;
}

static void
take_lease(const struct slot *s, const struct pd_task_leased *e, const struct fold *f)
{
    *s->state = PD_task_state_leased;
    *s->lease = e->lease;
    *s->has_lease = true;
    *s->stale_leases &= ~((uint64_t)1 << e->lease % 64); /* a bit is that of the last such lease */
    *s->worker = e->worker;
    *s->since = f->time;
    *s->has_since = true;
    *s->message = (struct pd_text){NULL, 0};
    *s->has_progress = *s->has_next_try = false;
    *s->progress = 0;
}

static void
take_progress(const struct slot *s, const struct pd_task_progressed *e)
{
    if (e->has_progress) {
        *s->progress = e->progress;
        *s->has_progress = true;
    }
    if (e->message.data != NULL) *s->message = e->message;
}

static void
take_success(const struct slot *s, const struct pd_task_succeeded *e, const struct fold *f)
{
    *s->message = e->message;
    *s->worker = e->worker;
    *s->has_progress = true;
    *s->progress = 100;
    *s->has_next_try = false;
    *s->state = PD_task_state_succeeded;
    if (!e->has_left) return;
    *s->state = PD_task_state_created;
    *s->worker = (struct pd_text){NULL, 0};
    *s->has_progress = false;
    *s->since = f->time;
}

static void
take_failure(const struct slot *s, const struct pd_task_failed *e, const struct fold *f)
{
    bool timed_out = pd_text_equal(e->code, PD_TEXT("timed_out"));

    *s->message = e->message.data == NULL ? e->code : e->message;
    *s->has_next_try = e->has_next_try;
    *s->next_try = e->next_try;
    *s->state = timed_out ? PD_task_state_timed_out : PD_task_state_failed;
    /* After a time-out no lease has closed the task: a late report of it is stale. */
    *s->worker = timed_out || e->has_next_try ? (struct pd_text){NULL, 0} : e->worker;
    if (!e->has_next_try) return;
    *s->state = PD_task_state_created;
    *s->attempt = e->attempt + 1;
    *s->since = f->time;
}

static void
take_release(const struct slot *s, const struct pd_task_released *e, const struct fold *f)
{
    *s->state = e->cancelled ? PD_task_state_cancelled : PD_task_state_created;
    *s->worker = (struct pd_text){NULL, 0};
    *s->message = e->reason;
    *s->since = f->time;
    *s->has_since = true;
    *s->has_next_try = false;
}

/* A provisioning stands in its item, a removal in its subscription: the order that waits for one only notes that it has changed. */
static bool
is_of_item(struct pd_order *row, enum pd_operation operation, uint64_t item, const struct fold *f, struct slot *ret_slot)
{
    struct pd_order_item *i = item_numbered(row, item);

    row->updated = f->time;
    *ret_slot = SLOT_OF(i);
    return operation == PD_operation_provision;
}

void
evolve_task_leased__order(struct pd_order *row, const struct pd_task_leased *e, const struct fold *f)
{
    struct slot s;
    if (is_of_item(row, e->operation, e->item, f, &s)) take_lease(&s, e, f);
}

void
evolve_task_leased__subscription(struct pd_subscription *row, const struct pd_task_leased *e, const struct fold *f)
{
    take_lease(&SLOT_OF(row), e, f);
}

void
evolve_task_progressed__order(struct pd_order *row, const struct pd_task_progressed *e, const struct fold *f)
{
    struct slot s;
    if (is_of_item(row, e->operation, e->item, f, &s)) take_progress(&s, e);
}

void
evolve_task_progressed__subscription(struct pd_subscription *row, const struct pd_task_progressed *e, const struct fold *f)
{
    (void)f;
    take_progress(&SLOT_OF(row), e);
}

void
evolve_task_succeeded__order(struct pd_order *row, const struct pd_task_succeeded *e, const struct fold *f)
{
    struct slot s;
    if (is_of_item(row, e->operation, e->item, f, &s)) take_success(&s, e, f);
    else if (!e->has_left) item_numbered(row, e->item)->state = PD_item_state_cancelled; /* perhaps after its subscription */
}

void
evolve_task_succeeded__subscription(struct pd_subscription *row, const struct pd_task_succeeded *e, const struct fold *f)
{
    take_success(&SLOT_OF(row), e, f);
    row->remains_count--;
    row->remains++;
    if (!e->has_left && row->status == PD_subscription_status_terminated) row->service_status = PD_service_status_removed;
}

void
evolve_task_failed__order(struct pd_order *row, const struct pd_task_failed *e, const struct fold *f)
{
    struct pd_order_item *item = item_numbered(row, e->item);
    struct slot           s;

    if (is_of_item(row, e->operation, e->item, f, &s)) take_failure(&s, e, f);
    if (e->has_next_try) return;
    if (e->operation == PD_operation_deprovision) item->state = PD_item_state_cleanup_failed;
    else if (item->state == PD_item_state_provisioning) item->state = PD_item_state_failed;
}

void
evolve_task_failed__subscription(struct pd_subscription *row, const struct pd_task_failed *e, const struct fold *f)
{
    if (e->operation == PD_operation_deprovision) {
        take_failure(&SLOT_OF(row), e, f);
        if (!e->has_next_try && row->service_status == PD_service_status_removing)
            row->service_status = PD_service_status_removal_failed;
    } else if (row->service_status == PD_service_status_provisioning)
        row->service_status = PD_service_status_not_provisioned;
}

void
evolve_task_released__order(struct pd_order *row, const struct pd_task_released *e, const struct fold *f)
{
    struct slot s;
    if (is_of_item(row, e->operation, e->item, f, &s)) take_release(&s, e, f);
}

void
evolve_task_released__subscription(struct pd_subscription *row, const struct pd_task_released *e, const struct fold *f)
{
    take_release(&SLOT_OF(row), e, f);
}

void
evolve_task_stale__order(struct pd_order *row, const struct pd_task_stale *e, const struct fold *f)
{
    struct slot s;
    if (is_of_item(row, e->operation, e->item, f, &s)) *s.stale_leases |= (uint64_t)1 << (e->lease % 64);
}

void
evolve_task_stale__subscription(struct pd_subscription *row, const struct pd_task_stale *e, const struct fold *f)
{
    (void)f;
    row->stale_leases |= (uint64_t)1 << (e->lease % 64);
}

void
evolve_task_created__order(struct pd_order *row, const struct pd_task_created *e, const struct fold *f)
{
    (void)e;
    row->updated = f->time;
}
