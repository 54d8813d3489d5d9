/* counters.c - how many there are, and how many there were in each hour. */
#include "engine/queries/query.h"
#include "engine/views/operations.h"

/* What is counted stands in groups: the states of orders, the hours. A cursor is the view's place in the query's table, the group,
 * and how many of it were shown. */
struct counting {
    struct queries *q;
    const int      *views;
    size_t          view_count, place; /* which view is read */
    int             group_bytes;
    uint64_t        group, shown; /* the group that is read, and how many of it were seen */
    uint64_t        skip;
    size_t          count;        /* rows of the page */
    bool            full;
    /* Takes what stands in a key behind the view and the scope, and its count. False: it is of no interest. */
    bool (*take)(struct counting *c, int view, struct pd_text columns, uint64_t count);
    void *reply;
};

static bool
see(struct counting *c, struct pd_text columns, uint64_t count)
{
    uint64_t group = view_number(columns.data, c->group_bytes);

    if (group != c->group) c->shown = 0;
    c->group = group;
    if (c->shown++ < c->skip) return true;
    c->skip = 0;
    c->full = c->count == c->q->limit;
    if (c->full) return false;
    c->count += c->take(c, c->views[c->place], columns, count);
    return true;
}

/* Entries of a view from a key on, as long as they are of its scope. */
static bool
read_view(struct counting *c, struct view_key from)
{
    struct queries      *q = c->q;
    struct store_cursor *cursor = NULL;
    struct store_entry   entry;
    const size_t         prefix = 5; /* view, scope */
    uint64_t             count;
    enum store_error     error = store_cursor_open(q->view.reader, &cursor);

    if (error == STORE_OK) error = store_cursor_seek(cursor, view_key_bytes(&from), &entry);
    while (error == STORE_OK && entry.key.size > prefix && memcmp(entry.key.data, from.bytes, prefix) == 0) {
        struct pd_text value = entry.value, columns = {entry.key.data + prefix, entry.key.size - prefix};
        if (!varint_read(&value, &count)) error = STORE_DAMAGED;
        else if (!see(c, columns, count)) break;
        else error = store_cursor_next(cursor, &entry);
    }
    store_cursor_close(&cursor);
    return is_read(q, error);
}

/* A page of all of them, each from the group `first` on. */
static bool
read_views(struct counting *c, uint64_t scope, uint64_t first)
{
    struct queries *q = c->q;

    c->place = q->has_from ? (size_t)q->from.number : 0;
    c->skip = q->has_from ? q->from.row.item : 0;
    for (uint64_t group = q->has_from ? q->from.row.position : first; c->place < c->view_count && !c->full; group = first) {
        struct view_key key = view_key(c->views[c->place], scope);
        view_key_number(&key, group, c->group_bytes);
        c->group = UINT64_MAX;
        c->shown = 0;
        if (!read_view(c, key)) return false;
        if (c->full) set_next(q, (struct list_place){c->place, {c->group, (uint32_t)(c->shown - 1)}});
        else c->place++;
    }
    return true;
}

/* A text with its zero at the end of a key, in the arena; absent when it is empty. */
static struct pd_text
take_text(struct queries *q, struct pd_text columns, size_t at)
{
    struct pd_text text = {columns.data + at, columns.size - at - 1};
    return text.size == 0 ? (struct pd_text){NULL, 0} : pd_arena_text(&q->arena, text);
}

/* ---- now ----------------------------------------------------------------------------------------------------------- */

static bool
take_counter(struct counting *c, int view, struct pd_text columns, uint64_t count)
{
    struct pd_counters_reply *r = c->reply;
    int                       state = (uint8_t)columns.data[0];
    bool                      order = view == VIEW_order_counts;

    r->counters[r->counters_count++] = (struct pd_counter){
        .of = order ? PD_aggregate_order : PD_aggregate_subscription, .plan = take_text(c->q, columns, 1), .count = count,
        .name = order ? PD_NAME(order_state, state) : PD_NAME(subscription_status, state)};
    return true;
}

void *
list_counters(struct queries *q)
{
    static const int               views[] = {VIEW_order_counts, VIEW_subscription_counts};
    const struct pd_list_counters *m = q->message->body;
    struct pd_counters_reply      *r = PD_ARENA_NEW(&q->arena, struct pd_counters_reply);
    struct counting c = {.q = q, .views = views, .view_count = 2, .group_bytes = 1, .take = take_counter, .reply = r};

    r->counters = PD_ARENA_ARRAY(&q->arena, struct pd_counter, q->limit);
    return read_views(&c, m->all ? 0 : q->scope, 0) ? r : NULL;
}

/* ---- by the hour --------------------------------------------------------------------------------------------------- */

/* What an entry of a view counts, behind its hour. */
static struct pd_hour_count
name_count(struct queries *q, int view, struct pd_text columns)
{
    uint64_t number = view_number(columns.data + 4, view == VIEW_subscriptions_by_hour ? 1 : 2);

    switch (view) {
    case VIEW_events_by_hour: {
        const struct pd_block *event = pd_schema_event((int)number);
        return (struct pd_hour_count){.counted = PD_counted_events, .name = pd_text(event != NULL ? event->Name : "?")};
    }
    case VIEW_states_by_hour:
        return (struct pd_hour_count){.counted = (number & 1) != 0 ? PD_counted_left : PD_counted_entered,
                                      .name = PD_NAME(order_state, number >> 8)};
    case VIEW_orders_by_hour: return (struct pd_hour_count){.counted = PD_counted_added, .name = take_text(q, columns, 4)};
    default: break;
    }
    enum pd_counted counted = number == 0 ? PD_counted_begun : PD_counted_ended;
    return (struct pd_hour_count){.counted = counted, .name = take_text(q, columns, 5)};
}

static bool
take_hour(struct counting *c, int view, struct pd_text columns, uint64_t count)
{
    struct pd_hours_reply      *r = c->reply;
    const struct pd_list_hours *m = c->q->message->body;
    struct pd_hour_count        row = name_count(c->q, view, columns);

    row.hour = view_number(columns.data, 4) * VIEW_HOUR_US;
    row.count = count;
    if (m->counted != PD_counted_absent && m->counted != row.counted) return false;
    if (m->has_until && row.hour >= m->until) return false;
    r->hours[r->hours_count++] = row;
    return true;
}

void *
list_hours(struct queries *q)
{
    static const int views[] = {VIEW_events_by_hour, VIEW_states_by_hour, VIEW_orders_by_hour, VIEW_subscriptions_by_hour};
    const struct pd_list_hours *m = q->message->body;
    struct pd_hours_reply      *r = PD_ARENA_NEW(&q->arena, struct pd_hours_reply);
    struct counting c = {.q = q, .views = views, .view_count = 4, .group_bytes = 4, .take = take_hour, .reply = r};

    r->hours = PD_ARENA_ARRAY(&q->arena, struct pd_hour_count, q->limit);
    return read_views(&c, q->scope, m->has_since ? m->since / VIEW_HOUR_US : 0) ? r : NULL;
}
