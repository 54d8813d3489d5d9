/* worker.h - the worker's side of proto/README.md section 7, as a step without sockets, processes or clock.
 *
 * The caller owns one DEALER socket, the processes and the time. It hands in what happened and does what comes out, in the
 * order in which it stands there, and comes again at `next_wake` at the latest. The socket is first opened to the commands
 * port for Hello, then to the workers port; after lease_ms of silence all of that begins anew, with the leases kept.
 *
 * A job is one lease. It waits for a free slot, runs, and is reported until the engine has answered. One that is to be given
 * back, or runs for too long, is stopped and then reported. A job whose lease is lost is dropped: its process is stopped and what
 * it says is no longer told.
 *
 * To leave is to finish first (see enum worker_in_kind). Time is the caller's; of the wall clock only the engine's is used, by
 * what it said in Hello. */
#ifndef CLIENTS_WORKER_WORKER_H
#define CLIENTS_WORKER_WORKER_H

#include "proto/arena.h"
#include "proto/msgpack.h"

#include <pedido/messages.h>

enum {
    WORKER_GROUPS_MAX = 16,
    WORKER_SLOTS_MAX  = 64,
    WORKER_JOBS_MAX   = 2 * WORKER_SLOTS_MAX + 16, /* those that run, those that wait and those that are reported */
    WORKER_TEXT_MAX   = 200,                       /* bytes of a message: the protocol's `text` */
    WORKER_OUTPUT_MAX = 2000,                      /* bytes of the end of what was printed: the protocol's `output` */
    WORKER_OPERATIONS_MAX = 2,
    WORKER_ID_MAX     = 64,
};

struct worker_options {
    struct pd_text endpoint; /* the commands port */
    struct pd_text name;
    struct pd_text nonce; /* 1-32 random letters: makes the ids of this run its own */
    struct pd_text groups[WORKER_GROUPS_MAX];
    size_t         group_count;
    struct pd_text operations[WORKER_OPERATIONS_MAX]; /* none: all that there are */
    size_t         operation_count;
    size_t         slots;
    int64_t        time_limit_ms; /* of one run; 0: only the task's deadline */
    int64_t        grace_ms;      /* from being asked to end to being killed */
    int64_t        drain_ms;      /* how long WORKER_DRAIN lets processes run */
};

enum worker_in_kind {
    WORKER_TICK,     /* nothing but time */
    WORKER_FRAME,    /* `text`: a message from the socket */
    WORKER_PROGRESS, /* `job` said how far it is */
    WORKER_ENDED,    /* `job` has ended; also said of a job that was stopped */
    WORKER_DRAIN,    /* leave: finish what runs, within drain_ms, and give back what waits */
    WORKER_LEAVE,    /* leave now: stop what runs and give it back */
};

struct worker_in {
    enum worker_in_kind kind;
    struct pd_text      text; /* WORKER_FRAME; PROGRESS and ENDED: the message, absent when there is none */
    size_t              job;
    bool                has_percent;
    uint64_t            percent;
    bool                unasked; /* ENDED: before it was asked to, if it was: what it says counts */
    bool                success;
    bool                retryable; /* ENDED without success: it may work another time */
    struct pd_text      code;      /* ENDED without success: a word for programs, or absent */
    struct pd_text      output;    /* ENDED: the end of what it printed, or absent */
    struct pd_pair     *parameters;
    size_t              parameter_count;
};

enum worker_action_kind {
    WORKER_OPEN,  /* close the socket, open one to `text` */
    WORKER_SEND,  /* send `text` as one message */
    WORKER_START, /* start a process for `job` */
    WORKER_STOP,  /* stop the process of `job`; WORKER_ENDED must follow */
    WORKER_NOTE,  /* for the log: `what`, with `text` when there is one */
    WORKER_EXIT,  /* it is over; `what` is NULL or says what is wrong, with `text` */
};

struct worker_action {
    enum worker_action_kind     kind;
    struct pd_text              text;
    const char                 *what;
    size_t                      job;
    const struct pd_assignment *task; /* START, STOP: what `job` is about; NOTE: that, or NULL */
    struct worker_action       *next;
};

/* A report that is repeated until it is answered. One that is new waits while others are under way, and then goes with all that
 * wait; one that is repeated goes alone, whatever it was that kept the engine from answering. */
struct worker_report {
    bool             open, waits;
    uint32_t         sent; /* how often since the engine was found or last heard about it */
    char             id[WORKER_ID_MAX];
    struct mp_writer frame;
    int64_t          again_ms;
};

enum worker_job_state {
    WORKER_FREE,
    WORKER_WAITING,
    WORKER_RUNNING,
    WORKER_STOPPING, /* asked to end; then it is given back, or is over its time */
    WORKER_DROPPED,  /* asked to end; the lease is another's */
    WORKER_REPORTING,
};

enum worker_outcome { WORKER_SUCCEEDED, WORKER_FAILED, WORKER_RELEASED };

struct worker_job {
    enum worker_job_state state;
    uint64_t              order; /* of arrival */
    struct pd_arena       arena; /* holds the task */
    struct pd_assignment  task;
    struct worker_report  result, progress;
    enum worker_outcome   outcome;   /* REPORTING: of `result` */
    const char           *reason;    /* STOPPING: why, for people */
    bool                  overdue;   /* STOPPING: it is a failure, not given back */
    bool                  lost;      /* REPORTING: of a lease that is not ours any more */
    int64_t               limit_ms;  /* RUNNING: by --time-limit; 0: none */
    int64_t               progress_from_ms; /* not sooner: a script that floods does not flood the log */
    bool                  has_news, has_percent; /* progress that waits: the last word of each kind */
    uint64_t              percent;
    char                  message[WORKER_TEXT_MAX];
    size_t                message_size;
};

enum worker_phase { WORKER_FINDING, WORKER_WORKING, WORKER_GOODBYE, WORKER_GONE };

/* Each takes no more tasks; in order of haste. */
enum worker_leaving {
    WORKER_STAYING,
    WORKER_DRAINED,  /* the engine asked: everything held is done first */
    WORKER_DRAINING, /* what runs is done first, until leave_by_ms */
    WORKER_LEAVING,  /* nothing is; what was asked to end is waited for, and reports, until leave_by_ms */
};

struct worker {
    struct worker_options options;
    enum worker_phase     phase;
    enum worker_leaving   leaving;
    bool                  refused; /* by the engine, for good, with what it said */
    char                  refusal[WORKER_TEXT_MAX];
    int64_t               leave_by_ms; /* DRAINING, LEAVING */
    int64_t               goodbye_by_ms;
    int64_t               hello_at_ms, reopen_at_ms, ready_at_ms, heard_ms;
    int64_t               heartbeat_ms, lease_ms;
    bool                  has_engine_time;
    int64_t               engine_ahead_ms; /* the engine's wall clock less ours, which is no wall clock */
    uint64_t              next_id, next_order;
    struct worker_job     jobs[WORKER_JOBS_MAX];

    struct pd_arena       scratch; /* one step's */
    struct mp_reader      reader;
    struct mp_writer      packed;
    struct worker_action *first, **last;
};

/* The options' texts must outlive the worker. */
void worker_init(struct worker *w, const struct worker_options *options);
void worker_fini(struct worker *w);

/* One step. The actions are valid until the next; times are milliseconds of a clock that never goes back. */
struct worker_action *worker_step(struct worker *w, int64_t now_ms, const struct worker_in *in, int64_t *ret_next_wake_ms);

#endif
