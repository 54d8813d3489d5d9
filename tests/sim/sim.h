/* sim.h - one seed's world: who there is, what is on its way, what goes wrong.
 *
 * The real engine, its door and slots, the worker's and the client's step run in one thread under one random number: time goes
 * from one thing that is due to the next. world.c: chance, clock, network. clients.c and commands.c: people. repairs.c: those
 * who put things right. workers.c: workers and liars. subscribers.c and library.c: who follows the log. names.c: what people do
 * with the names of subscribers. disk.c: the disk's faults. host.c: the engine's process. reading.c: its views and queries.
 * restore.c: its backups. model.h: the judge. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <stdio.h>

#include "clients/lib/call.h"
#include "clients/lib/checkpoint.h"
#include "clients/lib/json.h"
#include "clients/worker/worker.h"
#include "engine/bus/slots.h"
#include "tests/sim/counts.h"
#include "tests/sim/model.h"

enum {
    CLIENTS = 8, WORKERS = 4, LIAR = CLIENTS + WORKERS, FIRST_SUBSCRIBER, SUBSCRIBERS = 7, FIRST_NAMED = 3, TO_ENGINE = -1,
    MAIL_MAX = 8192, LEASE_MS = 3000, COMMANDS = 2000, CRASHES = 5, KNOWN_ORDERS = 10, OLD_FRAMES = 4, OVERHEARD = 8,
    HOUR_MS = 3600000, CALM_MS = HOUR_MS,
};

struct mail {
    uint64_t     at_ms, order; /* order: of sending, where times are equal */
    int          to, from;     /* TO_ENGINE, a client, CLIENTS + a worker, or FIRST_SUBSCRIBER + a subscriber */
    uint64_t     life;         /* of the peer's socket, or of the worker's process: mail for an earlier one is lost */
    enum pd_port port;
    char        *data;
    size_t       size, topic;  /* topic: so many bytes in front are an event's topic */
    bool         is_job;       /* no message, but a worker's task that goes on (percent) or ends */
    size_t       job;
    uint64_t     serial; /* of the job: its place may be another's by now */
    bool         success, ends;
};

struct known_order {
    char     reference[32];
    unsigned reseller;
    uint64_t customer, number, total;
    int      state; /* enum pd_order_state, as far as was heard */
};

struct client {
    int                number;
    uint64_t           wake_ms, life, made;
    size_t             set_up; /* lines of the shop's set-up that are done */
    bool               busy;
    struct pd_call     call;
    uint32_t           patience_ms; /* how long its command may wait */
    char               id[64];
    struct mp_writer   frame;
    struct known_order orders[KNOWN_ORDERS], *about;
    struct known_order foreign;    /* another's, that is mended */
    struct known_order *regretted; /* tried again, and soon cancelled */
    struct mp_writer   old[OLD_FRAMES]; /* what was answered, to be copied */
    char               old_ids[OLD_FRAMES][64];
    size_t             old_count;
};

/* What a worker's process is at; `killed`: it is no more, and whatever comes of it changes nothing. */
struct sim_job {
    uint64_t          serial, task, lease;
    enum pd_operation operation;
    char              reseller[16], instance[40];
    bool              killed;
    int               way; /* in which it fails */
};

struct sim_worker {
    struct worker   *step;
    uint64_t         life, process, wake_ms, cut_off_ms; /* process: of its jobs */
    uint64_t         serial;
    char             name[8], nonce[24];
    struct sim_job   jobs[WORKER_JOBS_MAX];
    struct mp_writer ready; /* its last */
    bool             leaving, gone;
};

/* An assignment that the liar has overheard. */
struct overheard {
    char     reseller[16];
    int      worker;
    uint64_t task, lease;
};

/* A program that follows the log with libpedido, all of which runs here: library.c is what lies below it. */
struct sim_socket;
struct sim_subscriber {
    int                   number;
    const char           *reseller;
    bool                  exact;     /* it keeps its position with what it does for an event; else the library's checkpoint */
    const char           *name;      /* NULL, or under which the engine keeps it; others follow under it, too */
    char                  holder[72]; /* as it calls itself there */
    bool                  waiting;   /* in the library, for an answer: meanwhile the world goes on */
    bool                  refused;   /* it has heard that the name is not its own any more */
    uint64_t              cut_off_ms, slow_ms; /* until then nothing goes out or comes in; it is at an event, and says so */
    struct pd_checkpoint  kept;      /* on its disk, in either way; log "": there is none */
    struct pd_client     *client;    /* NULL: the process is down */
    struct pd_subscriber *stream;
    struct pd_event       event;
    bool                  given;     /* the event, and what is to be done for it is not yet */
    bool                  dying;     /* nothing is kept any more */
    uint64_t              wake_ms, asked;
    struct sim_socket    *sockets;   /* a list */
};

struct host; /* the engine's process */

struct sim {
    uint64_t         seed, random, now_ms, hash, sent, resends;
    int64_t          wall_us; /* the wall clock beside the steady one */
    bool             calm;    /* nothing goes wrong any more */
    bool             reads;   /* there are views, and who reads: in half of the seeds */
    FILE            *story;   /* NULL: nobody reads it */
    struct counts    counts;
    struct mail     *mails; /* a heap */
    size_t           mail_count;
    struct client    clients[CLIENTS];
    struct sim_worker workers[WORKERS];
    struct overheard overheard[OVERHEARD];
    uint64_t         overheard_count;
    uint64_t         lie_ms, change_ms; /* when the liar speaks, and the clock or the disk changes */
    uint64_t         crash_at[CRASHES]; /* so many commands */
    size_t           crashes;
    enum fault       crash;             /* the next one's kind */
    struct sim_subscriber subscribers[SUBSCRIBERS];
    uint64_t         sockets; /* of theirs, so far */
    struct host     *host;
    struct model    *model;
};

/* From 0 to of - 1. */
uint64_t chance(struct sim *s, uint64_t of);
/* Whether what happens once in `of` times happens now; then it is counted. Never in calm. */
bool     befalls(struct sim *s, enum fault fault, uint64_t of);
void     tell(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void     tell_message(struct sim *s, const char *what, struct pd_text frame, const struct pd_block *block);
void     note(struct sim *s, struct pd_text bytes); /* into the hash */
struct now sim_time(const struct sim *s);

void post(struct sim *s, struct mail mail, struct pd_text body);      /* arrives */
void send_mail(struct sim *s, struct mail mail, struct pd_text body); /* may be lost, doubled, late */

void clients_open(struct sim *s);
void clients_close(struct sim *s);
void client_step(struct sim *s, struct client *client, struct pd_text answer);
void make_command(struct sim *s, struct client *client);
bool shop_is_open(const struct sim *s);
/* In calm: what a person does so that everything ends. False: nothing is to be done. */
bool make_chore(struct sim *s, struct client *client);
/* repairs.c: what is done about orders that were opened, subscriptions and tasks. */
json_t *repair_order(struct sim *s, const struct known_order *order);
unsigned reseller_of(uint64_t print); /* the reseller's number, by what the judge calls it */
json_t *correct_and_retry(struct sim *s, const struct known_order *order);
json_t *end_cleanup(struct sim *s, const struct known_order *order);
json_t *make_repair(struct sim *s);
/* commands.c: JSON with ' for ", and a command about an order. */
json_t *parse(const char *format, ...) __attribute__((format(printf, 1, 2)));
json_t *about_order(struct sim *s, const char *type, const struct known_order *order);
json_t *chore_of(struct sim *s);
/* names.c: what somebody asks about a subscriber with a name. */
json_t *make_name(struct sim *s);
extern const char *const resellers[];
enum { RESELLERS = 3, CUSTOMERS = 5 };

void workers_open(struct sim *s);
void workers_close(struct sim *s);
void worker_hear(struct sim *s, const struct mail *mail);
void worker_tick(struct sim *s, struct sim_worker *worker);
void tell_lie(struct sim *s);

void audience_open(struct sim *s);
void audience_close(struct sim *s);
void subscriber_step(struct sim *s, struct sim_subscriber *subscriber);
void subscriber_hear(struct sim *s, const struct mail *mail);
/* Whether anybody is subscribed to a topic; and what is published goes out to them. */
bool subscribers_want(const struct sim *s, struct pd_text topic);
void subscribers_publish(struct sim *s, struct pd_text topic, struct pd_text body);

/* library.c: a subscriber's process, as far as libpedido is concerned. */
void library_enter(struct sim *s, struct sim_subscriber *subscriber); /* before it calls the library */
void library_open(struct sim *s, struct sim_subscriber *subscriber);
void library_close(struct sim *s, struct sim_subscriber *subscriber);
/* A message has arrived at one of its sockets. False: that is closed. */
bool library_receive(struct sim *s, struct sim_subscriber *subscriber, const struct mail *mail);
/* Its open socket for the stream, or NULL; that it hears nothing any more. */
struct sim_socket *library_stream(const struct sim_subscriber *subscriber);
uint64_t           library_life(const struct sim_socket *socket);
void               library_cut(struct sim_socket *socket);
bool               library_is_cut(const struct sim_socket *socket);

/* Goes on to what is due next, at most until then: for who waits in the midst of something. */
void world_goes_on(struct sim *s, uint64_t until_ms);

void     host_open(struct sim *s);
void     host_close(struct sim *s);
void     host_hear(struct sim *s, const struct mail *mail);
uint64_t host_wake_ms(const struct sim *s);
void     host_step(struct sim *s);
void     host_change_disk(struct sim *s);
bool     host_is_up(const struct sim *s);
void     host_look_at_rows(struct sim *s);

/* reading.c: the read side of the engine's process. */
uint64_t reading_wake_ms(const struct sim *s);
void     reading_step(struct sim *s);
bool     reading_is_at_head(const struct sim *s);

/* A directory for what a seed leaves on a real disk: the marks of backups. Made and removed by main.c. */
extern char scratch_dir[64];
void remove_tree(const char *dir);

/* One seed, from the empty log to its end. NULL, or what must not be; `ret_counts` and `ret_hash` are set. */
const char *run_seed(uint64_t seed, FILE *story, struct counts *ret_counts, uint64_t *ret_hash);

#endif
