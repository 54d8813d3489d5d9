/* engine.h - the turn, in three steps.
 *
 *     decide       for each command that waited: authorise, seen before?, decide, evolve rows; what it leaves is a batch
 *     commit       the batch's events, chained       <- on stable storage
 *                  then, and only then: answers, assignments, publication
 *     write rows   now and then, what all turns since the last time have made of them
 *
 * While one turn is committed the next is decided, and goes on taking commands until the commit is over: so a turn is what queued
 * during the last commit, and neither disk nor processor waits.
 *
 * Steps without threads, clock, sockets or files of their own (the books are given). One thread calls engine_decide and
 * engine_seal, one engine_commit, one engine_write_rows; it may be the same. Whoever does not care calls engine_turn.
 *
 * A turn whose commit fails ends the process: the supervisor restarts it, and what was not committed was not answered.
 * Memory that a turn changes (index, scopes, tasks, ids) is therefore changed at once and never undone; before a command's
 * first event is appended, every row that its events touch has been read (fold_preload), so that damage is met while
 * nothing has changed. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "engine/base/clock.h"
#include "engine/keys.h"
#include "engine/scopes.h"
#include "engine/store/books.h"
#include "engine/store/record.h"
#include "proto/framing.h"

struct engine;

struct engine_options {
    uint64_t            lease_ms;     /* a lease that is not renewed for this long is lost */
    uint64_t            busy_turn;    /* a turn of so many commands leaves its rows to a later one to be written; 0: the default */
    uint64_t            young;        /* changes of the index that are kept in memory before they are written; 0: the default */
    uint64_t            known_commands; /* so many last commands are known again by their ids; 0: the default */
    pd_time_us          order_expiry_us; /* an order that is left unopened for so long is cancelled; 0: 30 days */
    bool                index_apart;  /* somebody else calls index_work; else engine_turn does all that there is */
    bool                views;        /* rows are written with what has changed: views follow */
    uint64_t            rows_ms;      /* rows are left to be written no more often than this, but when somebody asks for them */
    struct keys_options keys;
    struct pd_endpoints endpoints;    /* told by Hello; texts outlive the engine */
    struct pd_endpoints local_endpoints; /* told to users of this machine; absent texts: the others */
    struct pd_text      software;
    struct measures    *measures; /* refusals are counted there; NULL: nowhere */
};

enum {
    LEASES_AT_ONCE    = 1024,     /* handed out before other commands have their turn */
    TURN_BYTES_MAX    = 2 << 20,  /* of events */
    EPOCH_MEMORY_MAX  = 48 << 20, /* bytes */
    EPOCH_BYTES_MAX   = 8 << 20,  /* of its events and of the rows it has read: more than its rows are when they are written */
    EPOCH_ROWS_MAX    = 16384,    /* changed and not yet written */
    BUSY_TURN         = 128,
    KNOWN_COMMANDS    = 1 << 20, /* the least: the protocol promises it */
};

/* One request, and its answer when the turn is over. What the caller fills: */
struct request {
    enum pd_port      port;
    struct pd_message message;
    struct pd_refusal refusal;         /* code set: it could not be decoded; only to be answered */
    uint8_t           fingerprint[16]; /* of the command's content: engine_fingerprint */
    struct pd_text    address;         /* opaque: comes back with what is sent later */
    struct pd_text    identity;        /* the sender's key or user, as it was proven; absent: neither */
    bool              in_array;
    struct pd_arena  *arena;           /* where the answer is put */
    /* What the turn fills: */
    struct pd_text answer; /* one packed answer, to be given when the turn is committed; absent: it waits, and is sent later */
    bool           refused;
    uint64_t       id_print, order_print; /* its own, of what will be looked up; 0: not known */
};

/* What no request asked for: assignments and the answers of waits. */
struct outgoing {
    enum pd_port   port;
    struct pd_text address, body;
};

/* An event of a turn, as it is stored (without its chain) and as it was decided. */
struct appended {
    struct record  record;
    char          *bytes;
    size_t         size;
    struct pd_text reseller; /* absent: belongs to none */
    const void    *event;    /* struct pd_<event> */
};

/* Opens the engine over books: takes index and scopes from what is kept beside the rows, folds what was not written before a crash,
 * reads the open tasks (and makes all rows anew from the log, when one is known to be damaged), and commits EngineStarted (in a new
 * log also the reseller `default`), so that something durable was said before anything else is. The books stay the caller's. */
enum store_error engine_open(const struct books *books, const struct engine_options *options, struct now now,
                             struct engine **ret_engine) STORE_MUST_CHECK;
void             engine_close(struct engine **engine);

/* Decides over the first of `count` requests, for the turn that is open or a new one, and then over what is due and who gets which
 * task; *ret_taken tells how many: fewer when the turn is full, and must be sealed. A new turn may begin only when of the turns
 * before it at most one is not yet committed and its results sent. Not STORE_OK, here and below: exit. */
enum store_error engine_decide(struct engine *engine, struct now now, struct request *const *requests, size_t count,
                               size_t *ret_taken) STORE_MUST_CHECK;

/* Ends the open turn: what is due, who gets which task. It can be committed then. */
void engine_seal(struct engine *engine);

/* At a stop: every wait that is held is answered `shutting_down`, by the open turn. */
void engine_release_waits(struct engine *engine);

/* Commits the oldest turn that is sealed. */
enum store_error engine_commit(struct engine *engine) STORE_MUST_CHECK;

/* Whether that turn has left rows to be written. One who asks in engine_commit's thread hands it on. */
bool engine_leaves_rows(const struct engine *engine);

/* Writes them. *ret_written is false when there is no space: to be called again later, as no others are left until then. */
enum store_error engine_write_rows(struct engine *engine, bool *ret_written) STORE_MUST_CHECK;

/* Sees to it that there is space for two more turns, so many times, and for rows where there was none; for want of it the engine
 * reads only from the next turn on. The thread of engine_commit asks once, any other for more ahead of it. */
enum store_error engine_make_room(struct engine *engine, unsigned times) STORE_MUST_CHECK;

/* The results of the turn that was committed last, beside the answers. Valid until the second turn after it begins. */
const struct outgoing *engine_outgoing(const struct engine *engine, size_t *ret_count);
const struct appended *engine_appended(const struct engine *engine, size_t *ret_count);

/* All of it: a turn over the first of `count` requests, its commit, and the rows. */
enum store_error engine_turn(struct engine *engine, struct now now, struct request *const *requests, size_t count,
                             size_t *ret_taken) STORE_MUST_CHECK;

/* How long until a turn is due without requests, in ms; at most a second. */
uint64_t engine_idle_ms(const struct engine *engine, struct now now);

/* Of a decoded command: 128 bits over its type, expect, on_behalf_of and data, however they were packed. Any thread. */
void engine_fingerprint(const struct pd_message *message, struct mp_writer *scratch, uint8_t ret_fingerprint[16]);

/* Somebody waits for what is committed to be in the rows: they are left soon. Any thread; then the deciding one is to be woken. */
void engine_ask_rows(struct engine *engine);

/* The views have taken what changed up to a position; it may be forgotten. Any thread. */
void engine_set_projected(struct engine *engine, uint64_t position);

/* The log's id, 32 hexadecimal digits; valid while the engine is open. Any thread. */
struct pd_text engine_log(const struct engine *engine);

/* The last position that was given to an event, of the open turn as well. The deciding thread's. */
uint64_t engine_last(const struct engine *engine);

struct scopes *engine_scopes(struct engine *engine);

/* What keys were granted. */
struct keys *engine_keys(struct engine *engine);

/* The index; and whether there is work for whoever calls index_work: the deciding thread asks when a turn is sealed. */
struct index *engine_index(struct engine *engine);
bool          engine_index_waits(const struct engine *engine);

/* A last turn that leaves no rows unwritten, if there is space. */
enum store_error engine_settle(struct engine *engine, struct now now) STORE_MUST_CHECK;

/* What Health tells; as of the last commit, read by any thread. */
struct engine_figures {
    uint64_t position; /* of the log */
    uint64_t commands, refusals, turns, tasks_waiting, tasks_leased, workers;
    pd_time_us time; /* the engine's */
    bool     writable;
};
struct engine_figures engine_figures(const struct engine *engine);

/* Who follows under a name, as of a second ago at most, without heads; in the arena. Any thread. */
void engine_subscribers(struct engine *engine, struct pd_arena *arena, struct pd_subscribers_reply *ret_subscribers);

/* Who is at work, and what waits for whom, as of a second ago at most; in the arena. Any thread. */
void engine_roster(struct engine *engine, struct pd_arena *arena, struct pd_workers_reply *ret_roster);

#endif
