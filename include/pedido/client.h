/* client.h - talking to an engine: a client, what it does with a request until it is answered, and the stream as bytes.
 * <pedido/calls.h> has the typed calls, <pedido/events.h> the typed events; <pedido/pedido.h> is all of them.
 *
 * A client knows the commands endpoint; the others are asked of the engine by Hello when they are first needed. A request is
 * sent, and its answer found by its id. When none comes in time the same bytes are sent again, with the same id, on a new
 * socket if the old one has been silent since: the engine does nothing twice. Nothing here blocks for ever. Calls that wait to be
 * sent go together, see <pedido/calls.h>.
 *
 * **Threads.** A client, and all that was made from it, belongs to one thread at a time: two calls on it must not run at the
 * same time, and who hands it to another thread does so with a lock or a join between. Different clients share nothing. The
 * library starts no threads but ZeroMQ's own, takes no signal handlers, and writes to no file. A client does not survive
 * fork(): the child must leave it alone.
 *
 * **Memory.** Running out of memory, and a broken rule of the kind "must not", abort the process with a line on stderr. */
#ifndef PEDIDO_CLIENT_H
#define PEDIDO_CLIENT_H

#include <pedido/messages.h>

PD_BEGIN_DECLARATIONS

#define PD_DEFAULT_ENDPOINT "tcp://127.0.0.1:7411"

enum pd_client_status {
    PD_CLIENT_OK,
    PD_CLIENT_NO_ANSWER,    /* in time, though it was sent again: it may have been carried out or not. Send the same id again */
    PD_CLIENT_BAD_ENDPOINT, /* cannot be connected to: not what ZeroMQ understands, or no more sockets */
    PD_CLIENT_BAD_ANSWER,   /* not what the protocol says */
    PD_CLIENT_REFUSED,      /* by the engine */
    PD_CLIENT_BAD_MESSAGE,  /* not sent: something in it cannot be right; the problem names the field */
    PD_CLIENT_BAD_OPTION,   /* an option is out of its range; the problem names it */
    PD_CLIENT_FULL,         /* not sent: so many calls are outstanding already. Poll, then try again */
    PD_CLIENT_IN_CALLBACK,  /* not done: what waits may not be called from a callback */
    PD_CLIENT_CLOSED,       /* the client was closed before the answer came: as PD_CLIENT_NO_ANSWER */
    PD_CLIENT_RESET,        /* the engine has another log now: positions mean nothing in it, see pd_subscriber_follow */
};

enum {
    PD_CLIENT_OUTSTANDING     = 1024,  /* calls that may be outstanding when the options do not say */
    PD_CLIENT_OUTSTANDING_MAX = 65536,
};

struct pd_client_options {
    const char *endpoint;   /* of the commands port: tcp://... or ipc://...; NULL: PD_DEFAULT_ENDPOINT */
    uint32_t    timeout_ms; /* for one answer, until the request is sent again; 0: 5,000 */
    uint32_t    retries;    /* how often it is sent again; the pauses between grow from 0.1 to 2 seconds */
    void (*talk)(void *context, const char *line); /* what a person should know meanwhile; NULL: nobody. Must not use the client */
    void    *talk_context;
    /* The library's sentences in another language: a printf format with the same conversions, constant; NULL: English. */
    const char *(*translate)(const char *format);
    /* Calls at a time, 1-65,536; 0: PD_CLIENT_OUTSTANDING. Each keeps a copy of its request, up to 1 MiB. No more than 8,192
     * commands are under way at a time, since an engine has room for 16,384 of all its clients; the others wait for their turn. */
    uint32_t outstanding;
    /* CURVE keys in Z85, 40 characters each: the engine's public one, and a pair of one's own, which has to be granted something
     * (`pedido key`). All three, or NULL: nothing is encrypted, as on ipc. The secret is wiped when the client is closed. */
    const char *server_key, *public_key, *secret_key;
};
#define PD_CLIENT_DEFAULTS {.endpoint = PD_DEFAULT_ENDPOINT, .timeout_ms = 5000, .retries = 2}

struct pd_client;

/* The sizes of all structs together, as the program knows them: pd_client_open hands them to the library by pd_client_open_for,
 * which nobody calls otherwise. */
enum {
    PD_STRUCTS_SIZE = sizeof(struct pd_client_options)
#define PD_BLOCK(kind, code, name, ...) + sizeof(struct pd_##name)
#include "proto/schema.def"
};
PD_API enum pd_client_status pd_client_open_for(size_t structs_size, const struct pd_client_options *options,
                                                struct pd_client **ret_client);

/* Makes a client; it connects to nothing yet, and an engine need not run. The options are copied; NULL: PD_CLIENT_DEFAULTS.
 * PD_CLIENT_BAD_OPTION: nothing was made, and options->talk was told why; also when the library has other structs than the
 * program was compiled with. */
static inline enum pd_client_status
pd_client_open(const struct pd_client_options *options, struct pd_client **ret_client)
{
    return pd_client_open_for(PD_STRUCTS_SIZE, options, ret_client);
}

/* Ends a client and makes the pointer NULL; NULL is well. Calls that are outstanding are completed with PD_CLIENT_CLOSED, in
 * the order in which they were started, before this returns; nothing more is sent for them, but what was sent may still be carried
 * out. Does not wait. Must not be called from a callback, nor while a subscriber of the client is open. */
PD_API void pd_client_close(struct pd_client **client);

/* A sentence about the last function of this client that did not return PD_CLIENT_OK; valid until the next call. */
PD_API const char *pd_client_problem(const struct pd_client *client);

/* With which code the engine refused what that function needed, where it returned PD_CLIENT_REFUSED; else PD_OK. */
PD_API enum pd_error_code pd_client_refusal(const struct pd_client *client);

/* What Hello answered, asked once; valid while the client is open. Its texts end in NUL. Waits like a call. */
PD_API enum pd_client_status pd_client_hello(struct pd_client *client, const struct pd_hello_reply **ret_hello);

/* A new key pair, in Z85. */
enum { PD_CLIENT_KEY_SIZE = 41 /* with its NUL */ };
PD_API void pd_client_new_keys(char ret_public[PD_CLIENT_KEY_SIZE], char ret_secret[PD_CLIENT_KEY_SIZE]);

/* A new id for a command: a UUID of version 7, so that ids sort by time. */
enum { PD_ID_SIZE = 37 };
PD_API void pd_client_new_id(char ret_id[PD_ID_SIZE]);

/* ---- requests as bytes --------------------------------------------------------------------------------------------- */

struct pd_client_request {
    enum pd_port   port;    /* commands, queries or workers */
    struct pd_text id;      /* of the request; of the first one in an array */
    struct pd_text bytes;   /* one MessagePack value: a request's map, or an array of them */
    uint32_t       wait_ms; /* how long the engine was asked to hold the answer */
};

/* Sends bytes and waits for the answer's, valid until the client's next call. `busy` is waited out and sent again; other
 * refusals are answers. Completions of calls that are outstanding run meanwhile. */
PD_API enum pd_client_status pd_client_call(struct pd_client *client, const struct pd_client_request *request,
                                            struct pd_text *ret_answer);

/* ---- the stream ---------------------------------------------------------------------------------------------------- */

/* Events as they happen. ZeroMQ may drop some for a slow reader: positions show it, see <pedido/events.h>. */
struct pd_subscriber;

/* Subscribes to topics that begin with a prefix of at most 200 bytes that ends in '/', such as "default/", or to one heartbeat
 * ("default/~head"). PD_CLIENT_BAD_OPTION: it is not so. Asks Hello if that was not done yet. The subscriber is closed before
 * its client. */
PD_API enum pd_client_status pd_subscriber_open(struct pd_client *client, struct pd_text prefix,
                                                struct pd_subscriber **ret_subscriber);
PD_API void                  pd_subscriber_close(struct pd_subscriber **subscriber);

/* One more prefix, by the same rules. */
PD_API enum pd_client_status pd_subscriber_add(struct pd_subscriber *subscriber, struct pd_text prefix);

/* The next event or heartbeat as it came; PD_CLIENT_NO_ANSWER when the time is over or a signal came. Both texts are valid
 * until the next call. */
PD_API enum pd_client_status pd_subscriber_next(struct pd_subscriber *subscriber, uint32_t timeout_ms,
                                                struct pd_text *ret_topic, struct pd_text *ret_body);

/* A descriptor for a loop of one's own, for reading only, and the subscriber's. It becomes readable once for possibly many
 * events (it is edge-triggered): take events with a time-out of 0 until PD_CLIENT_NO_ANSWER before waiting on it, also the
 * first time. */
PD_API int pd_subscriber_fd(const struct pd_subscriber *subscriber);

PD_END_DECLARATIONS

#endif
