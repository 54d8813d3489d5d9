/* replay.c - the log from its beginning: as libpedido follows it, and as pages of it. Each position must come, in order. */
#include <inttypes.h>
#include <pedido/pedido.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#include "proto/check.h"
#include "tests/bench/reading.h"

enum { PAGE = 1000, WAIT_MS = 10000 };

static int
say(uint64_t events, uint64_t bytes, uint64_t begun_us)
{
    double seconds = (double)(load_now_us() - begun_us) / 1e6;

    printf("{\"events\":%" PRIu64 ",\"rate\":%.0f,\"megabytes_s\":%.1f}\n", events, (double)events / seconds,
           (double)bytes / 1e6 / seconds);
    return EXIT_SUCCESS;
}

int
follow(const char *commands, uint64_t events)
{
    struct pd_client_options options = PD_CLIENT_DEFAULTS;
    struct pd_follow_options from = {.reseller = PD_TEXT("~all"), .from = 1};
    struct pd_client        *client;
    struct pd_subscriber    *subscriber;
    struct pd_event          event = {0};
    uint64_t                 begun = 0, bytes = 0, seen = 0;

    options.endpoint = commands;
    PD_CHECK(pd_client_open(&options, &client) == PD_CLIENT_OK);
    PD_CHECK(pd_subscriber_follow(client, &from, &subscriber) == PD_CLIENT_OK);
    while (seen < events) {
        PD_CHECK(pd_subscriber_event(subscriber, WAIT_MS, &event) == PD_CLIENT_OK && event.position == seen + 1);
        if (seen++ == 0) begun = load_now_us(); /* it was waiting for a heartbeat */
        bytes += event.bytes.size;
    }
    pd_event_fini(&event);
    pd_subscriber_close(&subscriber);
    pd_client_close(&client);
    return say(seen, bytes, begun);
}

static void
pack_page(struct mp_writer *w, uint64_t from)
{
    mp_writer_clear(w);
    mp_map(w, 4);
    load_text(w, "type", "ReadLog");
    load_text(w, "id", "1");
    mp_key(w, "limit");
    mp_uint(w, PAGE);
    mp_key(w, "data");
    mp_map(w, 2);
    mp_key(w, "all");
    mp_bool(w, true);
    mp_key(w, "from");
    mp_uint(w, from);
}

/* The positions of a page: each event's stands first. */
static uint64_t
count_page(const char *bytes, size_t size, uint64_t from)
{
    const char *end = bytes + size, *at = load_after(bytes, size, "\xa6" "events");
    size_t      count = load_array_size(at);

    at += (unsigned char)*at == 0xdc ? 3 : 1;
    for (size_t i = 0; i < count; i++, at = mp_skip(at, end))
        PD_CHECK(load_uint(load_after(at, (size_t)(end - at), "\xa8position")) == from + i);
    return count;
}

int
read_pages(const char *queries, uint64_t events)
{
    void            *context = zmq_ctx_new(), *socket = load_socket(context, ZMQ_DEALER, queries, false);
    struct mp_writer w = {0};
    zmq_msg_t        page;
    uint64_t         begun = load_now_us(), bytes = 0, seen = 0;

    while (seen < events) {
        pack_page(&w, seen + 1);
        PD_CHECK(zmq_send(socket, w.data, w.size, 0) >= 0);
        zmq_msg_init(&page);
        PD_CHECK(zmq_msg_recv(&page, socket, 0) > 0);
        uint64_t count = count_page(zmq_msg_data(&page), zmq_msg_size(&page), seen + 1);
        PD_CHECK(count > 0);
        seen += count;
        bytes += zmq_msg_size(&page);
        zmq_msg_close(&page);
    }
    say(seen, bytes, begun);
    zmq_close(socket);
    zmq_ctx_term(context);
    mp_writer_fini(&w);
    return EXIT_SUCCESS;
}
