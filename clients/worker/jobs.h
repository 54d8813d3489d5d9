/* jobs.h - the part of the step that is about leases: what is handed out, started, stopped and reported.
 *
 * Nothing here waits: what is to be done comes out as actions, what is to be repeated is repeated by jobs_pass_time. */
#ifndef CLIENTS_WORKER_JOBS_H
#define CLIENTS_WORKER_JOBS_H

#include "clients/worker/worker.h"
#include "proto/schema.h"

/* Appends an action of this step; the text of a note is copied. */
struct worker_action *worker_act(struct worker *w, enum worker_action_kind kind);
void                  worker_note(struct worker *w, const char *what, struct worker_job *job, struct pd_text text);
void                  worker_send(struct worker *w, const struct mp_writer *frame);

/* The second letter group of an id says what it belongs to: h(ello), r(eady), g(oodbye), t(ask). */
void worker_new_id(struct worker *w, char kind, char ret_id[WORKER_ID_MAX]);
void worker_pack(struct mp_writer *packed, const struct pd_block *block, const char *id, struct pd_text reseller, const void *data);

/* A task is handed out; an older lease of it is lost. */
void jobs_take(struct worker *w, int64_t now, const struct pd_assignment *task);

/* The lease is another's: stop working on it. A result that waits for its answer goes on waiting: it may be the one that closed
 * the task. */
void jobs_lose(struct worker *w, struct pd_text reseller, uint64_t task, uint64_t lease);
void jobs_lose_all(struct worker *w);

/* To be given back: at once when it waits, else when its process has ended. */
void jobs_stop(struct worker *w, int64_t now, struct pd_text reseller, uint64_t task, uint64_t lease);
void jobs_stop_all(struct worker *w, int64_t now, bool also_running, const char *reason);

/* What the process of `in->job` says, and how it has ended. */
void jobs_hear_progress(struct worker *w, const struct worker_in *in);
void jobs_hear_end(struct worker *w, int64_t now, const struct worker_in *in);

/* The answer to a report; `error` is NULL when it was accepted. */
void jobs_hear_answer(struct worker *w, int64_t now, struct pd_text id, const msgpack_object *error);

/* The leases for WorkerReady; returns how many. */
size_t jobs_held(const struct worker *w, struct pd_held_lease ret_held[WORKER_JOBS_MAX]);

/* Every report that is open is sent again now: there is a new socket. */
void jobs_repeat(struct worker *w, int64_t now);

/* Repeats, stops what is over its time, starts what there is a slot for. Returns whether any job is left. */
bool    jobs_pass_time(struct worker *w, int64_t now);
int64_t jobs_next_wake(const struct worker *w, int64_t at);

#endif
