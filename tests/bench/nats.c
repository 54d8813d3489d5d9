/* nats.c - messages published to a JetStream stream, so many outstanding, each acknowledged by the stream: the text protocol of
 * NATS spoken by hand, since Debian has no client. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/check.h"
#include "tests/bench/load.h"
#include "tests/bench/reference.h"

enum { IN_MAX = 1 << 20, PUBLISH_MAX = 70000, BODY_MAX = 65536, OUT_MAX = 1 << 20 };

struct nats {
    int    socket;
    char   in[IN_MAX + 1], out[OUT_MAX];
    size_t in_size, out_size, publish_size;
    char   publish[PUBLISH_MAX]; /* one message, as it is sent */
};

static void
send_all(int socket, const char *bytes, size_t size)
{
    for (ssize_t sent; size > 0; bytes += sent, size -= (size_t)sent) PD_CHECK((sent = send(socket, bytes, size, 0)) > 0);
}

static void
send_text(struct nats *n, const char *text)
{
    send_all(n->socket, text, strlen(text));
}

/* Reads until a line begins so; what stands up to its end is forgotten. */
static void
wait_for(struct nats *n, const char *words)
{
    for (;;) {
        n->in[n->in_size] = '\0';
        char *found = strstr(n->in, words), *end = found == NULL ? NULL : strstr(found, "\r\n");
        if (end != NULL) {
            n->in_size -= (size_t)(end + 2 - n->in);
            memmove(n->in, end + 2, n->in_size);
            return;
        }
        PD_CHECK(strstr(n->in, "-ERR") == NULL && n->in_size < IN_MAX);
        ssize_t got = recv(n->socket, n->in + n->in_size, IN_MAX - n->in_size, 0);
        PD_CHECK(got > 0);
        n->in_size += (size_t)got;
    }
}

static void
open_stream(struct nats *n, const char *port, size_t bytes)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    static const char  stream[] = "{\"name\":\"bench\",\"subjects\":[\"bench.event\"],\"storage\":\"file\","
                                  "\"retention\":\"limits\",\"max_msgs\":-1,\"max_bytes\":-1,\"num_replicas\":1}";
    char               line[sizeof stream + 100];
    int                on = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    PD_CHECK((n->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) >= 0);
    PD_CHECK(connect(n->socket, (struct sockaddr *)&address, sizeof address) == 0);
    setsockopt(n->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    send_text(n, "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nPING\r\nSUB made 1\r\nSUB ack 2\r\n");
    wait_for(n, "PONG");
    snprintf(line, sizeof line, "PUB $JS.API.STREAM.CREATE.bench made %zu\r\n%s\r\n", sizeof stream - 1, stream);
    send_text(n, line);
    wait_for(n, "\"did_create\":true");
    int head = snprintf(n->publish, sizeof n->publish, "PUB bench.event ack %zu\r\n", bytes);
    PD_CHECK(bytes <= BODY_MAX);
    memset(n->publish + head, 'x', bytes);
    memcpy(n->publish + head + bytes, "\r\n", 2);
    n->publish_size = (size_t)head + bytes + 2;
}

static void
publish(struct nats *n, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        memcpy(n->out + n->out_size, n->publish, n->publish_size);
        n->out_size += n->publish_size;
        if (n->out_size + n->publish_size <= OUT_MAX && i + 1 < count) continue;
        send_all(n->socket, n->out, n->out_size);
        n->out_size = 0;
    }
}

/* Each is "MSG ack 2 <bytes>", and a line that tells the stream and the number. */
static size_t
take_acknowledgements(struct nats *n)
{
    size_t  count = 0;
    ssize_t got = recv(n->socket, n->in + n->in_size, IN_MAX - n->in_size, 0);

    PD_CHECK(got > 0);
    n->in_size += (size_t)got;
    n->in[n->in_size] = '\0';
    char *at = n->in;
    for (char *end; (end = strstr(at, "\r\n")) != NULL; at = end + 2) {
        if (strncmp(at, "PING", 4) == 0) send_text(n, "PONG\r\n");
        if (*at != '{') continue;
        PD_CHECK(strncmp(at, "{\"stream\":\"bench\"", 17) == 0);
        count++;
    }
    n->in_size -= (size_t)(at - n->in);
    memmove(n->in, at, n->in_size);
    return count;
}

int
publish_nats(const char *port, char *const *settings)
{
    static struct nats n;
    size_t             outstanding = (size_t)load_number(settings, "outstanding", 1024);
    uint64_t           count = 0;

    open_stream(&n, port, (size_t)load_number(settings, "bytes", 109));
    uint64_t begun = load_now_us(), end = begun + (uint64_t)(load_number(settings, "seconds", 1) * 1e6);
    publish(&n, outstanding);
    while (load_now_us() < end) {
        size_t done = take_acknowledgements(&n);
        publish(&n, done);
        count += done;
    }
    printf("{\"count\":%" PRIu64 ",\"rate\":%.0f}\n", count, (double)count * 1e6 / (double)(load_now_us() - begun));
    close(n.socket);
    return EXIT_SUCCESS;
}
