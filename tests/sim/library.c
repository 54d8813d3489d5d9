/* library.c - what lies below libpedido: its clock, its sockets, its ids and its file. The linker has the library's calls come by
 * here (--wrap), so that the very code that programs link follows the log under the simulation's clock and network. Nobody waits in
 * here but the library itself, for a name or what is kept under it: then the world goes on within. */
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
    enum pd_port           port;
    uint64_t               life;
    bool                   cut;
    struct message         queue[QUEUE_MAX];
    size_t                 first, count;
};

/* There is one world, and the library knows nothing of it. */
static struct sim *world;
static struct sim_subscriber *caller; /* whose process calls the library */
static uint64_t    alone_ms; /* how long a process has waited that dies: for it time goes on, for nobody else */

int      __wrap_pd_checkpoint_read(const char *path, struct pd_checkpoint *ret_checkpoint);
int      __wrap_pd_checkpoint_write(const char *path, const struct pd_checkpoint *checkpoint);
void     __wrap_pd_client_new_id(char ret_id[PD_ID_SIZE]);
void     __wrap_pd_id_make(struct pd_ids *ids, char ret_id[PD_ID_SIZE]);
uint64_t __wrap_pd_now_ms(void);
void    *__wrap_pd_socket_open(struct pd_client *client, int type, const char *endpoint);
void     __wrap_pd_socket_close(void **socket);
bool     __wrap_pd_socket_receive(void *socket, void *head, void *body);
int      __wrap_gethostname(char *name, size_t size);
pid_t    __wrap_getpid(void);
int      __wrap_zmq_setsockopt(void *socket, int option, const void *value, size_t size);
int      __wrap_zmq_poll(zmq_pollitem_t *items, int count, long timeout_ms);
int      __wrap_zmq_send(void *socket, const void *data, size_t size, int flags);
int      __wrap_zmq_msg_send(zmq_msg_t *message, void *socket, int flags);

/* ---- the process ------------------------------------------------------------------------------------------------------- */

void
library_enter(struct sim *s, struct sim_subscriber *f)
{
    world = s;
    caller = f;
}

/* Hello was answered; how, is a client's story. */
void
library_open(struct sim *s, struct sim_subscriber *f)
{
    static struct pd_endpoints endpoints = {
        .commands = PD_TEXT("commands"), .events = PD_TEXT("events"), .queries = PD_TEXT("queries"), .workers = PD_TEXT("workers")};
    static struct pd_hello_reply   hello = {.endpoints = &endpoints};
    const struct pd_client_options options = {.timeout_ms = 1000, .retries = 3};

    library_enter(s, f);
    PD_CHECK(pd_client_open(&options, &f->client) == PD_CLIENT_OK);
    f->client->hello = &hello;
}

void
library_close(struct sim *s, struct sim_subscriber *f)
{
    library_enter(s, f);
    pd_subscriber_close(&f->stream);
    pd_client_close(&f->client);
    PD_CHECK(f->sockets == NULL);
    alone_ms = 0;
}

bool
library_receive(struct sim *s, struct sim_subscriber *f, const struct mail *m)
{
    struct sim_socket *to = f->sockets;

    while (to != NULL && to->life != m->life) to = to->next;
    if (to == NULL || to->cut || s->now_ms < f->cut_off_ms) return false;
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
    return world->now_ms + alone_ms;
}

/* As the true ones: the time stands in front. */
void
__wrap_pd_client_new_id(char ret_id[PD_ID_SIZE])
{
    static unsigned made;
    uint64_t        ms = sim_time(world).wall_us / 1000;
    snprintf(ret_id, PD_ID_SIZE, "%08x-%04x-7000-8000-0000%08x", (unsigned)(ms >> 16), (unsigned)(ms & 0xffff), ++made);
}

void
__wrap_pd_id_make(struct pd_ids *ids, char ret_id[PD_ID_SIZE])
{
    (void)ids;
    __wrap_pd_client_new_id(ret_id);
}

/* They all run in containers that are alike. */
int
__wrap_gethostname(char *name, size_t size)
{
    snprintf(name, size, "sim");
    return 0;
}

pid_t
__wrap_getpid(void)
{
    return 1;
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

    PD_CHECK(socket != NULL);
    socket->port = strcmp(endpoint, "queries") == 0 ? PD_port_queries : PD_port_commands;
    PD_CHECK(caller->client == client);
    socket->owner = caller;
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

static int
count_ready(const zmq_pollitem_t *items, int count)
{
    int ready = 0;
    for (int i = 0; i < count; i++) ready += ((const struct sim_socket *)items[i].socket)->count > 0;
    return ready;
}

int
__wrap_zmq_poll(zmq_pollitem_t *items, int count, long timeout_ms)
{
    struct sim_subscriber *f = caller;
    uint64_t               until_ms = world->now_ms + (uint64_t)timeout_ms;
    bool                   outer = f->waiting;

    f->waiting = true;
    while (count_ready(items, count) == 0 && !f->dying && world->now_ms < until_ms && model_violation(world->model) == NULL)
        world_goes_on(world, until_ms);
    f->waiting = outer;
    caller = f;
    if (count_ready(items, count) == 0 && world->now_ms < until_ms) alone_ms += until_ms - world->now_ms; /* it is over for it */
    return count_ready(items, count);
}

int
__wrap_zmq_send(void *socket, const void *data, size_t size, int flags)
{
    (void)socket, (void)data;
    PD_CHECK(size == 0 && (flags & ZMQ_SNDMORE)); /* the empty frame; what comes behind it counts */
    return 0;
}

/* As whom it asks for its name; and when that is not its own any more, it has nothing more to say about it. */
static void
listen_to(struct sim_subscriber *f, struct pd_text body)
{
    static struct mp_reader reader;
    msgpack_object          o;

    PD_CHECK(mp_parse(&reader, body.data, body.size, &o));
    struct pd_text type = mp_find_text(&o, "type"), holder = mp_find_text(mp_find(&o, "data"), "holder");
    if (pd_text_equal(type, PD_TEXT("AttachSubscriber")))
        snprintf(f->holder, sizeof f->holder, "%.*s", (int)holder.size, holder.data);
    if (f->refused && pd_text_equal(type, PD_TEXT("MoveSubscriber")))
        model_blame(world->model, "a subscriber has heard that its name is another's, and moves it");
}

int
__wrap_zmq_msg_send(zmq_msg_t *message, void *to, int flags)
{
    struct sim_socket *socket = to;
    struct mail        m = {.to = TO_ENGINE, .from = FIRST_SUBSCRIBER + socket->owner->number, .life = socket->life,
                            .port = socket->port};
    struct pd_text     body = {zmq_msg_data(message), zmq_msg_size(message)};

    (void)flags;
    if (socket->owner->name != NULL) listen_to(socket->owner, body);
    if (!socket->owner->dying && world->now_ms >= socket->owner->cut_off_ms) send_mail(world, m, body);
    zmq_msg_close(message);
    return 0;
}
