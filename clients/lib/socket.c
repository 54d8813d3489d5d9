#include "clients/lib/socket.h"

#include <string.h>
#include <zmq.h>

#include "clients/lib/state.h"
#include "proto/reach.h"

static bool
encrypt(const struct pd_client *client, void *socket)
{
    static const int options[] = {ZMQ_CURVE_SERVERKEY, ZMQ_CURVE_PUBLICKEY, ZMQ_CURVE_SECRETKEY};

    for (int i = 0; i < 3; i++)
        if (zmq_setsockopt(socket, options[i], client->keys[i], PD_KEY_SIZE - 1) != 0) return false;
    return true;
}

void *
pd_socket_open(struct pd_client *client, int type, const char *endpoint)
{
    int   linger_ms = 0, send_ms = 0, keepalive = 1, queue = 100000;
    void *socket = zmq_socket(client->context, type);
    char  reached[PD_ENDPOINT_SIZE];

    if (socket != NULL) {
        zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
        zmq_setsockopt(socket, ZMQ_SNDTIMEO, &send_ms, sizeof send_ms);
        zmq_setsockopt(socket, ZMQ_TCP_KEEPALIVE, &keepalive, sizeof keepalive);
        zmq_setsockopt(socket, ZMQ_SNDHWM, &queue, sizeof queue);
        zmq_setsockopt(socket, ZMQ_RCVHWM, &queue, sizeof queue);
        bool ready = client->keys[0][0] == '\0' || strncmp(endpoint, "ipc://", 6) == 0 || encrypt(client, socket);
        pd_endpoint_reach(endpoint, client->endpoint, reached);
        if (ready && zmq_connect(socket, reached) == 0) return socket;
    }
    pd_client_fail(client, PD_CLIENT_BAD_ENDPOINT, "cannot connect to %s: %s", endpoint, zmq_strerror(zmq_errno()));
    pd_socket_close(&socket);
    return NULL;
}

void
pd_socket_close(void **socket)
{
    if (*socket != NULL) zmq_close(*socket);
    *socket = NULL;
}

bool
pd_socket_receive(void *socket, void *head, void *body)
{
    for (bool first = true;; first = false) {
        if (!first && head != NULL) zmq_msg_move(head, body);
        if (zmq_msg_recv(body, socket, ZMQ_DONTWAIT) < 0) return false;
        if (!zmq_msg_more(body)) return true;
    }
}

int
pd_socket_fd(void *socket)
{
    int    fd = -1;
    size_t size = sizeof fd;

    zmq_getsockopt(socket, ZMQ_FD, &fd, &size);
    return fd;
}

bool
pd_socket_has(void *socket)
{
    int    events = 0;
    size_t size = sizeof events;

    zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size);
    return (events & ZMQ_POLLIN) != 0;
}
