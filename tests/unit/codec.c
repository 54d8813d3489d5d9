/* codec.c - blocks to bytes and back, by their descriptors. */
#include "proto/codec.h"
#include "tests/support/check.h"
#include "tests/unit/fill.h"
#include "tests/unit/vectors.h"

static struct pd_text
written(const struct mp_writer *w)
{
    return (struct pd_text){w->data, w->size};
}

static const struct pd_block *
block_of(const struct vector *v)
{
    static const struct {
        const char        *kind;
        enum pd_block_kind block;
    } kinds[] = {{"command", PD_BLOCK_command}, {"query", PD_BLOCK_query}, {"event", PD_BLOCK_event}, {"reply", PD_BLOCK_reply}};
    for (size_t i = 0; i < 4; i++)
        if (strcmp(v->kind, kinds[i].kind) == 0) {
            const struct pd_block *block = pd_schema_find(kinds[i].block, pd_text(v->name));
            CHECK(block != NULL);
            return block;
        }
    return NULL;
}

/* The vectors were packed by another implementation. */
static void
every_vector_comes_back_as_the_same_bytes(void **state)
{
    struct pd_arena   arena;
    struct mp_writer  again = {0};
    struct pd_refusal refusal = {.code = PD_OK};
    size_t            count, compared = 0;
    struct vector    *vectors = vectors_read("vectors.jsonl", "bytes", &count);

    (void)state;
    pd_arena_init(&arena);
    for (size_t i = 0; i < count; i++) {
        const struct pd_block *block = block_of(&vectors[i]);
        if (block == NULL) continue;
        bool strict = block->kind == PD_BLOCK_command || block->kind == PD_BLOCK_query;
        ABOUT("%s %s", vectors[i].kind, vectors[i].name);
        pd_arena_reset(&arena);
        void *message = pd_arena_alloc(&arena, block->size);
        CHECK(pd_decode_map(&arena, block, strict ? PD_STRICT : PD_LENIENT, vectors[i].bytes, message, &refusal));
        mp_writer_clear(&again);
        pd_encode_map(&again, block, message);
        CHECK_BYTES(written(&again), vectors[i].bytes, check_about);
        compared++;
    }
    CHECK(compared > 200);
    vectors_free(vectors, count);
    mp_writer_fini(&again);
    pd_arena_fini(&arena);
}

static void
every_block_has_a_vector(void **state)
{
    size_t                 count;
    struct vector         *vectors = vectors_read("vectors.jsonl", "bytes", &count);
    const struct pd_block *block;

    (void)state;
    for (size_t i = 0; (block = pd_schema_block(i)) != NULL; i++) {
        if (block->kind == PD_BLOCK_part || block->kind == PD_BLOCK_row) continue;
        bool found = false;
        for (size_t n = 0; n < count && !found; n++) found = block_of(&vectors[n]) == block;
        ABOUT("%s", block->Name);
        CHECK(found);
    }
    vectors_free(vectors, count);
}

static void
every_row_comes_back_with_its_hidden_fields(void **state)
{
    struct pd_arena  arena;
    struct mp_reader reader = {.ready = false};
    struct mp_writer first = {0}, again = {0}, shown = {0};
    uint64_t         seed = check_seed();

    (void)state;
    pd_arena_init(&arena);
    for (int code = 1; code < PD_ROW_CODES; code++) {
        const struct pd_block *block = pd_schema_row(code);
        for (int round = 0; block != NULL && round < 200; round++) {
            ABOUT("%s, round %d", block->name, round);
            pd_arena_reset(&arena);
            mp_writer_clear(&first);
            mp_writer_clear(&again);
            void *row = pd_arena_alloc(&arena, block->size), *back = pd_arena_alloc(&arena, block->size);
            fill_block(&arena, &seed, block, row);
            pd_encode_row(&first, block, row);
            CHECK(pd_decode_row(&arena, block, written(&first), back));
            pd_encode_row(&again, block, back);
            CHECK_BYTES(written(&again), written(&first), check_about);
            mp_writer_clear(&shown);
            mp_writer_clear(&again);
            pd_encode_map(&shown, block, row);
            pd_encode_map(&again, block, back);
            CHECK_BYTES(written(&again), written(&shown), check_about);
        }
    }
    mp_writer_fini(&shown);
    mp_writer_fini(&first);
    mp_writer_fini(&again);
    mp_reader_fini(&reader);
    pd_arena_fini(&arena);
}

/* A row that was written before a field was appended to its block. */
static void
a_shorter_row_is_read_and_a_longer_one_is_not(void **state)
{
    const struct pd_block *block = pd_block_customer();
    struct pd_arena        arena;
    struct mp_reader       reader = {.ready = false};
    struct mp_writer       w = {0};
    struct pd_customer     row;

    (void)state;
    pd_arena_init(&arena);
    mp_array(&w, 2);
    mp_uint(&w, 3);
    mp_uint(&w, 9);
    CHECK(pd_decode_row(&arena, block, written(&w), &row));
    CHECK_EQ(row.scope, 3);
    CHECK_EQ(row.version, 9);
    CHECK(row.email.data == NULL);
    mp_writer_clear(&w);
    mp_array(&w, block->field_count + 1);
    for (size_t i = 0; i <= block->field_count; i++) mp_nil(&w);
    CHECK(!pd_decode_row(&arena, block, written(&w), &row));
    mp_writer_fini(&w);
    mp_reader_fini(&reader);
    pd_arena_fini(&arena);
}

static void
a_copy_lives_on_when_its_source_is_overwritten(void **state)
{
    static _Alignas(16) char memory[256 << 10];
    struct pd_arena          source, arena;
    struct mp_writer         before = {0}, after = {0};
    uint64_t                 seed = check_seed();
    const struct pd_block   *block;

    (void)state;
    pd_arena_init(&arena);
    for (size_t i = 0; (block = pd_schema_block(i)) != NULL; i++)
        for (int round = 0; round < 20 && !has_raw(block); round++) {
            ABOUT("%s, round %d", block->name, round);
            pd_arena_init_over(&source, memory, sizeof memory);
            void *from = pd_arena_alloc(&source, block->size), *to = pd_arena_alloc(&arena, block->size);
            fill_block(&source, &seed, block, from);
            mp_writer_clear(&before);
            mp_writer_clear(&after);
            pd_encode_row(&before, block, from);
            pd_copy_block(&arena, block, from, to);
            pd_arena_fini(&source);
            memset(memory, 0xa5, sizeof memory);
            pd_encode_row(&after, block, to);
            CHECK_BYTES(written(&after), written(&before), check_about);
            pd_arena_reset(&arena);
        }
    mp_writer_fini(&before);
    mp_writer_fini(&after);
    pd_arena_fini(&arena);
}

/* Decodes what a writer holds as AddOrder's data, strictly; returns the refusal. */
static struct pd_refusal
refusal_of(struct mp_writer *w, const struct pd_block *block)
{
    struct pd_arena   arena;
    struct pd_refusal refusal = {.code = PD_OK};

    pd_arena_init(&arena);
    void *message = pd_arena_alloc(&arena, block->size);
    bool  ok = pd_decode_map(&arena, block, PD_STRICT, written(w), message, &refusal);
    CHECK(ok == (refusal.code == PD_OK));
    mp_writer_fini(w);
    pd_arena_fini(&arena);
    return refusal;
}

static void
a_refusal_names_the_field_by_its_path(void **state)
{
    struct mp_writer  w = {0};
    struct pd_refusal r;

    (void)state;
    mp_map(&w, 2);
    mp_key(&w, "customer");
    mp_text(&w, PD_TEXT("lopez"));
    mp_key(&w, "items");
    mp_array(&w, 2);
    for (int i = 0; i < 2; i++) {
        mp_map(&w, 2);
        mp_key(&w, "plan");
        mp_text(&w, PD_TEXT("std"));
        mp_key(&w, "period");
        mp_text(&w, i == 0 ? PD_TEXT("1y") : PD_TEXT("1w"));
    }
    r = refusal_of(&w, pd_block_add_order());
    CHECK_EQ(r.code, PD_E_invalid_field);
    CHECK_TEXT(pd_text(r.field), "items[1].period");
    CHECK(r.expected != NULL);
}

static void
an_enumeration_is_refused_with_its_names(void **state)
{
    struct mp_writer  w = {0};
    struct pd_refusal r;

    (void)state;
    mp_map(&w, 1);
    mp_key(&w, "status");
    mp_text(&w, PD_TEXT("gone"));
    r = refusal_of(&w, pd_block_list_subscriptions());
    CHECK_EQ(r.code, PD_E_invalid_field);
    CHECK_TEXT(pd_text(r.expected), "one of ordered, trial, active, terminated");
    CHECK_TEXT(pd_text(pd_enum_order_type()->names), "one of sales");
}

/* Absent or empty in a request, a list or map is written as an empty one. */
static void
lists_and_maps_are_always_written(void **state)
{
    static const struct pd_order_reply  reply = {
        .order = 1, .reference = {"r", 1}, .state = PD_order_state_completed, .version = 3};
    static const struct pd_item_request item = {.plan = {"p", 1}, .period = {"1y", 2}};
    struct mp_writer                    w = {0};

    (void)state;
    pd_encode_map(&w, pd_block_order_reply(), &reply);
    CHECK_TEXT(written(&w), "\x85\xa5order\x01\xa9reference\xa1r\xa5state\xa9" "completed\xa7version\x03\xa7" "allowed\x90");
    mp_writer_clear(&w);
    pd_encode_map(&w, pd_block_item_request(), &item);
    CHECK_TEXT(written(&w), "\x83\xa4plan\xa1p\xa6period\xa2" "1y\xaaparameters\x80");
    CHECK_EQ(refusal_of(&w, pd_block_item_request()).code, PD_OK);
}

static void
a_path_that_is_too_long_is_cut(void **state)
{
    char              key[300];
    struct mp_writer  w = {0};
    struct pd_refusal r;

    (void)state;
    memset(key, 'k', sizeof key);
    mp_map(&w, 1);
    mp_text(&w, (struct pd_text){key, sizeof key});
    mp_nil(&w);
    r = refusal_of(&w, pd_block_put_customer());
    CHECK_EQ(r.code, PD_E_unknown_field);
    CHECK_EQ(strlen(r.field), PD_FIELD_PATH_MAX - 1);
}

static void
answers_and_events_may_have_fields_we_do_not_know(void **state)
{
    struct pd_arena       arena;
    struct mp_writer      w = {0};
    struct pd_customer_put event;

    (void)state;
    pd_arena_init(&arena);
    mp_map(&w, 2);
    mp_key(&w, "colour");
    mp_array(&w, 1);
    mp_nil(&w);
    mp_key(&w, "customer");
    mp_text(&w, PD_TEXT("lopez"));
    CHECK(pd_decode_event(&arena, pd_block_customer_put(), written(&w), &event));
    CHECK_TEXT(event.customer, "lopez");
    CHECK(event.name.data == NULL);
    mp_writer_fini(&w);
    pd_arena_fini(&arena);
}

static void
periods_are_a_count_and_a_unit_of_at_most_ten_years(void **state)
{
    static const char *const good[] = {"1d", "3650d", "1m", "120m", "1y", "10y", "9y", "99m"};
    static const char *const bad[] = {"",    "1",   "m",    "0m",   "00m",   "01m",  "1w",    "1M",   "-1m",
                                      "+1m", "1 m", "1.5m", "11y",  "121m",  "3651d", "99999d", "1mm", "d1"};
    struct pd_period         period;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        ABOUT("%s", good[i]);
        CHECK(pd_parse_period(pd_text(good[i]), &period));
        CHECK_EQ(period.count, strtoul(good[i], NULL, 10));
        CHECK_EQ(period.unit, good[i][strlen(good[i]) - 1]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ABOUT("\"%s\"", bad[i]);
        CHECK(!pd_parse_period(pd_text(bad[i]), &period));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_vector_comes_back_as_the_same_bytes),
        TEST(every_block_has_a_vector),
        TEST(every_row_comes_back_with_its_hidden_fields),
        TEST(a_shorter_row_is_read_and_a_longer_one_is_not),
        TEST(a_copy_lives_on_when_its_source_is_overwritten),
        TEST(a_refusal_names_the_field_by_its_path),
        TEST(an_enumeration_is_refused_with_its_names),
        TEST(lists_and_maps_are_always_written),
        TEST(a_path_that_is_too_long_is_cut),
        TEST(answers_and_events_may_have_fields_we_do_not_know),
        TEST(periods_are_a_count_and_a_unit_of_at_most_ten_years),
    };
    return RUN(tests);
}
