/* model_claims.c - the tables looked at: who holds what, what a state takes, and whether a refusal is true. */
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

struct m_item *
m_item_of(struct m_scope *s, uint64_t task, struct m_order **ret_order)
{
    if (task < 1 || task > s->task_count) return NULL;
    struct m_order *o = &s->orders[s->tasks[task - 1].order - 1];
    if (ret_order != NULL) *ret_order = o;
    return &o->items[s->tasks[task - 1].item - 1];
}

struct m_worker *
m_worker(struct model *m, struct pd_text name)
{
    for (size_t i = 0; i < m->worker_count; i++)
        if (m->workers[i].name == m_print(name)) return &m->workers[i];
    return NULL;
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
m_domains_free(const struct m_scope *s, const struct m_order *order, uint64_t customer, const struct m_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (items[i].domain == 0) continue;
        for (size_t j = 0; j < i; j++)
            if (excludes(&items[i], &items[j])) return false;
        for (size_t n = 0; n < s->order_count; n++) {
            const struct m_order *other = &s->orders[n];
            for (size_t j = 0; other != order && j < other->count; j++)
                if (other->items[j].claims && other->items[j].domain == items[i].domain &&
                    (other->customer != customer || excludes(&other->items[j], &items[i])))
                    return false;
        }
    }
    return true;
}

/* ---- what a state takes ---------------------------------------------------------------------------------------------- */

bool
m_takes(int state, int command)
{
    bool open = state == PD_order_state_draft || state == PD_order_state_new || state == PD_order_state_held;

    switch (command) {
    case PD_COMMAND_update_order:
    case PD_COMMAND_cancel_order: return open;
    case PD_COMMAND_confirm_order: return state == PD_order_state_draft;
    case PD_COMMAND_open_order: return open && state != PD_order_state_draft;
    case PD_COMMAND_retry_provisioning: return state == PD_order_state_provisioning_failed;
    default: return false;
    }
}

uint64_t
m_allowed(int state)
{
    static const int commands[] = {PD_COMMAND_update_order, PD_COMMAND_confirm_order, PD_COMMAND_open_order,
                                   PD_COMMAND_cancel_order, PD_COMMAND_retry_provisioning};
    uint64_t         sum = 0;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (m_takes(state, commands[i])) sum += m_print(pd_text(pd_schema_command(commands[i])->Name));
    return sum;
}

/* ---- refusals -------------------------------------------------------------------------------------------------------- */

/* The fields of the command in hand that several kinds of command have. */
struct about {
    bool                          has_order, has_subscription, has_task, is_order;
    uint64_t                      order, subscription, task, lease;
    struct pd_text                reference, customer, worker;
    const struct pd_item_request *items;
    size_t                        item_count;
};

#define OF_ORDER(name)                                                                                                 \
    case PD_COMMAND_##name: {                                                                                          \
        const struct pd_##name *c = m->message.body;                                                                   \
        a.is_order = true, a.has_order = c->has_order, a.order = c->order, a.reference = c->reference;                 \
        break;                                                                                                         \
    }
#define OF_TASK(name)                                                                                                  \
    case PD_COMMAND_##name: {                                                                                          \
        const struct pd_##name *c = m->message.body;                                                                   \
        a.has_task = true, a.task = c->task, a.lease = c->lease, a.worker = c->worker;                                 \
        break;                                                                                                         \
    }
#define OF_CUSTOMER(name)                                                                                              \
    case PD_COMMAND_##name: a.customer = ((const struct pd_##name *)m->message.body)->customer; break;

static struct about
look(const struct model *m)
{
    struct about a = {0};

    switch (m->message.block->code) {
    case PD_COMMAND_add_order: {
        const struct pd_add_order *c = m->message.body;
        a.customer = c->customer, a.items = c->items, a.item_count = c->items_count;
        a.reference = c->reference.data == NULL ? m->message.envelope.id : c->reference;
        break;
    }
    case PD_COMMAND_update_order: {
        const struct pd_update_order *c = m->message.body;
        a.is_order = true, a.has_order = c->has_order, a.order = c->order, a.reference = c->reference;
        a.items = c->items, a.item_count = c->items_count;
        break;
    }
    OF_ORDER(confirm_order)
    OF_ORDER(open_order)
    OF_ORDER(check_status)
    OF_ORDER(cancel_order)
    OF_ORDER(retry_provisioning)
    OF_CUSTOMER(put_customer)
    OF_CUSTOMER(hold_customer)
    OF_CUSTOMER(release_customer)
    OF_TASK(report_progress)
    OF_TASK(report_success)
    OF_TASK(report_failure)
    case PD_COMMAND_add_note: {
        const struct pd_add_note *c = m->message.body;
        a.is_order = c->customer.data == NULL && !c->has_subscription;
        a.has_order = c->has_order, a.order = c->order, a.reference = c->reference, a.customer = c->customer;
        a.has_subscription = c->has_subscription, a.subscription = c->subscription;
        break;
    }
    default: break;
    }
    return a;
}

static struct m_order *
order_of(struct m_scope *s, const struct about *a)
{
    if (!a->is_order || (!a->has_order && a->reference.data == NULL)) return NULL;
    return m_order(s, a->has_order ? a->order : 0, a->reference);
}

const struct m_order *
m_asked(struct model *m, struct m_scope *s)
{
    struct about    a = look(m);
    struct m_order *o = order_of(s, &a);
    if (a.has_task) m_item_of(s, a.task, &o);
    return o;
}

bool
m_version_of(struct model *m, struct m_scope *s, uint64_t *ret_version)
{
    struct about       a = look(m);
    struct m_order    *o = order_of(s, &a);
    struct m_customer *c = a.customer.data == NULL ? NULL : m_customer(s, a.customer);
    struct m_plan     *p = NULL;

    *ret_version = 0;
    switch (m->message.block->code) {
    case PD_COMMAND_add_order: return true;
    case PD_COMMAND_put_reseller: {
        struct m_scope *other = m_scope(m, ((const struct pd_put_reseller *)m->message.body)->reseller);
        if (other != NULL) *ret_version = other->version;
        return true;
    }
    case PD_COMMAND_put_plan: p = m_plan(s, ((const struct pd_put_plan *)m->message.body)->plan); break;
    case PD_COMMAND_put_period:
        if ((p = m_plan(s, ((const struct pd_put_period *)m->message.body)->plan)) == NULL) return false;
        break;
    default: break;
    }
    if (o != NULL) *ret_version = o->version;
    else if (c != NULL) *ret_version = c->version;
    else if (p != NULL) *ret_version = p->version;
    else if (a.has_subscription && a.subscription <= s->subscription_count)
        *ret_version = s->subscriptions[a.subscription - 1].version;
    else return m->message.block->code == PD_COMMAND_put_customer || m->message.block->code == PD_COMMAND_put_plan;
    return true;
}

/* What the items ask for, as far as it can be had: their domains, and whether some item gives cause for a refusal. */
static bool
some_item_is(struct m_scope *s, const struct about *a, const struct m_order *o, uint64_t customer, int code)
{
    struct m_item items[PD_ITEMS_MAX] = {{0}};
    uint64_t      currency = 0;

    for (size_t i = 0; i < a->item_count; i++) {
        const struct pd_item_request *r = &a->items[i];
        const struct m_plan          *p = m_plan(s, r->plan);
        const struct m_period        *d = p == NULL ? NULL : m_period((struct m_plan *)(uintptr_t)p, r->period);
        if (p == NULL) return code == PD_E_plan_not_found;
        if (!p->published) return code == PD_E_plan_not_published;
        if (d == NULL) return code == PD_E_period_not_found;
        if (!d->enabled) return code == PD_E_period_disabled;
        bool named = r->domain.unicode.data != NULL;
        if (p->policy != PD_domain_policy_none && !named) return code == PD_E_domain_required;
        if (p->policy == PD_domain_policy_none && named) return code == PD_E_invalid_field;
        if (currency == 0) currency = d->currency;
        if (currency != d->currency) return code == PD_E_currency_mismatch;
        items[i] = (struct m_item){.domain = named ? m_print(m_ascii(r->domain.unicode)) : 0, .policy = p->policy,
                                   .category = p->category, .quantity = r->has_quantity ? r->quantity : 1,
                                   .setup = d->setup, .recurring = d->recurring};
    }
    __extension__ unsigned __int128 total = 0;
    for (size_t i = 0; i < a->item_count; i++)
        total += (__extension__ (unsigned __int128)items[i].quantity) * items[i].setup +
                 (__extension__ (unsigned __int128)items[i].quantity) * items[i].recurring;
    if (total > INT64_MAX) return code == PD_E_total_overflow;
    return code == PD_E_domain_taken && !m_domains_free(s, o, customer, items, a->item_count);
}

static bool
is_stale(struct model *m, struct m_scope *s, const struct about *a)
{
    const struct m_item *i = m_item_of(s, a->task, NULL);
    int                  closed = m->message.block->code == PD_COMMAND_report_success   ? PD_item_state_completed
                                  : m->message.block->code == PD_COMMAND_report_failure ? PD_item_state_failed
                                                                                        : PD_item_state_absent;
    return i != NULL && !m_is_current(i, a->lease, a->worker) && !m_has_closed(i, closed, a->lease, a->worker);
}

static bool
has_reason(const struct m_customer *c, uint64_t reason)
{
    for (size_t i = 0; c != NULL && i < c->hold_count; i++)
        if (c->holds[i] == reason) return true;
    return false;
}

static bool
is_mistaken(const struct pd_confirm_order *c, const struct m_order *o)
{
    return c->has_total && c->total != o->total;
}

bool
m_is_right(struct model *m, struct m_scope *s, int code)
{
    const struct pd_request *envelope = &m->message.envelope;
    struct about             a = look(m);
    struct m_order          *o = order_of(s, &a);
    struct m_customer       *c = a.customer.data == NULL ? NULL : m_customer(s, a.customer);
    int                      command = m->message.block->code;
    uint64_t                 version, customer = o != NULL ? o->customer : m_print(a.customer);

    for (size_t i = 0; i < s->customer_count && o != NULL; i++)
        if (s->customers[i].id == o->customer) c = &s->customers[i];
    switch (code) {
    case PD_E_version_conflict: return envelope->has_expect && m_version_of(m, s, &version) && version != envelope->expect;
    case PD_E_order_not_found: return a.is_order && o == NULL;
    case PD_E_missing_field: return (a.is_order || command == PD_COMMAND_add_note) && !a.has_order && a.reference.data == NULL;
    case PD_E_customer_not_found: return a.customer.data != NULL && c == NULL;
    case PD_E_subscription_not_found: return a.has_subscription && a.subscription > s->subscription_count;
    case PD_E_task_not_found: return a.has_task && m_item_of(s, a.task, NULL) == NULL;
    case PD_E_reference_taken: return command == PD_COMMAND_add_order && m_order(s, 0, a.reference) != NULL;
    case PD_E_illegal_transition: return o != NULL && command != PD_COMMAND_add_note && !m_takes(o->state, command);
    case PD_E_customer_on_hold: return c != NULL && m_on_hold(c);
    case PD_E_total_mismatch: return command == PD_COMMAND_confirm_order && o != NULL && is_mistaken(m->message.body, o);
    case PD_E_stale_lease: return a.has_task && is_stale(m, s, &a);
    case PD_E_too_large: return command == PD_COMMAND_hold_customer && c != NULL && c->hold_count == PD_REASONS_MAX;
    case PD_E_domain_taken:
        if (command == PD_COMMAND_confirm_order) return o != NULL && !m_domains_free(s, o, o->customer, o->items, o->count);
        return some_item_is(s, &a, o, customer, code);
    case PD_E_plan_not_found:
        if (command == PD_COMMAND_put_period) return m_plan(s, ((const struct pd_put_period *)m->message.body)->plan) == NULL;
        return some_item_is(s, &a, o, customer, code);
    case PD_E_invalid_field:
        if (command == PD_COMMAND_release_customer)
            return c != NULL && !has_reason(c, m_print(((const struct pd_release_customer *)m->message.body)->reason));
        if (a.is_order && a.has_order && a.reference.data != NULL) return true;
        return some_item_is(s, &a, o, customer, code);
    default: return some_item_is(s, &a, o, customer, code);
    }
}
