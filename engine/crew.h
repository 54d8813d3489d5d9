/* crew.h - the inside of tasks.h: who is at work, for which groups, and what each holds. Lists are intrusive; a task, a worker and
 * a group know each other, so that nothing is searched for while tasks are handed out. */
#ifndef ENGINE_CREW_H
#define ENGINE_CREW_H

#include "engine/tasks.h"

enum { OPERATIONS = PD_operation_deprovision + 1, GROUPS_MAX = 16, CHAINS = 1024, WORKERS_MAX = 1024 };

struct task_list {
    struct task *first, *last;
};

/* What is asked of a group, one operation after the other. */
struct demand {
    struct task_list waiting; /* in order of arrival */
    size_t           waiting_count;
    size_t           tasks;       /* open ones */
    size_t           workers;     /* live ones that do this, and take tasks */
    uint64_t         unserved_ms; /* since when there are none */
};

struct group {
    char         *name;
    struct demand demands[OPERATIONS];
    size_t        members; /* live workers that name it */
    struct group *next;
};

struct worker {
    char           name[65];
    bool           present;  /* else only its leases are known, from before a restart or its silence */
    struct pd_text address;  /* owned */
    struct pd_text former;   /* the address that it, or a namesake, had before; owned, or absent */
    struct group  *groups[GROUPS_MAX];
    size_t         group_count, next_group;
    uint32_t       operations; /* bit n: enum pd_operation n */
    bool           draining;
    uint64_t       credit, held, since_ms, heard_ms, succeeded, failed;
    struct task_list leases;
    struct worker *next;                /* in the hash table */
    struct worker *before, *after;      /* present ones, in order of when they were heard */
};

struct crew {
    struct group  *groups[CHAINS];
    struct worker *workers[CHAINS];
    struct worker *first, *last; /* present ones, the one silent for longest first */
    size_t         count;        /* present ones */
    struct worker *turn;         /* whose turn it is to be given a task */
    bool           changed;      /* since the last look */
};

void crew_close(struct crew *crew, uint64_t now_ms);

/* The group of a name, made if it is not there; those without workers and tasks are forgotten by group_leave. */
struct group *group_find(struct crew *crew, struct pd_text name, uint64_t now_ms);
struct group *group_seek(const struct crew *crew, struct pd_text name);
void          group_leave(struct crew *crew, struct group *group);

/* The worker of a name, or NULL; made if it is not there, absent at first. */
struct worker *worker_seek(const struct crew *crew, struct pd_text name);
struct worker *worker_find(struct crew *crew, struct pd_text name);

/* It is there, or is heard again; where it is, and what it works for. */
void worker_appears(struct crew *crew, struct worker *worker, uint64_t now_ms);
void worker_moves(struct worker *worker, struct pd_text address);
void worker_joins(struct crew *crew, struct worker *worker, const struct pd_worker_ready *ready, uint64_t now_ms);

/* It takes no more tasks. */
void worker_drains(struct crew *crew, struct worker *worker, uint64_t now_ms);

/* It is gone; forgotten when it holds nothing either. */
void worker_vanishes(struct crew *crew, struct worker *worker, uint64_t now_ms);
void worker_let_go(struct crew *crew, struct worker *worker);

#endif
