#include "engine/bus/sockets.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zmq.h>

#include "engine/base/endpoint.h"
#include "engine/base/log.h"
#include "proto/check.h"
#include "proto/limits.h"

/* A subscriber sends prefixes alone, and libzmq keeps each, a node for a byte. */
enum { PREFIX_MAX = 1024 };

static const char *const names[] = {"commands", "queries", "workers", "events"};

static bool
set(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool
configure(void *socket, int port)
{
    bool    events = port == PORT_EVENTS;
    int64_t max = events ? PREFIX_MAX : PD_FRAME_MAX; /* what is longer ends its connection */

    return set(socket, ZMQ_LINGER, 2000) && set(socket, ZMQ_RCVHWM, 10000) && set(socket, ZMQ_SNDHWM, events ? 50000 : 20000) &&
           set(socket, ZMQ_SNDTIMEO, 0) && set(socket, ZMQ_BACKLOG, 1024) && set(socket, ZMQ_HANDSHAKE_IVL, 3000) &&
           set(socket, ZMQ_TCP_KEEPALIVE, 1) && set(socket, ZMQ_TCP_KEEPALIVE_IDLE, 30) &&
           set(socket, ZMQ_TCP_KEEPALIVE_INTVL, 10) && set(socket, ZMQ_TCP_KEEPALIVE_CNT, 3) &&
           zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max, sizeof max) == 0 &&
           zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN, strlen(ZAP_DOMAIN)) == 0 &&
           set(socket, events ? ZMQ_XPUB_MANUAL : ZMQ_ROUTER_MANDATORY, 1);
}

static bool
watch(struct sockets *s, int port)
{
    char address[64];

    snprintf(address, sizeof address, "inproc://monitor-%d", port);
    zmq_socket_monitor(s->ports[port], address, ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_ACCEPT_FAILED);
    s->monitors[port] = zmq_socket(s->context, ZMQ_PAIR);
    return s->monitors[port] != NULL && set(s->monitors[port], ZMQ_LINGER, 0) && zmq_connect(s->monitors[port], address) == 0;
}

/* What is bound from here on is encrypted under the key, or not. */
static bool
encrypt(void *socket, const struct server_key *key, bool yes)
{
    if (!yes) return set(socket, ZMQ_CURVE_SERVER, 0);
    return zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, server_key_secret(key), PD_KEY_SIZE - 1) == 0 &&
           set(socket, ZMQ_CURVE_SERVER, 1);
}

static bool
bind_one(struct sockets *s, int port, struct pd_text endpoint, const struct net_options *o, char ret_bound[256])
{
    bool   curve = o->key != NULL && endpoint_is_tcp(endpoint) && !(o->open_loopback && endpoint_is_local(endpoint));
    char   text[256];
    size_t size = 256;

    snprintf(text, sizeof text, "%.*s", (int)endpoint.size, endpoint.data);
    bool six = strchr(text, '[') != NULL;
    if (!encrypt(s->ports[port], o->key, curve) || !set(s->ports[port], ZMQ_IPV6, six) || zmq_bind(s->ports[port], text) != 0) {
        log_error("bind_failed", "port=%s endpoint=\"%s\" error=\"%s\" hint=\"%s\"", names[port], text, zmq_strerror(errno),
                  errno == EADDRINUSE     ? "another program has it; choose another endpoint"
                  : errno == ENAMETOOLONG ? "an ipc path has at most 107 bytes"
                                          : "see --help");
        return false;
    }
    return zmq_getsockopt(s->ports[port], ZMQ_LAST_ENDPOINT, ret_bound, &size) == 0;
}

static bool
open_port(struct sockets *s, int port, const struct net_options *o)
{
    struct pd_text rest = pd_text(o->endpoints[port]), endpoint;
    size_t         n = 0;

    s->ports[port] = zmq_socket(s->context, port == PORT_EVENTS ? ZMQ_XPUB : ZMQ_ROUTER);
    if (s->ports[port] == NULL || !configure(s->ports[port], port) || !watch(s, port)) {
        log_error("socket_failed", "port=%s error=\"%s\"", names[port], zmq_strerror(errno));
        return false;
    }
    while (endpoint_next(&rest, &endpoint)) {
        PD_CHECK(n < ENDPOINTS_MAX); /* the options were judged */
        if (!bind_one(s, port, endpoint, o, s->endpoints[port][n++])) return false;
    }
    return true;
}

bool
sockets_open(const struct net_options *options, struct sockets *ret_sockets)
{
    struct sockets s = {.context = zmq_ctx_new()};
    mode_t         mask = umask(0077); /* an ipc socket is its owner's */

    PD_CHECK(s.context != NULL);
    bool ok = zap_open(s.context, &s.zap);
    if (!ok) log_error("socket_failed", "port=zap error=\"%s\"", zmq_strerror(errno));
    if (ok && options->key != NULL && !(ok = zap_refuses(s.zap, s.context)))
        log_error("authorisation_failed", "hint=\"a key that nobody knows was not refused: this libzmq cannot be served with\"");
    for (int port = 0; port < NET_PORTS && ok; port++) ok = open_port(&s, port, options);
    umask(mask);
    if (ok) *ret_sockets = s;
    else sockets_close(&s);
    return ok;
}

void
sockets_close(struct sockets *s)
{
    for (int port = 0; port < NET_PORTS; port++) {
        if (s->ports[port] != NULL) zmq_socket_monitor(s->ports[port], NULL, 0);
        if (s->monitors[port] != NULL) zmq_close(s->monitors[port]);
        if (s->ports[port] != NULL) zmq_close(s->ports[port]);
    }
    zap_close(&s->zap);
    if (s->context != NULL) zmq_ctx_term(s->context);
    memset(s, 0, sizeof *s);
}

/* ---- messages ------------------------------------------------------------------------------------------------------ */

bool
sockets_send(void *socket, struct pd_text bytes, int flags)
{
    int n = zmq_send(socket, bytes.data, bytes.size, flags | ZMQ_DONTWAIT);
    PD_CHECK(n >= 0 || errno != ENOMEM);
    return n >= 0;
}

struct pd_text
sockets_identity(zmq_msg_t *frame)
{
    const char *id = zmq_msg_gets(frame, "User-Id");
    return id == NULL || strcmp(id, ZAP_KEYLESS) == 0 ? (struct pd_text){NULL, 0} : pd_text(id);
}

bool
sockets_monitored(void *monitor, struct monitored *ret_told)
{
    zmq_msg_t frame;
    bool      told = false;

    zmq_msg_init(&frame);
    while (!told && zmq_msg_recv(&frame, monitor, ZMQ_DONTWAIT) >= 0) {
        told = zmq_msg_more(&frame) && zmq_msg_size(&frame) >= sizeof *ret_told; /* the other frame is an address */
        if (told) memcpy(ret_told, zmq_msg_data(&frame), sizeof *ret_told);
    }
    zmq_msg_close(&frame);
    return told;
}
