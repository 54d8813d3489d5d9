#include "engine/fold.h"

#include "engine/index/keys.h"
#include "engine/tasks.h"
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
    case PD_ROW_subscription: return ((const struct pd_subscription *)row)->subscription == number;
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
    uint64_t       print = text.data != NULL ? index_text_print(kind, scope, text) : index_number_print(kind, scope, number);
    struct row_key keys[CANDIDATES];
    struct row_key *found = rows_recall(f->rows, print);

    /* A turn asks for the same rows again and again. */
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

static const void *
field_at(const struct pd_block *block, const char *name, const void *message, const struct pd_field **ret_field)
{
    const struct pd_field *field = pd_block_field(block, pd_text(name));
    PD_CHECK(field != NULL);
    *ret_field = field;
    return (const char *)message + field->offset;
}

static uint64_t
number_in(const struct pd_block *block, const char *name, const void *message)
{
    const struct pd_field *field;
    return *(const uint64_t *)field_at(block, name, message, &field);
}

static struct pd_text
text_in(const struct pd_block *block, const char *name, const void *message)
{
    const struct pd_field *field;
    return *(const struct pd_text *)field_at(block, name, message, &field);
}

/* Where the row that an event (or an element of its list) touches stands, or is to stand: a new row's key is the position of
 * the event that makes it and the item; a task stands under its order. False: it does not exist, and `position` is 0. */
static bool
locate(const struct folder *f, const struct pd_block *event_block, const void *event, const struct pd_block *block,
       const void *message, int row_code, uint64_t scope, uint64_t position, struct row_key *ret_key)
{
    static const enum index_kind kinds[PD_ROW_CODES] = {
        [PD_ROW_reseller] = INDEX_reseller, [PD_ROW_customer] = INDEX_customer, [PD_ROW_plan] = INDEX_plan,
        [PD_ROW_order] = INDEX_order, [PD_ROW_subscription] = INDEX_subscription,
    };
    const struct pd_text   absent = {NULL, 0};
    const struct pd_block *row = pd_schema_row(row_code);
    struct row_key         key = {position, 0};

    if (row_code == PD_ROW_task) {
        uint64_t order = number_in(event_block, "order", event);
        if (find_row(f, PD_ROW_order, INDEX_order, scope, order, absent, &key) == NULL) return false;
        key.item = (uint32_t)number_in(block, "item", message);
    } else {
        bool     by_number = row_code == PD_ROW_order || row_code == PD_ROW_subscription;
        uint64_t number = by_number ? number_in(block, row->name, message) : 0;
        if (find_row(f, row_code, kinds[row_code], row_code == PD_ROW_reseller ? 0 : scope, number,
                     by_number ? absent : text_in(block, row->name, message), &key) == NULL) {
            if (position == 0) return false;
            if (row_code == PD_ROW_subscription) key.item = (uint32_t)number_in(block, "item", message);
        }
    }
    *ret_key = key;
    return true;
}

/* An element that lacks the field touches nothing. */
static bool
names_row(const struct pd_block *block, const void *element, int row_code)
{
    const struct pd_field *field = pd_block_field(block, pd_text(pd_schema_row(row_code)->name));
    PD_CHECK(field != NULL && field->kind == PD_KIND_UINT);
    return field->need == PD_REQUIRED || *(const bool *)(const void *)((const char *)element + field->aux_offset);
}

/* One row that an event touches. */
struct target {
    int                    row_code;
    const struct pd_block *block; /* of `message` */
    const void            *message; /* the event, or the element of its list */
    bool                   element;
};

typedef bool visit_target(void *arg, const struct target *target);

static bool
each_target(const struct pd_block *block, const void *event, visit_target *visit, void *arg)
{
    for (size_t i = 0; i < block->touch_count; i++) {
        const struct pd_touch *touch = &block->touches[i];
        if (touch->list == NULL) {
            struct target t = {touch->row, block, event, false};
            if (!visit(arg, &t)) return false;
            continue;
        }
        const struct pd_field *list = pd_block_field(block, pd_text(touch->list));
        size_t                 count = *(const size_t *)(const void *)((const char *)event + list->aux_offset);
        const char            *elements = *(const char *const *)(const void *)((const char *)event + list->offset);
        for (size_t n = 0; n < count; n++) {
            struct target t = {touch->row, list->block(), elements + n * list->block()->size, true};
            if (names_row(t.block, t.message, touch->row) && !visit(arg, &t)) return false;
        }
    }
    return true;
}

/* ---- folding ------------------------------------------------------------------------------------------------------- */

struct work {
    const struct folder    *folder;
    const struct pd_block  *block;
    const void             *event;
    const struct record    *record; /* NULL: preloading */
    uint64_t                scope;
    struct fold             fold;
    struct row_entry *const *found; /* by the preload; or NULL */
    struct row_entry      **finding;
    size_t                  at; /* which target */
};

static bool
preload_target(void *arg, const struct target *t)
{
    struct work   *w = arg;
    struct row_key key;

    w->folder->rows->damaged = false;
    if (locate(w->folder, w->block, w->event, t->block, t->message, t->row_code, w->scope, 0, &key))
        w->finding[w->at] = rows_entry(w->folder->rows, t->row_code, key);
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

struct row_entry **
fold_preload(const struct folder *f, int event_code, const void *event, uint64_t scope)
{
    struct work w = {.folder = f, .block = pd_schema_event(event_code), .event = event, .scope = scope};
    size_t      count = 0;

    each_target(w.block, event, count_target, &count);
    w.finding = PD_ARENA_ARRAY(f->arena, struct row_entry *, count + 1);
    return each_target(w.block, event, preload_target, &w) ? w.finding : NULL;
}

/* The index follows the keys that a row had and has. */
static void
reindex(const struct folder *f, struct row_key key, const uint64_t *before, size_t before_count, const uint64_t *after,
        size_t after_count)
{
    for (size_t i = 0; i < before_count; i++)
        if (i >= after_count || before[i] != after[i]) index_remove(f->index, before[i], key);
    for (size_t i = 0; i < after_count; i++)
        if (i >= before_count || before[i] != after[i]) index_add(f->index, after[i], key);
}

static bool
fold_target(void *arg, const struct target *t)
{
    struct work                *w = arg;
    const struct folder        *f = w->folder;
    const struct record_header *h = &w->record->header;
    uint64_t                    before[INDEX_KEYS_MAX], after[INDEX_KEYS_MAX];
    struct row_key              key;

    struct row_entry *e = w->found == NULL ? NULL : w->found[w->at];
    w->at++;
    f->rows->damaged = false;
    if (e == NULL) {
        if (!locate(f, w->block, w->event, t->block, t->message, t->row_code, w->scope, h->position, &key)) return false;
        e = f->rows->damaged ? NULL : rows_entry(f->rows, t->row_code, key);
        if (e == NULL) return false;
    }
    key = e->key;
    if (e->gone) memset(e->row, 0, pd_schema_row(t->row_code)->size); /* what was deleted begins anew */
    struct pd_row_head *head = e->row;
    size_t              before_count = e->gone ? 0 : index_keys(t->row_code, e->row, before);

    evolve(h->type, w->event, t->element ? t->message : NULL, t->row_code, e->row, &w->fold);
    head->scope = w->scope;
    head->last_scoped = h->scope_position;
    if (!t->element && key.position == h->key_position && key.item == h->key_item) {
        head->version = h->version;
        head->last = h->position;
    }
    e->dirty = true;
    e->gone = t->row_code == PD_ROW_task && ((const struct pd_task *)e->row)->state == PD_task_state_absent;
    reindex(f, key, before, before_count, after, e->gone ? 0 : index_keys(t->row_code, e->row, after));
    if (t->row_code == PD_ROW_order) w->fold.order = e->row;
    if (t->row_code == PD_ROW_reseller) scopes_put(f->scopes, e->row);
    if (t->row_code == PD_ROW_task && f->tasks != NULL)
        tasks_changed(f->tasks, key, e->gone ? NULL : e->row, f->monotonic_ms);
    f->rows->dirty_bytes += 512;
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
    default: return 0;
    }
}

/* Which of the found is the aggregate's own row: touched by the event itself, not by an element. */
static struct row_entry *
found_own(const struct pd_block *block, struct row_entry *const *found, int row_code)
{
    /* Events touch their own rows before those of their lists. */
    for (size_t i = 0; found != NULL && i < block->touch_count && block->touches[i].list == NULL; i++)
        if (block->touches[i].row == row_code) return found[i];
    return NULL;
}

bool
fold_address(const struct folder *f, const void *event, struct row_entry *const *found, struct record_header *h)
{
    const struct pd_block *block = pd_schema_event(h->type);
    int                    row_code = row_of(block->aggregate);
    struct row_key         key;

    h->aggregate = (uint16_t)block->aggregate;
    if (row_code == 0) {
        h->version = (uint32_t)h->turn;
        return true;
    }
    const struct row_entry *e = found_own(block, found, row_code);
    if (e == NULL) {
        if (!locate(f, block, event, block, event, row_code, h->scope, h->position, &key)) return false;
        if ((e = rows_entry(f->rows, row_code, key)) == NULL) return false;
    }
    const struct pd_row_head *head = e->row;
    h->key_position = e->key.position;
    h->key_item = e->key.item;
    h->version = (uint32_t)head->version + 1;
    h->previous = head->last;
    return true;
}

bool
fold_event(const struct folder *f, const struct record *record, const void *event, struct row_entry *const *found)
{
    struct work w = {
        .folder = f,
        .found = found,
        .block = pd_schema_event(record->header.type),
        .event = event,
        .record = record,
        .scope = record->header.scope,
        .fold = {.arena = f->arena, .time = record->header.time, .scope = record->header.scope, .actor = record->actor,
                 .on_behalf_of = record->on_behalf_of},
    };
    return each_target(w.block, event, fold_target, &w);
}

void
fold_seen(const struct folder *f, int row_code, struct row_key key, const void *row)
{
    uint64_t prints[INDEX_KEYS_MAX];
    size_t   n = index_keys(row_code, row, prints);

    for (size_t i = 0; i < n; i++) index_add(f->index, prints[i], key);
    if (row_code == PD_ROW_reseller) scopes_put(f->scopes, row);
    scopes_seen(f->scopes, row_code, row);
    if (row_code == PD_ROW_task && f->tasks != NULL) tasks_changed(f->tasks, key, row, f->monotonic_ms);
}
