/* A client against an engine that is played by stage.c: it hears its requests and answers as a story wants it. */
#include <pedido/pedido.h>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "proto/framing.h"

#include "tests/support/check.h"
#include "tests/unit/stage.h"

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
    stage_open(&s, 5000, 0, 0);
    CHECK_EQ(start(&s, "first", note_done, &first), PD_CLIENT_OK);
    CHECK_EQ(start(&s, "second", note_done, &second), PD_CLIENT_OK);
    CHECK_EQ(pd_client_poll(s.client, 0), 2); /* the second waited while the first was under way */
    struct heard *a = stage_must_hear(&s, s.commands_port), *b = stage_must_hear(&s, s.commands_port);
    CHECK_TEXT(pd_text(a->id), "first");
    CHECK_TEXT(pd_text(b->id), "second");
    stage_accept_put(s.commands_port, b, 2);
    poll_to(&s, 1);
    CHECK_EQ(first.times, 0);
    CHECK_EQ(second.version, 2);
    stage_accept_put(s.commands_port, b, 3); /* an answer too many is nobody's */
    stage_accept_put(s.commands_port, a, 1);
    poll_to(&s, 0);
    CHECK_EQ(first.version, 1);
    CHECK_EQ(first.times, 1);
    CHECK_EQ(second.times, 1);
    stage_close(&s);
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
    stage_open(&s, 150, 2, 0);
    CHECK_EQ(start(&s, "lost", note_done, &d), PD_CLIENT_OK);
    poll_to(&s, 0);
    CHECK_EQ(d.status, PD_CLIENT_NO_ANSWER);
    struct heard *a = stage_must_hear(&s, s.commands_port), *b = stage_must_hear(&s, s.commands_port);
    struct heard *c = stage_must_hear(&s, s.commands_port);
    CHECK(stage_hear(&s, s.commands_port, 50) == NULL);
    CHECK(same_frame(&a->body, &b->body) && same_frame(&a->body, &c->body));
    CHECK(!same_frame(&a->peer, &b->peer)); /* a silent socket is opened anew */
    stage_close(&s);
}

static void
each_call_has_its_own_time(void **state)
{
    struct stage           s;
    struct done            early, late;
    struct pd_call_message m = pd_put_customer_message(&ana);

    (void)state;
    stage_open(&s, 3000, 0, 0);
    CHECK_EQ(start(&s, "late", note_done, &late), PD_CLIENT_OK);
    early = (struct done){.stage = &s};
    m.id = PD_TEXT("early");
    m.timeout_ms = 50;
    CHECK_EQ(pd_call_start(s.client, &m, note_done, &early), PD_CLIENT_OK);
    poll_to(&s, 1);
    CHECK_EQ(early.status, PD_CLIENT_NO_ANSWER);
    CHECK_EQ(late.times, 0);
    /* The other was sent again when the socket was given up, within its own time. The two sockets are heard in turns. */
    struct heard *first = stage_must_hear(&s, s.commands_port), *heard[2], *again = first;
    CHECK_TEXT(pd_text(first->id), "late");
    for (int i = 0; i < 2; i++) heard[i] = stage_must_hear(&s, s.commands_port);
    for (int i = 0; i < 2; i++) {
        if (same_frame(&first->peer, &heard[i]->peer)) CHECK_TEXT(pd_text(heard[i]->id), "early");
        else again = heard[i];
    }
    CHECK(again != first);
    CHECK_TEXT(pd_text(again->id), "late");
    stage_accept_put(s.commands_port, again, 5);
    poll_to(&s, 0);
    CHECK_EQ(late.version, 5);
    stage_close(&s);
}

static void
what_the_engine_is_asked_to_hold_is_waited_for(void **state)
{
    struct stage                 s;
    const struct pd_check_status held = {PD_SET(order, 1), PD_SET(wait_ms, 1000)};
    struct pd_call_message       m = pd_check_status_message(&held);
    struct done                  d = {0};

    (void)state;
    stage_open(&s, 20, 0, 0);
    m.timeout_ms = 50;
    CHECK_EQ(pd_call_start(s.client, &m, note_done, &d), PD_CLIENT_OK);
    struct heard *h = stage_must_hear(&s, s.commands_port);
    CHECK_EQ(pd_client_poll(s.client, 300), 1);
    stage_refuse(s.commands_port, h, pd_text(h->id), pd_refuse(PD_E_order_not_found));
    poll_to(&s, 0);
    CHECK_EQ(d.refused, PD_E_order_not_found);
    stage_close(&s);
}

static void
a_socket_that_speaks_is_kept(void **state)
{
    struct stage s;
    struct done  silent, answered;

    (void)state;
    stage_open(&s, 150, 1, 0);
    CHECK_EQ(start(&s, "silent", note_done, &silent), PD_CLIENT_OK);
    struct heard *a = stage_must_hear(&s, s.commands_port);
    usleep(5000);
    CHECK_EQ(start(&s, "answered", note_done, &answered), PD_CLIENT_OK);
    CHECK_EQ(pd_client_poll(s.client, 0), 2);
    stage_accept_put(s.commands_port, stage_must_hear(&s, s.commands_port), 1);
    poll_to(&s, 1);
    for (int n = 0; s.count == 2; n++) {
        CHECK(n < 100);
        pd_client_poll(s.client, 10);
        stage_hear(&s, s.commands_port, 0);
    }
    CHECK_TEXT(pd_text(s.heard[2].id), "silent");
    CHECK(same_frame(&a->peer, &s.heard[2].peer));
    stage_accept_put(s.commands_port, &s.heard[2], 4);
    poll_to(&s, 0);
    CHECK_EQ(silent.version, 4);
    stage_close(&s);
}

static void
busy_is_waited_out(void **state)
{
    struct stage      s;
    struct done       d;
    struct pd_refusal busy = pd_refuse(PD_E_busy);

    (void)state;
    busy.retry_after_ms = 20;
    stage_open(&s, 5000, 0, 0);
    CHECK_EQ(start(&s, "patient", note_done, &d), PD_CLIENT_OK);
    struct heard *a = stage_must_hear(&s, s.commands_port);
    stage_refuse(s.commands_port, a, pd_text(a->id), busy);
    for (int n = 0; s.count == 1; n++) {
        CHECK(n < 100);
        CHECK_EQ(pd_client_poll(s.client, 10), 1);
        stage_hear(&s, s.commands_port, 0);
    }
    stage_accept_put(s.commands_port, &s.heard[1], 9);
    poll_to(&s, 0);
    CHECK_EQ(d.version, 9);
    CHECK(strcmp(pd_error_code_name(PD_E_busy), "busy") == 0);
    stage_close(&s);
}

static void
an_answer_without_id_is_nobodys_among_several(void **state)
{
    struct stage s;
    struct done  first, second;

    (void)state;
    stage_open(&s, 5000, 0, 0);
    CHECK_EQ(start(&s, "first", note_done, &first), PD_CLIENT_OK);
    CHECK_EQ(start(&s, "second", note_done, &second), PD_CLIENT_OK);
    CHECK_EQ(pd_client_poll(s.client, 0), 2);
    struct heard *a = stage_must_hear(&s, s.commands_port), *b = stage_must_hear(&s, s.commands_port);
    stage_refuse(s.commands_port, a, (struct pd_text){NULL, 0}, pd_refuse(PD_E_malformed_message));
    stage_accept_put(s.commands_port, a, 1);
    poll_to(&s, 1);
    CHECK_EQ(first.version, 1);
    stage_refuse(s.commands_port, b, (struct pd_text){NULL, 0}, pd_refuse(PD_E_malformed_message));
    poll_to(&s, 0);
    CHECK_EQ(second.status, PD_CLIENT_REFUSED);
    CHECK_EQ(second.refused, PD_E_malformed_message);
    stage_close(&s);
}

static void
no_more_than_so_many_are_outstanding(void **state)
{
    struct stage s;
    struct done  first, second, third;

    (void)state;
    stage_open(&s, 5000, 0, 2);
    CHECK_EQ(start(&s, "first", note_done, &first), PD_CLIENT_OK);
    CHECK_EQ(start(&s, "first", note_done, &second), PD_CLIENT_BAD_MESSAGE);
    CHECK_EQ(start(&s, "second", note_done, &second), PD_CLIENT_OK);
    CHECK_EQ(start(&s, "third", note_done, &third), PD_CLIENT_FULL);
    CHECK_TEXT(pd_text(pd_client_problem(s.client)), "2 calls are outstanding; no more at a time");
    stage_accept_put(s.commands_port, stage_must_hear(&s, s.commands_port), 1);
    poll_to(&s, 1);
    CHECK_EQ(start(&s, "third", note_done, &third), PD_CLIENT_OK);
    stage_close(&s);
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
    stage_open(&s, 5000, 0, 0);
    CHECK_EQ(start(&s, "first", wait_in_vain, &first), PD_CLIENT_OK);
    CHECK_EQ(start(&s, "second", note_done, &second), PD_CLIENT_OK);
    stage_close(&s);
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
    stage_open(&s, 300, 0, 0);
    int fd = pd_client_fd(s.client);
    CHECK(fd >= 0 && fd == pd_client_fd(s.client));
    CHECK(!is_readable(fd, 20));
    CHECK_EQ(start(&s, "answered", note_done, &answered), PD_CLIENT_OK);
    struct heard *a = stage_must_hear(&s, s.commands_port);
    drain(&s, fd);
    CHECK_EQ(answered.times, 0);
    stage_accept_put(s.commands_port, a, 1);
    CHECK(is_readable(fd, 2000));
    /* Sending looks into the socket and takes its signal; the answer is still told of, before any time is over. */
    CHECK_EQ(start(&s, "lost", note_done, &lost), PD_CLIENT_OK);
    CHECK(is_readable(fd, 20));
    drain(&s, fd);
    CHECK_EQ(answered.times, 1);
    CHECK_EQ(lost.times, 0);
    for (int n = 0; lost.times == 0; n++) {
        CHECK(n < 10 && is_readable(fd, 2000));
        pd_client_poll(s.client, 0);
    }
    CHECK_EQ(lost.status, PD_CLIENT_NO_ANSWER);
    CHECK(!is_readable(fd, 50));
    stage_close(&s);
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
    stage_open(&s, 5000, 0, 0);
    CHECK_EQ(pd_call_start(s.client, &m, note_health, &d), PD_CLIENT_OK);
    struct heard *hello = stage_must_hear(&s, s.commands_port);
    CHECK_TEXT(pd_text(hello->type), "Hello");
    stage_accept_hello(&s, hello);
    poll_to(&s, 1);
    struct heard *query = stage_must_hear(&s, s.queries_port);
    CHECK_TEXT(pd_text(query->type), "Health");
    stage_refuse(s.queries_port, query, pd_text(query->id), pd_refuse(PD_E_storage_full));
    poll_to(&s, 0);
    CHECK_EQ(d.refused, PD_E_storage_full);
    stage_close(&s);
}

static void *
answer_both(void *context)
{
    struct stage *s = context;
    struct heard *first = stage_must_hear(s, s->commands_port), *second = stage_must_hear(s, s->commands_port);

    stage_accept_put(s->commands_port, first, 1);
    stage_accept_put(s->commands_port, second, 2);
    return NULL;
}

static void
take_over(void *context, struct pd_reply *reply)
{
    struct pd_reply *mine = context;

    *mine = *reply;
    *reply = (struct pd_reply){0};
}

static void
a_call_that_waits_lets_others_complete_and_a_reply_may_be_taken_over(void **state)
{
    struct stage                 s;
    const struct pd_call_message m = pd_put_customer_message(&ana);
    struct pd_reply              taken = {0}, reply = {0};
    pthread_t                    engine;

    (void)state;
    stage_open(&s, 5000, 0, 0);
    CHECK_EQ(pd_call_start(s.client, &m, take_over, &taken), PD_CLIENT_OK);
    CHECK(pthread_create(&engine, NULL, answer_both, &s) == 0);
    const struct pd_put_reply *put = pd_put_customer(s.client, &ana, &reply);
    CHECK(pthread_join(engine, NULL) == 0);
    CHECK(put != NULL && put->version == 2 && reply.position == 17);
    stage_close(&s);
    CHECK(pd_put_customer_reply(&taken) != NULL && pd_put_customer_reply(&taken)->version == 1);
    CHECK(strcmp(put->customer.data, "ana") == 0);
    pd_reply_fini(&taken);
    pd_reply_fini(&reply);
}

static void
a_refusal_comes_with_its_details(void **state)
{
    struct stage                 s;
    const struct pd_call_message m = pd_put_customer_message(&ana);
    struct pd_reply              reply = {0};
    struct pd_refusal            refusal = pd_refuse_field(PD_E_illegal_transition, NULL, "order");

    (void)state;
    refusal.state = PD_order_state_cancelled;
    refusal.command = PD_COMMAND_open_order;
    refusal.allowed = 1u << PD_COMMAND_check_status | 1u << PD_COMMAND_update_order;
    stage_open(&s, 5000, 0, 0);
    CHECK_EQ(pd_call_start(s.client, &m, take_over, &reply), PD_CLIENT_OK);
    struct heard *h = stage_must_hear(&s, s.commands_port);
    stage_refuse(s.commands_port, h, pd_text(h->id), refusal);
    poll_to(&s, 0);
    const struct pd_refused *r = &reply.refused;
    CHECK(reply.status == PD_CLIENT_REFUSED && pd_put_customer_reply(&reply) == NULL);
    CHECK(r->code == PD_E_illegal_transition && r->error_class == PD_CLASS_conflict && r->state == PD_order_state_cancelled);
    CHECK_TEXT(r->code_name, "illegal_transition");
    CHECK_TEXT(r->field, "order");
    CHECK_TEXT(r->command, "OpenOrder");
    CHECK_EQ(r->allowed_count, 2);
    CHECK_TEXT(r->allowed[0], "UpdateOrder");
    CHECK_TEXT(r->allowed[1], "CheckStatus");
    CHECK_TEXT(r->message, reply.problem);
    pd_reply_fini(&reply);
    stage_close(&s);
}

static void
answers_that_are_here_come_before_time_outs(void **state)
{
    struct stage s;
    struct done  d;

    (void)state;
    stage_open(&s, 100, 0, 0);
    CHECK_EQ(start(&s, "late", note_done, &d), PD_CLIENT_OK);
    stage_accept_put(s.commands_port, stage_must_hear(&s, s.commands_port), 1);
    usleep(300000); /* the program was away */
    poll_to(&s, 0);
    CHECK_EQ(d.version, 1);
    stage_close(&s);
}

static void
note_signal(int number)
{
    (void)number;
}

static void
a_signal_ends_a_poll(void **state)
{
    struct stage           s;
    struct done            d;
    const struct sigaction handler = {.sa_handler = note_signal};
    const struct itimerval soon = {.it_value = {.tv_usec = 50000}};

    (void)state;
    stage_open(&s, 10000, 0, 0);
    CHECK_EQ(start(&s, "held", note_done, &d), PD_CLIENT_OK);
    CHECK(sigaction(SIGALRM, &handler, NULL) == 0 && setitimer(ITIMER_REAL, &soon, NULL) == 0);
    time_t begun = time(NULL);
    CHECK_EQ(pd_client_poll(s.client, 10000), 1);
    CHECK(time(NULL) - begun < 5);
    stage_close(&s);
}

/* {"id":..,"ok":true,"position":9,"data":<bytes>} to the query that is heard next. */
static void
accept_with(struct stage *s, const void *bytes, size_t size)
{
    struct heard    *h = stage_must_hear(s, s->queries_port);
    struct mp_writer w = {0};

    mp_map(&w, 4);
    mp_key(&w, "id");
    mp_text(&w, pd_text(h->id));
    mp_key(&w, "ok");
    mp_bool(&w, true);
    mp_key(&w, "position");
    mp_uint(&w, 9);
    mp_key(&w, "data");
    mp_raw(&w, bytes, size);
    stage_answer(s->queries_port, h, &w);
}

static void
an_answer_that_lacks_its_parts_is_no_answer(void **state)
{
    static const unsigned char         nothing[] = {0x80}, extension[] = "\x81\xa6" "events" "\x91\x81\xa4" "data" "\xd4\x01";
    struct stage                       s;
    const struct pd_get_order          order = {PD_SET(order, 17)};
    const struct pd_get_order_history  history = {PD_SET(order, 17)};
    const struct pd_call_message       first = pd_get_order_message(&order), second = pd_get_order_history_message(&history);
    struct pd_reply                    one = {0}, two = {0};

    (void)state;
    stage_open(&s, 5000, 0, 0);
    CHECK_EQ(pd_call_start(s.client, &first, take_over, &one), PD_CLIENT_OK);
    stage_accept_hello(&s, stage_must_hear(&s, s.commands_port));
    poll_to(&s, 1);
    accept_with(&s, nothing, sizeof nothing);
    poll_to(&s, 0);
    CHECK(one.status == PD_CLIENT_BAD_ANSWER && pd_get_order_reply(&one) == NULL);
    CHECK_EQ(pd_call_start(s.client, &second, take_over, &two), PD_CLIENT_OK);
    accept_with(&s, extension, sizeof extension); /* its last byte is the literal's NUL */
    poll_to(&s, 0);
    CHECK(two.status == PD_CLIENT_BAD_ANSWER && pd_get_order_history_reply(&two) == NULL);
    pd_reply_fini(&one);
    pd_reply_fini(&two);
    stage_close(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_in_any_order_go_to_their_own_calls),
        TEST(what_is_not_answered_is_sent_again_and_then_given_up),
        TEST(each_call_has_its_own_time),
        TEST(what_the_engine_is_asked_to_hold_is_waited_for),
        TEST(a_socket_that_speaks_is_kept),
        TEST(busy_is_waited_out),
        TEST(an_answer_without_id_is_nobodys_among_several),
        TEST(no_more_than_so_many_are_outstanding),
        TEST(closing_completes_what_is_outstanding),
        TEST(the_descriptor_tells_of_answers_and_of_time),
        TEST(a_query_waits_for_hello_without_blocking),
        TEST(a_call_that_waits_lets_others_complete_and_a_reply_may_be_taken_over),
        TEST(a_refusal_comes_with_its_details),
        TEST(answers_that_are_here_come_before_time_outs),
        TEST(a_signal_ends_a_poll),
        TEST(an_answer_that_lacks_its_parts_is_no_answer),
    };
    return RUN(tests);
}
