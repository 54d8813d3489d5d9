/* model_refusals.c - whether a refusal is true. */
#include <inttypes.h>

#include "tests/sim/model_tables.h"

/* The fields of the command in hand that several kinds of command have. */
struct about {
    bool                          has_order, has_subscription, has_task, is_order, is_report;
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
        a.has_task = a.is_report = true, a.task = c->task, a.lease = c->lease, a.worker = c->worker;                   \
        break;                                                                                                         \
    }
#define OF_OPERATOR(name)                                                                                              \
    case PD_COMMAND_##name: a.has_task = true, a.task = ((const struct pd_##name *)m->message.body)->task; break;
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
    OF_ORDER(accept_partial)
    OF_ORDER(give_up)
    OF_ORDER(correct_item)
    OF_OPERATOR(retry_task)
    OF_OPERATOR(release_task)
    OF_OPERATOR(fail_task)
    OF_OPERATOR(succeed_task)
    OF_CUSTOMER(import_subscription)
    OF_CUSTOMER(put_customer)
    OF_CUSTOMER(hold_customer)
    OF_CUSTOMER(release_customer)
    OF_TASK(report_progress)
    OF_TASK(report_success)
    OF_TASK(report_failure)
    OF_TASK(report_release)
    case PD_COMMAND_end_subscription:
        a.has_subscription = true, a.subscription = ((const struct pd_end_subscription *)m->message.body)->subscription;
        break;
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
    struct m_work   w;
    if (a.has_task) return m_work_of(s, a.task, &w) ? w.order : NULL;
    return order_of(s, &a);
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
    case PD_COMMAND_add_order:
    case PD_COMMAND_import_subscription: return true;
    case PD_COMMAND_put_reseller: {
        struct m_scope *other = m_scope(m, ((const struct pd_put_reseller *)m->message.body)->reseller);
        if (other != NULL) *ret_version = other->version;
        return true;
    }
    case PD_COMMAND_skip_event: *ret_version = s->version; return true;
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
    struct m_work w;
    int           closed = m->message.block->code == PD_COMMAND_report_success   ? PD_task_state_succeeded
                           : m->message.block->code == PD_COMMAND_report_failure ? PD_task_state_failed
                                                                                 : PD_task_state_absent;
    return m_work_of(s, a->task, &w) && !m_is_current(w.slot, a->lease, a->worker) &&
           !m_has_closed(w.slot, closed, a->lease, a->worker);
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

/* Whether a subscription may not be ended now. */
static bool
is_not_removable(struct m_scope *s, const struct pd_end_subscription *c)
{
    const struct m_subscription *sub = m_subscription(s, c->subscription);
    const struct m_item         *i = sub == NULL ? NULL : m_item_of(s, sub);

    if (sub == NULL) return false;
    if (i != NULL && (i->state == PD_item_state_removing || i->state == PD_item_state_cleanup_failed)) return true;
    if (sub->status == PD_subscription_status_ordered) return true;
    bool failed = sub->service == PD_service_status_removal_failed, ended = sub->status == PD_subscription_status_terminated;
    if (c->abandon) return !failed || ended;
    return sub->service == PD_service_status_removing || (ended && !failed);
}

static bool
is_import_wrong(struct m_scope *s, const struct pd_import_subscription *c, int code)
{
    const struct m_plan *p = m_plan(s, c->plan);
    bool                 named = c->domain.unicode.data != NULL;

    uint64_t             domain = named ? m_print(m_ascii(c->domain.unicode)) : 0;

    for (size_t n = 0; n < s->subscription_count; n++) {
        if (s->subscriptions[n].reference != m_print(c->reference)) continue;
        bool same = s->subscriptions[n].imported ==
                    m_print_import(m_print(c->customer), c->plan, c->period, domain, c->start, c->expiration);
        return code == (same ? PD_E_import_taken : PD_E_import_differs);
    }
    if (p == NULL) return code == PD_E_plan_not_found;
    if (m_period((struct m_plan *)(uintptr_t)p, c->period) == NULL) return code == PD_E_period_not_found;
    struct m_item claim = {.domain = domain, .policy = p->policy, .category = p->category};
    switch (code) {
    case PD_E_domain_required: return p->policy != PD_domain_policy_none && !named;
    case PD_E_invalid_field: return (p->policy == PD_domain_policy_none && named) || c->expiration <= c->start;
    case PD_E_domain_taken: return !m_domain_free(s, m_print(c->customer), &claim, NULL, NULL);
    default: return false;
    }
}

static bool
is_correction_wrong(struct m_scope *s, const struct pd_correct_item *c, const struct m_order *o, int code)
{
    const struct m_item *i = o != NULL && c->item >= 1 && c->item <= o->count ? &o->items[c->item - 1] : NULL;
    bool                 named = c->domain.unicode.data != NULL;

    if (o == NULL) return false;
    if (i == NULL) return code == PD_E_item_not_found;
    struct m_item after = *i;
    after.domain = named ? m_print(m_ascii(c->domain.unicode)) : 0;
    switch (code) {
    case PD_E_item_not_failed: return i->state != PD_item_state_failed;
    case PD_E_domain_taken: return named && !m_domain_free(s, o->customer, &after, NULL, i);
    case PD_E_missing_field: return !named && c->parameters_count == 0;
    case PD_E_invalid_field: return named && i->policy == PD_domain_policy_none;
    case PD_E_too_many_remains:
        return i->subscription > 0 && m_subscription(s, i->subscription)->remain_count >= M_REMAINS - 1;
    default: return false;
    }
}

/* A field that is right in itself, and not now. */
static bool
is_field_wrong(struct model *m, struct m_scope *s, const struct about *a, const struct m_order *o, const struct m_customer *c)
{
    int command = m->message.block->code;

    if (a->is_order && a->has_order && a->reference.data != NULL) return true;
    switch (command) {
    case PD_COMMAND_release_customer:
        return c != NULL && !has_reason(c, m_print(((const struct pd_release_customer *)m->message.body)->reason));
    default: return some_item_is(s, a, o, o != NULL ? o->customer : m_print(a->customer), PD_E_invalid_field);
    }
}

/* To give up means to abandon after a failed clean-up, and only then. */
static bool
is_abandoned_wrongly(struct model *m, const struct m_order *o, bool cleaned)
{
    if (m->message.block->code != PD_COMMAND_give_up || o == NULL) return false;
    bool abandons = ((const struct pd_give_up *)m->message.body)->abandon;
    return (o->state == PD_order_state_cleanup_failed) == cleaned && abandons != cleaned;
}

static bool
is_task_closed(struct model *m, struct m_scope *s, const struct about *a)
{
    struct m_work w;
    bool         again = m->message.block->code == PD_COMMAND_retry_task; /* takes a removal that has failed */

    return a->has_task && !a->is_report && m_work_of(s, a->task, &w) && !m_is_open(w.slot) &&
           !(again && w.subscription != NULL && w.subscription->remain_count > 0);
}

/* What depends on more than one thing. */
static bool
is_one_of_many(struct model *m, struct m_scope *s, const struct about *a, const struct m_order *o, const struct m_customer *c,
               int code)
{
    int command = m->message.block->code;

    if (command == PD_COMMAND_import_subscription) return is_import_wrong(s, m->message.body, code);
    if (command == PD_COMMAND_correct_item && is_correction_wrong(s, m->message.body, o, code)) return true;
    if (code == PD_E_invalid_field) return is_field_wrong(m, s, a, o, c);
    if (code == PD_E_domain_taken && command == PD_COMMAND_confirm_order)
        return o != NULL && !m_domains_free(s, o, o->customer, o->items, o->count);
    if (code == PD_E_plan_not_found && command == PD_COMMAND_put_period)
        return m_plan(s, ((const struct pd_put_period *)m->message.body)->plan) == NULL;
    return some_item_is(s, a, o, o != NULL ? o->customer : m_print(a->customer), code);
}

bool
m_is_right(struct model *m, struct m_scope *s, int code)
{
    const struct pd_request *envelope = &m->message.envelope;
    struct about             a = look(m);
    struct m_order          *o = order_of(s, &a);
    struct m_customer       *c = a.customer.data == NULL ? NULL : m_customer(s, a.customer);
    int                      command = m->message.block->code;
    uint64_t                 version;
    struct m_work            w;

    for (size_t i = 0; i < s->customer_count && o != NULL; i++)
        if (s->customers[i].id == o->customer) c = &s->customers[i];
    switch (code) {
    case PD_E_version_conflict: return envelope->has_expect && m_version_of(m, s, &version) && version != envelope->expect;
    case PD_E_order_not_found: return a.is_order && o == NULL;
    case PD_E_missing_field:
        return (a.is_order && !a.has_order && a.reference.data == NULL) || is_one_of_many(m, s, &a, o, c, code);
    case PD_E_customer_not_found: return a.customer.data != NULL && c == NULL;
    case PD_E_subscription_not_found: return a.has_subscription && a.subscription > s->subscription_count;
    case PD_E_task_not_found: return a.has_task && !m_work_of(s, a.task, &w);
    case PD_E_reference_taken: return command == PD_COMMAND_add_order && m_order(s, 0, a.reference) != NULL;
    case PD_E_illegal_transition: return o != NULL && command != PD_COMMAND_add_note && !m_takes(o->state, command);
    case PD_E_customer_on_hold: return c != NULL && m_on_hold(c);
    case PD_E_total_mismatch: return command == PD_COMMAND_confirm_order && o != NULL && is_mistaken(m->message.body, o);
    case PD_E_stale_lease: return a.is_report && is_stale(m, s, &a);
    case PD_E_task_closed: return is_task_closed(m, s, &a);
    case PD_E_task_not_waiting:
        return command == PD_COMMAND_retry_task && m_work_of(s, a.task, &w) && m_is_open(w.slot) && w.slot->next_try == 0;
    case PD_E_task_not_leased:
        return command == PD_COMMAND_release_task && m_work_of(s, a.task, &w) && m_is_open(w.slot) &&
               w.slot->state != PD_task_state_leased;
    case PD_E_abandon_required: return is_abandoned_wrongly(m, o, true);
    case PD_E_nothing_to_abandon: return is_abandoned_wrongly(m, o, false);
    case PD_E_not_removable: return command == PD_COMMAND_end_subscription && is_not_removable(s, m->message.body);
    case PD_E_nothing_completed:
        return command == PD_COMMAND_accept_partial && o != NULL && m_count_items(o, PD_item_state_completed) == 0;
    case PD_E_subscriber_not_found:
    case PD_E_position_out_of_range: return m_is_skip_wrong(m, s, code);
    case PD_E_too_large: return command == PD_COMMAND_hold_customer && c != NULL && c->hold_count == PD_REASONS_MAX;
    default: return is_one_of_many(m, s, &a, o, c, code);
    }
}
