/* subscription.c - what a customer has. It activates in the commit that completes its own item; it ends when what may exist of it
 * is removed, which is a task of its own. Imported ones have no item. */
#include "engine/domain/support.h"

enum { FORMERS_MAX = ORPHANS_MAX - 1 }; /* so that all of them and the present one can be removed at once */

/* ---- rules --------------------------------------------------------------------------------------------------------- */

void
activate(const struct view *view, const struct pd_order *order, const struct pd_order_item *item, uint64_t subscription,
         const struct pd_pair *parameters, size_t parameter_count, struct decision *out)
{
    struct pd_pair *copy = PD_ARENA_ARRAY(out->arena, struct pd_pair, parameter_count);

    for (size_t i = 0; i < parameter_count; i++) copy[i] = parameters[i];
    *EMIT(out, subscription_activated) = (struct pd_subscription_activated){
        .subscription = subscription,
        .order = order->order,
        .item = item->item,
        .customer = order->customer,
        .status = item->trial ? PD_subscription_status_trial : PD_subscription_status_active,
        .start = view->now,
        .periods = 1,
        .expiration = view->expiry(view->ctx, view->reseller->time_zone, view->now, 1, item->period),
        .parameters = copy,
        .parameters_count = parameter_count,
    };
}

/* Who removes a subscription's service, and in what time: as its item was priced, or as it was imported. */
struct terms {
    enum pd_provisioning provisioning;
    struct pd_text       worker_group;
    uint64_t             deadline_s;
};

static struct terms
terms_of(const struct view *view, const struct pd_subscription *s)
{
    const struct pd_order      *order = s->has_order ? view->order(view->ctx, s->order) : NULL;
    const struct pd_order_item *item = order == NULL ? NULL : item_numbered(order, s->item);

    if (item == NULL) return (struct terms){s->provisioning, s->worker_group, s->deadline_s};
    return (struct terms){item->provisioning, item->worker_group, item->deadline_s};
}

/* Whether an instance waits to be removed already; the first may be half gone, and come again. */
static bool
is_to_be_removed(const struct pd_subscription *s, struct pd_text instance)
{
    if (!is_open(s->task_state)) return false;
    for (size_t i = s->task_state == PD_task_state_leased ? 1 : 0; i < s->remains_count; i++)
        if (pd_text_equal(s->remains[i], instance)) return true;
    return false;
}

struct pd_task_created *
remove_instance(const struct view *view, const struct pd_subscription *s, const struct pd_order *order,
                const struct pd_order_item *item, struct pd_text instance, uint64_t *next_task, struct decision *out)
{
    struct terms terms = terms_of(view, s);

    if (is_to_be_removed(s, instance)) return NULL;
    struct pd_task_created *e = EMIT(out, task_created);
    *e = (struct pd_task_created){
        .order = order == NULL ? 0 : order->order,
        .has_order = order != NULL,
        .item = order == NULL ? 0 : item->item,
        .has_item = order != NULL,
        .subscription = s->subscription,
        .has_subscription = true,
        .task = s->has_task ? s->task : (*next_task)++,
        .operation = PD_operation_deprovision,
        .instance = instance,
        .provisioning = terms.provisioning,
        .worker_group = terms.worker_group,
        .attempt = !s->has_attempt ? 1 : is_open(s->task_state) ? s->attempt : s->attempt + 1,
        .lease = s->lease,
        .deadline = view->now + terms.deadline_s * 1000000,
        .previous_state = order == NULL ? PD_order_state_absent : PD_order_state_cancelling,
        .state = order == NULL ? PD_order_state_absent : PD_order_state_cancelling,
    };
    return e;
}

struct pd_subscription_ended *
end_subscription(const struct pd_subscription *s, enum pd_service_status service, struct pd_text reason, struct decision *out)
{
    struct pd_subscription_ended *e = EMIT(out, subscription_ended);

    *e = (struct pd_subscription_ended){
        .subscription = s->subscription,
        .order = s->order,
        .has_order = s->has_order,
        .item = s->item,
        .has_item = s->has_item,
        .customer = s->customer,
        .service_status = service,
        .reason = reason,
    };
    return e;
}

size_t
list_orphans(const struct pd_subscription *s, struct pd_orphan *ret_orphans)
{
    size_t count = s->remains_count < ORPHANS_MAX ? s->remains_count : ORPHANS_MAX;

    for (size_t i = 0; i < count; i++)
        ret_orphans[i] = (struct pd_orphan){
            .item = s->item, .has_item = s->has_item, .subscription = s->subscription, .instance = s->remains[i]};
    return count;
}

/* Whether a subscription can be ended now; else refused, with what stands against it. */
static bool
can_end(const struct view *view, const struct pd_subscription *s, bool abandon, struct decision *out)
{
    const struct pd_order      *order = s->has_order ? view->order(view->ctx, s->order) : NULL;
    const struct pd_order_item *item = order == NULL ? NULL : item_numbered(order, s->item);
    bool ended = s->status == PD_subscription_status_terminated, failed = s->service_status == PD_service_status_removal_failed;
    struct pd_refusal r = {.code = PD_OK};

    if (item != NULL && (item->state == PD_item_state_removing || item->state == PD_item_state_cleanup_failed))
        r = pd_refuse_field(PD_E_not_removable, "its order is being cancelled; CancelOrder and GiveUp are about that",
                            "subscription");
    else if (s->service_status == PD_service_status_removing)
        r = pd_refuse_field(PD_E_not_removable, "it is being removed already", "subscription");
    else if (ended && (abandon || !failed)) r = pd_refuse_field(PD_E_not_removable, "it has ended", "subscription");
    else if (s->status == PD_subscription_status_ordered)
        r = pd_refuse_field(PD_E_not_removable, "it is not active yet; CancelOrder takes its order back", "subscription");
    else if (abandon && !failed)
        r = pd_refuse_field(PD_E_not_removable, "only what could not be removed is abandoned", "subscription");
    refuse(out, r);
    return r.code == PD_OK;
}

void
decide_end_subscription(const struct view *view, const struct pd_end_subscription *c, struct decision *out)
{
    const struct pd_subscription *s = view->subscription(view->ctx, c->subscription);
    uint64_t                      next_task = view->next_number(view->ctx, NUMBER_task);

    if (s == NULL) {
        refuse(out, pd_refuse_field(PD_E_subscription_not_found, NULL, "subscription"));
        return;
    }
    if (!meets_expectation(view, s->version, out) || !can_end(view, s, c->abandon, out)) return;
    bool running = s->service_status == PD_service_status_running;
    if (c->abandon) {
        struct pd_subscription_ended *e = end_subscription(s, PD_service_status_removal_failed, c->reason, out);
        e->orphans = PD_ARENA_ARRAY(out->arena, struct pd_orphan, ORPHANS_MAX);
        e->orphans_count = list_orphans(s, e->orphans);
    } else if (terms_of(view, s).provisioning == PD_provisioning_none || (!running && s->remains_count == 0)) /* nothing is left */
        end_subscription(s, PD_service_status_removed, c->reason, out);
    else {
        *EMIT(out, subscription_ending) = (struct pd_subscription_ending){
            .subscription = s->subscription, .customer = s->customer, .status = s->status, .reason = c->reason};
        remove_instance(view, s, NULL, NULL, running ? s->instance : s->remains[0], &next_task, out);
    }
}

static bool
same_parameters(const struct pd_subscription *s, const struct pd_import_subscription *c)
{
    bool same = s->parameters_count == c->parameters_count;

    for (size_t i = 0; same && i < c->parameters_count; i++) {
        bool found = false;
        for (size_t j = 0; j < s->parameters_count && !found; j++)
            found = pd_text_equal(s->parameters[j].key, c->parameters[i].key) &&
                    pd_text_equal(s->parameters[j].value, c->parameters[i].value);
        same = found;
    }
    return same;
}

/* What was imported with this reference, said again or said otherwise. */
static struct pd_refusal
compare_import(const struct pd_subscription *s, const struct pd_import_subscription *c)
{
    const char *differs = !pd_text_equal(s->customer, c->customer)             ? "customer"
                          : !pd_text_equal(s->plan, c->plan)                   ? "plan"
                          : !pd_text_equal(s->period, c->period)               ? "period"
                          : s->quantity != (c->has_quantity ? c->quantity : 1) ? "quantity"
                          : !pd_text_equal(s->domain, c->domain.ascii)         ? "domain"
                          : s->start != c->start                               ? "start"
                          : s->expiration != c->expiration                     ? "expiration"
                          : !same_parameters(s, c)                             ? "parameters"
                                                                               : NULL;
    return differs == NULL ? pd_refuse_field(PD_E_import_taken, NULL, "reference")
                           : pd_refuse_field(PD_E_import_differs, NULL, "%s", differs);
}

/* What exists already: nothing is provisioned, and a customer on hold does not stand against it. That its customer is missing is
 * said last: whoever is about to make the customer, too, hears what else is wrong. */
void
decide_import_subscription(const struct view *view, const struct pd_import_subscription *c, struct decision *out)
{
    const struct pd_subscription *former = view->subscription_by_reference(view->ctx, c->reference);
    const struct pd_plan         *plan = view->plan(view->ctx, c->plan);
    const struct pd_plan_period  *period = plan == NULL ? NULL : find_period(plan, c->period);
    struct pd_refusal             refusal = {.code = PD_OK};

    if (!meets_expectation(view, 0, out)) return;
    if (former != NULL) refusal = compare_import(former, c);
    else if (plan == NULL) refusal = pd_refuse_field(PD_E_plan_not_found, NULL, "plan");
    else if (period == NULL) refusal = pd_refuse_field(PD_E_period_not_found, NULL, "period");
    else if (plan->domain != PD_domain_policy_none && c->domain.ascii.data == NULL)
        refusal = pd_refuse_field(PD_E_domain_required, NULL, "domain");
    else if (plan->domain == PD_domain_policy_none && c->domain.ascii.data != NULL)
        refusal = pd_refuse_field(PD_E_invalid_field, "the plan takes no domain", "domain");
    else if (c->expiration <= c->start) refusal = pd_refuse_field(PD_E_invalid_field, "later than start", "expiration");
    else {
        struct claim claim = {.customer = c->customer, .category = plan->category, .domain = c->domain.ascii,
                              .policy = plan->domain};
        bool taken = claim.domain.data != NULL && !claim_is_free(view, &claim);
        if (taken) refusal = pd_refuse_field(PD_E_domain_taken, NULL, "domain");
        else if (view->customer(view->ctx, c->customer) == NULL)
            refusal = pd_refuse_field(PD_E_customer_not_found, NULL, "customer");
    }
    if (refusal.code != PD_OK) {
        refuse(out, refusal);
        return;
    }
    *EMIT(out, subscription_imported) = (struct pd_subscription_imported){
        .subscription = view->next_number(view->ctx, NUMBER_subscription),
        .reference = c->reference,
        .customer = c->customer,
        .plan = plan->plan,
        .plan_name = plan->name,
        .category = plan->category,
        .period = period->period,
        .quantity = c->has_quantity ? c->quantity : 1,
        .domain = c->domain.ascii,
        .domain_unicode = c->domain.unicode,
        .domain_policy = plan->domain,
        .status = period->trial ? PD_subscription_status_trial : PD_subscription_status_active,
        .auto_renew = period->auto_renew,
        .instance = view->new_instance(view->ctx, 0),
        .start = c->start,
        .expiration = c->expiration,
        .parameters = c->parameters,
        .parameters_count = c->parameters_count,
        .provisioning = plan->provisioning,
        .worker_group = plan->worker_group,
        .deadline_s = plan->deadline_s,
    };
}

/* ---- folds --------------------------------------------------------------------------------------------------------- */

void
evolve_order_opened__subscription(struct pd_subscription *row, const struct pd_order_opened *e,
                                  const struct pd_opened_item *element, const struct fold *f)
{
    const struct pd_order      *order = f->order;
    const struct pd_order_item *item = item_numbered(order, element->item);

    (void)e;
    row->subscription = element->subscription;
    row->order = order->order;
    row->item = item->item;
    row->has_order = row->has_item = true;
    row->customer = order->customer;
    row->plan = item->plan;
    row->plan_name = item->plan_name;
    row->category = item->category;
    row->period = item->period;
    row->quantity = item->quantity;
    row->domain = item->domain;
    row->domain_unicode = item->domain_unicode;
    row->status = PD_subscription_status_ordered;
    row->service_status = element->has_task ? PD_service_status_provisioning : PD_service_status_not_provisioned;
    row->auto_renew = item->auto_renew;
    row->instance = element->instance;
}

void
evolve_order_retried__subscription(struct pd_subscription *row, const struct pd_order_retried *e,
                                   const struct pd_opened_item *element, const struct fold *f)
{
    (void)e;
    (void)element;
    (void)f;
    row->service_status = PD_service_status_provisioning;
}

/* Whoever comes late with an old lease is known by it. */
static void
remember_former(struct pd_subscription *row, uint64_t lease, const struct fold *f)
{
    size_t                     first = row->former_instances_count == FORMERS_MAX, kept = row->former_instances_count - first;
    struct pd_former_instance *formers = PD_ARENA_ARRAY(f->arena, struct pd_former_instance, kept + 1);

    for (size_t i = 0; i < kept; i++) formers[i] = row->former_instances[i + first];
    formers[kept] = (struct pd_former_instance){.instance = row->instance, .lease = lease};
    row->former_instances = formers;
    row->former_instances_count = kept + 1;
}

void
evolve_item_corrected__subscription(struct pd_subscription *row, const struct pd_item_corrected *e, const struct fold *f)
{
    uint64_t lease = item_numbered(f->order, e->item)->lease;
    uint64_t last = row->former_instances_count == 0 ? 0 : row->former_instances[row->former_instances_count - 1].lease;

    if (lease > last) remember_former(row, lease, f); /* else nobody has ever worked on it */
    row->domain = e->domain;
    row->domain_unicode = e->domain_unicode;
    row->instance = e->instance;
}

void
evolve_order_cancelling__subscription(struct pd_subscription *row, const struct pd_order_cancelling *e,
                                      const struct pd_ended_item *element, const struct fold *f)
{
    (void)element;
    (void)f;
    if (row->status == PD_subscription_status_terminated) return;
    row->service_status = PD_service_status_removing;
    row->reason = e->reason;
}

void
evolve_subscription_activated__subscription(struct pd_subscription *row, const struct pd_subscription_activated *e,
                                            const struct fold *f)
{
    (void)f;
    row->status = e->status;
    row->service_status = PD_service_status_running;
    row->start = row->anchor = e->start;
    row->periods = e->periods;
    row->expiration = e->expiration;
    row->has_start = row->has_anchor = row->has_periods = row->has_expiration = true;
    row->parameters = e->parameters;
    row->parameters_count = e->parameters_count;
}

void
evolve_subscription_activated__order(struct pd_order *row, const struct pd_subscription_activated *e,
                                     const struct fold *f)
{
    item_numbered(row, e->item)->state = PD_item_state_completed;
    row->updated = f->time;
}

void
evolve_subscription_ending__subscription(struct pd_subscription *row, const struct pd_subscription_ending *e, const struct fold *f)
{
    (void)f;
    row->service_status = PD_service_status_removing;
    row->reason = e->reason;
}

/* One more instance is to be removed, by the task there is or a new one. */
void
evolve_task_created__subscription(struct pd_subscription *row, const struct pd_task_created *e, const struct fold *f)
{
    bool   open = is_open(row->task_state), leased = row->task_state == PD_task_state_leased;
    size_t count = row->remains_count;
    bool   there = false;

    if (!open) slot_open(&SLOT_OF(row), e->task, e->attempt, e->deadline, f->time);
    row->deadline = e->deadline;
    for (size_t i = leased ? 1 : 0; i < count; i++) there = there || pd_text_equal(row->remains[i], e->instance);
    if (!there && count < ORPHANS_MAX) {
        struct pd_text *remains = PD_ARENA_ARRAY(f->arena, struct pd_text, count + 1);
        for (size_t i = 0; i < count; i++) remains[i] = row->remains[i];
        remains[count] = e->instance;
        row->remains = remains;
        row->remains_count = count + 1;
    }
    if (row->status == PD_subscription_status_terminated || row->service_status == PD_service_status_removal_failed)
        row->service_status = PD_service_status_removing;
}

void
evolve_subscription_ended__subscription(struct pd_subscription *row, const struct pd_subscription_ended *e, const struct fold *f)
{
    row->status = PD_subscription_status_terminated;
    row->service_status = e->service_status;
    row->reason = e->reason;
    row->ended = f->time;
    row->has_ended = true;
    row->claims = false;
}

/* Its domain is free; an item that was being removed is cancelled. */
void
evolve_subscription_ended__order(struct pd_order *row, const struct pd_subscription_ended *e, const struct fold *f)
{
    struct pd_order_item *item = item_numbered(row, e->item);

    item->claims = false;
    if (item->state == PD_item_state_removing) item->state = PD_item_state_cancelled;
    row->updated = f->time;
}

void
evolve_subscription_imported__subscription(struct pd_subscription *row, const struct pd_subscription_imported *e,
                                           const struct fold *f)
{
    (void)f;
    row->subscription = e->subscription;
    row->reference = e->reference;
    row->customer = e->customer;
    row->plan = e->plan;
    row->plan_name = e->plan_name;
    row->category = e->category;
    row->period = e->period;
    row->quantity = e->quantity;
    row->domain = e->domain;
    row->domain_unicode = e->domain_unicode;
    row->domain_policy = e->domain_policy;
    row->claims = e->domain.data != NULL;
    row->status = e->status;
    row->service_status = PD_service_status_running;
    row->auto_renew = e->auto_renew;
    row->instance = e->instance;
    row->start = row->anchor = e->start;
    row->periods = 1;
    row->expiration = e->expiration;
    row->has_start = row->has_anchor = row->has_periods = row->has_expiration = true;
    row->parameters = e->parameters;
    row->parameters_count = e->parameters_count;
    row->provisioning = e->provisioning;
    row->worker_group = e->worker_group;
    row->deadline_s = e->deadline_s;
    row->has_deadline_s = true;
}
