#include "engine/views/projection.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/base/log.h"
#include "engine/views/events.h"
#include "proto/check.h"

/* Of a piece of work. A row that changes puts and deletes some dozen keys, each perhaps on a page of its own. */
enum {
    FORMAT = 3, ROWS_AT_ONCE = 8192, EVENTS_AT_ONCE = 65536, ROW_SPACE = 2048, EVENT_SPACE = 24, PAGES_PER_ROW = 8,
    PAGES_OF_EVENTS = 4096, PAGES_TO_APPEND = 64, BULK_MEMORY = 32 << 20,
};

/* Of events for views that are made in bulk: so many that those of one reseller and type stand together. */
#define EVENTS_IN_BULK ((uint64_t)4 * EVENTS_AT_ONCE)

void
projector_init(struct projector *w, struct store *rows, struct store *log)
{
    memset(w, 0, sizeof *w);
    w->rows = rows;
    w->log = log;
    pd_arena_init(&w->arena);
    pd_arena_init(&w->chunk);
}

void
projector_fini(struct projector *w)
{
    pd_arena_fini(&w->arena);
    pd_arena_fini(&w->chunk);
    operations_fini(&w->operations);
    free(w->changes);
}

/* ---- what it knows of itself --------------------------------------------------------------------------------------- */

/* format, making, complete, rows_at, events_at: numbers one after the other. */
static void
write_state(const struct projection *p)
{
    const uint64_t  numbers[] = {FORMAT, p->making, p->complete, p->rows_at, p->events_at};
    struct view_key key = view_key(VIEW_state, 0);
    char            value[5 * VARINT_MAX];
    size_t          size = 0;

    for (size_t i = 0; i < 5; i++) size += varint_write(value + size, numbers[i]);
    store_put_entry(p->store, view_key_bytes(&key), (struct pd_text){value, size});
    store_set_folded(p->store, p->complete ? p->rows_at : 0);
}

static enum store_error
read_state(struct projector *w, struct store_reader *reader, struct projection *p)
{
    struct view_key  key = view_key(VIEW_state, 0);
    uint64_t         format, complete;
    struct pd_text   value;
    enum store_error error = store_read_entry(reader, view_key_bytes(&key), &w->arena, &value);

    if (error != STORE_OK) return error;
    bool read = varint_read(&value, &format) && format == FORMAT && varint_read(&value, &p->making) &&
                varint_read(&value, &complete) && varint_read(&value, &p->rows_at) && varint_read(&value, &p->events_at);
    if (!read) return STORE_NONE;
    p->complete = complete != 0;
    return STORE_OK;
}

/* What the rows are now: how often they were made, and up to where they are folded. Another thread writes them. */
static enum store_error
look_at_rows(struct projector *w, uint64_t *ret_making, uint64_t *ret_folded)
{
    struct store_reader *reader = NULL;
    enum store_error     error = store_reader_open(w->rows, &reader);

    if (error == STORE_OK) error = changes_making(reader, &w->arena, ret_making);
    if (error == STORE_OK) error = store_reader_folded(reader, ret_folded);
    store_reader_close(&reader);
    return error;
}

/* The first transaction of new views. */
static enum store_error
begin_views(struct projector *w, const char *dir, struct projection *p)
{
    enum store_error error = look_at_rows(w, &p->making, &p->rows_at); /* what changes from there on is read again */

    p->from = (struct change){1, {0, 0}};
    p->of = p->rows_at;
    p->bulk = bulk_new(dir, BULK_MEMORY);
    if (error == STORE_OK) error = store_prepare(p->store, ROW_SPACE, PAGES_PER_ROW);
    if (error == STORE_OK) error = store_begin(p->store);
    if (error != STORE_OK) return error;
    store_drop_rows(p->store);
    store_set_log_id(p->store, store_log_id(w->log));
    write_state(p);
    return store_commit(p->store, NULL);
}

static enum store_error
check_views(struct projector *w, struct projection *p)
{
    struct store_reader *reader = NULL;
    uint64_t             making = 0, folded;
    enum store_error     error = store_reader_open(p->store, &reader);

    if (error == STORE_OK) error = read_state(w, reader, p);
    if (error == STORE_OK) error = look_at_rows(w, &making, &folded);
    store_reader_close(&reader);
    bool ours = memcmp(store_log_id(p->store), store_log_id(w->log), PD_LOG_ID_BYTES) == 0 && making == p->making;
    if (error == STORE_NONE || error == STORE_DAMAGED || (error == STORE_OK && (!ours || !p->complete))) return STORE_EXISTS_NOT;
    return error;
}

enum store_error
projection_open(struct projector *w, const char *dir, enum store_mode mode, struct projection *ret_projection)
{
    struct projection p = {.store = NULL};
    uint64_t          known;

    pd_arena_reset(&w->arena);
    enum store_error error = store_open(dir, mode, false, &p.store, &known);
    if (error == STORE_OK) error = mode == STORE_VIEWS ? begin_views(w, dir, &p) : check_views(w, &p);
    if (error == STORE_OK) *ret_projection = p;
    else projection_close(&p);
    return error;
}

void
projection_close(struct projection *p)
{
    bulk_free(&p->bulk);
    store_close(&p->store);
}

/* Reading is a half, and writing the other. */
uint64_t
projection_built(const struct projection *p)
{
    if (p->bulk == NULL) return p->events_at;
    return p->events_at / 2 + (uint64_t)(bulk_written(p->bulk) * (double)(p->events_at / 2));
}

/* ---- rows ---------------------------------------------------------------------------------------------------------- */

static bool
read_row(struct projector *w, const struct pd_block *block, struct pd_text bytes, void **ret_row)
{
    *ret_row = NULL;
    if (bytes.data == NULL) return true;
    *ret_row = pd_arena_alloc(&w->chunk, block->size);
    return pd_decode_row(&w->chunk, block, bytes, *ret_row);
}

static bool
has_key(const struct view_keys *keys, size_t place, struct pd_text key)
{
    if (place < keys->count && pd_text_equal(keys->keys[place], key)) return true; /* as a rule */
    for (size_t i = 0; i < keys->count; i++)
        if (pd_text_equal(keys->keys[i], key)) return true;
    return false;
}

/* A row's keys in a view; it may be NULL. */
static void
make_keys(struct projector *w, const struct view_spec *v, struct row_key key, const void *row, struct view_keys *ret_keys)
{
    ret_keys->arena = &w->chunk;
    ret_keys->row = key;
    ret_keys->with_row = v->kind == VIEW_LIST;
    ret_keys->count = 0;
    if (row != NULL) v->keys(ret_keys, row);
}

/* What one view has to do for a row that was `before` and is `now`; either may be NULL. */
static void
change_keys(struct projector *w, const struct view_spec *v, struct row_key key, const void *before, const void *now)
{
    const struct pd_text nothing = {"", 0};

    make_keys(w, v, key, before, &w->before);
    make_keys(w, v, key, now, &w->now);
    for (size_t i = 0; i < w->before.count; i++) {
        if (has_key(&w->now, i, w->before.keys[i])) continue;
        if (v->kind == VIEW_LIST) operations_delete(&w->operations, w->before.keys[i]);
        else operations_add(&w->operations, w->before.keys[i], -1);
    }
    for (size_t i = 0; i < w->now.count; i++) {
        if (has_key(&w->before, i, w->now.keys[i])) continue;
        if (v->kind == VIEW_LIST) operations_put(&w->operations, w->now.keys[i], nothing);
        else operations_add(&w->operations, w->now.keys[i], 1);
    }
}

/* `bytes` are what the row is now; absent: it is gone. */
static enum store_error
change_row(struct projector *w, struct projection *p, struct change c, struct pd_text bytes)
{
    const struct pd_block *block = pd_schema_row(c.row_code);
    struct pd_text         before = {NULL, 0};
    void                  *old, *now;
    size_t                 count;
    const struct view_spec *views = views_table(&count);
    enum store_error       error = STORE_NONE; /* in bulk there are none */

    if (p->bulk == NULL) error = store_read_row(store_writer_view(p->store), c.row_code, c.key, &w->chunk, &before);
    if (error != STORE_OK && error != STORE_NONE) return error;
    if (pd_text_equal(before, bytes) && (before.data == NULL) == (bytes.data == NULL)) return STORE_OK;
    if (!read_row(w, block, before, &old) || !read_row(w, block, bytes, &now)) return STORE_DAMAGED;
    for (size_t i = 0; i < count; i++)
        if (views[i].row_code == c.row_code) change_keys(w, &views[i], c.key, old, now);
    if (bytes.data == NULL) store_delete_row(p->store, c.row_code, c.key);
    else store_put_row(p->store, c.row_code, c.key, bytes.data, bytes.size);
    return STORE_OK;
}

/* Every row that changed behind a position, once, in order; up to `to` or, where they are more than `most`, not so far (*ret_at).
 * STORE_NONE: some lists are gone. */
static enum store_error
gather_changes(struct projector *w, struct store_reader *rows, uint64_t from, uint64_t to, size_t most, uint64_t *ret_at)
{
    struct list_of_rows list;
    enum store_error    error = STORE_OK;
    size_t              unique = 0;

    w->count = 0;
    while (from < to && w->count < most) {
        error = changes_read(rows, from, &w->arena, &list);
        if (error != STORE_OK) return error;
        if (list.from > from) return STORE_NONE;
        for (struct change c; changes_next(&list, &c);) {
            if (w->count == w->capacity) {
                w->capacity = w->capacity * 2 + ROWS_AT_ONCE;
                w->changes = realloc(w->changes, w->capacity * sizeof *w->changes);
                PD_CHECK(w->changes != NULL);
            }
            w->changes[w->count++] = change_sort_key(c);
        }
        from = list.to;
    }
    sort_keys(w->changes, w->count);
    for (size_t i = 0; i < w->count; i++)
        if (unique == 0 || memcmp(&w->changes[unique - 1], &w->changes[i], sizeof *w->changes) != 0)
            w->changes[unique++] = w->changes[i];
    w->count = unique;
    *ret_at = from;
    return STORE_OK;
}

/* In pieces, so that what is to be done for each is in memory. */
static enum store_error
follow_rows(struct projector *w, struct projection *p, struct store_reader *rows)
{
    enum store_error error = STORE_OK;

    for (size_t i = 0; i < w->count && error == STORE_OK;) {
        pd_arena_reset(&w->chunk);
        for (size_t end = i + ROWS_AT_ONCE; i < end && i < w->count && error == STORE_OK; i++) {
            struct change  change = change_of(w->changes[i]);
            struct pd_text bytes = {NULL, 0};
            error = store_read_row(rows, change.row_code, change.key, &w->chunk, &bytes);
            if (error == STORE_NONE) error = STORE_OK;
            if (error == STORE_DAMAGED) store_note_damage(w->rows);
            if (error == STORE_OK) error = change_row(w, p, change, bytes);
        }
        if (error == STORE_OK) error = operations_do(&w->operations, p->store, &w->chunk);
    }
    operations_forget(&w->operations);
    return error;
}

/* ---- a step -------------------------------------------------------------------------------------------------------- */

/* Ends the open transaction, one way or the other. */
static enum store_error
end(struct projection *p, enum store_error error)
{
    if (error == STORE_OK) {
        write_state(p);
        return store_commit(p->store, NULL);
    }
    store_abort(p->store);
    return error;
}

static enum store_error
follow_events(struct projector *w, struct projection *p, struct store_reader *log, uint64_t to)
{
    enum store_error error = STORE_OK;

    for (uint64_t at = p->events_at, until; error == STORE_OK && at < to; at = until) {
        until = to - at > EVENTS_AT_ONCE ? at + EVENTS_AT_ONCE : to;
        error = events_project(log, at, until, p->store, &w->operations, &w->chunk);
        if (error == STORE_OK) error = operations_do(&w->operations, p->store, &w->chunk);
    }
    operations_forget(&w->operations);
    return error;
}

/* Rows that changed and events, up to where the rows are; one that is not complete takes as many as are quickly done. */
static enum store_error
follow(struct projector *w, struct projection *p, struct store_reader *rows, struct store_reader *log, uint64_t to)
{
    struct projection after = *p;
    bool              all = p->complete;
    enum store_error  error = gather_changes(w, rows, p->rows_at, to, all ? SIZE_MAX : EVENTS_AT_ONCE, &after.rows_at);

    after.events_at = all || to - p->events_at <= EVENTS_AT_ONCE ? to : p->events_at + EVENTS_AT_ONCE;
    after.complete = after.rows_at == to && after.events_at == to;
    size_t events = (size_t)(after.events_at - p->events_at);
    if (error == STORE_OK)
        error = store_prepare(p->store, w->count * ROW_SPACE + events * EVENT_SPACE, w->count * PAGES_PER_ROW + PAGES_OF_EVENTS);
    if (error == STORE_OK) error = store_begin(p->store);
    if (error != STORE_OK) return error;
    error = follow_rows(w, p, rows);
    if (error == STORE_OK) error = follow_events(w, p, log, after.events_at);
    error = end(&after, error);
    if (error == STORE_OK) *p = after;
    return error;
}

/* ---- in bulk ------------------------------------------------------------------------------------------------------- */

struct reading {
    struct projector  *w;
    struct projection *p;
    size_t             left;
    int                row_code;
    struct row_key     next; /* set when there are more */
    bool               more;
    enum store_error   error;
};

static bool
see_row(void *arg, struct row_key key, struct pd_text bytes)
{
    struct reading *r = arg;

    if (r->left == 0) {
        r->next = key;
        r->more = true;
        return false;
    }
    r->left--;
    if (bytes.data == NULL) store_note_damage(r->w->rows);
    r->error = bytes.data == NULL ? STORE_DAMAGED : change_row(r->w, r->p, (struct change){r->row_code, key}, bytes);
    return r->error == STORE_OK;
}

/* The next rows of those that there are. */
static enum store_error
read_rows(struct projector *w, struct projection *p, struct store_reader *rows)
{
    struct projection after = *p;
    struct reading    r = {.w = w, .p = p, .left = ROWS_AT_ONCE};
    enum store_error  error = bulk_make_room(p->bulk);

    if (error == STORE_OK) error = store_prepare(p->store, ROWS_AT_ONCE * ROW_SPACE, PAGES_TO_APPEND);
    if (error == STORE_OK) error = store_begin(p->store);
    if (error != STORE_OK) return error;
    pd_arena_reset(&w->chunk);
    for (; after.from.row_code < PD_ROW_CODES && !r.more && error == STORE_OK; after.from.key = (struct row_key){0, 0}) {
        r.row_code = after.from.row_code;
        if (pd_schema_row(r.row_code) != NULL) error = store_each_row(rows, r.row_code, after.from.key, see_row, &r);
        if (error == STORE_OK) error = r.error;
        if (!r.more) after.from.row_code++;
    }
    if (r.more) after.from.key = r.next;
    if (error == STORE_OK) bulk_take(p->bulk, &w->operations);
    operations_forget(&w->operations);
    error = end(&after, error);
    if (error == STORE_OK) *p = after;
    return error;
}

/* The next events; the store has nothing of them yet. */
static enum store_error
read_events(struct projector *w, struct projection *p, struct store_reader *log, uint64_t to)
{
    uint64_t         until = to - p->events_at > EVENTS_IN_BULK ? p->events_at + EVENTS_IN_BULK : to;
    enum store_error error = bulk_make_room(p->bulk);

    if (error == STORE_OK) error = events_project(log, p->events_at, until, NULL, &w->operations, &w->chunk);
    if (error == STORE_OK) bulk_take(p->bulk, &w->operations);
    operations_forget(&w->operations);
    if (error == STORE_OK) p->events_at = until;
    return error;
}

static enum store_error
write_entries(struct projection *p)
{
    bool             more = false;
    enum store_error error = bulk_finish(p->bulk);

    if (error == STORE_OK) error = store_prepare(p->store, 2 * BULK_BYTES_AT_ONCE, PAGES_TO_APPEND);
    if (error == STORE_OK) error = store_begin(p->store);
    if (error != STORE_OK) return error;
    error = end(p, bulk_write(p->bulk, p->store, &more));
    if (error == STORE_OK && !more) bulk_free(&p->bulk);
    return error;
}

enum store_error
projection_step(struct projector *w, struct projection *p, bool *ret_more)
{
    struct store_reader *rows = NULL, *log = NULL;
    uint64_t             to = 0;

    *ret_more = false;
    w->count = 0;
    pd_arena_reset(&w->arena);
    /* The rows' snapshot first: the log's has what they were folded from. */
    enum store_error error = store_reader_open(w->rows, &rows);
    if (error == STORE_OK) error = store_reader_folded(rows, &to);
    if (error == STORE_OK) error = store_reader_open(w->log, &log);
    p->of = to;
    if (error != STORE_OK || (p->complete && p->rows_at >= to)) goto end;
    *ret_more = !p->complete;
    if (p->bulk == NULL) error = follow(w, p, rows, log, to);
    else if (p->from.row_code < PD_ROW_CODES) error = read_rows(w, p, rows);
    else if (to - p->events_at > EVENTS_AT_ONCE) error = read_events(w, p, log, to);
    else error = write_entries(p);
end:
    store_reader_close(&log);
    store_reader_close(&rows);
    return error;
}
