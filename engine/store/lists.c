#include "engine/store/lists.h"

enum { KEY = 1 + 8, FROM = 8, FORGET_MAX = 64 };

void
lists_put_number(char *to, uint64_t number, int size)
{
    for (int i = 0; i < size; i++) to[i] = (char)(number >> (8 * (size - 1 - i)));
}

uint64_t
lists_number(const char *from, int size)
{
    uint64_t number = 0;
    for (int i = 0; i < size; i++) number = number << 8 | (uint8_t)from[i];
    return number;
}

static struct pd_text
list_key(char kind, uint64_t to, char buffer[KEY])
{
    buffer[0] = kind;
    lists_put_number(buffer + 1, to, 8);
    return (struct pd_text){buffer, KEY};
}

static bool
is_list(char kind, struct pd_text key)
{
    return key.size == KEY && key.data[0] == kind;
}

void
lists_begin(struct mp_writer *list, uint64_t from)
{
    char packed[FROM];

    lists_put_number(packed, from, FROM);
    mp_writer_clear(list);
    mp_raw(list, packed, sizeof packed);
}

void
lists_end(const struct mp_writer *list, struct store *rows, char kind, uint64_t to)
{
    char key[KEY];
    store_put_entry(rows, list_key(kind, to, key), (struct pd_text){list->data, list->size});
}

void
lists_forget(struct store *rows, char kind, uint64_t until)
{
    struct store_cursor *cursor = NULL;
    struct store_entry   entry;
    char                 keys[FORGET_MAX][KEY], first[KEY];
    size_t               count = 0;

    if (store_cursor_open(store_writer_view(rows), &cursor) != STORE_OK) return; /* later */
    enum store_error error = store_cursor_seek(cursor, list_key(kind, 0, first), &entry);
    for (; error == STORE_OK && is_list(kind, entry.key) && count < FORGET_MAX; error = store_cursor_next(cursor, &entry)) {
        if (lists_number(entry.key.data + 1, 8) > until) break;
        memcpy(keys[count++], entry.key.data, KEY);
    }
    store_cursor_close(&cursor);
    for (size_t i = 0; i < count; i++) store_delete_entry(rows, (struct pd_text){keys[i], KEY});
}

enum store_error
lists_read(struct store_reader *rows, char kind, uint64_t after, struct pd_arena *arena, struct list_of_rows *ret_list)
{
    struct store_cursor *cursor = NULL;
    struct store_entry   entry;
    char                 key[KEY];
    enum store_error     error = store_cursor_open(rows, &cursor);

    if (error == STORE_OK) error = store_cursor_seek(cursor, list_key(kind, after + 1, key), &entry);
    if (error == STORE_OK && !is_list(kind, entry.key)) error = STORE_NONE;
    if (error == STORE_OK && entry.value.size < FROM) error = STORE_DAMAGED;
    if (error == STORE_OK) {
        struct pd_text copy = pd_arena_text(arena, entry.value);
        *ret_list = (struct list_of_rows){lists_number(copy.data, FROM), lists_number(entry.key.data + 1, 8),
                                          {copy.data + FROM, copy.size - FROM}};
    }
    store_cursor_close(&cursor);
    return error;
}
