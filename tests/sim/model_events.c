/* model_events.c - each event of the log: whether it may follow, and what it changes. By domain.md 2-4. Here: what orders
 * are made for. */
#include <inttypes.h>
#include <stdlib.h>

#include "proto/check.h"
#include "tests/sim/model_tables.h"

void *
m_add(void **list, size_t *count, size_t size)
{
    char *grown = realloc(*list, (*count + 1) * size);
    PD_CHECK(grown != NULL);
    *list = grown;
    return memset(grown + size * (*count)++, 0, size);
}

bool
m_is_by_engine(const struct model_record *r)
{
    return pd_text_equal(r->actor, PD_TEXT("engine"));
}

/* ---- what orders are made for ---------------------------------------------------------------------------------------- */

static bool
take_reseller(struct model *m, const struct model_record *r, const struct pd_reseller_put *e)
{
    struct m_scope *s = m_scope(m, e->reseller);
    if (s == NULL) {
        NEED(m, m->scope_count < M_SCOPES && r->scope == m->scope_count, "a new reseller has number %" PRIu64, r->scope);
        s = m->scopes[m->scope_count++] = calloc(1, sizeof *s);
        PD_CHECK(s != NULL);
        s->id = m_print(e->reseller);
    }
    NEED(m, m->scopes[r->scope] == s, "a reseller is put in another's scope");
    NEED(m, r->version == ++s->version, "reseller version %" PRIu64, r->version);
    return true;
}

static bool
take_customer(struct model *m, struct m_scope *s, const struct model_record *r, const struct pd_customer_put *e)
{
    struct m_customer *c = m_customer(s, e->customer);
    if (c == NULL) {
        PD_CHECK(s->customer_count < M_CUSTOMERS);
        c = &s->customers[s->customer_count++];
        c->id = m_print(e->customer);
    }
    c->name = m_print(e->name);
    NEED(m, r->version == ++c->version, "customer version %" PRIu64, r->version);
    return true;
}

static bool
take_hold(struct model *m, struct m_customer *c, const struct model_record *r, uint64_t reason, bool held)
{
    NEED(m, c != NULL, "a hold of a customer that is not there");
    NEED(m, r->version == ++c->version, "customer version %" PRIu64, r->version);
    size_t i = 0;
    while (i < c->hold_count && c->holds[i] != reason) i++;
    if (held) {
        NEED(m, i < PD_REASONS_MAX, "more than 16 holds");
        if (i == c->hold_count) c->holds[c->hold_count++] = reason;
        return true;
    }
    NEED(m, i < c->hold_count, "a hold is released that there is not");
    memmove(&c->holds[i], &c->holds[i + 1], (--c->hold_count - i) * sizeof c->holds[0]);
    return true;
}

static bool
take_plan(struct model *m, struct m_scope *s, const struct model_record *r, const struct pd_plan_put *e)
{
    struct m_plan *p = m_plan(s, e->plan);
    if (p == NULL) {
        PD_CHECK(s->plan_count < M_PLANS);
        p = &s->plans[s->plan_count++];
        p->id = m_print(e->plan);
    }
    p->name = m_print(e->name);
    p->category = m_print(e->category);
    p->group = m_print(e->worker_group);
    p->deadline_s = e->deadline_s;
    p->policy = e->domain;
    p->provisioning = e->provisioning;
    p->published = e->published;
    NEED(m, r->version == ++p->version, "plan version %" PRIu64, r->version);
    return true;
}

static bool
take_period(struct model *m, struct m_scope *s, const struct model_record *r, const struct pd_period_put *e)
{
    struct m_plan *p = m_plan(s, e->plan);
    NEED(m, p != NULL, "a period of a plan that is not there");
    struct m_period *d = m_period(p, e->period);
    if (d == NULL) {
        NEED(m, p->count < M_PERIODS, "more than 64 periods");
        d = &p->periods[p->count++];
    }
    *d = (struct m_period){m_print(e->period), e->setup_fee, e->recurring_fee, m_print(e->currency), d->version + 1, e->enabled,
                           e->trial};
    NEED(m, r->version == ++p->version, "plan version %" PRIu64, r->version);
    return true;
}

/* ---- one event --------------------------------------------------------------------------------------------------------- */

bool
m_take_event(struct model *m, const struct model_record *r)
{
    const struct pd_block *block = pd_schema_event(r->type);
    NEED(m, block != NULL, "an event of type %d", r->type);
    void *body = pd_arena_zero(&m->arena, block->size);
    NEED(m, pd_decode_event(&m->arena, block, r->body, body), "event %" PRIu64 " cannot be read", r->position);
    NEED(m, r->time >= m->time, "event %" PRIu64 " is before the last one", r->position);
    m->time = r->time;
    if (r->type == PD_EVENT_reseller_put && !take_reseller(m, r, body)) return false;
    NEED(m, r->scope < m->scope_count, "an event of reseller %" PRIu64, r->scope);
    struct m_scope *s = m->scopes[r->scope];
    NEED(m, r->scope_position == ++s->position, "reseller %" PRIu64 ": position %" PRIu64 " after %" PRIu64, r->scope,
         r->scope_position, s->position - 1);

    m->scope = r->scope;
    switch (r->type) {
    case PD_EVENT_engine_started:
    case PD_EVENT_reseller_put: return true;
    case PD_EVENT_customer_put: return take_customer(m, s, r, body);
    case PD_EVENT_customer_held: {
        const struct pd_customer_held *e = body;
        return take_hold(m, m_customer(s, e->customer), r, m_print(e->reason), true);
    }
    case PD_EVENT_customer_released: {
        const struct pd_customer_released *e = body;
        return take_hold(m, m_customer(s, e->customer), r, m_print(e->reason), false);
    }
    case PD_EVENT_customer_note_added: {
        struct m_customer *c = m_customer(s, ((const struct pd_customer_note_added *)body)->customer);
        NEED(m, c != NULL && r->version == ++c->version, "a note of a customer");
        return true;
    }
    case PD_EVENT_event_skipped: return m_take_skipped(m, s, r, body);
    case PD_EVENT_plan_put: return take_plan(m, s, r, body);
    case PD_EVENT_period_put: return take_period(m, s, r, body);
    case PD_EVENT_subscription_note_added:
    case PD_EVENT_subscription_activated:
    case PD_EVENT_subscription_ending:
    case PD_EVENT_subscription_ended:
    case PD_EVENT_subscription_imported: return m_take_subscription_event(m, s, r, body);
    default: return m_take_of_order(m, s, r, block, body);
    }
}
