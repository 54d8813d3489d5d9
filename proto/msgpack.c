#include "proto/msgpack.h"

#include <stdlib.h>

#include "proto/check.h"
#include "proto/limits.h"

/* One pass over the bytes. `open` counts, per level, the elements still to come. */
struct scanner {
    const uint8_t *at, *end, *start;
    struct mp_scan *result;
    size_t          elements;
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

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
static bool
is_utf8(const uint8_t *p, size_t size)
{
    const uint8_t *end = p + size;
    while (p < end) {
        if (*p < 0x80) {
            p++;
            continue;
        }
        size_t   n = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : 1;
        uint32_t code = *p & (0x3fu >> n);
        if (*p < 0xc2 || *p > 0xf4 || (size_t)(end - p) <= n) return false;
        for (size_t i = 1; i <= n; i++) {
            if ((p[i] & 0xc0) != 0x80) return false;
            code = code << 6 | (p[i] & 0x3f);
        }
        if ((n == 2 && (code < 0x800 || (code >= 0xd800 && code <= 0xdfff))) || (n == 3 && (code < 0x10000 || code > 0x10ffff)))
            return false;
        p += n + 1;
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
    if (text && !is_utf8(s->at, size)) return refuse(s, "a text that is not UTF-8");
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
    struct scanner s = {bytes, (const uint8_t *)bytes + size, bytes, ret_scan, 0};
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
    struct scanner s = {(const uint8_t *)bytes, (const uint8_t *)end, (const uint8_t *)bytes, &ignored, 0};
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

static int
append(void *context, const char *bytes, size_t size)
{
    struct mp_writer *w = context;
    if (w->capacity - w->size < size) {
        size_t capacity = w->capacity == 0 ? 512 : w->capacity;
        while (capacity - w->size < size) capacity *= 2;
        w->data = realloc(w->data, capacity);
        PD_CHECK(w->data != NULL);
        w->capacity = capacity;
    }
    memcpy(w->data + w->size, bytes, size);
    w->size += size;
    return 0;
}

static msgpack_packer *
packer(struct mp_writer *w)
{
    msgpack_packer_init(&w->packer, w, append);
    return &w->packer;
}

void
mp_writer_clear(struct mp_writer *w)
{
    w->size = 0;
}

void
mp_writer_fini(struct mp_writer *w)
{
    free(w->data);
    *w = (struct mp_writer){0};
}

void
mp_raw(struct mp_writer *w, const void *bytes, size_t size)
{
    append(w, bytes, size);
}

void
mp_map(struct mp_writer *w, size_t pairs)
{
    msgpack_pack_map(packer(w), pairs);
}

void
mp_array(struct mp_writer *w, size_t elements)
{
    msgpack_pack_array(packer(w), elements);
}

void
mp_text(struct mp_writer *w, struct pd_text text)
{
    if (text.data == NULL) {
        mp_nil(w);
        return;
    }
    msgpack_packer *p = packer(w);
    msgpack_pack_str(p, text.size);
    msgpack_pack_str_body(p, text.data, text.size);
}

void
mp_uint(struct mp_writer *w, uint64_t value)
{
    msgpack_pack_uint64(packer(w), value);
}

void
mp_bool(struct mp_writer *w, bool value)
{
    msgpack_packer *p = packer(w);
    if (value) msgpack_pack_true(p);
    else msgpack_pack_false(p);
}

void
mp_nil(struct mp_writer *w)
{
    msgpack_pack_nil(packer(w));
}
