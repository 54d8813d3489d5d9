/* child.h - one run of the user's executable: a process group of its own, three pipes, no blocking. */
#ifndef CLIENTS_WORKER_CHILD_H
#define CLIENTS_WORKER_CHILD_H

#include <sys/types.h>

#include "clients/worker/output.h"
#include "proto/arena.h"

struct child {
    pid_t           pid;         /* 0: none */
    int             in, out, err; /* our ends of its pipes, or -1 */
    struct pd_arena arena;       /* holds the input and the environment */
    struct pd_text  input;       /* what it has not read yet */
    struct output   said, complained;
    struct tail     tail;        /* of both */
    unsigned        complaints;  /* lines */
    int64_t         kill_at_ms;  /* 0: it was not asked to end */
};

void child_init(struct child *c);
void child_fini(struct child *c);

/* Runs `path` with the input and environment (in the child's arena). 0, or an errno: also when it cannot be executed. */
int child_start(struct child *c, const char *path, struct pd_text input, char *const *environment);

/* Writes what the pipe takes; closes it at the end, or when nobody reads it. */
void child_write(struct child *c);

/* Reads what is there, up to a bound; closes the pipe at its end. */
void child_read_out(struct child *c, output_line_fn fn, void *context);
void child_read_err(struct child *c, output_line_fn fn, void *context);

/* Asks its process group to end, by `kill_at_ms`; not one that has ended by itself. child_kill does not ask. */
void child_stop(struct child *c, int64_t kill_at_ms);
void child_kill(struct child *c);

/* Whether it has ended; ret_status is waitpid's. What is left of its group is killed: a task ends with its leader. */
bool child_reap(struct child *c, int *ret_status);

/* Closes the pipes and forgets the run. */
void child_clear(struct child *c);

#endif
