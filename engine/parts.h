/* parts.h - the engine's inside, for the files it is made of: engine.c (the turn), append.c (decide and append), serve.c
 * (requests, what was seen before, waits), services.c (what is no command), own.c (the engine's own commands), commit.c (what
 * makes it durable). */
#ifndef ENGINE_PARTS_H
#define ENGINE_PARTS_H

#include <pthread.h>

#include "engine/engine.h"
#include "engine/expiry.h"
#include "engine/ids.h"
#include "engine/kept.h"
#include "engine/base/measures.h"
#include "engine/remembered.h"
#include "engine/subscribers.h"
#include "engine/tasks.h"
#include "engine/view.h"
#include "engine/waits.h"

/* What a turn leaves to be committed. There are two: while one is committed the other is filled. */
struct batch {
    struct pd_arena         arena; /* records, messages */
    struct appended        *appended;
    size_t                  appended_count, appended_capacity, bytes;
    struct outgoing        *outgoing;
    size_t                  outgoing_count, outgoing_capacity;
    size_t                  taken;  /* requests */
    uint64_t                last;   /* position of the log once it is committed */
    const struct row_table *rows;   /* whose dirty ones are to be written then; NULL: they wait */
    size_t                  rows_bytes, rows_pages; /* at most: what is written, and rewritten */
    struct kept             beside; /* what is written with them */
    struct scope_head      *heads;
    size_t                  head_count;
    const struct pd_key   **keys; /* that were granted or revoked */
    size_t                  key_count;
    struct store_entry     *kept; /* entries of the log's store; without a value: to be deleted */
    size_t                  kept_count, kept_capacity;
    struct engine_figures   figures;
};

struct engine {
    struct books          books;
    struct engine_options options;
    char                  log_text[2 * PD_LOG_ID_BYTES + 1];
    struct index         *index;
    struct scopes        *scopes;
    struct tasks         *tasks;
    struct waits         *waits;
    struct expiry         expiry_follower;
    struct remembered    *remembered;
    struct subscribers   *subscribers;
    struct keys          *keys;
    uint64_t              last, term, turn; /* of the log; the turn counts from the start of the log */
    pd_time_us            last_time;

    /* Rows and the events they were folded from live for an epoch: as many turns as are worth it under load, one when there is
     * little to do. Rows are written at its end, once, however often they changed. */
    struct pd_arena   arenas[2]; /* of the young rows and of the old ones */
    struct pd_arena  *arena;     /* the young ones' */
    struct rows       rows;
    struct folder     folder;
    bool              epoch_over; /* the next turn begins a new one */
    bool              index_works; /* for one thread that does it all: the index has work */
    size_t            epoch_bytes; /* of its events */
    uint64_t          quiet_ms;   /* not before, unless there are many: a busy turn puts it off */
    uint64_t          left_ms;    /* when rows were left last; 0: they are not to wait */
    _Atomic bool      rows_are_asked; /* since */

    /* The turn's own. */
    struct batch      *batch; /* NULL: none is open */
    struct store_reader *log_reader, *row_reader;
    struct mp_writer   writer;
    struct expiry_memo expiry;
    struct decision    decision; /* the command's that is decided now */
    struct now         now;
    bool               writable;
    struct engine_figures figures;

    struct batch      batches[2];
    _Atomic uint64_t  sealed, committed; /* turns of this life */

    uint8_t           chain[PD_CHAIN_BYTES]; /* the commit's own */

    /* Rows that a committed turn has left to be written; others can be left only when they are. */
    const struct row_table *leaving;
    struct kept       leaving_beside;
    uint64_t          leaving_last; /* the position that they are of */
    size_t            leaving_bytes, leaving_pages; /* at most */
    struct mp_writer  row_writer, change_writer;
    _Atomic uint64_t  projected; /* changes up to there may be forgotten */
    uint64_t          left_last; /* the position of the rows that were left last; the deciding step's own */
    _Atomic bool      rows_are_left; /* from the turn's seal on */
    _Atomic uint64_t  stored;        /* the position of the rows in the store */
    _Atomic bool      log_is_full, rows_are_full; /* there is no space for two more turns, or for the rows that they can leave */

    pthread_mutex_t       shown_lock;
    struct engine_figures shown;
    struct pd_arena       roster_arena; /* under the lock, with the roster in it */
    struct pd_workers_reply roster;
    uint64_t              roster_ms; /* when it was made */
    struct pd_arena       subscribers_arena; /* under the lock, with what is shown of them in it */
    struct pd_subscribers_reply subscribers_shown;
    uint64_t              subscribers_ms; /* when that was made; 0: it is not to wait */
    bool                  subscribers_changed; /* since */
};

/* A command on its way: a client's, a worker's, or the engine's own. */
struct command {
    const struct pd_block *block;
    const void            *body;
    struct pd_text         id, actor, on_behalf_of, trace;
    struct scope          *scope; /* NULL: outside any reseller */
    uint64_t               command_scope;
    bool                   has_expect, dry_run;
    uint64_t               expect;
    const uint8_t         *fingerprint;
    uint64_t               id_print; /* of reseller and id */
    bool                   remember; /* not the engine's own, which are made once */
};

/* Answers and messages, packed into the turn's arena. */
void           answer_refused(struct engine *e, struct request *r, const struct pd_refusal *refusal);
void           answer_accepted(struct engine *e, struct request *r, uint64_t position, const void *data);
void           send_later(struct engine *e, enum pd_port port, struct pd_text address);
struct lookup  lookup_for(struct engine *e, struct scope *scope);

/* An entry of the log's store is kept with the turn; its texts are the batch's. */
void           batch_keep(struct batch *batch, struct store_entry entry);

/* Runs the rule; a decision on damaged rows becomes the refusal `internal`. Then appends what it decided. */
void run_rule(struct engine *e, const struct command *c, struct decision *out);
void append_all(struct engine *e, const struct command *c, struct decision *out);
bool turn_is_full(const struct engine *e);

/* The scope an event belongs to: its command's reseller, or the one it makes; keys are of none. */
uint64_t scope_of_event(struct engine *e, const struct command *c, const struct event *event);

/* What the epoch's rows will come to when they are written, in bytes and at most; store_prepare keeps room for it. */
size_t epoch_weight(const struct engine *e);

/* A record of the log, of turns that are not yet committed as well; texts in the turn's arena or a batch's. */
bool read_record(struct engine *e, uint64_t position, struct record *ret_record);

/* A request of any port; waits that are over. */
void serve(struct engine *e, struct request *r);
/* Hints for a request that will be served soon, in steps some requests apart; the first also notes its fingerprints in it. */
enum { PREFETCH_STEPS = ROW_HINTS };
void prefetch(struct engine *e, struct request *r, int step);

/* What is no command. False: it is one. */
bool serve_service(struct engine *e, struct request *r, const struct scope *scope);

/* Who follows under a name, for ListSubscribers; in the arena. Whether any is held: then that changes by itself. */
bool services_show(struct engine *e, struct pd_arena *arena, struct pd_subscribers_reply *ret_subscribers);

/* What rules, which know rows only, cannot judge: PD_OK, or why an event cannot be skipped or a key not be granted. */
struct pd_refusal judge_service(struct engine *e, const struct request *r, const struct scope *scope);
void prefetch_task(struct engine *e, uint64_t scope, uint64_t task);
bool release_wait(void *arg, const struct wait *w);

/* The engine's own commands: at start, when something is due, when a worker is free. */
bool own_start(struct engine *e);
void own_due(struct engine *e);
void own_matches(struct engine *e);
void own_stops(struct engine *e);
void own_expiry(struct engine *e);

#endif
