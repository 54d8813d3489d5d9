#include "engine/engine.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "engine/authorise.h"
#include "engine/base/log.h"
#include "engine/remembered.h"
#include "engine/tasks.h"
#include "engine/upkeep.h"
#include "engine/view.h"
#include "engine/waits.h"
#include "proto/check.h"

enum { DUE_MAX = 256, AHEAD = 8 };

struct engine {
    struct store         *store;
    struct engine_options options;
    char                  log_text[2 * PD_LOG_ID_BYTES + 1];
    struct index         *index;
    struct scopes        *scopes;
    struct tasks         *tasks;
    struct waits         *waits;
    struct remembered    *remembered;
    uint64_t              last, term, turn; /* of the log; the turn counts from the start of the log */
    pd_time_us            last_time;
    uint8_t               chain[PD_CHAIN_BYTES];

    /* The turn's own; forgotten at the next one's begin. */
    struct pd_arena   arena;
    struct rows       rows;
    struct folder     folder;
    struct mp_writer  writer;
    struct mp_reader  parser;
    struct now        now;
    bool              writable;
    struct outgoing  *outgoing;
    size_t            outgoing_count, outgoing_capacity;
    struct appended  *appended;
    size_t            appended_count, appended_capacity;
    size_t            appended_bytes;

    pthread_mutex_t       figures_lock;
    struct engine_figures figures, shown;
};

/* A command on its way: a client's, a worker's, or the engine's own. */
struct command {
    const struct pd_block *block;
    const void            *body;
    struct pd_text         id, actor, on_behalf_of, trace;
    struct scope          *scope; /* NULL: outside any reseller */
    uint64_t               command_scope;
    bool                   has_expect, dry_run;
    uint64_t               expect;
    const uint8_t         *fingerprint;
    uint64_t               id_print; /* of reseller and id */
    bool                   remember; /* not the engine's own, which are made once */
};

/* ---- small things -------------------------------------------------------------------------------------------------- */

static void *
grow(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) return array;
    *capacity = *capacity * 2 + 64;
    array = realloc(array, *capacity * size);
    PD_CHECK(array != NULL);
    return array;
}

static bool
is_worker(struct pd_text actor)
{
    return actor.size > 7 && memcmp(actor.data, "worker/", 7) == 0;
}

/* Ids are each reseller's, and in it each worker's. */
static uint64_t
id_print(struct pd_text reseller, struct pd_text actor, struct pd_text id)
{
    uint64_t seed = XXH3_64bits(reseller.data, reseller.size);
    if (is_worker(actor)) seed = XXH3_64bits_withSeed(actor.data, actor.size, seed);
    return XXH3_64bits_withSeed(id.data, id.size, seed);
}

static struct pd_text
packed_copy(struct engine *e)
{
    return pd_arena_text(&e->arena, (struct pd_text){e->writer.data, e->writer.size});
}

static void
answer_refused(struct engine *e, struct request *r, const struct pd_refusal *refusal)
{
    mp_writer_clear(&e->writer);
    pd_encode_refused(&e->writer, r->message.envelope.id, refusal);
    r->answer = packed_copy(e);
    r->refused = true;
}

static void
answer_accepted(struct engine *e, struct request *r, uint64_t position, const void *data)
{
    mp_writer_clear(&e->writer);
    pd_encode_accepted(&e->writer, r->message.envelope.id, position, r->message.block->reply(), data);
    r->answer = packed_copy(e);
}

static void
send_later(struct engine *e, enum pd_port port, struct pd_text address)
{
    e->outgoing = grow(e->outgoing, e->outgoing_count, &e->outgoing_capacity, sizeof *e->outgoing);
    e->outgoing[e->outgoing_count++] = (struct outgoing){port, pd_arena_text(&e->arena, address), packed_copy(e)};
}

static struct lookup
lookup_for(struct engine *e, struct scope *scope)
{
    return (struct lookup){
        .folder = &e->folder,
        .scope = scope,
        .tasks = e->tasks,
        .log_id = store_log_id(e->store),
        .next_position = e->last + 1,
        .now = e->last_time,
        .monotonic_ms = e->now.monotonic_ms,
    };
}

/* ---- appending ----------------------------------------------------------------------------------------------------- */

/* The scope an event belongs to: its command's reseller, or the one it makes. */
static uint64_t
scope_of_event(struct engine *e, const struct command *c, const struct event *event)
{
    if (event->code != PD_EVENT_reseller_put) return c->scope == NULL ? 0 : c->scope->reseller.scope;
    const struct scope *s = scopes_find(e->scopes, ((const struct pd_reseller_put *)event->body)->reseller);
    return s == NULL ? scopes_count(e->scopes) + 1 : s->reseller.scope;
}

/* Numbers that an event gives out are given now. */
static void
give_numbers(struct scope *scope, const struct event *event)
{
    if (event->code == PD_EVENT_order_added) scope->last[NUMBER_order]++;
    if (event->code != PD_EVENT_order_opened) return;
    const struct pd_order_opened *o = event->body;
    for (size_t i = 0; i < o->items_count; i++) {
        scope->last[NUMBER_subscription]++;
        if (o->items[i].has_task) scope->last[NUMBER_task]++;
    }
}

static void
append(struct engine *e, const struct command *c, struct event *event, size_t index, size_t count)
{
    const struct pd_block *block = pd_schema_event(event->code);
    uint64_t               scope_number = scope_of_event(e, c, event);
    struct scope          *scope = scopes_at(e->scopes, scope_number);
    struct appended       *a;

    e->appended = grow(e->appended, e->appended_count, &e->appended_capacity, sizeof *e->appended);
    a = &e->appended[e->appended_count++];
    *a = (struct appended){
        .event = event->body,
        .record = {
            .header = {
                .type = (uint16_t)event->code,
                .schema = 1,
                .command_type = (uint16_t)c->block->code,
                .index = (uint16_t)index,
                .count = (uint16_t)count,
                .position = e->last + 1,
                .time = e->last_time,
                .term = (uint32_t)e->term,
                .turn = e->turn,
                .scope = (uint32_t)scope_number,
                .command_scope = (uint32_t)c->command_scope,
                /* A new reseller's first event makes its scope, and is its first position. */
                .scope_position = scope == NULL ? 1 : scopes_move(e->scopes, scope),
                .expect = c->has_expect && c->expect < UINT32_MAX ? (uint32_t)c->expect : UINT32_MAX,
            },
            .command_id = c->id,
            .actor = c->actor,
            .on_behalf_of = c->on_behalf_of,
            .trace = c->trace,
        },
    };
    if (c->fingerprint != NULL) memcpy(a->record.header.fingerprint, c->fingerprint, 16);
    bool ok = fold_address(&e->folder, event->body, event->found, &a->record.header);
    PD_CHECK(ok); /* preloaded */
    event->version = a->record.header.version;

    mp_writer_clear(&e->writer);
    pd_encode_map(&e->writer, block, event->body);
    a->record.body = (struct pd_text){e->writer.data, e->writer.size};
    size_t size = record_size(&a->record);
    char  *bytes = pd_arena_alloc(&e->arena, size);
    record_write(&a->record, e->chain, bytes);
    a->record.body.data = bytes + size - PD_CHAIN_BYTES - a->record.body.size;
    memcpy(e->chain, a->record.chain, sizeof e->chain);
    store_append(e->store, a->record.header.position, bytes, size);
    e->last++;
    e->appended_bytes += size;

    if (scope != NULL) give_numbers(scope, event);
    ok = fold_event(&e->folder, &a->record, event->body, event->found);
    PD_CHECK(ok);
    if (scope == NULL) {
        scope = scopes_at(e->scopes, scope_number);
        PD_CHECK(scope != NULL);
        scopes_move(e->scopes, scope);
    }
    if (scope_number != 0) a->reseller = scope->reseller.reseller;
}

/* ---- deciding ------------------------------------------------------------------------------------------------------ */

static void
run_rule(struct engine *e, const struct command *c, struct decision *out)
{
    struct lookup lookup = lookup_for(e, c->scope);
    struct view   view = view_over(&lookup);

    view.command_id = c->id;
    view.actor = c->actor;
    view.on_behalf_of = c->on_behalf_of;
    view.has_expect = c->has_expect;
    view.expect = c->expect;
    out->arena = &e->arena;
    out->refusal.code = PD_OK;
    out->count = 0;
    out->answer = NULL;
    e->rows.damaged = false;
    decide(&view, c->block, c->body, out);
    for (size_t i = 0; i < out->count && !e->rows.damaged; i++)
        out->events[i].found =
            fold_preload(&e->folder, out->events[i].code, out->events[i].body, scope_of_event(e, c, &out->events[i]));
    if (!e->rows.damaged) return;
    /* A decision on what cannot be trusted is none. */
    e->rows.damaged = false;
    out->count = 0;
    out->answer = NULL;
    out->refusal = pd_refuse(PD_E_internal);
}

static void
append_all(struct engine *e, const struct command *c, struct decision *out)
{
    uint64_t first = e->last + 1;
    for (size_t i = 0; i < out->count; i++) append(e, c, &out->events[i], i, out->count);
    if (out->count > 0 && c->remember) index_add_id(e->index, c->id_print, first);
}

/* The answer as it would be: versions that would come, no number for what would be made. */
static void
answer_dry_run(struct engine *e, struct request *r, const struct command *c, struct decision *out)
{
    uint64_t order_version = 0;

    for (size_t i = 0; i < out->count; i++) {
        struct record_header h = {.type = (uint16_t)out->events[i].code, .scope = (uint32_t)c->scope->reseller.scope,
                                  .position = e->last + 1};
        fold_address(&e->folder, out->events[i].body, NULL, &h);
        bool of_order = pd_schema_event(h.type)->aggregate == PD_aggregate_order;
        out->events[i].version = of_order && order_version > 0 ? order_version + 1 : h.version;
        if (of_order) order_version = out->events[i].version;
    }
    void *answer = make_answer(&e->arena, r->message.block, r->message.body, out->events, out->count);
    if (r->message.block->code == PD_COMMAND_add_order) ((struct pd_review_reply *)answer)->has_order = false;
    answer_accepted(e, r, 0, answer);
}

/* ---- seen before? -------------------------------------------------------------------------------------------------- */

/* Reads the events of a command whose first stands at `first` again, and answers as it was answered. */
static bool
answer_again(struct engine *e, struct request *r, uint64_t first, const struct record *head)
{
    struct event *events = PD_ARENA_ARRAY(&e->arena, struct event, head->header.count);
    struct record record = *head;

    for (size_t i = 0; i < head->header.count; i++) {
        struct pd_text bytes;
        if (i > 0 && (store_read_record(e->rows.reader, first + i, &e->arena, &bytes) != STORE_OK || !record_read(bytes, &record)))
            return false;
        const struct pd_block *block = pd_schema_event(record.header.type);
        if (block == NULL) return false;
        events[i] = (struct event){record.header.type, pd_arena_zero(&e->arena, block->size), record.header.version, NULL};
        if (!pd_decode_event(&e->arena, &e->parser, block, record.body, events[i].body)) return false;
    }
    answer_accepted(e, r, record.header.scope_position,
                    make_answer(&e->arena, r->message.block, r->message.body, events, head->header.count));
    return true;
}

/* Whether the id was seen; then the request is answered. */
static bool
is_seen(struct engine *e, const struct command *c, struct request *r)
{
    uint64_t          positions[8];
    size_t            n = index_find_id(e->index, c->id_print, positions, 8);
    struct pd_refusal reused = pd_refuse_field(PD_E_id_reused, NULL, "id");

    for (size_t i = 0; i < n; i++) {
        struct pd_text bytes;
        struct record  record;
        if (store_read_record(e->rows.reader, positions[i], &e->arena, &bytes) != STORE_OK || !record_read(bytes, &record)) continue;
        if (record.header.command_scope != c->command_scope || !pd_text_equal(record.command_id, c->id) ||
            is_worker(record.actor) != is_worker(c->actor) || (is_worker(c->actor) && !pd_text_equal(record.actor, c->actor)))
            continue;
        struct pd_refusal internal = pd_refuse(PD_E_internal);
        if (memcmp(record.header.fingerprint, c->fingerprint, 16) != 0) answer_refused(e, r, &reused);
        else if (!answer_again(e, r, positions[i], &record)) answer_refused(e, r, &internal);
        return true;
    }
    bool                     same;
    const struct pd_refusal *before = remembered_find(e->remembered, c->id_print, c->fingerprint, &same);
    if (before != NULL) answer_refused(e, r, same ? before : &reused);
    return before != NULL;
}

/* ---- requests ------------------------------------------------------------------------------------------------------ */

static void
answer_hello(struct engine *e, struct request *r, const struct scope *scope)
{
    struct pd_protocol_limits limits = {
        .frame_bytes = PD_FRAME_MAX, .array_commands = PD_ARRAY_MAX, .order_items = PD_ITEMS_MAX, .page_rows = PD_PAGE_ROWS_MAX,
    };
    struct pd_hello_reply hello = {
        .protocol = PD_PROTOCOL_VERSION,
        .software = e->options.software,
        .log = pd_text(e->log_text),
        .head = scope->position,
        .time = e->last_time,
        .endpoints = &e->options.endpoints,
        .limits = &limits,
    };
    answer_accepted(e, r, 0, &hello);
}

static uint64_t
scope_number(void *arg, struct pd_text reseller)
{
    const struct scope *s = scopes_find(((struct engine *)arg)->scopes, reseller);
    return s == NULL ? 0 : s->reseller.scope;
}

static void
answer_worker(struct engine *e, struct request *r)
{
    struct pd_worker_reply reply = {.heartbeat_ms = e->options.lease_ms / 3, .lease_ms = e->options.lease_ms};

    if (r->message.block->code == PD_COMMAND_worker_ready) {
        const struct pd_worker_ready *ready = r->message.body;
        reply.lost = PD_ARENA_ARRAY(&e->arena, struct pd_held_lease, ready->leases_count);
        reply.lost_count = tasks_worker_ready(e->tasks, ready, r->address, scope_number, e, reply.lost, e->now.monotonic_ms);
    } else tasks_worker_goodbye(e->tasks, ((const struct pd_worker_goodbye *)r->message.body)->worker, e->now.monotonic_ms);
    answer_accepted(e, r, 0, &reply);
}

static bool
is_settled(enum pd_order_state state)
{
    return state != PD_order_state_provisioning;
}

/* CheckStatus: at once, or when the order has changed or the time is over. */
static void
answer_status(struct engine *e, struct request *r, const struct command *c, const struct pd_status_reply *status)
{
    const struct pd_check_status *check = c->body;
    bool                          to_end = check->until == PD_until_end;

    if (check->wait_ms > 0 && !(to_end && is_settled(status->state))) {
        struct wait w = {
            .address = r->address, .id = c->id, .scope = c->scope->reseller.scope, .order = status->order,
            .version = status->version, .to_end = to_end, .due_ms = e->now.monotonic_ms + check->wait_ms,
        };
        if (waits_add(e->waits, &w)) return;
        struct pd_refusal busy = pd_refuse(PD_E_busy);
        busy.retry_after_ms = 1000;
        answer_refused(e, r, &busy);
        return;
    }
    answer_accepted(e, r, 0, status);
}

static struct pd_text
actor_of(struct engine *e, const struct request *r)
{
    const struct pd_field *worker;

    if (r->port != PD_port_workers || (worker = pd_block_field(r->message.block, PD_TEXT("worker"))) == NULL)
        return PD_TEXT("local");
    struct pd_text id = *(const struct pd_text *)(const void *)((const char *)r->message.body + worker->offset);
    char          *name = pd_arena_alloc(&e->arena, 7 + id.size);
    memcpy(name, "worker/", 7);
    memcpy(name + 7, id.data, id.size);
    return (struct pd_text){name, 7 + id.size};
}

static void
answer_decision(struct engine *e, struct request *r, const struct command *c, struct decision *out)
{
    bool refused = out->refusal.code != PD_OK;

    if (c->dry_run && !refused && out->answer == NULL) {
        answer_dry_run(e, r, c, out);
        return;
    }
    if (!c->dry_run) append_all(e, c, out);
    if (refused) {
        if (c->remember && !c->dry_run && out->refusal.code != PD_E_internal)
            remembered_add(e->remembered, c->id_print, c->fingerprint, &out->refusal);
        answer_refused(e, r, &out->refusal);
    } else if (out->answer != NULL) answer_status(e, r, c, out->answer);
    else
        answer_accepted(e, r, out->count == 0 ? 0 : e->appended[e->appended_count - 1].record.header.scope_position,
                        make_answer(&e->arena, c->block, c->body, out->events, out->count));
}

static void
serve(struct engine *e, struct request *r)
{
    static struct decision   decision; /* too large for a stack; one thread */
    const struct pd_request *envelope = &r->message.envelope;
    struct pd_refusal        refusal = r->refusal;
    struct command           c;

    r->answer = (struct pd_text){NULL, 0};
    r->refused = false;
    struct pd_text actor = refusal.code == PD_OK ? actor_of(e, r) : (struct pd_text){NULL, 0};
    struct scope  *scope = refusal.code == PD_OK ? scopes_find(e->scopes, envelope->reseller) : NULL;
    if (refusal.code == PD_OK && scope == NULL) refusal = pd_refuse_field(PD_E_reseller_not_found, NULL, "reseller");
    if (refusal.code == PD_OK) refusal.code = authorise(actor, &r->message, envelope->reseller);
    if (refusal.code != PD_OK) {
        answer_refused(e, r, &refusal);
        return;
    }
    if (r->message.block->code == PD_COMMAND_hello) {
        answer_hello(e, r, scope);
        return;
    }
    if (r->message.block->reply == pd_block_worker_reply) {
        answer_worker(e, r);
        return;
    }

    bool reads = r->message.block->flags & PD_READS;
    c = (struct command){
        .block = r->message.block, .body = r->message.body, .id = envelope->id, .actor = actor,
        .on_behalf_of = envelope->on_behalf_of, .trace = envelope->trace, .scope = scope,
        .command_scope = scope->reseller.scope, .has_expect = envelope->has_expect, .expect = envelope->expect,
        .dry_run = envelope->dry_run, .fingerprint = r->fingerprint, .remember = !reads,
    };
    c.id_print = id_print(envelope->reseller, c.actor, c.id);
    if (c.remember && !c.dry_run && is_seen(e, &c, r)) return;
    if (!e->writable && !reads && !c.dry_run) {
        refusal = pd_refuse(PD_E_storage_full);
        answer_refused(e, r, &refusal);
        return;
    }
    if (reads && r->in_array && ((const struct pd_check_status *)c.body)->wait_ms > 0) {
        refusal = pd_refuse_field(PD_E_invalid_field, "absent or 0 inside an array", "wait_ms");
        answer_refused(e, r, &refusal);
        return;
    }
    run_rule(e, &c, &decision);
    answer_decision(e, r, &c, &decision);
}

/* ---- the engine's own commands ------------------------------------------------------------------------------------- */

/* Runs a command of the engine itself; false when a rule refuses it. */
static bool
run_own(struct engine *e, const struct pd_block *block, const void *body, struct scope *scope, struct pd_text id)
{
    static struct decision decision;
    struct command c = {
        .block = block, .body = body, .id = id, .actor = PD_TEXT("engine"), .scope = scope,
        .command_scope = scope == NULL ? 0 : scope->reseller.scope,
    };

    run_rule(e, &c, &decision);
    if (decision.refusal.code != PD_OK) {
        log_error("own_command_refused", "command=%s code=%s", block->Name, pd_schema_error((int)decision.refusal.code)->code);
        return false;
    }
    append_all(e, &c, &decision);
    return true;
}

/* An id made from its subject: ~lease/4/1. */
static struct pd_text
own_id(struct engine *e, const char *what, uint64_t number, uint64_t of)
{
    char id[64];
    snprintf(id, sizeof id, "~%s/%" PRIu64 "/%" PRIu64, what, number, of);
    return pd_arena_text(&e->arena, pd_text(id));
}

static bool
turn_is_full(const struct engine *e)
{
    return e->appended_bytes + e->rows.dirty_bytes > TURN_BYTES_MAX;
}

static void
run_due(struct engine *e)
{
    for (int n = 0; n < DUE_MAX && !turn_is_full(e); n++) {
        struct due due = tasks_next_due(e->tasks, e->last_time, e->now.monotonic_ms);
        bool       ok = true;
        if (due.kind == DUE_nothing) return;
        struct scope *scope = scopes_at(e->scopes, due.scope);
        if (due.kind == DUE_deadline) {
            struct pd_expire_task c = {.task = due.task, .attempt = due.attempt};
            ok = run_own(e, pd_block_expire_task(), &c, scope, own_id(e, "deadline", due.task, due.attempt));
        } else {
            struct pd_release_lease c = {.task = due.task, .lease = due.lease, .reason = PD_TEXT("the worker is gone")};
            ok = run_own(e, pd_block_release_lease(), &c, scope, own_id(e, "release", due.task, due.lease));
        }
        if (!ok) return;
    }
}

static void
send_assignment(struct engine *e, const struct match *m, const struct scope *scope)
{
    struct lookup          lookup = lookup_for(e, (struct scope *)(uintptr_t)scope);
    struct view            view = view_over(&lookup);
    const struct pd_order *o = view.order_by_task(view.ctx, m->task);
    const struct pd_order_item *i = NULL;

    for (size_t n = 0; n < o->items_count; n++)
        if (o->items[n].has_task && o->items[n].task == m->task) i = &o->items[n];
    PD_CHECK(i != NULL);
    struct pd_assignment a = {
        .reseller = scope->reseller.reseller, .task = m->task, .lease = i->lease, .operation = PD_operation_provision,
        .instance = i->instance, .attempt = i->attempt, .deadline = i->deadline, .order = o->order,
        .reference = o->reference, .item = i->item, .customer = o->customer, .subscription = i->subscription,
        .plan = i->plan, .plan_name = i->plan_name, .period = i->period, .quantity = i->quantity, .domain = i->domain,
        .domain_unicode = i->domain_unicode, .parameters = i->parameters, .parameters_count = i->parameters_count,
    };
    mp_writer_clear(&e->writer);
    mp_map(&e->writer, 2);
    mp_key(&e->writer, "type");
    mp_key(&e->writer, "Assignment");
    mp_key(&e->writer, "data");
    pd_encode_map(&e->writer, pd_block_assignment(), &a);
    send_later(e, PD_port_workers, m->address);
}

static void
run_matches(struct engine *e)
{
    struct match m;

    for (int n = 0; n < TURN_COMMANDS_MAX && !turn_is_full(e) && tasks_next_match(e->tasks, &m); n++) {
        struct scope        *scope = scopes_at(e->scopes, m.scope);
        struct pd_lease_task c = {.task = m.task, .worker = pd_arena_text(&e->arena, m.worker)};
        if (!run_own(e, pd_block_lease_task(), &c, scope, own_id(e, "lease", m.task, e->last + 1))) return;
        send_assignment(e, &m, scope);
    }
}

/* ---- waits --------------------------------------------------------------------------------------------------------- */

/* Whether a wait is over, and then its answer is on its way. */
static bool
release_wait(void *arg, const struct wait *w)
{
    static struct decision decision;
    struct engine         *e = arg;
    struct pd_check_status check = {.order = w->order, .has_order = true};
    struct command         c = {.block = pd_block_check_status(), .body = &check, .id = w->id, .actor = PD_TEXT("engine"),
                                .scope = scopes_at(e->scopes, w->scope)};
    struct row_key         key;
    const struct pd_order *order =
        find_row(&e->folder, PD_ROW_order, INDEX_order, w->scope, w->order, (struct pd_text){NULL, 0}, &key);

    bool over = e->now.monotonic_ms >= w->due_ms || order == NULL ||
                (w->to_end ? is_settled(order->state) : order->version != w->version);
    if (!over) return false;
    run_rule(e, &c, &decision);
    mp_writer_clear(&e->writer);
    if (decision.answer != NULL) pd_encode_accepted(&e->writer, w->id, 0, pd_block_status_reply(), decision.answer);
    else pd_encode_refused(&e->writer, w->id, &decision.refusal);
    send_later(e, PD_port_commands, w->address);
    return true;
}

/* ---- the turn ------------------------------------------------------------------------------------------------------ */

static void
forget_turn(struct engine *e)
{
    pd_arena_reset(&e->arena);
    e->outgoing_count = e->appended_count = e->appended_bytes = 0;
}

static enum store_error
begin(struct engine *e, struct now now, struct store_reader **ret_reader)
{
    enum store_error error = store_prepare(e->store);

    forget_turn(e);
    e->now = now;
    e->folder.monotonic_ms = now.monotonic_ms;
    if (now.wall_us > e->last_time) e->last_time = now.wall_us;
    if (error == STORE_FULL) {
        if (e->writable) log_error("storage_full", "state=read_only");
        e->writable = false;
        error = store_reader_open(e->store, ret_reader);
    } else if (error == STORE_OK) {
        if (!e->writable) log_info("storage_ok", "state=writable");
        e->writable = true;
        error = store_begin(e->store);
    }
    if (error != STORE_OK) return error;
    rows_clear(&e->rows, e->writable ? store_writer_view(e->store) : *ret_reader);
    e->turn++;
    return STORE_OK;
}

static enum store_error
finish(struct engine *e, struct store_reader **reader)
{
    enum store_error error = STORE_OK;

    if (!e->writable) store_reader_close(reader);
    else if (e->appended_count == 0) store_abort(e->store);
    else {
        rows_flush(&e->rows, e->store);
        error = store_commit(e->store, e->chain);
        scopes_commit(e->scopes);
    }
    pthread_mutex_lock(&e->figures_lock);
    e->figures.turns++;
    e->figures.writable = e->writable;
    tasks_counts(e->tasks, &e->figures.tasks_waiting, &e->figures.tasks_leased, &e->figures.workers);
    e->shown = e->figures;
    pthread_mutex_unlock(&e->figures_lock);
    return error;
}

/* The tables' lines that a command soon to be served will ask for: each would be a miss of its own. */
static void
prefetch(struct engine *e, const struct request *r)
{
    const struct pd_request *envelope = &r->message.envelope;
    if (r->refusal.code != PD_OK || r->port != PD_port_commands) return;
    index_prefetch_id(e->index, id_print(envelope->reseller, PD_TEXT("local"), envelope->id));
    const struct scope    *scope = scopes_find(e->scopes, envelope->reseller);
    const struct pd_field *reference = pd_block_field(r->message.block, PD_TEXT("reference"));
    if (scope == NULL || reference == NULL) return;
    struct pd_text text = *(const struct pd_text *)(const void *)((const char *)r->message.body + reference->offset);
    if (text.data != NULL) index_prefetch(e->index, index_text_print(INDEX_reference, scope->reseller.scope, text));
}

enum store_error
engine_turn(struct engine *e, struct now now, struct request *const *requests, size_t count, size_t *ret_taken)
{
    struct store_reader *reader = NULL;
    enum store_error     error = begin(e, now, &reader);
    size_t               taken = 0;

    if (error != STORE_OK) return error;
    for (; taken < count && taken < TURN_COMMANDS_MAX && !turn_is_full(e); taken++) {
        if (taken + AHEAD < count) prefetch(e, requests[taken + AHEAD]);
        serve(e, requests[taken]);
        e->figures.commands++;
        e->figures.refusals += requests[taken]->refused;
    }
    tasks_tick(e->tasks, e->now.monotonic_ms);
    if (e->writable) {
        run_due(e);
        run_matches(e);
    }
    waits_each(e->waits, release_wait, e);
    *ret_taken = taken;
    return finish(e, &reader);
}

const struct outgoing *
engine_outgoing(const struct engine *e, size_t *ret_count)
{
    *ret_count = e->outgoing_count;
    return e->outgoing;
}

const struct appended *
engine_appended(const struct engine *e, size_t *ret_count)
{
    *ret_count = e->appended_count;
    return e->appended;
}

uint64_t
engine_idle_ms(const struct engine *e, struct now now)
{
    uint64_t   lease_ms, idle_ms = 1000, waits_ms = waits_next_due(e->waits);
    pd_time_us deadline;

    tasks_next_wake(e->tasks, &lease_ms, &deadline);
    if (waits_ms < lease_ms) lease_ms = waits_ms;
    if (lease_ms < now.monotonic_ms + idle_ms) idle_ms = lease_ms > now.monotonic_ms ? lease_ms - now.monotonic_ms : 0;
    if (deadline < now.wall_us + idle_ms * 1000)
        idle_ms = deadline > now.wall_us ? (deadline - now.wall_us) / 1000 + 1 : 0;
    return idle_ms;
}

void
engine_fingerprint(const struct pd_message *m, struct mp_writer *scratch, uint8_t ret_fingerprint[16])
{
    const struct pd_request *r = &m->envelope;
    mp_writer_clear(scratch);
    mp_uint(scratch, (uint64_t)m->block->code);
    mp_uint(scratch, r->has_expect ? r->expect + 1 : 0);
    mp_text(scratch, r->on_behalf_of);
    pd_encode_map(scratch, m->block, m->body);
    XXH128_hash_t hash = XXH3_128bits(scratch->data, scratch->size);
    memcpy(ret_fingerprint, &hash, 16);
}

struct scopes *
engine_scopes(struct engine *e)
{
    return e->scopes;
}

struct index *
engine_index(struct engine *e)
{
    return e->index;
}

struct engine_figures
engine_figures(const struct engine *engine)
{
    struct engine *e = (struct engine *)(uintptr_t)engine;
    pthread_mutex_lock(&e->figures_lock);
    struct engine_figures f = e->shown;
    pthread_mutex_unlock(&e->figures_lock);
    return f;
}

/* ---- opening ------------------------------------------------------------------------------------------------------- */

/* Command ids, from the log's tail: at most as many as are kept. */
static enum store_error
read_tail(struct engine *e, struct store_reader *reader)
{
    uint64_t last = store_reader_last(reader), first = last > INDEX_IDS ? last - INDEX_IDS + 1 : 1;

    for (uint64_t p = first; p <= last; p++) {
        struct pd_text bytes;
        struct record  r;
        enum store_error error = store_read_record(reader, p, &e->arena, &bytes);
        if (error != STORE_OK || !record_read(bytes, &r)) {
            log_error("record_damaged", "position=%" PRIu64, p);
            return STORE_DAMAGED;
        }
        const struct scope *scope = scopes_at(e->scopes, r.header.command_scope);
        if (r.header.index == 0 && scope != NULL && !pd_text_equal(r.actor, PD_TEXT("engine")))
            index_add_id(e->index, id_print(scope->reseller.reseller, r.actor, r.command_id), p);
        if (p == last) {
            e->last_time = r.header.time;
            e->term = r.header.term;
            e->turn = r.header.turn;
            memcpy(e->chain, r.chain, sizeof e->chain);
        }
        /* The operators' scope has no rows that tell its position. */
        if (r.header.scope == 0) scopes_at(e->scopes, 0)->position = scopes_at(e->scopes, 0)->committed = r.header.scope_position;
        if (p % 1024 == 0) pd_arena_reset(&e->arena);
    }
    e->last = last;
    pd_arena_reset(&e->arena);
    return STORE_OK;
}

static enum store_error
start(struct engine *e, struct now now)
{
    struct store_reader     *reader = NULL;
    struct pd_start_engine   c = {.software = e->options.software};
    struct pd_put_reseller   d = {.reseller = PD_TEXT("default"), .name = PD_TEXT("Default"), .time_zone = PD_TEXT("UTC")};
    enum store_error         error = begin(e, now, &reader);

    if (error != STORE_OK) return error;
    if (!e->writable) {
        log_error("storage_full", "state=cannot_start");
        store_reader_close(&reader);
        return STORE_FULL;
    }
    if (!run_own(e, pd_block_start_engine(), &c, NULL, own_id(e, "start", e->last + 1, 0))) return STORE_FAILED;
    if (scopes_count(e->scopes) == 0 && !run_own(e, pd_block_put_reseller(), &d, NULL, PD_TEXT("~default"))) return STORE_FAILED;
    return finish(e, &reader);
}

enum store_error
engine_open(struct store *store, const struct engine_options *options, struct now now, struct engine **ret_engine)
{
    struct engine *e = calloc(1, sizeof *e);
    const uint8_t *id = store_log_id(store);

    PD_CHECK(e != NULL && pthread_mutex_init(&e->figures_lock, NULL) == 0);
    e->store = store;
    e->options = *options;
    for (int i = 0; i < PD_LOG_ID_BYTES; i++) snprintf(e->log_text + 2 * i, 3, "%02x", id[i]);
    pd_arena_init(&e->arena);
    rows_init(&e->rows, &e->arena);
    e->index = index_open();
    e->scopes = scopes_open();
    e->tasks = tasks_open(options->lease_ms, now.monotonic_ms);
    e->waits = waits_open();
    e->remembered = remembered_open();
    e->writable = true;
    e->folder = (struct folder){.arena = &e->arena, .rows = &e->rows, .index = e->index, .scopes = e->scopes, .tasks = e->tasks,
                                .monotonic_ms = now.monotonic_ms};

    struct store_reader *reader = NULL;
    enum store_error     error = upkeep_fold_tail(store, NULL, NULL);
    if (error == STORE_OK) error = store_reader_open(store, &reader);
    if (error == STORE_OK) error = upkeep_read_rows(&e->folder, reader);
    if (error == STORE_OK) error = read_tail(e, reader);
    store_reader_close(&reader);
    if (error == STORE_OK) error = start(e, now);
    if (error != STORE_OK) {
        engine_close(&e);
        return error;
    }
    *ret_engine = e;
    return STORE_OK;
}

void
engine_close(struct engine **engine)
{
    struct engine *e = *engine;
    if (e == NULL) return;
    index_close(&e->index);
    scopes_close(&e->scopes);
    tasks_close(&e->tasks);
    waits_close(&e->waits);
    remembered_close(&e->remembered);
    rows_fini(&e->rows);
    mp_writer_fini(&e->writer);
    mp_reader_fini(&e->parser);
    pd_arena_fini(&e->arena);
    pthread_mutex_destroy(&e->figures_lock);
    free(e->outgoing);
    free(e->appended);
    free(e);
    *engine = NULL;
}
