/* plan.c - the catalogue: plans and their periods. Orders keep the terms they were priced with. */
#include "engine/domain/rules.h"
#include "engine/domain/support.h"

enum { DEADLINE_S = 86400 };

const struct pd_plan_period *
find_period(const struct pd_plan *plan, struct pd_text period)
{
    for (size_t i = 0; i < plan->periods_count; i++)
        if (pd_text_equal(plan->periods[i].period, period)) return &plan->periods[i];
    return NULL;
}

void
decide_put_plan(const struct view *view, const struct pd_put_plan *c, struct decision *out)
{
    const struct pd_plan *plan = view->plan(view->ctx, c->plan);

    if (!meets_expectation(view, plan == NULL ? 0 : plan->version, out)) return;
    *EMIT(out, plan_put) = (struct pd_plan_put){
        .plan = c->plan,
        .name = c->name,
        .category = c->category,
        .published = c->published,
        .domain = c->domain,
        .provisioning = c->provisioning == PD_provisioning_absent ? PD_provisioning_worker : c->provisioning,
        .worker_group = c->worker_group.data == NULL ? c->plan : c->worker_group,
        .deadline_s = c->has_deadline_s ? c->deadline_s : DEADLINE_S,
    };
}

void
decide_put_period(const struct view *view, const struct pd_put_period *c, struct decision *out)
{
    const struct pd_plan *plan = view->plan(view->ctx, c->plan);

    if (plan == NULL) {
        refuse(out, pd_refuse_field(PD_E_plan_not_found, NULL, "plan"));
        return;
    }
    if (!meets_expectation(view, plan->version, out)) return;
    if (find_period(plan, c->period) == NULL && plan->periods_count == PD_PERIODS_MAX) {
        refuse(out, pd_refuse_field(PD_E_too_large, NULL, "period"));
        return;
    }
    *EMIT(out, period_put) = (struct pd_period_put){
        .plan = c->plan,
        .period = c->period,
        .enabled = c->enabled,
        .trial = c->trial,
        .auto_renew = c->auto_renew,
        .setup_fee = c->setup_fee,
        .recurring_fee = c->recurring_fee,
        .renewal_fee = c->has_renewal_fee ? c->renewal_fee : c->recurring_fee,
        .currency = c->currency,
    };
}

void
evolve_plan_put__plan(struct pd_plan *row, const struct pd_plan_put *e, const struct fold *f)
{
    (void)f;
    row->plan = e->plan;
    row->name = e->name;
    row->category = e->category;
    row->published = e->published;
    row->domain = e->domain;
    row->provisioning = e->provisioning;
    row->worker_group = e->worker_group;
    row->deadline_s = e->deadline_s;
}

/* The plan's place for a period: the one it has, or a new one at the end. */
static struct pd_plan_period *
place_for(struct pd_plan *row, struct pd_text period, const struct fold *f)
{
    struct pd_plan_period *periods;
    size_t                 i = 0;

    while (i < row->periods_count && !pd_text_equal(row->periods[i].period, period)) i++;
    if (i < row->periods_count) return &row->periods[i];
    periods = PD_ARENA_ARRAY(f->arena, struct pd_plan_period, row->periods_count + 1);
    for (size_t n = 0; n < row->periods_count; n++) periods[n] = row->periods[n];
    row->periods = periods;
    return &row->periods[row->periods_count++];
}

void
evolve_period_put__plan(struct pd_plan *row, const struct pd_period_put *e, const struct fold *f)
{
    struct pd_plan_period *p = place_for(row, e->period, f);
    uint64_t               version = p->version + 1;

    *p = (struct pd_plan_period){
        .period = e->period,
        .enabled = e->enabled,
        .trial = e->trial,
        .auto_renew = e->auto_renew,
        .setup_fee = e->setup_fee,
        .recurring_fee = e->recurring_fee,
        .renewal_fee = e->renewal_fee,
        .currency = e->currency,
        .version = version,
    };
}
