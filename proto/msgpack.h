/* msgpack.h - MessagePack: a bounded scan, values taken one after the other, packing; and MessagePack-C for trees of values.
 *
 * Bytes from outside are scanned before anything else sees them. What passed the scan is one whole value, at most PD_DEPTH_MAX
 * deep, of at most PD_ELEMENTS_MAX elements, with valid UTF-8 texts and no extension types. MessagePack-C alone would reserve
 * memory by what a length claims (five bytes can ask for 500 MB), does not check UTF-8, and ignores trailing bytes. */
#ifndef PROTO_MSGPACK_H
#define PROTO_MSGPACK_H

#include <msgpack.h>

#include "proto/arena.h"

struct mp_scan {
    const char *what;   /* on refusal: what is wrong, a literal */
    size_t      offset; /* on refusal: at which byte */
    bool        too_large; /* well formed perhaps, but over a bound */
};

/* Whether `bytes` hold exactly one acceptable value. Allocates nothing. */
bool mp_scan(const void *bytes, size_t size, struct mp_scan *ret_scan);

/* The bytes of the UTF-8 letter at `at`, 0 when there is none before `end` that is valid (RFC 3629). */
size_t mp_letter(const char *at, const char *end);

/* Where the value that starts at `bytes` ends; NULL when it is cut off. For values that passed the scan. */
const char *mp_skip(const char *bytes, const char *end);

/* A tree of what passed the scan (or what we wrote ourselves), by MessagePack-C; texts point into `bytes`, the rest into the reader
 * until its next use. False when MessagePack-C cannot read it as one whole value. */
struct mp_reader {
    msgpack_zone zone;
    bool         ready;
};
bool mp_parse(struct mp_reader *reader, const void *bytes, size_t size, msgpack_object *ret_object);
void mp_reader_fini(struct mp_reader *reader);

/* What stands under a key, and that where it is a text; NULL and absent when it is not there, or `map` is no map or NULL. */
const msgpack_object *mp_find(const msgpack_object *map, const char *key);
struct pd_text        mp_find_text(const msgpack_object *map, const char *key);

/* A growing buffer that is packed into, by hand: MessagePack-C's packer calls back for every few bytes, which was a fifth of a
 * turn's instructions; the golden vectors, made by another implementation, hold this one to the format. Always the shortest
 * form. Zero-initialised is empty; mp_writer_clear keeps the memory. */
struct mp_writer {
    char  *data;
    size_t size, capacity;
};
void mp_writer_grow(struct mp_writer *w, size_t size);
void mp_writer_fini(struct mp_writer *w);
void mp_int(struct mp_writer *w, int64_t value);
void mp_double(struct mp_writer *w, double value);

static inline void
mp_writer_clear(struct mp_writer *w)
{
    w->size = 0;
}

/* Room for `size` more bytes, and where they go. */
static inline unsigned char *
mp_room(struct mp_writer *w, size_t size)
{
    if (w->capacity - w->size < size) mp_writer_grow(w, size);
    unsigned char *at = (unsigned char *)w->data + w->size;
    w->size += size;
    return at;
}

/* A type byte and `bytes` bytes of a number behind it. */
static inline void
mp_number(struct mp_writer *w, unsigned type, uint64_t number, size_t bytes)
{
    unsigned char *at = mp_room(w, 1 + sizeof number);
    uint64_t       packed = bytes == 0 ? 0 : __builtin_bswap64(number << (64 - 8 * bytes)); /* of eight bytes, not all count */

    *at = (unsigned char)type;
    memcpy(at + 1, &packed, sizeof packed);
    w->size -= sizeof number - bytes;
}

/* Already packed. */
static inline void
mp_raw(struct mp_writer *w, const void *bytes, size_t size)
{
    if (size > 0) memcpy(mp_room(w, size), bytes, size);
}

static inline void
mp_map(struct mp_writer *w, size_t pairs)
{
    if (pairs < 16) mp_number(w, 0x80 | (unsigned)pairs, 0, 0);
    else if (pairs <= UINT16_MAX) mp_number(w, 0xde, pairs, 2);
    else mp_number(w, 0xdf, pairs, 4);
}

static inline void
mp_array(struct mp_writer *w, size_t elements)
{
    if (elements < 16) mp_number(w, 0x90 | (unsigned)elements, 0, 0);
    else if (elements <= UINT16_MAX) mp_number(w, 0xdc, elements, 2);
    else mp_number(w, 0xdd, elements, 4);
}

static inline void
mp_bool(struct mp_writer *w, bool value)
{
    *mp_room(w, 1) = value ? 0xc3 : 0xc2;
}

static inline void
mp_nil(struct mp_writer *w)
{
    *mp_room(w, 1) = 0xc0;
}

/* Absent: nil. */
static inline void
mp_text(struct mp_writer *w, struct pd_text text)
{
    if (text.data == NULL) {
        mp_nil(w);
        return;
    }
    if (text.size < 32) {
        unsigned char *at = mp_room(w, 1 + text.size);
        *at = (unsigned char)(0xa0 | text.size);
        pd_copy_short(at + 1, text.data, text.size);
        return;
    }
    if (text.size <= UINT8_MAX) mp_number(w, 0xd9, text.size, 1);
    else if (text.size <= UINT16_MAX) mp_number(w, 0xda, text.size, 2);
    else mp_number(w, 0xdb, text.size, 4);
    mp_raw(w, text.data, text.size);
}

static inline void
mp_uint(struct mp_writer *w, uint64_t value)
{
    if (value < 128) *mp_room(w, 1) = (unsigned char)value;
    else if (value <= UINT8_MAX) mp_number(w, 0xcc, value, 1);
    else if (value <= UINT16_MAX) mp_number(w, 0xcd, value, 2);
    else if (value <= UINT32_MAX) mp_number(w, 0xce, value, 4);
    else mp_number(w, 0xcf, value, 8);
}

#define mp_key(w, literal) mp_text((w), PD_TEXT(literal))

/* Reads value by value what passed the scan, or what we packed ourselves and a checksum has vouched for; `at` goes forward.
 * `failed`, which is sticky, when something else is next than is taken; nothing behind the end is read. */
struct mp_cursor {
    const unsigned char *at, *end;
    bool                 failed;
};

static inline struct mp_cursor
mp_cursor_of(struct pd_text bytes)
{
    const unsigned char *at = (const unsigned char *)(bytes.data == NULL ? "" : bytes.data);
    return (struct mp_cursor){at, at + bytes.size, false};
}

bool           mp_take_nil(struct mp_cursor *c); /* only when a nil is next */
struct pd_text mp_take_text(struct mp_cursor *c);
/* Of any form of whole number. True: it is below zero, and *ret_value is not set. */
bool           mp_take_whole(struct mp_cursor *c, uint64_t *ret_value);
uint64_t       mp_take_uint(struct mp_cursor *c); /* of the forms that have no sign */
bool           mp_take_bool(struct mp_cursor *c);
size_t         mp_take_array(struct mp_cursor *c);
size_t         mp_take_map(struct mp_cursor *c);
struct pd_text mp_take_packed(struct mp_cursor *c); /* whatever is next, as it is packed */

/* What stands packed under a key; absent when it is not there, or `map` is no map. */
struct pd_text mp_find_packed(struct pd_text map, const char *key);

#endif
