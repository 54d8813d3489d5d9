/* state.h - what a client holds, and its requests until they are answered.
 *
 * Every request, typed or bytes, waiting or asynchronous, is a `struct pd_pending`: client.c and calls.c make them, pending.c
 * carries them to their end. One socket for each port serves all of them. When a request's time is over and its socket has been
 * silent since it was sent, the socket is opened anew, and what else was under way on it is sent again at once, each under its
 * id and within its own time; a socket that has spoken meanwhile is kept. */
#ifndef CLIENTS_LIB_STATE_H
#define CLIENTS_LIB_STATE_H

#include <pedido/calls.h>

#include <sys/queue.h>
#include <zmq.h>

#include "clients/lib/call.h"
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
    TAILQ_ENTRY(pd_pending) link;
    struct pd_call  step;
    enum pd_port    port;
    uint64_t        sent_ms; /* the last time */
    struct pd_text  bytes;
    struct pd_taker taker;
    char            memory[]; /* the id and the bytes */
};

/* Randomness for some ids: the system is not asked for each. A child after fork() would make the same ones; a client is not its. */
enum { PD_ID_RANDOM = 10 };
struct pd_ids {
    unsigned char random[25 * PD_ID_RANDOM]; /* what getrandom() gives whole, whatever signal comes */
    size_t        left;                      /* for so many ids */
};

struct pd_client {
    struct pd_client_options options;
    char                    *endpoint;
    void                    *context;
    void                    *sockets[PORTS];
    uint64_t                 spoke_ms[PORTS]; /* when each was opened or last heard */
    zmq_msg_t                answer;          /* what came last */
    zmq_msg_t                kept;            /* what pd_client_call gave out */
    struct mp_reader         reader;
    struct mp_writer         writer;
    struct pd_ids            ids;
    struct pd_arena          arena; /* what Hello answered */
    struct pd_hello_reply   *hello;
    enum pd_client_status    hello_status; /* of the last try */
    bool                     asking;       /* Hello is under way */

    TAILQ_HEAD(, pd_pending) pending; /* in the order in which they were started */
    void    *by_id;                   /* the same, a tree of tsearch */
    size_t   count, completed;
    uint64_t wake_ms; /* no request wants anything before */
    bool     in_callback, closing;
    int      subscribers; /* that are open */
    struct pd_reply reply; /* of callbacks */

    int  loop_fd, timer_fd; /* -1: nobody asked for one */
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
    struct pd_text id, bytes; /* copied */
    uint32_t       timeout_ms;
};

/* Begins a request: it is sent, or will be when the port's endpoint is known. Not PD_CLIENT_OK: it was not begun. */
enum pd_client_status pd_pending_start(struct pd_client *client, const struct pd_pending_options *options,
                                       struct pd_taker taker);

/* Receives, sends again, completes: what there is to do now, without waiting. */
void pd_pending_drive(struct pd_client *client);

/* Waits for a socket or the next time-out, at most until `until_ms`. False: a signal came. */
bool pd_pending_wait(struct pd_client *client, uint64_t until_ms);

/* The other ports are known: what waited for them is sent. */
void pd_pending_send_waiting(struct pd_client *client);

/* Completes everything with a status; the caller has noted the problem. */
void pd_pending_end(struct pd_client *client, enum pd_client_status status);

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
