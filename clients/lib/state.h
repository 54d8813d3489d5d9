/* state.h - what a client holds, and its requests until they are answered.
 *
 * Every request, typed or bytes, waiting or asynchronous, is a `struct pd_pending`: client.c and calls.c make them, pending.c
 * carries them to their end, sending.c sends them. One socket for each port serves all of them. When a request's time is over and
 * its socket has been silent since it was sent, the socket is opened anew, and what else was under way on it is sent again at
 * once, each under its id and within its own time; a socket that has spoken meanwhile is kept.
 *
 * Requests that share a message share nothing else: each has its own time, its own answer and its own way to its end. */
#ifndef CLIENTS_LIB_STATE_H
#define CLIENTS_LIB_STATE_H

#include <pedido/calls.h>

#include <sys/queue.h>
#include <zmq.h>

#include "clients/lib/call.h"
#include "proto/key_file.h"
#include "proto/schema.h"

enum { PORTS = 4 }; /* indexed by enum pd_port, from 1 */

struct pd_pending;

/* Who is told what became of a request: `take`, with the answer where the status is PD_CLIENT_OK. */
struct pd_taker {
    void (*take)(struct pd_client *client, const struct pd_pending *pending, enum pd_client_status status,
                 const msgpack_object *answer);
    const struct pd_block *block; /* typed calls; else NULL */
    pd_call_done          *done;
    void                  *context;
};

struct pd_pending {
    TAILQ_ENTRY(pd_pending) link, queue_link;
    struct pd_pending *beside; /* the next one with such a hash */
    uint64_t           hash;   /* of the id */
    struct pd_call     step;
    enum pd_port       port;
    bool               joins;     /* it may go in an array with others */
    bool               held;      /* the engine was asked to hold the answer: no other waits for it to come */
    bool               queued;    /* it stands in the queue */
    bool               under_way; /* it is counted as such */
    uint64_t           sent_ms;   /* the last time; not when only its socket was opened anew */
    struct pd_text     bytes;
    struct pd_taker    taker;
    char               memory[]; /* the id and the bytes */
};

TAILQ_HEAD(pd_pendings, pd_pending);

/* Randomness for some ids: the system is not asked for each. A child after fork() would make the same ones; a client is not its. */
enum { PD_ID_RANDOM = 10 };
struct pd_ids {
    unsigned char random[25 * PD_ID_RANDOM]; /* what getrandom() gives whole, whatever signal comes */
    size_t        left;                      /* for so many ids */
};

struct pd_client {
    struct pd_client_options options;
    char                    *endpoint;
    char                     keys[3][PD_KEY_SIZE]; /* the engine's, its own public and secret one; empty: there are none */
    void                    *context;
    void                    *sockets[PORTS];
    uint64_t                 spoke_ms[PORTS]; /* when each was opened or last heard */
    zmq_msg_t                answer;          /* what came last */
    struct pd_text           packed;          /* the answer in it that is looked at */
    zmq_msg_t                kept;            /* what pd_client_call gave out */
    struct mp_reader         reader;
    struct mp_writer         writer;
    struct pd_ids            ids;
    struct pd_arena          arena; /* what Hello answered */
    struct pd_hello_reply   *hello;
    enum pd_client_status    hello_status; /* of the last try */
    bool                     asking;       /* Hello is under way */

    struct pd_pendings  pending;  /* in the order in which they were started */
    struct pd_pending **by_id;    /* the same, by their hashes */
    size_t              id_slots; /* a power of two */
    struct pd_pendings  queue;    /* those of the commands port that are to be sent */
    size_t   count, queued, under_way, completed;
    uint64_t wake_ms; /* no request wants anything before */
    bool     in_callback, driving, closing;
    int      subscribers; /* that are open */
    struct pd_reply reply; /* of callbacks */

    int  loop_fd, timer_fd, flag_fd; /* -1: nobody asked for one */
    uint64_t timer_ms;               /* when it is due; 0: never */
    bool     flag_raised;
    char problem[400];
    enum pd_error_code refusal; /* of the last function that failed; PD_OK: it was none */
};

/* ---- problem.c */

uint64_t pd_now_ms(void);

/* A sentence's format in the program's language. */
static inline const char *
pd_client_words(const struct pd_client *client, const char *format)
{
    return client->options.translate == NULL ? format : client->options.translate(format);
}

/* Keeps a sentence for pd_client_problem, and returns the status. */
enum pd_client_status pd_client_fail(struct pd_client *client, enum pd_client_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- client.c */

/* Begins to ask Hello, unless it is known or under way. */
enum pd_client_status pd_hello_start(struct pd_client *client);

/* Carries everything on until a flag that a `take` sets has a value. Not to be had in a callback: pd_client_may_wait. */
void                  pd_client_wait(struct pd_client *client, const bool *flag, bool value);
enum pd_client_status pd_client_may_wait(struct pd_client *client);

/* ---- id.c: a new id, as pd_client_new_id makes one */

void pd_id_make(struct pd_ids *ids, char ret_id[PD_ID_SIZE]);

/* ---- pending.c */

struct pd_pending_options {
    enum pd_port   port;
    struct pd_text id, bytes;  /* copied */
    bool           joins;      /* the bytes are one map that may go in an array with others */
    uint32_t       timeout_ms;
    uint64_t       wait_ms;    /* how long the engine was asked to hold the answer */
};

/* Begins a request: it is sent, or will be. Not PD_CLIENT_OK: it was not begun. */
enum pd_client_status pd_pending_start(struct pd_client *client, const struct pd_pending_options *options,
                                       struct pd_taker taker);

/* Receives, sends again, completes: what there is to do now, without waiting. */
void pd_pending_drive(struct pd_client *client);

/* Waits for a socket or the next time-out, at most until `until_ms`. False: a signal came. */
bool pd_pending_wait(struct pd_client *client, uint64_t until_ms);

/* Completes everything with a status; the caller has noted the problem. */
void pd_pending_end(struct pd_client *client, enum pd_client_status status);

/* ---- sending.c */

/* Makes sure of the port's socket, or that Hello is asked where the port is. False: the endpoint is none. */
bool pd_sending_reach(struct pd_client *client, enum pd_port port, uint64_t now_ms);

/* Puts a request whose time to be sent it is behind those that wait; to the commands port only. */
void pd_sending_queue(struct pd_client *client, struct pd_pending *pending);

/* Sends what waits, as far as it may be sent now; whether there is such. `full`: only when there is enough for a message, or
 * nothing is under way. */
void pd_sending_flush(struct pd_client *client, bool full);
bool pd_sending_has(const struct pd_client *client);

/* Sends one request to another port. False: the endpoint is none. */
bool pd_sending_alone(struct pd_client *client, struct pd_pending *pending, uint64_t now_ms);

/* The other ports are known: what waited for them is sent. */
void pd_sending_waiting(struct pd_client *client);

/* A request waits for no answer any more, nor to be sent. */
void pd_sending_forget(struct pd_client *client, struct pd_pending *pending);

/* A request has had no answer: its socket may be dead. What else waits on it, and has time left, is sent again. */
void        pd_sending_renew(struct pd_client *client, const struct pd_pending *late, uint64_t now_ms);
void        pd_sending_close(struct pd_client *client, enum pd_port port);
const char *pd_sending_endpoint(const struct pd_client *client, enum pd_port port); /* NULL: only Hello knows it */

/* ---- memory.c: what replies and events own. NULL is none yet; begun anew, it is empty. */

struct pd_arena *pd_memory_begin(struct pd_arena *memory);
void             pd_memory_end(struct pd_arena *memory);

/* ---- loop.c: the descriptor of pd_client_fd */

void pd_loop_add(struct pd_client *client, void *socket);
void pd_loop_remove(struct pd_client *client, void *socket);
void pd_loop_close(struct pd_client *client);

/* Makes the descriptor readable when there is something to do; last in whatever may have changed that. */
void pd_loop_arm(struct pd_client *client);

#endif
