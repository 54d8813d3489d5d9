/* orders.c - where orders are found, and how many there are. */
#include "engine/views/view.h"

void
view_orders(struct view_keys *keys, const void *row)
{
    view_begin(keys, VIEW_orders, ((const struct pd_order *)row)->scope);
    view_emit(keys);
}

void
view_orders_by_customer(struct view_keys *keys, const void *row)
{
    const struct pd_order *o = row;
    struct view_key       *key = view_begin(keys, VIEW_orders_by_customer, o->scope);
    view_key_text(key, o->customer);
    view_emit(keys);
}

void
view_orders_by_state(struct view_keys *keys, const void *row)
{
    const struct pd_order *o = row;
    struct view_key       *key = view_begin(keys, VIEW_orders_by_state, o->scope);
    view_key_number(key, o->state, 1);
    view_emit(keys);
}

void
view_orders_by_plan(struct view_keys *keys, const void *row)
{
    const struct pd_order *o = row;
    for (size_t i = 0; i < o->items_count; i++) {
        struct view_key *key = view_begin(keys, VIEW_orders_by_plan, o->scope);
        view_key_text(key, o->items[i].plan);
        view_emit(keys);
    }
}

void
view_orders_by_domain(struct view_keys *keys, const void *row)
{
    const struct pd_order *o = row;
    for (size_t i = 0; i < o->items_count; i++) {
        struct view_key *key = view_begin(keys, VIEW_orders_by_domain, o->scope);
        if (o->items[i].domain.data == NULL) continue;
        view_key_text(key, o->items[i].domain);
        view_emit(keys);
    }
}

void
view_orders_by_reference(struct view_keys *keys, const void *row)
{
    const struct pd_order *o = row;
    struct view_key       *key = view_begin(keys, VIEW_orders_by_reference, o->scope);
    view_key_text(key, o->reference);
    view_emit(keys);
}

void
view_orders_by_change(struct view_keys *keys, const void *row)
{
    const struct pd_order *o = row;
    struct view_key       *key = view_begin(keys, VIEW_orders_by_change, o->scope);
    view_key_number(key, o->last_scoped, 8);
    view_emit(keys);
}

void
view_order_counts(struct view_keys *keys, const void *row)
{
    const struct pd_order *o = row;
    const struct pd_text   any = {"", 0};
    struct view_key       *key = view_begin(keys, VIEW_order_counts, 0);

    view_key_number(key, o->state, 1);
    view_key_text(key, any);
    view_emit(keys);
    for (size_t i = 0; i <= o->items_count; i++) {
        key = view_begin(keys, VIEW_order_counts, o->scope);
        view_key_number(key, o->state, 1);
        view_key_text(key, i == 0 ? any : o->items[i - 1].plan);
        view_emit(keys);
    }
}

void
view_orders_by_hour(struct view_keys *keys, const void *row)
{
    const struct pd_order *o = row;
    for (size_t i = 0; i < o->items_count; i++) {
        struct view_key *key = view_begin(keys, VIEW_orders_by_hour, o->scope);
        view_key_number(key, o->created / VIEW_HOUR_US, 4);
        view_key_text(key, o->items[i].plan);
        view_emit(keys);
    }
}
