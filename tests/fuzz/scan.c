/* scan.c - the bounded scan, beside MessagePack-C: what it takes the library reads as one whole value and packs as we do, and value
 * by value we take the same; what it refuses for its form the library refuses, too. Letters beside GLib. */
#include "tests/fuzz/fuzz.h"

#include <glib.h>

#include "proto/limits.h"

static void
pack(struct mp_writer *w, const msgpack_object *o)
{
    float single = (float)o->via.f64;

    switch (o->type) {
    case MSGPACK_OBJECT_NIL: mp_nil(w); return;
    case MSGPACK_OBJECT_BOOLEAN: mp_bool(w, o->via.boolean); return;
    case MSGPACK_OBJECT_POSITIVE_INTEGER: mp_uint(w, o->via.u64); return;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER: mp_int(w, o->via.i64); return;
    case MSGPACK_OBJECT_FLOAT64: mp_double(w, o->via.f64); return;
    case MSGPACK_OBJECT_FLOAT32: {
        uint32_t bits;
        memcpy(&bits, &single, sizeof bits);
        mp_number(w, 0xca, bits, 4);
        return;
    }
    case MSGPACK_OBJECT_STR: mp_text(w, (struct pd_text){o->via.str.size == 0 ? "" : o->via.str.ptr, o->via.str.size}); return;
    case MSGPACK_OBJECT_BIN:
        if (o->via.bin.size <= UINT8_MAX) mp_number(w, 0xc4, o->via.bin.size, 1);
        else mp_number(w, 0xc5, o->via.bin.size, 2);
        mp_raw(w, o->via.bin.ptr, o->via.bin.size);
        return;
    case MSGPACK_OBJECT_ARRAY:
        mp_array(w, o->via.array.size);
        for (uint32_t i = 0; i < o->via.array.size; i++) pack(w, &o->via.array.ptr[i]);
        return;
    case MSGPACK_OBJECT_MAP:
        mp_map(w, o->via.map.size);
        for (uint32_t i = 0; i < o->via.map.size; i++) {
            pack(w, &o->via.map.ptr[i].key);
            pack(w, &o->via.map.ptr[i].val);
        }
        return;
    default: PD_CHECK(!"an extension type passed the scan");
    }
}

/* That the next value is this one. */
static void
check_next(struct mp_cursor *c, const msgpack_object *o)
{
    uint64_t         whole;
    struct mp_cursor at = *c;
    struct pd_text   text = mp_take_text(&at);

    PD_CHECK(!at.failed == (o->type == MSGPACK_OBJECT_STR));
    if (o->type == MSGPACK_OBJECT_STR) PD_CHECK(pd_text_equal(text, (struct pd_text){o->via.str.ptr, o->via.str.size}));
    at = *c;
    bool negative = mp_take_whole(&at, &whole);
    PD_CHECK(!at.failed == (o->type == MSGPACK_OBJECT_POSITIVE_INTEGER || o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER));
    PD_CHECK(at.failed || negative == (o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER));
    PD_CHECK(at.failed || negative || whole == o->via.u64);
    at = *c;
    bool yes = mp_take_bool(&at);
    PD_CHECK(!at.failed == (o->type == MSGPACK_OBJECT_BOOLEAN) && (at.failed || yes == o->via.boolean));
    at = *c;
    PD_CHECK(mp_take_nil(&at) == (o->type == MSGPACK_OBJECT_NIL));
    if (o->type == MSGPACK_OBJECT_ARRAY) {
        PD_CHECK(mp_take_array(c) == o->via.array.size);
        for (uint32_t i = 0; i < o->via.array.size; i++) check_next(c, &o->via.array.ptr[i]);
    } else if (o->type == MSGPACK_OBJECT_MAP) {
        PD_CHECK(mp_take_map(c) == o->via.map.size);
        for (uint32_t i = 0; i < o->via.map.size; i++) {
            check_next(c, &o->via.map.ptr[i].key);
            check_next(c, &o->via.map.ptr[i].val);
        }
    } else PD_CHECK(mp_take_packed(c).size > 0);
    PD_CHECK(!c->failed);
}

static void
check_taken(struct mp_reader *reader, const uint8_t *data, size_t size)
{
    struct mp_writer ours = {0}, again = {0};
    struct mp_scan   scan;
    msgpack_sbuffer  theirs;
    msgpack_packer   packer;
    msgpack_object   o;

    PD_CHECK(mp_parse(reader, data, size, &o));
    PD_CHECK(mp_skip((const char *)data, (const char *)data + size) == (const char *)data + size);
    struct mp_cursor at = mp_cursor_of((struct pd_text){(const char *)data, size});
    check_next(&at, &o);
    PD_CHECK(at.at == at.end);
    pack(&ours, &o);
    msgpack_sbuffer_init(&theirs);
    msgpack_packer_init(&packer, &theirs, msgpack_sbuffer_write);
    PD_CHECK(msgpack_pack_object(&packer, o) == 0);
    PD_CHECK(ours.size == theirs.size && memcmp(ours.data, theirs.data, ours.size) == 0);
    msgpack_sbuffer_destroy(&theirs);

    PD_CHECK(ours.size <= size && mp_scan(ours.data, ours.size, &scan));
    PD_CHECK(mp_parse(reader, ours.data, ours.size, &o));
    pack(&again, &o);
    fuzz_same(&ours, &again);
    mp_writer_fini(&ours);
    mp_writer_fini(&again);
}

/* It is stricter than the library in these, and only in these. */
static bool
is_ours_to_refuse(const struct mp_scan *scan)
{
    return scan->too_large || strcmp(scan->what, "a text that is not UTF-8") == 0 ||
           strcmp(scan->what, "an extension or reserved type") == 0;
}

static void
check_refused(struct mp_reader *reader, const uint8_t *data, size_t size, const struct mp_scan *scan)
{
    msgpack_object o;

    PD_CHECK(scan->what != NULL && scan->offset <= size);
    if (scan->too_large) PD_CHECK(size - scan->offset > PD_TEXT_MAX || size > PD_ELEMENTS_MAX || scan->offset > PD_DEPTH_MAX);
    else if (!is_ours_to_refuse(scan) && fuzz_claims_little(data, size)) PD_CHECK(!mp_parse(reader, data, size, &o));
}

static void
check_letters(const char *at, const char *end)
{
    for (; at < end; at++) {
        gunichar letter = g_utf8_get_char_validated(at, end - at);
        size_t   size = mp_letter(at, end);
        if (*at == '\0') PD_CHECK(size == 1);
        else PD_CHECK(size == (letter >= (gunichar)-2 ? 0 : (size_t)g_unichar_to_utf8(letter, NULL)));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mp_reader reader;
    struct mp_scan          scan = {NULL, 0, false};

    if (mp_scan(data, size, &scan)) check_taken(&reader, data, size);
    else check_refused(&reader, data, size, &scan);
    check_letters((const char *)data, (const char *)data + (size < 16 ? size : 16));
    return 0;
}
