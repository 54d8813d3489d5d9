/* model.c - requests and their answers: ids, refusals, what is accepted; and a turn, from its first request to what was due. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/check.h"
#include "tests/sim/model_tables.h"

bool
wrong(struct model *m, const char *format, ...)
{
    va_list args;

    if (m->violation[0] != '\0') return false;
    va_start(args, format);
    vsnprintf(m->violation, sizeof m->violation, format, args);
    va_end(args);
    return false;
}

const char *
model_violation(const struct model *m)
{
    return m->violation[0] == '\0' ? NULL : m->violation;
}

void
model_blame(struct model *m, const char *what)
{
    wrong(m, "%s", what);
}

struct model *
model_open(uint64_t lease_ms, model_moved *moved, void *arg)
{
    struct model *m = calloc(1, sizeof *m);
    PD_CHECK(m != NULL && (m->commands = calloc(M_COMMANDS, sizeof *m->commands)) != NULL);
    PD_CHECK((m->scopes[0] = calloc(1, sizeof *m->scopes[0])) != NULL);
    m->scope_count = 1;
    m->servers = m_servers_open();
    m->lease_ms = lease_ms;
    m->moved = moved;
    m->moved_arg = arg;
    pd_arena_init(&m->arena);
    return m;
}

void
model_close(struct model **model)
{
    struct model *m = *model;
    for (size_t i = 0; i < m->scope_count; i++) m_free_scope(m->scopes[i]);
    for (size_t i = 0; i < m->backup.scope_count; i++) m_free_scope(m->backup.scopes[i]);
    pd_arena_fini(&m->arena);
    mp_reader_fini(&m->reader);
    mp_reader_fini(&m->answer_reader);
    mp_writer_fini(&m->packed);
    free(m->commands);
    free(m->events);
    free(m->former.events);
    free(m->servers);
    free(m);
    *model = NULL;
}

uint64_t
model_last(const struct model *m)
{
    return m->last;
}

bool
model_is_busy(const struct model *m)
{
    struct m_work w;
    for (size_t s = 1; s < m->scope_count; s++)
        for (size_t n = 1; n <= m->scopes[s]->task_count; n++)
            if (m_work_of(m->scopes[s], n, &w) && m_is_open(w.slot)) return true;
    return false;
}

uint64_t
model_print_of(struct pd_text text)
{
    return m_print(text);
}

void
model_begin_life(struct model *m, uint64_t now_ms)
{
    struct m_work w;

    m->life++;
    m->worker_count = m->wait_count = m->stop_count = m->move_count = 0;
    m_names_begin_life(m);
    for (size_t s = 1; s < m->scope_count; s++)
        for (size_t n = 1; n <= m->scopes[s]->task_count; n++)
            if (m_work_of(m->scopes[s], n, &w)) w.slot->lease_until_ms = now_ms + m->lease_ms;
}

/* ---- commands and their ids ------------------------------------------------------------------------------------------ */

static struct m_command *
command_of(struct model *m, uint64_t scope, struct pd_text worker, struct pd_text id)
{
    uint64_t key = m_mix(m_mix(m_print(id), scope), m_print(worker)) | 1;
    size_t   i = key % M_COMMANDS;
    while (m->commands[i].key != 0 && m->commands[i].key != key) i = (i + 1) % M_COMMANDS;
    m->commands[i].key = key;
    return &m->commands[i];
}

static uint64_t
content_of(struct model *m)
{
    const struct pd_request *r = &m->message.envelope;
    uint64_t                 expect = r->has_expect ? r->expect + 1 : 0;

    mp_writer_clear(&m->packed);
    pd_encode_map(&m->packed, m->message.block, m->message.body);
    uint64_t data = m_print((struct pd_text){m->packed.data, m->packed.size});
    return m_mix(m_mix(m_mix(m_print(r->type), data), expect), m_print(r->on_behalf_of));
}

static struct pd_text
worker_of(const struct model *m, enum pd_port port)
{
    const struct pd_field *f = pd_block_field(m->message.block, PD_TEXT("worker"));
    if (port != PD_port_workers || f == NULL) return (struct pd_text){NULL, 0};
    return *(const struct pd_text *)(const void *)((const char *)m->message.body + f->offset);
}

/* ---- records --------------------------------------------------------------------------------------------------------- */

struct walk {
    const struct model_turn *turn;
    size_t                   at; /* of its records */
};

/* Takes the events of one command, which stand together. */
static bool
take_command(struct model *m, struct walk *w, size_t *ret_count)
{
    const struct model_record *first = &w->turn->records[w->at];

    m->touched = NULL;
    m->changed = NULL;
    m->done = NULL;
    m->owed_count = 0;
    NEED(m, w->at + first->count <= w->turn->record_count, "command %.*s stands in the log in part", (int)first->id.size,
         first->id.data);
    for (size_t i = 0; i < first->count; i++, w->at++) {
        const struct model_record *r = &w->turn->records[w->at];
        NEED(m, r->position == m->last + 1, "position %" PRIu64 " after %" PRIu64, r->position, m->last);
        NEED(m, r->index == i && r->count == first->count && pd_text_equal(r->id, first->id), "a command's events are mixed");
        if (!m_take_event(m, r)) return false;
        if (m->last == m->event_capacity) {
            m->event_capacity = m->event_capacity * 2 + 1024;
            PD_CHECK((m->events = realloc(m->events, m->event_capacity * sizeof *m->events)) != NULL);
        }
        m->events[m->last++] = (struct m_event){m_print(r->body), r->scope_position, r->scope, r->time, r->type};
    }
    NEED(m, m->owed_count == 0, "an instance of subscription %" PRIu64 " may exist, and is not removed", m->owed[0].subscription);
    if (m->changed != NULL && !m_is_sound(m, m->scopes[m->scope], m->changed)) return false;
    if (m->touched != NULL) {
        if (!m_is_settled(m, m->scopes[m->scope], m->touched)) return false;
        m->moved(m->moved_arg, m->touched_from, first->command, m->touched->state);
    }
    *ret_count = first->count;
    return true;
}

/* What the engine did of itself: starts, leases, releases, deadlines. Each once. */
static bool
take_own(struct model *m, struct walk *w)
{
    const struct model_record *r = &w->turn->records[w->at];
    size_t                     count;

    NEED(m, pd_text_equal(r->actor, PD_TEXT("engine")) && r->id.size > 1 && r->id.data[0] == '~',
         "event %" PRIu64 " is of command %.*s, which nobody sent", r->position, (int)r->id.size, r->id.data);
    struct m_command *c = command_of(m, r->command_scope, PD_TEXT("~"), r->id);
    NEED(m, c->fate == M_UNKNOWN, "the engine did %.*s twice", (int)r->id.size, r->id.data);
    if (!take_command(m, w, &count)) return false;
    c->fate = M_ACCEPTED;
    c->last = m->last;
    return true;
}

/* ---- answers --------------------------------------------------------------------------------------------------------- */

int
m_code_of(struct model *m, struct pd_text answer, msgpack_object *ret_answer)
{
    if (!mp_parse(&m->answer_reader, answer.data, answer.size, ret_answer)) return -1;
    const msgpack_object *ok = mp_find(ret_answer, "ok");
    if (ok == NULL || ok->type != MSGPACK_OBJECT_BOOLEAN) return -1;
    if (ok->via.boolean) return PD_OK;
    const struct pd_error *e = pd_schema_error_named(mp_find_text(mp_find(ret_answer, "error"), "code"));
    return e == NULL ? -1 : e->number;
}

uint64_t
m_number(const msgpack_object *map, const char *key)
{
    const msgpack_object *o = mp_find(map, key);
    return o != NULL && o->type == MSGPACK_OBJECT_POSITIVE_INTEGER ? o->via.u64 : 0;
}

static uint64_t
allowed_in(const msgpack_object *data)
{
    const msgpack_object *list = mp_find(data, "allowed");
    uint64_t              sum = 0;
    for (uint32_t i = 0; list != NULL && i < list->via.array.size; i++) {
        const msgpack_object *o = &list->via.array.ptr[i];
        sum += m_print((struct pd_text){o->via.str.ptr, o->via.str.size});
    }
    return sum;
}

/* What an answer says of an order is what the log says. */
static bool
check_order_answer(struct model *m, const struct m_order *o, const msgpack_object *data)
{
    NEED(m, m_print(mp_find_text(data, "reference")) == o->reference, "an answer about another order");
    NEED(m, pd_text_equal(mp_find_text(data, "state"), PD_NAME(order_state, o->state)), "an answer says another state than %d",
         o->state);
    NEED(m, m_number(data, "version") == o->version, "an answer says version %" PRIu64 ", it is %" PRIu64,
         m_number(data, "version"), o->version);
    NEED(m, allowed_in(data) == m_allowed(o->state), "an answer allows other commands than state %d does", o->state);
    return true;
}

bool
m_check_status(struct model *m, const struct m_order *o, const msgpack_object *data)
{
    const msgpack_object *items = mp_find(data, "items");

    if (!check_order_answer(m, o, data)) return false;
    NEED(m, items != NULL && items->type == MSGPACK_OBJECT_ARRAY && items->via.array.size == o->count, "a status of other items");
    for (uint32_t i = 0; i < items->via.array.size; i++)
        NEED(m, pd_text_equal(mp_find_text(&items->via.array.ptr[i], "state"), PD_NAME(item_state, o->items[i].state)),
             "a status says another state of item %u", i + 1);
    return true;
}

/* A read: at once, or a wait begins. */
static bool
take_status(struct model *m, struct m_scope *s, const struct model_request *r, int code, const msgpack_object *answer)
{
    const struct pd_check_status *c = m->message.body;
    const struct m_order         *o = m_order(s, c->has_order ? c->order : 0, c->reference);

    if (code == PD_E_internal) NEED(m, m->unread, "internal, and nothing is damaged");
    if (code == PD_E_invalid_field && r->array && c->wait_ms > 0) return true;
    if (code > 0) NEED(m, code == PD_E_internal || m_is_right(m, s, code), "a status is refused with %d", code);
    if (code != 0 && r->answer.data != NULL) return true;
    NEED(m, o != NULL, "the status of an order that there is not");
    bool held = c->wait_ms > 0 && !(c->until == PD_until_end && m_is_at_rest(o));
    NEED(m, held == (r->answer.data == NULL), held ? "a status is told at once that was to wait" : "a status waits for nothing");
    if (!held) return m_check_status(m, o, mp_find(answer, "data"));
    PD_CHECK(m->wait_count < M_WAITS);
    m->waits[m->wait_count++] = (struct m_wait){
        m_print(r->address), m_print(m->message.envelope.id), m_print(m->message.envelope.reseller),
        (uint64_t)(o - s->orders) + 1, o->version, r->now_ms + c->wait_ms, c->until == PD_until_end,
    };
    return true;
}

/* ---- one request ----------------------------------------------------------------------------------------------------- */

static int
door_says(struct pd_domain domain)
{
    return domain.unicode.data != NULL && m_ascii(domain.unicode).data == NULL ? PD_E_domain_invalid : PD_OK;
}

/* What the door refuses: what cannot be decoded, names that are no domains, zones that there are not. */
static int
decode(struct model *m, const struct model_request *r, bool *ret_decoded)
{
    struct mp_scan    scan;
    struct pd_refusal refusal;
    struct pd_text    one = r->frame;

    *ret_decoded = false;
    if (!mp_scan(r->frame.data, r->frame.size, &scan)) return scan.too_large ? PD_E_too_large : PD_E_malformed_message;
    if (r->array) {
        struct mp_cursor c = mp_cursor_of(r->frame);
        (void)mp_take_array(&c);
        for (size_t n = 0; n <= r->n; n++) one = mp_take_packed(&c);
    }
    if (!pd_decode_request(&m->arena, r->port, one, &m->message, &refusal)) return (int)refusal.code;
    if (r->array && r->port == PD_port_workers && m->message.block->flags & PD_READS) return PD_E_invalid_field;
    *ret_decoded = true;
    int code = m->message.block->code;
    if (code == PD_COMMAND_put_reseller) {
        struct pd_text zone = ((const struct pd_put_reseller *)m->message.body)->time_zone;
        return zone.data == NULL || pd_text_equal(zone, PD_TEXT("UTC")) ? PD_OK : PD_E_invalid_field;
    }
    if (code == PD_COMMAND_correct_item) return door_says(((const struct pd_correct_item *)m->message.body)->domain);
    if (code == PD_COMMAND_import_subscription) return door_says(((const struct pd_import_subscription *)m->message.body)->domain);
    if (code != PD_COMMAND_add_order && code != PD_COMMAND_update_order) return PD_OK;
    const struct pd_add_order    *a = m->message.body;
    const struct pd_update_order *u = m->message.body;
    const struct pd_item_request *items = code == PD_COMMAND_add_order ? a->items : u->items;
    size_t                        count = code == PD_COMMAND_add_order ? a->items_count : u->items_count;
    for (size_t i = 0; i < count; i++)
        if (door_says(items[i].domain) != PD_OK) return PD_E_domain_invalid;
    return PD_OK;
}

/* A command that was seen before. */
static bool
check_again(struct model *m, const struct m_command *c, int code, uint64_t reply)
{
    if (code == PD_E_internal && m->unread) return true;
    if (c->content != content_of(m)) {
        NEED(m, code == PD_E_id_reused, "another command under a known id is answered with %d", code);
        return true;
    }
    NEED(m, reply == c->reply, c->fate == M_ACCEPTED ? "an accepted command is answered otherwise when it is sent again (%d): %.*s"
                               : c->fate == M_STALE  ? "a stale report is answered otherwise when it is sent again (%d): %.*s"
                                                     : "a refused command is answered otherwise when it is sent again (%d): %.*s",
         code, (int)m->message.envelope.id.size, m->message.envelope.id.data);
    return true;
}

static bool
check_subscription_answer(struct model *m, struct m_scope *s, const msgpack_object *data)
{
    const struct m_subscription *sub = m_subscription(s, m_number(data, "subscription"));

    NEED(m, sub != NULL && sub == m->changed && m_number(data, "version") == sub->version &&
                pd_text_equal(mp_find_text(data, "status"), PD_NAME(subscription_status, sub->status)) &&
                pd_text_equal(mp_find_text(data, "service_status"), PD_NAME(service_status, sub->service)),
         "an answer says another of a subscription than the log");
    return true;
}

/* An accepted command's answer, beside its events. */
static bool
check_accepted(struct model *m, struct m_scope *s, size_t count, const msgpack_object *answer)
{
    const msgpack_object *data = mp_find(answer, "data");
    const struct m_event *last = m->last == 0 ? NULL : &m->events[m->last - 1];
    int                   command = m->message.block->code;

    NEED(m, m_number(answer, "position") == (count == 0 ? 0 : last->scope_position), "an answer with position %" PRIu64,
         m_number(answer, "position"));
    if (count == 0) {
        NEED(m, command == PD_COMMAND_report_success || command == PD_COMMAND_report_failure, "what is accepted did nothing");
        return true;
    }
    if ((command >= PD_COMMAND_add_order && command <= PD_COMMAND_retry_provisioning) ||
        (command >= PD_COMMAND_accept_partial && command <= PD_COMMAND_correct_item)) {
        NEED(m, m->touched != NULL && m_number(data, "order") == (uint64_t)(m->touched - s->orders) + 1, "another order is named");
        return check_order_answer(m, m->touched, data);
    }
    const struct pd_skip_event *skip = m->message.body;
    if (command == PD_COMMAND_skip_event)
        NEED(m, count == 1 && m_number(data, "position") == skip->position &&
                    pd_text_equal(mp_find_text(data, "subscriber"), skip->subscriber),
             "another event is skipped than was asked for");
    if (command == PD_COMMAND_end_subscription || command == PD_COMMAND_import_subscription)
        return check_subscription_answer(m, s, data);
    return true;
}

/* Nothing that is accepted should have been refused. */
static bool
is_rightly_taken(struct model *m, struct m_scope *s)
{
    static const int codes[] = {
        PD_E_version_conflict, PD_E_illegal_transition, PD_E_stale_lease, PD_E_total_mismatch, PD_E_reference_taken,
        PD_E_domain_taken, PD_E_plan_not_published, PD_E_period_disabled, PD_E_currency_mismatch, PD_E_item_not_failed,
        PD_E_nothing_completed, PD_E_task_closed, PD_E_not_removable, PD_E_import_taken, PD_E_import_differs, PD_E_item_not_found,
        PD_E_invalid_field, PD_E_task_not_found, PD_E_subscription_not_found, PD_E_task_not_waiting, PD_E_task_not_leased,
        PD_E_abandon_required, PD_E_nothing_to_abandon, PD_E_too_many_remains, PD_E_missing_field, PD_E_subscriber_not_found,
        PD_E_position_out_of_range,
    };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        NEED(m, !m_is_right(m, s, codes[i]), "%s is accepted, and %s should be its answer", m->message.block->Name,
             pd_schema_error(codes[i])->code);
    return true;
}

/* Its answer is there; its events, if any, come next in the log. */
static bool
take_decided(struct model *m, struct m_scope *s, struct m_command *c, struct walk *w, const struct model_request *r, int code,
             const msgpack_object *answer)
{
    const struct model_record *next = w->at < w->turn->record_count ? &w->turn->records[w->at] : NULL;
    bool   told = next != NULL && pd_text_equal(next->id, m->message.envelope.id) && next->command == m->message.block->code &&
                next->command_scope < m->scope_count && m->scopes[next->command_scope] == s;
    size_t count = 0;

    if (code == PD_E_internal) {
        NEED(m, m->unread && !told, "internal, and nothing is damaged");
        return true;
    }
    if (code == PD_E_storage_full) {
        NEED(m, m->full && !told, "storage_full, and there is space");
        return true;
    }
    if (code == PD_OK) {
        if (!is_rightly_taken(m, s)) return false;
    } else { /* a stale result is refused and recorded */
        NEED(m, !told || code == PD_E_stale_lease, "a command is refused with %d and stands in the log", code);
        NEED(m, m_is_right(m, s, code), "%s is refused with %d, which is not so", m->message.block->Name, code);
    }
    const struct m_order *asked = m_asked(m, s);
    if (told && !take_command(m, w, &count)) return false;
    NEED(m, asked == NULL || count == 0 || m->touched == asked || m->touched == NULL,
         "a command changes another order than it names");
    NEED(m, code != PD_OK || count > 0 || m->message.block->port == PD_port_workers, "%s is acknowledged and not in the log",
         m->message.block->Name);
    *c = (struct m_command){c->key, content_of(m), m_print(r->answer), m->life, m->last,
                            code == PD_OK && count > 0 ? M_ACCEPTED : code == PD_OK ? M_UNKNOWN : count > 0 ? M_STALE : M_REFUSED};
    return code != PD_OK || check_accepted(m, s, count, answer);
}

static bool
take_request(struct model *m, struct walk *w, const struct model_request *r)
{
    bool           decoded;
    msgpack_object answer;
    int            code = r->answer.data == NULL ? -1 : m_code_of(m, r->answer, &answer), refused = decode(m, r, &decoded);

    NEED(m, r->answer.data == NULL || code >= 0, "an answer that cannot be read");
    if (refused != PD_OK) {
        NEED(m, code == refused, "what is to be refused with %d is answered with %d", refused, code);
        return true;
    }
    const struct pd_request *envelope = &m->message.envelope;
    struct m_scope          *s = m_scope(m, envelope->reseller);
    if (r->answer.data != NULL)
        NEED(m, pd_text_equal(mp_find_text(&answer, "id"), envelope->id), "an answer has another id");
    if (s == NULL) {
        NEED(m, code == PD_E_reseller_not_found, "a command for no reseller is answered with %d", code);
        return true;
    }
    NEED(m, code != PD_E_reseller_not_found, "a reseller is not found that there is");
    switch (m->message.block->code) {
    case PD_COMMAND_hello: NEED(m, code == PD_OK, "Hello is refused"); return true;
    case PD_COMMAND_worker_ready: return m_take_ready(m, r, code, mp_find(&answer, "data"));
    case PD_COMMAND_worker_goodbye: NEED(m, code == PD_OK, "a goodbye is refused"); return m_take_goodbye(m, r);
    case PD_COMMAND_drain_worker: return m_take_drain(m, code, mp_find(&answer, "data"));
    case PD_COMMAND_check_status: return take_status(m, s, r, code, &answer);
    case PD_COMMAND_attach_subscriber:
    case PD_COMMAND_move_subscriber:
    case PD_COMMAND_detach_subscriber:
    case PD_COMMAND_delete_subscriber: return m_take_name(m, s, r, code, &answer);
    default: break;
    }
    NEED(m, r->answer.data != NULL, "a command is not answered");
    if (envelope->dry_run) {
        if (code == PD_E_internal) NEED(m, m->unread, "internal, and nothing is damaged");
        else NEED(m, code == PD_OK || m_is_right(m, s, code), "a dry run is refused with %d, which is not so", code);
        return true;
    }
    struct m_command *c = command_of(m, m_print(envelope->reseller), worker_of(m, r->port), envelope->id);
    bool known = c->fate == M_ACCEPTED || c->fate == M_STALE || (c->fate == M_REFUSED && c->life == m->life);
    return known ? check_again(m, c, code, m_print(r->answer)) : take_decided(m, s, c, w, r, code, &answer);
}

/* ---- a turn ---------------------------------------------------------------------------------------------------------- */

/* What was due is done by the end of the turn: no task past its deadline, no lease past its time. Orders expire a bit later. */
static bool
check_due(struct model *m, const struct model_turn *t)
{
    uint64_t      time = t->wall_us > m->time ? t->wall_us : m->time;
    struct m_work w;

    for (size_t s = 1; s < m->scope_count; s++) {
        for (size_t n = 1; n <= m->scopes[s]->task_count; n++) {
            if (!m_work_of(m->scopes[s], n, &w) || !m_is_open(w.slot)) continue;
            NEED(m, w.slot->deadline > time, "task %zu is past its deadline", n);
            NEED(m, w.slot->state == PD_task_state_created || w.slot->lease_until_ms > t->now_ms,
                 "a lease of task %zu is past its time", n);
        }
        for (size_t n = 0; n < m->scopes[s]->order_count; n++) {
            struct m_order *o = &m->scopes[s]->orders[n];
            bool unopened = o->state == PD_order_state_draft || o->state == PD_order_state_new || o->state == PD_order_state_held;
            o->late = unopened && o->updated + M_EXPIRY_DAYS * UINT64_C(86400000000) <= m->time ? o->late + 1 : 0;
            NEED(m, o->late < M_EXPIRY_TURNS, "order %zu should have expired", n + 1);
        }
    }
    return true;
}

/* Who is silent for a lease's time is forgotten; then the engine does what is due, and hands out tasks. */
static void
take_owns(struct model *m, struct walk *w, uint64_t now_ms, uint64_t last)
{
    m->now_ms = now_ms;
    for (size_t i = 0; i < m->worker_count;)
        if (m->workers[i].heard_ms + m->lease_ms <= now_ms) m_forget_worker(m, &m->workers[i]);
        else i++;
    while (w->at < w->turn->record_count && w->turn->records[w->at].position <= last && take_own(m, w)) continue;
    pd_arena_reset(&m->arena);
}

void
model_turn(struct model *m, const struct model_turn *t)
{
    struct walk w = {t, 0};

    m->turn++;
    m->unread = t->unread;
    m->full = t->full;
    m->stopping = t->stopping;
    m->stop_count = 0;
    for (size_t i = 0; i < t->request_count && m->violation[0] == '\0'; i++) {
        m->now_ms = t->requests[i].now_ms;
        if (!take_request(m, &w, &t->requests[i])) return;
        pd_arena_reset(&m->arena);
        if (t->requests[i].last > 0) take_owns(m, &w, t->requests[i].now_ms, t->requests[i].last);
    }
    take_owns(m, &w, t->now_ms, UINT64_MAX);
    if (m->violation[0] == '\0' && !t->full && !t->unread) check_due(m, t);
}
