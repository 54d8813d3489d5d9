#include <pedido/client.h>

#include <stdlib.h>
#include <zmq.h>

#include "clients/lib/socket.h"
#include "proto/check.h"

struct pd_subscriber {
    struct pd_client *client;
    void             *socket;
    zmq_msg_t         topic, body;
};

enum pd_client_status
pd_subscriber_open(struct pd_client *client, struct pd_text prefix, struct pd_subscriber **ret_subscriber)
{
    const struct pd_hello_reply *hello;
    enum pd_client_status        status = pd_client_hello(client, &hello);

    if (status != PD_CLIENT_OK) return status;
    void *socket = pd_socket_open(client, ZMQ_SUB, hello->endpoints->events.data);
    if (socket == NULL) return PD_CLIENT_BAD_ENDPOINT;
    zmq_setsockopt(socket, ZMQ_SUBSCRIBE, prefix.data, prefix.size);

    struct pd_subscriber *s = calloc(1, sizeof *s);
    PD_CHECK(s != NULL);
    s->client = client;
    s->socket = socket;
    zmq_msg_init(&s->topic);
    zmq_msg_init(&s->body);
    *ret_subscriber = s;
    return PD_CLIENT_OK;
}

void
pd_subscriber_close(struct pd_subscriber **subscriber)
{
    struct pd_subscriber *s = *subscriber;

    if (s == NULL) return;
    pd_socket_close(&s->socket);
    zmq_msg_close(&s->topic);
    zmq_msg_close(&s->body);
    free(s);
    *subscriber = NULL;
}

enum pd_client_status
pd_subscriber_next(struct pd_subscriber *s, uint32_t timeout_ms, struct pd_text *ret_topic, struct pd_text *ret_body)
{
    /* An event has two frames; of anything else the topic would be the one before. */
    zmq_msg_close(&s->topic);
    zmq_msg_init(&s->topic);
    if (!pd_socket_receive(s->socket, timeout_ms, &s->topic, &s->body))
        return pd_client_fail(s->client, PD_CLIENT_NO_ANSWER, "no event in %u ms", (unsigned)timeout_ms);
    *ret_topic = (struct pd_text){zmq_msg_data(&s->topic), zmq_msg_size(&s->topic)};
    *ret_body = (struct pd_text){zmq_msg_data(&s->body), zmq_msg_size(&s->body)};
    return PD_CLIENT_OK;
}
