#include "engine/domain/support.h"

#include "engine/domain/transitions.h"

bool
meets_expectation(const struct view *view, uint64_t version, struct decision *out)
{
    if (!view->has_expect || view->expect == version) return true;
    struct pd_refusal r = pd_refuse_field(PD_E_version_conflict, NULL, "expect");
    r.version = version;
    refuse(out, r);
    return false;
}

bool
names_one_order(bool has_order, struct pd_text reference, struct pd_refusal *ret_refusal)
{
    if (has_order != (reference.data != NULL)) return true;
    *ret_refusal = has_order ? pd_refuse_field(PD_E_invalid_field, "order or reference, one of the two", "reference")
                             : pd_refuse_field(PD_E_missing_field, NULL, "order");
    return false;
}

const struct pd_order *
find_order(const struct view *view, const struct pd_text *reference, bool has_order, uint64_t number,
           struct decision *out)
{
    const struct pd_order *order;

    if (!names_one_order(has_order, *reference, &out->refusal)) return NULL;
    order = has_order ? view->order(view->ctx, number) : view->order_by_reference(view->ctx, *reference);
    if (order == NULL) {
        refuse(out, pd_refuse_field(PD_E_order_not_found, NULL, has_order ? "order" : "reference"));
        return NULL;
    }
    return meets_expectation(view, order->version, out) ? order : NULL;
}

const struct pd_order *
find_movable_order(const struct view *view, enum pd_command_code command, const struct pd_text *reference,
                   bool has_order, uint64_t number, struct decision *out)
{
    const struct pd_order *order = find_order(view, reference, has_order, number, out);

    if (order == NULL || takes_command(order->state, command)) return order;
    struct pd_refusal r = pd_refuse(PD_E_illegal_transition);
    r.state = order->state;
    r.command = (int)command;
    r.allowed = allowed_commands(order->state);
    refuse(out, r);
    return NULL;
}

const struct pd_customer *
find_customer(const struct view *view, struct pd_text id, struct decision *out)
{
    const struct pd_customer *customer = view->customer(view->ctx, id);

    if (customer == NULL) {
        refuse(out, pd_refuse_field(PD_E_customer_not_found, NULL, "customer"));
        return NULL;
    }
    return meets_expectation(view, customer->version, out) ? customer : NULL;
}

struct pd_order_item *
item_numbered(const struct pd_order *order, uint64_t item)
{
    return item >= 1 && item <= order->items_count ? &order->items[item - 1] : NULL;
}
