/* library.c - what lies below libpedido: its clock, its sockets, its ids and its file. The linker has the library's calls come by
 * here (--wrap), so that the very code that programs link follows the log under the simulation's clock and network. Nobody waits in
 * here: the library is called with a time-out of 0. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/lib/socket.h"
#include "clients/lib/state.h"
#include "clients/lib/subscriber.h"
#include "proto/check.h"
#include "tests/sim/sim.h"

enum { QUEUE_MAX = 200 }; /* messages that wait at a socket; what comes then is dropped, as ZeroMQ does */

struct message {
    char  *data;
    size_t size, topic;
};

struct sim_socket {
    struct sim_socket     *next;
    struct sim_subscriber *owner;
    int                    type;
    uint64_t               life;
    bool                   cut;
    struct message         queue[QUEUE_MAX];
    size_t                 first, count;
};

/* There is one world, and the library knows nothing of it. */
static struct sim *world;

int      __wrap_pd_checkpoint_read(const char *path, struct pd_checkpoint *ret_checkpoint);
int      __wrap_pd_checkpoint_write(const char *path, const struct pd_checkpoint *checkpoint);
void     __wrap_pd_client_new_id(char ret_id[PD_ID_SIZE]);
uint64_t __wrap_pd_now_ms(void);
void    *__wrap_pd_socket_open(struct pd_client *client, int type, const char *endpoint);
void     __wrap_pd_socket_close(void **socket);
bool     __wrap_pd_socket_receive(void *socket, void *head, void *body);
int      __wrap_zmq_setsockopt(void *socket, int option, const void *value, size_t size);
int      __wrap_zmq_poll(zmq_pollitem_t *items, int count, long timeout_ms);
int      __wrap_zmq_send(void *socket, const void *data, size_t size, int flags);
int      __wrap_zmq_msg_send(zmq_msg_t *message, void *socket, int flags);

/* ---- the process ------------------------------------------------------------------------------------------------------- */

/* Hello was answered; how, is a client's story. */
void
library_open(struct sim *s, struct sim_subscriber *f)
{
    static struct pd_endpoints endpoints = {
        .commands = PD_TEXT("commands"), .events = PD_TEXT("events"), .queries = PD_TEXT("queries"), .workers = PD_TEXT("workers")};
    static struct pd_hello_reply   hello = {.endpoints = &endpoints};
    const struct pd_client_options options = {.timeout_ms = 1000, .retries = 3};

    world = s;
    PD_CHECK(pd_client_open(&options, &f->client) == PD_CLIENT_OK);
    f->client->hello = &hello;
}

void
library_close(struct sim *s, struct sim_subscriber *f)
{
    world = s;
    pd_subscriber_close(&f->stream);
    pd_client_close(&f->client);
    PD_CHECK(f->sockets == NULL);
}

bool
library_receive(struct sim *s, struct sim_subscriber *f, const struct mail *m)
{
    struct sim_socket *to = f->sockets;

    while (to != NULL && to->life != m->life) to = to->next;
    if (to == NULL || to->cut) return false;
    if (to->count == QUEUE_MAX) {
        s->counts.faults[FAULT_stream_full]++;
        return false;
    }
    struct message *message = &to->queue[(to->first + to->count++) % QUEUE_MAX];
    *message = (struct message){malloc(m->size + 1), m->size, m->topic};
    PD_CHECK(message->data != NULL);
    memcpy(message->data, m->data, m->size);
    return true;
}

struct sim_socket *
library_stream(const struct sim_subscriber *f)
{
    struct sim_socket *socket = f->sockets;
    while (socket != NULL && socket->type != ZMQ_SUB) socket = socket->next;
    return socket;
}

uint64_t
library_life(const struct sim_socket *socket)
{
    return socket->life;
}

void
library_cut(struct sim_socket *socket)
{
    socket->cut = true;
}

bool
library_is_cut(const struct sim_socket *socket)
{
    return socket->cut;
}

/* ---- clock, ids, file -------------------------------------------------------------------------------------------------- */

uint64_t
__wrap_pd_now_ms(void)
{
    return world->now_ms;
}

void
__wrap_pd_client_new_id(char ret_id[PD_ID_SIZE])
{
    static uint64_t made;
    snprintf(ret_id, PD_ID_SIZE, "q%" PRIu64, ++made);
}

/* A checkpoint's path is its subscriber's number. */
int
__wrap_pd_checkpoint_read(const char *path, struct pd_checkpoint *ret_checkpoint)
{
    const struct sim_subscriber *f = &world->subscribers[atoi(path)];

    if (f->kept.log[0] == '\0') return ENOENT;
    *ret_checkpoint = f->kept;
    return 0;
}

int
__wrap_pd_checkpoint_write(const char *path, const struct pd_checkpoint *checkpoint)
{
    struct sim_subscriber *f = &world->subscribers[atoi(path)];

    if (f->dying) return EIO;
    f->kept = *checkpoint;
    return 0;
}

/* ---- sockets ----------------------------------------------------------------------------------------------------------- */

void *
__wrap_pd_socket_open(struct pd_client *client, int type, const char *endpoint)
{
    struct sim_socket *socket = calloc(1, sizeof *socket);

    (void)endpoint;
    PD_CHECK(socket != NULL);
    socket->owner = world->subscribers;
    while (socket->owner->client != client) socket->owner++;
    socket->type = type;
    socket->life = ++world->sockets;
    socket->next = socket->owner->sockets;
    socket->owner->sockets = socket;
    return socket;
}

void
__wrap_pd_socket_close(void **ret_socket)
{
    struct sim_socket *socket = *ret_socket, **link;

    *ret_socket = NULL;
    if (socket == NULL) return;
    for (link = &socket->owner->sockets; *link != socket; link = &(*link)->next) continue;
    *link = socket->next;
    for (; socket->count > 0; socket->count--) free(socket->queue[socket->first++ % QUEUE_MAX].data);
    free(socket);
}

static void
fill(zmq_msg_t *frame, const char *data, size_t size)
{
    zmq_msg_close(frame);
    PD_CHECK(zmq_msg_init_size(frame, size) == 0);
    if (size > 0) memcpy(zmq_msg_data(frame), data, size);
}

bool
__wrap_pd_socket_receive(void *from, void *head, void *body)
{
    struct sim_socket *socket = from;

    if (socket->count == 0) return false;
    struct message *message = &socket->queue[socket->first++ % QUEUE_MAX];
    socket->count--;
    if (head != NULL) fill(head, message->data, message->topic);
    fill(body, message->data + message->topic, message->size - message->topic);
    free(message->data);
    return true;
}

int
__wrap_zmq_setsockopt(void *socket, int option, const void *value, size_t size)
{
    (void)socket, (void)value, (void)size;
    PD_CHECK(option == ZMQ_SUBSCRIBE);
    return 0;
}

int
__wrap_zmq_poll(zmq_pollitem_t *items, int count, long timeout_ms)
{
    PD_CHECK(count == 1 && timeout_ms == 0);
    return ((struct sim_socket *)items[0].socket)->count > 0;
}

int
__wrap_zmq_send(void *socket, const void *data, size_t size, int flags)
{
    (void)socket, (void)data;
    PD_CHECK(size == 0 && (flags & ZMQ_SNDMORE)); /* the empty frame; what comes behind it counts */
    return 0;
}

int
__wrap_zmq_msg_send(zmq_msg_t *message, void *to, int flags)
{
    struct sim_socket *socket = to;
    struct mail        m = {.to = TO_ENGINE, .from = FIRST_SUBSCRIBER + socket->owner->number, .life = socket->life,
                            .port = PD_port_queries};

    (void)flags;
    send_mail(world, m, (struct pd_text){zmq_msg_data(message), zmq_msg_size(message)});
    zmq_msg_close(message);
    return 0;
}
