/* Events as structs: those of the stream, and those of the log page by page. The engine is played by stage.c. */
#include <pedido/pedido.h>

#include <poll.h>
#include <pthread.h>

#include "tests/support/check.h"
#include "tests/unit/stage.h"

/* The engine's side of functions that wait, in a thread of its own for as long as they do. */
static void *
answer_hello(void *context)
{
    struct stage *s = context;
    stage_accept_hello(s, stage_must_hear(s, s->commands_port));
    return NULL;
}

static struct pd_subscriber *
subscribe(struct stage *s, const char *prefix)
{
    struct pd_subscriber *subscriber = NULL;
    pthread_t             engine;

    CHECK(pthread_create(&engine, NULL, answer_hello, s) == 0);
    CHECK_EQ(pd_subscriber_open(s->client, pd_text(prefix), &subscriber), PD_CLIENT_OK);
    CHECK(pthread_join(engine, NULL) == 0);
    return subscriber;
}

static void
publish(struct stage *s, const char *topic, struct mp_writer *w)
{
    zmq_send(s->events_port, topic, strlen(topic), ZMQ_SNDMORE);
    zmq_send(s->events_port, w->data, w->size, 0);
    mp_writer_fini(w);
}

static void
publish_heartbeat(struct stage *s, const char *topic, uint64_t position)
{
    struct mp_writer w = {0};
    pd_encode_heartbeat(&w, position, 123456, PD_TEXT("abcd"), PD_TEXT("0f0f"));
    publish(s, topic, &w);
}

static void
pack_completed(struct mp_writer *w, uint64_t order)
{
    struct pd_order_completed data = {.order = order, .reference = PD_TEXT("web-17"),
                                      .previous_state = PD_order_state_provisioning, .state = PD_order_state_completed};
    pd_encode_map(w, pd_block_order_completed(), &data);
}

static void
publish_completed(struct stage *s, const char *topic, const char *type, uint64_t position)
{
    struct mp_writer     data = {0}, w = {0};
    struct pd_event_head head = {.position = position, .time = 1767225600000000, .log = PD_TEXT("abcd"), .type = pd_text(type),
                                 .reseller = PD_TEXT("default"), .command = PD_TEXT("c-1"), .actor = PD_TEXT("worker/w1"),
                                 .on_behalf_of = PD_TEXT("Ana"), .version = 7};

    pack_completed(&data, 17);
    pd_encode_event(&w, &head, (struct pd_text){data.data, data.size});
    mp_writer_fini(&data);
    publish(s, topic, &w);
}

/* Until the subscription stands: what is published before is nobody's. */
static void
await_heartbeat(struct stage *s, struct pd_subscriber *subscriber, const char *topic, struct pd_event *event)
{
    for (int n = 0;; n++) {
        publish_heartbeat(s, topic, 1);
        if (pd_subscriber_event(subscriber, 20, event) == PD_CLIENT_OK) break;
        CHECK(n < 100);
    }
    CHECK(event->heartbeat);
    while (pd_subscriber_event(subscriber, 20, event) == PD_CLIENT_OK) CHECK(event->heartbeat);
}

static void
an_event_comes_as_its_struct(void **state)
{
    struct stage    s;
    struct pd_event event = {0};

    (void)state;
    stage_open(&s, 5000, 0, 0);
    struct pd_subscriber *subscriber = subscribe(&s, "default/");
    await_heartbeat(&s, subscriber, "default/~head", &event);
    publish_heartbeat(&s, "default/~head", 41);
    publish_completed(&s, "default2/order/17/OrderCompleted", "OrderCompleted", 1);
    publish_completed(&s, "default/order/17/OrderCompleted", "OrderCompleted", 42);

    CHECK_EQ(pd_subscriber_event(subscriber, 2000, &event), PD_CLIENT_OK);
    CHECK(event.heartbeat && event.type == 0 && event.data == NULL && event.position == 41 && event.time == 123456);
    CHECK_TEXT(event.chain, "0f0f");
    CHECK_TEXT(event.log, "abcd");
    CHECK_EQ(pd_subscriber_event(subscriber, 2000, &event), PD_CLIENT_OK);
    CHECK_EQ(event.type, PD_EVENT_order_completed);
    CHECK(!event.heartbeat && event.position == 42 && event.time == 1767225600000000 && event.version == 7);
    CHECK_TEXT(event.topic, "default/order/17/OrderCompleted");
    CHECK_TEXT(event.type_name, "OrderCompleted");
    CHECK_TEXT(event.reseller, "default");
    CHECK_TEXT(event.command, "c-1");
    CHECK_TEXT(event.actor, "worker/w1");
    CHECK_TEXT(event.on_behalf_of, "Ana");
    CHECK(event.trace.data == NULL);
    const struct pd_order_completed *completed = pd_event_order_completed(&event);
    CHECK(completed != NULL && pd_event_order_added(&event) == NULL);
    CHECK_EQ(completed->order, 17);
    CHECK(strcmp(completed->reference.data, "web-17") == 0);
    CHECK(strcmp(pd_order_state_name(completed->state), "completed") == 0);

    CHECK_EQ(pd_subscriber_event(subscriber, 0, &event), PD_CLIENT_NO_ANSWER);
    CHECK(event.data == NULL && event.topic.data == NULL);
    pd_subscriber_close(&subscriber);
    pd_event_fini(&event);
    pd_event_fini(&event);
    stage_close(&s);
}

static void
what_is_not_known_is_named_and_what_is_no_event_passed(void **state)
{
    struct stage     s;
    struct pd_event  event = {0};
    struct mp_writer w = {0};

    (void)state;
    stage_open(&s, 5000, 0, 0);
    struct pd_subscriber *subscriber = subscribe(&s, "default/");
    await_heartbeat(&s, subscriber, "default/~head", &event);
    publish_completed(&s, "default/order/17/OrderSung", "OrderSung", 42);
    CHECK_EQ(pd_subscriber_event(subscriber, 2000, &event), PD_CLIENT_OK);
    CHECK(event.type == 0 && !event.heartbeat && event.data == NULL && event.position == 42);
    CHECK_TEXT(event.type_name, "OrderSung");
    publish_heartbeat(&s, "default/order/17/OrderCompleted", 42);
    mp_key(&w, "no map");
    publish(&s, "default/order/17/OrderCompleted", &w);
    publish_completed(&s, "default/order/17/OrderCompleted", "OrderCompleted", 43);
    for (int n = 0; n < 2; n++) {
        CHECK_EQ(pd_subscriber_event(subscriber, 2000, &event), PD_CLIENT_BAD_ANSWER);
        CHECK_TEXT(pd_text(pd_client_problem(s.client)), "what came under default/order/17/OrderCompleted is no event");
        CHECK(event.data == NULL && event.topic.data == NULL && event.log.data == NULL && event.position == 0);
    }
    CHECK_EQ(pd_subscriber_event(subscriber, 2000, &event), PD_CLIENT_OK);
    CHECK_EQ(event.position, 43);
    pd_event_fini(&event);
    pd_subscriber_close(&subscriber);
    stage_close(&s);
}

static void
a_subscriber_takes_more_prefixes_and_has_a_descriptor(void **state)
{
    struct stage    s;
    struct pd_event event = {0};

    (void)state;
    stage_open(&s, 5000, 0, 0);
    struct pd_subscriber *subscriber = subscribe(&s, "default/order/17/");
    CHECK_EQ(pd_subscriber_add(subscriber, PD_TEXT("default/~heads")), PD_CLIENT_BAD_OPTION);
    CHECK_EQ(pd_subscriber_add(subscriber, PD_TEXT("default/~head")), PD_CLIENT_OK);
    await_heartbeat(&s, subscriber, "default/~head", &event);
    struct pollfd p = {.fd = pd_subscriber_fd(subscriber), .events = POLLIN};
    publish_completed(&s, "default/order/18/OrderCompleted", "OrderCompleted", 2);
    publish_completed(&s, "default/order/17/OrderCompleted", "OrderCompleted", 3);
    CHECK(poll(&p, 1, 2000) == 1);
    CHECK_EQ(pd_subscriber_event(subscriber, 100, &event), PD_CLIENT_OK);
    CHECK_EQ(event.position, 3);
    CHECK_EQ(pd_subscriber_event(subscriber, 0, &event), PD_CLIENT_NO_ANSWER);
    CHECK(poll(&p, 1, 20) == 0);
    pd_event_fini(&event);
    pd_subscriber_close(&subscriber);
    pd_subscriber_close(&subscriber);
    stage_close(&s);
}

/* ---- the log ------------------------------------------------------------------------------------------------------- */

static void
answer_page(struct stage *s, const char *next)
{
    struct heard        *h = stage_must_hear(s, s->queries_port);
    struct mp_writer     w = {0}, data = {0}, answer = {0};
    struct pd_event_view views[2] = {
        {.position = 1, .type = PD_TEXT("OrderSung"), .reseller = PD_TEXT("default"), .command = PD_TEXT("a"),
         .actor = PD_TEXT("local"), .version = 1},
        {.position = 2, .type = PD_TEXT("OrderCompleted"), .reseller = PD_TEXT("default"), .command = PD_TEXT("b"),
         .actor = PD_TEXT("local"), .version = 2},
    };
    struct pd_events_reply page = {.events = views, .events_count = 2};

    pack_completed(&data, 17);
    views[0].data = views[1].data = (struct pd_text){data.data, data.size};
    /* {"id":..,"ok":true,"position":9,"data":{..},"next":..} */
    pd_encode_accepted(&w, pd_text(h->id), 9, pd_block_events_reply(), &page);
    mp_map(&answer, next == NULL ? 4 : 5);
    mp_raw(&answer, w.data + 1, w.size - 1);
    if (next != NULL) {
        mp_key(&answer, "next");
        mp_text(&answer, pd_text(next));
    }
    mp_writer_fini(&data);
    mp_writer_fini(&w);
    stage_answer(s->queries_port, h, &answer);
}

static void *
answer_two_pages(void *context)
{
    struct stage    *s = context;
    struct mp_reader reader = {.ready = false};
    msgpack_object   o;

    stage_accept_hello(s, stage_must_hear(s, s->commands_port));
    answer_page(s, "more");
    answer_page(s, NULL);
    zmq_msg_t *body = &s->heard[s->count - 1].body;
    CHECK(mp_parse(&reader, zmq_msg_data(body), zmq_msg_size(body), &o));
    CHECK_TEXT(mp_find_text(&o, "cursor"), "more");
    mp_reader_fini(&reader);
    return NULL;
}

static void
the_log_is_read_page_by_page(void **state)
{
    struct stage              s;
    const struct pd_read_log  from = {PD_SET(from, 1)};
    struct pd_call_message    m = pd_read_log_message(&from);
    struct pd_reply           reply = {0};
    struct pd_event           event = {0};
    pthread_t                 engine;

    (void)state;
    stage_open(&s, 5000, 0, 0);
    CHECK(pthread_create(&engine, NULL, answer_two_pages, &s) == 0);
    CHECK_EQ(pd_call(s.client, &m, &reply), PD_CLIENT_OK);
    CHECK_TEXT(reply.next, "more");
    m.cursor = reply.next; /* which lives in the reply that is used again */
    CHECK_EQ(pd_call(s.client, &m, &reply), PD_CLIENT_OK);
    CHECK(reply.next.data == NULL);
    CHECK_EQ(reply.position, 9);
    CHECK(pthread_join(engine, NULL) == 0);
    stage_close(&s);

    /* The reply does not need the client. */
    const struct pd_events_reply *page = pd_read_log_reply(&reply);
    CHECK(page != NULL && pd_health_reply(&reply) == NULL);
    CHECK_EQ(strlen(reply.id.data), 36);
    CHECK_EQ(page->events_count, 2);
    CHECK(pd_event_from_view(&page->events[0], &event));
    CHECK(event.type == 0 && event.position == 1);
    CHECK_TEXT(event.type_name, "OrderSung");
    CHECK(pd_event_from_view(&page->events[1], &event));
    CHECK(pd_event_order_completed(&event) != NULL);
    CHECK_EQ(pd_event_order_completed(&event)->order, 17);
    CHECK_TEXT(event.command, "b");
    page->events[1].data.size--;
    CHECK(!pd_event_from_view(&page->events[1], &event));
    CHECK(event.data == NULL && event.position == 0);
    pd_event_fini(&event);
    pd_reply_fini(&reply);
    pd_reply_fini(&reply);
}

/* Data of a type that no message has: the reader of answers steps over values as the door scans them. */
static void *
answer_with_an_extension(void *context)
{
    static const char        extension[] = "\xc7\x01\x05" "x";
    struct stage            *s = context;
    struct mp_writer         w = {0};
    struct pd_event_view     view = {.position = 1, .type = PD_TEXT("OrderSung"), .reseller = PD_TEXT("default"), .version = 1,
                                     .command = PD_TEXT("a"), .actor = PD_TEXT("local"), .data = {extension, sizeof extension - 1}};
    struct pd_events_reply   page = {.events = &view, .events_count = 1};

    stage_accept_hello(s, stage_must_hear(s, s->commands_port));
    struct heard *h = stage_must_hear(s, s->queries_port);
    pd_encode_accepted(&w, pd_text(h->id), 9, pd_block_events_reply(), &page);
    stage_answer(s->queries_port, h, &w);
    return NULL;
}

static void
a_page_with_data_of_no_message_is_no_answer(void **state)
{
    struct stage             s;
    const struct pd_read_log from = {PD_SET(from, 1)};
    struct pd_call_message   m = pd_read_log_message(&from);
    struct pd_reply          reply = {0};
    pthread_t                engine;

    (void)state;
    stage_open(&s, 5000, 0, 0);
    CHECK(pthread_create(&engine, NULL, answer_with_an_extension, &s) == 0);
    CHECK_EQ(pd_call(s.client, &m, &reply), PD_CLIENT_BAD_ANSWER);
    CHECK(reply.data == NULL && reply.problem[0] != '\0');
    CHECK(pthread_join(engine, NULL) == 0);
    pd_reply_fini(&reply);
    stage_close(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_event_comes_as_its_struct),
        TEST(what_is_not_known_is_named_and_what_is_no_event_passed),
        TEST(a_subscriber_takes_more_prefixes_and_has_a_descriptor),
        TEST(the_log_is_read_page_by_page),
        TEST(a_page_with_data_of_no_message_is_no_answer),
    };
    return RUN(tests);
}
