/* subscription.c - what a customer has. It activates in the commit that completes its own item. */
#include "engine/domain/support.h"

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

void
evolve_task_failed__subscription(struct pd_subscription *row, const struct pd_task_failed *e, const struct fold *f)
{
    (void)e;
    (void)f;
    row->service_status = PD_service_status_not_provisioned;
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
