#include "engine/views/scrub.h"

enum { AT_ONCE = 10000 };

struct seeing {
    size_t         left;
    struct row_key next;
    bool           damaged;
};

void
scrub_begin(struct scrub *s)
{
    *s = (struct scrub){.row_code = 1, .entry = {1, ""}};
}

static bool
see_row(void *arg, struct row_key key, struct pd_text bytes)
{
    struct seeing *seeing = arg;

    seeing->damaged = bytes.data == NULL;
    seeing->next = key;
    return !seeing->damaged && seeing->left-- > 0;
}

static enum store_error
look_at_rows(struct scrub *s, struct store_reader *reader)
{
    struct seeing    seeing = {.left = AT_ONCE};
    enum store_error error = STORE_OK;

    if (pd_schema_row(s->row_code) != NULL) error = store_each_row(reader, s->row_code, s->row, see_row, &seeing);
    if (seeing.damaged) return STORE_DAMAGED;
    s->row = seeing.next;
    if (seeing.left == SIZE_MAX) return error; /* stopped: there are more */
    s->row_code++;
    s->row = (struct row_key){0, 0};
    return error;
}

static enum store_error
look_at_entries(struct scrub *s, struct store_reader *reader)
{
    struct store_cursor *cursor = NULL;
    struct store_entry   entry;
    enum store_error     error = store_cursor_open(reader, &cursor);

    if (error == STORE_OK) error = store_cursor_seek(cursor, view_key_bytes(&s->entry), &entry);
    for (size_t i = 0; i < AT_ONCE && error == STORE_OK; i++) error = store_cursor_next(cursor, &entry);
    if (error == STORE_OK) memcpy(s->entry.bytes, entry.key.data, s->entry.size = entry.key.size);
    store_cursor_close(&cursor);
    s->done = error == STORE_NONE;
    return s->done ? STORE_OK : error;
}

enum store_error
scrub_step(struct scrub *s, struct store *store)
{
    struct store_reader *reader = NULL;
    enum store_error     error = store_reader_open(store, &reader);

    if (error == STORE_OK) error = s->row_code < PD_ROW_CODES ? look_at_rows(s, reader) : look_at_entries(s, reader);
    store_reader_close(&reader);
    return error;
}
