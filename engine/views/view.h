/* view.h - what a view is: the keys under which a row is to be found, or counted. For the files of this folder.
 *
 *   LIST    key = code, scope, the view's columns, position and item of the row    value = nothing
 *   COUNT   key = code, scope, the view's columns                                  value = how many rows have it, a varint
 *
 * Numbers are written with their most significant byte first, texts with a zero behind them, so that keys are in order. */
#ifndef VIEWS_VIEW_H
#define VIEWS_VIEW_H

#include "engine/store/store.h"
#include "proto/schema.h"

enum view_kind { VIEW_LIST, VIEW_COUNT };

enum view_code {
    VIEW_state, /* what views know of themselves: before all others (bulk.h) */
#define PD_VIEW(code, name, row, kind, description) VIEW_##name = code,
#include "engine/views/views.def"
#undef PD_VIEW
    /* What is folded from events rather than rows: events.h */
    VIEW_heads = 201, VIEW_events, VIEW_events_by_hour, VIEW_states_by_hour,
};

enum { VIEW_ROW_KEY = 12, VIEW_KEYS_MAX = 80 /* of one row in one view */ };

struct view_key {
    size_t size;
    char   bytes[STORE_KEY_MAX];
};

static inline void
view_key_number(struct view_key *key, uint64_t number, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--) key->bytes[key->size++] = (char)(number >> (8 * i));
}

static inline void
view_key_text(struct view_key *key, struct pd_text text)
{
    if (text.size > 0) memcpy(key->bytes + key->size, text.data, text.size);
    key->size += text.size;
    key->bytes[key->size++] = '\0';
}

static inline void
view_key_begin(struct view_key *key, int code, uint64_t scope)
{
    key->size = 0;
    view_key_number(key, (uint64_t)code, 1);
    view_key_number(key, scope, 4);
}

static inline struct view_key
view_key(int code, uint64_t scope)
{
    struct view_key key;
    view_key_begin(&key, code, scope);
    return key;
}

static inline void
view_key_row(struct view_key *key, struct row_key row)
{
    view_key_number(key, row.position, 8);
    view_key_number(key, row.item, 4);
}

static inline struct pd_text
view_key_bytes(const struct view_key *key)
{
    return (struct pd_text){key->bytes, key->size};
}

static inline uint64_t
view_number(const char *bytes, int size)
{
    uint64_t number = 0;
    for (int i = 0; i < size; i++) number = number << 8 | (uint8_t)bytes[i];
    return number;
}

static inline struct row_key
view_row_key(const char *bytes)
{
    return (struct row_key){view_number(bytes, 8), (uint32_t)view_number(bytes + 8, 4)};
}

/* Where a view puts the keys of a row; one that is there already is not put twice. A view begins a key, adds its columns, and
 * emits it. */
struct view_keys {
    struct pd_arena *arena;
    struct row_key   row;
    bool             with_row; /* LIST */
    size_t           count;
    struct pd_text   keys[VIEW_KEYS_MAX];
    struct view_key  key; /* that is being made */
};
struct view_key *view_begin(struct view_keys *keys, int code, uint64_t scope);
void             view_emit(struct view_keys *keys);

struct view_spec {
    int            code, row_code;
    enum view_kind kind;
    const char    *name, *description;
    void (*keys)(struct view_keys *keys, const void *row); /* struct pd_<row> */
};

/* All of them, in order of code. */
const struct view_spec *views_table(size_t *ret_count);

/* NULL: there is none of this code. */
const struct view_spec *view_of(int code);

#define PD_VIEW(code, name, row, kind, description) void view_##name(struct view_keys *keys, const void *row);
#include "engine/views/views.def"
#undef PD_VIEW

#define VIEW_HOUR_US ((pd_time_us)3600 * 1000000)

#endif
