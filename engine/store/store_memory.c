/* store_memory.c - the books in memory, for simulations and scenarios: the contract of store.h without a disk.
 *
 * "Durable" is what was committed: a simulated crash closes the engine and opens a new one on the same directory name, which
 * finds the books where they were left. Books are kept per name until store_memory_forget. */
#include "engine/store/store_memory.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/index/shelf.h"
#include "engine/store/ordered.h"
#include "proto/check.h"
#include "proto/schema.h"

struct bytes {
    char  *data;
    size_t size;
};

struct row {
    struct row_key key;
    struct bytes   bytes;
    bool           damaged;
};

struct rows {
    struct row *rows; /* in order of key */
    size_t      count, capacity;
};

struct books {
    struct bytes *records; /* record of position p at p - 1 */
    size_t        count, capacity;
    struct rows   rows[PD_ROW_CODES];
    struct ordered entries;
    uint64_t      folded;
    uint64_t      log_id;
};

struct store_reader {
    struct store *store;
};

/* The writer keeps what it changes: undo lists of rows and of entries, and a mark in the records. */
struct undo {
    int            row_code;
    struct row_key key;
    struct bytes   before; /* data NULL: there was none */
};

struct store {
    char               *name;
    struct books        books;
    bool                open;
    bool                writing;
    size_t              mark;
    uint64_t            folded_mark;
    uint8_t             id_mark[PD_LOG_ID_BYTES];
    struct undo        *undo;
    size_t              undo_count, undo_capacity;
    struct store_reader writer;
    uint8_t             id[PD_LOG_ID_BYTES];
    bool                full, scratch, has_damage;
    struct shelf       *shelf; /* of a log's directory; NULL: nobody has asked for it */
    struct store       *next;
};

static struct store *all;
static const char    rows_suffix[] = "/rows";

static struct bytes
copy(const char *data, size_t size)
{
    struct bytes b = {malloc(size + 1), size};
    PD_CHECK(b.data != NULL);
    if (size > 0) memcpy(b.data, data, size);
    return b;
}

static void *
grow(void *array, size_t *capacity, size_t count, size_t element)
{
    if (count < *capacity) return array;
    *capacity = *capacity == 0 ? 64 : *capacity * 2;
    array = realloc(array, *capacity * element);
    PD_CHECK(array != NULL);
    return array;
}

static bool
is_less(struct row_key a, struct row_key b)
{
    return a.position != b.position ? a.position < b.position : a.item < b.item;
}

/* Where the key is or would be. */
static size_t
lower_bound(const struct rows *t, struct row_key key)
{
    size_t low = 0, high = t->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (is_less(t->rows[middle].key, key)) low = middle + 1;
        else high = middle;
    }
    return low;
}

static struct row *
find(struct store *s, int row_code, struct row_key key)
{
    struct rows *t = &s->books.rows[row_code];
    size_t       i = lower_bound(t, key);
    return i < t->count && !is_less(key, t->rows[i].key) ? &t->rows[i] : NULL;
}

/* Sets or (data NULL) removes a row; takes the bytes over. */
static void
set_row(struct store *s, int row_code, struct row_key key, struct bytes bytes)
{
    struct rows *t = &s->books.rows[row_code];
    size_t       i = lower_bound(t, key);
    bool         there = i < t->count && !is_less(key, t->rows[i].key);

    if (bytes.data == NULL) {
        if (!there) return;
        memmove(&t->rows[i], &t->rows[i + 1], (--t->count - i) * sizeof *t->rows);
        return;
    }
    if (!there) {
        t->rows = grow(t->rows, &t->capacity, t->count, sizeof *t->rows);
        memmove(&t->rows[i + 1], &t->rows[i], (t->count++ - i) * sizeof *t->rows);
    }
    t->rows[i] = (struct row){key, bytes, false};
}

static void
remember(struct store *s, int row_code, struct row_key key)
{
    struct row *r = find(s, row_code, key);
    s->undo = grow(s->undo, &s->undo_capacity, s->undo_count, sizeof *s->undo);
    s->undo[s->undo_count++] = (struct undo){row_code, key, r == NULL ? (struct bytes){NULL, 0} : r->bytes};
}

/* ---- opening ------------------------------------------------------------------------------------------------------- */

enum store_error
store_open(const char *dir, enum store_mode mode, bool accept_shorter, struct store **ret_store, uint64_t *ret_known)
{
    static uint64_t made;
    struct store   *s = all;

    char            name[256];

    (void)accept_shorter;
    (void)ret_known;
    snprintf(name, sizeof name, "%s%s", dir, mode == STORE_ROWS ? rows_suffix : "");
    while (s != NULL && strcmp(s->name, name) != 0) s = s->next;
    if (s == NULL) {
        if (mode == STORE_EXISTING || mode == STORE_VIEWS_EXISTING || mode == STORE_VIEWS_LOOK) return STORE_EXISTS_NOT;
        s = calloc(1, sizeof *s);
        PD_CHECK(s != NULL && (s->name = strdup(name)) != NULL);
        made++;
        memcpy(s->id, &made, sizeof made);
        s->next = all;
        all = s;
    }
    PD_CHECK(!s->open);
    s->open = true;
    s->scratch = mode == STORE_SCRATCH;
    *ret_store = s;
    return STORE_OK;
}

static void
forget(struct store *s)
{
    PD_CHECK(!s->open);
    for (size_t i = 0; i < s->books.count; i++) free(s->books.records[i].data);
    for (int code = 0; code < PD_ROW_CODES; code++) {
        for (size_t i = 0; i < s->books.rows[code].count; i++) free(s->books.rows[code].rows[i].bytes.data);
        free(s->books.rows[code].rows);
    }
    ordered_fini(&s->books.entries);
    shelf_close(&s->shelf);
    free(s->books.records);
    free(s->undo);
    free(s->name);
    free(s);
}

void
store_close(struct store **store)
{
    struct store *s = *store;
    if (s == NULL) return;
    if (s->writing) store_abort(s);
    s->open = false;
    *store = NULL;
    if (!s->scratch) return;
    struct store **link = &all;
    while (*link != s) link = &(*link)->next;
    *link = s->next;
    forget(s);
}

enum store_error
store_open_shelf(const char *dir, enum store_mode mode, struct shelf **ret_shelf)
{
    struct store *s = all;

    (void)mode;
    while (strcmp(s->name, dir) != 0) s = s->next;
    if (s->shelf == NULL) PD_CHECK(shelf_open(NULL, &s->shelf));
    *ret_shelf = s->shelf;
    return STORE_OK;
}

void
store_close_shelf(struct shelf **shelf)
{
    *shelf = NULL;
}

void
store_note_damage(struct store *s)
{
    s->has_damage = true;
}

bool
store_has_damage(const struct store *s)
{
    return s->has_damage;
}

void
store_forget_damage(struct store *s)
{
    s->has_damage = false;
}

void
store_remove(const char *dir)
{
    for (struct store **link = &all; *link != NULL; link = &(*link)->next) {
        struct store *s = *link;
        if (strcmp(s->name, dir) != 0) continue;
        *link = s->next;
        forget(s);
        return;
    }
}

/* Whether the store is the directory's: its log's, its rows' or its views'. */
static bool
is_of(const struct store *s, const char *dir)
{
    size_t size = strlen(dir);
    return strncmp(s->name, dir, size) == 0 && (s->name[size] == '\0' || s->name[size] == '/');
}

void
store_memory_forget(const char *dir)
{
    for (struct store **link = &all; *link != NULL;) {
        struct store *s = *link;
        if (!is_of(s, dir)) {
            link = &s->next;
            continue;
        }
        *link = s->next;
        forget(s);
    }
}

void
store_memory_fill(const char *dir, bool full)
{
    for (struct store *s = all; s != NULL; s = s->next)
        if (is_of(s, dir)) s->full = full;
}

void
store_memory_damage(const char *dir, int row_code, struct row_key key)
{
    bool found = false;
    for (struct store *s = all; s != NULL; s = s->next) {
        struct row *r = is_of(s, dir) ? find(s, row_code, key) : NULL;
        if (r == NULL) continue;
        r->damaged = found = true;
    }
    PD_CHECK(found);
}

const uint8_t *
store_log_id(const struct store *s)
{
    return s->id;
}

uint64_t
store_last(const struct store *s)
{
    return s->writing ? s->mark : s->books.count;
}

uint64_t
store_folded(const struct store *s)
{
    return s->writing ? s->folded_mark : s->books.folded;
}

enum store_error
store_prepare(struct store *s, size_t bytes, size_t pages)
{
    (void)bytes;
    (void)pages;
    return s->full ? STORE_FULL : STORE_OK;
}

void
store_forget_dead(struct store *s)
{
    (void)s;
}

/* It takes no space, and no time. */
void
store_figures(struct store *s, struct store_figures *ret)
{
    (void)s;
    *ret = (struct store_figures){.sync_us = NULL};
}

enum store_error
store_begin(struct store *s)
{
    PD_CHECK(!s->writing);
    s->writing = true;
    s->mark = s->books.count;
    s->folded_mark = s->books.folded;
    memcpy(s->id_mark, s->id, sizeof s->id);
    s->undo_count = 0;
    s->writer.store = s;
    return STORE_OK;
}

void
store_append(struct store *s, uint64_t position, const char *bytes, size_t size)
{
    PD_CHECK(s->writing && position == s->books.count + 1);
    s->books.records = grow(s->books.records, &s->books.capacity, s->books.count, sizeof *s->books.records);
    s->books.records[s->books.count++] = copy(bytes, size);
}

void
store_put_row(struct store *s, int row_code, struct row_key key, const char *bytes, size_t size)
{
    PD_CHECK(s->writing);
    remember(s, row_code, key);
    set_row(s, row_code, key, copy(bytes, size));
}

void
store_delete_row(struct store *s, int row_code, struct row_key key)
{
    PD_CHECK(s->writing);
    remember(s, row_code, key);
    set_row(s, row_code, key, (struct bytes){NULL, 0});
}

void
store_drop_rows(struct store *s)
{
    for (int code = 0; code < PD_ROW_CODES; code++)
        while (s->books.rows[code].count > 0)
            store_delete_row(s, code, s->books.rows[code].rows[s->books.rows[code].count - 1].key);
    ordered_clear(&s->books.entries);
    s->books.folded = 0;
}

void
store_set_folded(struct store *s, uint64_t position)
{
    s->books.folded = position;
}

void
store_set_log_id(struct store *s, const uint8_t id[PD_LOG_ID_BYTES])
{
    memcpy(s->id, id, sizeof s->id);
}

enum store_error
store_commit(struct store *s, const uint8_t *chain)
{
    (void)chain;
    PD_CHECK(s->writing);
    for (size_t i = 0; i < s->undo_count; i++) free(s->undo[i].before.data);
    ordered_keep(&s->books.entries);
    s->undo_count = 0;
    s->writing = false;
    return STORE_OK;
}

void
store_abort(struct store *s)
{
    if (!s->writing) return;
    while (s->undo_count > 0) {
        struct undo *u = &s->undo[--s->undo_count];
        struct row  *r = find(s, u->row_code, u->key);
        if (r != NULL) free(r->bytes.data);
        set_row(s, u->row_code, u->key, u->before);
    }
    ordered_undo(&s->books.entries);
    while (s->books.count > s->mark) free(s->books.records[--s->books.count].data);
    s->books.folded = s->folded_mark;
    memcpy(s->id, s->id_mark, sizeof s->id);
    s->writing = false;
}

struct store_reader *
store_writer_view(struct store *s)
{
    PD_CHECK(s->writing);
    return &s->writer;
}

enum store_error
store_reader_open(struct store *s, struct store_reader **ret_reader)
{
    PD_CHECK(!s->writing); /* single-threaded: a snapshot is what is there */
    struct store_reader *r = calloc(1, sizeof *r);
    PD_CHECK(r != NULL);
    r->store = s;
    *ret_reader = r;
    return STORE_OK;
}

void
store_reader_close(struct store_reader **reader)
{
    free(*reader);
    *reader = NULL;
}

uint64_t
store_reader_last(struct store_reader *r)
{
    return r->store->books.count;
}

enum store_error
store_reader_folded(struct store_reader *r, uint64_t *ret_folded)
{
    *ret_folded = r->store->books.folded;
    return STORE_OK;
}

enum store_error
store_read_record(struct store_reader *r, uint64_t position, struct pd_arena *arena, struct pd_text *ret_bytes)
{
    if (position == 0 || position > r->store->books.count) return STORE_NONE;
    const struct bytes *b = &r->store->books.records[position - 1];
    *ret_bytes = pd_arena_text(arena, (struct pd_text){b->data, b->size});
    return STORE_OK;
}

enum store_error
store_read_row(struct store_reader *r, int row_code, struct row_key key, struct pd_arena *arena,
               struct pd_text *ret_bytes)
{
    const struct row *row = find(r->store, row_code, key);
    if (row == NULL) return STORE_NONE;
    if (row->damaged) return STORE_DAMAGED;
    *ret_bytes = pd_arena_text(arena, (struct pd_text){row->bytes.data, row->bytes.size});
    return STORE_OK;
}

enum store_error
store_each_record(struct store_reader *r, uint64_t from, uint64_t to, store_visit_record *visit, void *arg)
{
    uint64_t last = store_reader_last(r);

    for (uint64_t p = from < 1 ? 1 : from; p <= to && p <= last; p++) {
        const struct bytes *b = &r->store->books.records[p - 1];
        if (!visit(arg, p, (struct pd_text){b->data, b->size})) break;
    }
    return STORE_OK;
}

enum store_error
store_each_row(struct store_reader *r, int row_code, struct row_key from, store_visit *visit, void *arg)
{
    const struct rows *t = &r->store->books.rows[row_code];
    for (size_t i = lower_bound(t, from); i < t->count; i++) {
        const struct row *row = &t->rows[i];
        struct pd_text    bytes = {row->bytes.data, row->bytes.size};
        if (!visit(arg, row->key, row->damaged ? (struct pd_text){NULL, 0} : bytes)) break;
    }
    return STORE_OK;
}

/* ---- entries ------------------------------------------------------------------------------------------------------- */

void
store_put_entry(struct store *s, struct pd_text key, struct pd_text value)
{
    PD_CHECK(s->writing && key.size > 0 && key.size <= STORE_KEY_MAX);
    ordered_put(&s->books.entries, key, value);
}

void
store_append_entry(struct store *s, struct pd_text key, struct pd_text value)
{
    PD_CHECK(ordered_at(&s->books.entries, ordered_place(&s->books.entries, key)) == NULL);
    store_put_entry(s, key, value);
}

void
store_delete_entry(struct store *s, struct pd_text key)
{
    PD_CHECK(s->writing);
    ordered_delete(&s->books.entries, key);
}

enum store_error
store_read_entry(struct store_reader *r, struct pd_text key, struct pd_arena *arena, struct pd_text *ret_value)
{
    const struct ordered_pair *pair = ordered_at(&r->store->books.entries, ordered_place(&r->store->books.entries, key));

    if (pair == NULL || !pd_text_equal(pair->key, key)) return STORE_NONE;
    *ret_value = pd_arena_text(arena, pair->value);
    return STORE_OK;
}

struct store_cursor {
    const struct ordered *entries;
    size_t                at;
};

enum store_error
store_cursor_open(struct store_reader *r, struct store_cursor **ret_cursor)
{
    struct store_cursor *c = calloc(1, sizeof *c);
    PD_CHECK(c != NULL);
    c->entries = &r->store->books.entries;
    *ret_cursor = c;
    return STORE_OK;
}

void
store_cursor_close(struct store_cursor **cursor)
{
    free(*cursor);
    *cursor = NULL;
}

/* What was before the first is a place beyond the last. */
static enum store_error
show_entry(struct store_cursor *c, size_t at, struct store_entry *ret_entry)
{
    const struct ordered_pair *pair = ordered_at(c->entries, at);

    if (pair == NULL) return STORE_NONE;
    c->at = at;
    *ret_entry = (struct store_entry){pair->key, pair->value};
    return STORE_OK;
}

enum store_error
store_cursor_seek(struct store_cursor *c, struct pd_text key, struct store_entry *ret_entry)
{
    return show_entry(c, ordered_place(c->entries, key), ret_entry);
}

enum store_error
store_cursor_seek_before(struct store_cursor *c, struct pd_text key, struct store_entry *ret_entry)
{
    return show_entry(c, ordered_place(c->entries, key) - 1, ret_entry);
}

enum store_error
store_cursor_next(struct store_cursor *c, struct store_entry *ret_entry)
{
    return show_entry(c, c->at + 1, ret_entry);
}

enum store_error
store_cursor_previous(struct store_cursor *c, struct store_entry *ret_entry)
{
    return show_entry(c, c->at - 1, ret_entry);
}
