#include "engine/index/keys.h"

static size_t
order_keys(const struct pd_order *o, uint64_t *prints)
{
    size_t n = 0;
    prints[n++] = index_number_print(INDEX_order, o->scope, o->order);
    prints[n++] = index_text_print(INDEX_reference, o->scope, o->reference);
    for (size_t i = 0; i < o->items_count; i++) {
        const struct pd_order_item *item = &o->items[i];
        if (item->claims) prints[n++] = index_text_print(INDEX_domain, o->scope, item->domain);
        if (item->has_task) prints[n++] = index_number_print(INDEX_task, o->scope, item->task);
    }
    return n;
}

static size_t
subscription_keys(const struct pd_subscription *s, uint64_t *prints)
{
    size_t n = 0;
    prints[n++] = index_number_print(INDEX_subscription, s->scope, s->subscription);
    if (s->has_task) prints[n++] = index_number_print(INDEX_task, s->scope, s->task);
    if (s->reference.data != NULL) prints[n++] = index_text_print(INDEX_import, s->scope, s->reference);
    if (s->claims) prints[n++] = index_text_print(INDEX_import_domain, s->scope, s->domain);
    return n;
}

/* Two items of an order may claim one domain. */
static size_t
each_once(uint64_t *prints, size_t count)
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        size_t before = 0;
        while (before < n && prints[before] != prints[i]) before++;
        if (before == n) prints[n++] = prints[i];
    }
    return n;
}

size_t
index_keys(int row_code, const void *row, uint64_t ret_prints[INDEX_KEYS_MAX])
{
    switch (row_code) {
    case PD_ROW_order: {
        size_t n = order_keys(row, ret_prints);
        return ((const struct pd_order *)row)->items_count > 1 ? each_once(ret_prints, n) : n;
    }
    case PD_ROW_reseller: {
        const struct pd_reseller *r = row;
        ret_prints[0] = index_text_print(INDEX_reseller, 0, r->reseller);
        return 1;
    }
    case PD_ROW_customer: {
        const struct pd_customer *c = row;
        ret_prints[0] = index_text_print(INDEX_customer, c->scope, c->customer);
        return 1;
    }
    case PD_ROW_plan: {
        const struct pd_plan *p = row;
        ret_prints[0] = index_text_print(INDEX_plan, p->scope, p->plan);
        return 1;
    }
    case PD_ROW_key: {
        const struct pd_key *k = row;
        ret_prints[0] = index_text_print(INDEX_key, 0, k->key);
        return 1;
    }
    case PD_ROW_subscription: return subscription_keys(row, ret_prints);
    case PD_ROW_task: {
        const struct pd_task *t = row;
        ret_prints[0] = index_number_print(INDEX_open_task, t->scope, t->task);
        return 1;
    }
    default: return 0;
    }
}
