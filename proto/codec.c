#include "proto/codec.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/check.h"
#include "proto/key_file.h"

#define AT(type, base, offset) ((type *)(void *)((char *)(base) + (offset)))
#define CONST_AT(type, base, offset) ((const type *)(const void *)((const char *)(base) + (offset)))

/* ---- encoding ------------------------------------------------------------------------------------------------------ */

static inline bool
is_present(const struct pd_field *f, const void *message)
{
    switch (f->kind) {
    case PD_KIND_TEXT:
    case PD_KIND_RAW: return CONST_AT(struct pd_text, message, f->offset)->data != NULL;
    case PD_KIND_DOMAIN: return CONST_AT(struct pd_domain, message, f->offset)->unicode.data != NULL;
    case PD_KIND_UINT: return *CONST_AT(bool, message, f->aux_offset);
    case PD_KIND_FLAG: return *CONST_AT(bool, message, f->offset);
    case PD_KIND_CHOICE: return *CONST_AT(int, message, f->offset) != 0;
    case PD_KIND_STRUCT: return *CONST_AT(void *, message, f->offset) != NULL;
    default: return *CONST_AT(size_t, message, f->aux_offset) > 0;
    }
}

static void
encode_value(struct mp_writer *w, const struct pd_field *f, const void *message, bool row)
{
    const void *value = (const char *)message + f->offset;
    size_t      count;

    switch (f->kind) {
    case PD_KIND_TEXT: mp_text(w, *(const struct pd_text *)value); return;
    case PD_KIND_DOMAIN: mp_text(w, ((const struct pd_domain *)value)->unicode); return;
    case PD_KIND_UINT: mp_uint(w, *(const uint64_t *)value); return;
    case PD_KIND_FLAG: mp_bool(w, *(const bool *)value); return;
    case PD_KIND_CHOICE:
        if (row) mp_uint(w, (uint64_t) * (const int *)value);
        else mp_text(w, pd_enum_name(f->choice, *(const int *)value));
        return;
    case PD_KIND_STRUCT:
        if (row) pd_encode_row(w, f->block(), *(void *const *)value);
        else pd_encode_map(w, f->block(), *(void *const *)value);
        return;
    case PD_KIND_RAW: {
        struct pd_text raw = *(const struct pd_text *)value;
        mp_raw(w, raw.data, raw.size);
        return;
    }
    default: break;
    }

    count = *CONST_AT(size_t, message, f->aux_offset);
    if (f->kind == PD_KIND_MAP) {
        const struct pd_pair *pairs = *(const struct pd_pair *const *)value;
        mp_map(w, count);
        for (size_t i = 0; i < count; i++) {
            mp_text(w, pairs[i].key);
            mp_text(w, pairs[i].value);
        }
        return;
    }
    mp_array(w, count);
    const char            *elements = *(const char *const *)value;
    const struct pd_block *block = f->kind == PD_KIND_LIST ? f->block() : NULL;
    for (size_t i = 0; i < count; i++) {
        if (f->kind == PD_KIND_TEXTS) mp_text(w, *CONST_AT(struct pd_text, elements, i * sizeof(struct pd_text)));
        else if (row) pd_encode_row(w, block, elements + i * block->size);
        else pd_encode_map(w, block, elements + i * block->size);
    }
}

static inline bool
is_many(const struct pd_field *f)
{
    return f->kind == PD_KIND_TEXTS || f->kind == PD_KIND_LIST || f->kind == PD_KIND_MAP;
}

/* Lists and maps are always shown, so that nobody has to ask whether an empty one is there. */
static inline bool
is_shown(const struct pd_field *f, const void *message)
{
    return f->need == PD_REQUIRED || (f->need == PD_OPTIONAL && (is_many(f) || is_present(f, message)));
}

static inline void
encode_key(struct mp_writer *w, const struct pd_field *f)
{
    unsigned char *at = mp_room(w, sizeof f->key);
    memcpy(at, f->key, sizeof f->key);
    *at = (unsigned char)(0xa0 | f->name_size);
    w->size -= sizeof f->key - 1 - f->name_size;
}

/* The head of a map that was begun with a byte of room for it, and has so many pairs by now. */
static void
end_map(struct mp_writer *w, size_t head, size_t pairs)
{
    if (pairs < 16) {
        w->data[head] = (char)(0x80 | pairs);
        return;
    }
    (void)mp_room(w, 2);
    memmove(w->data + head + 3, w->data + head + 1, w->size - head - 3);
    w->data[head] = (char)0xde;
    w->data[head + 1] = (char)(pairs >> 8);
    w->data[head + 2] = (char)pairs;
}

void
pd_encode_map(struct mp_writer *w, const struct pd_block *block, const void *message)
{
    size_t head = w->size, pairs = 0;

    (void)mp_room(w, 1);
    for (const struct pd_field *f = block->fields, *end = f + block->field_count; f < end; f++) {
        if (!is_shown(f, message)) continue;
        pairs++;
        encode_key(w, f);
        if (f->kind == PD_KIND_TEXT) mp_text(w, *CONST_AT(struct pd_text, message, f->offset));
        else if (f->kind == PD_KIND_UINT) mp_uint(w, *CONST_AT(uint64_t, message, f->offset));
        else encode_value(w, f, message, false);
    }
    end_map(w, head, pairs);
}

void
pd_encode_row(struct mp_writer *w, const struct pd_block *block, const void *row)
{
    mp_array(w, block->field_count);
    for (size_t i = 0; i < block->field_count; i++) {
        const struct pd_field *f = &block->fields[i];
        if (f->need == PD_OPTIONAL && !is_present(f, row)) mp_nil(w);
        else encode_value(w, f, row, true);
    }
}

/* ---- decoding ------------------------------------------------------------------------------------------------------ */

struct decoder {
    struct mp_cursor   at;
    struct pd_arena   *arena;
    enum pd_strictness strictness;
    struct pd_refusal *refusal;
    int                depth;
    struct {
        const char *name;
        size_t      name_size;
        size_t      index; /* + 1; 0: no index */
    } path[PD_DEPTH_MAX + 2];
};

static bool
refuse(struct decoder *d, enum pd_error_code code, const char *expected)
{
    char   field[PD_FIELD_PATH_MAX] = "";
    size_t size = 0;

    for (int i = 0; i < d->depth; i++) {
        int n = snprintf(field + size, sizeof field - size, "%s%.*s", i > 0 ? "." : "", (int)d->path[i].name_size,
                         d->path[i].name);
        size += n < 0 ? 0 : (size_t)n;
        if (size < sizeof field && d->path[i].index > 0) {
            n = snprintf(field + size, sizeof field - size, "[%zu]", d->path[i].index - 1);
            size += n < 0 ? 0 : (size_t)n;
        }
        if (size >= sizeof field) break;
    }
    *d->refusal = pd_refuse_field(code, expected, "%s", field);
    return false;
}

static bool
refuse_name(struct decoder *d, enum pd_error_code code, const char *name, size_t size)
{
    d->path[d->depth].name = name;
    d->path[d->depth].name_size = size;
    d->path[d->depth].index = 0;
    d->depth++;
    refuse(d, code, NULL);
    d->depth--;
    return false;
}

bool
pd_parse_period(struct pd_text text, struct pd_period *ret_period)
{
    uint32_t count = 0;
    if (text.size < 2 || text.size > 5 || text.data[0] == '0') return false;
    for (size_t i = 0; i + 1 < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return false;
        count = count * 10 + (uint32_t)(text.data[i] - '0');
    }
    char unit = text.data[text.size - 1];
    if (!((unit == 'd' && count <= 3650) || (unit == 'm' && count <= 120) || (unit == 'y' && count <= 10))) return false;
    *ret_period = (struct pd_period){count, unit};
    return true;
}

static bool
is_id_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

/* A public key, or uid/N. */
static bool
is_identity(struct pd_text t)
{
    if (t.size <= 4 || t.size > 14 || memcmp(t.data, "uid/", 4) != 0) return pd_key_is_z85(t);
    for (size_t i = 4; i < t.size; i++)
        if (t.data[i] < '0' || t.data[i] > '9') return false;
    return t.data[4] != '0' || t.size == 5;
}

static bool
has_form(enum pd_form form, struct pd_text t)
{
    struct pd_period period;
    size_t           ats = 0;

    switch (form) {
    case PD_FORM_ANY: return true;
    case PD_FORM_PERIOD: return pd_parse_period(t, &period);
    case PD_FORM_IDENTITY: return is_identity(t);
    case PD_FORM_ID:
        for (size_t i = 0; i < t.size; i++)
            if (!is_id_char(t.data[i])) return false;
        return true;
    case PD_FORM_CURRENCY:
        for (size_t i = 0; i < t.size; i++)
            if (t.data[i] < 'A' || t.data[i] > 'Z') return false;
        return true;
    default:
        for (size_t i = 0; i < t.size; i++) {
            unsigned char c = (unsigned char)t.data[i];
            if (c < 0x20 || c == 0x7f || (form == PD_FORM_EMAIL && c == ' ')) return false;
            ats += c == '@';
        }
        return form != PD_FORM_EMAIL || (ats == 1 && t.data[0] != '@' && t.data[t.size - 1] != '@');
    }
}

static bool
decode_text(struct decoder *d, const struct pd_type *type, struct pd_text *ret_text)
{
    struct pd_text t = mp_take_text(&d->at);

    if (d->at.failed) return refuse(d, PD_E_invalid_field, "a text is expected");
    if (d->strictness == PD_STRICT && (t.size < type->min || t.size > type->max || !has_form(type->form, t)))
        return refuse(d, type->kind == PD_KIND_DOMAIN ? PD_E_domain_invalid : PD_E_invalid_field, type->description);
    *ret_text = t;
    return true;
}

static bool
decode_uint(struct decoder *d, const struct pd_type *type, uint64_t *ret_value)
{
    bool negative = mp_take_whole(&d->at, ret_value);

    if (d->at.failed) return refuse(d, PD_E_invalid_field, "a whole number is expected");
    if (negative || (d->strictness == PD_STRICT && (*ret_value < type->min || *ret_value > type->max)))
        return refuse(d, strcmp(type->name, "quantity") == 0 ? PD_E_quantity_out_of_range : PD_E_invalid_field, type->description);
    return true;
}

static bool decode_map(struct decoder *d, const struct pd_block *block, void *message);

static bool
decode_elements(struct decoder *d, const struct pd_field *f, void *message)
{
    size_t count = mp_take_array(&d->at);

    if (d->at.failed) return refuse(d, PD_E_invalid_field, "an array is expected");
    if (d->strictness == PD_STRICT && count < f->count_min) return refuse(d, PD_E_invalid_field, "too few elements");
    if (d->strictness == PD_STRICT && count > f->count_max) return refuse(d, PD_E_invalid_field, "too many elements");

    const struct pd_block *block = f->kind == PD_KIND_LIST ? f->block() : NULL;
    size_t size = block != NULL ? block->size : sizeof(struct pd_text);
    char  *elements = count == 0 ? NULL : pd_arena_zero(d->arena, size * count);
    for (size_t i = 0; i < count; i++) {
        d->path[d->depth - 1].index = i + 1;
        bool ok = block != NULL ? decode_map(d, block, elements + i * size)
                                : decode_text(d, f->type, AT(struct pd_text, elements, i * size));
        if (!ok) return false;
    }
    d->path[d->depth - 1].index = 0;
    *AT(void *, message, f->offset) = elements;
    *AT(size_t, message, f->aux_offset) = count;
    return true;
}

static bool
decode_pairs(struct decoder *d, const struct pd_field *f, void *message)
{
    size_t count = mp_take_map(&d->at);

    if (d->at.failed) return refuse(d, PD_E_invalid_field, "a map of texts is expected");
    if (d->strictness == PD_STRICT && count > f->count_max) return refuse(d, PD_E_invalid_field, "too many pairs");

    struct pd_pair *pairs = count == 0 ? NULL : PD_ARENA_ARRAY(d->arena, struct pd_pair, count);
    for (size_t i = 0; i < count; i++) {
        pairs[i].key = mp_take_text(&d->at);
        pairs[i].value = mp_take_text(&d->at);
        if (d->at.failed) return refuse(d, PD_E_invalid_field, "a map of texts is expected");
        if (d->strictness != PD_STRICT) continue;
        if (pairs[i].key.size == 0 || pairs[i].key.size > 64 || pairs[i].value.size > 256 ||
            !has_form(PD_FORM_PRINT, pairs[i].key) || !has_form(PD_FORM_PRINT, pairs[i].value))
            return refuse(d, PD_E_invalid_field, "keys of 1-64 bytes and values of at most 256, without control characters");
        for (size_t j = 0; j < i; j++)
            if (pd_text_equal(pairs[i].key, pairs[j].key)) return refuse(d, PD_E_invalid_field, "a key stands twice");
    }
    *AT(struct pd_pair *, message, f->offset) = pairs;
    *AT(size_t, message, f->aux_offset) = count;
    return true;
}

static bool
decode_choice(struct decoder *d, const struct pd_field *f, void *message)
{
    struct pd_text name = mp_take_text(&d->at);

    if (d->at.failed) return refuse(d, PD_E_invalid_field, "a text is expected");
    int number = pd_enum_number(f->choice, name);
    if (number == 0 && d->strictness == PD_STRICT) return refuse(d, PD_E_invalid_field, f->choice->names);
    *AT(int, message, f->offset) = number;
    return true;
}

static bool
decode_value(struct decoder *d, const struct pd_field *f, void *message)
{
    switch (f->kind) {
    case PD_KIND_TEXT: return decode_text(d, f->type, AT(struct pd_text, message, f->offset));
    case PD_KIND_DOMAIN: return decode_text(d, f->type, &AT(struct pd_domain, message, f->offset)->unicode);
    case PD_KIND_UINT:
        *AT(bool, message, f->aux_offset) = true;
        return decode_uint(d, f->type, AT(uint64_t, message, f->offset));
    case PD_KIND_FLAG:
        *AT(bool, message, f->offset) = mp_take_bool(&d->at);
        return !d->at.failed || refuse(d, PD_E_invalid_field, "true or false is expected");
    case PD_KIND_CHOICE: return decode_choice(d, f, message);
    case PD_KIND_STRUCT: {
        const struct pd_block *block = f->block();
        *AT(void *, message, f->offset) = pd_arena_zero(d->arena, block->size);
        return decode_map(d, block, *AT(void *, message, f->offset));
    }
    case PD_KIND_MAP: return decode_pairs(d, f, message);
    case PD_KIND_RAW: *AT(struct pd_text, message, f->offset) = mp_take_packed(&d->at); return true;
    default: return decode_elements(d, f, message);
    }
}

static bool
decode_field(struct decoder *d, const struct pd_field *f, void *message)
{
    if (d->depth > PD_DEPTH_MAX) return refuse(d, PD_E_too_large, NULL);
    d->path[d->depth].name = f->name;
    d->path[d->depth].name_size = f->name_size;
    d->path[d->depth].index = 0;
    d->depth++;
    bool ok = decode_value(d, f, message);
    d->depth--;
    return ok;
}

/* The field of that name; `*hint` is where the last one stood, since most senders keep the schema's order. */
static const struct pd_field *
find_field(const struct pd_block *block, struct pd_text key, size_t *hint)
{
    for (size_t n = 0, i = *hint; n < block->field_count; n++, i++) {
        if (i >= block->field_count) i = 0;
        const struct pd_field *f = &block->fields[i];
        if (f->name_size == key.size && memcmp(f->name, key.data, key.size) == 0 && f->need != PD_HIDDEN) {
            *hint = i + 1;
            return f;
        }
    }
    return NULL;
}

static bool
decode_map(struct decoder *d, const struct pd_block *block, void *message)
{
    uint64_t seen = 0;
    size_t   hint = 0, pairs = mp_take_map(&d->at);

    PD_CHECK(block->field_count <= 64);
    if (d->at.failed) return refuse(d, PD_E_invalid_field, "a map is expected");
    for (; pairs > 0; pairs--) {
        struct pd_text key = mp_take_text(&d->at);
        if (d->at.failed) return refuse(d, PD_E_invalid_field, "keys are texts");
        const struct pd_field *f = find_field(block, key, &hint);
        if (f == NULL) {
            if (d->strictness == PD_STRICT) return refuse_name(d, PD_E_unknown_field, key.data, key.size);
            (void)mp_take_packed(&d->at);
            continue;
        }
        uint64_t bit = (uint64_t)1 << (f - block->fields);
        if (seen & bit) {
            refuse_name(d, PD_E_invalid_field, f->name, f->name_size);
            d->refusal->expected = "the key stands twice";
            return false;
        }
        seen |= bit;
        if (!decode_field(d, f, message)) return false;
    }
    for (size_t i = 0; i < block->field_count; i++) {
        const struct pd_field *f = &block->fields[i];
        if (f->need == PD_REQUIRED && !(seen >> i & 1) && d->strictness == PD_STRICT)
            return refuse_name(d, PD_E_missing_field, f->name, f->name_size);
    }
    return true;
}

bool
pd_decode_map(struct pd_arena *arena, const struct pd_block *block, enum pd_strictness strictness, struct pd_text bytes,
              void *message, struct pd_refusal *ret_refusal)
{
    struct decoder d = {.at = mp_cursor_of(bytes), .arena = arena, .strictness = strictness, .refusal = ret_refusal};

    memset(message, 0, block->size);
    if (!decode_map(&d, block, message)) return false;
    return (!d.at.failed && d.at.at == d.at.end) || refuse(&d, PD_E_malformed_message, NULL);
}

bool
pd_decode_event(struct pd_arena *arena, const struct pd_block *block, struct pd_text bytes, void *message)
{
    struct pd_refusal ignored;
    return pd_decode_map(arena, block, PD_LENIENT, bytes, message, &ignored);
}

/* ---- rows ---------------------------------------------------------------------------------------------------------- */

static void take_row(struct pd_arena *arena, struct mp_cursor *c, const struct pd_block *block, void *row);

static void
take_elements(struct pd_arena *arena, struct mp_cursor *c, const struct pd_field *f, void *row)
{
    bool   map = f->kind == PD_KIND_MAP;
    size_t count = map ? mp_take_map(c) : mp_take_array(c);
    const struct pd_block *block = f->kind == PD_KIND_LIST ? f->block() : NULL;
    size_t size = block != NULL ? block->size : map ? sizeof(struct pd_pair) : sizeof(struct pd_text);
    char *elements = count == 0 ? NULL : pd_arena_zero(arena, size * count);

    for (size_t i = 0; i < count && !c->failed; i++) {
        char *e = elements + i * size;
        if (block != NULL) take_row(arena, c, block, e);
        else {
            *AT(struct pd_text, e, 0) = mp_take_text(c);
            if (map) *AT(struct pd_text, e, sizeof(struct pd_text)) = mp_take_text(c);
        }
    }
    *AT(char *, row, f->offset) = elements;
    *AT(size_t, row, f->aux_offset) = count;
}

static void
take_field(struct pd_arena *arena, struct mp_cursor *c, const struct pd_field *f, void *row)
{
    switch (f->kind) {
    case PD_KIND_TEXT:
    case PD_KIND_RAW: *AT(struct pd_text, row, f->offset) = mp_take_text(c); return;
    case PD_KIND_DOMAIN: AT(struct pd_domain, row, f->offset)->unicode = mp_take_text(c); return;
    case PD_KIND_UINT:
        *AT(uint64_t, row, f->offset) = mp_take_uint(c);
        *AT(bool, row, f->aux_offset) = true;
        return;
    case PD_KIND_FLAG: *AT(bool, row, f->offset) = mp_take_bool(c); return;
    case PD_KIND_CHOICE: *AT(int, row, f->offset) = (int)mp_take_uint(c); return;
    case PD_KIND_STRUCT:
        *AT(void *, row, f->offset) = pd_arena_zero(arena, f->block()->size);
        take_row(arena, c, f->block(), *AT(void *, row, f->offset));
        return;
    default: take_elements(arena, c, f, row); return;
    }
}

static void
take_row(struct pd_arena *arena, struct mp_cursor *c, const struct pd_block *block, void *row)
{
    size_t count = mp_take_array(c);
    c->failed = c->failed || count > block->field_count;
    for (size_t i = 0; i < count && !c->failed; i++)
        if (!mp_take_nil(c)) take_field(arena, c, &block->fields[i], row);
}

bool
pd_decode_row(struct pd_arena *arena, const struct pd_block *block, struct pd_text bytes, void *row)
{
    struct mp_cursor c = mp_cursor_of(bytes);
    memset(row, 0, block->size);
    take_row(arena, &c, block, row);
    return !c.failed && c.at == c.end;
}

/* ---- copying ------------------------------------------------------------------------------------------------------- */

static void
copy_elements(struct pd_arena *arena, const struct pd_field *f, const void *from, void *to)
{
    size_t count = *CONST_AT(size_t, from, f->aux_offset);
    if (count == 0) return;
    const char *source = *CONST_AT(char *, from, f->offset);
    const struct pd_block *block = f->kind == PD_KIND_LIST ? f->block() : NULL;
    size_t size = block != NULL              ? block->size
                  : f->kind == PD_KIND_MAP   ? sizeof(struct pd_pair)
                                             : sizeof(struct pd_text);
    char *copy = pd_arena_alloc(arena, size * count);
    memcpy(copy, source, size * count);
    for (size_t i = 0; i < count; i++) {
        if (block != NULL) {
            pd_copy_block(arena, block, source + i * size, copy + i * size);
            continue;
        }
        struct pd_text *texts = AT(struct pd_text, copy, i * size);
        for (size_t n = 0; n < size / sizeof(struct pd_text); n++) texts[n] = pd_arena_text(arena, texts[n]);
    }
    *AT(char *, to, f->offset) = copy;
}

void
pd_copy_block(struct pd_arena *arena, const struct pd_block *block, const void *from, void *to)
{
    memmove(to, from, block->size);
    for (size_t i = 0; i < block->field_count; i++) {
        const struct pd_field *f = &block->fields[i];
        switch (f->kind) {
        case PD_KIND_TEXT:
        case PD_KIND_RAW: {
            struct pd_text *t = AT(struct pd_text, to, f->offset);
            *t = pd_arena_text(arena, *t);
            break;
        }
        case PD_KIND_DOMAIN: {
            struct pd_domain *t = AT(struct pd_domain, to, f->offset);
            t->ascii = pd_arena_text(arena, t->ascii);
            t->unicode = pd_arena_text(arena, t->unicode);
            break;
        }
        case PD_KIND_STRUCT: {
            const void *source = *CONST_AT(void *, from, f->offset);
            if (source == NULL) break;
            void *copy = pd_arena_alloc(arena, f->block()->size);
            pd_copy_block(arena, f->block(), source, copy);
            *AT(void *, to, f->offset) = copy;
            break;
        }
        case PD_KIND_UINT:
        case PD_KIND_FLAG:
        case PD_KIND_CHOICE: break;
        default: copy_elements(arena, f, from, to); break;
        }
    }
}
