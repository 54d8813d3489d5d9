/* sim.h - what one simulated story is made of: who there is, what is on its way, how far it has come. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "clients/lib/call.h"
#include "clients/worker/worker.h"
#include "engine/bus/door.h"
#include "engine/engine.h"

enum { TURN_MAX = 64, MAIL_MAX = 4096, STEPS = 12, CLIENTS = 3, LEASE_MS = 3000, STORY_MS = 600000 };

/* Who a message is for: the engine, a client, or the worker. */
enum { TO_ENGINE = -1, TO_WORKER = CLIENTS };

struct mail {
    uint64_t at_ms;
    int      to, from; /* from: which client or the worker, when it is to the engine */
    uint64_t life;     /* of the worker's socket, of the engine's process: mail of an earlier one is lost */
    enum pd_port port;
    char    *data;
    size_t   size;
    int      job; /* >= 0: no message, but the end of the worker's job */
    bool     success;
};

struct client {
    const char *const *script; /* lines of JSON: the commands, one after another */
    size_t             at;
    bool               busy;
    struct pd_call     call;
    char               id[40];
    struct mp_writer   request;
    struct pd_text     answers[STEPS]; /* as they first came; in the story's arena */
    struct pd_text     asked[STEPS];
};

/* A turn from its first request to its answers. */
struct turn {
    struct request  requests[TURN_MAX];
    size_t          count;
    struct pd_arena arena;
};

struct sim {
    uint64_t         random, now_ms, busy_turn;
    bool             quiet;
    uint64_t         hash; /* of the story */
    struct mail      mails[MAIL_MAX];
    size_t           mail_count;
    struct books     books;
    struct engine   *engine;
    struct door      door;
    uint64_t         life, worker_life, crashes, lost, doubled, turns;
    uint64_t         engine_down_ms; /* until then it is not there */
    struct client    clients[CLIENTS];
    struct worker   *worker;
    int64_t          worker_wake_ms;
    struct turn      turns_open[2]; /* decided and not committed: one while the other is decided */
    uint64_t         decided, committed;
    bool             rows_left;
    struct pd_arena  arena;
};

struct now engine_time(const struct sim *s);

/* The auditor knows the log and what clients were told, nothing of the engine's inside. Aborts where they differ. */
void audit_log(struct sim *s);
void audit_answers(struct sim *s);

#endif
