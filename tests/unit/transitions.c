#include "engine/domain/transitions.h"

#include "proto/schema.h"
#include "tests/support/check.h"

enum { ROWS_MAX = 96 };

/* A copy of the real table that a test may spoil. */
struct copy {
    struct transition       rows[ROWS_MAX];
    struct transition_table table;
};

static void
copy_table(struct copy *c)
{
    const struct transition_table *real = order_transitions();
    CHECK(real->count <= ROWS_MAX);
    memcpy(c->rows, real->rows, real->count * sizeof *real->rows);
    c->table = *real;
    c->table.rows = c->rows;
}

static void
drop_rows(struct copy *c, bool from, enum pd_order_state state)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->table.count; i++)
        if ((from ? c->rows[i].from : c->rows[i].to) != state) c->rows[kept++] = c->rows[i];
    c->table.count = kept;
}

static void
check_wrong(const struct copy *c, enum pd_order_state where, const char *what)
{
    enum pd_order_state state = PD_order_state_absent;
    const char         *wrong = check_transitions(&c->table, &state);
    CHECK(wrong != NULL);
    CHECK_TEXT(pd_text(wrong), what);
    CHECK_TEXT(PD_NAME(order_state, state), PD_NAME(order_state, where).data);
}

static void
the_real_table_passes(void **state)
{
    enum pd_order_state where;
    (void)state;
    CHECK(check_transitions(order_transitions(), &where) == NULL);
}

static void
a_state_without_a_way_out_is_refused(void **state)
{
    struct copy c;
    (void)state;
    copy_table(&c);
    drop_rows(&c, true, PD_order_state_held);
    check_wrong(&c, PD_order_state_held, "has no way out that needs no luck");
}

static void
a_way_out_that_needs_luck_is_none(void **state)
{
    struct copy c;
    (void)state;
    copy_table(&c);
    for (size_t i = 0; i < c.table.count; i++)
        if (c.rows[i].from == PD_order_state_provisioning) c.rows[i].sure = false;
    check_wrong(&c, PD_order_state_provisioning, "has no way out that needs no luck");
}

static void
without_giving_up_a_failed_clean_up_is_a_dead_end(void **state)
{
    struct copy c;
    (void)state;
    copy_table(&c);
    for (size_t i = 0; i < c.table.count; i++)
        if (c.rows[i].from == PD_order_state_cleanup_failed) c.rows[i].sure = false;
    check_wrong(&c, PD_order_state_provisioning, "has no way out that needs no luck");
}

static void
a_state_that_cannot_be_reached_is_refused(void **state)
{
    struct copy c;
    (void)state;
    copy_table(&c);
    drop_rows(&c, false, PD_order_state_held);
    check_wrong(&c, PD_order_state_held, "cannot be reached");
}

static void
a_table_nobody_can_enter_is_refused(void **state)
{
    struct copy c;
    (void)state;
    copy_table(&c);
    drop_rows(&c, true, PD_order_state_absent);
    check_wrong(&c, PD_order_state_draft, "cannot be reached");
}

static void
an_end_with_a_way_out_is_refused(void **state)
{
    struct copy c;
    (void)state;
    copy_table(&c);
    c.rows[c.table.count++] = (struct transition){"x", PD_order_state_completed, PD_COMMAND_cancel_order, PD_order_state_cancelled,
                                                  true};
    check_wrong(&c, PD_order_state_completed, "is an end and yet has a way out");
}

static void
ends_take_no_command(void **state)
{
    (void)state;
    CHECK_EQ(order_transitions()->terminal,
             1u << PD_order_state_completed | 1u << PD_order_state_cancelled | 1u << PD_order_state_failed);
    CHECK_EQ(allowed_commands(PD_order_state_completed), 0);
    CHECK_EQ(allowed_commands(PD_order_state_cancelled), 0);
    CHECK_EQ(allowed_commands(PD_order_state_failed), 0);
}

/* What clients are told to be possible is what the table takes, of the commands that clients may send about an order. */
static void
allowed_commands_are_those_the_table_takes(void **state)
{
    (void)state;
    for (size_t s = 1; s <= pd_enum_order_state()->count; s++)
        for (int code = 1; code < PD_COMMAND_CODES; code++) {
            const struct pd_block *command = pd_schema_command(code);
            enum pd_order_state    from = (enum pd_order_state)s;
            bool                   taken = command != NULL && takes_command(from, (enum pd_command_code)code);
            ABOUT("state %zu, command %d", s, code);
            bool about_order = command != NULL && command->port == PD_port_commands &&
                               pd_block_field(command, PD_TEXT("order")) != NULL;
            CHECK_EQ(allowed_commands(from) >> code & 1, taken && about_order);
        }
}

static void
a_move_needs_its_own_row(void **state)
{
    (void)state;
    CHECK(may_move(PD_order_state_draft, PD_COMMAND_confirm_order, PD_order_state_new));
    CHECK(!may_move(PD_order_state_draft, PD_COMMAND_confirm_order, PD_order_state_provisioning));
    CHECK(!may_move(PD_order_state_draft, PD_COMMAND_open_order, PD_order_state_provisioning));
    CHECK(!takes_command(PD_order_state_draft, PD_COMMAND_open_order));
    CHECK(!takes_command(PD_order_state_provisioning, PD_COMMAND_give_up));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_real_table_passes),
        TEST(a_state_without_a_way_out_is_refused),
        TEST(a_way_out_that_needs_luck_is_none),
        TEST(without_giving_up_a_failed_clean_up_is_a_dead_end),
        TEST(a_state_that_cannot_be_reached_is_refused),
        TEST(a_table_nobody_can_enter_is_refused),
        TEST(an_end_with_a_way_out_is_refused),
        TEST(ends_take_no_command),
        TEST(allowed_commands_are_those_the_table_takes),
        TEST(a_move_needs_its_own_row),
    };
    return RUN(tests);
}
