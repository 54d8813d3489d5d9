#include "engine/views/dump.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/check.h"
#include "proto/msgpack.h"

struct dump {
    struct mp_writer line;
    int              row_code;
    bool             damaged;
    dump_line       *told;
    void            *arg;
};

static void
add_hex(struct mp_writer *line, struct pd_text bytes)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char    *at = mp_room(line, 1 + 2 * bytes.size);

    *at++ = ' ';
    for (size_t i = 0; i < bytes.size; i++) {
        *at++ = (unsigned char)digits[(uint8_t)bytes.data[i] >> 4];
        *at++ = (unsigned char)digits[(uint8_t)bytes.data[i] & 15];
    }
}

static void
begin_line(struct dump *d, const char *kind, const char *name)
{
    mp_writer_clear(&d->line);
    mp_raw(&d->line, kind, strlen(kind));
    mp_raw(&d->line, name, strlen(name));
}

static void
end_line(struct dump *d)
{
    mp_raw(&d->line, "", 1);
    d->told(d->arg, d->line.data);
}

static bool
see_row(void *arg, struct row_key key, struct pd_text bytes)
{
    struct dump *d = arg;
    char         place[48];

    d->damaged = bytes.data == NULL;
    if (d->damaged) return false;
    begin_line(d, "row ", pd_schema_row(d->row_code)->name);
    int size = snprintf(place, sizeof place, " %" PRIu64 "/%" PRIu32, key.position, key.item);
    mp_raw(&d->line, place, (size_t)size);
    add_hex(&d->line, bytes);
    end_line(d);
    return true;
}

static const char *
name_of(int code)
{
    const struct view_spec *view = view_of(code);

    if (view != NULL) return view->name;
    switch (code) {
    case VIEW_heads: return "heads";
    case VIEW_events: return "events";
    case VIEW_events_by_hour: return "events_by_hour";
    case VIEW_states_by_hour: return "states_by_hour";
    default: return "unknown";
    }
}

static enum store_error
dump_entries(struct dump *d, struct store_reader *reader)
{
    struct store_cursor *cursor = NULL;
    struct store_entry   entry;
    enum store_error     error = store_cursor_open(reader, &cursor);

    if (error == STORE_OK) error = store_cursor_seek(cursor, (struct pd_text){"", 1}, &entry);
    for (; error == STORE_OK; error = store_cursor_next(cursor, &entry)) {
        int code = (uint8_t)entry.key.data[0];
        if (code == VIEW_state) continue;
        begin_line(d, "entry ", name_of(code));
        add_hex(&d->line, entry.key);
        add_hex(&d->line, entry.value);
        end_line(d);
    }
    store_cursor_close(&cursor);
    return error == STORE_NONE ? STORE_OK : error;
}

enum store_error
views_dump(struct store_reader *reader, dump_line *line, void *arg)
{
    struct dump      d = {.told = line, .arg = arg};
    enum store_error error = STORE_OK;

    for (d.row_code = 1; d.row_code < PD_ROW_CODES && error == STORE_OK; d.row_code++) {
        if (pd_schema_row(d.row_code) == NULL) continue;
        error = store_each_row(reader, d.row_code, (struct row_key){0, 0}, see_row, &d);
        if (d.damaged) error = STORE_DAMAGED;
    }
    if (error == STORE_OK) error = dump_entries(&d, reader);
    mp_writer_fini(&d.line);
    return error;
}

/* ---- comparing ----------------------------------------------------------------------------------------------------- */

struct comparison {
    struct store_reader *other;
    struct pd_arena     *scratch;
    int                  row_code;
    uint64_t             rows;
    enum store_error     error;
    char                *what;
};

static bool
compare_row(void *arg, struct row_key key, struct pd_text bytes)
{
    struct comparison *c = arg;
    struct pd_text     other = {NULL, 0};

    c->error = bytes.data == NULL ? STORE_DAMAGED : store_read_row(c->other, c->row_code, key, c->scratch, &other);
    if (c->error == STORE_NONE) c->error = STORE_OK;
    if (c->error == STORE_OK && (other.data == NULL || !pd_text_equal(bytes, other)))
        snprintf(c->what, 256, "views: row %s at position %" PRIu64 " item %" PRIu32 " is not what it should be",
                 pd_schema_row(c->row_code)->name, key.position, key.item);
    if (++c->rows % 1024 == 0) pd_arena_reset(c->scratch);
    return c->error == STORE_OK && c->what[0] == '\0';
}

/* Every row of one is in the other; and as many are. */
static enum store_error
compare_rows(struct store_reader *a, struct store_reader *b, struct pd_arena *scratch, char *what)
{
    struct comparison one = {.other = b, .scratch = scratch, .what = what}, back = {.other = a, .scratch = scratch, .what = what};
    enum store_error  error = STORE_OK;

    for (int code = 1; code < PD_ROW_CODES && error == STORE_OK && what[0] == '\0'; code++) {
        if (pd_schema_row(code) == NULL) continue;
        one.row_code = back.row_code = code;
        error = store_each_row(a, code, (struct row_key){0, 0}, compare_row, &one);
        if (error == STORE_OK) error = one.error;
        if (error == STORE_OK && what[0] == '\0') error = store_each_row(b, code, (struct row_key){0, 0}, compare_row, &back);
        if (error == STORE_OK) error = back.error;
    }
    return error;
}

/* The next entry that is not of a view's own making. */
static enum store_error
next_entry(struct store_cursor *c, bool first, struct store_entry *ret_entry)
{
    enum store_error error = first ? store_cursor_seek(c, (struct pd_text){"", 1}, ret_entry) : store_cursor_next(c, ret_entry);
    while (error == STORE_OK && (uint8_t)ret_entry->key.data[0] == VIEW_state) error = store_cursor_next(c, ret_entry);
    return error;
}

static enum store_error
compare_entries(struct store_cursor *a, struct store_cursor *b, char *what)
{
    struct store_entry x, y;
    enum store_error   one = next_entry(a, true, &x), other = next_entry(b, true, &y);

    while (one == STORE_OK && other == STORE_OK && pd_text_equal(x.key, y.key) && pd_text_equal(x.value, y.value)) {
        one = next_entry(a, false, &x);
        other = next_entry(b, false, &y);
    }
    if (one == STORE_NONE && other == STORE_NONE) return STORE_OK;
    if (one != STORE_OK && one != STORE_NONE) return one;
    if (other != STORE_OK && other != STORE_NONE) return other;
    const struct store_entry *at = one == STORE_OK ? &x : &y;
    snprintf(what, 256, "views: %s is not what it should be", name_of((uint8_t)at->key.data[0]));
    return STORE_OK;
}

enum store_error
views_compare(struct store_reader *a, struct store_reader *b, struct pd_arena *scratch, char *ret_what)
{
    struct store_cursor *x = NULL, *y = NULL;

    ret_what[0] = '\0';
    enum store_error error = compare_rows(a, b, scratch, ret_what);
    if (error == STORE_OK) error = store_cursor_open(a, &x);
    if (error == STORE_OK) error = store_cursor_open(b, &y);
    if (error == STORE_OK && ret_what[0] == '\0') error = compare_entries(x, y, ret_what);
    store_cursor_close(&x);
    store_cursor_close(&y);
    return error;
}
