/* model_subscriptions.c - the events of subscriptions, and whether one is as its item and its removal are. */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "proto/check.h"
#include "tests/sim/model_tables.h"

/* ---- begins ---------------------------------------------------------------------------------------------------------- */

/* The story's resellers live in UTC. */
static uint64_t
expiry(uint64_t start, struct pd_text text)
{
    time_t           seconds = (time_t)(start / 1000000);
    struct tm        tm;
    struct pd_period p;

    PD_CHECK(pd_parse_period(text, &p));
    gmtime_r(&seconds, &tm);
    int day = tm.tm_mday;
    if (p.unit == 'd') tm.tm_mday += (int)p.count;
    if (p.unit == 'm') tm.tm_mon += (int)p.count;
    if (p.unit == 'y') tm.tm_year += (int)p.count;
    seconds = timegm(&tm);
    if (p.unit != 'd' && tm.tm_mday != day) seconds -= tm.tm_mday * 86400; /* the month's last day */
    return (uint64_t)seconds * 1000000 + start % 1000000;
}

static bool
take_activated(struct model *m, struct m_scope *s, const struct model_record *r, struct m_subscription *sub,
               const struct pd_subscription_activated *e)
{
    static const char *const periods[] = {"1m", "1y", "30d"};
    uint64_t                 wanted = 0;
    struct m_order          *o = m_order(s, sub->order, (struct pd_text){NULL, 0});
    struct m_item           *i = m_item_of(s, sub);

    NEED(m, o != NULL && e->order == sub->order && e->item == sub->item && m_print(e->customer) == o->customer,
         "another's subscription");
    NEED(m, i->state == PD_item_state_provisioning && (i == m->done || i->provisioning == PD_provisioning_none),
         "a subscription is active without its item's success");
    for (size_t n = 0; n < 3; n++)
        if (i->period == m_print(pd_text(periods[n]))) wanted = expiry(r->time, pd_text(periods[n]));
    NEED(m, e->start == r->time && e->periods == 1 && e->expiration == wanted, "a subscription's time is not its period's");
    NEED(m, e->status == (i->trial ? PD_subscription_status_trial : PD_subscription_status_active), "a trial that is none");
    sub->status = e->status;
    sub->service = PD_service_status_running;
    sub->start = e->start;
    sub->expiration = e->expiration;
    i->state = PD_item_state_completed;
    if (m->touched != o) m->touched_from = o->state;
    m->touched = o;
    return true;
}

/* ---- ends ------------------------------------------------------------------------------------------------------------ */

static bool
is_active(const struct m_subscription *sub)
{
    return sub->status == PD_subscription_status_active || sub->status == PD_subscription_status_trial;
}

static bool
take_ending(struct model *m, struct m_scope *s, struct m_subscription *sub, const struct pd_subscription_ending *e)
{
    const struct m_item *i = m_item_of(s, sub);

    NEED(m, e->status == (enum pd_subscription_status)sub->status, "a subscription is called another than it is");
    NEED(m, sub->status != PD_subscription_status_ordered, "a subscription ends that has not begun");
    NEED(m, sub->service == PD_service_status_running || sub->service == PD_service_status_removal_failed,
         "a subscription ends that is being removed, or is gone");
    NEED(m, i == NULL || (i->state != PD_item_state_removing && i->state != PD_item_state_cleanup_failed), "its order ends it");
    NEED(m, sub->provisioning != PD_provisioning_none, "what nobody made is removed");
    m_owe(m, s, e->subscription, sub->service == PD_service_status_running ? sub->instance : sub->remains[0]);
    sub->service = PD_service_status_removing;
    return true;
}

/* Why it may end now, by the command that says so. */
static bool
may_end(const struct m_subscription *sub, const struct m_item *i, int command, bool orphans)
{
    bool removed = sub->remain_count == 0;

    if (i != NULL && i->slot.state == PD_task_state_leased) return false; /* somebody is still at it */
    switch (command) {
    case PD_COMMAND_end_subscription:
        return sub->service == PD_service_status_removal_failed ? orphans || removed : sub->provisioning == PD_provisioning_none;
    case PD_COMMAND_report_success:
    case PD_COMMAND_succeed_task: return sub->service == PD_service_status_removing && removed && !m_is_open(&sub->slot);
    case PD_COMMAND_cancel_order: return i != NULL && i->state != PD_item_state_removing && removed;
    case PD_COMMAND_give_up: return i != NULL && (i->state == PD_item_state_cleanup_failed || removed);
    case PD_COMMAND_accept_partial: return i != NULL && i->state == PD_item_state_cancelled;
    default: return false;
    }
}

static bool
take_ended(struct model *m, struct m_scope *s, const struct model_record *r, struct m_subscription *sub,
           const struct pd_subscription_ended *e)
{
    struct m_item *i = m_item_of(s, sub);

    NEED(m, sub->status != PD_subscription_status_terminated, "subscription %" PRIu64 " ends twice", e->subscription);
    NEED(m, e->has_order == (i != NULL) && e->order == sub->order && e->item == sub->item, "another's subscription ends");
    NEED(m, may_end(sub, i, r->command, e->orphans_count > 0), "subscription %" PRIu64 " ends by command %d", e->subscription,
         r->command);
    if (e->orphans_count > 0) {
        NEED(m, e->orphans_count == sub->remain_count, "%zu orphans of %zu are named", e->orphans_count, sub->remain_count);
        for (size_t n = 0; n < e->orphans_count; n++)
            NEED(m, m_print(e->orphans[n].instance) == sub->remains[n], "another orphan is named");
        m_server_orphans(m, e->orphans, e->orphans_count);
    }
    sub->status = PD_subscription_status_terminated;
    sub->service = e->service_status;
    sub->claims = false;
    if (i == NULL) return true;
    i->claims = false;
    if (i->state == PD_item_state_removing) i->state = PD_item_state_cancelled;
    return true;
}

uint64_t
m_print_import(uint64_t customer, struct pd_text plan, struct pd_text period, uint64_t domain, uint64_t start, uint64_t expiration)
{
    return m_mix(m_mix(m_mix(customer, m_print(plan)), m_mix(m_print(period), domain)), m_mix(start, expiration));
}

static bool
take_imported(struct model *m, struct m_scope *s, const struct model_record *r, const struct pd_subscription_imported *e)
{
    const struct m_plan   *p = m_plan(s, e->plan);
    const struct m_period *d = p == NULL ? NULL : m_period((struct m_plan *)(uintptr_t)p, e->period);

    NEED(m, p != NULL && d != NULL && m_customer(s, e->customer) != NULL, "an import of what there is not");
    NEED(m, e->subscription == s->subscription_count + 1, "subscription number %" PRIu64, e->subscription);
    for (size_t n = 0; n < s->subscription_count; n++)
        NEED(m, s->subscriptions[n].reference != m_print(e->reference), "a reference is imported twice");
    struct m_item claim = {.domain = m_print(e->domain), .policy = p->policy, .category = p->category};
    NEED(m, (claim.domain == 0) == (p->policy == PD_domain_policy_none), "an import has a domain too many, or none");
    NEED(m, m_domain_free(s, m_print(e->customer), &claim, NULL, NULL), "an import of a domain that another holds");
    NEED(m, e->status == (d->trial ? PD_subscription_status_trial : PD_subscription_status_active), "a trial that is none");
    NEED(m, e->start < e->expiration, "an import ends before it began");
    struct m_subscription *sub = M_ADD(s->subscriptions, s->subscription_count);
    *sub = (struct m_subscription){
        .customer = m_print(e->customer), .plan = p->id, .version = r->version, .start = e->start, .expiration = e->expiration,
        .status = e->status, .service = PD_service_status_running, .reference = m_print(e->reference), .category = p->category,
        .domain = claim.domain, .instance = m_print(e->instance), .group = p->group, .deadline_s = p->deadline_s,
        .policy = p->policy, .provisioning = p->provisioning, .claims = claim.domain != 0, .slot = {.progress = -1},
        .imported = m_print_import(m_print(e->customer), e->plan, e->period, claim.domain, e->start, e->expiration),
    };
    NEED(m, r->version == 1 && m_print(e->worker_group) == p->group && e->deadline_s == p->deadline_s, "an import's terms");
    m_server_imports(m, sub);
    m->changed = sub;
    return true;
}

/* ---- as its item and its removal are --------------------------------------------------------------------------------- */

bool
m_is_sound(struct model *m, struct m_scope *s, const struct m_subscription *sub)
{
    const struct m_item *i = m_item_of(s, sub);
    bool                 leased = i != NULL && i->state == PD_item_state_removing && i->slot.state == PD_task_state_leased;
    bool                 undone = i != NULL && (i->state == PD_item_state_removing || i->state == PD_item_state_cleanup_failed);
    uint64_t             n = (uint64_t)(sub - s->subscriptions) + 1;

    if (i != NULL && is_active(sub))
        NEED(m, i->state == PD_item_state_completed || undone, "subscription %" PRIu64 " is active, its item in state %d", n,
             i->state);
    if (i != NULL && i->state == PD_item_state_completed)
        NEED(m, sub->status != PD_subscription_status_ordered, "subscription %" PRIu64 " of a completed item is not active", n);
    if (i != NULL && (i->state == PD_item_state_cancelled || i->state == PD_item_state_orphaned) && sub->order > 0)
        NEED(m, sub->status == PD_subscription_status_terminated, "subscription %" PRIu64 " of a cancelled item goes on", n);
    if (sub->service == PD_service_status_removing)
        NEED(m, m_is_open(&sub->slot) || leased, "subscription %" PRIu64 " is removed by nobody", n);
    if (sub->service == PD_service_status_removed)
        NEED(m, sub->status == PD_subscription_status_terminated && sub->remain_count == 0,
             "subscription %" PRIu64 " is called removed, and is not", n);
    if (sub->service == PD_service_status_removal_failed)
        NEED(m, !m_is_open(&sub->slot) && sub->remain_count > 0, "subscription %" PRIu64 " is called not removed", n);
    NEED(m, !m_is_open(&sub->slot) || sub->remain_count > 0, "nothing of subscription %" PRIu64 " is removed", n);
    for (size_t r = 0; i != NULL && m_is_open(&i->slot) && !i->slot.stopping && r < sub->remain_count; r++)
        NEED(m, sub->remains[r] != i->instance, "what is made is to be removed: subscription %" PRIu64, n);
    return true;
}

bool
m_take_subscription_event(struct model *m, struct m_scope *s, const struct model_record *r, const void *body)
{
    /* The number is the first field of each. */
    const struct pd_field *number = pd_block_field(pd_schema_event(r->type), PD_TEXT("subscription"));
    uint64_t               n = *(const uint64_t *)(const void *)((const char *)body + number->offset);

    if (r->type == PD_EVENT_subscription_imported) return take_imported(m, s, r, body);
    struct m_subscription *sub = m_subscription(s, n);
    NEED(m, sub != NULL && r->version == ++sub->version, "subscription %" PRIu64 " version %" PRIu64, n, r->version);
    m->changed = sub;
    switch (r->type) {
    case PD_EVENT_subscription_activated: return take_activated(m, s, r, sub, body);
    case PD_EVENT_subscription_ending: return take_ending(m, s, sub, body);
    case PD_EVENT_subscription_ended: return take_ended(m, s, r, sub, body);
    default: return true; /* a note */
    }
}
