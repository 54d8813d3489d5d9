/* scan.c - the bounded scan of what comes in, and values taken one after the other: mp_scan, mp_skip, mp_take, mp_find_packed. */
#include "proto/limits.h"
#include "proto/msgpack.h"
#include "tests/support/check.h"
#include "tests/unit/vectors.h"

static bool
takes(const char *bytes, size_t size)
{
    struct mp_scan scan;
    return mp_scan(bytes, size, &scan);
}
#define TAKES(literal) takes((literal), sizeof(literal) - 1)

static const char *
refusal_of(const char *bytes, size_t size, bool *ret_too_large)
{
    struct mp_scan scan = {NULL, 0, false};
    CHECK(!mp_scan(bytes, size, &scan));
    CHECK(scan.what != NULL && scan.offset <= size);
    *ret_too_large = scan.too_large;
    return scan.what;
}

static void
check_too_large(const char *bytes, size_t size)
{
    bool too_large = false;
    refusal_of(bytes, size, &too_large);
    CHECK(too_large);
}

static void
check_malformed(const char *bytes, size_t size)
{
    bool too_large = true;
    refusal_of(bytes, size, &too_large);
    CHECK(!too_large);
}
#define MALFORMED(literal) (ABOUT("%s", #literal), check_malformed((literal), sizeof(literal) - 1))

static void
every_plain_value_passes(void **state)
{
    (void)state;
    CHECK(TAKES("\x00") && TAKES("\x7f") && TAKES("\xe0") && TAKES("\xff"));
    CHECK(TAKES("\xc0") && TAKES("\xc2") && TAKES("\xc3"));
    CHECK(TAKES("\xcc\xff") && TAKES("\xcd\xff\xff") && TAKES("\xce\xff\xff\xff\xff"));
    CHECK(TAKES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff") && TAKES("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"));
    CHECK(TAKES("\xca\x00\x00\x00\x00") && TAKES("\xcb\x00\x00\x00\x00\x00\x00\x00\x00"));
    CHECK(TAKES("\xa0") && TAKES("\xa1" "a") && TAKES("\xd9\x01" "a") && TAKES("\xda\x00\x01" "a"));
    CHECK(TAKES("\xdb\x00\x00\x00\x01" "a") && TAKES("\xc4\x01\xff") && TAKES("\xc5\x00\x01\xff"));
    CHECK(TAKES("\x80") && TAKES("\x90") && TAKES("\x81\xa1" "a\x01") && TAKES("\x92\x01\x02"));
    CHECK(TAKES("\xdc\x00\x00") && TAKES("\xdd\x00\x00\x00\x00") && TAKES("\xde\x00\x00") && TAKES("\xdf\x00\x00\x00\x00"));
}

static void
what_is_no_single_value_is_malformed(void **state)
{
    (void)state;
    check_malformed("", 0);
    MALFORMED("\xc1");
    MALFORMED("\x01\x02");
    MALFORMED("\x80\x80");
    MALFORMED("\x81");
    MALFORMED("\x81\x01");
    MALFORMED("\x92\x01");
    MALFORMED("\xa2" "a");
    MALFORMED("\xcd\xff");
    MALFORMED("\xd9");
    MALFORMED("\xdc\x00");
}

static void
extension_types_are_refused(void **state)
{
    (void)state;
    MALFORMED("\xd4\x01\x00");
    MALFORMED("\xd5\x01\x00\x00");
    MALFORMED("\xd6\xff\x00\x00\x00\x00");
    MALFORMED("\xd7\x01\x00\x00\x00\x00\x00\x00\x00\x00");
    MALFORMED("\xd8\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00");
    MALFORMED("\xc7\x00\x01");
    MALFORMED("\xc8\x00\x00\x01");
    MALFORMED("\xc9\x00\x00\x00\x00\x01");
}

/* 2^31 pairs are 2^32 elements: nothing in 32 bits, and then the map would seem empty. */
static void
counts_that_lie_are_refused_before_anything_is_reserved(void **state)
{
    (void)state;
    MALFORMED("\xdf\x80\x00\x00\x00");
    MALFORMED("\xdf\xff\xff\xff\xff");
    MALFORMED("\xdd\xff\xff\xff\xff");
    MALFORMED("\xdd\x00\x00\x00\x02\xc0");
    MALFORMED("\xde\x00\x02\xc0\xc0\xc0");
    MALFORMED("\xdb\xff\xff\xff\xff");
    MALFORMED("\xc6\xff\xff\xff\xff");
    MALFORMED("\xc6\x00\x00\x00\x02\xff");
}

static size_t
nest(char *bytes, size_t depth)
{
    memset(bytes, '\x91', depth);
    bytes[depth] = '\x01';
    return depth + 1;
}

static void
sixteen_levels_pass_and_seventeen_do_not(void **state)
{
    char bytes[1000];

    (void)state;
    CHECK(takes(bytes, nest(bytes, PD_DEPTH_MAX)));
    check_too_large(bytes, nest(bytes, PD_DEPTH_MAX + 1));
    check_too_large(bytes, nest(bytes, 900));
}

static void
levels_that_are_closed_again_count_no_more(void **state)
{
    char   bytes[400];
    size_t size = 0;

    (void)state;
    bytes[size++] = '\xdc';
    bytes[size++] = '\x00';
    bytes[size++] = '\x14';
    for (int i = 0; i < 20; i++) size += nest(bytes + size, PD_DEPTH_MAX - 1);
    CHECK(takes(bytes, size));
}

static void
sixty_five_thousand_elements_pass_and_one_more_does_not(void **state)
{
    static char bytes[5 + PD_ELEMENTS_MAX + 1];

    (void)state;
    memcpy(bytes, "\xdd\x00\x00\xff\xff", 5);
    memset(bytes + 5, '\xc0', PD_ELEMENTS_MAX + 1);
    CHECK(takes(bytes, 5 + PD_ELEMENTS_MAX - 1)); /* the array is an element itself */
    memcpy(bytes, "\xdd\x00\x01\x00\x00", 5);
    check_too_large(bytes, 5 + PD_ELEMENTS_MAX);
}

static void
texts_and_bytes_have_a_longest(void **state)
{
    static char bytes[5 + PD_TEXT_MAX + 1];

    (void)state;
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes, "\xda\x20\x00", 3);
    CHECK(takes(bytes, 3 + PD_TEXT_MAX));
    memcpy(bytes, "\xc5\x20\x00", 3);
    CHECK(takes(bytes, 3 + PD_TEXT_MAX));
    memcpy(bytes, "\xda\x20\x01", 3);
    check_too_large(bytes, 3 + PD_TEXT_MAX + 1);
    memcpy(bytes, "\xc5\x20\x01", 3);
    check_too_large(bytes, 3 + PD_TEXT_MAX + 1);
}

static void
texts_are_utf8_and_bytes_need_not_be(void **state)
{
    static const char *const good[] = {"a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                                       "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "España", "☃💩",
                                       "sin espacio para más", "siete77☃"};
    static const char *const bad[] = {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x41", "\xe0\x80\x80", "\xe0\x9f\xbf",
                                      "\xe2\x82", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
                                      "\xf0\x90\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80", "\xfe",
                                      "\xff", "a\xffz", "siete77\xff", "ocho8888\xff", "ocho8888\xc3", "nueve9999\x80nueve"};
    char bytes[32];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        ABOUT("the good text %zu", i);
        size_t size = strlen(good[i]);
        bytes[0] = (char)(0xa0 | size);
        memcpy(bytes + 1, good[i], size);
        CHECK(takes(bytes, size + 1));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ABOUT("the bad text %zu", i);
        size_t size = strlen(bad[i]);
        bytes[0] = (char)(0xa0 | size);
        memcpy(bytes + 1, bad[i], size);
        check_malformed(bytes, size + 1);
        memmove(bytes + 2, bytes + 1, size);
        memcpy(bytes, "\xc4", 1);
        bytes[1] = (char)size;
        CHECK(takes(bytes, size + 2));
    }
}

static void
no_prefix_of_a_vector_is_a_value(void **state)
{
    struct mp_reader reader = {.ready = false};
    msgpack_object   object;
    size_t           count;
    struct vector   *vectors = vectors_read("vectors.jsonl", "bytes", &count);

    (void)state;
    CHECK(count > 300);
    for (size_t i = 0; i < count; i++) {
        struct pd_text whole = vectors[i].bytes;
        ABOUT("%s %s", vectors[i].kind, vectors[i].name);
        CHECK(takes(whole.data, whole.size));
        CHECK(mp_parse(&reader, whole.data, whole.size, &object));
        CHECK(mp_skip(whole.data, whole.data + whole.size) == whole.data + whole.size);
        for (size_t size = 0; size < whole.size; size++) {
            /* A copy of just that size, so that a byte too far is seen. */
            char *prefix = malloc(size + 1);
            memcpy(prefix + 1, whole.data, size);
            CHECK(!takes(prefix + 1, size));
            CHECK(mp_skip(prefix + 1, prefix + 1 + size) == NULL);
            if (size % 16 == 0) CHECK(!mp_parse(&reader, prefix + 1, size, &object));
            free(prefix);
        }
    }
    vectors_free(vectors, count);
    mp_reader_fini(&reader);
}

/* Whatever passes the scan, MessagePack-C reads, and mp_skip finds its end. */
static void
what_the_scan_takes_can_be_parsed(void **state)
{
    struct mp_reader reader = {.ready = false};
    msgpack_object   object;
    size_t           count, taken = 0;
    struct vector   *vectors = vectors_read("vectors.jsonl", "bytes", &count);
    uint64_t         seed = check_seed();

    (void)state;
    for (int round = 0; round < 20000; round++) {
        const struct vector *v = &vectors[check_pick(&seed, count)];
        size_t               size = v->bytes.size;
        char                *bytes = malloc(size);
        memcpy(bytes, v->bytes.data, size);
        for (size_t n = 1 + check_pick(&seed, 3); n > 0; n--) bytes[check_pick(&seed, size)] = (char)check_random(&seed);
        ABOUT("%s %s, round %d", v->kind, v->name, round);
        if (takes(bytes, size)) {
            taken++;
            CHECK(mp_parse(&reader, bytes, size, &object));
            CHECK(mp_skip(bytes, bytes + size) == bytes + size);
        }
        free(bytes);
    }
    CHECK(taken > 1000 && taken < 19000);
    vectors_free(vectors, count);
    mp_reader_fini(&reader);
}

static void
whole_numbers_are_taken_in_every_form(void **state)
{
    static const struct {
        struct pd_text bytes;
        uint64_t       value;
        bool           negative, whole;
    } cases[] = {
        {PD_TEXT("\x7f"), 127, false, true},
        {PD_TEXT("\xcc\xff"), 255, false, true},
        {PD_TEXT("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), UINT64_MAX, false, true},
        {PD_TEXT("\xd0\x7f"), 127, false, true},
        {PD_TEXT("\xd0\x80"), 0, true, true},
        {PD_TEXT("\xd1\x01\x00"), 256, false, true},
        {PD_TEXT("\xd2\xff\xff\xff\xff"), 0, true, true},
        {PD_TEXT("\xd3\x7f\xff\xff\xff\xff\xff\xff\xff"), INT64_MAX, false, true},
        {PD_TEXT("\xe0"), 0, true, true},
        {PD_TEXT("\xd3\x7f"), 0, false, false},
        {PD_TEXT("\xca\x3f\x80\x00\x00"), 0, false, false},
        {PD_TEXT("\xc0"), 0, false, false},
        {PD_TEXT(""), 0, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mp_cursor c = mp_cursor_of(cases[i].bytes);
        uint64_t         value = 0;
        ABOUT("the number %zu", i);
        CHECK_EQ(mp_take_whole(&c, &value), cases[i].negative);
        CHECK_EQ(c.failed, !cases[i].whole);
        if (!cases[i].whole) continue;
        CHECK(c.at == c.end);
        if (!cases[i].negative) CHECK_EQ(value, cases[i].value);
    }
}

static void
what_stands_under_a_key_is_found_packed(void **state)
{
    struct mp_writer w = {0};

    (void)state;
    mp_map(&w, 3);
    mp_uint(&w, 7);
    mp_text(&w, PD_TEXT("under no text"));
    mp_key(&w, "data");
    mp_array(&w, 2);
    mp_nil(&w);
    mp_bool(&w, true);
    mp_key(&w, "id");
    mp_text(&w, PD_TEXT("a"));
    struct pd_text map = {w.data, w.size};
    CHECK_BYTES(mp_find_packed(map, "data"), PD_TEXT("\x92\xc0\xc3"), "data");
    CHECK_BYTES(mp_find_packed(map, "id"), PD_TEXT("\xa1" "a"), "id");
    CHECK(mp_find_packed(map, "dat").data == NULL);
    CHECK(mp_find_packed((struct pd_text){w.data, w.size - 1}, "id").data == NULL);
    CHECK(mp_find_packed(PD_TEXT("\x92\xc0\xc3"), "id").data == NULL);
    CHECK(mp_find_packed((struct pd_text){NULL, 0}, "id").data == NULL);
    mp_writer_fini(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_plain_value_passes),
        TEST(what_is_no_single_value_is_malformed),
        TEST(extension_types_are_refused),
        TEST(counts_that_lie_are_refused_before_anything_is_reserved),
        TEST(sixteen_levels_pass_and_seventeen_do_not),
        TEST(levels_that_are_closed_again_count_no_more),
        TEST(sixty_five_thousand_elements_pass_and_one_more_does_not),
        TEST(texts_and_bytes_have_a_longest),
        TEST(texts_are_utf8_and_bytes_need_not_be),
        TEST(no_prefix_of_a_vector_is_a_value),
        TEST(what_the_scan_takes_can_be_parsed),
        TEST(whole_numbers_are_taken_in_every_form),
        TEST(what_stands_under_a_key_is_found_packed),
    };
    return RUN(tests);
}
