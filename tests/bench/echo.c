#include "tests/bench/echo.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#include "tests/bench/load.h"

enum { BODY_MAX = 65536, BETWEEN_LOOKS = 256 };

int
echo_server(const char *endpoint, size_t reply_bytes)
{
    void *context = zmq_ctx_new(), *s = load_socket(context, ZMQ_ROUTER, endpoint, true);
    char *reply = calloc(1, reply_bytes + 1);
    char  identity[256], body[BODY_MAX];

    for (;;) {
        int size = zmq_recv(s, identity, sizeof identity, 0);
        if (size < 0 || zmq_recv(s, body, sizeof body, 0) < 0) return 0;
        zmq_send(s, identity, (size_t)size, ZMQ_SNDMORE);
        zmq_send(s, reply, reply_bytes, 0);
    }
}

/* The answers to so many, each followed by another message over its connection. Where one is outstanding, each is timed. */
static void
exchange(struct load_peers *peers, const char *body, size_t bytes, int count, struct load_times *times)
{
    char     in[BODY_MAX];
    uint64_t sent = 0;

    if (times != NULL) sent = load_now_us();
    for (int i = 0; i < count; i++) {
        size_t peer = 0;
        load_receive_from(peers, in, sizeof in, 0, &peer);
        if (times != NULL) {
            uint64_t now = load_now_us();
            load_count(times, now - sent);
            sent = now;
        }
        load_send_to(peers, peer, body, bytes);
    }
}

int
echo(const char *endpoint, char *const *settings)
{
    static struct load_times times;
    void             *context = zmq_ctx_new();
    struct load_peers peers = load_peers_open(context, endpoint, (size_t)load_number(settings, "connections", 1));
    size_t            bytes = (size_t)load_number(settings, "bytes", 109);
    size_t            outstanding = (size_t)load_number(settings, "outstanding", 1024);
    int               round = outstanding == 1 ? 1 : BETWEEN_LOOKS;
    char             *body = calloc(1, bytes + 1);
    uint64_t          count = 0;

    for (size_t i = 0; i < outstanding; i++) load_send_to(&peers, i % peers.count, body, bytes);
    exchange(&peers, body, bytes, (int)outstanding, NULL); /* connected, all of them */
    uint64_t start = load_now_us(), end = start + (uint64_t)(load_number(settings, "seconds", 1) * 1e6);
    for (; load_now_us() < end; count += (uint64_t)round)
        exchange(&peers, body, bytes, round, outstanding == 1 ? &times : NULL);
    printf("{\"count\":%" PRIu64 ",\"rate\":%.0f", count, (double)count * 1e6 / (double)(load_now_us() - start));
    if (outstanding == 1) printf(",\"p50_us\":%" PRIu64, load_percentile(&times, 0.5));
    puts("}");
    zmq_close(peers.socket);
    zmq_ctx_term(context);
    free(body);
    return 0;
}
