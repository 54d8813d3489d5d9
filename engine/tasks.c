#include "engine/tasks.h"

#include <stdlib.h>

#include "engine/base/heap.h"
#include "engine/crew.h"
#include "engine/keys.h"
#include "proto/check.h"
#include "proto/limits.h"

enum { ASIDE_US = 10000000 };

struct task {
    struct heap_node  due; /* first, so that it is the task's address */
    uint64_t          scope, number, lease, attempt;
    pd_time_us        deadline, next_try;
    pd_time_us        aside; /* until then it is left alone */
    enum pd_operation operation;
    struct group     *group;  /* NULL: by hand */
    struct worker    *worker; /* of the lease; NULL: it is not leased */
    bool              delayed, stopping;
    uint64_t          expires_ms; /* of the lease */
    struct task      *before, *after; /* in its group's waiting list, or in the list of leases */
    struct task      *worker_before, *worker_after; /* in its worker's list of leases */
    struct task      *chain;      /* in the hash table */
    uint64_t          marked;     /* the WorkerReady that named it */
};

/* A lease whose worker is to be told to stop. */
struct order_to_stop {
    uint64_t scope, task, lease;
    char     worker[65];
};

struct tasks {
    uint64_t         lease_ms;
    struct crew      crew;
    struct task    **table; /* by reseller and number, as workers name them */
    size_t           mask, count, leased_count, waiting_count; /* waiting: for a worker, and now */
    struct task_list leases; /* in order of expiry: each renewal goes to the end */
    struct heap      due;    /* when each is tried again, or closed: wall clock */
    uint64_t         ready_count, started_ms;
    struct order_to_stop *stops;
    size_t           stop_count, stop_capacity;
};

/* ---- lists, tables ------------------------------------------------------------------------------------------------ */

static void
list_append(struct task_list *l, struct task *t)
{
    t->before = l->last;
    t->after = NULL;
    if (l->last != NULL) l->last->after = t;
    else l->first = t;
    l->last = t;
}

static void
list_remove(struct task_list *l, struct task *t)
{
    if (t->before != NULL) t->before->after = t->after;
    else l->first = t->after;
    if (t->after != NULL) t->after->before = t->before;
    else l->last = t->before;
    t->before = t->after = NULL;
}

static pd_time_us
due_of(const struct task *t)
{
    pd_time_us due = t->delayed && t->next_try < t->deadline ? t->next_try : t->deadline;
    return due > t->aside ? due : t->aside;
}

static struct task **
chain_of(const struct tasks *s, uint64_t scope, uint64_t number)
{
    return &s->table[index_number_print(INDEX_task, scope, number) & s->mask];
}

static struct task *
find(const struct tasks *s, uint64_t scope, uint64_t number)
{
    struct task *t = *chain_of(s, scope, number);
    while (t != NULL && (t->scope != scope || t->number != number)) t = t->chain;
    return t;
}

static void
open_table(struct tasks *s, size_t mask)
{
    s->mask = mask;
    s->table = calloc(mask + 1, sizeof(struct task *));
    PD_CHECK(s->table != NULL);
}

static void
table_add(struct tasks *s, struct task *t)
{
    struct task **chain = chain_of(s, t->scope, t->number);
    t->chain = *chain;
    *chain = t;
}

static void
table_remove(struct tasks *s, struct task *t)
{
    struct task **link = chain_of(s, t->scope, t->number);
    while (*link != t) link = &(*link)->chain;
    *link = t->chain;
}

static void
table_grow(struct tasks *s)
{
    struct task **old = s->table;
    size_t        old_mask = s->mask;

    if (s->count <= s->mask) return;
    open_table(s, s->mask * 2 + 1);
    for (size_t i = 0; i <= old_mask; i++)
        for (struct task *t = old[i], *next; t != NULL; t = next) {
            next = t->chain;
            table_add(s, t);
        }
    free(old);
}

/* ---- the interface ------------------------------------------------------------------------------------------------- */

struct tasks *
tasks_open(uint64_t lease_ms, uint64_t now_ms)
{
    struct tasks *s = calloc(1, sizeof *s);
    PD_CHECK(s != NULL);
    *s = (struct tasks){.lease_ms = lease_ms, .started_ms = now_ms};
    open_table(s, 1023);
    return s;
}

void
tasks_close(struct tasks **tasks)
{
    struct tasks *s = *tasks;
    if (s == NULL) return;
    crew_close(&s->crew, 0);
    for (size_t i = 0; i <= s->mask; i++)
        for (struct task *t = s->table[i], *next; t != NULL; t = next) {
            next = t->chain;
            free(t);
        }
    free(s->table);
    heap_fini(&s->due);
    free(s->stops);
    free(s);
    *tasks = NULL;
}

/* ---- what becomes of tasks ----------------------------------------------------------------------------------------- */

static void
begin_to_wait(struct tasks *s, struct task *t)
{
    t->delayed = false;
    if (t->group == NULL) return;
    list_append(&t->group->demands[t->operation].waiting, t);
    t->group->demands[t->operation].waiting_count++;
    s->waiting_count++;
    s->crew.changed = true;
}

static void
begin_lease(struct tasks *s, struct task *t, struct pd_text worker, uint64_t now_ms)
{
    struct worker *w = t->worker = worker_find(&s->crew, worker);

    t->expires_ms = now_ms + s->lease_ms;
    list_append(&s->leases, t);
    s->leased_count++;
    w->held++;
    t->worker_before = w->leases.last;
    t->worker_after = NULL;
    if (w->leases.last != NULL) w->leases.last->worker_after = t;
    else w->leases.first = t;
    w->leases.last = t;
    s->crew.changed = true;
}

static void
end_lease(struct tasks *s, struct task *t)
{
    struct worker *w = t->worker;

    list_remove(&s->leases, t);
    s->leased_count--;
    if (t->worker_before != NULL) t->worker_before->worker_after = t->worker_after;
    else w->leases.first = t->worker_after;
    if (t->worker_after != NULL) t->worker_after->worker_before = t->worker_before;
    else w->leases.last = t->worker_before;
    t->worker = NULL;
    t->stopping = false;
    w->held--;
    s->crew.changed = true;
    worker_let_go(&s->crew, w);
}

/* Takes it out of whatever list it is in. */
static void
unlink_task(struct tasks *s, struct task *t)
{
    if (t->worker != NULL) end_lease(s, t);
    else if (t->group != NULL && !t->delayed) {
        list_remove(&t->group->demands[t->operation].waiting, t);
        t->group->demands[t->operation].waiting_count--;
        s->waiting_count--;
        s->crew.changed = true;
    }
}

static void
close_task(struct tasks *s, struct task *t)
{
    table_remove(s, t);
    unlink_task(s, t);
    heap_remove(&s->due, &t->due);
    s->count--;
    if (t->group != NULL) {
        t->group->demands[t->operation].tasks--;
        group_leave(&s->crew, t->group);
    }
    free(t);
}

/* The holder is to hear that its lease is over, or to be given back; unless it said so itself. */
static void
note_stop(struct tasks *s, const struct task *t, struct pd_text actor)
{
    const char *name = t->worker->name;
    size_t      size = strlen(name);

    if (actor.data == NULL || (actor.size == 7 + size && memcmp(actor.data + 7, name, size) == 0)) return;
    if (s->stop_count == s->stop_capacity) {
        s->stop_capacity = s->stop_capacity * 2 + 64;
        s->stops = realloc(s->stops, s->stop_capacity * sizeof *s->stops);
        PD_CHECK(s->stops != NULL);
    }
    struct order_to_stop *stop = &s->stops[s->stop_count++];
    *stop = (struct order_to_stop){.scope = t->scope, .task = t->number, .lease = t->lease};
    memcpy(stop->worker, name, size + 1);
}

/* For the roster: what its holder has made of it. */
static void
count_result(const struct task *t, bool closed, struct pd_text actor)
{
    if (t->worker == NULL || actor.size <= 7 || memcmp(actor.data, "worker/", 7) != 0) return;
    if (closed) t->worker->succeeded++;
    else t->worker->failed++;
}

static struct task *
make_task(struct tasks *s, const struct pd_task *row, uint64_t now_ms)
{
    struct task *t = calloc(1, sizeof *t);

    PD_CHECK(t != NULL);
    *t = (struct task){.scope = row->scope, .number = row->task, .deadline = row->deadline,
                       .operation = row->operation, .delayed = true};
    if (row->provisioning == PD_provisioning_worker) {
        t->group = group_find(&s->crew, row->worker_group, now_ms);
        t->group->demands[t->operation].tasks++;
    }
    s->count++;
    table_grow(s);
    table_add(s, t);
    heap_add(&s->due, &t->due, due_of(t));
    return t;
}

void
tasks_changed(struct tasks *s, const struct pd_task *row, struct pd_text actor, uint64_t now_ms)
{
    struct task *t = find(s, row->scope, row->task);
    bool         closed = row->state == PD_task_state_absent;

    if (t != NULL && t->worker != NULL) {
        bool over = row->state != PD_task_state_leased;
        if (over) count_result(t, closed, actor);
        if (over || (row->stopping && !t->stopping)) note_stop(s, t, actor);
    }
    if (closed) {
        if (t != NULL) close_task(s, t);
        return;
    }
    bool keeps = t != NULL && t->worker != NULL && row->state == PD_task_state_leased && t->lease == row->lease;
    if (t == NULL) t = make_task(s, row, now_ms);
    else if (!keeps) unlink_task(s, t);
    t->lease = row->lease;
    t->attempt = row->attempt;
    t->deadline = row->deadline;
    t->next_try = row->next_try;
    t->aside = 0;
    if (row->state == PD_task_state_leased) {
        t->delayed = false;
        if (!keeps) begin_lease(s, t, row->worker, now_ms);
        t->stopping = row->stopping;
    } else if (row->has_next_try) t->delayed = true;
    else begin_to_wait(s, t);
    heap_move(&s->due, &t->due, due_of(t));
}

void
tasks_prefetch(const struct tasks *s, uint64_t scope, uint64_t number)
{
    __builtin_prefetch(*chain_of(s, scope, number));
}

/* ---- what workers say ---------------------------------------------------------------------------------------------- */

/* Those of a worker's leases that this WorkerReady does not name are lost at once: it never will. */
static void
lose_unnamed(struct tasks *s, struct worker *w, uint64_t now_ms)
{
    for (struct task *t = w->leases.first; t != NULL; t = t->worker_after) {
        if (t->marked == s->ready_count) continue;
        t->expires_ms = now_ms;
        list_remove(&s->leases, t);
        /* First of all: the list is in order of expiry. */
        t->after = s->leases.first;
        t->before = NULL;
        if (s->leases.first != NULL) s->leases.first->before = t;
        else s->leases.last = t;
        s->leases.first = t;
    }
}

/* The worker's lease, if that is what it is. */
static struct task *
find_lease(const struct tasks *s, struct pd_text worker, uint64_t scope, const struct pd_held_lease *held)
{
    struct task *t = find(s, scope, held->task);
    bool same = t != NULL && t->worker != NULL && t->lease == held->lease && pd_text_equal(pd_text(t->worker->name), worker);
    return same ? t : NULL;
}

enum ready_answer
tasks_worker_ready(struct tasks *s, const struct pd_worker_ready *ready, struct pd_text address,
                   uint64_t (*scope_of)(void *arg, struct pd_text reseller), void *arg, struct pd_arena *arena,
                   struct pd_worker_reply *reply, uint64_t now_ms)
{
    struct worker *w = worker_seek(&s->crew, ready->worker);
    bool           present = w != NULL && w->present, moved = !present || !pd_text_equal(w->address, address);

    if (!present && s->crew.count == WORKERS_MAX) return READY_TOO_MANY;
    if (present && moved && w->former.data != NULL && pd_text_equal(w->former, address)) return READY_REPLACED;
    s->ready_count++;
    reply->lost = PD_ARENA_ARRAY(arena, struct pd_held_lease, ready->leases_count);
    reply->stop = PD_ARENA_ARRAY(arena, struct pd_held_lease, ready->leases_count);
    for (size_t i = 0; i < ready->leases_count; i++) {
        struct task *t = find_lease(s, ready->worker, scope_of(arg, ready->leases[i].reseller), &ready->leases[i]);
        if (t == NULL) {
            reply->lost[reply->lost_count++] = ready->leases[i];
            continue;
        }
        if (t->stopping) reply->stop[reply->stop_count++] = ready->leases[i];
        t->marked = s->ready_count;
        t->expires_ms = now_ms + s->lease_ms;
        list_remove(&s->leases, t);
        list_append(&s->leases, t);
    }
    w = worker_find(&s->crew, ready->worker);
    worker_appears(&s->crew, w, now_ms);
    if (moved) {
        worker_moves(w, address);
        lose_unnamed(s, w, now_ms);
    }
    worker_joins(&s->crew, w, ready, now_ms);
    w->credit = ready->credit;
    reply->drain = w->draining;
    return READY_OK;
}

void
tasks_worker_goodbye(struct tasks *s, struct pd_text worker, struct pd_text address, uint64_t now_ms)
{
    struct worker *w = worker_seek(&s->crew, worker);
    if (w == NULL || !w->present || !pd_text_equal(w->address, address)) return;
    s->ready_count++;
    lose_unnamed(s, w, now_ms);
    worker_vanishes(&s->crew, w, now_ms);
}

void
tasks_dismiss(struct tasks *s, struct pd_text name, uint64_t now_ms)
{
    for (struct worker *w = s->crew.first, *next; w != NULL; w = next) {
        next = w->after;
        if (!keys_name_covers(name, pd_text(w->name))) continue;
        s->ready_count++;
        lose_unnamed(s, w, now_ms);
        worker_vanishes(&s->crew, w, now_ms);
    }
}

bool
tasks_drain(struct tasks *s, struct pd_text worker, uint64_t *ret_held, uint64_t now_ms)
{
    struct worker *w = worker_seek(&s->crew, worker);
    if (w == NULL || !w->present) return false;
    worker_drains(&s->crew, w, now_ms);
    *ret_held = w->held;
    return true;
}

/* ---- what is to be done -------------------------------------------------------------------------------------------- */

struct due
tasks_next_due(struct tasks *s, pd_time_us wall_us, uint64_t now_ms)
{
    const struct task *lease = s->leases.first;

    while (heap_due(&s->due) <= wall_us) {
        struct task *t = (struct task *)(void *)s->due.places[0].node;
        if (!t->delayed || t->deadline <= wall_us) return (struct due){DUE_deadline, t->scope, t->number, t->lease, t->attempt};
        begin_to_wait(s, t);
        heap_move(&s->due, &t->due, due_of(t));
    }
    if (lease != NULL && lease->expires_ms <= now_ms)
        return (struct due){DUE_lost_lease, lease->scope, lease->number, lease->lease, lease->attempt};
    return (struct due){.kind = DUE_nothing};
}

void
tasks_set_aside(struct tasks *s, uint64_t scope, uint64_t number, pd_time_us wall_us, uint64_t now_ms)
{
    struct task *t = find(s, scope, number);

    if (t == NULL) return;
    t->aside = wall_us + ASIDE_US;
    if (t->worker != NULL) {
        t->expires_ms = now_ms + s->lease_ms;
        list_remove(&s->leases, t);
        list_append(&s->leases, t);
    } else {
        unlink_task(s, t);
        t->delayed = true;
    }
    heap_move(&s->due, &t->due, due_of(t));
}

/* The first task that waits for what this worker does; its groups take turns, what is to be removed goes first in each. */
static struct task *
next_for(struct worker *w)
{
    for (size_t i = 0; i < w->group_count; i++) {
        struct group *g = w->groups[(w->next_group + i) % w->group_count];
        for (int o = OPERATIONS - 1; o > 0; o--) {
            struct task *t = w->operations >> o & 1 ? g->demands[o].waiting.first : NULL;
            if (t == NULL) continue;
            w->next_group = (w->next_group + i + 1) % w->group_count;
            return t;
        }
    }
    return NULL;
}

bool
tasks_next_match(struct tasks *s, struct match *ret_match)
{
    if (s->waiting_count == 0) return false;
    for (size_t n = 0; n < s->crew.count; n++) {
        struct worker *w = s->crew.turn != NULL ? s->crew.turn : s->crew.first;
        s->crew.turn = w->after;
        struct task *t = w->held < w->credit && !w->draining ? next_for(w) : NULL;
        if (t == NULL) continue;
        *ret_match = (struct match){.scope = t->scope, .task = t->number, .operation = t->operation, .worker = pd_text(w->name),
                                    .address = w->address};
        if (t->after == NULL) return true;
        ret_match->next_scope = t->after->scope;
        ret_match->next_task = t->after->number;
        __builtin_prefetch(t->after->after);
        return true;
    }
    return false;
}

bool
tasks_next_stop(struct tasks *s, struct stop *ret_stop)
{
    while (s->stop_count > 0) {
        const struct order_to_stop *stop = &s->stops[--s->stop_count];
        const struct worker        *w = worker_seek(&s->crew, pd_text(stop->worker));
        if (w == NULL || !w->present) continue;
        *ret_stop = (struct stop){stop->scope, stop->task, stop->lease, w->address};
        return true;
    }
    return false;
}

void
tasks_tick(struct tasks *s, uint64_t now_ms)
{
    while (s->crew.first != NULL && s->crew.first->heard_ms + s->lease_ms <= now_ms)
        worker_vanishes(&s->crew, s->crew.first, now_ms);
}

void
tasks_next_wake(const struct tasks *s, uint64_t *ret_monotonic_ms, pd_time_us *ret_wall_us)
{
    uint64_t wake = s->leases.first != NULL ? s->leases.first->expires_ms : UINT64_MAX;
    if (s->crew.first != NULL && s->crew.first->heard_ms + s->lease_ms < wake) wake = s->crew.first->heard_ms + s->lease_ms;
    *ret_monotonic_ms = wake;
    *ret_wall_us = heap_due(&s->due);
}

/* ---- what is told of it -------------------------------------------------------------------------------------------- */

bool
tasks_group_served(const struct tasks *s, struct pd_text group, enum pd_operation operation, uint64_t *ret_since_ms)
{
    const struct group *g = group_seek(&s->crew, group);
    *ret_since_ms = g == NULL ? s->started_ms : g->demands[operation].unserved_ms;
    return g != NULL && g->demands[operation].workers > 0;
}

void
tasks_counts(const struct tasks *s, uint64_t *ret_waiting, uint64_t *ret_leased, uint64_t *ret_workers)
{
    *ret_waiting = s->count - s->leased_count;
    *ret_leased = s->leased_count;
    *ret_workers = s->crew.count;
}

static pd_time_us
wall_of(uint64_t then_ms, pd_time_us wall_us, uint64_t now_ms)
{
    return now_ms > then_ms ? wall_us - (now_ms - then_ms) * 1000 : wall_us;
}

static struct pd_worker_view
view_worker(const struct worker *w, pd_time_us wall_us, uint64_t now_ms, struct pd_arena *arena)
{
    struct pd_worker_view v = {
        .worker = pd_arena_text(arena, pd_text(w->name)), .groups = PD_ARENA_ARRAY(arena, struct pd_text, w->group_count),
        .groups_count = w->group_count, .operations = PD_ARENA_ARRAY(arena, struct pd_text, OPERATIONS), .credit = w->credit,
        .held = w->held, .draining = w->draining, .since = wall_of(w->since_ms, wall_us, now_ms),
        .heard = wall_of(w->heard_ms, wall_us, now_ms), .closed = w->succeeded, .given_back = w->failed,
    };
    for (size_t i = 0; i < w->group_count; i++) v.groups[i] = pd_arena_text(arena, pd_text(w->groups[i]->name));
    for (int o = 1; o < OPERATIONS; o++)
        if (w->operations >> o & 1) v.operations[v.operations_count++] = PD_NAME(operation, o);
    return v;
}

void
tasks_roster(const struct tasks *s, pd_time_us wall_us, uint64_t now_ms, struct pd_arena *arena, struct pd_workers_reply *r)
{
    *r = (struct pd_workers_reply){.workers = PD_ARENA_ARRAY(arena, struct pd_worker_view, s->crew.count),
                                   .groups = PD_ARENA_ARRAY(arena, struct pd_group_view, PD_PAGE_ROWS_MAX)};
    for (const struct worker *w = s->crew.first; w != NULL && r->workers_count < PD_PAGE_ROWS_MAX; w = w->after)
        r->workers[r->workers_count++] = view_worker(w, wall_us, now_ms, arena);
    for (size_t i = 0; i < CHAINS; i++)
        for (const struct group *g = s->crew.groups[i]; g != NULL; g = g->next)
            for (int o = 1; o < OPERATIONS && r->groups_count < PD_PAGE_ROWS_MAX; o++) {
                const struct demand *d = &g->demands[o];
                if (d->workers == 0 && d->tasks == 0) continue;
                r->groups[r->groups_count++] = (struct pd_group_view){
                    .group = pd_arena_text(arena, pd_text(g->name)), .operation = (enum pd_operation)o, .waiting = d->waiting_count,
                    .workers = d->workers, .unserved_since = wall_of(d->unserved_ms, wall_us, now_ms),
                    .has_unserved_since = d->workers == 0,
                };
            }
}

bool
tasks_roster_changed(struct tasks *s)
{
    bool changed = s->crew.changed;
    s->crew.changed = false;
    return changed;
}
