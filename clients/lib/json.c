#include "clients/lib/json.h"

#include <stdio.h>
#include <stdlib.h>

#include "clients/lib/time.h"
#include "proto/check.h"

static void *
checked_malloc(size_t size)
{
    void *memory = malloc(size);
    PD_CHECK(memory != NULL);
    return memory;
}

void
pd_json_check_memory(void)
{
    json_set_alloc_funcs(checked_malloc, free);
}

/* The block of a message whose `type` stands beside its `data`. */
static const struct pd_block *
block_of_type(struct pd_text type)
{
    static const enum pd_block_kind kinds[] = {PD_BLOCK_command, PD_BLOCK_query, PD_BLOCK_event};
    const struct pd_block          *block = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && block == NULL; i++) block = pd_schema_find(kinds[i], type);
    return block;
}

static bool
is_time(const struct pd_field *f)
{
    return f != NULL && f->kind == PD_KIND_UINT && strcmp(f->type->name, "time") == 0;
}

/* ---- to MessagePack ------------------------------------------------------------------------------------------------ */

/* Where we are, for the problem; each level lives on the stack of its caller. */
struct place {
    const struct place *parent;
    const char         *name; /* NULL: an element */
    size_t              index;
};

struct writing {
    struct mp_writer       *w;
    struct pd_json_problem *problem;
};

static size_t
write_path(const struct place *place, char *path, size_t size)
{
    size_t used = place->parent == NULL ? 0 : write_path(place->parent, path, size);
    int    n;
    if (used >= size) return used;
    if (place->name == NULL) n = snprintf(path + used, size - used, "[%zu]", place->index);
    else n = snprintf(path + used, size - used, "%s%s", used > 0 ? "." : "", place->name);
    return used + (n < 0 ? 0 : (size_t)n);
}

static bool
fail(struct writing *to, const struct place *place, const char *what)
{
    if (place == NULL) to->problem->field[0] = '\0';
    else write_path(place, to->problem->field, sizeof to->problem->field);
    snprintf(to->problem->what, sizeof to->problem->what, "%s", what);
    return false;
}

static bool pack_value(struct writing *to, const struct place *place, int depth, const struct pd_field *field,
                       const struct pd_block *block, const json_t *value);

static bool
pack_object(struct writing *to, const struct place *place, int depth, const struct pd_block *block, const json_t *object)
{
    const char *key;
    json_t     *value;

    mp_map(to->w, json_object_size(object));
    json_object_foreach ((json_t *)(uintptr_t)object, key, value) {
        struct place           here = {place, key, 0};
        const struct pd_field *field = block == NULL ? NULL : pd_block_field(block, pd_text(key));
        const struct pd_block *inner = NULL;
        const char            *type = json_string_value(json_object_get(object, "type"));
        if (field != NULL && field->block != NULL) inner = field->block();
        if (field != NULL && field->kind == PD_KIND_RAW && type != NULL) inner = block_of_type(pd_text(type));
        mp_text(to->w, pd_text(key));
        if (!pack_value(to, &here, depth + 1, field, inner, value)) return false;
    }
    return true;
}

static bool
pack_text(struct writing *to, const struct place *place, const struct pd_field *field, const json_t *value)
{
    pd_time_us time;
    if (!is_time(field)) {
        mp_text(to->w, (struct pd_text){json_string_value(value), json_string_length(value)});
        return true;
    }
    if (!pd_time_from_text(json_string_value(value), &time))
        return fail(to, place, "is no time such as 2026-01-31T12:00:00Z");
    mp_uint(to->w, time);
    return true;
}

static bool
pack_value(struct writing *to, const struct place *place, int depth, const struct pd_field *field,
           const struct pd_block *block, const json_t *value)
{
    if (depth > PD_DEPTH_MAX) return fail(to, place, "is nested too deep");
    switch (json_typeof(value)) {
    case JSON_OBJECT: return pack_object(to, place, depth, block, value);
    case JSON_ARRAY:
        mp_array(to->w, json_array_size(value));
        for (size_t i = 0; i < json_array_size(value); i++) {
            struct place here = {place, NULL, i};
            if (!pack_value(to, &here, depth + 1, NULL, block, json_array_get(value, i))) return false;
        }
        return true;
    case JSON_STRING: return pack_text(to, place, field, value);
    /* No field takes a negative number or a fraction; the engine is to say so. */
    case JSON_INTEGER: mp_int(to->w, json_integer_value(value)); return true;
    case JSON_REAL: mp_double(to->w, json_real_value(value)); return true;
    case JSON_TRUE: mp_bool(to->w, true); return true;
    case JSON_FALSE: mp_bool(to->w, false); return true;
    default: mp_nil(to->w); return true;
    }
}

bool
pd_json_to_request(struct mp_writer *w, const struct pd_block *block, const json_t *object,
                   struct pd_json_problem *ret_problem)
{
    struct writing to = {w, ret_problem};
    if (!json_is_object(object)) return fail(&to, NULL, "an object is expected");
    return pack_value(&to, NULL, 0, NULL, block, object);
}

/* ---- from MessagePack ---------------------------------------------------------------------------------------------- */

static json_t *read_value(const msgpack_object *o, const struct pd_field *field, const struct pd_block *block);

static json_t *
read_map(const msgpack_object *o, const struct pd_block *block)
{
    json_t *object = json_object();
    for (uint32_t i = 0; i < o->via.map.size; i++) {
        if (o->via.map.ptr[i].key.type == MSGPACK_OBJECT_STR) continue;
        json_decref(object);
        return NULL;
    }
    for (uint32_t i = 0; i < o->via.map.size; i++) {
        const msgpack_object_kv *kv = &o->via.map.ptr[i];
        struct pd_text           key = {kv->key.via.str.ptr, kv->key.via.str.size};
        const struct pd_field   *field = block == NULL ? NULL : pd_block_field(block, key);
        const struct pd_block   *inner = NULL;
        if (field != NULL && field->block != NULL) inner = field->block();
        if (field != NULL && field->kind == PD_KIND_RAW) inner = block_of_type(mp_find_text(o, "type"));
        /* json_object_setn_new came with jansson 2.14: this works with the older ones. */
        char *name = strndup(key.data == NULL ? "" : key.data, key.size);
        bool  ok = name != NULL && json_object_set_new(object, name, read_value(&kv->val, field, inner)) == 0;
        free(name);
        if (ok) continue;
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *
read_array(const msgpack_object *o, const struct pd_block *block)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < o->via.array.size; i++) {
        if (json_array_append_new(array, read_value(&o->via.array.ptr[i], NULL, block)) == 0) continue;
        json_decref(array);
        return NULL;
    }
    return array;
}

static json_t *
read_uint(uint64_t value, const struct pd_field *field)
{
    char text[PD_TIME_TEXT_SIZE];
    if (is_time(field)) {
        pd_time_to_text(value, text);
        return json_string(text);
    }
    return value > INT64_MAX ? json_real((double)value) : json_integer((json_int_t)value);
}

static json_t *
read_value(const msgpack_object *o, const struct pd_field *field, const struct pd_block *block)
{
    switch (o->type) {
    case MSGPACK_OBJECT_MAP: return read_map(o, block);
    case MSGPACK_OBJECT_ARRAY: return read_array(o, block);
    case MSGPACK_OBJECT_STR: return json_stringn(o->via.str.size == 0 ? "" : o->via.str.ptr, o->via.str.size);
    case MSGPACK_OBJECT_POSITIVE_INTEGER: return read_uint(o->via.u64, field);
    case MSGPACK_OBJECT_NEGATIVE_INTEGER: return json_integer(o->via.i64);
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64: return json_real(o->via.f64);
    case MSGPACK_OBJECT_BOOLEAN: return json_boolean(o->via.boolean);
    case MSGPACK_OBJECT_NIL: return json_null();
    default: return NULL;
    }
}

json_t *
pd_json_from_msgpack(const msgpack_object *object, const struct pd_block *block)
{
    return read_value(object, NULL, block);
}

json_t *
pd_json_from_bytes(struct pd_text bytes, const struct pd_block *block)
{
    struct mp_reader reader = {.ready = false};
    msgpack_object   o;
    json_t          *value = mp_parse(&reader, bytes.data, bytes.size, &o) ? read_value(&o, NULL, block) : NULL;
    mp_reader_fini(&reader);
    return value;
}

/* ---- judging ------------------------------------------------------------------------------------------------------- */

bool
pd_json_check_field(const struct pd_block *block, const char *field, const json_t *value, struct pd_refusal *ret_refusal)
{
    struct mp_writer       w = {0};
    struct pd_arena        arena;
    struct pd_json_problem problem;
    struct pd_refusal      refusal = pd_refuse_field(PD_E_invalid_field, NULL, "%s", field);
    bool                   ok = false;

    pd_arena_init(&arena);
    json_t *object = json_pack("{s:O}", field, value);
    if (object != NULL && pd_json_to_request(&w, block, object, &problem))
        ok = pd_decode_map(&arena, block, PD_STRICT, (struct pd_text){w.data, w.size}, pd_arena_alloc(&arena, block->size),
                           &refusal) ||
             /* A map of one field lacks the others; a list's element that lacks one has a path. */
             (refusal.code == PD_E_missing_field && strpbrk(refusal.field, ".[") == NULL);
    if (!ok) *ret_refusal = refusal;
    json_decref(object);
    mp_writer_fini(&w);
    pd_arena_fini(&arena);
    return ok;
}
