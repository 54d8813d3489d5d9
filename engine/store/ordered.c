#include "engine/store/ordered.h"

#include <stdlib.h>

#include "proto/check.h"

/* A copy; an empty text is not an absent one. */
static struct pd_text
copy(struct pd_text text)
{
    char *data = malloc(text.size + 1);
    PD_CHECK(data != NULL);
    if (text.size > 0) memcpy(data, text.data, text.size);
    return (struct pd_text){data, text.size};
}

static void
drop(struct pd_text text)
{
    free((char *)(uintptr_t)text.data);
}

static void *
grow(void *array, size_t *capacity, size_t count, size_t element)
{
    if (count < *capacity) return array;
    *capacity = *capacity * 2 + 64;
    array = realloc(array, *capacity * element);
    PD_CHECK(array != NULL);
    return array;
}

static int
compare(struct pd_text a, struct pd_text b)
{
    int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

size_t
ordered_place(const struct ordered *o, struct pd_text key)
{
    size_t low = 0, high = o->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare(o->pairs[middle].key, key) < 0) low = middle + 1;
        else high = middle;
    }
    return low;
}

const struct ordered_pair *
ordered_at(const struct ordered *o, size_t place)
{
    return place < o->count ? &o->pairs[place] : NULL;
}

/* Sets or (absent) removes; takes the value over, and gives back what was there. */
static struct pd_text
set(struct ordered *o, struct pd_text key, struct pd_text value)
{
    size_t         i = ordered_place(o, key);
    bool           there = i < o->count && compare(o->pairs[i].key, key) == 0;
    struct pd_text before = there ? o->pairs[i].value : (struct pd_text){NULL, 0};

    if (value.data == NULL && there) {
        drop(o->pairs[i].key);
        memmove(&o->pairs[i], &o->pairs[i + 1], (--o->count - i) * sizeof *o->pairs);
    } else if (value.data != NULL && !there) {
        o->pairs = grow(o->pairs, &o->capacity, o->count, sizeof *o->pairs);
        memmove(&o->pairs[i + 1], &o->pairs[i], (o->count++ - i) * sizeof *o->pairs);
        o->pairs[i] = (struct ordered_pair){copy(key), value};
    } else if (there) o->pairs[i].value = value;
    return before;
}

static void
change(struct ordered *o, struct pd_text key, struct pd_text value)
{
    o->changes = grow(o->changes, &o->change_capacity, o->change_count, sizeof *o->changes);
    struct pd_text own = copy(key); /* the caller's may be the one that goes */
    o->changes[o->change_count++] = (struct ordered_change){own, set(o, own, value)};
}

void
ordered_put(struct ordered *o, struct pd_text key, struct pd_text value)
{
    change(o, key, copy(value));
}

void
ordered_delete(struct ordered *o, struct pd_text key)
{
    change(o, key, (struct pd_text){NULL, 0});
}

void
ordered_clear(struct ordered *o)
{
    while (o->count > 0) ordered_delete(o, o->pairs[o->count - 1].key);
}

void
ordered_keep(struct ordered *o)
{
    for (size_t i = 0; i < o->change_count; i++) {
        drop(o->changes[i].key);
        drop(o->changes[i].before);
    }
    o->change_count = 0;
}

void
ordered_undo(struct ordered *o)
{
    while (o->change_count > 0) {
        struct ordered_change *c = &o->changes[--o->change_count];
        drop(set(o, c->key, c->before));
        drop(c->key);
    }
}

void
ordered_fini(struct ordered *o)
{
    ordered_keep(o);
    for (size_t i = 0; i < o->count; i++) {
        drop(o->pairs[i].key);
        drop(o->pairs[i].value);
    }
    free(o->pairs);
    free(o->changes);
    *o = (struct ordered){.pairs = NULL};
}
