#include "engine/kept.h"

#include "engine/store/lists.h"

enum { INDEX = 'i', SCOPE = 's', EXPIRY = 'x', SCOPE_KEY = 1 + 4, SCOPE_VALUE = 8 * (1 + NUMBER_KINDS), OVERHEAD = 64 };

static const struct pd_text expiry_key = {"x", 1};

struct kept
kept_collect(struct index *index, struct scopes *scopes, const struct expiry *expiry, struct pd_arena *arena)
{
    struct kept k = {.index = index_journal(index), .expiry = expiry->missed > 0 ? expiry->missed : expiry->next};
    k.scopes = scopes_changed(scopes, arena, &k.scope_count);
    return k;
}

size_t
kept_weight(const struct index *index, const struct scopes *scopes)
{
    size_t entries = scopes_count_changed(scopes);
    return index_journal(index).count * sizeof(struct pair) + entries * (SCOPE_VALUE + OVERHEAD) + 2 * OVERHEAD;
}

/* ---- writing ------------------------------------------------------------------------------------------------------- */

static struct pd_text
scope_key(uint64_t scope, char buffer[SCOPE_KEY])
{
    buffer[0] = SCOPE;
    lists_put_number(buffer + 1, scope, 4);
    return (struct pd_text){buffer, SCOPE_KEY};
}

static void
write_scope(struct store *rows, const struct scope_numbers *s)
{
    char key[SCOPE_KEY], value[SCOPE_VALUE];

    lists_put_number(value, s->position, 8);
    for (int i = 0; i < NUMBER_KINDS; i++) lists_put_number(value + 8 * (1 + i), s->last[i], 8);
    store_put_entry(rows, scope_key(s->scope, key), (struct pd_text){value, sizeof value});
}

void
kept_write(const struct kept *k, struct store *rows, struct mp_writer *scratch, uint64_t from, uint64_t to, uint64_t index_kept)
{
    char next[8];

    lists_begin(scratch, from);
    mp_raw(scratch, (const char *)k->index.pairs, k->index.count * sizeof *k->index.pairs);
    lists_end(scratch, rows, INDEX, to);
    lists_forget(rows, INDEX, index_kept);
    for (size_t i = 0; i < k->scope_count; i++) write_scope(rows, &k->scopes[i]);
    lists_put_number(next, k->expiry, 8);
    store_put_entry(rows, expiry_key, (struct pd_text){next, sizeof next});
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

static enum store_error
read_scopes(struct store_reader *rows, struct scopes *scopes)
{
    struct store_cursor *cursor = NULL;
    struct store_entry   entry;
    struct scope_numbers s;
    char                 key[SCOPE_KEY];
    bool                 any = false;
    enum store_error     error = store_cursor_open(rows, &cursor);

    if (error == STORE_OK) error = store_cursor_seek(cursor, scope_key(0, key), &entry);
    for (; error == STORE_OK && entry.key.data[0] == SCOPE; error = store_cursor_next(cursor, &entry)) {
        if (entry.key.size != SCOPE_KEY || entry.value.size != SCOPE_VALUE) break;
        s.scope = lists_number(entry.key.data + 1, 4);
        s.position = lists_number(entry.value.data, 8);
        for (int i = 0; i < NUMBER_KINDS; i++) s.last[i] = lists_number(entry.value.data + 8 * (1 + i), 8);
        if (!scopes_restore(scopes, &s)) break;
        any = true;
    }
    bool wrong = error == STORE_OK && entry.key.data[0] == SCOPE;
    store_cursor_close(&cursor);
    if (wrong || (!any && (error == STORE_OK || error == STORE_NONE))) return STORE_DAMAGED;
    return error == STORE_NONE ? STORE_OK : error;
}

static enum store_error
read_expiry(struct store_reader *rows, struct expiry *expiry, struct pd_arena *arena)
{
    struct pd_text   value;
    enum store_error error = store_read_entry(rows, expiry_key, arena, &value);

    if (error == STORE_OK && value.size != 8) error = STORE_DAMAGED;
    if (error == STORE_OK) expiry->next = lists_number(value.data, 8);
    return error == STORE_NONE ? STORE_DAMAGED : error;
}

/* One list of changes that follows from where the index is. STORE_NONE: there is none. */
static enum store_error
apply_next(struct store_reader *rows, struct index *index, uint64_t *at, struct pd_arena *arena)
{
    struct list_of_rows list;
    enum store_error    error = lists_read(rows, INDEX, *at, arena, &list);
    size_t              count = error == STORE_OK ? list.bytes.size / sizeof(struct pair) : 0;

    if (error != STORE_OK) return error;
    struct pair *pairs = PD_ARENA_ARRAY(arena, struct pair, count + 1);
    memcpy(pairs, list.bytes.data, count * sizeof *pairs); /* a value begins anywhere */
    if (list.from != *at || list.bytes.size % sizeof *pairs != 0 || !index_apply(index, (struct index_changes){pairs, count}))
        return STORE_NONE;
    *at = list.to;
    return STORE_OK;
}

static enum store_error
read_index(struct store_reader *rows, struct index *index, uint64_t folded, struct pd_arena *arena)
{
    uint64_t         at = index_kept(index);
    enum store_error error = at > folded ? STORE_NONE : STORE_OK;

    while (error == STORE_OK && at < folded) {
        error = apply_next(rows, index, &at, arena);
        pd_arena_reset(arena);
        if (error != STORE_OK) continue;
        index_turn_over(index, at);
        index_catch_up(index, folded);
    }
    if (error != STORE_NONE && error != STORE_DAMAGED) return error;
    index_reset(index);
    return STORE_NONE;
}

enum store_error
kept_read(struct store_reader *rows, struct index *index, struct scopes *scopes, struct expiry *expiry, struct pd_arena *arena)
{
    uint64_t         folded = 0;
    enum store_error error = store_reader_folded(rows, &folded);

    if (error != STORE_OK) return error;
    if (folded == 0) { /* nothing is, and nothing is kept */
        if (index_kept(index) > 0) index_reset(index);
        return STORE_OK;
    }
    error = read_scopes(rows, scopes);
    if (error == STORE_OK) error = read_expiry(rows, expiry, arena);
    return error == STORE_OK ? read_index(rows, index, folded, arena) : error;
}
