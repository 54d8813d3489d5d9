#include "engine/crew.h"

#include <stdlib.h>

#include "proto/check.h"

/* ---- groups -------------------------------------------------------------------------------------------------------- */

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

static size_t
chain_of(struct pd_text name)
{
    return index_text_print(INDEX_plan, 0, name) % CHAINS;
}

struct group *
group_seek(const struct crew *c, struct pd_text name)
{
    struct group *g = c->groups[chain_of(name)];
    while (g != NULL && !is_named(g->name, name)) g = g->next;
    return g;
}

struct group *
group_find(struct crew *c, struct pd_text name, uint64_t now_ms)
{
    struct group *g = group_seek(c, name), **chain = &c->groups[chain_of(name)];

    if (g != NULL) return g;
    g = calloc(1, sizeof *g);
    PD_CHECK(g != NULL);
    *g = (struct group){.name = own(name), .next = *chain};
    for (int o = 0; o < OPERATIONS; o++) g->demands[o].unserved_ms = now_ms;
    return *chain = g;
}

void
group_leave(struct crew *c, struct group *g)
{
    struct group **link = &c->groups[chain_of(pd_text(g->name))];

    if (g->members > 0) return;
    for (int o = 0; o < OPERATIONS; o++)
        if (g->demands[o].tasks > 0) return;
    while (*link != g) link = &(*link)->next;
    *link = g->next;
    free(g->name);
    free(g);
}

/* ---- workers ------------------------------------------------------------------------------------------------------- */

struct worker *
worker_seek(const struct crew *c, struct pd_text name)
{
    struct worker *w = c->workers[chain_of(name)];
    while (w != NULL && !is_named(w->name, name)) w = w->next;
    return w;
}

struct worker *
worker_find(struct crew *c, struct pd_text name)
{
    struct worker *w = worker_seek(c, name), **chain = &c->workers[chain_of(name)];

    if (w != NULL) return w;
    w = calloc(1, sizeof *w);
    PD_CHECK(w != NULL && name.size < sizeof w->name);
    memcpy(w->name, name.data, name.size);
    w->next = *chain;
    return *chain = w;
}

static void
free_text(struct pd_text *text)
{
    free((char *)(uintptr_t)text->data);
    *text = (struct pd_text){NULL, 0};
}

void
worker_let_go(struct crew *c, struct worker *w)
{
    struct worker **link = &c->workers[chain_of(pd_text(w->name))];

    if (w->present || w->held > 0) return;
    while (*link != w) link = &(*link)->next;
    *link = w->next;
    free_text(&w->address);
    free_text(&w->former);
    free(w);
}

static void
unlink_worker(struct crew *c, struct worker *w)
{
    if (w->before != NULL) w->before->after = w->after;
    else c->first = w->after;
    if (w->after != NULL) w->after->before = w->before;
    else c->last = w->before;
    if (c->turn == w) c->turn = w->after;
}

void
worker_appears(struct crew *c, struct worker *w, uint64_t now_ms)
{
    struct worker *turn = c->turn;

    if (w->present) unlink_worker(c, w);
    else {
        w->since_ms = now_ms;
        w->succeeded = w->failed = 0;
        w->draining = false;
        c->count++;
    }
    w->present = true;
    w->heard_ms = now_ms;
    w->before = c->last;
    w->after = NULL;
    if (c->last != NULL) c->last->after = w;
    else c->first = w;
    c->last = w;
    if (turn == w) c->turn = w;
    c->changed = true;
}

void
worker_moves(struct worker *w, struct pd_text address)
{
    char *copy = malloc(address.size + 1);

    PD_CHECK(copy != NULL);
    memcpy(copy, address.data, address.size);
    free_text(&w->former);
    w->former = w->address;
    w->address = (struct pd_text){copy, address.size};
}

/* What a worker takes tasks for, as bits. */
static uint32_t
takes(const struct worker *w)
{
    return w->draining ? 0 : w->operations;
}

static void
take_no_more(const struct worker *w, uint64_t now_ms)
{
    for (size_t i = 0; i < w->group_count; i++)
        for (int o = 0; o < OPERATIONS; o++)
            if (takes(w) >> o & 1 && --w->groups[i]->demands[o].workers == 0) w->groups[i]->demands[o].unserved_ms = now_ms;
}

static void
leave_groups(struct crew *c, const struct worker *w, uint64_t now_ms)
{
    take_no_more(w, now_ms);
    for (size_t i = 0; i < w->group_count; i++) {
        w->groups[i]->members--;
        group_leave(c, w->groups[i]);
    }
}

void
worker_joins(struct crew *c, struct worker *w, const struct pd_worker_ready *ready, uint64_t now_ms)
{
    struct worker old = *w;

    w->operations = ready->operations_count == 0 ? 1u << PD_operation_provision | 1u << PD_operation_deprovision : 0;
    for (size_t i = 0; i < ready->operations_count; i++)
        w->operations |= 1u << pd_enum_number(pd_enum_operation(), ready->operations[i]);
    /* First the new ones: a group that it still serves stays. */
    w->group_count = 0;
    for (size_t i = 0; i < ready->groups_count; i++) {
        struct group *g = group_find(c, ready->groups[i], now_ms);
        bool          twice = false;
        for (size_t n = 0; n < w->group_count; n++) twice = twice || w->groups[n] == g;
        if (twice) continue;
        for (int o = 0; o < OPERATIONS; o++) g->demands[o].workers += takes(w) >> o & 1;
        g->members++;
        w->groups[w->group_count++] = g;
    }
    leave_groups(c, &old, now_ms);
}

void
worker_drains(struct crew *c, struct worker *w, uint64_t now_ms)
{
    take_no_more(w, now_ms);
    w->draining = c->changed = true;
}

void
worker_vanishes(struct crew *c, struct worker *w, uint64_t now_ms)
{
    leave_groups(c, w, now_ms);
    w->group_count = 0;
    unlink_worker(c, w);
    w->present = false;
    c->count--;
    c->changed = true;
    worker_let_go(c, w);
}

void
crew_close(struct crew *c, uint64_t now_ms)
{
    while (c->first != NULL) worker_vanishes(c, c->first, now_ms);
    for (size_t i = 0; i < CHAINS; i++) {
        while (c->workers[i] != NULL) {
            struct worker *w = c->workers[i];
            w->held = 0;
            worker_let_go(c, w);
        }
        for (struct group *g = c->groups[i], *next; g != NULL; g = next) {
            next = g->next;
            free(g->name);
            free(g);
        }
    }
}
