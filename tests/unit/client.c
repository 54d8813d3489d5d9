/* A client against an engine that is played here: a ROUTER of ours hears its requests and answers as a story wants it. */
#include <pedido/pedido.h>

#include <poll.h>
#include <unistd.h>
#include <zmq.h>

#include "proto/framing.h"

#include "tests/support/check.h"

enum { HEARD_MAX = 16 };

struct heard {
    zmq_msg_t peer, body;
    char      type[40], id[80];
};

struct stage {
    char              place[40], endpoint[80], queries[80];
    void             *context, *commands_port, *queries_port;
    struct pd_client *client;
    struct heard      heard[HEARD_MAX];
    size_t            count;
};

static void *
bind_port(struct stage *s, const char *endpoint)
{
    void *socket = zmq_socket(s->context, ZMQ_ROUTER);
    CHECK(zmq_bind(socket, endpoint) == 0);
    return socket;
}

static void
open_stage(struct stage *s, uint32_t timeout_ms, uint32_t retries, uint32_t outstanding)
{
    *s = (struct stage){.place = "/tmp/pedido-XXXXXX"};
    CHECK(mkdtemp(s->place) != NULL);
    snprintf(s->endpoint, sizeof s->endpoint, "ipc://%s/c", s->place);
    snprintf(s->queries, sizeof s->queries, "ipc://%s/q", s->place);
    s->context = zmq_ctx_new();
    s->commands_port = bind_port(s, s->endpoint);
    s->queries_port = bind_port(s, s->queries);
    struct pd_client_options options = {.endpoint = s->endpoint, .timeout_ms = timeout_ms, .retries = retries,
                                        .outstanding = outstanding};
    CHECK_EQ(pd_client_open(&options, &s->client), PD_CLIENT_OK);
}

static void
close_stage(struct stage *s)
{
    int none = 0;

    pd_client_close(&s->client);
    for (size_t i = 0; i < s->count; i++) {
        zmq_msg_close(&s->heard[i].peer);
        zmq_msg_close(&s->heard[i].body);
    }
    zmq_setsockopt(s->commands_port, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(s->queries_port, ZMQ_LINGER, &none, sizeof none);
    zmq_close(s->commands_port);
    zmq_close(s->queries_port);
    zmq_ctx_term(s->context);
    unlink(s->endpoint + 6);
    unlink(s->queries + 6);
    CHECK(rmdir(s->place) == 0);
}

/* The next request on a port; NULL when none comes in time. The client is not driven meanwhile. */
static struct heard *
hear(struct stage *s, void *port, long timeout_ms)
{
    zmq_pollitem_t   item = {.socket = port, .events = ZMQ_POLLIN};
    struct mp_reader reader = {.ready = false};
    msgpack_object   o;

    if (zmq_poll(&item, 1, timeout_ms) <= 0) return NULL;
    CHECK(s->count < HEARD_MAX);
    struct heard *h = &s->heard[s->count++];
    zmq_msg_init(&h->peer);
    zmq_msg_init(&h->body);
    CHECK(zmq_msg_recv(&h->peer, port, 0) >= 0);
    CHECK(zmq_msg_recv(&h->body, port, 0) == 0); /* the empty frame */
    CHECK(zmq_msg_recv(&h->body, port, 0) > 0);
    CHECK(mp_parse(&reader, zmq_msg_data(&h->body), zmq_msg_size(&h->body), &o));
    struct pd_text type = mp_find_text(&o, "type"), id = mp_find_text(&o, "id");
    snprintf(h->type, sizeof h->type, "%.*s", (int)type.size, type.data);
    snprintf(h->id, sizeof h->id, "%.*s", (int)id.size, id.data);
    mp_reader_fini(&reader);
    return h;
}

static struct heard *
must_hear(struct stage *s, void *port)
{
    struct heard *h = hear(s, port, 2000);
    CHECK(h != NULL);
    if (h == NULL) abort(); /* not reached: CHECK ends the test */
    return h;
}

static void
answer_bytes(void *port, struct heard *to, struct mp_writer *w)
{
    zmq_send(port, zmq_msg_data(&to->peer), zmq_msg_size(&to->peer), ZMQ_SNDMORE);
    zmq_send(port, "", 0, ZMQ_SNDMORE);
    zmq_send(port, w->data, w->size, 0);
    mp_writer_fini(w);
}

/* Accepts a PutCustomer; the version tells answers apart. */
static void
accept_put(void *port, struct heard *to, uint64_t version)
{
    struct mp_writer    w = {0};
    struct pd_put_reply data = {.customer = PD_TEXT("ana"), .version = version};

    pd_encode_accepted(&w, pd_text(to->id), 17, pd_block_put_reply(), &data);
    answer_bytes(port, to, &w);
}

static void
refuse(void *port, struct heard *to, struct pd_text id, struct pd_refusal refusal)
{
    struct mp_writer w = {0};

    pd_encode_refused(&w, id, &refusal);
    answer_bytes(port, to, &w);
}

static void
accept_hello(struct stage *s, struct heard *to)
{
    struct mp_writer          w = {0};
    struct pd_endpoints       e = {pd_text(s->endpoint), pd_text(s->endpoint), pd_text(s->queries), pd_text(s->endpoint), 0};
    struct pd_protocol_limits limits = {.frame_bytes = 1};
    struct pd_hello_reply     data = {.protocol = 1, .software = PD_TEXT("0"), .log = PD_TEXT("0"), .endpoints = &e,
                                      .limits = &limits};

    pd_encode_accepted(&w, pd_text(to->id), 0, pd_block_hello_reply(), &data);
    answer_bytes(s->commands_port, to, &w);
}

/* ---- what the program does ----------------------------------------------------------------------------------------- */

struct done {
    struct stage         *stage;
    int                   times, order; /* which completion it was */
    enum pd_client_status status;
    uint64_t              version;
    enum pd_error_code    refused;
};

static int done_order;

static void
note_done(void *context, struct pd_reply *reply)
{
    struct done               *d = context;
    const struct pd_put_reply *put = pd_put_customer_reply(reply);

    d->times++;
    d->order = ++done_order;
    d->status = reply->status;
    d->version = put == NULL ? 0 : put->version;
    d->refused = reply->refused.code;
}

static const struct pd_put_customer ana = {.customer = {"ana", 3}, .name = {"Ana", 3}};

static enum pd_client_status
start(struct stage *s, const char *id, pd_call_done *done, struct done *d)
{
    struct pd_call_message m = pd_put_customer_message(&ana);

    m.id = pd_text(id);
    *d = (struct done){.stage = s};
    return pd_call_start(s->client, &m, done, d);
}

/* Drives the client until so many are outstanding. */
static void
poll_to(struct stage *s, size_t outstanding)
{
    for (int n = 0; pd_client_poll(s->client, 50) > outstanding; n++) CHECK(n < 100);
}

static void
answers_in_any_order_go_to_their_own_calls(void **state)
{
    struct stage s;
    struct done  first, second;

    (void)state;
    open_stage(&s, 5000, 0, 0);
    CHECK_EQ(start(&s, "first", note_done, &first), PD_CLIENT_OK);
    CHECK_EQ(start(&s, "second", note_done, &second), PD_CLIENT_OK);
    struct heard *a = must_hear(&s, s.commands_port), *b = must_hear(&s, s.commands_port);
    CHECK_TEXT(pd_text(a->id), "first");
    CHECK_TEXT(pd_text(b->id), "second");
    accept_put(s.commands_port, b, 2);
    poll_to(&s, 1);
    CHECK_EQ(first.times, 0);
    CHECK_EQ(second.version, 2);
    accept_put(s.commands_port, b, 3); /* an answer too many is nobody's */
    accept_put(s.commands_port, a, 1);
    poll_to(&s, 0);
    CHECK_EQ(first.version, 1);
    CHECK_EQ(first.times, 1);
    CHECK_EQ(second.times, 1);
    close_stage(&s);
}

static bool
same_frame(zmq_msg_t *a, zmq_msg_t *b)
{
    return zmq_msg_size(a) == zmq_msg_size(b) && memcmp(zmq_msg_data(a), zmq_msg_data(b), zmq_msg_size(a)) == 0;
}

static void
what_is_not_answered_is_sent_again_and_then_given_up(void **state)
{
    struct stage s;
    struct done  d;

    (void)state;
    open_stage(&s, 60, 2, 0);
    CHECK_EQ(start(&s, "lost", note_done, &d), PD_CLIENT_OK);
    poll_to(&s, 0);
    CHECK_EQ(d.status, PD_CLIENT_NO_ANSWER);
    struct heard *a = hear(&s, s.commands_port, 0), *b = hear(&s, s.commands_port, 0), *c = hear(&s, s.commands_port, 0);
    CHECK(a != NULL && b != NULL && c != NULL && hear(&s, s.commands_port, 50) == NULL);
    CHECK(same_frame(&a->body, &b->body) && same_frame(&a->body, &c->body));
    CHECK(!same_frame(&a->peer, &b->peer)); /* a silent socket is opened anew */
    close_stage(&s);
}

static void
each_call_has_its_own_time(void **state)
{
    struct stage           s;
    struct done            early, late;
    struct pd_call_message m = pd_put_customer_message(&ana);

    (void)state;
    open_stage(&s, 3000, 0, 0);
    CHECK_EQ(start(&s, "late", note_done, &late), PD_CLIENT_OK);
    early = (struct done){.stage = &s};
    m.id = PD_TEXT("early");
    m.timeout_ms = 50;
    CHECK_EQ(pd_call_start(s.client, &m, note_done, &early), PD_CLIENT_OK);
    CHECK_TEXT(pd_text(must_hear(&s, s.commands_port)->id), "late");
    CHECK_TEXT(pd_text(must_hear(&s, s.commands_port)->id), "early");
    poll_to(&s, 1);
    CHECK_EQ(early.status, PD_CLIENT_NO_ANSWER);
    CHECK_EQ(late.times, 0);
    /* The other was sent again when the socket was given up, within its own time. */
    struct heard *again = must_hear(&s, s.commands_port);
    CHECK_TEXT(pd_text(again->id), "late");
    accept_put(s.commands_port, again, 5);
    poll_to(&s, 0);
    CHECK_EQ(late.version, 5);
    close_stage(&s);
}

static void
a_socket_that_speaks_is_kept(void **state)
{
    struct stage s;
    struct done  silent, answered;

    (void)state;
    open_stage(&s, 150, 1, 0);
    CHECK_EQ(start(&s, "silent", note_done, &silent), PD_CLIENT_OK);
    struct heard *a = must_hear(&s, s.commands_port);
    usleep(5000);
    CHECK_EQ(start(&s, "answered", note_done, &answered), PD_CLIENT_OK);
    accept_put(s.commands_port, must_hear(&s, s.commands_port), 1);
    poll_to(&s, 1);
    for (int n = 0; s.count == 2; n++) {
        CHECK(n < 100);
        pd_client_poll(s.client, 10);
        hear(&s, s.commands_port, 0);
    }
    CHECK_TEXT(pd_text(s.heard[2].id), "silent");
    CHECK(same_frame(&a->peer, &s.heard[2].peer));
    accept_put(s.commands_port, &s.heard[2], 4);
    poll_to(&s, 0);
    CHECK_EQ(silent.version, 4);
    close_stage(&s);
}

static void
busy_is_waited_out(void **state)
{
    struct stage      s;
    struct done       d;
    struct pd_refusal busy = pd_refuse(PD_E_busy);

    (void)state;
    busy.retry_after_ms = 20;
    open_stage(&s, 5000, 0, 0);
    CHECK_EQ(start(&s, "patient", note_done, &d), PD_CLIENT_OK);
    struct heard *a = must_hear(&s, s.commands_port);
    refuse(s.commands_port, a, pd_text(a->id), busy);
    for (int n = 0; s.count == 1; n++) {
        CHECK(n < 100);
        CHECK_EQ(pd_client_poll(s.client, 10), 1);
        hear(&s, s.commands_port, 0);
    }
    accept_put(s.commands_port, &s.heard[1], 9);
    poll_to(&s, 0);
    CHECK_EQ(d.version, 9);
    close_stage(&s);
}

static void
an_answer_without_id_is_nobodys_among_several(void **state)
{
    struct stage s;
    struct done  first, second;

    (void)state;
    open_stage(&s, 5000, 0, 0);
    CHECK_EQ(start(&s, "first", note_done, &first), PD_CLIENT_OK);
    CHECK_EQ(start(&s, "second", note_done, &second), PD_CLIENT_OK);
    struct heard *a = must_hear(&s, s.commands_port), *b = must_hear(&s, s.commands_port);
    refuse(s.commands_port, a, (struct pd_text){NULL, 0}, pd_refuse(PD_E_malformed_message));
    accept_put(s.commands_port, a, 1);
    poll_to(&s, 1);
    CHECK_EQ(first.version, 1);
    refuse(s.commands_port, b, (struct pd_text){NULL, 0}, pd_refuse(PD_E_malformed_message));
    poll_to(&s, 0);
    CHECK_EQ(second.status, PD_CLIENT_REFUSED);
    CHECK_EQ(second.refused, PD_E_malformed_message);
    close_stage(&s);
}

static void
no_more_than_so_many_are_outstanding(void **state)
{
    struct stage s;
    struct done  first, second, third;

    (void)state;
    open_stage(&s, 5000, 0, 2);
    CHECK_EQ(start(&s, "first", note_done, &first), PD_CLIENT_OK);
    CHECK_EQ(start(&s, "first", note_done, &second), PD_CLIENT_BAD_MESSAGE);
    CHECK_EQ(start(&s, "second", note_done, &second), PD_CLIENT_OK);
    CHECK_EQ(start(&s, "third", note_done, &third), PD_CLIENT_FULL);
    CHECK_TEXT(pd_text(pd_client_problem(s.client)), "2 calls are outstanding; no more at a time");
    accept_put(s.commands_port, must_hear(&s, s.commands_port), 1);
    poll_to(&s, 1);
    CHECK_EQ(start(&s, "third", note_done, &third), PD_CLIENT_OK);
    close_stage(&s);
    CHECK_EQ(third.times, 1);
}

static void
wait_in_vain(void *context, struct pd_reply *reply)
{
    struct done                 *d = context;
    struct done                  more;
    struct pd_reply              other = {0};
    const struct pd_hello_reply *hello;

    note_done(context, reply);
    /* What waits does nothing here. */
    CHECK(pd_put_customer(d->stage->client, &ana, &other) == NULL);
    CHECK_EQ(other.status, PD_CLIENT_IN_CALLBACK);
    CHECK_EQ(pd_client_hello(d->stage->client, &hello), PD_CLIENT_IN_CALLBACK);
    CHECK_EQ(pd_client_poll(d->stage->client, 1000), 1);
    CHECK_EQ(start(d->stage, "too late", note_done, &more), PD_CLIENT_CLOSED);
    pd_reply_fini(&other);
}

static void
closing_completes_what_is_outstanding(void **state)
{
    struct stage s;
    struct done  first, second;

    (void)state;
    open_stage(&s, 5000, 0, 0);
    CHECK_EQ(start(&s, "first", wait_in_vain, &first), PD_CLIENT_OK);
    CHECK_EQ(start(&s, "second", note_done, &second), PD_CLIENT_OK);
    close_stage(&s);
    CHECK(s.client == NULL);
    CHECK_EQ(first.status, PD_CLIENT_CLOSED);
    CHECK_EQ(second.status, PD_CLIENT_CLOSED);
    CHECK(first.times == 1 && second.times == 1 && first.order < second.order);
}

static bool
is_readable(int fd, int timeout_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, timeout_ms) > 0;
}

/* Until there is nothing to do, as a loop of one's own would. */
static void
drain(struct stage *s, int fd)
{
    for (int n = 0; is_readable(fd, 20); n++) {
        CHECK(n < 100);
        pd_client_poll(s->client, 0);
    }
}

static void
the_descriptor_tells_of_answers_and_of_time(void **state)
{
    struct stage s;
    struct done  answered, lost;

    (void)state;
    open_stage(&s, 300, 0, 0);
    int fd = pd_client_fd(s.client);
    CHECK(fd >= 0 && fd == pd_client_fd(s.client));
    CHECK(!is_readable(fd, 20));
    CHECK_EQ(start(&s, "answered", note_done, &answered), PD_CLIENT_OK);
    struct heard *a = must_hear(&s, s.commands_port);
    drain(&s, fd);
    CHECK_EQ(answered.times, 0);
    accept_put(s.commands_port, a, 1);
    CHECK(is_readable(fd, 2000));
    /* Sending looks into the socket and takes its signal; the answer is still told of. */
    CHECK_EQ(start(&s, "lost", note_done, &lost), PD_CLIENT_OK);
    CHECK(is_readable(fd, 2000));
    drain(&s, fd);
    CHECK_EQ(answered.times, 1);
    CHECK_EQ(lost.times, 0);
    for (int n = 0; lost.times == 0; n++) {
        CHECK(n < 10 && is_readable(fd, 2000));
        pd_client_poll(s.client, 0);
    }
    CHECK_EQ(lost.status, PD_CLIENT_NO_ANSWER);
    CHECK(!is_readable(fd, 50));
    close_stage(&s);
}

static void
note_health(void *context, struct pd_reply *reply)
{
    struct done *d = context;

    d->times++;
    d->refused = reply->refused.code;
    CHECK_EQ(reply->query, PD_QUERY_health);
}

static void
a_query_waits_for_hello_without_blocking(void **state)
{
    struct stage                 s;
    struct done                  d = {0};
    const struct pd_health       health = {0};
    const struct pd_call_message m = pd_health_message(&health);

    (void)state;
    open_stage(&s, 5000, 0, 0);
    CHECK_EQ(pd_call_start(s.client, &m, note_health, &d), PD_CLIENT_OK);
    struct heard *hello = must_hear(&s, s.commands_port);
    CHECK_TEXT(pd_text(hello->type), "Hello");
    accept_hello(&s, hello);
    poll_to(&s, 1);
    struct heard *query = must_hear(&s, s.queries_port);
    CHECK_TEXT(pd_text(query->type), "Health");
    refuse(s.queries_port, query, pd_text(query->id), pd_refuse(PD_E_storage_full));
    poll_to(&s, 0);
    CHECK_EQ(d.refused, PD_E_storage_full);
    close_stage(&s);
}

/* ---- messages that cannot be right --------------------------------------------------------------------------------- */

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
    open_stage(&s, 5000, 0, 0);
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
    CHECK(hear(&s, s.commands_port, 50) == NULL);
    close_stage(&s);
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
        TEST(answers_in_any_order_go_to_their_own_calls),
        TEST(what_is_not_answered_is_sent_again_and_then_given_up),
        TEST(each_call_has_its_own_time),
        TEST(a_socket_that_speaks_is_kept),
        TEST(busy_is_waited_out),
        TEST(an_answer_without_id_is_nobodys_among_several),
        TEST(no_more_than_so_many_are_outstanding),
        TEST(closing_completes_what_is_outstanding),
        TEST(the_descriptor_tells_of_answers_and_of_time),
        TEST(a_query_waits_for_hello_without_blocking),
        TEST(a_slip_of_the_pen_is_told_and_not_sent),
        TEST(options_have_their_ranges),
    };
    return RUN(tests);
}
