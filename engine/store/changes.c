#include "engine/store/changes.h"

enum { KIND = 'c', ROW = 1 + 8 + 4 };

void
changes_begin(struct mp_writer *list, uint64_t from)
{
    lists_begin(list, from);
}

void
changes_add(struct mp_writer *list, struct change change)
{
    char packed[ROW];

    packed[0] = (char)change.row_code;
    lists_put_number(packed + 1, change.key.position, 8);
    lists_put_number(packed + 9, change.key.item, 4);
    mp_raw(list, packed, sizeof packed);
}

void
changes_end(const struct mp_writer *list, struct store *rows, uint64_t to)
{
    lists_end(list, rows, KIND, to);
}

void
changes_forget(struct store *rows, uint64_t until)
{
    lists_forget(rows, KIND, until);
}

enum store_error
changes_read(struct store_reader *rows, uint64_t after, struct pd_arena *arena, struct list_of_rows *ret_list)
{
    enum store_error error = lists_read(rows, KIND, after, arena, ret_list);
    return error == STORE_OK && ret_list->bytes.size % ROW != 0 ? STORE_DAMAGED : error;
}

bool
changes_next(struct list_of_rows *list, struct change *ret_change)
{
    const char *at = list->bytes.data;

    if (list->bytes.size == 0) return false;
    *ret_change = (struct change){(uint8_t)at[0], {lists_number(at + 1, 8), (uint32_t)lists_number(at + 9, 4)}};
    list->bytes.data += ROW;
    list->bytes.size -= ROW;
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
    *ret_making = error == STORE_NONE ? 0 : lists_number(value.data, 8);
    return STORE_OK;
}

void
changes_set_making(struct store *rows, uint64_t making)
{
    char value[8];
    lists_put_number(value, making, 8);
    store_put_entry(rows, making_key, (struct pd_text){value, sizeof value});
}
