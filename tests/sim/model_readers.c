/* model_readers.c - subscribers and queries: each event once, in order and as it lies in the log, none that is not durable, and
 * nothing of one log taken for another's. And what becomes of all that is known when a backup is restored. */
#include <inttypes.h>
#include <stdlib.h>

#include "proto/check.h"
#include "tests/sim/model_tables.h"

/* ---- logs ------------------------------------------------------------------------------------------------------------ */

void
m_free_scope(struct m_scope *s)
{
    free(s->orders);
    free(s->subscriptions);
    free(s->tasks);
    free(s);
}

static void *
copy(const void *bytes, size_t size)
{
    void *copied = malloc(size + 1);
    PD_CHECK(copied != NULL);
    if (size > 0) memcpy(copied, bytes, size);
    return copied;
}

static struct m_scope *
copy_scope(const struct m_scope *s)
{
    struct m_scope *c = copy(s, sizeof *s);
    c->orders = copy(s->orders, s->order_count * sizeof *s->orders);
    c->subscriptions = copy(s->subscriptions, s->subscription_count * sizeof *s->subscriptions);
    c->tasks = copy(s->tasks, s->task_count * sizeof *s->tasks);
    return c;
}

void
model_serves(struct model *m, struct pd_text log)
{
    m->log = m_print(log);
    if (m->log == m->former.id) wrong(m, "a restored log has the id of the one that was backed up");
}

void
model_backed_up(struct model *m)
{
    struct m_log *b = &m->backup;

    for (size_t i = 0; i < b->scope_count; i++) m_free_scope(b->scopes[i]);
    *b = (struct m_log){.id = m->log, .last = m->last, .time = m->time, .scope_count = m->scope_count};
    for (size_t i = 0; i < m->scope_count; i++) b->scopes[i] = copy_scope(m->scopes[i]);
}

/* Commands that came after the backup were never sent, for all that the log knows. */
void
model_restored(struct model *m)
{
    const struct m_log *b = &m->backup;

    m->former = (struct m_log){.id = m->log, .last = m->last, .events = copy(m->events, m->last * sizeof *m->events)};
    for (size_t i = 0; i < m->scope_count; i++) m_free_scope(m->scopes[i]);
    for (size_t i = 0; i < b->scope_count; i++) m->scopes[i] = copy_scope(b->scopes[i]);
    m->scope_count = b->scope_count;
    m->last = b->last;
    m->time = b->time;
    m->restored = true;
    m_names_restored(m);
    for (size_t i = 0; i < M_COMMANDS; i++)
        if (m->commands[i].last > m->last) m->commands[i] = (struct m_command){.key = m->commands[i].key};
}

/* ---- subscribers ----------------------------------------------------------------------------------------------------- */

void
model_reader_begins(struct model *m, size_t n, struct pd_text reseller, bool exact, struct pd_text log)
{
    struct m_reader *r = &m->readers[n];

    PD_CHECK(n < M_READERS);
    r->there = true;
    r->exact = exact;
    r->all = pd_text_equal(reseller, PD_TEXT("~all"));
    r->scope = m_print(reseller);
    r->log = m_print(log);
    if (r->log != 0 && r->log == m->former.id) r->done = r->former_done; /* what it did in that log counts again */
    r->next = r->given = r->at = 0;
}

/* The event at a position of a reader's scope, in its log. */
static const struct m_event *
event_of(const struct model *m, struct m_reader *r, uint64_t position)
{
    const struct m_event *events = r->log == m->log ? m->events : m->former.events;
    uint64_t              last = r->log == m->log ? m->last : m->former.last;

    if (r->all) return position >= 1 && position <= last ? &events[position - 1] : NULL;
    for (; r->at < last; r->at++) {
        const struct m_event *e = &events[r->at];
        bool                  ours = e->scope > 0 && e->scope < m->scope_count && m->scopes[e->scope]->id == r->scope;
        if (ours && e->scope_position == position) return e;
    }
    return NULL;
}

static bool
give(struct model *m, struct m_reader *r, const struct pd_event *event)
{
    uint64_t log = m_print(event->log), wanted = r->next != 0 ? r->next : r->done + 1;

    NEED(m, log == m->log || log == m->former.id, "a subscriber is given an event of no log that there was");
    NEED(m, r->log == 0 || r->log == log, "a subscriber is given another log's event, and was told nothing");
    NEED(m, r->given == 0, "a subscriber is given an event before it was done with the last");
    r->log = log;
    bool again = r->next == 0 && !r->exact && event->position >= 1 && event->position < wanted; /* behind a crash */
    NEED(m, event->position == wanted || again, "a subscriber is given event %" PRIu64 ", and should be given %" PRIu64,
         event->position, wanted);
    const struct m_event *e = event_of(m, r, event->position);
    NEED(m, e != NULL, "a subscriber is given event %" PRIu64 ", which is not durable", event->position);
    NEED(m, e->time == event->time && e->type == (int)event->type && e->print == m_print(event->bytes),
         "event %" PRIu64 " is given to a subscriber as another", event->position);
    r->given = event->position;
    r->next = event->position + 1;
    return true;
}

void
model_reader_given(struct model *m, size_t n, const struct pd_event *event)
{
    give(m, &m->readers[n], event);
}

void
model_reader_done(struct model *m, size_t n)
{
    struct m_reader *r = &m->readers[n];
    if (r->given > r->done) r->done = r->given;
    if (r->name != NULL && r->given > 0) m_name_done(m, r);
    r->given = 0;
}

void
model_reader_reset(struct model *m, size_t n)
{
    struct m_reader *r = &m->readers[n];

    if (r->log == m->log) wrong(m, "a subscriber is told of another log, and there is none, or it was told before");
    if (r->log == m->former.id) r->former_done = r->done;
    r->log = m->log;
    r->next = r->given = r->done = r->at = 0;
    if (r->name != NULL) r->told->life = r->name->life;
}

uint64_t
m_head(const struct model *m, uint64_t scope)
{
    for (size_t i = 1; i < m->scope_count; i++)
        if (m->scopes[i]->id == scope) return m->scopes[i]->position;
    return scope == m_print(PD_TEXT("~all")) ? m->last : 0;
}

bool
model_readers_at_head(const struct model *m)
{
    for (size_t n = 0; n < M_READERS; n++) {
        const struct m_reader *r = &m->readers[n];
        if (r->name != NULL && !m_name_is_at_head(m, r->name)) return false;
        if (r->there && r->name == NULL && (r->log != m->log || r->done != m_head(m, r->scope))) return false;
    }
    return true;
}

void
model_heartbeat(struct model *m, struct pd_text scope, uint64_t position)
{
    uint64_t head = m_head(m, m_print(scope));
    if (position != head) wrong(m, "a heartbeat says %" PRIu64 ", and %" PRIu64 " events are durable", position, head);
}

/* ---- queries --------------------------------------------------------------------------------------------------------- */

void
model_queried(struct model *m, struct pd_text answer, bool foreign)
{
    msgpack_object o;
    int            code = m_code_of(m, answer, &o);

    if (foreign && code != PD_E_wrong_log) wrong(m, "a query with what is another log's is answered with %d", code);
    if (!foreign && code != PD_OK && code != PD_E_busy) wrong(m, "a query is refused with %d", code);
}

static bool
has_plan(const struct m_order *o, uint64_t plan)
{
    for (size_t i = 0; i < o->count; i++)
        if (o->items[i].plan == plan) return true;
    return false;
}

/* How many there are; without a plan: of any. */
static uint64_t
count(const struct m_scope *s, bool orders, struct pd_text state, struct pd_text plan)
{
    uint64_t n = 0, print = m_print(plan);

    for (size_t i = 0; orders && i < s->order_count; i++)
        n += pd_text_equal(PD_NAME(order_state, s->orders[i].state), state) && (print == 0 || has_plan(&s->orders[i], print));
    for (size_t i = 0; !orders && i < s->subscription_count; i++)
        n += pd_text_equal(PD_NAME(subscription_status, s->subscriptions[i].status), state) &&
             (print == 0 || s->subscriptions[i].plan == print);
    return n;
}

void
model_counters(struct model *m, struct pd_text reseller, struct pd_text answer)
{
    const struct m_scope     *s = m_scope(m, reseller);
    struct pd_counters_reply  r;
    struct pd_refusal         refusal;
    msgpack_object            o;
    uint64_t                  orders = 0, subscriptions = 0;

    if (m->violation[0] != '\0') return;
    bool read = m_code_of(m, answer, &o) == PD_OK &&
                pd_decode_map(&m->arena, pd_block_counters_reply(), PD_LENIENT, mp_find_packed(answer, "data"), &r, &refusal);
    if (!read || m_number(&o, "position") != s->position) {
        wrong(m, "counters cannot be read, or are of another position");
        return;
    }
    for (size_t i = 0; i < r.counters_count; i++) {
        const struct pd_counter *c = &r.counters[i];
        bool                     order = c->of == PD_aggregate_order;
        uint64_t                 n = count(s, order, c->name, c->plan);
        if (c->count != n)
            wrong(m, "%" PRIu64 " are counted as %.*s, there are %" PRIu64, c->count, (int)c->name.size, c->name.data, n);
        if (c->plan.data == NULL) *(order ? &orders : &subscriptions) += c->count;
    }
    if (orders != s->order_count || subscriptions != s->subscription_count) wrong(m, "not all are counted");
    pd_arena_reset(&m->arena);
}
