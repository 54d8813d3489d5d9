/* model_claims.c - the tables looked at: what there is, who holds what, and what a state takes. */
#include <inttypes.h>

#include "tests/sim/model_tables.h"

uint64_t
m_mix(uint64_t a, uint64_t b)
{
    a = (a ^ b) * 0x9e3779b97f4a7c15u;
    return a ^ a >> 29;
}

uint64_t
m_print(struct pd_text text)
{
    uint64_t hash = 14695981039346656037u;
    if (text.data == NULL) return 0;
    for (size_t i = 0; i < text.size; i++) hash = (hash ^ (unsigned char)text.data[i]) * 1099511628211u;
    return m_mix(hash, text.size + 1);
}

/* ---- looking up ------------------------------------------------------------------------------------------------------ */

struct m_scope *
m_scope(struct model *m, struct pd_text reseller)
{
    uint64_t id = m_print(reseller);
    for (size_t i = 1; i < m->scope_count; i++)
        if (m->scopes[i]->id == id) return m->scopes[i];
    return NULL;
}

struct m_customer *
m_customer(struct m_scope *s, struct pd_text id)
{
    for (size_t i = 0; i < s->customer_count; i++)
        if (s->customers[i].id == m_print(id)) return &s->customers[i];
    return NULL;
}

struct m_plan *
m_plan(struct m_scope *s, struct pd_text id)
{
    for (size_t i = 0; i < s->plan_count; i++)
        if (s->plans[i].id == m_print(id)) return &s->plans[i];
    return NULL;
}

struct m_period *
m_period(struct m_plan *p, struct pd_text period)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->periods[i].period == m_print(period)) return &p->periods[i];
    return NULL;
}

struct m_order *
m_order(struct m_scope *s, uint64_t number, struct pd_text reference)
{
    uint64_t print = m_print(reference);
    if (number > 0) return number <= s->order_count ? &s->orders[number - 1] : NULL;
    for (size_t i = 0; i < s->order_count; i++)
        if (s->orders[i].reference == print) return &s->orders[i];
    return NULL;
}

struct m_subscription *
m_subscription(struct m_scope *s, uint64_t number)
{
    return number >= 1 && number <= s->subscription_count ? &s->subscriptions[number - 1] : NULL;
}

struct m_item *
m_item_of(struct m_scope *s, const struct m_subscription *sub)
{
    return sub->order == 0 ? NULL : &s->orders[sub->order - 1].items[sub->item - 1];
}

bool
m_is_awaited(const struct m_item *i)
{
    return i->state == PD_item_state_removing && i->slot.state != PD_task_state_leased;
}

/* A removal that its item waits for is its order's. */
bool
m_work_of(struct m_scope *s, uint64_t task, struct m_work *w)
{
    if (task < 1 || task > s->task_count) return false;
    const struct m_task *t = &s->tasks[task - 1];
    uint64_t             order = t->order, item = t->item;

    *w = (struct m_work){.subscription = m_subscription(s, t->subscription)};
    if (w->subscription != NULL) {
        const struct m_item *i = m_item_of(s, w->subscription);
        w->slot = &w->subscription->slot;
        w->group = w->subscription->group;
        w->provisioning = w->subscription->provisioning;
        if (i == NULL || !m_is_awaited(i)) return true;
        order = w->subscription->order, item = w->subscription->item;
    }
    w->order = &s->orders[order - 1];
    w->item = &w->order->items[item - 1];
    if (w->subscription != NULL) return true;
    w->slot = &w->item->slot;
    w->group = w->item->group;
    w->provisioning = w->item->provisioning;
    return true;
}

bool
m_on_hold(const struct m_customer *c)
{
    return c->hold_count > 0;
}

/* ---- domains --------------------------------------------------------------------------------------------------------- */

struct pd_text
m_ascii(struct pd_text domain)
{
    static const char *const names[][2] = {
        {"españa.es", "xn--espaa-rta.es"},
        {"panadería-lópez.es", "xn--panadera-lpez-2ib7g.es"},
        {"servidor.local", NULL},
        {"co.uk", NULL},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (pd_text_equal(domain, pd_text(names[i][0]))) return pd_text(names[i][1]);
    return domain;
}

static bool
excludes(const struct m_item *a, const struct m_item *b)
{
    return a->policy == PD_domain_policy_exclusive && b->policy == PD_domain_policy_exclusive && a->category == b->category &&
           a->domain == b->domain;
}

bool
m_domain_free(const struct m_scope *s, uint64_t customer, const struct m_item *item, const struct m_order *order,
              const struct m_item *self)
{
    if (item->domain == 0) return true;
    for (size_t n = 0; n < s->order_count; n++) {
        const struct m_order *other = &s->orders[n];
        for (size_t j = 0; other != order && j < other->count; j++) {
            const struct m_item *i = &other->items[j];
            if (i != self && i->claims && i->domain == item->domain && (other->customer != customer || excludes(i, item)))
                return false;
        }
    }
    for (size_t n = 0; n < s->subscription_count; n++) { /* imported ones have no item */
        const struct m_subscription *sub = &s->subscriptions[n];
        struct m_item                i = {.domain = sub->domain, .policy = sub->policy, .category = sub->category};
        if (sub->claims && sub->domain == item->domain && (sub->customer != customer || excludes(&i, item))) return false;
    }
    return true;
}

bool
m_domains_free(const struct m_scope *s, const struct m_order *order, uint64_t customer, const struct m_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (items[i].domain == 0) continue;
        for (size_t j = 0; j < i; j++)
            if (excludes(&items[i], &items[j])) return false;
        if (!m_domain_free(s, customer, &items[i], order, NULL)) return false;
    }
    return true;
}

/* ---- what a state takes ---------------------------------------------------------------------------------------------- */

bool
m_takes(int state, int command)
{
    bool open = state == PD_order_state_draft || state == PD_order_state_new || state == PD_order_state_held;

    switch (command) {
    case PD_COMMAND_update_order: return open;
    case PD_COMMAND_cancel_order:
        return open || state == PD_order_state_provisioning || state == PD_order_state_provisioning_failed ||
               state == PD_order_state_cleanup_failed;
    case PD_COMMAND_confirm_order: return state == PD_order_state_draft;
    case PD_COMMAND_open_order: return open && state != PD_order_state_draft;
    case PD_COMMAND_retry_provisioning:
    case PD_COMMAND_accept_partial:
    case PD_COMMAND_correct_item: return state == PD_order_state_provisioning_failed;
    case PD_COMMAND_give_up: return state == PD_order_state_provisioning_failed || state == PD_order_state_cleanup_failed;
    default: return false;
    }
}

uint64_t
m_allowed(int state)
{
    static const int commands[] = {PD_COMMAND_update_order, PD_COMMAND_confirm_order, PD_COMMAND_open_order,
                                   PD_COMMAND_cancel_order, PD_COMMAND_retry_provisioning, PD_COMMAND_accept_partial,
                                   PD_COMMAND_correct_item, PD_COMMAND_give_up};
    uint64_t         sum = 0;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (m_takes(state, commands[i])) sum += m_print(pd_text(pd_schema_command(commands[i])->Name));
    return sum;
}
