#include "engine/tasks.h"

#include <stdlib.h>

#include "proto/check.h"

enum { GROUPS_MAX = 16, GROUP_CHAINS = 1024, WORKERS_MAX = 1024 };

struct list {
    struct task *first, *last;
};

struct group {
    char        *name;
    struct list  waiting;   /* in order of arrival */
    size_t       workers;   /* live ones that serve it */
    size_t       tasks;     /* open ones of it */
    uint64_t     unserved_ms; /* since when there are none */
    struct group *next;
};

struct worker {
    char           *name;
    struct pd_text  address; /* owned */
    struct group   *groups[GROUPS_MAX];
    size_t          group_count, next_group;
    uint64_t        slots, held, heard_ms;
    struct worker  *next;
};

struct task {
    struct row_key key;
    uint64_t       scope, number, lease, attempt;
    pd_time_us     deadline;
    struct group  *group; /* NULL: by hand */
    bool           leased;
    char          *worker;    /* of the lease */
    uint64_t       expires_ms; /* of the lease */
    size_t         heap;      /* place in the heap of deadlines */
    struct task   *before, *after; /* in its group's waiting list, or in the list of leases */
    struct task   *chain, *by_number; /* in the hash tables */
    uint64_t       marked;    /* the WorkerReady that named it */
};

struct tasks {
    uint64_t       lease_ms;
    struct group  *groups[GROUP_CHAINS]; /* by the name's hash; those without workers and tasks are freed */
    struct worker *workers, *turn; /* `turn`: whose turn it is to be given a task */
    size_t         worker_count;
    struct task  **table, **numbers; /* by row key; by reseller and number, as workers name them */
    size_t         mask, count, leased_count;
    struct list    leases; /* in order of expiry: each renewal goes to the end */
    struct task  **heap;   /* by deadline */
    size_t         heap_count, heap_capacity;
    uint64_t       ready_count, started_ms;
};

/* ---- lists, heap, table -------------------------------------------------------------------------------------------- */

static void
list_append(struct list *l, struct task *t)
{
    t->before = l->last;
    t->after = NULL;
    if (l->last != NULL) l->last->after = t;
    else l->first = t;
    l->last = t;
}

static void
list_remove(struct list *l, struct task *t)
{
    if (t->before != NULL) t->before->after = t->after;
    else l->first = t->after;
    if (t->after != NULL) t->after->before = t->before;
    else l->last = t->before;
    t->before = t->after = NULL;
}

static void
heap_set(struct tasks *s, size_t i, struct task *t)
{
    s->heap[i] = t;
    t->heap = i;
}

/* Moves the task to where its deadline belongs. */
static void
heap_settle(struct tasks *s, struct task *t)
{
    size_t i = t->heap;
    while (i > 0 && s->heap[(i - 1) / 2]->deadline > t->deadline) {
        heap_set(s, i, s->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    for (size_t child; (child = 2 * i + 1) < s->heap_count; i = child) {
        if (child + 1 < s->heap_count && s->heap[child + 1]->deadline < s->heap[child]->deadline) child++;
        if (s->heap[child]->deadline >= t->deadline) break;
        heap_set(s, i, s->heap[child]);
    }
    heap_set(s, i, t);
}

static void
heap_add(struct tasks *s, struct task *t)
{
    if (s->heap_count == s->heap_capacity) {
        s->heap_capacity = s->heap_capacity * 2 + 256;
        s->heap = realloc(s->heap, s->heap_capacity * sizeof *s->heap);
        PD_CHECK(s->heap != NULL);
    }
    heap_set(s, s->heap_count++, t);
    heap_settle(s, t);
}

static void
heap_remove(struct tasks *s, struct task *t)
{
    struct task *last = s->heap[--s->heap_count];
    if (last == t) return;
    heap_set(s, t->heap, last);
    heap_settle(s, last);
}

static struct task **
chain_of(const struct tasks *s, struct row_key key)
{
    uint64_t hash = (key.position ^ (uint64_t)key.item << 40) * 0x9e3779b97f4a7c15u;
    return &s->table[(hash ^ hash >> 32) & s->mask];
}

static struct task *
find(const struct tasks *s, struct row_key key)
{
    struct task *t = *chain_of(s, key);
    while (t != NULL && (t->key.position != key.position || t->key.item != key.item)) t = t->chain;
    return t;
}

static struct task **
number_chain_of(const struct tasks *s, uint64_t scope, uint64_t number)
{
    return &s->numbers[index_number_print(INDEX_task, scope, number) & s->mask];
}

static void
open_tables(struct tasks *s, size_t mask)
{
    s->mask = mask;
    s->table = calloc(mask + 1, sizeof(struct task *));
    s->numbers = calloc(mask + 1, sizeof(struct task *));
    PD_CHECK(s->table != NULL && s->numbers != NULL);
}

static void
table_add(struct tasks *s, struct task *t)
{
    struct task **chain = chain_of(s, t->key), **numbers = number_chain_of(s, t->scope, t->number);
    t->chain = *chain;
    *chain = t;
    t->by_number = *numbers;
    *numbers = t;
}

static void
table_remove(struct tasks *s, struct task *t)
{
    struct task **link = chain_of(s, t->key), **number = number_chain_of(s, t->scope, t->number);
    while (*link != t) link = &(*link)->chain;
    *link = t->chain;
    while (*number != t) number = &(*number)->by_number;
    *number = t->by_number;
}

static void
table_grow(struct tasks *s)
{
    struct task **old = s->table, **old_numbers = s->numbers;
    size_t        old_mask = s->mask;

    if (s->count <= s->mask) return;
    open_tables(s, s->mask * 2 + 1);
    for (size_t i = 0; i <= old_mask; i++)
        for (struct task *t = old[i], *next; t != NULL; t = next) {
            next = t->chain;
            table_add(s, t);
        }
    free(old);
    free(old_numbers);
}

/* ---- groups and workers -------------------------------------------------------------------------------------------- */

static char *
own(struct pd_text text)
{
    char *copy = strndup(text.data, text.size);
    PD_CHECK(copy != NULL);
    return copy;
}

static bool
is_named(const char *name, struct pd_text text)
{
    return strlen(name) == text.size && memcmp(name, text.data, text.size) == 0;
}

static struct group **
group_chain(const struct tasks *s, struct pd_text name)
{
    uint64_t hash = index_text_print(INDEX_plan, 0, name);
    return (struct group **)(uintptr_t)&s->groups[hash % GROUP_CHAINS];
}

static struct group *
seek_group(const struct tasks *s, struct pd_text name)
{
    struct group *g = *group_chain(s, name);
    while (g != NULL && !is_named(g->name, name)) g = g->next;
    return g;
}

static struct group *
find_group(struct tasks *s, struct pd_text name, uint64_t now_ms)
{
    struct group *g = seek_group(s, name), **chain = group_chain(s, name);

    if (g != NULL) return g;
    g = calloc(1, sizeof *g);
    PD_CHECK(g != NULL);
    *g = (struct group){.name = own(name), .unserved_ms = now_ms, .next = *chain};
    return *chain = g;
}

static void
drop_idle_group(struct tasks *s, struct group *g)
{
    struct group **link = group_chain(s, pd_text(g->name));

    if (g->workers > 0 || g->tasks > 0) return;
    while (*link != g) link = &(*link)->next;
    *link = g->next;
    free(g->name);
    free(g);
}

static struct worker *
find_worker(const struct tasks *s, struct pd_text name)
{
    struct worker *w = s->workers;
    while (w != NULL && !is_named(w->name, name)) w = w->next;
    return w;
}

static void
leave_groups(struct tasks *s, struct worker *w, uint64_t now_ms)
{
    for (size_t i = 0; i < w->group_count; i++) {
        if (--w->groups[i]->workers == 0) w->groups[i]->unserved_ms = now_ms;
        drop_idle_group(s, w->groups[i]);
    }
    w->group_count = 0;
}

static void
drop_worker(struct tasks *s, struct worker *w, uint64_t now_ms)
{
    struct worker **link = &s->workers;
    while (*link != w) link = &(*link)->next;
    *link = w->next;
    leave_groups(s, w, now_ms);
    s->worker_count--;
    s->turn = NULL;
    free(w->name);
    free((char *)(uintptr_t)w->address.data);
    free(w);
}

static void
hold(struct tasks *s, const struct task *t, int by)
{
    struct worker *w = find_worker(s, pd_text(t->worker));
    if (w != NULL) w->held = by < 0 ? w->held - 1 : w->held + 1;
}

/* ---- the interface ------------------------------------------------------------------------------------------------- */

struct tasks *
tasks_open(uint64_t lease_ms, uint64_t now_ms)
{
    struct tasks *s = calloc(1, sizeof *s);
    PD_CHECK(s != NULL);
    *s = (struct tasks){.lease_ms = lease_ms, .started_ms = now_ms};
    open_tables(s, 1023);
    return s;
}

void
tasks_close(struct tasks **tasks)
{
    struct tasks *s = *tasks;
    if (s == NULL) return;
    while (s->workers != NULL) drop_worker(s, s->workers, 0);
    for (size_t i = 0; i <= s->mask; i++)
        for (struct task *t = s->table[i], *next; t != NULL; t = next) {
            next = t->chain;
            free(t->worker);
            free(t);
        }
    for (size_t i = 0; i < GROUP_CHAINS; i++)
        for (struct group *g = s->groups[i], *next; g != NULL; g = next) {
            next = g->next;
            free(g->name);
            free(g);
        }
    free(s->table);
    free(s->numbers);
    free(s->heap);
    free(s);
    *tasks = NULL;
}

static void
unlink_task(struct tasks *s, struct task *t)
{
    if (t->leased) {
        list_remove(&s->leases, t);
        s->leased_count--;
        hold(s, t, -1);
        free(t->worker);
        t->worker = NULL;
        t->leased = false;
    } else if (t->group != NULL) list_remove(&t->group->waiting, t);
}

static void
close_task(struct tasks *s, struct task *t)
{
    table_remove(s, t);
    unlink_task(s, t);
    heap_remove(s, t);
    s->count--;
    if (t->group != NULL) {
        t->group->tasks--;
        drop_idle_group(s, t->group);
    }
    free(t);
}

void
tasks_changed(struct tasks *s, struct row_key key, const struct pd_task *row, uint64_t now_ms)
{
    struct task *t = find(s, key);

    if (row == NULL) {
        if (t != NULL) close_task(s, t);
        return;
    }
    if (t == NULL) {
        t = calloc(1, sizeof *t);
        PD_CHECK(t != NULL);
        *t = (struct task){.key = key, .scope = row->scope, .number = row->task, .deadline = row->deadline};
        if (row->provisioning == PD_provisioning_worker) {
            t->group = find_group(s, row->worker_group, now_ms);
            t->group->tasks++;
        }
        s->count++;
        table_grow(s);
        table_add(s, t);
        heap_add(s, t);
    } else {
        unlink_task(s, t);
        t->deadline = row->deadline;
        heap_settle(s, t);
    }
    t->lease = row->lease;
    t->attempt = row->attempt;
    if (row->state == PD_task_state_leased) {
        t->leased = true;
        t->worker = own(row->worker);
        t->expires_ms = now_ms + s->lease_ms;
        list_append(&s->leases, t);
        s->leased_count++;
        hold(s, t, 1);
    } else if (t->group != NULL) list_append(&t->group->waiting, t);
}

/* The worker came to a new address and does not name what it was given: it never will. */
static void
lose_unnamed(struct tasks *s, const char *worker, uint64_t now_ms)
{
    struct list kept = {NULL, NULL}, lost = {NULL, NULL};
    for (struct task *t = s->leases.first, *after; t != NULL; t = after) {
        after = t->after;
        bool unnamed = strcmp(t->worker, worker) == 0 && t->marked != s->ready_count;
        if (unnamed) t->expires_ms = now_ms;
        list_append(unnamed ? &lost : &kept, t);
    }
    for (struct task *t = kept.first, *after; t != NULL; t = after) {
        after = t->after;
        list_append(&lost, t);
    }
    s->leases = lost;
}

static void
join_groups(struct tasks *s, struct worker *w, const struct pd_worker_ready *ready, uint64_t now_ms)
{
    struct worker old = *w;

    /* First the new ones: a group that it still serves stays. */
    w->group_count = 0;
    for (size_t i = 0; i < ready->groups_count; i++) {
        struct group *g = find_group(s, ready->groups[i], now_ms);
        bool          twice = false;
        for (size_t n = 0; n < w->group_count; n++) twice = twice || w->groups[n] == g;
        if (twice) continue;
        g->workers++;
        w->groups[w->group_count++] = g;
    }
    leave_groups(s, &old, now_ms);
}

/* The worker's lease, if that is what it is. */
static struct task *
find_lease(const struct tasks *s, struct pd_text worker, uint64_t scope, const struct pd_held_lease *held)
{
    for (struct task *t = *number_chain_of(s, scope, held->task); t != NULL; t = t->by_number)
        if (t->scope == scope && t->number == held->task)
            return t->leased && t->lease == held->lease && is_named(t->worker, worker) ? t : NULL;
    return NULL;
}

size_t
tasks_worker_ready(struct tasks *s, const struct pd_worker_ready *ready, struct pd_text address,
                   uint64_t (*scope_of)(void *arg, struct pd_text reseller), void *arg,
                   struct pd_held_lease *ret_lost, uint64_t now_ms)
{
    struct worker *w = find_worker(s, ready->worker);
    size_t         lost = 0;
    bool           moved = w == NULL || !pd_text_equal(w->address, address);

    s->ready_count++;
    for (size_t i = 0; i < ready->leases_count; i++) {
        struct task *t = find_lease(s, ready->worker, scope_of(arg, ready->leases[i].reseller), &ready->leases[i]);
        if (t == NULL) {
            ret_lost[lost++] = ready->leases[i];
            continue;
        }
        t->marked = s->ready_count;
        t->expires_ms = now_ms + s->lease_ms;
        list_remove(&s->leases, t);
        list_append(&s->leases, t);
    }
    if (w == NULL) {
        w = calloc(1, sizeof *w);
        PD_CHECK(w != NULL);
        w->name = own(ready->worker);
        w->next = s->workers;
        s->workers = w;
        s->worker_count++;
        for (struct task *t = s->leases.first; t != NULL; t = t->after) w->held += strcmp(t->worker, w->name) == 0;
    }
    if (moved) {
        char *copy = malloc(address.size + 1);
        PD_CHECK(copy != NULL);
        memcpy(copy, address.data, address.size);
        free((char *)(uintptr_t)w->address.data);
        w->address = (struct pd_text){copy, address.size};
        lose_unnamed(s, w->name, now_ms);
    }
    w->slots = ready->slots;
    w->heard_ms = now_ms;
    join_groups(s, w, ready, now_ms);
    return lost;
}

bool
tasks_has_room(const struct tasks *s, struct pd_text worker)
{
    return s->worker_count < WORKERS_MAX || find_worker(s, worker) != NULL;
}

void
tasks_worker_goodbye(struct tasks *s, struct pd_text worker, uint64_t now_ms)
{
    struct worker *w = find_worker(s, worker);
    if (w == NULL) return;
    s->ready_count++;
    lose_unnamed(s, w->name, now_ms);
    drop_worker(s, w, now_ms);
}

struct due
tasks_next_due(struct tasks *s, pd_time_us wall_us, uint64_t now_ms)
{
    const struct task *t = s->leases.first;

    if (s->heap_count > 0 && s->heap[0]->deadline <= wall_us)
        return (struct due){DUE_deadline, s->heap[0]->scope, s->heap[0]->number, s->heap[0]->lease, s->heap[0]->attempt};
    if (t != NULL && t->expires_ms <= now_ms)
        return (struct due){DUE_lost_lease, t->scope, t->number, t->lease, t->attempt};
    return (struct due){.kind = DUE_nothing};
}

bool
tasks_next_match(struct tasks *s, struct match *ret_match)
{
    for (size_t n = 0; n < s->worker_count; n++) {
        struct worker *w = s->turn != NULL ? s->turn : s->workers;
        s->turn = w->next;
        if (w->held >= w->slots) continue;
        for (size_t i = 0; i < w->group_count; i++) {
            struct group *g = w->groups[(w->next_group + i) % w->group_count];
            struct task  *t = g->waiting.first;
            if (t == NULL) continue;
            w->next_group = (w->next_group + i + 1) % w->group_count;
            *ret_match = (struct match){t->key, t->scope, t->number, pd_text(w->name), w->address};
            return true;
        }
    }
    return false;
}

void
tasks_tick(struct tasks *s, uint64_t now_ms)
{
    for (struct worker *w = s->workers, *next; w != NULL; w = next) {
        next = w->next;
        if (w->heard_ms + s->lease_ms <= now_ms) drop_worker(s, w, now_ms);
    }
}

void
tasks_next_wake(const struct tasks *s, uint64_t *ret_monotonic_ms, pd_time_us *ret_wall_us)
{
    uint64_t wake = s->leases.first != NULL ? s->leases.first->expires_ms : UINT64_MAX;
    for (const struct worker *w = s->workers; w != NULL; w = w->next)
        if (w->heard_ms + s->lease_ms < wake) wake = w->heard_ms + s->lease_ms;
    *ret_monotonic_ms = wake;
    *ret_wall_us = s->heap_count > 0 ? s->heap[0]->deadline : UINT64_MAX;
}

bool
tasks_group_served(const struct tasks *s, struct pd_text group, uint64_t *ret_since_ms)
{
    const struct group *g = seek_group(s, group);
    *ret_since_ms = g == NULL ? s->started_ms : g->unserved_ms;
    return g != NULL && g->workers > 0;
}

void
tasks_counts(const struct tasks *s, uint64_t *ret_waiting, uint64_t *ret_leased, uint64_t *ret_workers)
{
    *ret_waiting = s->count - s->leased_count;
    *ret_leased = s->leased_count;
    *ret_workers = s->worker_count;
}
