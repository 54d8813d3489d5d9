/* model_crew.c - what workers say of themselves: who is there, what each holds, who is to stop, and who is to leave. */
#include <inttypes.h>

#include "proto/check.h"
#include "tests/sim/model_tables.h"

struct m_worker *
m_worker(struct model *m, struct pd_text name)
{
    for (size_t i = 0; i < m->worker_count; i++)
        if (m->workers[i].name == m_print(name)) return &m->workers[i];
    return NULL;
}

static bool
has_moved_on(const struct model *m, uint64_t name, uint64_t address)
{
    for (size_t i = 0; i < m->move_count && i < M_MOVES; i++)
        if (m->moves[i] == m_mix(name, address)) return true;
    return false;
}

static bool
is_named(struct model *m, const struct pd_worker_ready *c, const struct m_scope *s, uint64_t task, uint64_t lease)
{
    for (size_t n = 0; n < c->leases_count; n++)
        if (m_scope(m, c->leases[n].reseller) == s && c->leases[n].task == task && c->leases[n].lease == lease) return true;
    return false;
}

/* From a new socket: what it does not name is lost at once. With NULL it names nothing. */
static void
lose_unnamed(struct model *m, const struct m_worker *w, const struct pd_worker_ready *c, uint64_t now_ms)
{
    struct m_work work;

    for (size_t s = 1; s < m->scope_count; s++)
        for (size_t t = 1; t <= m->scopes[s]->task_count; t++) {
            if (!m_work_of(m->scopes[s], t, &work)) continue;
            if (work.slot->state != PD_task_state_leased || work.slot->worker != w->name) continue;
            if (c == NULL || !is_named(m, c, m->scopes[s], t, work.slot->lease)) work.slot->lease_until_ms = now_ms;
        }
}

/* Its leases go on; those that are not its own, and those that it is to give back, are told. */
static bool
renew(struct model *m, const struct model_request *r, const struct pd_worker_ready *c, const msgpack_object *data)
{
    const msgpack_object *lost = mp_find(data, "lost"), *stop = mp_find(data, "stop");
    uint32_t              gone = 0, stops = 0;

    for (size_t n = 0; n < c->leases_count; n++) {
        struct m_scope *s = m_scope(m, c->leases[n].reseller);
        struct m_work   w;
        bool            known = s != NULL && m_work_of(s, c->leases[n].task, &w);
        bool            mine = known && m_is_current(w.slot, c->leases[n].lease, c->worker);
        if (mine) w.slot->lease_until_ms = r->now_ms + m->lease_ms;
        stops += mine && w.slot->stopping;
        gone += !mine;
    }
    NEED(m, lost != NULL && lost->via.array.size == gone, "a worker is told that %u leases are lost, %u are",
         lost == NULL ? 0 : lost->via.array.size, gone);
    NEED(m, stop != NULL && stop->via.array.size == stops, "a worker is told to stop %u tasks, it is to stop %u",
         stop == NULL ? 0 : stop->via.array.size, stops);
    return true;
}

/* Of two of one name the newer stays: who came before is refused. */
static bool
check_refused(struct model *m, const struct m_worker *w, int code, uint64_t name, uint64_t address)
{
    if (code == PD_OK) {
        NEED(m, w == NULL || w->address == address || w->former != address, "a worker comes back whose name another has");
        return true;
    }
    NEED(m, code == PD_E_worker_in_use && has_moved_on(m, name, address), "a worker is refused with %d", code);
    return true;
}

bool
m_take_ready(struct model *m, const struct model_request *r, int code, const msgpack_object *data)
{
    const struct pd_worker_ready *c = m->message.body;
    const msgpack_object         *drain = mp_find(data, "drain");
    struct m_worker              *w = m_worker(m, c->worker);
    uint64_t                      address = m_print(r->address), name = m_print(c->worker);
    bool                          moved = w == NULL || w->address != address, told = drain != NULL && drain->via.boolean;

    if (m->message.envelope.dry_run) return true;
    if (!check_refused(m, w, code, name, address)) return false;
    if (code != PD_OK) return true;
    struct m_worker now = {.name = name, .address = address, .former = w == NULL ? 0 : moved ? w->address : w->former,
                           .credit = c->credit, .heard_ms = r->now_ms, .draining = w != NULL && w->draining};
    if (w == NULL) {
        PD_CHECK(m->worker_count < M_WORKERS);
        w = &m->workers[m->worker_count++];
    } else if (moved) m->moves[m->move_count++ % M_MOVES] = m_mix(name, w->address);
    for (size_t i = 0; i < c->groups_count; i++) now.groups[now.group_count++] = m_print(c->groups[i]);
    for (size_t i = 0; i < c->operations_count; i++)
        now.operations |= 1u << pd_enum_number(pd_enum_operation(), c->operations[i]);
    if (c->operations_count == 0) now.operations = 1u << PD_operation_provision | 1u << PD_operation_deprovision;
    *w = now;
    if (moved) lose_unnamed(m, w, c, r->now_ms);
    NEED(m, told == w->draining, told ? "a worker is told to leave that is not to" : "a worker is not told to leave");
    return renew(m, r, c, data);
}

/* Its socket stays known: it may only have been silent, or somebody else has said that it goes. */
void
m_forget_worker(struct model *m, struct m_worker *w)
{
    m->moves[m->move_count++ % M_MOVES] = m_mix(w->name, w->address);
    *w = m->workers[--m->worker_count];
}

bool
m_take_goodbye(struct model *m, const struct model_request *r)
{
    struct m_worker *w = m_worker(m, ((const struct pd_worker_goodbye *)m->message.body)->worker);

    if (w == NULL || w->address != m_print(r->address)) return true; /* a former namesake's */
    lose_unnamed(m, w, NULL, r->now_ms);
    m_forget_worker(m, w);
    return true;
}

bool
m_take_drain(struct model *m, int code, const msgpack_object *data)
{
    struct m_worker *w = m_worker(m, ((const struct pd_drain_worker *)m->message.body)->worker);
    struct m_work    work;
    uint64_t         held = 0;

    bool wrongly = m->message.envelope.dry_run || m->message.envelope.has_expect;

    if (code == PD_E_invalid_field) return wrongly || wrong(m, "a worker cannot be drained");
    NEED(m, code == (w == NULL ? PD_E_worker_not_found : PD_OK), "a worker that is %sthere is drained with %d",
         w == NULL ? "not " : "", code);
    if (w == NULL) return true;
    w->draining = true;
    for (size_t s = 1; s < m->scope_count; s++)
        for (size_t t = 1; t <= m->scopes[s]->task_count; t++)
            held += m_work_of(m->scopes[s], t, &work) && work.slot->state == PD_task_state_leased && work.slot->worker == w->name;
    NEED(m, m_number(data, "held") == held, "a worker is said to hold %" PRIu64 " tasks, it holds %" PRIu64,
         m_number(data, "held"), held);
    return true;
}
