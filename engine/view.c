#include "engine/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <xxhash.h>

#include "engine/base/calendar.h"
#include "engine/tasks.h"
#include "proto/check.h"

static const struct pd_text absent = {NULL, 0};

static uint64_t
scope_of(const struct lookup *l)
{
    return l->scope == NULL ? 0 : l->scope->reseller.scope;
}

static const struct pd_reseller *
view_find_reseller(void *ctx, struct pd_text id)
{
    const struct lookup *l = ctx;
    return find_row(l->folder, PD_ROW_reseller, INDEX_reseller, 0, 0, id, NULL);
}

static const struct pd_customer *
view_customer(void *ctx, struct pd_text id)
{
    const struct lookup *l = ctx;
    return find_row(l->folder, PD_ROW_customer, INDEX_customer, scope_of(l), 0, id, NULL);
}

static const struct pd_plan *
view_plan(void *ctx, struct pd_text id)
{
    const struct lookup *l = ctx;
    return find_row(l->folder, PD_ROW_plan, INDEX_plan, scope_of(l), 0, id, NULL);
}

static const struct pd_order *
view_order(void *ctx, uint64_t number)
{
    const struct lookup *l = ctx;
    return find_row(l->folder, PD_ROW_order, INDEX_order, scope_of(l), number, absent, NULL);
}

static const struct pd_order *
view_order_by_reference(void *ctx, struct pd_text reference)
{
    const struct lookup *l = ctx;
    return find_row(l->folder, PD_ROW_order, INDEX_reference, scope_of(l), 0, reference, NULL);
}

static const struct pd_order *
view_order_by_task(void *ctx, uint64_t task)
{
    const struct lookup *l = ctx;
    return find_row(l->folder, PD_ROW_order, INDEX_task, scope_of(l), task, absent, NULL);
}

static const struct pd_key *
view_key_of(void *ctx, struct pd_text key)
{
    const struct lookup *l = ctx;
    return find_row(l->folder, PD_ROW_key, INDEX_key, 0, 0, key, NULL);
}

static const struct pd_subscription *
view_subscription(void *ctx, uint64_t number)
{
    const struct lookup *l = ctx;
    return find_row(l->folder, PD_ROW_subscription, INDEX_subscription, scope_of(l), number, absent, NULL);
}

static const struct pd_subscription *
view_subscription_by_task(void *ctx, uint64_t task)
{
    const struct lookup *l = ctx;
    return find_row(l->folder, PD_ROW_subscription, INDEX_task, scope_of(l), task, absent, NULL);
}

static const struct pd_subscription *
view_subscription_by_reference(void *ctx, struct pd_text reference)
{
    const struct lookup *l = ctx;
    return find_row(l->folder, PD_ROW_subscription, INDEX_import, scope_of(l), 0, reference, NULL);
}

enum { CLAIMS_FEW = 8 };

/* The rows that may hold a domain; *keys has room for a few, and is made anew for more. */
static size_t
find_claims(const struct lookup *l, enum index_kind kind, struct pd_text domain, struct row_key **keys)
{
    uint64_t print = index_text_print(kind, scope_of(l), domain);
    size_t   count = index_find(l->folder->index, print, *keys, CLAIMS_FEW);

    if (count <= CLAIMS_FEW) return count;
    *keys = PD_ARENA_ARRAY(l->folder->arena, struct row_key, count);
    return index_find(l->folder->index, print, *keys, count);
}

static void
visit_order(const struct pd_order *o, struct pd_text domain, claim_visit *visit, void *arg)
{
    for (size_t n = 0; n < o->items_count; n++) {
        const struct pd_order_item *item = &o->items[n];
        struct claim claim = {.customer = o->customer, .category = item->category, .domain = item->domain,
                              .policy = item->domain_policy, .order = o->order, .item = item->item};
        if (item->claims && pd_text_equal(item->domain, domain)) visit(arg, &claim);
    }
}

static void
view_each_claim(void *ctx, struct pd_text domain, claim_visit *visit, void *arg)
{
    const struct lookup *l = ctx;
    struct row_key       few[CLAIMS_FEW], *keys = few;
    size_t               count = find_claims(l, INDEX_domain, domain, &keys);

    for (size_t i = 0; i < count; i++) {
        const struct pd_order *o = rows_get(l->folder->rows, PD_ROW_order, keys[i]);
        if (o != NULL && o->scope == scope_of(l)) visit_order(o, domain, visit, arg);
    }
    keys = few;
    count = find_claims(l, INDEX_import_domain, domain, &keys);
    for (size_t i = 0; i < count; i++) {
        const struct pd_subscription *s = rows_get(l->folder->rows, PD_ROW_subscription, keys[i]);
        if (s == NULL || s->scope != scope_of(l) || !s->claims || !pd_text_equal(s->domain, domain)) continue;
        struct claim claim = {.customer = s->customer, .category = s->category, .domain = s->domain, .policy = s->domain_policy};
        visit(arg, &claim);
    }
}

static uint64_t
view_next_number(void *ctx, enum number_kind kind)
{
    const struct lookup *l = ctx;
    return l->scope->last[kind] + 1;
}

static struct pd_text
view_new_instance(void *ctx, uint64_t item)
{
    const struct lookup *l = ctx;
    char                *text = pd_arena_alloc(l->folder->arena, 33);
    struct {
        uint8_t  log[PD_LOG_ID_BYTES];
        uint64_t position, item;
    } seed = {.position = l->next_position, .item = item};

    memcpy(seed.log, l->log_id, sizeof seed.log);
    XXH128_hash_t h = XXH3_128bits(&seed, sizeof seed);
    for (int i = 0; i < 32; i++) text[i] = "0123456789abcdef"[(i < 16 ? h.high64 : h.low64) >> (60 - 4 * (i % 16)) & 15];
    return (struct pd_text){text, 32};
}

static pd_time_us
view_expiry(void *ctx, struct pd_text zone, pd_time_us anchor, uint64_t n, struct pd_text period)
{
    struct lookup      *l = ctx;
    struct expiry_memo *m = l->expiry;

    /* Within a turn time stands still, and most subscriptions are of the same few periods: the calendar is asked once. */
    if (m->anchor == anchor && m->n == n && pd_text_equal((struct pd_text){m->zone, m->zone_size}, zone) &&
        pd_text_equal((struct pd_text){m->period, m->period_size}, period))
        return m->result;
    *m = (struct expiry_memo){.anchor = anchor, .n = n, .result = calendar_expiry(zone, anchor, n, period)};
    PD_CHECK(zone.size <= sizeof m->zone && period.size <= sizeof m->period);
    memcpy(m->zone, zone.data, m->zone_size = zone.size);
    memcpy(m->period, period.data, m->period_size = period.size);
    return m->result;
}

static struct pd_text
view_group_trouble(void *ctx, struct pd_text group, enum pd_operation operation)
{
    const struct lookup *l = ctx;
    uint64_t             since_ms;
    char                 text[128], when[32];
    struct tm            tm;

    if (l->tasks == NULL || tasks_group_served(l->tasks, group, operation, &since_ms)) return absent;
    /* Subtracted before it is cut to seconds, or what is told would waver between two of them. */
    uint64_t ago_ms = l->monotonic_ms > since_ms ? l->monotonic_ms - since_ms : 0;
    time_t   since = (time_t)((l->now - ago_ms * 1000) / 1000000);
    gmtime_r(&since, &tm);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &tm);
    snprintf(text, sizeof text, "no worker for group %.*s since %s", (int)group.size, group.data, when);
    return pd_arena_text(l->folder->arena, pd_text(text));
}

struct view
view_over(struct lookup *lookup)
{
    return (struct view){
        .ctx = lookup,
        .now = lookup->now,
        .reseller = lookup->scope == NULL ? NULL : &lookup->scope->reseller,
        .find_reseller = view_find_reseller,
        .key = view_key_of,
        .customer = view_customer,
        .plan = view_plan,
        .order = view_order,
        .order_by_reference = view_order_by_reference,
        .order_by_task = view_order_by_task,
        .subscription = view_subscription,
        .subscription_by_task = view_subscription_by_task,
        .subscription_by_reference = view_subscription_by_reference,
        .each_claim = view_each_claim,
        .next_number = view_next_number,
        .new_instance = view_new_instance,
        .expiry = view_expiry,
        .group_trouble = view_group_trouble,
    };
}
