#include "engine/bus/zap.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <zmq.h>

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "proto/check.h"

enum { FRAMES = 7, FRAME_MAX = 256, COUNTERS = 4096, MINUTE_MS = 60000, TRY_MS = 3000, KEY_BYTES = 32 };

/* How many handshakes there were in a minute, of a key or an address; two that share a counter share their limit. */
struct counter {
    uint64_t minute;
    uint32_t count;
};

struct zap {
    void          *socket;
    struct counter counters[COUNTERS];
    uint64_t       refused; /* since the start */
};

/* A question: version, id, domain, address, identity, mechanism, credentials. */
struct question {
    char   frames[FRAMES][FRAME_MAX];
    size_t sizes[FRAMES];
    size_t count;
};
enum { VERSION, ID, DOMAIN, ADDRESS, ROUTING, MECHANISM, CREDENTIALS };

bool
zap_open(void *context, struct zap **ret_zap)
{
    struct zap *z = calloc(1, sizeof *z);
    int         none = 0;

    PD_CHECK(z != NULL);
    z->socket = zmq_socket(context, ZMQ_REP);
    if (z->socket != NULL && zmq_setsockopt(z->socket, ZMQ_LINGER, &none, sizeof none) == 0 &&
        zmq_bind(z->socket, "inproc://zeromq.zap.01") == 0) {
        *ret_zap = z;
        return true;
    }
    int code = errno;
    zap_close(&z);
    errno = code;
    return false;
}

void
zap_close(struct zap **zap)
{
    if (*zap == NULL) return;
    if ((*zap)->socket != NULL) zmq_close((*zap)->socket);
    free(*zap);
    *zap = NULL;
}

void *
zap_socket(const struct zap *z)
{
    return z->socket;
}

/* ---- judging ------------------------------------------------------------------------------------------------------- */

static struct pd_text
frame(const struct question *q, int i)
{
    return (struct pd_text){q->frames[i], q->sizes[i]};
}

/* Who it is, in `name` where that has to be made; absent: a peer without a key. Of a local socket the kernel says who connects. */
static struct pd_text
identity_of(const struct question *q, char name[64])
{
    unsigned long uid;

    if (pd_text_equal(frame(q, MECHANISM), PD_TEXT("CURVE"))) {
        PD_CHECK(q->count == FRAMES && q->sizes[CREDENTIALS] == KEY_BYTES);
        zmq_z85_encode(name, (const uint8_t *)q->frames[CREDENTIALS], KEY_BYTES);
        return pd_text(name);
    }
    if (sscanf(q->frames[ADDRESS], "localhost:%lu:", &uid) != 1) return (struct pd_text){NULL, 0};
    snprintf(name, 64, "uid/%lu", uid);
    return pd_text(name);
}

static bool
is_too_many(struct zap *z, struct pd_text what, uint32_t most, uint64_t now_ms)
{
    struct counter *c = &z->counters[XXH3_64bits(what.data, what.size) % COUNTERS];

    if (c->minute != now_ms / MINUTE_MS) *c = (struct counter){now_ms / MINUTE_MS, 0};
    return c->count++ >= most;
}

/* The status of ZAP: 200 welcome, 300 not now, 400 no. */
static const char *
judge(struct zap *z, const struct question *q, struct pd_text identity, struct keys *keys, uint64_t now_ms)
{
    bool curve = pd_text_equal(frame(q, MECHANISM), PD_TEXT("CURVE"));

    if (curve && is_too_many(z, frame(q, ADDRESS), HANDSHAKES_OF_ADDRESS, now_ms)) return "300";
    if (keys == NULL || keys_find(keys, identity) == NULL) return "400";
    return curve && is_too_many(z, identity, HANDSHAKES_OF_KEY, now_ms) ? "300" : "200";
}

/* Said in the log the 1st, 2nd, 4th ... time, so that nobody fills it. */
static void
note_refusal(struct zap *z, const struct question *q, struct pd_text identity, const char *status)
{
    z->refused++;
    if ((z->refused & (z->refused - 1)) != 0) return;
    log_warn("peer_refused", "address=%s who=\"%.*s\" why=%s times=%" PRIu64, q->frames[ADDRESS], (int)identity.size,
             identity.data == NULL ? "" : identity.data, status[0] == '3' ? "\"too many handshakes\"" : "\"nothing is granted\"",
             z->refused);
}

/* ---- asked and answered -------------------------------------------------------------------------------------------- */

/* False: none waits. */
static bool
receive(struct zap *z, struct question *q)
{
    int more = 1;

    for (q->count = 0; more; q->count++) {
        char   unused[FRAME_MAX], *to = q->count < FRAMES ? q->frames[q->count] : unused;
        size_t size = sizeof more;
        int    n = zmq_recv(z->socket, to, FRAME_MAX - 1, ZMQ_DONTWAIT);
        if (n < 0) return false;
        PD_CHECK(n < FRAME_MAX);
        to[n] = '\0';
        if (q->count < FRAMES) q->sizes[q->count] = (size_t)n;
        zmq_getsockopt(z->socket, ZMQ_RCVMORE, &more, &size);
    }
    PD_CHECK(q->count > MECHANISM); /* libzmq asks */
    return true;
}

static void
answer(struct zap *z, const struct question *q, const char *status, struct pd_text identity)
{
    bool           welcome = status[0] == '2';
    struct pd_text frames[] = {frame(q, VERSION), frame(q, ID), pd_text(status), PD_TEXT(""),
                               !welcome ? PD_TEXT("") : identity.data != NULL ? identity : PD_TEXT(ZAP_KEYLESS), PD_TEXT("")};
    const int      count = sizeof frames / sizeof frames[0];

    for (int i = 0; i < count; i++)
        PD_CHECK(zmq_send(z->socket, frames[i].data, frames[i].size, ZMQ_DONTWAIT | (i + 1 < count ? ZMQ_SNDMORE : 0)) >= 0);
}

void
zap_take(struct zap *z, struct keys *keys, struct measures *measures, uint64_t now_ms)
{
    struct question q;
    char            name[64];

    while (receive(z, &q)) {
        struct pd_text identity = identity_of(&q, name);
        const char    *status = judge(z, &q, identity, keys, now_ms);
        answer(z, &q, status, identity);
        if (status[0] == '2') continue;
        if (measures != NULL) {
            note_refusal(z, &q, identity, status);
            atomic_fetch_add(status[0] == '3' ? &measures->peers_limited : &measures->peers_refused, 1);
        }
    }
}

/* ---- a test at the start ------------------------------------------------------------------------------------------- */

/* The first event of a handshake's end at the monitor, answering the questions meanwhile; 0: none came. */
static int
wait_for_end(struct zap *z, void *monitor)
{
    zmq_pollitem_t items[] = {{.socket = z->socket, .events = ZMQ_POLLIN}, {.socket = monitor, .events = ZMQ_POLLIN}};
    uint64_t       until_ms = clock_now().monotonic_ms + TRY_MS;
    uint16_t       event;
    char           bytes[FRAME_MAX];

    while (clock_now().monotonic_ms < until_ms) {
        if (zmq_poll(items, 2, 100) < 0 && errno != EINTR) return 0;
        zap_take(z, NULL, NULL, 0);
        if (zmq_recv(monitor, bytes, sizeof bytes, ZMQ_DONTWAIT) < (int)sizeof event) continue;
        memcpy(&event, bytes, sizeof event);
        return event;
    }
    return 0;
}

static bool
set_text(void *socket, int option, const char *text)
{
    return zmq_setsockopt(socket, option, text, strlen(text)) == 0;
}

bool
zap_refuses(struct zap *z, void *context)
{
    void  *server = zmq_socket(context, ZMQ_ROUTER), *client = zmq_socket(context, ZMQ_DEALER), *monitor = NULL;
    char   secret[PD_KEY_SIZE], public[PD_KEY_SIZE], endpoint[FRAME_MAX];
    int    yes = 1, none = 0, event = 0;
    size_t size = sizeof endpoint;

    bool ok = server != NULL && client != NULL && zmq_curve_keypair(public, secret) == 0 &&
              set_text(server, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN) && zmq_setsockopt(server, ZMQ_CURVE_SERVER, &yes, sizeof yes) == 0 &&
              set_text(server, ZMQ_CURVE_SECRETKEY, secret) && set_text(client, ZMQ_CURVE_SERVERKEY, public) &&
              zmq_bind(server, "tcp://127.0.0.1:*") == 0 && zmq_getsockopt(server, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0;
    ok = ok && zmq_curve_keypair(public, secret) == 0 && set_text(client, ZMQ_CURVE_PUBLICKEY, public) &&
         set_text(client, ZMQ_CURVE_SECRETKEY, secret) && zmq_setsockopt(client, ZMQ_LINGER, &none, sizeof none) == 0;
    const int ends = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                     ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
    ok = ok && zmq_socket_monitor(client, "inproc://zap-try", ends) == 0 && (monitor = zmq_socket(context, ZMQ_PAIR)) != NULL &&
         zmq_connect(monitor, "inproc://zap-try") == 0 && zmq_connect(client, endpoint) == 0;
    if (ok) event = wait_for_end(z, monitor);
    explicit_bzero(secret, sizeof secret);
    if (client != NULL) zmq_socket_monitor(client, NULL, 0);
    if (monitor != NULL) zmq_close(monitor);
    if (client != NULL) zmq_close(client);
    if (server != NULL) zmq_close(server);
    return event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
}
