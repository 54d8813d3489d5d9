/* Calls that go together: what waits for what, what is in one message, and that each has its own answer and its own end. The
 * engine is played by stage.c. */
#include <pedido/pedido.h>

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "proto/limits.h"
#include "tests/support/check.h"
#include "tests/unit/stage.h"

enum { IDS_MAX = 400, TOGETHER = 256, UNDER_WAY = 8192 };

struct outcome {
    int                   times;
    enum pd_client_status status;
    uint64_t              version;
    enum pd_error_code    refused;
};

static void
note(void *context, struct pd_reply *reply)
{
    struct outcome            *o = context;
    const struct pd_put_reply *put = pd_put_customer_reply(reply);

    o->times++;
    o->status = reply->status;
    o->version = put == NULL ? 0 : put->version;
    o->refused = reply->refused.code;
}

static const struct pd_put_customer ana = {.customer = {"ana", 3}, .name = {"Ana", 3}};

/* Starts one call for each letter, which is its id. */
static void
start(struct stage *s, const char *letters, struct outcome outcomes[])
{
    for (size_t i = 0; letters[i] != '\0'; i++) {
        struct pd_call_message m = pd_put_customer_message(&ana);
        m.id = (struct pd_text){letters + i, 1};
        outcomes[i] = (struct outcome){.times = 0};
        CHECK_EQ(pd_call_start(s->client, &m, note, &outcomes[i]), PD_CLIENT_OK);
    }
}

static void
parse(struct heard *h, struct mp_reader *reader, msgpack_object *o)
{
    CHECK(mp_parse(reader, zmq_msg_data(&h->body), zmq_msg_size(&h->body), o));
}

/* A message's ids, one behind the other, in brackets when it is an array. */
static void
expect_next(struct stage *s, const char *ids)
{
    struct heard    *h = stage_must_hear(s, s->commands_port);
    struct mp_reader reader = {.ready = false};
    char             heard[IDS_MAX] = "";
    size_t           size = 0;
    msgpack_object   o;

    parse(h, &reader, &o);
    for (size_t i = 0; i < (h->count > 0 ? h->count : 1); i++) {
        struct pd_text id = mp_find_text(h->count > 0 ? &o.via.array.ptr[i] : &o, "id");
        size += (size_t)snprintf(heard + size, sizeof heard - size, "%.*s", (int)id.size, id.data);
    }
    char whole[IDS_MAX + 2];
    snprintf(whole, sizeof whole, h->count > 0 ? "[%s]" : "%s", heard);
    mp_reader_fini(&reader);
    CHECK_TEXT(pd_text(whole), ids);
}

static struct heard *
last(struct stage *s)
{
    return &s->heard[s->count - 1];
}

static void
expect_nothing(struct stage *s)
{
    CHECK(stage_hear(s, s->commands_port, 20) == NULL);
}

/* Answers an array, element by element: a(ccepted, with its place from 1 as version), r(efused), b(usy), - for none at all. */
static void
answer(struct stage *s, struct heard *h, const char *how)
{
    struct mp_reader  reader = {.ready = false};
    struct mp_writer  w = {0};
    struct pd_refusal busy = pd_refuse(PD_E_busy), refusal = pd_refuse(PD_E_order_not_found);
    msgpack_object    o;
    size_t            count = 0;

    busy.retry_after_ms = 1;
    parse(h, &reader, &o);
    CHECK_EQ(h->count, strlen(how));
    for (size_t i = 0; i < h->count; i++) count += how[i] != '-';
    mp_array(&w, count);
    for (size_t i = 0; i < h->count; i++) {
        struct pd_put_reply data = {.customer = PD_TEXT("ana"), .version = i + 1};
        struct pd_text      id = mp_find_text(&o.via.array.ptr[i], "id");
        if (how[i] == 'a') pd_encode_accepted(&w, id, 17, pd_block_put_reply(), &data);
        else if (how[i] != '-') pd_encode_refused(&w, id, how[i] == 'b' ? &busy : &refusal);
    }
    stage_answer(s->commands_port, h, &w);
    mp_reader_fini(&reader);
}

static void
poll_to(struct stage *s, size_t outstanding)
{
    for (int n = 0; pd_client_poll(s->client, 50) > outstanding; n++) CHECK(n < 100);
}

static void
what_is_started_while_others_are_under_way_goes_together(void **state)
{
    struct stage   s;
    struct outcome o[4];

    (void)state;
    stage_open(&s, 5000, 0, 0);
    start(&s, "abcd", o);
    expect_next(&s, "a");
    expect_nothing(&s);
    CHECK_EQ(pd_client_poll(s.client, 0), 4);
    expect_next(&s, "[bcd]");
    answer(&s, last(&s), "ara");
    poll_to(&s, 1);
    CHECK(o[0].times == 0 && o[1].version == 1 && o[2].refused == PD_E_order_not_found && o[3].version == 3);
    stage_accept_put(s.commands_port, &s.heard[0], 9);
    poll_to(&s, 0);
    CHECK(o[0].version == 9 && o[1].times == 1 && o[2].times == 1 && o[3].times == 1);
    start(&s, "e", o); /* nothing is under way: at once */
    expect_next(&s, "e");
    stage_close(&s);
}

static void
answers_find_their_calls_by_their_ids_alone(void **state)
{
    struct stage     s;
    struct outcome   o[3];
    struct mp_writer w = {0};

    (void)state;
    stage_open(&s, 5000, 0, 0);
    start(&s, "abc", o);
    expect_next(&s, "a");
    pd_client_poll(s.client, 0);
    expect_next(&s, "[bc]");
    /* Of both messages, turned round, with one of nobody's and one that is no answer at all. */
    mp_array(&w, 5);
    for (const char *id = "cxba"; *id != '\0'; id++) {
        struct pd_put_reply data = {.customer = PD_TEXT("ana"), .version = (uint64_t)*id};
        pd_encode_accepted(&w, (struct pd_text){id, 1}, 17, pd_block_put_reply(), &data);
    }
    mp_nil(&w);
    stage_answer(s.commands_port, last(&s), &w);
    poll_to(&s, 0);
    CHECK(o[0].version == 'a' && o[1].version == 'b' && o[2].version == 'c');
    stage_close(&s);
}

static void
what_is_not_answered_goes_again_alone(void **state)
{
    struct stage   s;
    struct outcome o[4];

    (void)state;
    stage_open(&s, 150, 1, 0);
    start(&s, "abcd", o);
    stage_accept_put(s.commands_port, stage_must_hear(&s, s.commands_port), 1);
    poll_to(&s, 3);
    expect_next(&s, "[bcd]");
    answer(&s, last(&s), "-a-");
    poll_to(&s, 2);
    for (int n = 0; s.count < 4; n++) {
        CHECK(n < 100);
        pd_client_poll(s.client, 10);
        stage_hear(&s, s.commands_port, 0);
    }
    CHECK(s.heard[2].count == 0 && s.heard[3].count == 0);
    CHECK(s.heard[2].id[0] + s.heard[3].id[0] == 'b' + 'd');
    stage_accept_put(s.commands_port, &s.heard[2], 7);
    stage_accept_put(s.commands_port, &s.heard[3], 7);
    poll_to(&s, 0);
    CHECK(o[1].version == 7 && o[2].version == 2 && o[3].version == 7);
    stage_close(&s);
}

static void
an_array_that_is_refused_as_a_whole_ends_nobody(void **state)
{
    struct stage   s;
    struct outcome o[3];

    (void)state;
    stage_open(&s, 150, 1, 0);
    start(&s, "abc", o);
    stage_accept_put(s.commands_port, stage_must_hear(&s, s.commands_port), 1);
    poll_to(&s, 2);
    expect_next(&s, "[bc]");
    stage_refuse(s.commands_port, last(&s), (struct pd_text){NULL, 0}, pd_refuse(PD_E_malformed_message));
    for (int n = 0; n < 2; n++) { /* the time for the answer is over, and then the pause, of both */
        usleep(200000);
        CHECK_EQ(pd_client_poll(s.client, 0), 2);
    }
    expect_next(&s, "b");
    expect_next(&s, "c");
    stage_accept_put(s.commands_port, &s.heard[2], 3);
    stage_accept_put(s.commands_port, &s.heard[3], 3);
    poll_to(&s, 0);
    CHECK(o[1].version == 3 && o[2].version == 3);
    stage_close(&s);
}

/* Where nobody answers, the first whose time is over opens the socket anew for all: not each of them has all others sent again. */
static void
a_dead_engine_is_not_sent_all_for_each(void **state)
{
    enum { CALLS = 15 };
    struct stage   s;
    struct outcome o[CALLS];
    size_t         heard = 0;

    (void)state;
    stage_open(&s, 200, 1, 0);
    for (int n = 0; n < CALLS; n++) {
        start(&s, &"a\0b\0c\0d\0e\0f\0g\0h\0i\0j\0k\0l\0m\0n\0o"[2 * n], &o[n]);
        CHECK_EQ(pd_client_poll(s.client, 0), n + 1);
        usleep(3000);
    }
    poll_to(&s, 0);
    for (struct heard *h; (h = stage_hear(&s, s.commands_port, 50)) != NULL;) heard += h->count > 0 ? h->count : 1;
    CHECK(heard >= 2 * CALLS && heard < 5 * CALLS);
    for (int n = 0; n < CALLS; n++) CHECK(o[n].times == 1 && o[n].status == PD_CLIENT_NO_ANSWER);
    stage_close(&s);
}

static void
those_that_are_told_to_come_later_come_again(void **state)
{
    struct stage   s;
    struct outcome o[5];

    (void)state;
    stage_open(&s, 5000, 0, 0);
    start(&s, "abcde", o);
    stage_accept_put(s.commands_port, stage_must_hear(&s, s.commands_port), 1);
    poll_to(&s, 4);
    expect_next(&s, "[bcde]");
    answer(&s, last(&s), "babr");
    poll_to(&s, 2);
    CHECK(o[1].times == 0 && o[2].version == 2 && o[3].times == 0 && o[4].refused == PD_E_order_not_found);
    for (int n = 0; s.count < 3; n++) {
        CHECK(n < 100);
        pd_client_poll(s.client, 10);
        stage_hear(&s, s.commands_port, 0);
    }
    CHECK(last(&s)->count == 2 && last(&s)->id[0] == 'b');
    answer(&s, last(&s), "aa");
    poll_to(&s, 0);
    CHECK(o[1].version == 1 && o[3].version == 2);
    stage_close(&s);
}

static void
enough_of_them_wait_for_nothing(void **state)
{
    struct stage                 s;
    struct outcome               o = {.times = 0};
    const struct pd_call_message m = pd_put_customer_message(&ana);

    (void)state;
    stage_open(&s, 5000, 0, 0);
    for (int n = 0; n < TOGETHER; n++) CHECK_EQ(pd_call_start(s.client, &m, note, &o), PD_CLIENT_OK);
    CHECK_EQ(stage_must_hear(&s, s.commands_port)->count, 0);
    expect_nothing(&s);
    CHECK_EQ(pd_call_start(s.client, &m, note, &o), PD_CLIENT_OK);
    CHECK_EQ(stage_must_hear(&s, s.commands_port)->count, TOGETHER);
    stage_close(&s);
    CHECK_EQ(o.times, TOGETHER + 1);
}

/* What the engine is asked to hold goes alone, in its place, and nobody waits for its answer. */
static void
held_answers_hold_nobody_up(void **state)
{
    struct stage                 s;
    struct outcome               o[8];
    const struct pd_check_status held = {PD_SET(order, 1), PD_SET(wait_ms, 1000)}, now = {PD_SET(order, 1)};
    struct pd_call_message       check = pd_check_status_message(&held), look = pd_check_status_message(&now);

    (void)state;
    stage_open(&s, 5000, 0, 0);
    check.id = PD_TEXT("H");
    CHECK_EQ(pd_call_start(s.client, &check, note, &o[0]), PD_CLIENT_OK);
    start(&s, "ab", o + 1);
    check.id = PD_TEXT("I");
    CHECK_EQ(pd_call_start(s.client, &check, note, &o[3]), PD_CLIENT_OK);
    start(&s, "c", o + 4);
    look.id = PD_TEXT("l");
    CHECK_EQ(pd_call_start(s.client, &look, note, &o[5]), PD_CLIENT_OK);
    expect_next(&s, "H");
    expect_next(&s, "a");
    pd_client_poll(s.client, 0);
    expect_next(&s, "b");
    expect_next(&s, "I");
    expect_next(&s, "[cl]");
    stage_close(&s);
}

static void
an_array_is_no_larger_than_the_engine_takes(void **state)
{
    static char             name[8000];
    struct stage            s;
    struct outcome          o = {.times = 0};
    struct pd_put_customer  large = {.customer = PD_TEXT("ana"), .name = {name, sizeof name}};
    struct pd_pair          pairs[PD_PARAMETERS_MAX];
    struct pd_item_request  items[PD_ITEMS_MAX];
    struct pd_add_order     order = {.customer = PD_TEXT("ana"), .items = items, .items_count = PD_ITEMS_MAX};
    struct mp_scan          scan;
    size_t                  heard = 0;

    (void)state;
    memset(name, 'x', sizeof name);
    for (size_t i = 0; i < PD_PARAMETERS_MAX; i++) pairs[i] = (struct pd_pair){.key = PD_TEXT("k"), .value = PD_TEXT("v")};
    for (size_t i = 0; i < PD_ITEMS_MAX; i++)
        items[i] = (struct pd_item_request){.plan = PD_TEXT("p"), .period = PD_TEXT("1m"), .parameters = pairs,
                                            .parameters_count = PD_PARAMETERS_MAX};
    stage_open(&s, 5000, 0, 0);
    const struct pd_call_message in_bytes = pd_put_customer_message(&large), in_elements = pd_add_order_message(&order);
    for (int n = 0; n < 200; n++) {
        CHECK_EQ(pd_call_start(s.client, n < 150 ? &in_bytes : &in_elements, note, &o), PD_CLIENT_OK);
        if (n == 150) pd_client_poll(s.client, 0);
    }
    pd_client_poll(s.client, 0);
    while (heard < 200) {
        struct heard *h = stage_must_hear(&s, s.commands_port);
        CHECK(mp_scan(zmq_msg_data(&h->body), zmq_msg_size(&h->body), &scan) && zmq_msg_size(&h->body) <= PD_FRAME_MAX);
        heard += h->count > 0 ? h->count : 1;
    }
    CHECK(heard == 200 && s.count < 40);
    stage_close(&s);
}

/* The engine would tell everybody to come later. What is too much waits, and goes when there is room. */
static void
not_too_many_are_under_way(void **state)
{
    struct stage                 s;
    struct outcome               o = {.times = 0};
    const struct pd_call_message m = pd_put_customer_message(&ana);
    char                         all[TOGETHER + 1];
    size_t                       heard = 0;

    (void)state;
    memset(all, 'a', TOGETHER);
    all[TOGETHER] = '\0';
    stage_open(&s, 20000, 0, 2 * UNDER_WAY);
    for (int n = 0; n < UNDER_WAY + TOGETHER + 10; n++) CHECK_EQ(pd_call_start(s.client, &m, note, &o), PD_CLIENT_OK);
    pd_client_poll(s.client, 0);
    for (struct heard *h; (h = stage_hear(&s, s.commands_port, 50)) != NULL;) heard += h->count > 0 ? h->count : 1;
    CHECK(heard >= UNDER_WAY && heard < UNDER_WAY + TOGETHER);
    answer(&s, &s.heard[1], all);
    poll_to(&s, UNDER_WAY + 10);
    CHECK_EQ(o.times, TOGETHER);
    heard += stage_must_hear(&s, s.commands_port)->count;
    answer(&s, &s.heard[2], all);
    poll_to(&s, UNDER_WAY + 10 - TOGETHER);
    for (struct heard *h; heard < UNDER_WAY + TOGETHER + 10;) {
        h = stage_must_hear(&s, s.commands_port);
        heard += h->count > 0 ? h->count : 1;
    }
    CHECK_EQ(heard, UNDER_WAY + TOGETHER + 10);
    expect_nothing(&s);
    stage_close(&s);
    CHECK_EQ(o.times, UNDER_WAY + TOGETHER + 10);
}

static void
the_descriptor_tells_of_what_waits(void **state)
{
    struct stage   s;
    struct outcome o[3];

    (void)state;
    stage_open(&s, 5000, 0, 0);
    struct pollfd fd = {.fd = pd_client_fd(s.client), .events = POLLIN};
    start(&s, "a", o);
    expect_next(&s, "a");
    for (int n = 0; poll(&fd, 1, 20) > 0; n++) { /* the socket was connected */
        CHECK(n < 100);
        pd_client_poll(s.client, 0);
    }
    start(&s, "bc", o + 1);
    CHECK(poll(&fd, 1, 2000) > 0);
    CHECK_EQ(pd_client_poll(s.client, 0), 3);
    expect_next(&s, "[bc]");
    for (int n = 0; poll(&fd, 1, 20) > 0; n++) {
        CHECK(n < 100);
        pd_client_poll(s.client, 0);
    }
    stage_close(&s);
}

struct again {
    struct stage  *stage;
    struct outcome first, second;
    const char    *id;
};

static void
start_again(void *context, struct pd_reply *reply)
{
    struct again *a = context;

    note(&a->first, reply);
    start(a->stage, a->id, &a->second);
}

static void
what_callbacks_start_goes_together(void **state)
{
    struct stage s;
    struct again a[3] = {{.stage = &s, .id = "x"}, {.stage = &s, .id = "y"}, {.stage = &s, .id = "z"}};

    (void)state;
    stage_open(&s, 5000, 0, 0);
    for (size_t i = 0; i < 3; i++) {
        const struct pd_call_message m = pd_put_customer_message(&ana);
        CHECK_EQ(pd_call_start(s.client, &m, start_again, &a[i]), PD_CLIENT_OK);
    }
    pd_client_poll(s.client, 0);
    stage_accept_put(s.commands_port, stage_must_hear(&s, s.commands_port), 1);
    stage_must_hear(&s, s.commands_port);
    for (int n = 0; a[0].first.times == 0; n++) {
        CHECK(n < 100);
        pd_client_poll(s.client, 50);
    }
    expect_next(&s, "x");
    answer(&s, &s.heard[1], "aa");
    for (int n = 0; a[2].first.times == 0; n++) {
        CHECK(n < 100);
        pd_client_poll(s.client, 50);
    }
    expect_next(&s, "[yz]"); /* without another poll */
    stage_close(&s);
    CHECK(a[0].second.times == 1 && a[1].second.times == 1 && a[2].second.times == 1);
}

static void
what_waits_is_never_sent_when_the_client_is_closed(void **state)
{
    struct stage   s;
    struct outcome o[2];

    (void)state;
    stage_open(&s, 5000, 0, 0);
    start(&s, "ab", o);
    expect_next(&s, "a");
    pd_client_close(&s.client);
    CHECK(o[0].status == PD_CLIENT_CLOSED && o[1].status == PD_CLIENT_CLOSED && o[1].times == 1);
    expect_nothing(&s);
    stage_close(&s);
}

static void *
answer_an_array_of_bytes(void *context)
{
    struct stage *s = context;

    expect_next(s, "a");
    expect_next(s, "b");
    expect_next(s, "[pq]");
    answer(s, last(s), "ar");
    return NULL;
}

/* An array that a program sends as bytes is one request: its answer stays whole, and what waits goes before it. */
static void
an_array_of_bytes_is_answered_as_one(void **state)
{
    static const char        bytes[] = "\x92\x81\xa2id\xa1p\x81\xa2id\xa1q";
    struct stage             s;
    struct outcome           o[2];
    struct pd_client_request request = {PD_port_commands, PD_TEXT("p"), {bytes, sizeof bytes - 1}, 0};
    struct pd_text           answered;
    struct mp_reader         reader = {.ready = false};
    msgpack_object           whole;
    pthread_t                engine;

    (void)state;
    stage_open(&s, 5000, 0, 0);
    start(&s, "ab", o);
    CHECK(pthread_create(&engine, NULL, answer_an_array_of_bytes, &s) == 0);
    CHECK_EQ(pd_client_call(s.client, &request, &answered), PD_CLIENT_OK);
    CHECK(pthread_join(engine, NULL) == 0);
    CHECK(mp_parse(&reader, answered.data, answered.size, &whole));
    CHECK(whole.type == MSGPACK_OBJECT_ARRAY && whole.via.array.size == 2);
    CHECK_TEXT(mp_find_text(&whole.via.array.ptr[1], "id"), "q");
    CHECK(o[0].times == 0 && o[1].times == 0);
    mp_reader_fini(&reader);
    stage_close(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_started_while_others_are_under_way_goes_together),
        TEST(answers_find_their_calls_by_their_ids_alone),
        TEST(what_is_not_answered_goes_again_alone),
        TEST(an_array_that_is_refused_as_a_whole_ends_nobody),
        TEST(a_dead_engine_is_not_sent_all_for_each),
        TEST(those_that_are_told_to_come_later_come_again),
        TEST(enough_of_them_wait_for_nothing),
        TEST(held_answers_hold_nobody_up),
        TEST(an_array_is_no_larger_than_the_engine_takes),
        TEST(not_too_many_are_under_way),
        TEST(the_descriptor_tells_of_what_waits),
        TEST(what_callbacks_start_goes_together),
        TEST(what_waits_is_never_sent_when_the_client_is_closed),
        TEST(an_array_of_bytes_is_answered_as_one),
    };
    return RUN(tests);
}
