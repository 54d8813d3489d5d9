/* door.c - the engine's door refuses every hostile frame with the code and field that proto/vectors/hostile.jsonl names. */
#include "engine/bus/door.h"

#include "tests/support/check.h"
#include "tests/unit/vectors.h"

static const char *
code_of(const struct pd_refusal *refusal)
{
    return refusal->code == PD_OK ? "ok" : pd_schema_error((int)refusal->code)->code;
}

/* Some are good messages, refused further inside because there is no such thing. */
static bool
is_refused_by_the_engine(const char *code)
{
    return strcmp(code, "reseller_not_found") == 0 || strcmp(code, "task_not_found") == 0 ||
           strcmp(code, "cursor_invalid") == 0 || strcmp(code, "position_out_of_range") == 0;
}

/* order and reference, both or neither: only the rule can tell. */
static bool
is_refused_by_a_rule(const char *name)
{
    return strstr(name, "order nor reference") != NULL || strstr(name, "order and reference") != NULL;
}

static void
check_frame(struct door *door, struct pd_arena *arena, const struct vector *v)
{
    enum pd_port      port = (enum pd_port)pd_enum_number(pd_enum_port(), vector_text(v->json, "port"));
    const char       *code = json_string_value(json_object_get(v->json, "code"));
    struct request    request = {.port = port};
    struct pd_refusal refusal = {.code = PD_OK};
    size_t            count = 0;
    /* A copy of exactly that size, so that a byte too far is seen. */
    char *frame = malloc(v->bytes.size + 1);

    memcpy(frame + 1, v->bytes.data, v->bytes.size);
    if (!door_open(door, port, (struct pd_text){frame + 1, v->bytes.size}, &count, &refusal)) {
        CHECK_TEXT(pd_text(code_of(&refusal)), code);
    } else if (code != NULL) {
        struct pd_text field = vector_text(v->json, "field");
        CHECK_EQ(count, 0);
        door_take(door, port, false, arena, &request);
        if (is_refused_by_the_engine(code) || is_refused_by_a_rule(v->name)) {
            CHECK_TEXT(pd_text(code_of(&request.refusal)), "ok");
        } else {
            CHECK_TEXT(pd_text(code_of(&request.refusal)), code);
            if (field.data != NULL) CHECK_TEXT(pd_text(request.refusal.field), field.data);
        }
    } else {
        const json_t *codes = json_object_get(v->json, "codes");
        CHECK_EQ(count, json_array_size(codes));
        for (size_t n = 0; n < count; n++) {
            const char *wanted = json_string_value(json_array_get(codes, n));
            if (wanted != NULL && is_refused_by_the_engine(wanted)) wanted = NULL;
            door_take(door, port, true, arena, &request);
            /* That CheckStatus may not wait inside an array, the engine says. */
            if (request.refusal.code == PD_OK && request.message.block->code == PD_COMMAND_check_status) continue;
            CHECK_TEXT(pd_text(code_of(&request.refusal)), wanted == NULL ? "ok" : wanted);
        }
    }
    free(frame);
}

static void
every_hostile_frame_is_refused_as_written(void **state)
{
    struct door     door = {0};
    struct pd_arena arena;
    size_t          count;
    struct vector  *vectors = vectors_read("hostile.jsonl", "hex", &count);

    (void)state;
    CHECK(count > 100);
    pd_arena_init(&arena);
    for (size_t i = 0; i < count; i++) {
        ABOUT("%s", vectors[i].name);
        check_frame(&door, &arena, &vectors[i]);
        pd_arena_reset(&arena);
    }
    vectors_free(vectors, count);
    door_fini(&door);
    pd_arena_fini(&arena);
}

/* Single letters of good requests are changed: the door says something about each, and reads nothing it should not. */
static void
no_changed_request_breaks_the_door(void **state)
{
    struct door     door = {0};
    struct pd_arena arena;
    size_t          count, taken = 0, refused = 0;
    struct vector  *vectors = vectors_read("vectors.jsonl", "bytes", &count);
    uint64_t        seed = check_seed();

    (void)state;
    pd_arena_init(&arena);
    for (int round = 0; round < 20000; round++) {
        const struct vector *v = &vectors[check_pick(&seed, count)];
        if (strcmp(v->kind, "request") != 0) continue;
        ABOUT("%s, round %d", v->name, round);
        char *frame = malloc(v->bytes.size);
        memcpy(frame, v->bytes.data, v->bytes.size);
        for (size_t n = 1 + check_pick(&seed, 3); n > 0; n--) frame[check_pick(&seed, v->bytes.size)] = (char)check_random(&seed);
        for (int port = PD_port_commands; port <= PD_port_workers; port++) {
            struct request    request = {.port = (enum pd_port)port};
            struct pd_refusal refusal = {.code = PD_OK};
            size_t            commands = 0;
            if (!door_open(&door, (enum pd_port)port, (struct pd_text){frame, v->bytes.size}, &commands, &refusal)) {
                CHECK(refusal.code != PD_OK);
                refused++;
                continue;
            }
            door_take(&door, (enum pd_port)port, commands > 0, &arena, &request);
            if (request.refusal.code == PD_OK) CHECK(request.message.block != NULL && request.message.body != NULL);
            if (request.refusal.code == PD_OK) taken++;
            else refused++;
        }
        free(frame);
        pd_arena_reset(&arena);
    }
    CHECK(taken > 100 && refused > 100);
    vectors_free(vectors, count);
    door_fini(&door);
    pd_arena_fini(&arena);
}

/* However a client packs it, the same command has the same fingerprint; another content has another. Order 17 is packed
 * short, order 17 is packed long, order 18. */
static void
the_fingerprint_is_of_the_content(void **state)
{
    struct door      door = {0};
    struct pd_arena  arena;
    struct request   r[3];
    struct mp_writer w = {0};

    (void)state;
    pd_arena_init(&arena);
    for (int i = 0; i < 3; i++) {
        struct pd_refusal refusal;
        size_t            count;
        mp_writer_clear(&w);
        mp_map(&w, 3);
        mp_key(&w, "data");
        mp_map(&w, 1);
        mp_key(&w, "order");
        if (i == 1) mp_raw(&w, "\xcd\x00\x11", 3);
        else mp_uint(&w, i == 0 ? 17 : 18);
        mp_key(&w, "type");
        mp_text(&w, PD_TEXT("ConfirmOrder"));
        mp_key(&w, "id");
        mp_text(&w, PD_TEXT("a"));
        r[i] = (struct request){.port = PD_port_commands};
        CHECK(door_open(&door, PD_port_commands, (struct pd_text){w.data, w.size}, &count, &refusal));
        door_take(&door, PD_port_commands, false, &arena, &r[i]);
        CHECK_EQ(r[i].refusal.code, PD_OK);
    }
    CHECK(memcmp(r[0].fingerprint, r[1].fingerprint, sizeof r[0].fingerprint) == 0);
    CHECK(memcmp(r[0].fingerprint, r[2].fingerprint, sizeof r[0].fingerprint) != 0);
    mp_writer_fini(&w);
    door_fini(&door);
    pd_arena_fini(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_hostile_frame_is_refused_as_written),
        TEST(no_changed_request_breaks_the_door),
        TEST(the_fingerprint_is_of_the_content),
    };
    return RUN(tests);
}
