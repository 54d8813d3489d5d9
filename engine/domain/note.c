/* note.c - what people write beside an order, a customer or a subscription: taken in every state, and changing nothing. */
#include "engine/domain/support.h"

/* ---- rules --------------------------------------------------------------------------------------------------------- */

static bool
names_one_thing(const struct pd_add_note *c, struct decision *out)
{
    int named = c->has_order + (c->reference.data != NULL) + (c->customer.data != NULL) + c->has_subscription;

    if (named == 1) return true;
    if (named == 0) refuse(out, pd_refuse_field(PD_E_missing_field, NULL, "order"));
    else
        refuse(out, pd_refuse_field(PD_E_invalid_field, "order, reference, customer or subscription, one of the four", "%s",
                                    c->has_subscription         ? "subscription"
                                    : c->customer.data != NULL ? "customer"
                                                               : "reference"));
    return false;
}

static void
note_order(const struct view *view, const struct pd_add_note *c, struct decision *out)
{
    const struct pd_order *order = find_order(view, &c->reference, c->has_order, c->order, out);

    if (order == NULL) return;
    *EMIT(out, note_added) = (struct pd_note_added){
        .order = order->order,
        .reference = order->reference,
        .text = c->text,
        .previous_state = order->state,
        .state = order->state,
    };
}

static void
note_subscription(const struct view *view, const struct pd_add_note *c, struct decision *out)
{
    const struct pd_subscription *subscription = view->subscription(view->ctx, c->subscription);

    if (subscription == NULL) {
        refuse(out, pd_refuse_field(PD_E_subscription_not_found, NULL, "subscription"));
        return;
    }
    if (!meets_expectation(view, subscription->version, out)) return;
    *EMIT(out, subscription_note_added) =
        (struct pd_subscription_note_added){.subscription = subscription->subscription, .text = c->text};
}

void
decide_add_note(const struct view *view, const struct pd_add_note *c, struct decision *out)
{
    if (!names_one_thing(c, out)) return;
    if (c->has_subscription) note_subscription(view, c, out);
    else if (c->customer.data == NULL) note_order(view, c, out);
    else if (find_customer(view, c->customer, out) != NULL)
        *EMIT(out, customer_note_added) = (struct pd_customer_note_added){.customer = c->customer, .text = c->text};
}

/* ---- folds --------------------------------------------------------------------------------------------------------- */

/* Beyond the version, which the engine counts, a row does not know of its notes: they stand in the history. */
void
evolve_note_added__order(struct pd_order *row, const struct pd_note_added *e, const struct fold *f)
{
    (void)row;
    (void)e;
    (void)f;
}

void
evolve_customer_note_added__customer(struct pd_customer *row, const struct pd_customer_note_added *e, const struct fold *f)
{
    (void)row;
    (void)e;
    (void)f;
}

void
evolve_subscription_note_added__subscription(struct pd_subscription *row, const struct pd_subscription_note_added *e,
                                             const struct fold *f)
{
    (void)row;
    (void)e;
    (void)f;
}
