#include "engine/store/changes.h"

enum { KEY = 1 + 8, ROW = 1 + 8 + 4, FORGET_MAX = 64 };

static void
put_number(char *to, uint64_t number, int size)
{
    for (int i = 0; i < size; i++) to[i] = (char)(number >> (8 * (size - 1 - i)));
}

static uint64_t
number_at(const char *from, int size)
{
    uint64_t number = 0;
    for (int i = 0; i < size; i++) number = number << 8 | (uint8_t)from[i];
    return number;
}

static struct pd_text
list_key(uint64_t to, char buffer[KEY])
{
    buffer[0] = 'c';
    put_number(buffer + 1, to, 8);
    return (struct pd_text){buffer, KEY};
}

static bool
is_list(struct pd_text key)
{
    return key.size == KEY && key.data[0] == 'c';
}

void
changes_begin(struct mp_writer *list, uint64_t from)
{
    char packed[8];

    put_number(packed, from, 8);
    mp_writer_clear(list);
    mp_raw(list, packed, sizeof packed);
}

void
changes_add(struct mp_writer *list, struct change change)
{
    char packed[ROW];

    packed[0] = (char)change.row_code;
    put_number(packed + 1, change.key.position, 8);
    put_number(packed + 9, change.key.item, 4);
    mp_raw(list, packed, sizeof packed);
}

void
changes_end(const struct mp_writer *list, struct store *rows, uint64_t to)
{
    char key[KEY];
    store_put_entry(rows, list_key(to, key), (struct pd_text){list->data, list->size});
}

void
changes_forget(struct store *rows, uint64_t until)
{
    struct store_cursor *cursor = NULL;
    struct store_entry   entry;
    char                 keys[FORGET_MAX][KEY], first[KEY];
    size_t               count = 0;

    if (store_cursor_open(store_writer_view(rows), &cursor) != STORE_OK) return; /* later */
    enum store_error error = store_cursor_seek(cursor, list_key(0, first), &entry);
    for (; error == STORE_OK && is_list(entry.key) && count < FORGET_MAX; error = store_cursor_next(cursor, &entry)) {
        if (number_at(entry.key.data + 1, 8) > until) break;
        memcpy(keys[count++], entry.key.data, KEY);
    }
    store_cursor_close(&cursor);
    for (size_t i = 0; i < count; i++) store_delete_entry(rows, (struct pd_text){keys[i], KEY});
}

enum store_error
changes_read(struct store_reader *rows, uint64_t after, struct pd_arena *arena, struct change_list *ret_list)
{
    struct store_cursor *cursor = NULL;
    struct store_entry   entry;
    char                 key[KEY];
    enum store_error     error = store_cursor_open(rows, &cursor);

    if (error == STORE_OK) error = store_cursor_seek(cursor, list_key(after + 1, key), &entry);
    if (error == STORE_OK && !is_list(entry.key)) error = STORE_NONE;
    if (error == STORE_OK && (entry.value.size < 8 || (entry.value.size - 8) % ROW != 0)) error = STORE_DAMAGED;
    if (error == STORE_OK) {
        struct pd_text copy = pd_arena_text(arena, entry.value);
        *ret_list = (struct change_list){number_at(copy.data, 8), number_at(entry.key.data + 1, 8), {copy.data + 8, copy.size - 8}};
    }
    store_cursor_close(&cursor);
    return error;
}

bool
changes_next(struct change_list *list, struct change *ret_change)
{
    const char *at = list->packed.data;

    if (list->packed.size == 0) return false;
    *ret_change = (struct change){(uint8_t)at[0], {number_at(at + 1, 8), (uint32_t)number_at(at + 9, 4)}};
    list->packed.data += ROW;
    list->packed.size -= ROW;
    return true;
}

static const struct pd_text making_key = {"m", 1};

enum store_error
changes_making(struct store_reader *rows, struct pd_arena *arena, uint64_t *ret_making)
{
    struct pd_text   value;
    enum store_error error = store_read_entry(rows, making_key, arena, &value);

    if (error == STORE_OK && value.size != 8) return STORE_DAMAGED;
    if (error != STORE_OK && error != STORE_NONE) return error;
    *ret_making = error == STORE_NONE ? 0 : number_at(value.data, 8);
    return STORE_OK;
}

void
changes_set_making(struct store *rows, uint64_t making)
{
    char value[8];
    put_number(value, making, 8);
    store_put_entry(rows, making_key, (struct pd_text){value, sizeof value});
}
