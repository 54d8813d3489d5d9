/* model.h - what Pedido must do, told by the domain's tables and proto/README.md alone: the judge of the simulation.
 *
 * It includes no file of engine/, and keeps its own tables of what the log says. It is shown what the harness has in its hands:
 * each turn that is durable, with the requests it took and the answers they got; what is sent that no request asked for; what is
 * published; and now and then every row. The first thing that must not be is kept; then it looks no further. */
#ifndef SIM_MODEL_H
#define SIM_MODEL_H

#include <pedido/events.h>

#include "proto/framing.h"

struct model;

/* One event as it lies in the log. */
struct model_record {
    uint64_t       position, time, scope_position;
    uint64_t       version, scope, command_scope;
    int            type, command;
    size_t         index, count; /* within its command */
    struct pd_text id, actor, body;
};

/* A command as it came in, alone or the n-th of an array, and what it was answered; absent: it waits. */
struct model_request {
    enum pd_port   port;
    struct pd_text frame, address, answer;
    size_t         n;
    bool           array;
    uint64_t       now_ms; /* when it was decided */
    uint64_t       last;   /* of those decided together: position after what the engine then did itself; else 0 */
};

/* What is durable since the last time. */
struct model_turn {
    const struct model_request *requests;
    size_t                      request_count;
    const struct model_record  *records;
    size_t                      record_count;
    uint64_t                    now_ms, wall_us; /* when its last command was decided */
    bool                        full;      /* the disk has refused space of late */
    bool                        unread;    /* the disk could not be read in this life */
    bool                        stopping;  /* waits are let go */
};

/* Told of each command that an order was touched by: from and to are enum pd_order_state. */
typedef void model_moved(void *arg, int from, int command, int to);

struct model *model_open(uint64_t lease_ms, model_moved *moved, void *arg);
void          model_close(struct model **model);

/* What must not be, or NULL. */
const char *model_violation(const struct model *model);

/* What the reader of the log itself saw that must not be. */
void model_blame(struct model *model, const char *what);

/* The engine's process begins: refusals, waits and workers are forgotten, open leases get one full lease time. */
void model_begin_life(struct model *model, uint64_t now_ms);

void model_turn(struct model *model, const struct model_turn *turn);

/* What goes out beside the answers, after its turn: an assignment, or the answer of a wait. model_sent: that was all of it. */
void model_outgoing(struct model *model, enum pd_port port, struct pd_text address, struct pd_text body);
void model_sent(struct model *model);
void model_published(struct model *model, struct pd_text topic, struct pd_text body);

/* Which log is served from now on. A backup begins: what is in the log by now is what it will have. It is restored: the log is
 * what it was then, under another id, and so is everything that was folded from it. */
void model_serves(struct model *model, struct pd_text log);
void model_backed_up(struct model *model);
void model_names_backed_up(struct model *model); /* positions under names, as they are now */
void model_restored(struct model *model);

/* A subscriber's process begins, of a reseller or of ~all, in the log that it has kept the id of; absent: of whichever. `exact`: it
 * keeps its position with what it does for an event. It is given an event; has done what it does for it; hears that the log is
 * another one. */
void model_reader_begins(struct model *model, size_t n, struct pd_text reseller, bool exact, struct pd_text log);
/* The same, under a name that the engine has let it have: it goes by `holder`, and is told this log and this position. */
void model_reader_attached(struct model *model, size_t n, struct pd_text reseller, struct pd_text name, struct pd_text holder,
                           struct pd_text log, uint64_t position);
void model_reader_given(struct model *model, size_t n, const struct pd_event *event);
void model_reader_done(struct model *model, size_t n);
void model_reader_reset(struct model *model, size_t n);
/* Whether each has done all that there is. */
bool model_readers_at_head(const struct model *model);
void model_heartbeat(struct model *model, struct pd_text scope, uint64_t position);

/* A query's answer, and whether it was asked with the id or a cursor of another log; ListCounters, of views at the log's head. */
void model_queried(struct model *model, struct pd_text answer, bool foreign);
void model_counters(struct model *model, struct pd_text reseller, struct pd_text answer);
/* ListSubscribers, of all, between two turns. */
void model_listed(struct model *model, struct pd_text answer, uint64_t now_ms);

/* Every row, after each other, when the store says that they are folded up to the log's end; then model_rows_seen. */
void model_row(struct model *model, int row_code, struct pd_text bytes);
void model_rows_seen(struct model *model);

/* A worker has made what an assignment asks for, or a part of it; or removed it. Somebody reports what he knows nothing of. */
void model_made(struct model *model, const struct pd_assignment *assignment);
void model_removed(struct model *model, const struct pd_assignment *assignment);
void model_lied(struct model *model, struct pd_text reseller, uint64_t task, uint64_t lease);
/* At the end: what exists is what active subscriptions name, and what was abandoned by name. */
void model_look_at_servers(struct model *model);

/* The n-th order whose provisioning or clean-up has failed, as ListOrders would show it. False: there is none. */
bool     model_failed_order(const struct model *model, uint64_t n, uint64_t *ret_reseller, uint64_t *ret_order, int *ret_state);
/* The n-th open task, of whomever, as ListTasks would show it. False: there is none. */
bool     model_open_task(const struct model *model, uint64_t n, uint64_t *ret_reseller, uint64_t *ret_task);

/* What a person has to do so that everything ends: GiveUp, CancelOrder or EndSubscription. False: nothing. */
struct model_chore {
    uint64_t reseller, number; /* reseller: as model_print_of gives it */
    int      command;
};
bool     model_chore(const struct model *model, struct model_chore *ret_chore);
uint64_t model_print_of(struct pd_text text);

/* How many positions the log has, by what was shown; whether any task is still open. */
uint64_t model_last(const struct model *model);
bool     model_is_busy(const struct model *model);

#endif
