/* answers.c - what accepted commands are answered, from their events alone: the same after a crash. */
#include "engine/domain/rules.h"
#include "engine/domain/transitions.h"
#include "proto/check.h"

static void
name_allowed(struct pd_arena *arena, enum pd_order_state state, struct pd_text **ret_names, size_t *ret_count)
{
    uint64_t allowed = allowed_commands(state);
    size_t   count = 0;

    for (uint64_t left = allowed; left != 0; left &= left - 1) count++;
    *ret_names = PD_ARENA_ARRAY(arena, struct pd_text, count);
    *ret_count = pd_allowed_names(allowed, *ret_names, count);
}

static void *
answer_review(struct pd_arena *arena, const struct event *event)
{
    struct pd_review_reply *r = PD_ARENA_NEW(arena, struct pd_review_reply);

    r->version = event->version;
    r->state = PD_order_state_draft;
    r->has_order = true;
#define COPY(e)                                                                                                        \
    r->order = (e)->order, r->reference = (e)->reference, r->currency = (e)->currency,                                 \
    r->setup_total = (e)->setup_total, r->recurring_total = (e)->recurring_total, r->total = (e)->total,               \
    r->items = (e)->items, r->items_count = (e)->items_count
    if (event->code == PD_EVENT_order_added) COPY((const struct pd_order_added *)event->body);
    else COPY((const struct pd_order_updated *)event->body);
#undef COPY
    name_allowed(arena, r->state, &r->allowed, &r->allowed_count);
    return r;
}

/* Takes one event of an order into the answer; the last one stands. */
static void
take_order_event(struct pd_order_reply *r, const struct event *event)
{
    r->version = event->version;
    r->reason = (struct pd_text){NULL, 0};
#define TAKE(name)                                                                                                     \
    case PD_EVENT_##name: {                                                                                            \
        const struct pd_##name *e = event->body;                                                                       \
        r->order = e->order, r->reference = e->reference, r->state = e->state;                                         \
        break;                                                                                                         \
    }
#define TAKE_WITH_REASON(name)                                                                                         \
    case PD_EVENT_##name: {                                                                                            \
        const struct pd_##name *e = event->body;                                                                       \
        r->order = e->order, r->reference = e->reference, r->state = e->state, r->reason = e->reason;                  \
        break;                                                                                                         \
    }
    switch (event->code) {
    TAKE(order_confirmed)
    TAKE(order_opened)
    TAKE(order_completed)
    TAKE(order_retried)
    TAKE_WITH_REASON(order_held)
    TAKE_WITH_REASON(order_cancelled)
    TAKE_WITH_REASON(order_cancelling)
    TAKE_WITH_REASON(order_failed)
    TAKE(item_corrected)
    default: PD_CHECK(!"an event that no order command ends with");
    }
#undef TAKE
#undef TAKE_WITH_REASON
}

static void *
answer_order(struct pd_arena *arena, const struct event *events, size_t count)
{
    struct pd_order_reply *r = PD_ARENA_NEW(arena, struct pd_order_reply);

    for (size_t i = 0; i < count; i++) {
        if (pd_schema_event(events[i].code)->aggregate == PD_aggregate_order) take_order_event(r, &events[i]);
        /* What is to be removed is told under the order that waits for it. */
        if (events[i].code == PD_EVENT_task_created && ((const struct pd_task_created *)events[i].body)->has_order)
            r->version = events[i].version;
    }
    name_allowed(arena, r->state, &r->allowed, &r->allowed_count);
    return r;
}

static void *
answer_put(struct pd_arena *arena, const struct event *event)
{
    struct pd_put_reply *r = PD_ARENA_NEW(arena, struct pd_put_reply);

    r->version = event->version;
    switch (event->code) {
    case PD_EVENT_reseller_put: r->reseller = ((const struct pd_reseller_put *)event->body)->reseller; break;
    case PD_EVENT_customer_put: r->customer = ((const struct pd_customer_put *)event->body)->customer; break;
    case PD_EVENT_customer_held: r->customer = ((const struct pd_customer_held *)event->body)->customer; break;
    case PD_EVENT_customer_released: r->customer = ((const struct pd_customer_released *)event->body)->customer; break;
    case PD_EVENT_plan_put: r->plan = ((const struct pd_plan_put *)event->body)->plan; break;
    case PD_EVENT_period_put:
        r->plan = ((const struct pd_period_put *)event->body)->plan;
        r->period = ((const struct pd_period_put *)event->body)->period;
        break;
    default: PD_CHECK(!"an event that no put command ends with");
    }
    return r;
}

static void *
answer_key(struct pd_arena *arena, const struct event *event)
{
    struct pd_key_reply *r = PD_ARENA_NEW(arena, struct pd_key_reply);

    r->version = event->version;
    if (event->code == PD_EVENT_key_granted) {
        const struct pd_key_granted *e = event->body;
        r->key = e->key, r->role = e->role, r->reseller = e->reseller;
    } else r->key = ((const struct pd_key_revoked *)event->body)->key;
    return r;
}

static void *
answer_note(struct pd_arena *arena, const struct event *event)
{
    struct pd_note_reply *r = PD_ARENA_NEW(arena, struct pd_note_reply);

    r->version = event->version;
    switch (event->code) {
    case PD_EVENT_note_added: {
        const struct pd_note_added *e = event->body;
        r->order = e->order, r->has_order = true, r->reference = e->reference;
        break;
    }
    case PD_EVENT_customer_note_added: r->customer = ((const struct pd_customer_note_added *)event->body)->customer; break;
    case PD_EVENT_subscription_note_added:
        r->subscription = ((const struct pd_subscription_note_added *)event->body)->subscription;
        r->has_subscription = true;
        break;
    default: PD_CHECK(!"not a note");
    }
    return r;
}

static void *
answer_report(struct pd_arena *arena, const struct pd_block *command, const void *body)
{
    struct pd_result_reply *r = PD_ARENA_NEW(arena, struct pd_result_reply);

#define TAKE(name)                                                                                                     \
    case PD_COMMAND_##name:                                                                                            \
        r->task = ((const struct pd_##name *)body)->task, r->lease = ((const struct pd_##name *)body)->lease;          \
        break;
    switch (command->code) {
    TAKE(report_progress)
    TAKE(report_success)
    TAKE(report_failure)
    TAKE(report_release)
    default: PD_CHECK(!"not a report");
    }
#undef TAKE
    return r;
}

/* Where the subscription stands at the end: the last event of it says so. */
static void *
answer_subscription(struct pd_arena *arena, const struct event *events, size_t count)
{
    struct pd_subscription_change_reply *r = PD_ARENA_NEW(arena, struct pd_subscription_change_reply);

    for (size_t i = 0; i < count; i++) {
        r->version = events[i].version;
        switch (events[i].code) {
        case PD_EVENT_subscription_imported: {
            const struct pd_subscription_imported *e = events[i].body;
            r->subscription = e->subscription, r->status = e->status, r->service_status = PD_service_status_running;
            break;
        }
        case PD_EVENT_subscription_ended: {
            const struct pd_subscription_ended *e = events[i].body;
            r->subscription = e->subscription, r->status = PD_subscription_status_terminated;
            r->service_status = e->service_status;
            break;
        }
        case PD_EVENT_subscription_ending: {
            const struct pd_subscription_ending *e = events[i].body;
            r->subscription = e->subscription, r->status = e->status, r->service_status = PD_service_status_removing;
            break;
        }
        default: break;
        }
    }
    return r;
}

/* What became of the task; its order's events may stand around that. */
static void *
answer_task(struct pd_arena *arena, const struct event *events, size_t count)
{
    struct pd_task_reply *r = PD_ARENA_NEW(arena, struct pd_task_reply);
    size_t                n = 0;

#define TAKE(name)                                                                                                     \
    case PD_EVENT_##name: {                                                                                            \
        const struct pd_##name *e = events[n].body;                                                                    \
        r->task = e->task, r->operation = e->operation, r->order = e->order, r->has_order = e->has_order;              \
        r->item = e->item, r->has_item = e->has_item;                                                                  \
        if (e->operation == PD_operation_deprovision)                                                                  \
            r->subscription = e->subscription, r->has_subscription = e->has_subscription;                              \
        break;                                                                                                         \
    }
    while (n + 1 < count && pd_schema_event(events[n].code)->aggregate != PD_aggregate_task) n++;
    switch (events[n].code) {
    TAKE(task_created)
    TAKE(task_released)
    TAKE(task_failed)
    TAKE(task_succeeded)
    default: PD_CHECK(!"not what becomes of a task");
    }
#undef TAKE
    return r;
}

static void *
answer_skip(struct pd_arena *arena, const struct event *event)
{
    struct pd_skip_reply          *r = PD_ARENA_NEW(arena, struct pd_skip_reply);
    const struct pd_event_skipped *e = event->body;

    *r = (struct pd_skip_reply){.subscriber = e->subscriber, .position = e->position};
    return r;
}

void *
make_answer(struct pd_arena *arena, const struct pd_block *command, const void *body, const struct event *events,
            size_t count)
{
    if (command->reply == pd_block_review_reply) return answer_review(arena, &events[0]);
    if (command->reply == pd_block_order_reply) return answer_order(arena, events, count);
    if (command->reply == pd_block_put_reply) return answer_put(arena, &events[count - 1]);
    if (command->reply == pd_block_key_reply) return answer_key(arena, &events[0]);
    if (command->reply == pd_block_note_reply) return answer_note(arena, &events[0]);
    if (command->reply == pd_block_result_reply) return answer_report(arena, command, body);
    if (command->reply == pd_block_subscription_change_reply) return answer_subscription(arena, events, count);
    if (command->reply == pd_block_task_reply) return answer_task(arena, events, count);
    if (command->reply == pd_block_skip_reply) return answer_skip(arena, &events[0]);
    PD_CHECK(!"a command without an answer");
    return NULL;
}
