/* log_pages.c - events: of one thing, along its records; of a reseller or of all, along the lists of their positions. */
#include "engine/log_times.h"
#include "engine/publish.h"
#include "engine/queries/query.h"
#include "proto/check.h"
#include "engine/views/events.h"

/* ---- an event ------------------------------------------------------------------------------------------------------ */

/* A record of the log, in the arena. False: damaged; the query is refused. */
static bool
read_event(struct queries *q, uint64_t position, struct pd_arena *arena, struct pd_text *ret_bytes, struct record *ret_record)
{
    struct store_reader *log = open_log(q);
    bool ok = log != NULL && store_read_record(log, position, arena, ret_bytes) == STORE_OK && record_read(*ret_bytes, ret_record);

    if (!ok) q->refusal = pd_refuse(PD_E_internal), q->log_is_damaged = true;
    return ok;
}

static struct pd_text
reseller_of(struct queries *q, const struct record *r)
{
    struct scope_shown shown = {.id = PD_TEXT("~engine")};

    if (r->header.scope == q->scope) return q->message->envelope.reseller;
    if (r->header.scope > 0) scopes_head(engine_scopes(q->sources.engine), r->header.scope, &q->arena, &shown);
    return shown.id;
}

/* Reads an event onto the page, with the position that it has there (0: its reseller's). False: the page is full, or refused. */
static bool
show_event(struct queries *q, struct pd_events_reply *reply, uint64_t in_log, uint64_t position)
{
    struct pd_text bytes;
    struct record  r;

    if (reply->events_count == q->limit || q->bytes > PD_PAGE_BYTES_MAX) return false;
    if (!read_event(q, in_log, &q->arena, &bytes, &r)) return false;
    struct pd_event_head h = event_head(&r, reseller_of(q, &r), (struct pd_text){NULL, 0});
    reply->events[reply->events_count++] = (struct pd_event_view){
        .position = position > 0 ? position : h.position, .time = h.time, .type = h.type, .reseller = h.reseller,
        .command = h.command, .actor = h.actor, .on_behalf_of = h.on_behalf_of, .trace = h.trace, .version = h.version,
        .data = r.body,
    };
    q->bytes += bytes.size;
    return true;
}

/* ---- of one thing -------------------------------------------------------------------------------------------------- */

/* Which events are wanted of a thing. */
struct wanted {
    const struct pd_read_log *asked; /* NULL: all of them */
    uint64_t                  from, before; /* positions in the reseller's scope, `before` not included */
    bool                      backwards;
};

static bool
is_of_types(const struct pd_read_log *m, int type)
{
    bool any = m->types_count == 0;
    for (size_t i = 0; i < m->types_count && !any; i++) any = pd_text_equal(m->types[i], pd_text(pd_schema_event(type)->Name));
    return any;
}

static bool
is_wanted(const struct wanted *w, const struct record_header *h)
{
    return w->asked == NULL ||
           (h->scope_position >= w->from && h->scope_position < w->before && is_of_types(w->asked, h->type));
}

/* On a page before. */
static bool
was_shown(const struct queries *q, uint64_t position, bool backwards)
{
    return q->has_from && (backwards ? position > q->from.number : position < q->from.number);
}

/* The events of what a row is of: backwards along the records' `previous`, as many steps as it has events, then a page of those
 * that are wanted. A cursor is the reseller's position of the first that was not shown. */
static void *
read_thing(struct queries *q, const struct pd_row_head *head, const struct wanted *w)
{
    struct pd_events_reply *reply = PD_ARENA_NEW(&q->arena, struct pd_events_reply);
    struct event_place     *places = PD_ARENA_ARRAY(&q->arena, struct event_place, head->version + 1);
    size_t                  count = 0;
    struct pd_text          bytes;
    struct record           r;

    reply->events = PD_ARENA_ARRAY(&q->arena, struct pd_event_view, q->limit);
    for (uint64_t p = head->last; p > 0 && count < head->version; p = r.header.previous) {
        pd_arena_reset(&q->scratch);
        if (!read_event(q, p, &q->scratch, &bytes, &r)) return NULL;
        if (is_wanted(w, &r.header)) places[count++] = (struct event_place){r.header.scope_position, p};
    }
    for (size_t i = 0; i < count; i++) {
        const struct event_place *at = &places[w->backwards ? i : count - 1 - i];
        if (was_shown(q, at->position, w->backwards) || show_event(q, reply, at->in_log, 0)) continue;
        if (q->refusal.code == PD_OK) set_next(q, (struct list_place){at->position, {0, 0}});
        break;
    }
    return reply;
}

void *
read_history(struct queries *q, const void *row)
{
    return row == NULL ? NULL : read_thing(q, row, &(struct wanted){.before = UINT64_MAX});
}

/* ---- of many ------------------------------------------------------------------------------------------------------- */

/* Lists that are read as one, in order of position: one for each type that ReadLog may name. */
enum { LISTS_MAX = 16 };
struct merge {
    struct event_list *lists;
    struct event_place next[LISTS_MAX];
    bool               there[LISTS_MAX];
    size_t             count;
    bool               backwards;
};

static bool
advance(struct queries *q, struct merge *m, size_t i)
{
    enum store_error error = event_list_next(&m->lists[i], &m->next[i]);
    m->there[i] = error == STORE_OK;
    return is_read(q, error);
}

static bool
open_merge(struct queries *q, struct merge *m, const struct pd_read_log *asked, uint64_t scope, uint64_t from)
{
    PD_CHECK(asked->types_count <= LISTS_MAX);
    m->lists = PD_ARENA_ARRAY(&q->arena, struct event_list, asked->types_count + 1);
    m->backwards = asked->backwards;
    for (size_t i = 0; i == 0 || i < asked->types_count; i++) {
        int type = 0;
        if (asked->types_count > 0) type = pd_schema_find(PD_BLOCK_event, asked->types[i])->code;
        m->count = i + 1;
        if (!is_read(q, event_list_open(&m->lists[i], q->view.reader, scope, type, from, asked->backwards)) || !advance(q, m, i))
            return false;
    }
    return true;
}

static void
close_merge(struct merge *m)
{
    for (size_t i = 0; i < m->count; i++) event_list_close(&m->lists[i]);
}

/* The list whose turn it is; SIZE_MAX: they are at their end. */
static size_t
next_of(const struct merge *m)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < m->count; i++) {
        if (!m->there[i]) continue;
        bool first = best == SIZE_MAX || m->next[i].position == m->next[best].position ||
                     (m->next[i].position < m->next[best].position) != m->backwards;
        if (first) best = i;
    }
    return best;
}

static bool
read_merged(struct queries *q, struct pd_events_reply *reply, const struct pd_read_log *asked, uint64_t scope, uint64_t from)
{
    struct merge m = {.count = 0};
    bool         ok = open_merge(q, &m, asked, scope, from);

    for (size_t i; ok && (i = next_of(&m)) != SIZE_MAX;) {
        struct event_place at = m.next[i];
        bool               twice = false; /* a type was named twice */
        for (size_t n = 0; n < i; n++) twice = twice || (m.there[n] && m.next[n].position == at.position);
        if (!twice && !show_event(q, reply, at.in_log, at.position)) {
            if (q->refusal.code == PD_OK) set_next(q, (struct list_place){at.position, {0, 0}});
            break;
        }
        ok = advance(q, &m, i);
    }
    close_merge(&m);
    return q->refusal.code == PD_OK;
}

/* The whole log is its own list. */
static bool
read_all(struct queries *q, struct pd_events_reply *reply, uint64_t from, bool backwards)
{
    for (uint64_t p = from; p >= 1 && p <= q->view.position; p = backwards ? p - 1 : p + 1) {
        if (show_event(q, reply, p, p)) continue;
        if (q->refusal.code == PD_OK) set_next(q, (struct list_place){p, {0, 0}});
        break;
    }
    return q->refusal.code == PD_OK;
}

/* ---- ReadLog ------------------------------------------------------------------------------------------------------- */

/* The first of the reseller's positions that is not before one of the log; one behind the last when there is none. */
static bool
find_position(struct queries *q, uint64_t in_log, uint64_t *ret_position)
{
    uint64_t low = 1, high = q->head + 1;

    struct event_list *list = pd_arena_alloc(&q->arena, sizeof *list);
    while (low < high) {
        uint64_t           middle = low + (high - low) / 2;
        struct event_place at = {0, 0};
        enum store_error   error = event_list_open(list, q->view.reader, q->scope, 0, middle, false);
        if (error == STORE_OK) error = event_list_next(list, &at);
        event_list_close(list);
        if (!is_read(q, error)) return false;
        if (error == STORE_OK && at.in_log < in_log) low = middle + 1;
        else high = middle;
    }
    *ret_position = low;
    return true;
}

/* Where it begins: by position, by time, or at an end. */
static bool
find_from(struct queries *q, const struct pd_read_log *m, uint64_t *ret_from)
{
    uint64_t from = m->backwards ? q->head : 1;

    if (m->has_from && m->has_since) {
        q->refusal = pd_refuse_field(PD_E_invalid_field, "from or since, one of the two", "since");
        return false;
    }
    if (m->has_from) from = m->from > 0 || m->backwards ? m->from : 1;
    if (m->has_since) {
        struct store_reader *log = open_log(q);
        if (log == NULL || !is_read(q, log_find_time(log, m->since, &q->scratch, &from))) return false;
        if (!m->all && !find_position(q, from, &from)) return false;
        if (m->backwards) from--;
        else if (from > q->head + 1) from = q->head + 1; /* it is there, and not yet shown */
    }
    if (from > q->head + 1) return refuse_query(q, PD_E_position_out_of_range, "from");
    *ret_from = from;
    return true;
}

static bool
knows_types(struct queries *q, const struct pd_read_log *m)
{
    for (size_t i = 0; i < m->types_count; i++) {
        if (pd_schema_find(PD_BLOCK_event, m->types[i]) != NULL) continue;
        q->refusal = pd_refuse_field(PD_E_invalid_field, "the name of an event, such as OrderCompleted", "types[%zu]", i);
        return false;
    }
    return true;
}

/* The order's or subscription's events; NULL with nothing refused: none is asked for. */
static void *
read_things_log(struct queries *q, const struct pd_read_log *m, uint64_t from)
{
    const struct pd_text absent = {NULL, 0};
    const void          *row = NULL;
    struct wanted        w = {m, m->backwards ? 0 : from, m->backwards ? from + 1 : UINT64_MAX, m->backwards};

    if (m->has_order && m->has_subscription)
        q->refusal = pd_refuse_field(PD_E_invalid_field, "order or subscription, one of the two", "subscription");
    else if ((m->has_order || m->has_subscription) && m->all)
        q->refusal = pd_refuse_field(PD_E_invalid_field, "not with order or subscription: they are a reseller's", "all");
    else if (m->has_order) row = seek_order(q, true, m->order, absent);
    else if (m->has_subscription) row = seek_subscription(q, m->subscription);
    return row != NULL ? read_thing(q, row, &w) : NULL;
}

void *
read_log(struct queries *q)
{
    const struct pd_read_log *m = q->message->body;
    struct pd_events_reply   *reply = PD_ARENA_NEW(&q->arena, struct pd_events_reply);
    uint64_t                  from = 0;

    if (!knows_types(q, m) || !find_from(q, m, &from)) return NULL;
    void *of_thing = read_things_log(q, m, from);
    if (of_thing != NULL || q->refusal.code != PD_OK) return of_thing;
    if (q->has_from) from = q->from.number;
    reply->events = PD_ARENA_ARRAY(&q->arena, struct pd_event_view, q->limit);
    bool ok = m->all && m->types_count == 0 ? read_all(q, reply, from, m->backwards)
                                            : read_merged(q, reply, m, m->all ? EVENTS_OF_ALL : q->scope, from);
    return ok ? reply : NULL;
}
