#include "engine/views/view.h"

#include "proto/check.h"

static const struct view_spec table[] = {
#define PD_VIEW(code, name, row, kind, description) {code, PD_ROW_##row, VIEW_##kind, #name, description, view_##name},
#include "engine/views/views.def"
#undef PD_VIEW
};

const struct view_spec *
views_table(size_t *ret_count)
{
    *ret_count = sizeof table / sizeof table[0];
    return table;
}

const struct view_spec *
view_of(int code)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].code == code) return &table[i];
    return NULL;
}

struct view_key *
view_begin(struct view_keys *keys, int code, uint64_t scope)
{
    view_key_begin(&keys->key, code, scope);
    return &keys->key;
}

void
view_emit(struct view_keys *keys)
{
    if (keys->with_row) view_key_row(&keys->key, keys->row);
    struct pd_text bytes = view_key_bytes(&keys->key);
    for (size_t i = 0; i < keys->count; i++)
        if (pd_text_equal(keys->keys[i], bytes)) return;
    PD_CHECK(keys->count < VIEW_KEYS_MAX);
    keys->keys[keys->count++] = pd_arena_text(keys->arena, bytes);
}
