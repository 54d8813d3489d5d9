/* client.h - talking to an engine: requests with answers, and the stream of events.
 *
 * A client knows the commands endpoint; the others are asked of the engine by Hello when they are first needed. A call
 * sends one body and waits for the answer with its id. When none comes in time, the socket is opened anew and the same
 * bytes are sent again, with the same id: the engine does nothing twice. Nothing here blocks for ever, and nothing is
 * thread-safe: use a client in one thread. */
#ifndef PEDIDO_CLIENT_H
#define PEDIDO_CLIENT_H

#include <pedido/messages.h>

#define PD_DEFAULT_ENDPOINT "tcp://127.0.0.1:7411"

enum pd_client_status {
    PD_CLIENT_OK,
    PD_CLIENT_NO_ANSWER,    /* in time, though it was sent again */
    PD_CLIENT_BAD_ENDPOINT, /* cannot be connected to */
    PD_CLIENT_BAD_ANSWER,   /* not what the protocol says */
};

struct pd_client_options {
    const char *endpoint;   /* of the commands port */
    uint32_t    timeout_ms; /* for one answer, until the request is sent again */
    uint32_t    retries;    /* how often it is sent again */
    void (*talk)(void *context, const char *line); /* what a person should know meanwhile; or NULL */
    void *talk_context;
};
#define PD_CLIENT_DEFAULTS {.endpoint = PD_DEFAULT_ENDPOINT, .timeout_ms = 5000, .retries = 2}

struct pd_client;

/* Connects to nothing yet. The options are copied. */
enum pd_client_status pd_client_open(const struct pd_client_options *options, struct pd_client **ret_client);
void                  pd_client_close(struct pd_client **client);

/* A sentence about the last call that was not PD_CLIENT_OK. */
const char *pd_client_problem(const struct pd_client *client);

struct pd_client_request {
    enum pd_port   port;    /* commands, queries or workers */
    struct pd_text id;      /* of the request; of the first one in an array */
    struct pd_text bytes;   /* one MessagePack value: a request's map, or an array of them */
    uint32_t       wait_ms; /* how long the engine was asked to hold the answer */
};

/* The answer's bytes, valid until the client's next call. `busy` is waited out and sent again; other refusals are answers. */
enum pd_client_status pd_client_call(struct pd_client *client, const struct pd_client_request *request,
                                     struct pd_text *ret_answer);

/* What Hello answered, asked once; valid while the client is open. */
enum pd_client_status pd_client_hello(struct pd_client *client, const struct pd_hello_reply **ret_hello);

/* A new id for a command: a UUID of version 7, so that ids sort by time. */
enum { PD_ID_SIZE = 37 };
void pd_client_new_id(char ret_id[PD_ID_SIZE]);

/* Events whose topic starts with a prefix that ends in '/', such as "default/". */
struct pd_subscriber;

enum pd_client_status pd_subscriber_open(struct pd_client *client, struct pd_text prefix,
                                         struct pd_subscriber **ret_subscriber);
void                  pd_subscriber_close(struct pd_subscriber **subscriber);

/* The next event or heartbeat; PD_CLIENT_NO_ANSWER when the time is over. Both texts are valid until the next call. */
enum pd_client_status pd_subscriber_next(struct pd_subscriber *subscriber, uint32_t timeout_ms, struct pd_text *ret_topic,
                                         struct pd_text *ret_body);

#endif
