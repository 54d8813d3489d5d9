/* pricing.c - what AddOrder and UpdateOrder check and freeze: plan, period, domain, amounts. */
#include "engine/domain/support.h"

static bool
refuse_item(struct decision *out, enum pd_error_code code, size_t item, const char *field)
{
    refuse(out, pd_refuse_field(code, "the plan takes no domain", "items[%zu].%s", item, field));
    return false;
}

/* amount = quantity x fee and sum += amount, within what a number field can hold. */
static bool
add_fee(uint64_t *sum, uint64_t quantity, uint64_t fee)
{
    uint64_t amount;
    return !__builtin_mul_overflow(quantity, fee, &amount) && !__builtin_add_overflow(*sum, amount, sum) &&
           *sum <= INT64_MAX;
}

static bool
price_item(const struct view *view, const struct pd_item_request *r, size_t i, struct pd_order_item *ret_item,
           struct pd_text *currency, struct decision *out)
{
    const struct pd_plan        *plan = view->plan(view->ctx, r->plan);
    const struct pd_plan_period *p;

    if (plan == NULL) return refuse_item(out, PD_E_plan_not_found, i, "plan");
    if (!plan->published) return refuse_item(out, PD_E_plan_not_published, i, "plan");
    if ((p = find_period(plan, r->period)) == NULL) return refuse_item(out, PD_E_period_not_found, i, "period");
    if (!p->enabled) return refuse_item(out, PD_E_period_disabled, i, "period");
    if (plan->domain != PD_domain_policy_none && r->domain.ascii.data == NULL)
        return refuse_item(out, PD_E_domain_required, i, "domain");
    if (plan->domain == PD_domain_policy_none && r->domain.ascii.data != NULL)
        return refuse_item(out, PD_E_invalid_field, i, "domain");
    if (currency->data == NULL) *currency = p->currency;
    if (!pd_text_equal(*currency, p->currency)) return refuse_item(out, PD_E_currency_mismatch, i, "period");

    *ret_item = (struct pd_order_item){
        .item = i + 1,
        .action = PD_item_action_add,
        .plan = plan->plan,
        .plan_name = plan->name,
        .plan_version = plan->version,
        .category = plan->category,
        .period = p->period,
        .period_version = p->version,
        .trial = p->trial,
        .auto_renew = p->auto_renew,
        .domain = r->domain.ascii,
        .domain_unicode = r->domain.unicode,
        .domain_policy = plan->domain,
        .quantity = r->has_quantity ? r->quantity : 1,
        .parameters = r->parameters,
        .parameters_count = r->parameters_count,
        .setup_fee = p->setup_fee,
        .recurring_fee = p->recurring_fee,
        .renewal_fee = p->renewal_fee,
        .provisioning = plan->provisioning,
        .worker_group = plan->worker_group,
        .deadline_s = plan->deadline_s,
        .state = PD_item_state_waiting,
    };
    return true;
}

static bool
add_totals(const struct pd_order_item *items, size_t count, struct totals *t)
{
    for (size_t i = 0; i < count; i++)
        if (!add_fee(&t->setup, items[i].quantity, items[i].setup_fee) ||
            !add_fee(&t->recurring, items[i].quantity, items[i].recurring_fee))
            return false;
    return !__builtin_add_overflow(t->setup, t->recurring, &t->total) && t->total <= INT64_MAX;
}

bool
price_items(const struct view *view, struct pd_text customer, uint64_t order, const struct pd_item_request *requests,
            size_t count, struct pd_order_item *ret_items, struct totals *ret_totals, struct decision *out)
{
    *ret_totals = (struct totals){0};
    for (size_t i = 0; i < count; i++)
        if (!price_item(view, &requests[i], i, &ret_items[i], &ret_totals->currency, out)) return false;
    if (!add_totals(ret_items, count, ret_totals)) {
        refuse(out, pd_refuse(PD_E_total_overflow));
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct pd_order_item *item = &ret_items[i];
        item->total = item->quantity * item->setup_fee + item->quantity * item->recurring_fee;
    }
    return domains_are_free(view, customer, order, ret_items, count, out);
}

/* One claim against one new item. */
struct question {
    struct pd_text              customer;
    uint64_t                    order; /* its own claims do not stand against it */
    const struct pd_order_item *item;
    bool                        taken;
};

static bool
excludes(const struct pd_order_item *a, const struct pd_order_item *b)
{
    return a->domain_policy == PD_domain_policy_exclusive && b->domain_policy == PD_domain_policy_exclusive &&
           pd_text_equal(a->category, b->category) && pd_text_equal(a->domain, b->domain);
}

/* A name belongs to one customer; within that, an exclusive plan's to one holder per category. */
static void
weigh_claim(void *arg, const struct pd_order *holder, const struct pd_order_item *held)
{
    struct question *q = arg;
    if (holder->order == q->order) return;
    if (!pd_text_equal(holder->customer, q->customer) || excludes(held, q->item)) q->taken = true;
}

bool
domains_are_free(const struct view *view, struct pd_text customer, uint64_t order, const struct pd_order_item *items,
                 size_t count, struct decision *out)
{
    for (size_t i = 0; i < count; i++) {
        struct question q = {customer, order, &items[i], false};
        if (items[i].domain.data == NULL) continue;
        view->each_claim(view->ctx, items[i].domain, weigh_claim, &q);
        for (size_t j = 0; j < i; j++) q.taken = q.taken || excludes(&items[j], &items[i]);
        if (q.taken) return refuse_item(out, PD_E_domain_taken, i, "domain");
    }
    return true;
}
