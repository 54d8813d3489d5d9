/* model_server.c - what workers have made and not removed, and whether that is right at the end: exactly what active subscriptions
 * name, and what was abandoned by name. What a worker makes under a lease that is no longer its own is forgiven until the log has
 * recorded its late word: nobody can know of it. A lie that was believed is forgiven for ever. */
#include <inttypes.h>
#include <stdlib.h>

#include "proto/check.h"
#include "tests/sim/model_tables.h"

enum { THINGS = 1 << 14, LIES = 1 << 14 };

struct thing {
    uint64_t instance, late; /* late: the lease that was over when it was made */
    bool     exists, lied, orphaned;
};

struct m_servers {
    struct thing things[THINGS];
    uint64_t     lies[LIES]; /* prints of tasks and leases */
};

struct m_servers *
m_servers_open(void)
{
    struct m_servers *servers = calloc(1, sizeof *servers);
    PD_CHECK(servers != NULL);
    return servers;
}

static struct thing *
thing_of(struct model *m, uint64_t instance)
{
    size_t i = instance % THINGS;
    while (m->servers->things[i].instance != 0 && m->servers->things[i].instance != instance) i = (i + 1) % THINGS;
    m->servers->things[i].instance = instance;
    return &m->servers->things[i];
}

static uint64_t *
lie_of(struct model *m, uint64_t scope, uint64_t task, uint64_t lease)
{
    uint64_t key = m_mix(m_mix(scope, task), lease) | 1;
    size_t   i = key % LIES;
    while (m->servers->lies[i] != 0 && m->servers->lies[i] != key) i = (i + 1) % LIES;
    return &m->servers->lies[i];
}

void
model_lied(struct model *m, struct pd_text reseller, uint64_t task, uint64_t lease)
{
    *lie_of(m, m_print(reseller), task, lease) = m_mix(m_mix(m_print(reseller), task), lease) | 1;
}

void
model_made(struct model *m, const struct pd_assignment *a)
{
    struct m_scope *s = m_scope(m, a->reseller);
    struct thing   *t = thing_of(m, m_print(a->instance));
    struct m_work   w;
    bool            known = s != NULL && m_work_of(s, a->task, &w);
    bool            current = known && w.slot->state == PD_task_state_leased && w.slot->lease == a->lease;

    if (!current && (!t->exists || t->late != 0)) t->late = a->lease;
    else t->late = 0;
    t->exists = true;
}

void
model_removed(struct model *m, const struct pd_assignment *a)
{
    thing_of(m, m_print(a->instance))->exists = false;
}

/* ---- what the log tells ---------------------------------------------------------------------------------------------- */

void
m_server_hears(struct model *m, const struct m_scope *s, const struct m_work *w, int event, uint64_t lease, bool by_hand,
               uint64_t instance)
{
    struct thing *t = thing_of(m, instance);

    if (event == PD_EVENT_task_stale) { /* known from now on */
        if (t->late == lease) t->late = 0;
        return;
    }
    if (by_hand) t->exists = w->subscription == NULL; /* a person's work */
    else if (*lie_of(m, s->id, w->slot->task, lease) != 0) t->lied = true;
    if (by_hand) t->late = 0;
}

void
m_server_imports(struct model *m, const struct m_subscription *sub)
{
    if (sub->provisioning != PD_provisioning_none) thing_of(m, sub->instance)->exists = true;
}

void
m_server_orphans(struct model *m, const struct pd_orphan *orphans, size_t count)
{
    for (size_t i = 0; i < count; i++) thing_of(m, m_print(orphans[i].instance))->orphaned = true;
}

/* ---- the end --------------------------------------------------------------------------------------------------------- */

static bool
is_wanted(const struct model *m, uint64_t instance)
{
    for (size_t n = 1; n < m->scope_count; n++)
        for (size_t i = 0; i < m->scopes[n]->subscription_count; i++) {
            const struct m_subscription *sub = &m->scopes[n]->subscriptions[i];
            if (sub->instance == instance && sub->status != PD_subscription_status_terminated &&
                sub->status != PD_subscription_status_ordered)
                return true;
        }
    return false;
}

void
model_look_at_servers(struct model *m)
{
    if (m->restored) return; /* what was made since the backup nobody knows of */
    for (size_t i = 0; i < THINGS; i++) {
        const struct thing *t = &m->servers->things[i];
        if (t->exists && t->late == 0 && !t->lied && !t->orphaned && !is_wanted(m, t->instance)) {
            wrong(m, "an instance is left that nobody has and nobody was told of: %016" PRIx64, t->instance);
            return;
        }
    }
    for (size_t n = 1; n < m->scope_count; n++)
        for (size_t i = 0; i < m->scopes[n]->subscription_count; i++) {
            const struct m_subscription *sub = &m->scopes[n]->subscriptions[i];
            if (sub->provisioning == PD_provisioning_none || !is_wanted(m, sub->instance)) continue;
            const struct thing *t = thing_of(m, sub->instance);
            if (!t->exists && !t->lied) wrong(m, "subscription %zu is active, and there is nothing", i + 1);
        }
}

/* ---- what people see ---------------------------------------------------------------------------------------------------- */

bool
model_open_task(const struct model *m, uint64_t n, uint64_t *ret_reseller, uint64_t *ret_task)
{
    struct m_work w;
    uint64_t      count = 0;

    for (int found = 0; found < 2; n = count > 0 ? n % count : 0, found++) {
        uint64_t left = n;
        for (size_t s = 1; s < m->scope_count; s++)
            for (size_t t = 1; t <= m->scopes[s]->task_count; t++) {
                if (!m_work_of(m->scopes[s], t, &w) || !m_is_open(w.slot)) continue;
                *ret_reseller = m->scopes[s]->id, *ret_task = t;
                if (found == 0) count++;
                else if (left-- == 0) return true;
            }
    }
    return false;
}

bool
model_failed_order(const struct model *m, uint64_t n, uint64_t *ret_reseller, uint64_t *ret_order, int *ret_state)
{
    uint64_t count = 0;

    for (int found = 0; found < 2; n = count > 0 ? n % count : 0, found++) {
        uint64_t left = n;
        for (size_t s = 1; s < m->scope_count; s++)
            for (size_t i = 0; i < m->scopes[s]->order_count; i++) {
                int state = m->scopes[s]->orders[i].state;
                if (state != PD_order_state_provisioning_failed && state != PD_order_state_cleanup_failed) continue;
                *ret_reseller = m->scopes[s]->id, *ret_order = i + 1, *ret_state = state;
                if (found == 0) count++;
                else if (left-- == 0) return true;
            }
    }
    return false;
}

/* ---- what is still to be done ------------------------------------------------------------------------------------------ */

static bool
choose(struct model_chore *c, const struct m_scope *s, int command, uint64_t number)
{
    *c = (struct model_chore){.reseller = s->id, .number = number, .command = command};
    return true;
}

/* In calm: what failed is given up, what was not removed is tried again; the caller abandons it when he is tired of that. */
bool
model_chore(const struct model *m, struct model_chore *ret_chore)
{
    struct m_work w;

    for (size_t n = 1; n < m->scope_count; n++) {
        const struct m_scope *s = m->scopes[n];
        for (size_t i = 1; i <= s->task_count; i++) /* what nobody does by hand is over with its deadline */
            if (m_work_of((struct m_scope *)(uintptr_t)s, i, &w) && m_is_open(w.slot) && w.subscription != NULL &&
                w.provisioning == PD_provisioning_manual)
                return choose(ret_chore, s, PD_COMMAND_succeed_task, i);
        for (size_t i = 0; i < s->order_count; i++) {
            if (s->orders[i].state == PD_order_state_provisioning_failed) return choose(ret_chore, s, PD_COMMAND_give_up, i + 1);
            if (s->orders[i].state == PD_order_state_cleanup_failed) return choose(ret_chore, s, PD_COMMAND_cancel_order, i + 1);
        }
        for (size_t i = 0; i < s->subscription_count; i++) {
            const struct m_subscription *sub = &s->subscriptions[i];
            if (sub->remain_count == 0 || m_is_open(&sub->slot)) continue;
            bool lost = sub->status == PD_subscription_status_terminated && sub->service != PD_service_status_removal_failed;
            const struct thing *t = thing_of((struct model *)(uintptr_t)m, sub->remains[0]);
            if (t->orphaned || lost) continue;
            return choose(ret_chore, s, PD_COMMAND_end_subscription, i + 1);
        }
    }
    return false;
}
