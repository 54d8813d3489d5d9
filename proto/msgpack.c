#include "proto/msgpack.h"

#include <stdlib.h>

#include "proto/check.h"
#include "proto/limits.h"

/* One pass over the bytes. `open` counts, per level, the elements still to come. */
struct scanner {
    const uint8_t *at, *end, *start;
    struct mp_scan *result;
    size_t          elements;
    bool            trusted; /* it was scanned before: letters are not looked at once more */
};

static bool
refuse(struct scanner *s, const char *what)
{
    *s->result = (struct mp_scan){what, (size_t)(s->at - s->start), false};
    return false;
}

static bool
refuse_large(struct scanner *s, const char *what)
{
    *s->result = (struct mp_scan){what, (size_t)(s->at - s->start), true};
    return false;
}

static uint32_t
big_endian(const uint8_t *p, size_t n)
{
    uint32_t v = 0;
    for (size_t i = 0; i < n; i++) v = v << 8 | p[i];
    return v;
}

/* No overlong forms, no surrogates, nothing above U+10FFFF. */
size_t
mp_letter(const char *at, const char *end)
{
    const uint8_t *p = (const uint8_t *)at;

    if (at >= end || *p > 0xf4 || (*p >= 0x80 && *p < 0xc2)) return 0;
    if (*p < 0x80) return 1;
    size_t   size = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;
    uint32_t code = *p & (0x7fu >> size);
    if ((size_t)(end - at) < size) return 0;
    for (size_t i = 1; i < size; i++) {
        if ((p[i] & 0xc0) != 0x80) return 0;
        code = code << 6 | (p[i] & 0x3f);
    }
    if (size == 3 && (code < 0x800 || (code >= 0xd800 && code <= 0xdfff))) return 0;
    if (size == 4 && (code < 0x10000 || code > 0x10ffff)) return 0;
    return size;
}

static bool
is_utf8(const uint8_t *bytes, size_t size)
{
    const char *p = (const char *)bytes, *end = p + size;
    while (p < end) {
        uint64_t eight;
        if (end - p >= 8 && (memcpy(&eight, p, 8), (eight & 0x8080808080808080) == 0)) {
            p += 8;
            continue;
        }
        size_t letter = (unsigned char)*p < 0x80 ? 1 : mp_letter(p, end);
        if (letter == 0) return false;
        p += letter;
    }
    return true;
}

static bool
scan_bytes(struct scanner *s, size_t header, size_t size, bool text)
{
    if ((size_t)(s->end - s->at) < header || (size_t)(s->end - s->at) - header < size)
        return refuse(s, "a length beyond the end of the message");
    if (size > PD_TEXT_MAX) return refuse_large(s, "a text of more than 8,192 bytes");
    s->at += header;
    if (text && !s->trusted && !is_utf8(s->at, size)) return refuse(s, "a text that is not UTF-8");
    s->at += size;
    return true;
}

/* The bytes behind a fixed-size type's first. */
static int
fixed_size(uint8_t type)
{
    switch (type) {
    case 0xc0: case 0xc2: case 0xc3: return 0;
    case 0xcc: case 0xd0: return 1;
    case 0xcd: case 0xd1: return 2;
    case 0xce: case 0xd2: case 0xca: return 4;
    case 0xcf: case 0xd3: case 0xcb: return 8;
    default: return -1;
    }
}

/* A value's head; *ret_inside is how many elements it contains. */
static bool
scan_head(struct scanner *s, size_t *ret_inside)
{
    size_t  left = (size_t)(s->end - s->at);
    uint8_t type;

    *ret_inside = 0;
    if (left == 0) return refuse(s, "cut off");
    type = *s->at;
    if (type <= 0x7f || type >= 0xe0) {
        s->at++;
        return true;
    }
    if (type >= 0xa0 && type <= 0xbf) return scan_bytes(s, 1, type & 0x1f, true);
    if (type >= 0x80 && type <= 0x9f) {
        *ret_inside = (size_t)(type & 0x0f) << (type < 0x90);
        s->at++;
        return true;
    }
    if (type >= 0xd9 && type <= 0xdb) {
        size_t n = (size_t)1 << (type - 0xd9);
        if (left <= n) return refuse(s, "cut off");
        return scan_bytes(s, 1 + n, big_endian(s->at + 1, n), true);
    }
    if (type >= 0xc4 && type <= 0xc6) {
        size_t n = (size_t)1 << (type - 0xc4);
        if (left <= n) return refuse(s, "cut off");
        return scan_bytes(s, 1 + n, big_endian(s->at + 1, n), false);
    }
    if (type >= 0xdc && type <= 0xdf) {
        size_t n = type & 1 ? 4 : 2;
        if (left <= n) return refuse(s, "cut off");
        *ret_inside = (size_t)big_endian(s->at + 1, n) << (type >= 0xde);
        s->at += 1 + n;
        return true;
    }
    int size = fixed_size(type);
    if (size < 0) return refuse(s, "an extension or reserved type");
    if (left <= (size_t)size) return refuse(s, "cut off");
    s->at += 1 + size;
    return true;
}

bool
mp_scan(const void *bytes, size_t size, struct mp_scan *ret_scan)
{
    struct scanner s = {.at = bytes, .end = (const uint8_t *)bytes + size, .start = bytes, .result = ret_scan};
    size_t         open[PD_DEPTH_MAX + 1] = {1};
    int            depth = 0;

    if (size == 0) return refuse(&s, "empty");
    while (depth >= 0) {
        if (open[depth] == 0) {
            depth--;
            continue;
        }
        open[depth]--;
        size_t inside;
        if (!scan_head(&s, &inside)) return false;
        if (++s.elements > PD_ELEMENTS_MAX) return refuse_large(&s, "too many elements");
        if (inside == 0) continue;
        /* Each element takes a byte at least: a length that lies is seen before anything is reserved for it. */
        if (inside > (size_t)(s.end - s.at)) return refuse(&s, "a count beyond the end of the message");
        if (depth == PD_DEPTH_MAX) return refuse_large(&s, "nested too deep");
        open[++depth] = inside;
    }
    if (s.at != s.end) return refuse(&s, "bytes behind the message");
    return true;
}

const char *
mp_skip(const char *bytes, const char *end)
{
    struct mp_scan ignored;
    struct scanner s = {.at = (const uint8_t *)bytes, .end = (const uint8_t *)end, .start = (const uint8_t *)bytes,
                        .result = &ignored, .trusted = true};
    for (size_t open = 1; open > 0; open--) {
        size_t inside;
        if (!scan_head(&s, &inside)) return NULL;
        open += inside;
    }
    return (const char *)s.at;
}

bool
mp_parse(struct mp_reader *reader, const void *bytes, size_t size, msgpack_object *ret_object)
{
    size_t offset = 0;
    if (!reader->ready) {
        if (!msgpack_zone_init(&reader->zone, 8192)) return false;
        reader->ready = true;
    }
    msgpack_zone_clear(&reader->zone);
    return msgpack_unpack(bytes, size, &offset, &reader->zone, ret_object) == MSGPACK_UNPACK_SUCCESS && offset == size;
}

void
mp_reader_fini(struct mp_reader *reader)
{
    if (reader->ready) msgpack_zone_destroy(&reader->zone);
    *reader = (struct mp_reader){.ready = false};
}

const msgpack_object *
mp_find(const msgpack_object *map, const char *key)
{
    size_t size = strlen(key);

    for (uint32_t i = 0; map != NULL && map->type == MSGPACK_OBJECT_MAP && i < map->via.map.size; i++) {
        const msgpack_object_kv *kv = &map->via.map.ptr[i];
        if (kv->key.type == MSGPACK_OBJECT_STR && kv->key.via.str.size == size && memcmp(kv->key.via.str.ptr, key, size) == 0)
            return &kv->val;
    }
    return NULL;
}

struct pd_text
mp_find_text(const msgpack_object *map, const char *key)
{
    const msgpack_object *o = mp_find(map, key);

    if (o == NULL || o->type != MSGPACK_OBJECT_STR) return (struct pd_text){NULL, 0};
    return (struct pd_text){o->via.str.ptr, o->via.str.size};
}

/* ---- packing ------------------------------------------------------------------------------------------------------- */

void
mp_writer_grow(struct mp_writer *w, size_t size)
{
    size_t capacity = w->capacity == 0 ? 512 : w->capacity;
    while (capacity - w->size < size) capacity *= 2;
    w->data = realloc(w->data, capacity);
    PD_CHECK(w->data != NULL);
    w->capacity = capacity;
}

void
mp_writer_fini(struct mp_writer *w)
{
    free(w->data);
    *w = (struct mp_writer){0};
}

void
mp_int(struct mp_writer *w, int64_t value)
{
    if (value >= 0) mp_uint(w, (uint64_t)value);
    else if (value >= -32) mp_number(w, (unsigned)value & 0xff, 0, 0);
    else if (value >= INT8_MIN) mp_number(w, 0xd0, (uint64_t)value, 1);
    else if (value >= INT16_MIN) mp_number(w, 0xd1, (uint64_t)value, 2);
    else if (value >= INT32_MIN) mp_number(w, 0xd2, (uint64_t)value, 4);
    else mp_number(w, 0xd3, (uint64_t)value, 8);
}

void
mp_double(struct mp_writer *w, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    mp_number(w, 0xcb, bits, 8);
}

/* ---- taking -------------------------------------------------------------------------------------------------------- */

/* The next byte, or 0xc1, which no value begins with. */
static unsigned
take_byte(struct mp_cursor *c)
{
    if (c->failed || c->at == c->end) {
        c->failed = true;
        return 0xc1;
    }
    return *c->at++;
}

static uint64_t
take_number(struct mp_cursor *c, size_t bytes)
{
    if (c->failed || (size_t)(c->end - c->at) < bytes) {
        c->failed = true;
        return 0;
    }
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; i++) v = v << 8 | *c->at++;
    return v;
}

bool
mp_take_nil(struct mp_cursor *c)
{
    if (c->failed || c->at == c->end || *c->at != 0xc0) return false;
    c->at++;
    return true;
}

struct pd_text
mp_take_text(struct mp_cursor *c)
{
    unsigned type = take_byte(c);
    size_t   size = (type & 0xe0) == 0xa0 ? (type & 0x1f)
                    : type >= 0xd9 && type <= 0xdb ? (size_t)take_number(c, (size_t)1 << (type - 0xd9))
                                                   : SIZE_MAX;
    if (c->failed || size > (size_t)(c->end - c->at)) {
        c->failed = true;
        return (struct pd_text){NULL, 0};
    }
    struct pd_text text = {(const char *)c->at, size};
    c->at += size;
    return text;
}

uint64_t
mp_take_uint(struct mp_cursor *c)
{
    unsigned type = take_byte(c);
    if (type < 128) return type;
    if (type >= 0xcc && type <= 0xcf) return take_number(c, (size_t)1 << (type - 0xcc));
    c->failed = true;
    return 0;
}

bool
mp_take_whole(struct mp_cursor *c, uint64_t *ret_value)
{
    unsigned type = c->failed || c->at == c->end ? 0xc1 : *c->at;

    if (type < 0xd0 || (type > 0xd3 && type < 0xe0)) {
        *ret_value = mp_take_uint(c);
        return false;
    }
    if (type >= 0xe0) {
        c->at++;
        return true;
    }
    size_t bytes = (size_t)1 << (take_byte(c) - 0xd0);
    *ret_value = take_number(c, bytes);
    return !c->failed && *ret_value >> (8 * bytes - 1) != 0;
}

bool
mp_take_bool(struct mp_cursor *c)
{
    unsigned type = take_byte(c);
    c->failed = c->failed || (type != 0xc2 && type != 0xc3);
    return type == 0xc3;
}

/* A count of elements of at least a byte each. */
static size_t
take_count(struct mp_cursor *c, unsigned small, unsigned large)
{
    unsigned type = take_byte(c);
    size_t   count = (type & 0xf0) == small ? (type & 0x0f)
                     : type == large        ? (size_t)take_number(c, 2)
                     : type == large + 1    ? (size_t)take_number(c, 4)
                                            : SIZE_MAX;
    if (c->failed || count > (size_t)(c->end - c->at)) {
        c->failed = true;
        return 0;
    }
    return count;
}

size_t
mp_take_array(struct mp_cursor *c)
{
    return take_count(c, 0x90, 0xdc);
}

size_t
mp_take_map(struct mp_cursor *c)
{
    return take_count(c, 0x80, 0xde);
}

struct pd_text
mp_take_packed(struct mp_cursor *c)
{
    const char *from = (const char *)c->at, *behind = c->failed ? NULL : mp_skip(from, (const char *)c->end);

    c->failed = behind == NULL;
    if (c->failed) return (struct pd_text){NULL, 0};
    c->at = (const unsigned char *)behind;
    return (struct pd_text){from, (size_t)(behind - from)};
}

struct pd_text
mp_find_packed(struct pd_text map, const char *key)
{
    struct mp_cursor c = mp_cursor_of(map);

    for (size_t left = mp_take_map(&c); left > 0; left--) {
        struct pd_text   name = mp_take_packed(&c), value = mp_take_packed(&c);
        struct mp_cursor in = mp_cursor_of(name);
        if (c.failed) break;
        if (pd_text_equal(mp_take_text(&in), pd_text(key)) && !in.failed) return value;
    }
    return (struct pd_text){NULL, 0};
}
