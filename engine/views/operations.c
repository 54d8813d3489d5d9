#include "engine/views/operations.h"

#include <stdlib.h>
#include <xxhash.h>

#include "proto/check.h"

struct operation {
    struct pd_text key, value; /* value absent: it is deleted */
};

struct tally {
    uint64_t       hash;
    struct pd_text key; /* absent: an empty slot */
    int64_t        count;
};

void
operations_fini(struct operations *o)
{
    free(o->list);
    free(o->places);
    free(o->tallies);
    *o = (struct operations){.list = NULL};
}

void
operations_forget(struct operations *o)
{
    if (o->tally_count > 0) memset(o->tallies, 0, (o->tally_mask + 1) * sizeof *o->tallies);
    o->count = o->tally_count = 0;
}

/* ---- puts and deletes ---------------------------------------------------------------------------------------------- */

/* The key's first bytes, code and scope and eight behind them, and then its place in the list: what is equal in them is on the same
 * pages, as a rule, and keys themselves are other lines of memory. */
enum { BEGIN = 13, AT_BITS = 128 - 8 * BEGIN };

static struct sort_key
place_of(struct pd_text key, size_t at)
{
    char begin[16] = {0};

    memcpy(begin, key.data, key.size < BEGIN ? key.size : BEGIN);
    return (struct sort_key){view_number(begin, 8), view_number(begin + 8, BEGIN - 8) << AT_BITS | at};
}

static size_t
at_of(struct sort_key place)
{
    return place.low % (1 << AT_BITS);
}

static void
add(struct operations *o, struct operation operation)
{
    if (o->count == o->capacity) {
        o->capacity = o->capacity * 2 + 1024;
        o->list = realloc(o->list, o->capacity * sizeof *o->list);
        o->places = realloc(o->places, o->capacity * sizeof *o->places);
        PD_CHECK(o->list != NULL && o->places != NULL);
    }
    PD_CHECK(o->count < 1 << AT_BITS);
    o->places[o->count] = place_of(operation.key, o->count);
    o->list[o->count++] = operation;
}

void
operations_put(struct operations *o, struct pd_text key, struct pd_text value)
{
    add(o, (struct operation){.key = key, .value = value});
}

void
operations_delete(struct operations *o, struct pd_text key)
{
    add(o, (struct operation){.key = key});
}

/* ---- counts -------------------------------------------------------------------------------------------------------- */

static struct tally *
find_tally(struct operations *o, uint64_t hash, struct pd_text key)
{
    size_t i = hash & o->tally_mask;

    while (o->tallies[i].key.data != NULL && (o->tallies[i].hash != hash || !pd_text_equal(o->tallies[i].key, key)))
        i = (i + 1) & o->tally_mask;
    return &o->tallies[i];
}

static void
make_room(struct operations *o)
{
    struct tally *old = o->tallies;
    size_t        slots = old == NULL ? 0 : o->tally_mask + 1;

    if (o->tally_count < slots / 2) return;
    o->tally_mask = slots == 0 ? 1023 : slots * 2 - 1;
    o->tallies = calloc(o->tally_mask + 1, sizeof *o->tallies);
    PD_CHECK(o->tallies != NULL);
    for (size_t i = 0; i < slots; i++)
        if (old[i].key.data != NULL) *find_tally(o, old[i].hash, old[i].key) = old[i];
    free(old);
}

void
operations_add(struct operations *o, struct pd_text key, int64_t count)
{
    uint64_t hash = XXH3_64bits(key.data, key.size);

    make_room(o);
    struct tally *t = find_tally(o, hash, key);
    if (t->key.data == NULL) {
        *t = (struct tally){hash, key, 0};
        o->tally_count++;
    }
    t->count += count;
}

/* What is counted to nothing is not kept. The new count is put with the others. */
static enum store_error
count_up(struct operations *o, struct store *store, const struct tally *t, struct pd_arena *scratch)
{
    struct pd_text   value;
    uint64_t         now = 0;
    char            *bytes = pd_arena_alloc(scratch, VARINT_MAX);
    enum store_error error = store_read_entry(store_writer_view(store), t->key, scratch, &value);

    if (error == STORE_OK && !varint_read(&value, &now)) error = STORE_DAMAGED;
    if (error != STORE_OK && error != STORE_NONE) return error;
    if (t->count < 0 && now < (uint64_t)-t->count) return STORE_DAMAGED;
    now += (uint64_t)t->count;
    if (now == 0) operations_delete(o, t->key);
    else operations_put(o, t->key, (struct pd_text){bytes, varint_write(bytes, now)});
    return STORE_OK;
}

/* ---- doing them ---------------------------------------------------------------------------------------------------- */

enum store_error
operations_do(struct operations *o, struct store *store, struct pd_arena *scratch)
{
    enum store_error error = STORE_OK;

    for (size_t i = 0; o->tally_count > 0 && i <= o->tally_mask && error == STORE_OK; i++)
        if (o->tallies[i].count != 0) error = count_up(o, store, &o->tallies[i], scratch);
    if (error == STORE_OK) sort_keys(o->places, o->count);
    for (size_t i = 0; i < o->count && error == STORE_OK; i++) {
        const struct operation *op = &o->list[at_of(o->places[i])];
        if (i + 16 < o->count) __builtin_prefetch(&o->list[at_of(o->places[i + 16])]);
        if (i + 8 < o->count) __builtin_prefetch(o->list[at_of(o->places[i + 8])].key.data);
        if (op->value.data != NULL) store_put_entry(store, op->key, op->value);
        else store_delete_entry(store, op->key);
    }
    operations_forget(o);
    return error;
}

void
operations_sort(struct operations *o, struct sorter *sorter)
{
    char bytes[VARINT_MAX];

    for (size_t i = 0; o->tally_count > 0 && i <= o->tally_mask; i++) {
        const struct tally *t = &o->tallies[i];
        PD_CHECK(t->count >= 0);
        if (t->count > 0) sorter_add(sorter, t->key, (struct pd_text){bytes, varint_write(bytes, (uint64_t)t->count)});
    }
    for (size_t i = 0; i < o->count; i++) {
        PD_CHECK(o->list[i].value.data != NULL);
        sorter_add(sorter, o->list[i].key, o->list[i].value);
    }
    operations_forget(o);
}

size_t
varint_write(char *to, uint64_t number)
{
    size_t size = 0;
    for (; number >= 0x80; number >>= 7) to[size++] = (char)(number | 0x80);
    to[size++] = (char)number;
    return size;
}

bool
varint_read(struct pd_text *from, uint64_t *ret_number)
{
    uint64_t number = 0;

    for (unsigned shift = 0; shift < 64 && from->size > 0; shift += 7) {
        uint8_t byte = (uint8_t)*from->data++;
        from->size--;
        number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_number = number;
            return true;
        }
    }
    return false;
}
