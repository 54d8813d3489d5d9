/* listen.c - live subscribers, each of all events or of those of a reseller: what reaches them, and how late. After the line that
 * says that each has heard of the engine it waits for one on standard input, with the last positions that there will be: of all, or
 * of each reseller in turn. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "proto/check.h"
#include "tests/bench/reading.h"

/* A standard subscriber's queue. WRITERS are the resellers that the writer has orders for. LAST: so many heartbeats of the last
 * position stand behind all events for certain: one may overtake them. */
enum { LISTENERS_MAX = 200, HWM = 1000, DRAIN_MAX = 256, WRITERS = 16, LAST = 2, WAIT_US = 60000000 };

struct listener {
    void    *socket;
    uint64_t next; /* the position that is to come; 0: nothing was heard yet */
    uint64_t last; /* 0: not known yet */
    int      after; /* heartbeats of the last position */
};

struct listening {
    struct listener   listeners[LISTENERS_MAX];
    zmq_pollitem_t    items[LISTENERS_MAX + 1];
    size_t            count, ready, done;
    bool              ending;
    uint64_t          delivered, missed, twice, heartbeats, ahead, first_us, last_us;
    struct load_times times;
};

static uint64_t
wall_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void
open_listener(struct listening *l, void *context, const char *endpoint, bool own, size_t i)
{
    int   linger = 0, hwm = HWM;
    char  prefix[40] = "~all/";
    void *s = zmq_socket(context, ZMQ_SUB);

    PD_CHECK(s != NULL);
    if (own) snprintf(prefix, sizeof prefix, "reseller-%zu/", i % WRITERS);
    zmq_setsockopt(s, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(s, ZMQ_RCVHWM, &hwm, sizeof hwm);
    zmq_setsockopt(s, ZMQ_SUBSCRIBE, prefix, strlen(prefix));
    PD_CHECK(zmq_connect(s, endpoint) == 0);
    l->listeners[i].socket = s;
    l->items[i] = (zmq_pollitem_t){.socket = s, .events = ZMQ_POLLIN};
}

/* All up to this position were or will never be delivered. */
static void
pass(struct listening *l, struct listener *to, uint64_t position)
{
    if (position < to->next) return;
    l->missed += position + 1 - to->next;
    to->next = position + 1;
}

/* A heartbeat may overtake events that are still to be sent, so it counts at the beginning and at the end. How often it is ahead is
 * how often somebody who follows reads the log. */
static void
take_heartbeat(struct listening *l, struct listener *to, uint64_t position)
{
    if (to->next == 0) {
        to->next = position + 1;
        l->ready++;
    }
    l->heartbeats++;
    l->ahead += position >= to->next;
    if (to->last == 0 || position < to->last || ++to->after != LAST) return;
    pass(l, to, position);
    l->done++;
}

static void
take_event(struct listening *l, struct listener *to, uint64_t position, uint64_t time_us)
{
    uint64_t now = wall_us();

    if (to->next == 0) return;
    if (position < to->next) {
        l->twice++;
        return;
    }
    if (position > to->next) pass(l, to, position - 1);
    to->next = position + 1;
    l->delivered++;
    if (l->first_us == 0) l->first_us = now;
    l->last_us = now;
    load_count(&l->times, now > time_us ? now - time_us : 0);
}

static void
drain(struct listening *l, struct listener *from)
{
    static char topic[1024], body[65536];
    int         topic_size, size;

    for (int i = 0; i < DRAIN_MAX && (topic_size = zmq_recv(from->socket, topic, sizeof topic, ZMQ_DONTWAIT)) > 0; i++) {
        PD_CHECK((size = zmq_recv(from->socket, body, sizeof body, 0)) > 0 && (size_t)size <= sizeof body);
        uint64_t position = load_uint(load_after(body, (size_t)size, "\xa8position"));
        if (topic_size > 6 && memcmp(topic + topic_size - 6, "/~head", 6) == 0) take_heartbeat(l, from, position);
        else take_event(l, from, position, load_uint(load_after(body, (size_t)size, "\xa4time")));
    }
}

/* The positions in turns, and again. */
static void
read_end(struct listening *l)
{
    uint64_t heads[WRITERS];
    size_t   count = 0;
    char     line[512], *at = line, *after;

    PD_CHECK(fgets(line, sizeof line, stdin) != NULL);
    for (; count < WRITERS && (heads[count] = strtoull(at, &after, 10), after != at); at = after) count++;
    PD_CHECK(count > 0);
    for (size_t i = 0; i < l->count; i++) l->listeners[i].last = heads[i % count];
    l->ending = true;
}

static void
listen_once(struct listening *l)
{
    zmq_poll(l->items, (int)l->count + !l->ending, 100);
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i].revents != 0) drain(l, &l->listeners[i]);
    if (!l->ending && l->items[l->count].revents != 0) read_end(l);
}

int
listen_live(const char *events, const char *scope, size_t subscribers)
{
    static struct listening l;
    void                   *context = zmq_ctx_new();

    PD_CHECK(subscribers > 0 && subscribers <= LISTENERS_MAX);
    l.count = subscribers;
    for (size_t i = 0; i < subscribers; i++) open_listener(&l, context, events, strcmp(scope, "own") == 0, i);
    l.items[subscribers] = (zmq_pollitem_t){.fd = STDIN_FILENO, .events = ZMQ_POLLIN};
    while (l.ready < subscribers) listen_once(&l);
    printf("{\"ready\":%zu}\n", subscribers);
    fflush(stdout);
    while (!l.ending) listen_once(&l);
    for (uint64_t end = load_now_us() + WAIT_US; l.done < subscribers && load_now_us() < end;) listen_once(&l);
    double seconds = l.last_us > l.first_us ? (double)(l.last_us - l.first_us) / 1e6 : 1;
    printf("{\"delivered\":%" PRIu64 ",\"missed\":%" PRIu64 ",\"twice\":%" PRIu64 ",\"heartbeats\":%" PRIu64 ",\"ahead\":%" PRIu64
           ",\"rate\":%.0f,\"p50_us\":%" PRIu64 ",\"p99_us\":%" PRIu64 "}\n",
           l.delivered, l.missed, l.twice, l.heartbeats, l.ahead, (double)l.delivered / seconds, load_percentile(&l.times, 0.5),
           load_percentile(&l.times, 0.99));
    for (size_t i = 0; i < subscribers; i++) zmq_close(l.listeners[i].socket);
    zmq_ctx_term(context);
    return EXIT_SUCCESS;
}
