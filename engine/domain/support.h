/* support.h - what several aggregates' rules share. */
#ifndef DOMAIN_SUPPORT_H
#define DOMAIN_SUPPORT_H

#include "engine/domain/rules.h"

/* The command's `expect`, when given, against the aggregate's version (0: it does not exist); refuses version_conflict. */
bool meets_expectation(const struct view *view, uint64_t version, struct decision *out);

/* Whether an order is named by its number or its reference, by one of the two; else ret_refusal says what is wrong. */
bool names_one_order(bool has_order, struct pd_text reference, struct pd_refusal *ret_refusal);

/* The order a command addresses by number or reference, with its expectation met; else refuses and returns NULL. */
const struct pd_order *find_order(const struct view *view, const struct pd_text *reference, bool has_order,
                                  uint64_t order, struct decision *out);
/* The same for a command that changes the order, which must take it in its state. */
const struct pd_order *find_movable_order(const struct view *view, enum pd_command_code command,
                                          const struct pd_text *reference, bool has_order, uint64_t order,
                                          struct decision *out);

/* The customer a command is about, with its expectation met; else refuses and returns NULL. */
const struct pd_customer *find_customer(const struct view *view, struct pd_text id, struct decision *out);

/* An item's place in the array of its order. */
struct pd_order_item *item_numbered(const struct pd_order *order, uint64_t item);

/* What an order's items come to. */
struct totals {
    uint64_t       setup, recurring, total;
    struct pd_text currency;
};

/* A plan's period, or NULL. */
const struct pd_plan_period *find_period(const struct pd_plan *plan, struct pd_text period);

/* Prices and checks a new order's lines, or a changed one's (`order` its number, else 0): plan, period, domain and amounts
 * as AddOrder's guard says. False: refused, the field named. */
bool price_items(const struct view *view, struct pd_text customer, uint64_t order, const struct pd_item_request *requests,
                 size_t count, struct pd_order_item *ret_items, struct totals *ret_totals, struct decision *out);

/* Whether the items' domains are still free for this customer and order; refuses domain_taken. */
bool domains_are_free(const struct view *view, struct pd_text customer, uint64_t order,
                      const struct pd_order_item *items, size_t count, struct decision *out);
/* Whether one claim may stand beside all others, its own order's `item` aside; marks nothing. */
bool claim_is_free(const struct view *view, const struct claim *claim);

/* Whether a customer may order; else refuses. */
bool may_order(const struct pd_customer *customer, struct decision *out);

/* ---- orders -------------------------------------------------------------------------------------------------------- */

/* What an order becomes when the events so far have closed its last open item: emits OrderCompleted or
 * OrderProvisioningFailed when no item is open any more. `failure` is this item's, or absent. */
void settle_order(const struct pd_order *order, uint64_t closed_item, bool completed, struct pd_text failure,
                  struct decision *out);

/* The same for an order that is being cancelled: OrderCleanupFailed, or its goal. */
void settle_ending(const struct pd_order *order, uint64_t closed_item, bool failed, struct pd_text failure,
                   struct decision *out);

/* Whether something may exist under the item's present instance. */
bool may_exist(const struct pd_order_item *item);

/* An item whose clean-up has failed is being removed again, and so its order is cancelling: emits that. */
void resume_removal(const struct pd_order *order, const struct pd_order_item *item, struct decision *out);

/* A fold moves the order. */
void order_moves(struct pd_order *row, enum pd_order_state state, struct pd_text reason, const struct fold *f);

/* ---- tasks --------------------------------------------------------------------------------------------------------- */

/* What an item and a subscription have in common: how far a task of theirs has come. Points into the row. */
struct slot {
    enum pd_task_state *state;
    uint64_t           *task, *attempt, *lease, *stale_leases, *progress;
    pd_time_us         *deadline, *since, *next_try;
    struct pd_text     *worker, *message;
    bool               *has_task, *has_attempt, *has_lease, *has_progress, *has_deadline, *has_since, *has_next_try;
};
#define SLOT_OF(row)                                                                                                   \
    ((struct slot){                                                                                                    \
        .state = &(row)->task_state, .task = &(row)->task, .attempt = &(row)->attempt, .lease = &(row)->lease,         \
        .stale_leases = &(row)->stale_leases, .progress = &(row)->progress, .deadline = &(row)->deadline,              \
        .since = &(row)->since, .next_try = &(row)->next_try, .worker = &(row)->worker, .message = &(row)->message,    \
        .has_task = &(row)->has_task, .has_attempt = &(row)->has_attempt, .has_lease = &(row)->has_lease,              \
        .has_progress = &(row)->has_progress, .has_deadline = &(row)->has_deadline, .has_since = &(row)->has_since,    \
        .has_next_try = &(row)->has_next_try,                                                                          \
    })

/* A task begins to wait: created at first, or anew in its next attempt. */
void slot_open(const struct slot *slot, uint64_t task, uint64_t attempt, pd_time_us deadline, pd_time_us now);

static inline bool
is_open(enum pd_task_state state)
{
    return state == PD_task_state_created || state == PD_task_state_leased;
}

/* What a task is of: an item that is to be provisioned, or a subscription whose instances are to be removed. */
struct work {
    const struct pd_order        *order; /* that waits for it; NULL: none does */
    const struct pd_order_item   *item;  /* of that order */
    const struct pd_subscription *subscription; /* to be removed; NULL: a provisioning */
    struct slot                   slot;
    bool                          held; /* a removal whose item a worker still provisions: its order waits for that first */
};

/* Where a task's events stand, for a designated initializer of theirs. */
#define ABOUT(w)                                                                                                       \
    .order = (w)->order == NULL ? 0 : (w)->order->order, .has_order = (w)->order != NULL,                              \
    .item = (w)->order == NULL ? 0 : (w)->item->item, .has_item = (w)->order != NULL,                                  \
    .subscription = (w)->subscription == NULL ? 0 : (w)->subscription->subscription,                                   \
    .has_subscription = (w)->subscription != NULL, .task = *(w)->slot.task,                                            \
    .operation = (w)->subscription == NULL ? PD_operation_provision : PD_operation_deprovision,                        \
    .previous_state = (w)->order == NULL ? PD_order_state_absent : (w)->order->state,                                  \
    .state = (w)->order == NULL ? PD_order_state_absent : (w)->order->state

/* ---- subscriptions ------------------------------------------------------------------------------------------------- */

/* Emits the activation of an item's subscription. */
void activate(const struct view *view, const struct pd_order *order, const struct pd_order_item *item,
              uint64_t subscription, const struct pd_pair *parameters, size_t parameter_count, struct decision *out);

/* Has an instance removed that may exist: emits TaskCreated, unless that is under way (NULL). `order` waits for it, in its `item`;
 * NULL: nobody does. `next_task` is the next free task number. */
struct pd_task_created *remove_instance(const struct view *view, const struct pd_subscription *subscription,
                                        const struct pd_order *order, const struct pd_order_item *item,
                                        struct pd_text instance, uint64_t *next_task, struct decision *out);

/* Emits the subscription's end. */
struct pd_subscription_ended *end_subscription(const struct pd_subscription *subscription, enum pd_service_status service,
                                               struct pd_text reason, struct decision *out);

/* The orphans that are left where a subscription's removal is abandoned: what it still has to remove. */
size_t list_orphans(const struct pd_subscription *subscription, struct pd_orphan *ret_orphans);
enum { ORPHANS_MAX = 16 }; /* of one subscription */

#endif
