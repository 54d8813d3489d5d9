/* model_names.c - subscribers with a name: where each has come to, who holds it, and that those who follow under it leave nothing
 * out. By proto/README.md 6.1. */
#include <inttypes.h>

#include "proto/check.h"
#include "tests/sim/model_tables.h"

enum { HOLD_MS = 15000, SHOWN_MS = 250 /* so old may be what ListSubscribers shows, if there was a turn since */ };

/* What the messages about a subscriber say. */
struct asked {
    int            command;
    struct pd_text id, holder, log;
    bool           all, has_from;
    uint64_t       position, from;
};

static struct asked
look(const struct model *m)
{
    struct asked a = {.command = m->message.block->code};

    switch (a.command) {
    case PD_COMMAND_attach_subscriber: {
        const struct pd_attach_subscriber *c = m->message.body;
        a.id = c->subscriber, a.holder = c->holder, a.all = c->all, a.has_from = c->has_from, a.from = c->from;
        break;
    }
    case PD_COMMAND_move_subscriber: {
        const struct pd_move_subscriber *c = m->message.body;
        a.id = c->subscriber, a.holder = c->holder, a.all = c->all, a.log = c->log, a.position = c->position;
        break;
    }
    case PD_COMMAND_detach_subscriber: {
        const struct pd_detach_subscriber *c = m->message.body;
        a.id = c->subscriber, a.holder = c->holder, a.all = c->all;
        break;
    }
    default: {
        const struct pd_delete_subscriber *c = m->message.body;
        a.id = c->subscriber, a.all = c->all;
    }
    }
    return a;
}

static uint64_t
everybody(void)
{
    return m_print(PD_TEXT("~all"));
}

/* Known for ever once it was asked for; whether it is there is another matter. */
static struct m_name *
name_of(struct model *m, uint64_t scope, struct pd_text id)
{
    uint64_t print = m_print(id);

    for (size_t i = 0; i < m->name_count; i++)
        if (m->names[i].scope == scope && m->names[i].id == print) return &m->names[i];
    PD_CHECK(m->name_count < M_NAMES);
    m->names[m->name_count] = (struct m_name){.scope = scope, .id = print};
    return &m->names[m->name_count++];
}

/* ---- holders --------------------------------------------------------------------------------------------------------- */

/* For how long somebody else still has it; 0: it can be had. */
static uint64_t
left_ms(const struct m_name *n, uint64_t holder, uint64_t now_ms)
{
    bool held = n->holder != 0 && now_ms < n->heard_ms + HOLD_MS;
    return held && n->holder != holder ? n->heard_ms + HOLD_MS - now_ms : 0;
}

static void
hold(struct m_name *n, uint64_t holder, uint64_t now_ms)
{
    n->holder = holder;
    n->heard_ms = now_ms;
}

static struct m_told *
told_of(struct model *m, const struct m_name *n, uint64_t holder)
{
    for (size_t i = 0; i < m->told_count; i++)
        if (m->tolds[i].name == n && m->tolds[i].holder == holder) return &m->tolds[i];
    return NULL;
}

/* Asked twice, it may be answered twice, and where it is may have changed in between. */
static void
tell_holder(struct model *m, const struct m_name *n, uint64_t holder)
{
    struct m_told *t = told_of(m, n, holder);

    if (t != NULL && t->life == n->life && t->log == n->kept.log) {
        t->last = n->kept.position;
        return;
    }
    bool taken = t != NULL && t->taken;
    PD_CHECK(t != NULL || m->told_count < M_TOLDS);
    if (t == NULL) t = &m->tolds[m->told_count++];
    *t = (struct m_told){.name = n, .holder = holder, .life = n->life, .log = n->kept.log, .first = n->kept.position,
                         .last = n->kept.position, .taken = taken};
}

void
m_names_begin_life(struct model *m)
{
    for (size_t i = 0; i < m->name_count; i++) m->names[i].holder = 0;
}

/* ---- what is asked --------------------------------------------------------------------------------------------------- */

static bool
is_due(const struct model *m, const struct m_name *n, const struct asked *a, uint64_t head, uint64_t now_ms, int code)
{
    bool attach = a->command == PD_COMMAND_attach_subscriber, move = a->command == PD_COMMAND_move_subscriber;
    bool made = attach && !n->kept.there;

    switch (code) {
    case PD_E_subscriber_not_found: return !attach && !n->kept.there;
    case PD_E_wrong_log: return move && m_print(a->log) != m->log;
    case PD_E_position_out_of_range: return move ? a->position > head : made && a->has_from && a->from > head + 1;
    case PD_E_subscriber_in_use:
        return n->kept.there && a->command != PD_COMMAND_detach_subscriber && left_ms(n, m_print(a->holder), now_ms) > 0;
    case PD_E_storage_full: return m->full && (made || move || a->command == PD_COMMAND_delete_subscriber);
    default: return false;
    }
}

static void
make(struct model *m, struct m_name *n, const struct asked *a, uint64_t head)
{
    n->kept = (struct m_kept){true, m->log, !a->has_from ? head : a->from > 0 ? a->from - 1 : 0};
    n->holder = 0;
    n->life++;
    n->done = n->kept.position;
    n->done_log = m->log;
}

/* What is kept is done. But whoever held the name before it was deleted, and is heard again, may say what he had done then. */
static bool
move(struct model *m, struct m_name *n, const struct asked *a)
{
    const struct m_told *t = told_of(m, n, m_print(a->holder));
    uint64_t             done = n->done_log == m->log ? n->done : 0;

    if (t != NULL && t->life != n->life && a->position > done) {
        n->done = a->position;
        n->done_log = m->log;
    } else
        NEED(m, !n->followed || a->position <= done, "position %" PRIu64 " is kept, and it is done up to %" PRIu64, a->position,
             done);
    if (n->kept.log != m->log) n->kept = (struct m_kept){true, m->log, a->position};
    else if (a->position > n->kept.position) n->kept.position = a->position;
    return true;
}

/* What is accepted is done to the table, and the answer says what stands in it then. */
static bool
take_accepted(struct model *m, struct m_name *n, const struct asked *a, uint64_t head, uint64_t now_ms, const msgpack_object *data)
{
    switch (a->command) {
    case PD_COMMAND_attach_subscriber:
        if (!n->kept.there) make(m, n, a, head);
        hold(n, m_print(a->holder), now_ms);
        tell_holder(m, n, n->holder);
        break;
    case PD_COMMAND_move_subscriber:
        if (!move(m, n, a)) return false;
        hold(n, m_print(a->holder), now_ms);
        break;
    case PD_COMMAND_detach_subscriber:
        if (n->holder == m_print(a->holder)) n->holder = 0;
        break;
    default: n->kept.there = false;
    }
    const msgpack_object *all = mp_find(data, "all");
    NEED(m, pd_text_equal(mp_find_text(data, "subscriber"), a->id) && (all != NULL && all->via.boolean) == a->all &&
                m_number(data, "hold_ms") == HOLD_MS, "an answer about another subscriber");
    NEED(m, m_number(data, "position") == n->kept.position && m_print(mp_find_text(data, "log")) == n->kept.log,
         "a subscriber is said to be at %" PRIu64 ", it is at %" PRIu64, m_number(data, "position"), n->kept.position);
    NEED(m, m_number(data, "head") == head, "an answer says that the head is %" PRIu64 ", it is %" PRIu64, m_number(data, "head"),
         head);
    return true;
}

bool
m_take_name(struct model *m, const struct m_scope *s, const struct model_request *r, int code, const msgpack_object *answer)
{
    static const int codes[] = {PD_E_wrong_log, PD_E_subscriber_not_found, PD_E_position_out_of_range, PD_E_subscriber_in_use};
    struct asked     a = look(m);
    struct m_name   *n = name_of(m, a.all ? everybody() : s->id, a.id);
    uint64_t         head = a.all ? m->last : s->position, left = left_ms(n, m_print(a.holder), r->now_ms);

    if (m->message.envelope.dry_run || m->message.envelope.has_expect) {
        NEED(m, code == PD_E_invalid_field, "%s is tried, or expected, and answered with %d", m->message.block->Name, code);
        return true;
    }
    for (size_t i = 0; code == PD_OK && i < sizeof codes / sizeof codes[0]; i++)
        NEED(m, !is_due(m, n, &a, head, r->now_ms, codes[i]), "%s is accepted, and %s should be its answer", m->message.block->Name,
             pd_schema_error(codes[i])->code);
    if (code == PD_OK) return take_accepted(m, n, &a, head, r->now_ms, mp_find(answer, "data"));
    NEED(m, is_due(m, n, &a, head, r->now_ms, code), "%s is refused with %d, which is not so", m->message.block->Name, code);
    const msgpack_object *error = mp_find(answer, "error");
    if (code == PD_E_subscriber_in_use)
        NEED(m, m_number(error, "retry_after_ms") == left, "a name is said to be free in %" PRIu64 " ms, it is in %" PRIu64,
             m_number(error, "retry_after_ms"), left);
    bool heard = code == PD_E_storage_full && a.command == PD_COMMAND_move_subscriber; /* whoever it was, he is there */
    if (heard) hold(n, m_print(a.holder), r->now_ms);
    return true;
}

/* ---- what is skipped ------------------------------------------------------------------------------------------------- */

bool
m_is_skip_wrong(struct model *m, const struct m_scope *s, int code)
{
    const struct pd_skip_event *c = m->message.body;

    if (m->message.block->code != PD_COMMAND_skip_event) return false;
    bool there = name_of(m, c->all ? everybody() : s->id, c->subscriber)->kept.there;
    return code == PD_E_subscriber_not_found ? !there : there && c->position > (c->all ? m->last : s->position);
}

bool
m_take_skipped(struct model *m, struct m_scope *s, const struct model_record *r, const struct pd_event_skipped *e)
{
    const struct pd_skip_event *c = m->message.body;

    NEED(m, r->command == PD_COMMAND_skip_event && m->message.block->code == PD_COMMAND_skip_event &&
                m_print(e->reseller) == s->id && m_print(m->message.envelope.reseller) == s->id,
         "an event is skipped, and nobody asked for it");
    NEED(m, pd_text_equal(e->subscriber, c->subscriber) && e->all == c->all && e->position == c->position &&
                pd_text_equal(e->reason, c->reason), "another event is skipped than was asked for");
    NEED(m, r->version == ++s->version, "reseller version %" PRIu64, r->version);
    return true;
}

/* ---- who follows ----------------------------------------------------------------------------------------------------- */

void
model_reader_attached(struct model *m, size_t n, struct pd_text reseller, struct pd_text name, struct pd_text holder,
                      struct pd_text log, uint64_t position)
{
    struct m_reader *r = &m->readers[n];
    uint64_t         scope = m_print(reseller);
    struct m_name   *of = name_of(m, scope, name);
    struct m_told   *told = told_of(m, of, m_print(holder));

    PD_CHECK(n < M_READERS);
    if (told == NULL || m_print(log) != told->log || position < told->first || position > told->last) {
        wrong(m, "a subscriber begins at %" PRIu64 " of a log, and was told another position", position);
        return;
    }
    if (told->taken) wrong(m, "two programs follow as one holder");
    told->taken = of->followed = true;
    *r = (struct m_reader){.there = true, .all = scope == everybody(), .scope = scope, .log = m_print(log), .next = position + 1,
                           .done = position, .name = of, .told = told, .life = told->life};
}

/* Somebody has done each, and whoever comes after him begins no further on. Who attached before the name was deleted and made anew
 * counts again once he is heard, if only by a late copy of what he said then: with what he has done in between. */
void
m_name_done(struct model *m, struct m_reader *r)
{
    struct m_name *n = r->name;

    if (r->told->life != n->life || r->log != m->log) return; /* it has not heard yet that this counts no more */
    if (n->done_log != m->log) n->done = 0, n->done_log = m->log;
    if (r->life != n->life && r->given > n->done + 1) n->done = r->given - 1; /* in a former life, it had done each before this */
    r->life = n->life;
    if (r->given > n->done + 1)
        wrong(m, "event %" PRIu64 " is done under a name, and only those up to %" PRIu64 " before", r->given, n->done);
    if (r->given > n->done) n->done = r->given;
}

bool
m_name_is_at_head(const struct model *m, const struct m_name *n)
{
    return n->kept.there && n->kept.log == m->log && n->kept.position == m_head(m, n->scope);
}

/* ---- backups --------------------------------------------------------------------------------------------------------- */

void
model_names_backed_up(struct model *m)
{
    for (size_t i = 0; i < m->name_count; i++) m->names[i].backup = m->names[i].kept;
}

void
m_names_restored(struct model *m)
{
    for (size_t i = 0; i < m->name_count; i++) {
        m->names[i].kept = m->names[i].backup;
        m->names[i].life++;
    }
}

/* ---- what is shown --------------------------------------------------------------------------------------------------- */

/* What a list shows may be as old as the last look, if no turn was over since; never ahead of what is kept. */
static bool
check_view(struct model *m, struct m_name *n, const struct pd_subscriber_view *v)
{
    const struct m_kept *k = &n->kept, *old = &n->look;
    uint64_t             head = m_head(m, n->scope);
    bool                 known = n->look_life == n->life && old->there && m->now_ms >= n->look_ms + SHOWN_MS;
    bool                 same = known && old->log == k->log;

    NEED(m, k->there, "a subscriber is shown that there is not");
    NEED(m, v->head == head && v->lag == (head > v->position ? head - v->position : 0), "a subscriber at %" PRIu64 " of %" PRIu64
         " is shown to be %" PRIu64 " behind %" PRIu64, v->position, head, v->lag, v->head);
    NEED(m, !same || v->reset == (k->log != m->log), "a subscriber is shown to be of another log than it is");
    if (v->reset == (k->log != m->log))
        NEED(m, v->position <= k->position && (!same || v->position >= old->position),
             "a subscriber is shown at %" PRIu64 ", it is at %" PRIu64, v->position, k->position);
    return true;
}

void
model_listed(struct model *m, struct pd_text answer, uint64_t now_ms)
{
    struct pd_subscribers_reply r;
    struct pd_refusal           refusal;
    msgpack_object              o;
    size_t                      there = 0;

    if (m->violation[0] != '\0') return;
    bool read = m_code_of(m, answer, &o) == PD_OK &&
                pd_decode_map(&m->arena, pd_block_subscribers_reply(), PD_LENIENT, mp_find_packed(answer, "data"), &r, &refusal);
    if (!read) wrong(m, "the list of subscribers cannot be read");
    for (size_t i = 0; read && i < r.subscribers_count; i++) {
        const struct pd_subscriber_view *v = &r.subscribers[i];
        if (!check_view(m, name_of(m, v->reseller.data == NULL ? everybody() : m_print(v->reseller), v->subscriber), v)) break;
    }
    for (size_t i = 0; i < m->name_count; i++) {
        struct m_name *n = &m->names[i];
        there += n->kept.there;
        if (n->look_life == n->life && m->now_ms < n->look_ms + SHOWN_MS) continue;
        n->look = n->kept;
        n->look_ms = now_ms;
        n->look_life = n->life;
    }
    if (read && r.subscribers_count != there) wrong(m, "%zu subscribers are shown, there are %zu", r.subscribers_count, there);
    pd_arena_reset(&m->arena);
}
