#include "engine/fold.h"

#include <pthread.h>

#include "engine/index/keys.h"
#include "engine/tasks.h"
#include "engine/waits.h"
#include "proto/check.h"

enum { CANDIDATES = 16 };

/* ---- finding rows -------------------------------------------------------------------------------------------------- */

/* Whether the row is the one that the number or name is of: a fingerprint alone proves nothing. */
static bool
is_it(int row_code, const void *row, enum index_kind kind, uint64_t scope, uint64_t number, struct pd_text text)
{
    const struct pd_row_head *head = row;

    if (kind != INDEX_reseller && head->scope != scope) return false;
    switch (row_code) {
    case PD_ROW_reseller: return pd_text_equal(((const struct pd_reseller *)row)->reseller, text);
    case PD_ROW_customer: return pd_text_equal(((const struct pd_customer *)row)->customer, text);
    case PD_ROW_plan: return pd_text_equal(((const struct pd_plan *)row)->plan, text);
    case PD_ROW_key: return pd_text_equal(((const struct pd_key *)row)->key, text);
    case PD_ROW_task: return ((const struct pd_task *)row)->task == number;
    case PD_ROW_subscription: {
        const struct pd_subscription *s = row;
        if (kind == INDEX_import) return pd_text_equal(s->reference, text);
        return kind == INDEX_task ? s->has_task && s->task == number : s->subscription == number;
    }
    default: break;
    }
    const struct pd_order *order = row;
    if (kind == INDEX_order) return order->order == number;
    if (kind == INDEX_reference) return pd_text_equal(order->reference, text);
    for (size_t i = 0; i < order->items_count; i++)
        if (order->items[i].has_task && order->items[i].task == number) return true;
    return false;
}

void *
find_row(const struct folder *f, int row_code, enum index_kind kind, uint64_t scope, uint64_t number,
         struct pd_text text, struct row_key *ret_key)
{
    struct row_key keys[CANDIDATES];
    void          *recent = rows_recent(f->rows, row_code, &keys[0]);

    /* The same rows are asked for again and again. */
    if (recent != NULL && is_it(row_code, recent, kind, scope, number, text)) {
        if (ret_key != NULL) *ret_key = keys[0];
        return recent;
    }
    uint64_t print = text.data != NULL ? index_text_print(kind, scope, text) : index_number_print(kind, scope, number);
    struct row_key *found = rows_recall(f->rows, print);
    if (found != NULL) {
        void *row = rows_get(f->rows, row_code, *found);
        if (row != NULL && is_it(row_code, row, kind, scope, number, text)) {
            if (ret_key != NULL) *ret_key = *found;
            return row;
        }
    }
    size_t n = f->shared ? index_find_shared(f->index, print, keys, CANDIDATES) : index_find(f->index, print, keys, CANDIDATES);
    for (size_t i = 0; i < n && i < CANDIDATES; i++) {
        void *row = rows_get(f->rows, row_code, keys[i]);
        if (row == NULL || !is_it(row_code, row, kind, scope, number, text)) continue;
        if (ret_key != NULL) *ret_key = keys[i];
        rows_remember(f->rows, print, keys[i]);
        return row;
    }
    return NULL;
}

/* ---- addressing ---------------------------------------------------------------------------------------------------- */

/* Where an event, or an element of its list, says which row it touches: offsets of the fields, looked up once. */
struct address_plan {
    int    row_code;
    bool   by_number;
    size_t key;   /* the row's own number or id */
    size_t item;  /* of what is made of an item; SIZE_MAX: of none */
    size_t has;   /* whether the event, or the list's element, names a row; SIZE_MAX: always */
    size_t list, count; /* in the event; SIZE_MAX: the event itself names the row */
    const struct pd_block *element;
};

enum { TOUCHES_MAX = 4 };
struct event_plan {
    size_t              count;
    struct address_plan touches[TOUCHES_MAX];
};

static struct event_plan plans[PD_EVENT_CODES];
static pthread_once_t    planned = PTHREAD_ONCE_INIT;

static const struct pd_field *
need_field(const struct pd_block *block, const char *name)
{
    const struct pd_field *field = pd_block_field(block, pd_text(name));
    PD_CHECK(field != NULL);
    return field;
}

static struct address_plan
plan_touch(const struct pd_block *event, const struct pd_touch *touch)
{
    const struct pd_block *block = event;
    const char            *name = pd_schema_row(touch->row)->name;
    struct address_plan    p = {.row_code = touch->row, .item = SIZE_MAX, .has = SIZE_MAX, .list = SIZE_MAX};

    if (touch->list != NULL) {
        const struct pd_field *list = need_field(event, touch->list);
        p.list = list->offset;
        p.count = list->aux_offset;
        block = p.element = list->block();
    }
    const struct pd_field *names = need_field(block, name), *item = pd_block_field(block, PD_TEXT("item"));
    p.by_number = touch->row == PD_ROW_order || touch->row == PD_ROW_subscription || touch->row == PD_ROW_task;
    p.key = names->offset;
    if (names->need != PD_REQUIRED) p.has = names->aux_offset;
    if (item != NULL && (touch->row == PD_ROW_task || touch->row == PD_ROW_subscription)) p.item = item->offset;
    return p;
}

static void
make_plans(void)
{
    for (int code = 1; code < PD_EVENT_CODES; code++) {
        const struct pd_block *event = pd_schema_event(code);
        if (event == NULL) continue;
        PD_CHECK(event->touch_count <= TOUCHES_MAX);
        plans[code].count = event->touch_count;
        for (size_t i = 0; i < event->touch_count; i++) plans[code].touches[i] = plan_touch(event, &event->touches[i]);
    }
}

static const struct event_plan *
plan_of(int event_code)
{
    pthread_once(&planned, make_plans);
    return &plans[event_code];
}

static uint64_t
number_at(const void *message, size_t offset)
{
    return *(const uint64_t *)(const void *)((const char *)message + offset);
}

/* Where the row that an event (or an element of its list) touches stands, or is to stand: a new row's key is the position of
 * the event that makes it and the item. False: it does not exist, and `position` is 0. `is_new`: it is known not to be there, and
 * need not be looked for. */
static bool
locate(const struct folder *f, const struct address_plan *p, const void *message, uint64_t scope, uint64_t position, bool is_new,
       struct row_key *ret_key)
{
    static const enum index_kind kinds[PD_ROW_CODES] = {
        [PD_ROW_reseller] = INDEX_reseller, [PD_ROW_customer] = INDEX_customer, [PD_ROW_plan] = INDEX_plan,
        [PD_ROW_order] = INDEX_order, [PD_ROW_subscription] = INDEX_subscription, [PD_ROW_task] = INDEX_open_task,
        [PD_ROW_key] = INDEX_key,
    };
    const struct pd_text absent = {NULL, 0};
    struct row_key       key = {position, 0};

    uint64_t             number = p->by_number ? number_at(message, p->key) : 0;
    struct pd_text text = p->by_number ? absent : *(const struct pd_text *)(const void *)((const char *)message + p->key);

    if (p->row_code == PD_ROW_reseller) scope = 0;
    if (is_new || find_row(f, p->row_code, kinds[p->row_code], scope, number, text, &key) == NULL) {
        if (position == 0) return false;
        if (p->item != SIZE_MAX) key.item = (uint32_t)number_at(message, p->item);
    }
    *ret_key = key;
    return true;
}

/* One row that an event touches. */
struct target {
    const struct address_plan *plan;
    const void                *message; /* the event, or the element of its list */
};

typedef bool visit_target(void *arg, const struct target *target);

static bool
names_row(const struct address_plan *p, const void *message)
{
    return p->has == SIZE_MAX || *(const bool *)((const char *)message + p->has);
}

static bool
each_target(int event_code, const void *event, visit_target *visit, void *arg)
{
    const struct event_plan *plan = plan_of(event_code);

    for (size_t i = 0; i < plan->count; i++) {
        const struct address_plan *p = &plan->touches[i];
        struct target              t = {p, event};
        if (p->list == SIZE_MAX) {
            if (names_row(p, event) && !visit(arg, &t)) return false;
            continue;
        }
        size_t      count = *(const size_t *)(const void *)((const char *)event + p->count);
        const char *elements = *(const char *const *)(const void *)((const char *)event + p->list);
        for (size_t n = 0; n < count; n++) {
            t.message = elements + n * p->element->size;
            if (names_row(p, t.message) && !visit(arg, &t)) return false;
        }
    }
    return true;
}

/* ---- folding ------------------------------------------------------------------------------------------------------- */

struct work {
    const struct folder    *folder;
    int                     event_code;
    const void             *event;
    const struct record    *record; /* NULL: preloading */
    uint64_t                scope;
    struct fold             fold;
    const struct preload   *found; /* or NULL */
    struct row_entry      **finding;
    size_t                  at; /* which target */
};

static bool
preload_target(void *arg, const struct target *t)
{
    struct work   *w = arg;
    struct row_key key;

    w->folder->rows->damaged = false;
    if (locate(w->folder, t->plan, t->message, w->scope, 0, false, &key))
        w->finding[w->at] = rows_entry(w->folder->rows, t->plan->row_code, key);
    w->at++;
    return !w->folder->rows->damaged;
}

static bool
count_target(void *arg, const struct target *t)
{
    (void)t;
    (*(size_t *)arg)++;
    return true;
}

const struct preload *
fold_preload(const struct folder *f, int event_code, const void *event, uint64_t scope, bool is_fresh)
{
    struct work w = {.folder = f, .event_code = event_code, .event = event, .scope = scope};
    size_t      count = 0;

    each_target(event_code, event, count_target, &count);
    struct preload *found = pd_arena_alloc(f->arena, sizeof *found);
    found->is_fresh = is_fresh;
    found->rows = w.finding = PD_ARENA_ARRAY(f->arena, struct row_entry *, count + 1);
    return each_target(event_code, event, preload_target, &w) ? found : NULL;
}

static void
note_prints(const struct folder *f, struct row_entry *e, const uint64_t *prints, size_t count)
{
    e->prints = pd_arena_alloc(f->arena, count * sizeof *prints);
    if (count > 0) memcpy(e->prints, prints, count * sizeof *prints);
    e->print_count = count;
}

/* Before a row changes: under which keys it stands in the index. */
static void
look_at_prints(const struct folder *f, struct row_entry *e)
{
    uint64_t prints[INDEX_KEYS_MAX];
    if (e->prints == NULL) note_prints(f, e, prints, e->gone ? 0 : index_keys(e->code, e->row, prints));
}

/* The index follows the keys that a row had and has. */
static void
reindex(const struct folder *f, struct row_entry *e)
{
    uint64_t after[INDEX_KEYS_MAX], *before = e->prints;
    size_t   count = e->gone ? 0 : index_keys(e->code, e->row, after), before_count = e->print_count;

    if (count == before_count && memcmp(before, after, count * sizeof *after) == 0) return;
    for (size_t i = 0; i < before_count; i++)
        if (i >= count || before[i] != after[i]) index_remove(f->index, before[i], e->key);
    for (size_t i = 0; i < count; i++)
        if (i >= before_count || before[i] != after[i]) index_add(f->index, after[i], e->key);
    note_prints(f, e, after, count);
}

static bool
fold_target(void *arg, const struct target *t)
{
    struct work                *w = arg;
    const struct folder        *f = w->folder;
    const struct record_header *h = &w->record->header;
    struct row_key              key;
    int                         row_code = t->plan->row_code;
    bool                        element = t->plan->list != SIZE_MAX;

    struct row_entry *e = w->found == NULL ? NULL : w->found->rows[w->at];
    w->at++;
    f->rows->damaged = false;
    if (e == NULL) {
        bool is_new = w->found != NULL && w->found->is_fresh;
        if (!locate(f, t->plan, t->message, w->scope, h->position, is_new, &key)) return false;
        e = f->rows->damaged ? NULL : rows_entry(f->rows, row_code, key);
        if (e == NULL) return false;
    }
    key = e->key;
    if (e->gone) memset(e->row, 0, pd_schema_row(row_code)->size); /* what was deleted begins anew */
    struct pd_row_head *head = e->row;

    look_at_prints(f, e);
    evolve(h->type, w->event, element ? t->message : NULL, row_code, e->row, &w->fold);
    head->scope = w->scope;
    head->last_scoped = h->scope_position;
    if (!element && key.position == h->key_position && key.item == h->key_item) {
        head->version = h->version;
        head->last = h->position;
    }
    rows_touch(f->rows, e);
    e->gone = row_code == PD_ROW_task && ((const struct pd_task *)e->row)->state == PD_task_state_absent;
    reindex(f, e);
    if (row_code == PD_ROW_order) {
        w->fold.order = e->row;
        if (f->waits != NULL) waits_touch(f->waits, w->scope, w->fold.order->order);
    }
    if (row_code == PD_ROW_reseller) scopes_put(f->scopes, e->row);
    if (row_code == PD_ROW_key && f->keys != NULL) {
        const struct pd_key *row = e->row;
        keys_note(f->keys, row);
        if (row->revoked && f->tasks != NULL) tasks_dismiss(f->tasks, row->name, f->monotonic_ms);
    }
    if (f->replays) scopes_seen(f->scopes, row_code, e->row);
    if (row_code == PD_ROW_task && f->tasks != NULL)
        tasks_changed(f->tasks, e->row, w->record->actor, f->monotonic_ms);
    return true;
}

/* The row code of an aggregate; 0 for the engine's own. */
static int
row_of(int aggregate)
{
    switch (aggregate) {
    case PD_aggregate_reseller: return PD_ROW_reseller;
    case PD_aggregate_customer: return PD_ROW_customer;
    case PD_aggregate_plan: return PD_ROW_plan;
    case PD_aggregate_order: return PD_ROW_order;
    case PD_aggregate_subscription: return PD_ROW_subscription;
    case PD_aggregate_key: return PD_ROW_key;
    default: return 0;
    }
}

/* Which of an event's rows is its aggregate's own: touched by the event itself, before those of its lists. A task's is that of the
 * order that waits for it, or else of its subscription. `*ret_place` is its place among the rows that are touched. */
static const struct address_plan *
own_touch(const struct event_plan *plan, const void *event, int *aggregate, size_t *ret_place)
{
    bool task = *aggregate == PD_aggregate_task;

    *ret_place = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const struct address_plan *p = &plan->touches[i];
        if (p->list != SIZE_MAX) break;
        if (!names_row(p, event)) continue;
        if (task) *aggregate = p->row_code == PD_ROW_order ? PD_aggregate_order : PD_aggregate_subscription;
        if (p->row_code == row_of(*aggregate)) return p;
        ++*ret_place;
    }
    PD_CHECK(!"an event that does not touch its aggregate");
    return NULL;
}

bool
fold_address(const struct folder *f, const void *event, const struct preload *found, struct record_header *h)
{
    int                        aggregate = pd_schema_event(h->type)->aggregate;
    const struct address_plan *own;
    size_t                     place;

    h->aggregate = (uint16_t)aggregate;
    if (aggregate == PD_aggregate_engine) {
        h->version = (uint32_t)h->turn;
        return true;
    }
    own = own_touch(plan_of(h->type), event, &aggregate, &place);
    h->aggregate = (uint16_t)aggregate;
    const struct row_entry *e = found == NULL ? NULL : found->rows[place];
    struct row_key          key;
    if (e == NULL) {
        bool is_new = found != NULL && found->is_fresh;
        if (!locate(f, own, event, h->scope, h->position, is_new, &key)) return false;
        if ((e = rows_entry(f->rows, own->row_code, key)) == NULL) return false;
    }
    const struct pd_row_head *head = e->row;
    h->key_position = e->key.position;
    h->key_item = e->key.item;
    h->version = (uint32_t)head->version + 1;
    h->previous = head->last;
    return true;
}

bool
fold_event(const struct folder *f, const struct record *record, const void *event, const struct preload *found)
{
    struct work w = {
        .folder = f,
        .found = found,
        .event_code = record->header.type,
        .event = event,
        .record = record,
        .scope = record->header.scope,
        .fold = {.arena = f->arena, .time = record->header.time, .scope = record->header.scope,
                 .actor = pd_arena_text(f->arena, record->actor),
                 .on_behalf_of = pd_arena_text(f->arena, record->on_behalf_of)},
    };
    return each_target(w.event_code, event, fold_target, &w);
}
