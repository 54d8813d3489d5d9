/* schema.c - the compiled tables agree with themselves and with the limits. */
#include "proto/schema.h"

#include "proto/limits.h"
#include "tests/support/check.h"

enum { KINDS = PD_BLOCK_reply + 1 };

static bool
is_filled(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static bool
is_snake(const char *name)
{
    for (const char *c = name; *c != '\0'; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || (*c == '_' && c != name))) return false;
    return name[0] != '\0';
}

static void
no_code_and_no_name_stands_twice(void **state)
{
    const struct pd_block *a, *b;

    (void)state;
    for (size_t i = 0; (a = pd_schema_block(i)) != NULL; i++)
        for (size_t n = 0; n < i; n++) {
            b = pd_schema_block(n);
            ABOUT("%s and %s", a->name, b->name);
            CHECK(strcmp(a->name, b->name) != 0);
            CHECK(a->kind != b->kind || strcmp(a->Name, b->Name) != 0);
            CHECK(a->kind != b->kind || a->code == 0 || a->code != b->code);
        }
}

static void
codes_are_below_their_bounds_and_find_their_block(void **state)
{
    const struct pd_block *b;

    (void)state;
    for (size_t i = 0; (b = pd_schema_block(i)) != NULL; i++) {
        ABOUT("%s", b->name);
        switch (b->kind) {
        case PD_BLOCK_command: CHECK(b->code > 0 && b->code < PD_COMMAND_CODES && pd_schema_command(b->code) == b); break;
        case PD_BLOCK_event: CHECK(b->code > 0 && b->code < PD_EVENT_CODES && pd_schema_event(b->code) == b); break;
        case PD_BLOCK_row: CHECK(b->code > 0 && b->code < PD_ROW_CODES && pd_schema_row(b->code) == b); break;
        case PD_BLOCK_query: CHECK(b->code > 0 && pd_schema_query(b->code) == b); break;
        default: CHECK_EQ(b->code, 0); break;
        }
        CHECK(pd_schema_find(b->kind, pd_text(b->Name)) == b);
    }
    CHECK(pd_schema_command(0) == NULL && pd_schema_command(PD_COMMAND_CODES) == NULL);
    CHECK(pd_schema_find(PD_BLOCK_command, PD_TEXT("Nonsense")) == NULL);
}

static void
commands_and_queries_have_port_role_labels_and_an_answer(void **state)
{
    const struct pd_block *b;

    (void)state;
    for (size_t i = 0; (b = pd_schema_block(i)) != NULL; i++) {
        if (b->kind != PD_BLOCK_command && b->kind != PD_BLOCK_query) continue;
        ABOUT("%s", b->Name);
        CHECK(b->port >= 1 && (size_t)b->port <= pd_enum_port()->count);
        CHECK(b->role >= 1 && (size_t)b->role <= pd_enum_role()->count);
        CHECK(b->reply != NULL && b->reply() != NULL);
        CHECK(b->reply()->kind == PD_BLOCK_reply || b->port == PD_port_engine);
        CHECK(is_filled(b->english) && is_filled(b->spanish));
    }
}

static void
names_are_spelled_one_way_and_everything_is_described(void **state)
{
    const struct pd_block *b;

    (void)state;
    for (size_t i = 0; (b = pd_schema_block(i)) != NULL; i++) {
        ABOUT("%s", b->name);
        CHECK(is_snake(b->name) && is_filled(b->description) && is_filled(b->Name));
        for (size_t n = 0; n < b->field_count; n++) {
            ABOUT("%s.%s", b->name, b->fields[n].name);
            CHECK(is_snake(b->fields[n].name) && is_filled(b->fields[n].description));
            CHECK_EQ(b->fields[n].name_size, strlen(b->fields[n].name));
        }
    }
}

static void
fields_fit_their_struct_and_their_bounds(void **state)
{
    const struct pd_block *b;

    (void)state;
    for (size_t i = 0; (b = pd_schema_block(i)) != NULL; i++) {
        CHECK(b->field_count <= 64); /* the decoder keeps a bit for each */
        for (size_t n = 0; n < b->field_count; n++) {
            const struct pd_field *f = &b->fields[n];
            ABOUT("%s.%s", b->name, f->name);
            CHECK(f->offset < b->size && (f->kind == PD_KIND_FLAG || f->aux_offset <= b->size)); /* a flag has no second field */
            CHECK(pd_block_field(b, pd_text(f->name)) == f); /* no name twice */
            CHECK(n == 0 || f->offset > b->fields[n - 1].offset);
            CHECK((f->kind == PD_KIND_CHOICE) == (f->choice != NULL));
            CHECK((f->kind == PD_KIND_LIST || f->kind == PD_KIND_STRUCT) == (f->block != NULL));
            CHECK(f->count_min <= f->count_max && f->count_max <= PD_ARRAY_MAX);
            if (f->type == NULL) continue;
            CHECK(f->type->min <= f->type->max);
            CHECK(f->type->kind != PD_KIND_TEXT || f->type->max <= PD_TEXT_MAX);
        }
    }
}

/* A block that contains itself would make the decoder climb for ever. */
static bool
is_finite(const struct pd_block *block, int left)
{
    if (left == 0) return false;
    for (size_t i = 0; i < block->field_count; i++)
        if (block->fields[i].block != NULL && !is_finite(block->fields[i].block(), left - 1)) return false;
    return true;
}

static void
blocks_nest_no_deeper_than_messages_may(void **state)
{
    const struct pd_block *b;

    (void)state;
    for (size_t i = 0; (b = pd_schema_block(i)) != NULL; i++) {
        ABOUT("%s", b->name);
        CHECK(is_finite(b, 4));
    }
}

static void
events_name_their_aggregate_and_rows_that_exist(void **state)
{
    const struct pd_block *b;

    (void)state;
    for (size_t i = 0; (b = pd_schema_block(i)) != NULL; i++) {
        ABOUT("%s", b->Name);
        CHECK(b->kind == PD_BLOCK_event || b->touch_count == 0);
        if (b->kind != PD_BLOCK_event) continue;
        CHECK(b->aggregate >= 1 && (size_t)b->aggregate <= pd_enum_aggregate()->count);
        for (size_t n = 0; n < b->touch_count; n++) {
            const struct pd_touch *t = &b->touches[n];
            CHECK(pd_schema_row(t->row) != NULL);
            if (t->list == NULL) continue;
            const struct pd_field *list = pd_block_field(b, pd_text(t->list));
            CHECK(list != NULL && list->kind == PD_KIND_LIST);
        }
    }
}

/* A monitor needs no table: every order event says from where to where. */
static void
order_events_carry_both_states(void **state)
{
    const struct pd_block *b;

    (void)state;
    for (size_t i = 0; (b = pd_schema_block(i)) != NULL; i++) {
        if (b->kind != PD_BLOCK_event || b->aggregate != PD_aggregate_order) continue;
        ABOUT("%s", b->Name);
        CHECK(pd_block_field(b, PD_TEXT("previous_state")) != NULL && pd_block_field(b, PD_TEXT("state")) != NULL);
    }
}

static void
rows_begin_alike(void **state)
{
    static const char *const first[] = {"scope", "version", "last", "last_scoped"};
    size_t                   offset = 0;

    (void)state;
    for (int code = 1; code < PD_ROW_CODES; code++) {
        const struct pd_block *row = pd_schema_row(code);
        if (row == NULL) continue;
        for (size_t i = 0; i < 4; i++) {
            ABOUT("%s.%s", row->name, first[i]);
            CHECK_TEXT(pd_text(row->fields[i].name), first[i]);
            offset = pd_block_row_head()->fields[i].offset;
            CHECK_EQ(row->fields[i].offset, offset);
        }
    }
}

static void
enums_count_from_one_without_gaps_in_two_languages(void **state)
{
    size_t                       count;
    const struct pd_enum *const *enums = pd_schema_enums(&count);

    (void)state;
    CHECK(count > 10);
    for (size_t i = 0; i < count; i++) {
        const struct pd_enum *e = enums[i];
        CHECK(is_snake(e->name) && is_filled(e->description) && e->count > 0);
        for (size_t n = 0; n < e->count; n++) {
            const struct pd_value *v = &e->values[n];
            ABOUT("%s.%s", e->name, v->name);
            CHECK_EQ(v->number, n + 1);
            CHECK(is_snake(v->name) && is_filled(v->english) && is_filled(v->spanish));
            CHECK_EQ(pd_enum_number(e, pd_text(v->name)), v->number); /* no name twice */
            CHECK_TEXT(pd_enum_name(e, v->number), v->name);
        }
        CHECK_EQ(pd_enum_number(e, PD_TEXT("nonsense")), 0);
        CHECK_TEXT(pd_enum_name(e, 0), "");
        CHECK_TEXT(pd_enum_name(e, (int)e->count + 1), "");
    }
}

static void
refusals_have_a_class_an_exit_status_and_two_labels(void **state)
{
    size_t                 count;
    const struct pd_error *errors = pd_schema_errors(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        const struct pd_error *e = &errors[i];
        ABOUT("%s", e->code);
        CHECK(is_snake(e->code) && is_filled(e->english) && is_filled(e->spanish) && is_filled(e->sentence));
        CHECK(i == 0 || e->number > errors[i - 1].number);
        CHECK(pd_schema_error(e->number) == e && pd_schema_error_named(pd_text(e->code)) == e);
        CHECK(strcmp(pd_error_class_name(e->class), "unknown") != 0);
        CHECK(pd_error_class_exit(e->class) > 2 && pd_error_class_exit(e->class) < 64);
        CHECK(strlen(e->sentence) + 2 * PD_FIELD_PATH_MAX < 400); /* the sentence's buffer */
    }
}

/* libzmq mis-encodes subscriptions to long topics, so that the longest that can be made must stay below. */
static void
the_longest_topic_fits(void **state)
{
    const size_t           id = 64;
    const struct pd_block *b;

    (void)state;
    for (size_t i = 0; (b = pd_schema_block(i)) != NULL; i++) {
        if (b->kind != PD_BLOCK_event) continue;
        ABOUT("%s", b->Name);
        size_t kind = pd_enum_name(pd_enum_aggregate(), b->aggregate).size;
        CHECK(strlen("~all/") + id + strlen("/") + kind + strlen("/") + id + strlen("/") + strlen(b->Name) <= PD_TOPIC_MAX);
    }
    CHECK_EQ(pd_block_field(pd_block_put_reseller(), PD_TEXT("reseller"))->type->max, id);
    CHECK_EQ(pd_block_field(pd_block_put_plan(), PD_TEXT("plan"))->type->max, id);
    CHECK_EQ(pd_block_field(pd_block_put_customer(), PD_TEXT("customer"))->type->max, id);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_code_and_no_name_stands_twice),
        TEST(codes_are_below_their_bounds_and_find_their_block),
        TEST(commands_and_queries_have_port_role_labels_and_an_answer),
        TEST(names_are_spelled_one_way_and_everything_is_described),
        TEST(fields_fit_their_struct_and_their_bounds),
        TEST(blocks_nest_no_deeper_than_messages_may),
        TEST(events_name_their_aggregate_and_rows_that_exist),
        TEST(order_events_carry_both_states),
        TEST(rows_begin_alike),
        TEST(enums_count_from_one_without_gaps_in_two_languages),
        TEST(refusals_have_a_class_an_exit_status_and_two_labels),
        TEST(the_longest_topic_fits),
    };
    return RUN(tests);
}
