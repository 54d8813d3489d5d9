/* model_sent.c - what goes out beside the answers: waits that are over, assignments, events. */
#include <inttypes.h>

#include "tests/sim/model_tables.h"

static const struct m_order *
order_of(const struct model *m, const struct m_wait *w)
{
    size_t s = 1;
    while (m->scopes[s]->id != w->scope) s++;
    return &m->scopes[s]->orders[w->order - 1];
}

static bool
is_over(const struct model *m, const struct m_wait *w)
{
    const struct m_order *o = order_of(m, w);
    return m->now_ms >= w->due_ms || (w->to_end ? m_is_at_rest(o) : o->version != w->version);
}

/* Reads are not remembered: several may share an id, and each is told of its own order. */
static bool
hear_wait(struct model *m, struct pd_text address, struct pd_text body)
{
    msgpack_object answer;
    int            code = m_code_of(m, body, &answer);
    uint64_t       from = m_print(address), id = m_print(mp_find_text(&answer, "id"));

    for (size_t i = 0; i < m->wait_count; i++) {
        struct m_wait         w = m->waits[i];
        const struct m_order *o = order_of(m, &w);
        if (w.address != from || w.id != id || (!is_over(m, &w) && !m->stopping && !m->unread)) continue;
        if (code == PD_OK && o->reference != m_print(mp_find_text(mp_find(&answer, "data"), "reference"))) continue;
        m->waits[i] = m->waits[--m->wait_count];
        if (code == PD_E_internal && m->unread) return true;
        if (code == PD_E_shutting_down && m->stopping) return true;
        NEED(m, code == PD_OK, "a wait is answered with %d", code);
        return m_check_status(m, o, mp_find(&answer, "data"));
    }
    return wrong(m, "a wait is answered that is not over, or that nobody asked for");
}

/* The last lease in the log, or an earlier one of the same turn: it may be over already. */
static bool
is_given(const struct model *m, const struct m_slot *slot, uint64_t lease)
{
    return slot->lease == lease || (slot->turn == m->turn && lease >= slot->turn_lease && lease < slot->lease);
}

static bool
hear_assignment(struct model *m, struct pd_text address, struct pd_text data)
{
    struct pd_assignment a;
    struct pd_refusal    refusal;
    struct m_work        w;

    NEED(m, data.data != NULL && pd_decode_map(&m->arena, pd_block_assignment(), PD_LENIENT, data, &a, &refusal),
         "an assignment that cannot be read");
    struct m_scope *s = m_scope(m, a.reseller);
    NEED(m, s != NULL && m_work_of(s, a.task, &w) && is_given(m, w.slot, a.lease),
         "task %" PRIu64 " is handed out under lease %" PRIu64 ", which is not in the log", a.task, a.lease);
    if (w.slot->lease != a.lease) return true;
    const struct m_subscription *sub = w.subscription;
    const struct m_order        *o = sub == NULL ? w.order : sub->order == 0 ? NULL : &s->orders[sub->order - 1];
    const struct m_item         *i = sub == NULL ? w.item : m_item_of(s, sub);
    NEED(m, w.slot->given_instance == m_print(a.instance) && w.slot->given_deadline == a.deadline &&
                (o == NULL ? sub->reference : o->reference) == m_print(a.reference) &&
                (sub != NULL ? sub->plan : i->plan) == m_print(a.plan) &&
                w.slot->given_domain == m_print(a.domain) &&
                (a.operation == PD_operation_deprovision) == (sub != NULL),
         "task %" PRIu64 " is handed out as another", a.task);
    for (size_t n = 0; n < m->worker_count && w.slot->state == PD_task_state_leased; n++)
        if (m->workers[n].name == w.slot->worker)
            NEED(m, m->workers[n].address == m_print(address), "task %" PRIu64 " is sent to another than has its lease", a.task);
    return true;
}

/* Who holds a lease that another has ended, or that is to be given back, is told. */
static bool
hear_stop(struct model *m, struct pd_text address, const msgpack_object *data)
{
    struct m_scope *s = m_scope(m, mp_find_text(data, "reseller"));
    uint64_t        task = m_number(data, "task"), lease = m_number(data, "lease");

    for (size_t i = 0; i < m->stop_count; i++) {
        const struct m_stop *stop = &m->stops[i];
        if (m->scopes[stop->scope] != s || stop->task != task || stop->lease != lease) continue;
        for (size_t n = 0; n < m->worker_count; n++)
            if (m->workers[n].name == stop->worker)
                NEED(m, m->workers[n].address == m_print(address), "another is told to stop task %" PRIu64, task);
        m->stops[i] = m->stops[--m->stop_count];
        return true;
    }
    return wrong(m, "a worker is told to stop task %" PRIu64 ", and need not", task);
}

static bool
hear_to_worker(struct model *m, struct pd_text address, struct pd_text body)
{
    msgpack_object o;

    NEED(m, mp_parse(&m->answer_reader, body.data, body.size, &o), "a message to a worker that cannot be read");
    bool stop = pd_text_equal(mp_find_text(&o, "type"), PD_TEXT("Stop"));
    return stop ? hear_stop(m, address, mp_find(&o, "data")) : hear_assignment(m, address, mp_find_packed(body, "data"));
}

void
model_outgoing(struct model *m, enum pd_port port, struct pd_text address, struct pd_text body)
{
    if (m->violation[0] != '\0') return;
    if (port == PD_port_workers) hear_to_worker(m, address, body);
    else hear_wait(m, address, body);
    pd_arena_reset(&m->arena);
}

void
model_sent(struct model *m)
{
    for (size_t i = 0; i < m->wait_count && !m->unread; i++)
        if (is_over(m, &m->waits[i])) wrong(m, "a wait is over and not answered");
    for (size_t i = 0; i < m->stop_count && !m->unread; i++)
        for (size_t n = 0; n < m->worker_count; n++)
            if (m->workers[n].name == m->stops[i].worker && m->workers[n].heard_ms + m->lease_ms > m->now_ms)
                wrong(m, "nobody is told to stop task %" PRIu64, m->stops[i].task);
}

void
model_published(struct model *m, struct pd_text topic, struct pd_text body)
{
    bool                  all = topic.size > 5 && memcmp(topic.data, "~all/", 5) == 0;
    msgpack_object        o;
    const struct m_event *e = NULL;

    if (m->violation[0] != '\0' || !mp_parse(&m->answer_reader, body.data, body.size, &o)) return;
    uint64_t position = m_number(&o, "position");
    struct m_scope *s = m_scope(m, mp_find_text(&o, "reseller"));
    if (all) e = position <= m->last ? &m->events[position - 1] : NULL;
    else /* late in the log, so from behind */
        for (uint64_t p = m->last; p > 0 && e == NULL; p--)
            if (m->events[p - 1].scope_position == position && s == m->scopes[m->events[p - 1].scope]) e = &m->events[p - 1];
    if (e == NULL) wrong(m, "an event is published at %" PRIu64 ", which is not in the log", position);
    else if (e->time != m_number(&o, "time") || !pd_text_equal(mp_find_text(&o, "type"), pd_text(pd_schema_event(e->type)->Name)))
        wrong(m, "event %" PRIu64 " is published as another", position);
}
