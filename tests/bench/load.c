#include "tests/bench/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <zmq.h>

#include "engine/base/decimal.h"
#include "proto/check.h"

uint64_t
load_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static bool
is_here(const char *endpoint)
{
    return strncmp(endpoint, "tcp://127.", 10) == 0 || strncmp(endpoint, "ipc://", 6) == 0;
}

/* $LOAD_KEYS: the engine's public key, and a pair of the load's own, with spaces between them; nothing is encrypted without. */
static void
put_keys(void *socket)
{
    char        server[41], public[41], secret[41];
    const char *keys = getenv("LOAD_KEYS");

    if (keys == NULL) return;
    PD_CHECK(sscanf(keys, "%40s %40s %40s", server, public, secret) == 3);
    zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server, 40);
    zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, public, 40);
    zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret, 40);
}

void *
load_socket(void *context, int type, const char *endpoint, bool bind)
{
    int   linger = 0, hwm = 200000;
    void *s = zmq_socket(context, type);
    PD_CHECK(s != NULL);
    zmq_setsockopt(s, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(s, ZMQ_SNDHWM, &hwm, sizeof hwm);
    zmq_setsockopt(s, ZMQ_RCVHWM, &hwm, sizeof hwm);
    PD_CHECK(is_here(endpoint));
    put_keys(s);
    PD_CHECK((bind ? zmq_bind(s, endpoint) : zmq_connect(s, endpoint)) == 0);
    return s;
}

/* A peer's name in its ROUTER: never a zero first, which is for names that ZeroMQ makes. */
enum { NAME_BYTES = 3 };
static void
name_peer(size_t peer, char name[NAME_BYTES])
{
    name[0] = 'p';
    name[1] = (char)(peer & 0xff);
    name[2] = (char)(peer >> 8);
}

struct load_peers
load_peers_open(void *context, const char *endpoint, size_t count)
{
    char              name[NAME_BYTES];
    int               linger = 0, hwm = 200000;
    struct load_peers peers = {.count = count};

    PD_CHECK(count >= 1 && count <= PEERS_MAX);
    if (count == 1) {
        peers.socket = load_socket(context, ZMQ_DEALER, endpoint, false);
        return peers;
    }
    PD_CHECK((peers.socket = zmq_socket(context, ZMQ_ROUTER)) != NULL);
    zmq_setsockopt(peers.socket, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(peers.socket, ZMQ_SNDHWM, &hwm, sizeof hwm);
    zmq_setsockopt(peers.socket, ZMQ_RCVHWM, &hwm, sizeof hwm);
    put_keys(peers.socket);
    for (size_t i = 0; i < count; i++) {
        name_peer(i, name);
        PD_CHECK(zmq_setsockopt(peers.socket, ZMQ_CONNECT_ROUTING_ID, name, sizeof name) == 0);
        PD_CHECK(is_here(endpoint) && zmq_connect(peers.socket, endpoint) == 0);
    }
    return peers;
}

void
load_send_to(const struct load_peers *peers, size_t peer, const void *bytes, size_t size)
{
    char name[NAME_BYTES];

    if (peers->count > 1) {
        name_peer(peer, name);
        PD_CHECK(zmq_send(peers->socket, name, sizeof name, ZMQ_SNDMORE) >= 0);
    }
    PD_CHECK(zmq_send(peers->socket, bytes, size, 0) >= 0);
}

int
load_receive_from(const struct load_peers *peers, char *in, size_t capacity, int flags, size_t *ret_peer)
{
    unsigned char name[NAME_BYTES];

    if (peers->count > 1) {
        if (zmq_recv(peers->socket, name, sizeof name, flags) != NAME_BYTES) return -1;
        *ret_peer = (size_t)name[1] | (size_t)name[2] << 8;
    }
    int size = zmq_recv(peers->socket, in, capacity, flags);
    PD_CHECK(size <= (int)capacity);
    return size;
}

const char *
load_word(char *const *settings, const char *name, const char *standard)
{
    size_t size = strlen(name);
    for (; *settings != NULL; settings++)
        if (strncmp(*settings, name, size) == 0 && (*settings)[size] == '=') return *settings + size + 1;
    return standard;
}

double
load_number(char *const *settings, const char *name, double standard)
{
    const char *word = load_word(settings, name, NULL);
    return word == NULL ? standard : atof(word);
}

void
load_text(struct mp_writer *w, const char *key, const char *value)
{
    mp_text(w, pd_text(key));
    mp_text(w, pd_text(value));
}

void
load_numbered(struct mp_writer *w, const char *key, const char *prefix, uint64_t number)
{
    char text[80];
    char *end = decimal_put(stpcpy(text, prefix), number);
    mp_text(w, pd_text(key));
    mp_text(w, (struct pd_text){text, (size_t)(end - text)});
}

void
load_request(struct mp_writer *w, const char *type, const char *id, const char *reseller, size_t fields)
{
    mp_writer_clear(w);
    load_add_request(w, type, id, reseller, fields);
}

void
load_add_request(struct mp_writer *w, const char *type, const char *id, const char *reseller, size_t fields)
{
    mp_map(w, 4);
    load_text(w, "type", type);
    load_text(w, "id", id);
    load_text(w, "reseller", reseller);
    mp_key(w, "data");
    mp_map(w, fields);
}

void
load_send(const struct mp_writer *w, void *socket)
{
    PD_CHECK(zmq_send(socket, w->data, w->size, 0) >= 0);
}

void
load_take(void *socket, size_t count)
{
    char in[65536];

    for (size_t i = 0; i < count; i++) {
        int size = zmq_recv(socket, in, sizeof in, 0);
        PD_CHECK(size > 0 && memmem(in, (size_t)size, "\xa2ok\xc3", 4) != NULL);
    }
}

const char *
load_after(const char *bytes, size_t size, const char *key)
{
    const char *at = memmem(bytes, size, key, strlen(key));
    PD_CHECK(at != NULL);
    return at + strlen(key);
}

uint64_t
load_uint(const char *packed)
{
    const unsigned char *b = (const unsigned char *)packed;
    size_t               n = *b < 0x80 ? 0 : (size_t)1 << (*b - 0xcc);
    uint64_t             v = *b < 0x80 ? *b : 0;
    for (size_t i = 1; i <= n; i++) v = v << 8 | b[i];
    return v;
}

size_t
load_array_size(const char *packed)
{
    const unsigned char *b = (const unsigned char *)packed;
    PD_CHECK((*b & 0xf0) == 0x90 || *b == 0xdc);
    return *b == 0xdc ? (size_t)b[1] << 8 | b[2] : *b & 0x0f;
}

static size_t
bucket_of(uint64_t value)
{
    if (value < 16) return (size_t)value;
    int power = 63 - __builtin_clzll(value);
    return (size_t)(power - 3) * 16 + (value >> (power - 4) & 15);
}

/* The least value of a bucket. */
static uint64_t
bucket_begin(size_t bucket)
{
    return bucket < 16 ? bucket : (16 + (uint64_t)bucket % 16) << (bucket / 16 - 1);
}

void
load_count(struct load_times *times, uint64_t value)
{
    times->counts[bucket_of(value)]++;
}

uint64_t
load_percentile(const struct load_times *times, double share)
{
    uint64_t total = 0, sum = 0;
    for (size_t i = 0; i < LOAD_TIMES; i++) total += times->counts[i];
    for (size_t i = 0; i < LOAD_TIMES - 1; i++)
        if ((sum += times->counts[i]) > 0 && (double)sum >= (double)total * share) return bucket_begin(i + 1);
    return 0;
}

enum { SHOPS_AT_ONCE = 64 };

static void
send_shop(struct mp_writer *w, void *commands, const char *run, unsigned n, const char *provisioning)
{
    char id[64], name[32];

    snprintf(name, sizeof name, "reseller-%u", n);
    snprintf(id, sizeof id, "%s-%u-1", run, n);
    load_request(w, "PutReseller", id, "default", 3);
    load_text(w, "reseller", name);
    load_text(w, "name", name);
    load_text(w, "time_zone", "Europe/Madrid");
    load_send(w, commands);
    snprintf(id, sizeof id, "%s-%u-2", run, n);
    load_request(w, "PutCustomer", id, name, 2);
    load_text(w, "customer", "ana");
    load_text(w, "name", "Ana");
    load_send(w, commands);
    snprintf(id, sizeof id, "%s-%u-3", run, n);
    load_request(w, "PutPlan", id, name, 7);
    load_text(w, "plan", "web");
    load_text(w, "name", "Hosting");
    load_text(w, "category", "hosting");
    mp_key(w, "published");
    mp_bool(w, true);
    load_text(w, "domain", "exclusive");
    load_text(w, "provisioning", provisioning);
    load_text(w, "worker_group", "hosting");
    load_send(w, commands);
    snprintf(id, sizeof id, "%s-%u-4", run, n);
    load_request(w, "PutPeriod", id, name, 6);
    load_text(w, "plan", "web");
    load_text(w, "period", "1y");
    mp_key(w, "enabled");
    mp_bool(w, true);
    mp_key(w, "setup_fee");
    mp_uint(w, 0);
    mp_key(w, "recurring_fee");
    mp_uint(w, 12000);
    load_text(w, "currency", "EUR");
    load_send(w, commands);
}

void
load_shop(struct mp_writer *w, void *commands, const char *run, unsigned n, const char *provisioning)
{
    send_shop(w, commands, run, n, provisioning);
    load_take(commands, OF_SHOP);
}

void
load_shops(struct mp_writer *w, void *commands, const char *run, unsigned count, const char *provisioning)
{
    for (unsigned n = 0; n < count; n++) {
        if (n >= SHOPS_AT_ONCE) load_take(commands, OF_SHOP);
        send_shop(w, commands, run, n, provisioning);
    }
    load_take(commands, OF_SHOP * (size_t)(count < SHOPS_AT_ONCE ? count : SHOPS_AT_ONCE));
}
