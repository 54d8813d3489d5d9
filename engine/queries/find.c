/* find.c - the search: customers, orders and subscriptions by what people know of them.
 *
 * It has four parts. First what has the text as its whole id, number or reference: looked up. Then, a table after the other and
 * each oldest first, what has it as a part of a text: searched through, in bounded pages. What the first part has shown is left out
 * of the others. */
#include "engine/queries/query.h"
#include "proto/check.h"

enum { EXACT, CUSTOMERS, ORDERS, SUBSCRIPTIONS, PARTS };

/* A cursor's number is the part; of the first one its row's position is how many were shown. */
enum { EXACT_MAX = 4 };

static struct pd_text
wanted_text(const struct queries *q)
{
    return ((const struct pd_find *)q->message->body)->text;
}

/* The text as a number; 0: it is none. */
static uint64_t
wanted_number(const struct queries *q)
{
    struct pd_text text = wanted_text(q);
    uint64_t       number = 0;

    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || number > (INT64_MAX - 9) / 10) return 0;
        number = number * 10 + (uint64_t)(text.data[i] - '0');
    }
    return number;
}

/* ---- what matches -------------------------------------------------------------------------------------------------- */

static enum pd_matched
match_customer(struct queries *q, const struct pd_customer *c)
{
    if (has_needle(q, c->customer)) return PD_matched_customer;
    return has_needle(q, c->name) ? PD_matched_name : PD_matched_absent;
}

/* The item whose domain has the text, in either spelling; else NULL. */
static const struct pd_order_item *
match_item(struct queries *q, const struct pd_order *o)
{
    for (size_t i = 0; i < o->items_count; i++)
        if (has_needle(q, o->items[i].domain_unicode) || has_needle(q, o->items[i].domain)) return &o->items[i];
    return NULL;
}

static enum pd_matched
match_order(struct queries *q, const struct pd_order *o)
{
    if (o->order == wanted_number(q)) return PD_matched_order;
    if (has_needle(q, o->reference)) return PD_matched_reference;
    return match_item(q, o) != NULL ? PD_matched_domain : PD_matched_absent;
}

static enum pd_matched
match_subscription(struct queries *q, const struct pd_subscription *s)
{
    if (s->subscription == wanted_number(q)) return PD_matched_subscription;
    return has_needle(q, s->domain_unicode) || has_needle(q, s->domain) ? PD_matched_domain : PD_matched_absent;
}

static bool
takes_found_customer(struct queries *q, const void *row)
{
    const struct pd_customer *c = row;
    return !pd_text_equal(c->customer, wanted_text(q)) && match_customer(q, c) != PD_matched_absent;
}

static bool
takes_found_order(struct queries *q, const void *row)
{
    const struct pd_order *o = row;
    bool exact = o->order == wanted_number(q) || pd_text_equal(o->reference, wanted_text(q));
    return !exact && match_order(q, o) != PD_matched_absent;
}

static bool
takes_found_subscription(struct queries *q, const void *row)
{
    const struct pd_subscription *s = row;
    return s->subscription != wanted_number(q) && match_subscription(q, s) != PD_matched_absent;
}

/* ---- what is told of it -------------------------------------------------------------------------------------------- */

/* A customer that is missing has refused the query. */
static struct pd_found
describe_owner(const struct pd_customer *c, enum pd_aggregate kind)
{
    if (c == NULL) return (struct pd_found){.kind = kind};
    return (struct pd_found){.kind = kind, .customer = c->customer, .name = c->name, .customer_status = c->status};
}

static struct pd_found
describe_customer(struct queries *q, const void *row)
{
    struct pd_found found = describe_owner(row, PD_aggregate_customer);
    found.matched = match_customer(q, row);
    return found;
}

static struct pd_found
describe_order(struct queries *q, const void *row)
{
    const struct pd_order *o = row;
    struct pd_found        found = describe_owner(seek_customer(q, o->customer), PD_aggregate_order);

    found.order = o->order;
    found.has_order = true;
    found.reference = o->reference;
    found.state = o->state;
    found.matched = match_order(q, o);
    const struct pd_order_item *item = found.matched == PD_matched_domain ? match_item(q, o) : NULL;
    for (size_t i = 0; item == NULL && i < o->items_count; i++)
        if (o->items[i].domain.data != NULL) item = &o->items[i];
    if (item != NULL) found.domain = item->domain_unicode;
    return found;
}

static struct pd_found
describe_subscription(struct queries *q, const void *row)
{
    const struct pd_subscription *s = row;
    struct pd_found               found = describe_owner(seek_customer(q, s->customer), PD_aggregate_subscription);

    found.order = s->order;
    found.subscription = s->subscription;
    found.has_order = found.has_subscription = true;
    found.plan_name = s->plan_name;
    found.status = s->status;
    found.domain = s->domain_unicode;
    found.matched = match_subscription(q, s);
    return found;
}

static const struct part {
    int        view, row_code;
    takes_row *takes;
    struct pd_found (*describe)(struct queries *q, const void *row);
} parts[PARTS] = {
    [CUSTOMERS] = {VIEW_customers, PD_ROW_customer, takes_found_customer, describe_customer},
    [ORDERS] = {VIEW_orders, PD_ROW_order, takes_found_order, describe_order},
    [SUBSCRIPTIONS] = {VIEW_subscriptions, PD_ROW_subscription, takes_found_subscription, describe_subscription},
};

/* ---- the search ---------------------------------------------------------------------------------------------------- */

static void
show(struct queries *q, struct pd_find_reply *reply, int part, const void *row)
{
    pd_arena_reset(&q->scratch);
    reply->found[reply->found_count++] = parts[part].describe(q, row);
    q->limit--;
}

/* The first part, from its n-th on. */
static void
find_exact(struct queries *q, struct pd_find_reply *reply, size_t n)
{
    const struct pd_text absent = {NULL, 0};
    uint64_t             number = wanted_number(q);
    struct {
        int         part;
        const void *row;
    } exact[EXACT_MAX] = {
        {CUSTOMERS, find_row(&q->folder, PD_ROW_customer, INDEX_customer, q->scope, 0, wanted_text(q), NULL)},
        {ORDERS, find_row(&q->folder, PD_ROW_order, INDEX_order, q->scope, number, absent, NULL)},
        {ORDERS, find_row(&q->folder, PD_ROW_order, INDEX_reference, q->scope, 0, wanted_text(q), NULL)},
        {SUBSCRIPTIONS, find_row(&q->folder, PD_ROW_subscription, INDEX_subscription, q->scope, number, absent, NULL)},
    };

    if (exact[2].row == exact[1].row) exact[2].row = NULL;
    if (q->rows.damaged) q->refusal = pd_refuse(PD_E_internal);
    for (; n < EXACT_MAX && q->refusal.code == PD_OK; n++) {
        if (exact[n].row == NULL) continue;
        if (q->limit == 0) {
            set_next(q, (struct list_place){EXACT, {n, 0}});
            return;
        }
        show(q, reply, exact[n].part, exact[n].row);
    }
}

void *
find_things(struct queries *q)
{
    struct pd_find_reply *reply = PD_ARENA_NEW(&q->arena, struct pd_find_reply);
    struct list_place     from = {0, q->from.row};
    int                   part = q->has_from ? (int)q->from.number : EXACT;

    reply->found = PD_ARENA_ARRAY(&q->arena, struct pd_found, q->limit);
    if (part == EXACT) {
        find_exact(q, reply, q->has_from ? from.row.position : 0);
        from.row = (struct row_key){0, 0};
        part = CUSTOMERS;
    }
    for (; part < PARTS && !q->has_next && q->refusal.code == PD_OK; part++) {
        struct page page;
        size_t      count;
        begin_page(q, &page, false, false);
        page.list.from = from;
        list_add(&page.list, scope_key(q, parts[part].view));
        const char *rows = read_page(q, &page, parts[part].row_code, parts[part].takes, &count);
        q->next.number = (uint64_t)part;
        for (size_t i = 0; i < count; i++) show(q, reply, part, rows + i * pd_schema_row(parts[part].row_code)->size);
        from.row = (struct row_key){0, 0};
    }
    return reply;
}
