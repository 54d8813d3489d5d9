/* Messages and options that cannot be right: told, and not sent. The engine is played by stage.c. */
#include <pedido/pedido.h>

#include "tests/support/check.h"
#include "tests/unit/stage.h"

static void
expect_bad(struct stage *s, const struct pd_call_message *m, const char *problem)
{
    struct pd_reply reply = {0};

    ABOUT("%s", problem);
    CHECK_EQ(pd_call(s->client, m, &reply), PD_CLIENT_BAD_MESSAGE);
    CHECK_TEXT(pd_text(reply.problem), problem);
    CHECK(reply.data == NULL && reply.id.data == NULL);
    pd_reply_fini(&reply);
}

static void
a_slip_of_the_pen_is_told_and_not_sent(void **state)
{
    struct stage             s;
    struct pd_item_request   item = {.plan = PD_TEXT("std"), .period = PD_TEXT("1y"), .quantity = 2};
    struct pd_add_order      add = {.customer = PD_TEXT("ana"), .items = &item, .items_count = 1};
    struct pd_open_order     open = {.order = 17};
    struct pd_worker_ready   ready = {.worker = PD_TEXT("w")};
    struct pd_call_message   m = pd_add_order_message(&add);

    (void)state;
    stage_open(&s, 5000, 0, 0);
    expect_bad(&s, &m, "items[0].quantity has a value, but has_quantity is false");
    item.has_quantity = true;
    item.period = (struct pd_text){NULL, 0};
    expect_bad(&s, &m, "items[0].period is required");
    add.items = NULL;
    expect_bad(&s, &m, "items is NULL, but items_count is 1");
    add.items = &item;
    item.period = PD_TEXT("\xff");
    expect_bad(&s, &m, "the message cannot be sent: a text that is not UTF-8 at byte 100");
    item.period = PD_TEXT("1y");
    m.id = PD_TEXT("");
    expect_bad(&s, &m, "id must be a text of 1-64 bytes");
    m.id = (struct pd_text){NULL, 0};
    m.expect = 3;
    expect_bad(&s, &m, "expect has a value, but has_expect is false");
    m.data_size--;
    expect_bad(&s, &m, "the data of AddOrder must be its struct, of 56 bytes; they are 55");
    m.query = PD_QUERY_health;
    expect_bad(&s, &m, "the message must name one command or one query of the schema");
    m = pd_open_order_message(&open);
    expect_bad(&s, &m, "order has a value, but has_order is false");
    m = (struct pd_call_message){.command = PD_COMMAND_worker_ready, .data = &ready, .data_size = sizeof ready};
    expect_bad(&s, &m, "WorkerReady is not sent by a client");
    CHECK(stage_hear(&s, s.commands_port, 50) == NULL);
    stage_close(&s);
}

static void
a_message_too_large_is_told_and_not_sent(void **state)
{
    struct stage            s;
    static char             name[8000];
    struct pd_item_request  items[200] = {0};
    struct pd_add_order     add = {.customer = PD_TEXT("ana"), .items = items, .items_count = 200};
    struct pd_call_message  m = pd_add_order_message(&add);

    (void)state;
    memset(name, 'x', sizeof name);
    for (size_t i = 0; i < 200; i++)
        items[i] = (struct pd_item_request){.plan = {name, sizeof name}, .period = PD_TEXT("1y")};
    stage_open(&s, 5000, 0, 0);
    m.id = PD_TEXT("large");
    expect_bad(&s, &m, "the message is of 1606252 bytes; at most 1048576");
    stage_close(&s);
}

static void
note_line(void *context, const char *line)
{
    snprintf(context, 100, "%s", line);
}

static void
options_have_their_ranges(void **state)
{
    char                     line[100] = "";
    struct pd_client        *client = NULL;
    struct pd_subscriber    *subscriber = NULL;
    struct pd_client_options options = {.outstanding = 65537, .talk = note_line, .talk_context = line};

    (void)state;
    CHECK_EQ(pd_client_open(&options, &client), PD_CLIENT_BAD_OPTION);
    CHECK(client == NULL);
    CHECK_TEXT(pd_text(line), "the option outstanding must be 1-65536, or 0 for 1024");
    options.outstanding = 0;
    CHECK_EQ(pd_client_open_for(PD_STRUCTS_SIZE + 8, &options, &client), PD_CLIENT_BAD_OPTION);
    CHECK_TEXT(pd_text(line), "the program was not compiled for this libpedido (" PD_VERSION "); compile it anew");
    CHECK_EQ(pd_client_open(NULL, &client), PD_CLIENT_OK);
    CHECK_EQ(pd_subscriber_open(client, PD_TEXT("default"), &subscriber), PD_CLIENT_BAD_OPTION);
    CHECK_TEXT(pd_text(pd_client_problem(client)), "the prefix must be of at most 200 bytes and end in / or /~head");
    CHECK(subscriber == NULL);
    pd_client_close(&client);
    pd_client_close(&client);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_slip_of_the_pen_is_told_and_not_sent),
        TEST(a_message_too_large_is_told_and_not_sent),
        TEST(options_have_their_ranges),
    };
    return RUN(tests);
}
