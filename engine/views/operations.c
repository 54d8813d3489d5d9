#include "engine/views/operations.h"

#include <stdlib.h>

#include "proto/check.h"

enum { PUT, DELETE, ADD };

void
operations_fini(struct operations *o)
{
    free(o->list);
    *o = (struct operations){.list = NULL};
}

static void
add(struct operations *o, struct operation operation)
{
    struct pd_text key = operation.key;
    char           begin[16] = {0};

    if (o->count == o->capacity) {
        o->capacity = o->capacity * 2 + 1024;
        o->list = realloc(o->list, o->capacity * sizeof *o->list);
        PD_CHECK(o->list != NULL);
    }
    memcpy(begin, key.data, key.size < 13 ? key.size : 13);
    operation.place = view_number(begin, 5);
    operation.prefix = view_number(begin + 5, 8);
    o->list[o->count++] = operation;
}

void
operations_put(struct operations *o, struct pd_text key, struct pd_text value)
{
    add(o, (struct operation){.key = key, .value = value, .what = PUT});
}

void
operations_delete(struct operations *o, struct pd_text key)
{
    add(o, (struct operation){.key = key, .what = DELETE});
}

void
operations_add(struct operations *o, struct pd_text key, int64_t count)
{
    add(o, (struct operation){.key = key, .what = ADD, .count = count});
}

static int
compare(const void *a, const void *b)
{
    const struct operation *x = a, *y = b;

    if (x->place != y->place) return x->place < y->place ? -1 : 1;
    if (x->prefix != y->prefix) return x->prefix < y->prefix ? -1 : 1;
    size_t size = x->key.size < y->key.size ? x->key.size : y->key.size;
    int    order = memcmp(x->key.data, y->key.data, size);
    return order != 0 ? order : (x->key.size > y->key.size) - (x->key.size < y->key.size);
}

/* What is counted to nothing is not kept. */
static enum store_error
add_count(struct store *store, struct pd_text key, int64_t count, struct pd_arena *scratch)
{
    struct pd_text   value;
    uint64_t         now = 0;
    char             bytes[VARINT_MAX];
    enum store_error error = store_read_entry(store_writer_view(store), key, scratch, &value);

    if (error == STORE_OK && !varint_read(&value, &now)) error = STORE_DAMAGED;
    if (error != STORE_OK && error != STORE_NONE) return error;
    if (count < 0 && now < (uint64_t)-count) return STORE_DAMAGED;
    now += (uint64_t)count;
    if (now == 0) store_delete_entry(store, key);
    else store_put_entry(store, key, (struct pd_text){bytes, varint_write(bytes, now)});
    return STORE_OK;
}

enum store_error
operations_do(struct operations *o, struct store *store, struct pd_arena *scratch)
{
    enum store_error error = STORE_OK;

    if (o->count > 0) qsort(o->list, o->count, sizeof *o->list, compare);
    for (size_t i = 0; i < o->count && error == STORE_OK; i++) {
        struct operation *op = &o->list[i];
        if (op->what == PUT) store_put_entry(store, op->key, op->value);
        else if (op->what == DELETE) store_delete_entry(store, op->key);
        else if (i + 1 < o->count && pd_text_equal(op->key, o->list[i + 1].key)) o->list[i + 1].count += op->count;
        else if (op->count != 0) error = add_count(store, op->key, op->count, scratch);
    }
    o->count = 0;
    return error;
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
