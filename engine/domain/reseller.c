/* reseller.c - tenants, and the engine's own start. */
#include "engine/domain/rules.h"
#include "engine/domain/support.h"

void
decide_start_engine(const struct view *view, const struct pd_start_engine *c, struct decision *out)
{
    (void)view;
    EMIT(out, engine_started)->software = c->software;
}

void
decide_put_reseller(const struct view *view, const struct pd_put_reseller *c, struct decision *out)
{
    const struct pd_reseller *r = view->find_reseller(view->ctx, c->reseller);

    if (!meets_expectation(view, r == NULL ? 0 : r->version, out)) return;
    *EMIT(out, reseller_put) = (struct pd_reseller_put){
        .reseller = c->reseller,
        .name = c->name,
        .time_zone = c->time_zone.data == NULL ? PD_TEXT("UTC") : c->time_zone,
    };
}

void
evolve_reseller_put__reseller(struct pd_reseller *row, const struct pd_reseller_put *e, const struct fold *f)
{
    (void)f;
    row->reseller = e->reseller;
    row->name = e->name;
    row->time_zone = e->time_zone;
}

/* ---- what a subscriber passes over: it changes nothing, and stands in the log ---- */

void
decide_skip_event(const struct view *view, const struct pd_skip_event *c, struct decision *out)
{
    if (!meets_expectation(view, view->reseller->version, out)) return;
    *EMIT(out, event_skipped) = (struct pd_event_skipped){
        .reseller = view->reseller->reseller, .subscriber = c->subscriber, .all = c->all, .position = c->position,
        .reason = c->reason,
    };
}

void
evolve_event_skipped__reseller(struct pd_reseller *row, const struct pd_event_skipped *e, const struct fold *f)
{
    (void)row;
    (void)e;
    (void)f;
}
