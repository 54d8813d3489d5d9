/* framing.c - requests, answers, refusals and published events, compared with what another implementation packed. */
#include "proto/framing.h"
#include "tests/support/check.h"
#include "tests/unit/vectors.h"

struct bench {
    struct pd_arena  arena;
    struct mp_reader reader;
    struct mp_writer w;
    struct vector   *vectors;
    size_t           count;
};

static void
open_bench(struct bench *b)
{
    *b = (struct bench){.vectors = NULL};
    pd_arena_init(&b->arena);
    b->vectors = vectors_read("vectors.jsonl", "bytes", &b->count);
}

static void
close_bench(struct bench *b)
{
    vectors_free(b->vectors, b->count);
    mp_writer_fini(&b->w);
    mp_reader_fini(&b->reader);
    pd_arena_fini(&b->arena);
}

/* The next vector of a kind, from *at on; NULL beyond the last. What was written before is forgotten. */
static const struct vector *
next_of(struct bench *b, const char *kind, size_t *at)
{
    while (*at < b->count && strcmp(b->vectors[*at].kind, kind) != 0) ++*at;
    if (*at == b->count) return NULL;
    ABOUT("%s %s", kind, b->vectors[*at].name);
    mp_writer_clear(&b->w);
    pd_arena_reset(&b->arena);
    return &b->vectors[(*at)++];
}

static void
check_written(const struct bench *b, const struct vector *v)
{
    CHECK_BYTES(((struct pd_text){b->w.data, b->w.size}), v->bytes, check_about);
}

static const json_t *
value_of(const struct vector *v)
{
    return json_object_get(v->json, "value");
}

/* Where the map behind the key "data" begins; it is the last of its message. */
static struct pd_text
data_of(const struct vector *v)
{
    const char *key = memmem(v->bytes.data, v->bytes.size, "\xa4" "data", 5);
    CHECK(key != NULL);
    return (struct pd_text){key + 5, v->bytes.size - (size_t)(key + 5 - v->bytes.data)};
}

static void
requests_come_back_as_the_same_bytes(void **state)
{
    struct bench         b;
    const struct vector *v;
    size_t               at = 0, n = 0;
    struct pd_message    message;
    struct pd_refusal    refusal;

    (void)state;
    open_bench(&b);
    for (; (v = next_of(&b, "request", &at)) != NULL; n++) {
        const struct pd_block *block = pd_schema_find(PD_BLOCK_command, pd_text(v->name));
        if (block == NULL) block = pd_schema_find(PD_BLOCK_query, pd_text(v->name));
        CHECK(block != NULL);
        CHECK(pd_decode_request(&b.arena, (enum pd_port)block->port, v->bytes, &message, &refusal));
        CHECK(message.block == block);
        if (json_object_get(value_of(v), "reseller") == NULL) {
            CHECK_TEXT(message.envelope.reseller, "default");
            message.envelope.reseller = (struct pd_text){NULL, 0};
        }
        pd_encode_request(&b.w, &message.envelope, message.block, message.body);
        check_written(&b, v);
    }
    CHECK(n > 60);
    close_bench(&b);
}

static void
answers_are_packed_as_the_protocol_says(void **state)
{
    struct bench         b;
    const struct vector *v;
    size_t               at = 0, n = 0;
    struct pd_refusal    refusal;

    (void)state;
    open_bench(&b);
    for (; (v = next_of(&b, "answer", &at)) != NULL; n++) {
        const struct pd_block *block = pd_schema_find(PD_BLOCK_reply, pd_text(v->name));
        struct pd_text         data = data_of(v);
        void                  *reply = pd_arena_alloc(&b.arena, block->size);
        CHECK(pd_decode_map(&b.arena, block, PD_LENIENT, data, reply, &refusal));
        pd_encode_accepted(&b.w, vector_text(value_of(v), "id"), vector_number(value_of(v), "position"), block, reply);
        check_written(&b, v);
    }
    CHECK(n >= 8);
    close_bench(&b);
}

/* A refusal with every detail that its sentence or its map may show. */
static struct pd_refusal
full_refusal(const struct pd_error *error)
{
    struct pd_refusal r = pd_refuse_field((enum pd_error_code)error->number, "a number from 1", "items[1].plan");
    if (strstr(error->sentence, "{field}") == NULL) r.field[0] = '\0';
    if (strstr(error->sentence, "{order}") != NULL) r.order = 17;
    r.version = 7;
    r.state = PD_order_state_completed;
    r.command = PD_COMMAND_open_order;
    r.allowed = (uint64_t)1 << PD_COMMAND_check_status;
    r.retry_after_ms = 250;
    return r;
}

static void
refusals_are_packed_as_the_protocol_says(void **state)
{
    struct bench         b;
    const struct vector *v;
    size_t               at = 0, n = 0, errors;

    (void)state;
    open_bench(&b);
    pd_schema_errors(&errors);
    for (; (v = next_of(&b, "refusal", &at)) != NULL; n++) {
        const struct pd_error *error = pd_schema_error_named(pd_text(v->name));
        CHECK(error != NULL);
        struct pd_refusal r = full_refusal(error);
        pd_encode_refused(&b.w, vector_text(value_of(v), "id"), &r);
        check_written(&b, v);
    }
    CHECK_EQ(n, errors);
    close_bench(&b);
}

/* With and without details: what a person reads has no braces. */
static void
every_sentence_is_filled_in(void **state)
{
    size_t                 count;
    const struct pd_error *errors = pd_schema_errors(&count);
    struct mp_writer       w = {0};

    (void)state;
    for (size_t i = 0; i < 2 * count; i++) {
        const struct pd_error *error = &errors[i / 2];
        struct pd_refusal      bare = pd_refuse((enum pd_error_code)error->number), full = full_refusal(error);
        bare.command = PD_COMMAND_open_order;
        mp_writer_clear(&w);
        pd_encode_refusal(&w, i % 2 == 0 ? &full : &bare);
        ABOUT("%s", error->code);
        CHECK(memchr(w.data, '{', w.size) == NULL && memchr(w.data, '}', w.size) == NULL);
    }
    mp_writer_fini(&w);
}

static void
events_are_published_as_the_protocol_says(void **state)
{
    struct bench         b;
    const struct vector *v;
    size_t               at = 0, n = 0;

    (void)state;
    open_bench(&b);
    for (; (v = next_of(&b, "published", &at)) != NULL; n++) {
        const json_t        *e = value_of(v);
        struct pd_event_head head = {
            .position = vector_number(e, "position"), .time = vector_number(e, "time"), .log = vector_text(e, "log"),
            .type = vector_text(e, "type"), .reseller = vector_text(e, "reseller"), .command = vector_text(e, "command"),
            .actor = vector_text(e, "actor"), .on_behalf_of = vector_text(e, "on_behalf_of"),
            .trace = vector_text(e, "trace"), .version = vector_number(e, "version"),
        };
        pd_encode_event(&b.w, &head, data_of(v));
        check_written(&b, v);
    }
    CHECK(n >= 5);
    for (at = n = 0; (v = next_of(&b, "heartbeat", &at)) != NULL; n++) {
        pd_encode_heartbeat(&b.w, vector_number(value_of(v), "position"), vector_number(value_of(v), "time"),
                            vector_text(value_of(v), "log"), vector_text(value_of(v), "chain"));
        check_written(&b, v);
    }
    CHECK_EQ(n, 2);
    close_bench(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(requests_come_back_as_the_same_bytes),
        TEST(answers_are_packed_as_the_protocol_says),
        TEST(refusals_are_packed_as_the_protocol_says),
        TEST(every_sentence_is_filled_in),
        TEST(events_are_published_as_the_protocol_says),
    };
    return RUN(tests);
}
