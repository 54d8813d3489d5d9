/* customer.c - accounts, and their holds: a set of reasons. */
#include "engine/domain/rules.h"
#include "engine/domain/support.h"

void
decide_put_customer(const struct view *view, const struct pd_put_customer *c, struct decision *out)
{
    const struct pd_customer *customer = view->customer(view->ctx, c->customer);

    if (!meets_expectation(view, customer == NULL ? 0 : customer->version, out)) return;
    *EMIT(out, customer_put) = (struct pd_customer_put){.customer = c->customer, .name = c->name, .email = c->email};
}

static size_t
find_reason(const struct pd_customer *customer, struct pd_text reason)
{
    size_t i = 0;
    while (i < customer->holds_count && !pd_text_equal(customer->holds[i], reason)) i++;
    return i;
}

void
decide_hold_customer(const struct view *view, const struct pd_hold_customer *c, struct decision *out)
{
    const struct pd_customer *customer = find_customer(view, c->customer, out);

    if (customer == NULL) return;
    if (find_reason(customer, c->reason) == customer->holds_count && customer->holds_count == PD_REASONS_MAX) {
        refuse(out, pd_refuse_field(PD_E_too_large, NULL, "reason"));
        return;
    }
    *EMIT(out, customer_held) = (struct pd_customer_held){.customer = c->customer, .reason = c->reason};
}

void
decide_release_customer(const struct view *view, const struct pd_release_customer *c, struct decision *out)
{
    const struct pd_customer *customer = find_customer(view, c->customer, out);

    if (customer == NULL) return;
    if (find_reason(customer, c->reason) == customer->holds_count) {
        refuse(out, pd_refuse_field(PD_E_invalid_field, "one of the customer's reasons to hold", "reason"));
        return;
    }
    *EMIT(out, customer_released) = (struct pd_customer_released){.customer = c->customer, .reason = c->reason};
}

void
evolve_customer_put__customer(struct pd_customer *row, const struct pd_customer_put *e, const struct fold *f)
{
    (void)f;
    row->customer = e->customer;
    row->name = e->name;
    row->email = e->email;
    if (row->status == PD_customer_status_absent) row->status = PD_customer_status_active;
}

void
evolve_customer_held__customer(struct pd_customer *row, const struct pd_customer_held *e, const struct fold *f)
{
    row->status = PD_customer_status_on_hold;
    if (find_reason(row, e->reason) < row->holds_count) return;
    struct pd_text *holds = PD_ARENA_ARRAY(f->arena, struct pd_text, row->holds_count + 1);
    for (size_t i = 0; i < row->holds_count; i++) holds[i] = row->holds[i];
    holds[row->holds_count++] = e->reason;
    row->holds = holds;
}

void
evolve_customer_released__customer(struct pd_customer *row, const struct pd_customer_released *e, const struct fold *f)
{
    (void)f;
    for (size_t i = find_reason(row, e->reason); i + 1 < row->holds_count; i++) row->holds[i] = row->holds[i + 1];
    row->holds_count--;
    if (row->holds_count == 0) row->status = PD_customer_status_active;
}
