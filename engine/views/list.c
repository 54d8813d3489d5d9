#include "engine/views/list.h"

#include "proto/check.h"

struct list_place
list_begin(bool backwards)
{
    return backwards ? (struct list_place){UINT64_MAX, {UINT64_MAX, UINT32_MAX}} : (struct list_place){0, {0, 0}};
}

void
list_init(struct list *l, bool numbered, bool backwards, struct list_place from)
{
    *l = (struct list){.numbered = numbered, .backwards = backwards, .from = from};
}

void
list_add(struct list *l, struct view_key key)
{
    PD_CHECK(l->count < LIST_KEYS_MAX && (l->count == 0 || !l->numbered));
    l->keys[l->count++] = key;
}

enum store_error
list_open(struct list *l, struct store_reader *reader)
{
    enum store_error error = STORE_OK;

    l->next = l->from;
    for (size_t i = 0; i < l->count && error == STORE_OK; i++) error = store_cursor_open(reader, &l->cursors[i]);
    return error;
}

void
list_close(struct list *l)
{
    for (size_t i = 0; i < l->count; i++) store_cursor_close(&l->cursors[i]);
}

static struct pd_text
key_at(const struct list *l, size_t i, struct list_place place, struct view_key *key)
{
    *key = l->keys[i];
    if (l->numbered) view_key_number(key, place.number, 8);
    view_key_row(key, place.row);
    return view_key_bytes(key);
}

static int
compare(struct list_place a, struct list_place b)
{
    if (a.number != b.number) return a.number < b.number ? -1 : 1;
    if (a.row.position != b.row.position) return a.row.position < b.row.position ? -1 : 1;
    return (a.row.item > b.row.item) - (a.row.item < b.row.item);
}

/* What stands under key i at an entry; STORE_NONE: it is another key's. */
static enum store_error
read_place(const struct list *l, size_t i, enum store_error error, const struct store_entry *entry, struct list_place *ret_place)
{
    size_t prefix = l->keys[i].size, size = prefix + (l->numbered ? 8 : 0);

    if (error != STORE_OK) return error;
    if (entry->key.size != size + VIEW_ROW_KEY || memcmp(entry->key.data, l->keys[i].bytes, prefix) != 0) return STORE_NONE;
    ret_place->number = l->numbered ? view_number(entry->key.data + prefix, 8) : 0;
    ret_place->row = view_row_key(entry->key.data + size);
    return STORE_OK;
}

/* The first place under key i that is not before one; backwards, the last that is not behind it. */
static enum store_error
seek(struct list *l, size_t i, struct list_place place, struct list_place *ret_place)
{
    struct view_key    key;
    struct store_entry entry;
    struct pd_text     bytes = key_at(l, i, place, &key);

    if (!l->backwards) return read_place(l, i, store_cursor_seek(l->cursors[i], bytes, &entry), &entry, ret_place);
    /* A zero more is the least key behind this one. */
    key.bytes[key.size++] = '\0';
    return read_place(l, i, store_cursor_seek_before(l->cursors[i], view_key_bytes(&key), &entry), &entry, ret_place);
}

/* The cursor of the only key goes on from where it is. */
static enum store_error
step(struct list *l, struct list_place *ret_place)
{
    struct store_entry entry;
    enum store_error   error =
        l->backwards ? store_cursor_previous(l->cursors[0], &entry) : store_cursor_next(l->cursors[0], &entry);
    return read_place(l, 0, error, &entry, ret_place);
}

/* The place behind one, or before it; no row is of position 0. */
static void
move_on(const struct list *l, struct list_place *place)
{
    struct row_key *r = &place->row;

    if (!l->backwards && r->item++ == UINT32_MAX) r->position++;
    if (!l->backwards) return;
    *r = r->item > 0 ? (struct row_key){r->position, r->item - 1} : (struct row_key){r->position - 1, UINT32_MAX};
}

/* All keys have it: each in turn leaps to where the one before it is, until nobody has to leap. */
static enum store_error
meet(struct list *l, struct list_place *ret_place)
{
    struct list_place wanted = l->next;
    size_t            agreed = 0;

    for (size_t i = 0, steps = 0; agreed < l->count; i = (i + 1) % l->count, steps++) {
        struct list_place found;
        if (steps >= LIST_STEPS_MAX) {
            l->stopped = true;
            l->next = wanted;
            return STORE_NONE;
        }
        enum store_error error = seek(l, i, wanted, &found);
        if (error != STORE_OK) return error;
        agreed = compare(found, wanted) == 0 ? agreed + 1 : 1;
        wanted = found;
    }
    *ret_place = wanted;
    return STORE_OK;
}

enum store_error
list_next(struct list *l, struct list_place *ret_place)
{
    struct list_place found;
    enum store_error  error = l->moved && l->count == 1 ? step(l, &found) : meet(l, &found);

    if (error != STORE_OK) return error;
    l->moved = true;
    l->next = found;
    *ret_place = found;
    move_on(l, &l->next);
    return STORE_OK;
}
