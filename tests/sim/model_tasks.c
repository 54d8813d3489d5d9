/* model_tasks.c - the events of tasks: who is given what, what comes of it, and what must come of that; and which of the order's
 * and the subscription's events they are. */
#include <inttypes.h>
#include <stdlib.h>

#include "proto/check.h"
#include "tests/sim/model_tables.h"

static bool
is_by_worker(const struct model_record *r, uint64_t name)
{
    return r->actor.size > 7 && memcmp(r->actor.data, "worker/", 7) == 0 &&
           m_print((struct pd_text){r->actor.data + 7, r->actor.size - 7}) == name;
}

bool
m_is_open(const struct m_slot *slot)
{
    return slot->state == PD_task_state_created || slot->state == PD_task_state_leased;
}

bool
m_is_current(const struct m_slot *slot, uint64_t lease, struct pd_text worker)
{
    return slot->state == PD_task_state_leased && slot->lease == lease && slot->worker == m_print(worker);
}

bool
m_has_closed(const struct m_slot *slot, int state, uint64_t lease, struct pd_text worker)
{
    return slot->state == state && slot->lease == lease && slot->worker == m_print(worker);
}

/* ---- what is owed ---------------------------------------------------------------------------------------------------- */

/* Whether it waits to be removed already; the first may be half gone, and come again. */
static bool
is_to_be_removed(const struct m_subscription *sub, uint64_t instance)
{
    for (size_t i = sub->slot.state == PD_task_state_leased; m_is_open(&sub->slot) && i < sub->remain_count; i++)
        if (sub->remains[i] == instance) return true;
    return false;
}

void
m_owe(struct model *m, struct m_scope *s, uint64_t subscription, uint64_t instance)
{
    if (is_to_be_removed(m_subscription(s, subscription), instance)) return;
    PD_CHECK(m->owed_count < M_OWED);
    m->owed[m->owed_count++] = (struct m_owed){subscription, instance};
}

void
m_owe_stop(struct model *m, const struct model_record *r, const struct m_slot *slot)
{
    if (is_by_worker(r, slot->worker) || m->stop_count == M_STOPS) return;
    m->stops[m->stop_count++] = (struct m_stop){r->scope, slot->task, slot->lease, slot->worker};
}

bool
m_take_created(struct model *m, struct m_scope *s, const struct model_record *r, const struct pd_task_created *e)
{
    struct m_subscription *sub = m_subscription(s, e->subscription);
    NEED(m, sub != NULL && e->operation == PD_operation_deprovision, "a removal for no subscription");
    struct m_item         *i = m_item_of(s, sub);
    struct m_slot         *slot = &sub->slot;
    bool                   open = m_is_open(slot), waits = i != NULL && m_is_awaited(i);
    uint64_t               instance = m_print(e->instance);
    size_t                 n = 0;

    while (n < m->owed_count && (m->owed[n].subscription != e->subscription || m->owed[n].instance != instance)) n++;
    NEED(m, n < m->owed_count, "an instance of subscription %" PRIu64 " is to be removed, and should not", e->subscription);
    m->owed[n] = m->owed[--m->owed_count];
    NEED(m, i == NULL || i->instance != instance || i->slot.state != PD_task_state_leased, "what a worker still makes is removed");
    NEED(m, e->has_order == waits && (!waits || (e->order == sub->order && e->item == sub->item)), "another waits for a removal");
    if (slot->task == 0) {
        struct m_task *task = M_ADD(s->tasks, s->task_count);
        *task = (struct m_task){.subscription = e->subscription};
        slot->task = s->task_count;
        slot->attempt = 0;
    }
    NEED(m, e->task == slot->task, "task number %" PRIu64 ", not %" PRIu64, e->task, slot->task);
    NEED(m, e->attempt == slot->attempt + !open && e->lease == slot->lease, "another attempt of a removal");
    NEED(m, e->deadline == r->time + sub->deadline_s * 1000000, "a removal's deadline is not its plan's");
    NEED(m, m_print(e->worker_group) == sub->group && e->provisioning == (enum pd_provisioning)sub->provisioning,
         "another removes");
    slot->deadline = e->deadline;
    if (!open) {
        slot->attempt = e->attempt;
        slot->state = PD_task_state_created;
        slot->worker = slot->message = slot->next_try = 0;
        slot->progress = -1;
    }
    for (n = slot->state == PD_task_state_leased; n < sub->remain_count && sub->remains[n] != instance;) n++;
    if (n >= sub->remain_count) {
        NEED(m, sub->remain_count < M_REMAINS, "more than 16 instances remain of subscription %" PRIu64, e->subscription);
        sub->remains[sub->remain_count++] = instance;
    }
    if (sub->status == PD_subscription_status_terminated || sub->service == PD_service_status_removal_failed)
        sub->service = PD_service_status_removing;
    return true;
}

/* ---- leases ---------------------------------------------------------------------------------------------------------- */

static size_t
count_leases(struct model *m, uint64_t worker)
{
    struct m_work w;
    size_t        held = 0;

    for (size_t s = 1; s < m->scope_count; s++)
        for (size_t t = 1; t <= m->scopes[s]->task_count; t++)
            held += m_work_of(m->scopes[s], t, &w) && w.slot->state == PD_task_state_leased && w.slot->worker == worker;
    return held;
}

/* A hand-out: to somebody who is there, for whom it is, who can do it, and has credit left. */
static bool
take_leased(struct model *m, struct m_work *work, const struct pd_task_leased *e)
{
    const struct m_worker *w = m_worker(m, e->worker);
    struct m_slot         *slot = work->slot;
    bool                   serves = false;

    NEED(m, slot->state == PD_task_state_created, "task %" PRIu64 " has two live leases", e->task);
    NEED(m, e->lease == slot->lease + 1, "lease %" PRIu64 " after %" PRIu64, e->lease, slot->lease);
    NEED(m, e->attempt == slot->attempt && work->provisioning == PD_provisioning_worker, "a lease of another attempt, or by hand");
    NEED(m, slot->next_try <= m->time, "task %" PRIu64 " is tried again too early", e->task);
    NEED(m, w != NULL && w->heard_ms + m->lease_ms > m->now_ms, "a lease for a worker that is not there");
    for (size_t g = 0; g < w->group_count; g++) serves = serves || w->groups[g] == work->group;
    NEED(m, serves, "a lease for a worker of another group");
    NEED(m, w->operations >> e->operation & 1, "a lease for a worker that does not do this");
    NEED(m, !w->draining, "a lease for a worker that is to leave");
    NEED(m, count_leases(m, w->name) < w->credit, "a worker of credit %" PRIu64 " is given one lease more", w->credit);
    if (slot->turn != m->turn) slot->turn_lease = e->lease;
    slot->turn = m->turn;
    slot->state = PD_task_state_leased;
    slot->lease = e->lease;
    slot->stale &= ~(UINT64_C(1) << e->lease % 64);
    slot->worker = w->name;
    slot->message = slot->next_try = 0;
    slot->progress = -1;
    slot->lease_until_ms = m->now_ms + m->lease_ms;
    slot->given_deadline = slot->deadline;
    slot->given_domain = work->subscription != NULL ? work->subscription->domain : work->item->domain;
    slot->given_instance = work->subscription != NULL ? work->subscription->remains[0] : work->item->instance;
    return true;
}

/* The lease is over: by its holder's word, by an operator's, or by the engine's when its time has come. */
static bool
take_released(struct model *m, struct m_scope *s, const struct model_record *r, struct m_work *w, const struct pd_task_released *e)
{
    struct m_slot *slot = w->slot;
    bool           leased = slot->state == PD_task_state_leased, over = w->subscription == NULL && slot->stopping;

    NEED(m, m_is_open(slot) && e->lease == slot->lease, "a lease is released twice");
    NEED(m, leased == (e->worker.data != NULL), "a release of a lease that there is not");
    switch (r->command) {
    case PD_COMMAND_release_lease:
        NEED(m, leased && m_is_by_engine(r), "a lease is released that there is not");
        NEED(m, m->now_ms >= slot->lease_until_ms, "a lease is taken away %" PRIu64 " ms early", slot->lease_until_ms - m->now_ms);
        break;
    case PD_COMMAND_report_release: NEED(m, leased && is_by_worker(r, slot->worker), "another gives a lease back"); break;
    case PD_COMMAND_retry_task: NEED(m, !leased && slot->next_try > 0, "a task is tried again that does not wait"); break;
    default: NEED(m, leased && r->command == PD_COMMAND_release_task, "a task is released by %d", r->command);
    }
    NEED(m, e->cancelled == over, "a release does not say whether its order is being cancelled");
    if (leased) m_owe_stop(m, r, slot);
    slot->state = over ? PD_task_state_cancelled : PD_task_state_created;
    slot->worker = slot->next_try = 0;
    slot->stopping = false;
    slot->message = m_print(e->reason);
    if (over) m_owe(m, s, w->item->subscription, w->item->instance);
    return true;
}

/* ---- results --------------------------------------------------------------------------------------------------------- */

static bool
take_succeeded(struct model *m, struct m_scope *s, const struct model_record *r, struct m_work *w,
               const struct pd_task_succeeded *e)
{
    struct m_slot         *slot = w->slot;
    struct m_subscription *sub = w->subscription;
    bool                   by_hand = r->command == PD_COMMAND_succeed_task;

    NEED(m, m_is_open(slot) && e->lease == slot->lease, "a stale success is taken");
    if (!by_hand) NEED(m, m_is_current(slot, e->lease, e->worker) && is_by_worker(r, slot->worker), "a stale success is taken");
    if (slot->state == PD_task_state_leased) m_owe_stop(m, r, slot);
    slot->message = m_print(e->message);
    slot->worker = m_print(e->worker);
    slot->progress = 100;
    slot->next_try = 0;
    slot->state = PD_task_state_succeeded;
    bool stopped = slot->stopping;
    slot->stopping = false;
    m_server_hears(m, s, w, r->type, e->lease, by_hand, sub == NULL ? w->item->instance : sub->remains[0]);
    if (sub == NULL) {
        if (stopped) m_owe(m, s, w->item->subscription, w->item->instance);
        else m->done = w->item;
        return true;
    }
    NEED(m, sub->remain_count > 0 && m_print(e->instance) == sub->remains[0], "what was not to be removed is removed");
    memmove(sub->remains, sub->remains + 1, --sub->remain_count * sizeof sub->remains[0]);
    NEED(m, e->left == sub->remain_count && e->has_left == (sub->remain_count > 0), "%" PRIu64 " instances are left", e->left);
    if (e->has_left) {
        slot->state = PD_task_state_created;
        slot->worker = 0;
        slot->progress = -1;
        return true;
    }
    if (w->item != NULL) w->item->state = PD_item_state_cancelled;
    if (sub->status == PD_subscription_status_terminated) sub->service = PD_service_status_removed;
    return true;
}

/* 1 s, doubling to 5 min, less up to a quarter; as long as the deadline allows. */
static bool
is_next_try_right(struct model *m, const struct model_record *r, const struct m_slot *slot, const struct pd_task_failed *e)
{
    uint64_t doublings = slot->attempt - 1, pause = doublings > 8 ? 300000000 : UINT64_C(1000000) << doublings;

    if (pause > 300000000) pause = 300000000;
    if (e->has_next_try)
        NEED(m, e->next_try <= r->time + pause && e->next_try >= r->time + pause - pause / 4 && e->next_try < slot->deadline,
             "a pause of %" PRIu64 " us after attempt %" PRIu64, e->next_try - r->time, slot->attempt);
    return true;
}

/* What may be tried again is, if there is time. */
static bool
may_be_tried(const struct model *m, const struct model_record *r, const struct m_slot *slot)
{
    if (r->command != PD_COMMAND_report_failure || slot->stopping || m->message.body == NULL) return false;
    uint64_t doublings = slot->attempt - 1, pause = doublings > 8 ? 300000000 : UINT64_C(1000000) << doublings;
    const struct pd_report_failure *c = m->message.body;
    return c->retryable && r->time + (pause > 300000000 ? 300000000 : pause) < slot->deadline;
}

static bool
take_failed(struct model *m, struct m_scope *s, const struct model_record *r, struct m_work *w, const struct pd_task_failed *e)
{
    struct m_slot         *slot = w->slot;
    struct m_subscription *sub = w->subscription != NULL ? w->subscription : m_subscription(s, w->item->subscription);
    bool                   timed_out = r->command == PD_COMMAND_expire_task, stopped = slot->stopping;

    NEED(m, m_is_open(slot) && e->lease == slot->lease && e->attempt == slot->attempt, "a stale failure");
    if (timed_out)
        NEED(m, m_is_by_engine(r) && slot->deadline <= r->time && pd_text_equal(e->code, PD_TEXT("timed_out")),
             "a deadline before its time");
    else if (r->command == PD_COMMAND_fail_task)
        NEED(m, pd_text_equal(e->code, PD_TEXT("failed_by_operator")), "an operator's word");
    else NEED(m, m_is_current(slot, e->lease, e->worker) && is_by_worker(r, slot->worker), "a stale failure is taken");
    NEED(m, !e->has_next_try || r->command == PD_COMMAND_report_failure, "what cannot be tried again is");
    NEED(m, !e->has_next_try || !stopped, "what is to stop is tried again");
    if (may_be_tried(m, r, slot)) NEED(m, e->has_next_try, "what may be tried again is not");
    if (!is_next_try_right(m, r, slot, e)) return false;
    if (slot->state == PD_task_state_leased) m_owe_stop(m, r, slot);
    slot->message = m_print(e->message.data == NULL ? e->code : e->message);
    slot->worker = timed_out || e->has_next_try ? 0 : m_print(e->worker);
    slot->next_try = e->has_next_try ? e->next_try : 0;
    slot->stopping = false;
    slot->state = e->has_next_try ? PD_task_state_created : timed_out ? PD_task_state_timed_out : PD_task_state_failed;
    slot->attempt += e->has_next_try;
    if (e->has_next_try) return true;
    if (w->subscription != NULL) {
        if (w->item != NULL) w->item->state = PD_item_state_cleanup_failed;
        if (sub->service == PD_service_status_removing) sub->service = PD_service_status_removal_failed;
    } else if (stopped) m_owe(m, s, w->item->subscription, w->item->instance);
    else {
        w->item->state = PD_item_state_failed;
        sub->service = PD_service_status_not_provisioned;
    }
    return true;
}

/* What a lease made that is over: the item's instance of then. */
static uint64_t
made_under(const struct m_item *i, uint64_t lease, bool *ret_former)
{
    *ret_former = false;
    for (size_t n = 0; n < i->former_count; n++)
        if (lease <= i->formers[n].lease) return *ret_former = true, i->formers[n].instance;
    return i->instance;
}

/* What a late worker may have made, whatever it says, is removed where nobody wants it any more, unless a lease's end will have it
 * removed. */
static bool
take_stale(struct model *m, struct m_scope *s, struct m_work *w, const struct pd_task_stale *e)
{
    struct m_slot *slot = w->slot;
    bool           former;

    NEED(m, e->lease <= slot->lease && !m_is_current(slot, e->lease, e->worker), "a lease is called stale that is not");
    NEED(m, e->lease + 64 <= slot->lease || (slot->stale >> e->lease % 64 & 1) == 0, "a stale result is recorded twice");
    NEED(m, slot->state != PD_task_state_leased || e->lease < slot->lease, "what another says of a live lease is recorded");
    slot->stale |= (uint64_t)1 << e->lease % 64;
    if (w->subscription != NULL) return true;
    uint64_t made = made_under(w->item, e->lease, &former);
    m_server_hears(m, s, w, PD_EVENT_task_stale, e->lease, false, made);
    const struct m_subscription *sub = m_subscription(s, w->item->subscription);
    bool unwanted = w->item->state == PD_item_state_cancelled || sub->status == PD_subscription_status_terminated ||
                    sub->service == PD_service_status_removing || sub->service == PD_service_status_removal_failed;
    if (former || (unwanted && slot->state != PD_task_state_leased)) m_owe(m, s, w->item->subscription, made);
    return true;
}

bool
m_take_task_event(struct model *m, struct m_scope *s, const struct model_record *r, struct m_work *w, const void *body)
{
    switch (r->type) {
    case PD_EVENT_task_leased: return take_leased(m, w, body);
    case PD_EVENT_task_progressed: {
        const struct pd_task_progressed *e = body;
        NEED(m, w->slot->state == PD_task_state_leased && w->slot->lease == e->lease && is_by_worker(r, w->slot->worker),
             "progress under a stale lease");
        if (e->has_progress) w->slot->progress = (int)e->progress;
        if (e->message.data != NULL) w->slot->message = m_print(e->message);
        return true;
    }
    case PD_EVENT_task_succeeded: return take_succeeded(m, s, r, w, body);
    case PD_EVENT_task_failed: return take_failed(m, s, r, w, body);
    case PD_EVENT_task_released: return take_released(m, s, r, w, body);
    case PD_EVENT_task_stale: return take_stale(m, s, w, body);
    default: return wrong(m, "an event of type %d", r->type);
    }
}

/* ---- one event ------------------------------------------------------------------------------------------------------- */

/* What an event of a task says of where it stands. */
struct about {
    bool     is_task, has_order, has_subscription;
    uint64_t order, item, subscription, task;
    int      operation;
};

static struct about
look(int type, const void *body)
{
#define LOOK(name)                                                                                                     \
    case PD_EVENT_##name: {                                                                                            \
        const struct pd_##name *e = body;                                                                              \
        return (struct about){true, e->has_order, e->has_subscription, e->order, e->item, e->subscription, e->task,    \
                              e->operation};                                                                           \
    }
    switch (type) {
    LOOK(task_leased)
    LOOK(task_progressed)
    LOOK(task_succeeded)
    LOOK(task_failed)
    LOOK(task_released)
    LOOK(task_stale)
    LOOK(task_created)
    default: return (struct about){.is_task = false};
    }
#undef LOOK
}

static bool
may_go(int type, int from, int to)
{
    switch (type) {
    case PD_EVENT_order_updated: return to == PD_order_state_draft;
    case PD_EVENT_order_confirmed: return to == PD_order_state_new;
    case PD_EVENT_order_opened:
    case PD_EVENT_order_retried: return to == PD_order_state_provisioning;
    case PD_EVENT_order_held: return to == PD_order_state_held;
    case PD_EVENT_order_completed: return to == PD_order_state_completed;
    case PD_EVENT_order_provisioning_failed: return to == PD_order_state_provisioning_failed;
    case PD_EVENT_order_expired:
    case PD_EVENT_order_cancelled: return to == PD_order_state_cancelled;
    case PD_EVENT_order_failed: return to == PD_order_state_failed;
    case PD_EVENT_order_cancelling: return to == PD_order_state_cancelling;
    case PD_EVENT_order_cleanup_failed: return to == PD_order_state_cleanup_failed;
    default: return from == to; /* tasks, corrections, notes */
    }
}

/* A removal that no order waits for: the subscription's event. */
static bool
take_of_subscription(struct model *m, struct m_scope *s, const struct model_record *r, const struct about *a, const void *body)
{
    struct m_subscription *sub = a->has_subscription ? m_subscription(s, a->subscription) : NULL;
    struct m_work          w;

    NEED(m, sub != NULL && a->operation == PD_operation_deprovision, "a task's event that is nobody's");
    NEED(m, r->version == ++sub->version, "subscription version %" PRIu64, r->version);
    m->changed = sub;
    if (r->type == PD_EVENT_task_created && r->command == PD_COMMAND_retry_task) {
        NEED(m, sub->remain_count > 0 && !m_is_open(&sub->slot), "a removal is tried again that has not failed");
        m_owe(m, s, a->subscription, sub->remains[0]);
    }
    if (r->type == PD_EVENT_task_created) return m_take_created(m, s, r, body);
    NEED(m, m_work_of(s, a->task, &w) && w.subscription == sub && w.order == NULL, "an event of a task that is another's");
    return m_take_task_event(m, s, r, &w, body);
}

/* A task's, under the order that waits for it. */
static bool
take_of_item(struct model *m, struct m_scope *s, const struct model_record *r, const struct m_order *o, const struct about *a,
             const void *body)
{
    struct m_work w;

    NEED(m, a->item >= 1 && a->item <= o->count, "an event of an item that there is not");
    if (r->type == PD_EVENT_task_created) return m_take_created(m, s, r, body);
    NEED(m, m_work_of(s, a->task, &w) && w.order == o && w.item == &o->items[a->item - 1] &&
                (w.subscription != NULL) == (a->operation == PD_operation_deprovision),
         "an event of a task that there is not");
    return m_take_task_event(m, s, r, &w, body);
}

/* Events of an order begin with its number, or the order and the item; all carry both states. */
bool
m_take_of_order(struct model *m, struct m_scope *s, const struct model_record *r, const struct pd_block *block, const char *body)
{
    const struct pd_field *number = pd_block_field(block, PD_TEXT("order"));
    const struct pd_field *from = pd_block_field(block, PD_TEXT("previous_state")), *to = pd_block_field(block, PD_TEXT("state"));
    struct about           a = look(r->type, body);

    if (a.is_task && !a.has_order) return take_of_subscription(m, s, r, &a, body);
    if (r->type == PD_EVENT_order_added && !m_take_added(m, s, r, (const void *)body)) return false;
    uint64_t        n = *(const uint64_t *)(const void *)(body + number->offset);
    int             before, after = *(const int *)(const void *)(body + to->offset);
    struct m_order *o = m_order(s, n, (struct pd_text){NULL, 0});
    NEED(m, o != NULL, "an event of an order that there is not");
    NEED(m, r->version == ++o->version, "order %" PRIu64 " has version %" PRIu64, n, r->version);
    if (r->type == PD_EVENT_order_added) return true;
    memcpy(&before, body + from->offset, sizeof before);
    if (m->touched != o) m->touched_from = o->state;
    m->touched = o;
    NEED(m, before == o->state, "order %" PRIu64 " leaves state %d, in which it is not", n, before);
    if (!(a.is_task ? take_of_item(m, s, r, o, &a, body) : m_take_order_event(m, s, r, o, body))) return false;
    NEED(m, may_go(r->type, before, after), "order %" PRIu64 " goes from %d to %d", n, before, after);
    o->state = after;
    if (r->type != PD_EVENT_note_added) o->updated = r->time;
    return true;
}
