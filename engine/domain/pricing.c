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

/* One new claim against those there are. */
struct question {
    const struct claim *wanted;
    bool                taken;
};

static bool
excludes(const struct claim *a, const struct claim *b)
{
    return a->policy == PD_domain_policy_exclusive && b->policy == PD_domain_policy_exclusive &&
           pd_text_equal(a->category, b->category) && pd_text_equal(a->domain, b->domain);
}

/* A name belongs to one customer; within that, an exclusive plan's to one holder per category. An order that is not open yet does
 * not stand against itself; an item that is corrected, not against itself. */
static void
weigh_claim(void *arg, const struct claim *held)
{
    struct question *q = arg;
    bool             own = q->wanted->order > 0 && held->order == q->wanted->order;

    if (own && (q->wanted->item == 0 || q->wanted->item == held->item)) return;
    if (!pd_text_equal(held->customer, q->wanted->customer) || excludes(held, q->wanted)) q->taken = true;
}

bool
claim_is_free(const struct view *view, const struct claim *claim)
{
    struct question q = {.wanted = claim};

    view->each_claim(view->ctx, claim->domain, weigh_claim, &q);
    return !q.taken;
}

bool
domains_are_free(const struct view *view, struct pd_text customer, uint64_t order, const struct pd_order_item *items,
                 size_t count, struct decision *out)
{
    struct claim *claims = PD_ARENA_ARRAY(out->arena, struct claim, count);

    for (size_t i = 0; i < count; i++) {
        claims[i] = (struct claim){.customer = customer, .category = items[i].category, .domain = items[i].domain,
                                   .policy = items[i].domain_policy, .order = order};
        if (claims[i].domain.data == NULL) continue;
        bool taken = !claim_is_free(view, &claims[i]);
        for (size_t j = 0; j < i; j++) taken = taken || excludes(&claims[j], &claims[i]);
        if (taken) return refuse_item(out, PD_E_domain_taken, i, "domain");
    }
    return true;
}
