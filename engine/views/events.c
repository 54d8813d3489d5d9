#include "engine/views/events.h"

#include "engine/store/record.h"
#include "proto/check.h"
#include "proto/msgpack.h"

enum { TYPES = PD_EVENT_CODES };

/* What is kept of an event. */
struct item {
    uint64_t in_log, position;
    uint32_t scope, hour;
    uint16_t type;
    uint8_t  left, came; /* states of its order; 0: it did not change */
};

/* ---- reading the log ----------------------------------------------------------------------------------------------- */

/* The states of an order's event, from its body: `previous_state` and `state` where they differ. */
static void
read_states(struct pd_text body, struct item *item)
{
    struct mp_cursor c = mp_cursor_of(body);
    size_t           left = mp_take_map(&c);
    int              states[2] = {0, 0}, seen = 0;

    for (; left > 0 && seen < 2 && !c.failed; left--) {
        struct pd_text key = mp_take_text(&c);
        bool           now = pd_text_equal(key, PD_TEXT("state"));
        if (!now && !pd_text_equal(key, PD_TEXT("previous_state"))) {
            (void)mp_take_packed(&c);
            continue;
        }
        states[now] = pd_enum_number(pd_enum_order_state(), mp_take_text(&c));
        seen++;
    }
    if (states[0] == states[1]) return;
    item->left = (uint8_t)states[0];
    item->came = (uint8_t)states[1];
}

struct reading {
    struct item *items; /* the next one */
    uint64_t     next;  /* its position */
};

static bool
read_item(void *arg, uint64_t position, struct pd_text bytes)
{
    struct reading *reading = arg;
    struct record   r;

    if (bytes.data == NULL || position != reading->next || !record_read(bytes, &r)) return false;
    *reading->items = (struct item){.in_log = position, .position = r.header.scope_position, .scope = r.header.scope,
                                    .type = r.header.type, .hour = (uint32_t)(r.header.time / VIEW_HOUR_US)};
    const struct pd_block *event = pd_schema_event(r.header.type);
    if (event != NULL && event->aggregate == PD_aggregate_order && r.body.size > 0) read_states(r.body, reading->items);
    reading->items++;
    reading->next++;
    return true;
}

static enum store_error
read_items(struct store_reader *log, uint64_t from, uint64_t to, struct item *items)
{
    struct reading   reading = {items, from + 1};
    enum store_error error = store_each_record(log, from + 1, to, read_item, &reading);

    return error == STORE_OK && reading.next <= to ? STORE_DAMAGED : error;
}

/* ---- lists --------------------------------------------------------------------------------------------------------- */

/* What events are projected with. */
struct projecting {
    struct store      *store; /* NULL: in parts */
    struct operations *operations;
    struct pd_arena   *arena;
};

static enum store_error
find_last_block(struct store *store, struct block *b)
{
    struct store_cursor *cursor = NULL;
    struct store_entry   entry;
    struct view_key      beyond = b->list;

    view_key_number(&beyond, UINT64_MAX, 8);
    enum store_error error = store_cursor_open(store_writer_view(store), &cursor);
    if (error == STORE_OK) error = store_cursor_seek_before(cursor, view_key_bytes(&beyond), &entry);
    if (error == STORE_OK && block_is_of(&b->list, entry.key) &&
        !block_load(b, view_number(entry.key.data + b->list.size, 8), entry.value))
        error = STORE_DAMAGED;
    store_cursor_close(&cursor);
    return error == STORE_NONE ? STORE_OK : error;
}

static void
put(const struct projecting *p, struct view_key key, struct pd_text value)
{
    operations_put(p->operations, pd_arena_text(p->arena, view_key_bytes(&key)), pd_arena_text(p->arena, value));
}

/* The items that stand together, all of one scope and type (0: any), at the end of their list. */
static enum store_error
extend_list(const struct projecting *p, uint64_t scope, int type, const struct item *const *items, size_t count)
{
    struct block     b = {.list = block_list(scope, type)};
    enum store_error error = p->store != NULL ? find_last_block(p->store, &b) : STORE_OK;

    if (error != STORE_OK) return error;
    for (size_t i = 0; i < count; i++) {
        uint64_t position = scope == EVENTS_OF_ALL ? items[i]->in_log : items[i]->position;
        if (b.first != 0 && block_is_full(&b)) put(p, block_key(&b), block_value(&b));
        block_add(&b, (struct event_place){position, items[i]->in_log});
    }
    put(p, block_key(&b), block_value(&b));
    return STORE_OK;
}

/* ---- counts -------------------------------------------------------------------------------------------------------- */

/* Parts of a count are not added up here: there are nearly as many keys as parts, where there are many resellers. */
static void
count_hour(const struct projecting *p, int code, const struct item *item, uint64_t what, uint64_t count)
{
    struct view_key key = view_key(code, item->scope);
    char            bytes[4 * VARINT_MAX]; /* short copies are of no more than 32 bytes */

    view_key_number(&key, item->hour, 4);
    view_key_number(&key, what, 2);
    if (p->store == NULL) put(p, key, (struct pd_text){bytes, varint_write(bytes, count)});
    else operations_add(p->operations, pd_arena_text(p->arena, view_key_bytes(&key)), (int64_t)count);
}

/* Items of one scope and type, in order of time: runs of an hour. */
static void
count_types(const struct projecting *p, const struct item *const *items, size_t count)
{
    for (size_t i = 0, run; i < count; i += run) {
        for (run = 1; i + run < count && items[i + run]->hour == items[i]->hour; run++);
        count_hour(p, VIEW_events_by_hour, items[i], items[i]->type, run);
    }
}

/* The same of one scope, for the states. */
static void
count_states(const struct projecting *p, const struct item *const *items, size_t count)
{
    uint64_t counts[2][256];

    for (size_t i = 0, run; i < count; i += run) {
        memset(counts, 0, sizeof counts);
        for (run = 0; i + run < count && items[i + run]->hour == items[i]->hour; run++) {
            counts[0][items[i + run]->came]++;
            counts[1][items[i + run]->left]++;
        }
        for (unsigned state = 1; state < 256; state++)
            for (unsigned way = 0; way < 2; way++)
                if (counts[way][state] > 0) count_hour(p, VIEW_states_by_hour, items[i], state << 8 | way, counts[way][state]);
    }
}

/* ---- projecting ---------------------------------------------------------------------------------------------------- */

/* In order of a small number, and as before among equals; *ret_ends: where those of each number end. */
static void
sort(const struct item **items, size_t count, size_t (*number)(const struct item *), size_t numbers, const struct item **ret_items,
     size_t *ret_ends)
{
    memset(ret_ends, 0, (numbers + 1) * sizeof *ret_ends);
    for (size_t i = 0; i < count; i++) ret_ends[number(items[i]) + 1]++;
    for (size_t n = 0; n < numbers; n++) ret_ends[n + 1] += ret_ends[n];
    for (size_t i = 0; i < count; i++) ret_items[ret_ends[number(items[i])]++] = items[i];
}

static size_t
type_of(const struct item *item)
{
    return item->type;
}

static size_t
scope_of(const struct item *item)
{
    return item->scope;
}

static enum store_error
extend_types(const struct projecting *p, uint64_t scope, const struct item **items, size_t count, bool counted)
{
    const struct item **by_type = PD_ARENA_ARRAY(p->arena, const struct item *, count);
    size_t              ends[TYPES + 1], at = 0;
    enum store_error    error = STORE_OK;

    sort(items, count, type_of, TYPES, by_type, ends);
    for (int type = 0; type < TYPES && error == STORE_OK; type++) {
        size_t n = ends[type] - at;
        if (n == 0) continue;
        error = extend_list(p, scope, type, by_type + at, n);
        if (counted) count_types(p, by_type + at, n);
        at += n;
    }
    return error;
}

static enum store_error
extend_scope(const struct projecting *p, const struct item **items, size_t count)
{
    const struct item *last = items[count - 1];
    char               value[4 * VARINT_MAX]; /* as above */
    enum store_error   error = extend_list(p, last->scope, 0, items, count);

    if (error != STORE_OK) return error;
    size_t size = varint_write(value, last->position);
    size += varint_write(value + size, last->in_log);
    put(p, view_key(VIEW_heads, last->scope), (struct pd_text){value, size});
    count_states(p, items, count);
    return extend_types(p, last->scope, items, count, true);
}

enum store_error
events_project(struct store_reader *log, uint64_t from, uint64_t to, struct store *store, struct operations *operations,
               struct pd_arena *arena)
{
    const struct projecting p = {store, operations, arena};
    size_t                  count = (size_t)(to - from), scopes = 1, at = 0;

    pd_arena_reset(arena);
    struct item        *items = PD_ARENA_ARRAY(arena, struct item, count);
    const struct item **all = PD_ARENA_ARRAY(arena, const struct item *, count);
    const struct item **by_scope = PD_ARENA_ARRAY(arena, const struct item *, count);
    enum store_error    error = read_items(log, from, to, items);
    if (error != STORE_OK) return error;
    for (size_t i = 0; i < count; i++) {
        all[i] = &items[i];
        if (items[i].scope >= scopes) scopes = (size_t)items[i].scope + 1;
    }
    size_t *ends = PD_ARENA_ARRAY(arena, size_t, scopes + 1);
    sort(all, count, scope_of, scopes, by_scope, ends);
    for (size_t s = 0; s < scopes && error == STORE_OK; s++) {
        if (ends[s] > at) error = extend_scope(&p, by_scope + at, ends[s] - at);
        at = ends[s];
    }
    return error == STORE_OK ? extend_types(&p, EVENTS_OF_ALL, all, count, false) : error;
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

enum store_error
events_head(struct store_reader *reader, uint64_t scope, struct pd_arena *arena, uint64_t *ret_position)
{
    struct view_key  key = view_key(VIEW_heads, scope);
    struct pd_text   value;
    enum store_error error = store_read_entry(reader, view_key_bytes(&key), arena, &value);

    if (error == STORE_OK && !varint_read(&value, ret_position)) error = STORE_DAMAGED;
    if (error == STORE_NONE) *ret_position = 0;
    return error == STORE_NONE ? STORE_OK : error;
}

/* An entry of the list, taken apart. */
static enum store_error
take_block(struct event_list *l, enum store_error error, const struct store_entry *entry)
{
    l->count = 0;
    if (error != STORE_OK) return error;
    if (!block_is_of(&l->prefix, entry->key)) return STORE_NONE;
    uint64_t first = view_number(entry->key.data + l->prefix.size, 8);
    if (!block_read(first, entry->value, l->places, &l->count)) return STORE_DAMAGED;
    l->at = l->backwards ? l->count - 1 : 0;
    return STORE_OK;
}

enum store_error
event_list_open(struct event_list *l, struct store_reader *reader, uint64_t scope, int type, uint64_t from, bool backwards)
{
    struct store_entry entry;
    enum store_error   error;

    *l = (struct event_list){.prefix = block_list(scope, type), .backwards = backwards};
    if ((error = store_cursor_open(reader, &l->cursor)) != STORE_OK) return error;
    /* The block that `from` is in, or would be. */
    struct view_key key = l->prefix;
    view_key_number(&key, from == UINT64_MAX ? from : from + 1, 8);
    error = take_block(l, store_cursor_seek_before(l->cursor, view_key_bytes(&key), &entry), &entry);
    if (error == STORE_NONE && !backwards) {
        key = l->prefix;
        view_key_number(&key, from, 8);
        error = take_block(l, store_cursor_seek(l->cursor, view_key_bytes(&key), &entry), &entry);
    }
    if (error != STORE_OK) return error == STORE_NONE ? STORE_OK : error;
    while (!backwards && l->at < l->count && l->places[l->at].position < from) l->at++;
    while (backwards && l->at > 0 && l->places[l->at].position > from) l->at--;
    return STORE_OK;
}

enum store_error
event_list_next(struct event_list *l, struct event_place *ret_place)
{
    struct store_entry entry;

    if (l->count == 0) return STORE_NONE;
    if (l->at >= l->count) { /* beyond either end of the block */
        enum store_error error = take_block(
            l, l->backwards ? store_cursor_previous(l->cursor, &entry) : store_cursor_next(l->cursor, &entry), &entry);
        if (error != STORE_OK) return error;
    }
    *ret_place = l->places[l->at];
    if (l->backwards) l->at = l->at == 0 ? SIZE_MAX : l->at - 1;
    else l->at++;
    return STORE_OK;
}

void
event_list_close(struct event_list *l)
{
    store_cursor_close(&l->cursor);
}
