#include "tests/unit/stage.h"

#include <unistd.h>

#include "tests/support/check.h"

static void *
bind_port(struct stage *s, int type, const char *endpoint)
{
    int   none = 0;
    void *socket = zmq_socket(s->context, type);

    zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    CHECK(zmq_bind(socket, endpoint) == 0);
    return socket;
}

void
stage_open(struct stage *s, uint32_t timeout_ms, uint32_t retries, uint32_t outstanding)
{
    *s = (struct stage){.place = "/tmp/pedido-XXXXXX"};
    CHECK(mkdtemp(s->place) != NULL);
    snprintf(s->endpoint, sizeof s->endpoint, "ipc://%s/c", s->place);
    snprintf(s->queries, sizeof s->queries, "ipc://%s/q", s->place);
    snprintf(s->events, sizeof s->events, "ipc://%s/e", s->place);
    s->context = zmq_ctx_new();
    s->commands_port = bind_port(s, ZMQ_ROUTER, s->endpoint);
    s->queries_port = bind_port(s, ZMQ_ROUTER, s->queries);
    s->events_port = bind_port(s, ZMQ_PUB, s->events);
    struct pd_client_options options = {.endpoint = s->endpoint, .timeout_ms = timeout_ms, .retries = retries,
                                        .outstanding = outstanding};
    CHECK_EQ(pd_client_open(&options, &s->client), PD_CLIENT_OK);
}

void
stage_close(struct stage *s)
{
    pd_client_close(&s->client);
    for (size_t i = 0; i < s->count; i++) {
        zmq_msg_close(&s->heard[i].peer);
        zmq_msg_close(&s->heard[i].body);
    }
    zmq_close(s->commands_port);
    zmq_close(s->queries_port);
    zmq_close(s->events_port);
    zmq_ctx_term(s->context);
    unlink(s->endpoint + 6);
    unlink(s->queries + 6);
    unlink(s->events + 6);
    CHECK(rmdir(s->place) == 0);
}

struct heard *
stage_hear(struct stage *s, void *port, long timeout_ms)
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
    if (o.type == MSGPACK_OBJECT_ARRAY) {
        h->count = o.via.array.size;
        CHECK(h->count > 0);
        o = o.via.array.ptr[0];
    }
    struct pd_text type = mp_find_text(&o, "type"), id = mp_find_text(&o, "id");
    snprintf(h->type, sizeof h->type, "%.*s", (int)type.size, type.data);
    snprintf(h->id, sizeof h->id, "%.*s", (int)id.size, id.data);
    mp_reader_fini(&reader);
    return h;
}

struct heard *
stage_must_hear(struct stage *s, void *port)
{
    struct heard *h = stage_hear(s, port, 2000);
    CHECK(h != NULL);
    if (h == NULL) abort(); /* not reached: CHECK ends the test */
    return h;
}

void
stage_answer(void *port, struct heard *to, struct mp_writer *w)
{
    zmq_send(port, zmq_msg_data(&to->peer), zmq_msg_size(&to->peer), ZMQ_SNDMORE);
    zmq_send(port, "", 0, ZMQ_SNDMORE);
    zmq_send(port, w->data, w->size, 0);
    mp_writer_fini(w);
}

void
stage_accept_put(void *port, struct heard *to, uint64_t version)
{
    struct mp_writer    w = {0};
    struct pd_put_reply data = {.customer = PD_TEXT("ana"), .version = version};

    pd_encode_accepted(&w, pd_text(to->id), 17, pd_block_put_reply(), &data);
    stage_answer(port, to, &w);
}

void
stage_refuse(void *port, struct heard *to, struct pd_text id, struct pd_refusal refusal)
{
    struct mp_writer w = {0};

    pd_encode_refused(&w, id, &refusal);
    stage_answer(port, to, &w);
}

void
stage_accept_hello(struct stage *s, struct heard *to)
{
    struct mp_writer          w = {0};
    struct pd_endpoints       e = {pd_text(s->endpoint), pd_text(s->events), pd_text(s->queries), pd_text(s->endpoint), 0};
    struct pd_protocol_limits limits = {.frame_bytes = 1};
    struct pd_hello_reply     data = {.protocol = 1, .software = PD_TEXT("0"), .log = PD_TEXT("0"), .endpoints = &e,
                                      .limits = &limits};

    pd_encode_accepted(&w, pd_text(to->id), 0, pd_block_hello_reply(), &data);
    stage_answer(s->commands_port, to, &w);
}
