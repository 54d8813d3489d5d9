/* services.c - what the engine answers about itself and keeps beside the log: Hello, who is at work, who follows under a name. None
 * of it is a command: no rule, nothing is appended or remembered, and it cannot be tried without being done. */
#include "engine/parts.h"
#include "proto/check.h"

/* ---- Hello, and workers -------------------------------------------------------------------------------------------- */

/* It came through a socket of this machine, and is told of such ones. */
static bool
is_local(const struct engine *e, const struct request *r)
{
    return e->options.local_endpoints.commands.data != NULL && r->identity.size > 4 && memcmp(r->identity.data, "uid/", 4) == 0;
}

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
        .endpoints = is_local(e, r) ? &e->options.local_endpoints : &e->options.endpoints,
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

/* What a worker says it can do is one of the operations there are. */
static bool
knows_operations(const struct pd_worker_ready *ready, struct pd_refusal *ret_refusal)
{
    for (size_t i = 0; i < ready->operations_count; i++)
        if (pd_enum_number(pd_enum_operation(), ready->operations[i]) == 0) {
            *ret_refusal = pd_refuse_field(PD_E_invalid_field, pd_enum_operation()->names, "operations[%zu]", i);
            return false;
        }
    return true;
}

static struct pd_refusal
take_worker(struct engine *e, const struct request *r, struct pd_worker_reply *reply)
{
    const struct pd_worker_ready *ready = r->message.body;
    struct pd_refusal             refusal = {.code = PD_OK};

    if (!knows_operations(ready, &refusal)) return refusal;
    switch (tasks_worker_ready(e->tasks, ready, r->address, scope_number, e, &e->batch->arena, reply, e->now.monotonic_ms)) {
    case READY_OK: break;
    case READY_REPLACED: return pd_refuse_field(PD_E_worker_in_use, NULL, "worker");
    case READY_TOO_MANY:
        refusal = pd_refuse(PD_E_busy);
        refusal.retry_after_ms = (uint32_t)e->options.lease_ms;
    }
    return refusal;
}

static void
answer_worker(struct engine *e, struct request *r)
{
    struct pd_worker_reply reply = {.heartbeat_ms = e->options.lease_ms / 3, .lease_ms = e->options.lease_ms};
    struct pd_refusal      refusal = {.code = PD_OK};

    if (r->message.block->code == PD_COMMAND_worker_ready) refusal = take_worker(e, r, &reply);
    else
        tasks_worker_goodbye(e->tasks, ((const struct pd_worker_goodbye *)r->message.body)->worker, r->address,
                             e->now.monotonic_ms);
    if (refusal.code != PD_OK) answer_refused(e, r, &refusal);
    else answer_accepted(e, r, 0, &reply);
}

static void
answer_drain(struct engine *e, struct request *r)
{
    struct pd_drain_reply reply = {.worker = ((const struct pd_drain_worker *)r->message.body)->worker};
    struct pd_refusal     refusal = pd_refuse_field(PD_E_worker_not_found, NULL, "worker");

    if (tasks_drain(e->tasks, reply.worker, &reply.held, e->now.monotonic_ms)) answer_accepted(e, r, 0, &reply);
    else answer_refused(e, r, &refusal);
}

/* ---- subscribers --------------------------------------------------------------------------------------------------- */

/* It is kept with the turn. */
static void
keep(struct engine *e, const struct subscriber *s)
{
    batch_keep(e->batch, subscriber_pack(s, &e->writer, &e->batch->arena));
}

static uint64_t
head_of(const struct engine *e, const struct scope *scope, bool all)
{
    return all ? e->last : scope->position;
}

static void
answer_subscriber(struct engine *e, struct request *r, const struct subscriber *s, const struct scope *scope)
{
    struct pd_subscriber_reply reply = {
        .subscriber = s->name, .all = s->scope == 0, .log = s->log, .position = s->position,
        .head = head_of(e, scope, s->scope == 0), .hold_ms = HOLD_MS,
    };
    answer_accepted(e, r, 0, &reply);
}

static struct pd_refusal
take_hold(struct engine *e, struct subscriber *s, struct pd_text holder)
{
    struct pd_refusal refusal = pd_refuse(PD_OK);
    uint64_t          left_ms = subscriber_hold(s, holder, e->now);

    if (left_ms > 0) {
        refusal = pd_refuse_field(PD_E_subscriber_in_use, NULL, "subscriber");
        refusal.retry_after_ms = (uint32_t)left_ms;
    }
    return refusal;
}

static struct pd_refusal
attach(struct engine *e, const struct pd_attach_subscriber *m, const struct scope *scope)
{
    uint64_t           number = m->all ? 0 : scope->reseller.scope, head = head_of(e, scope, m->all);
    struct subscriber *s = subscribers_find(e->subscribers, number, m->subscriber);

    if (s != NULL) return take_hold(e, s, m->holder);
    if (m->has_from && m->from > head + 1) return pd_refuse_field(PD_E_position_out_of_range, NULL, "from");
    if (!e->writable) return pd_refuse(PD_E_storage_full);
    s = subscribers_make(e->subscribers, number, m->subscriber, pd_text(e->log_text),
                         !m->has_from ? head : m->from > 0 ? m->from - 1 : 0, e->last_time);
    if (s == NULL) return pd_refuse_field(PD_E_too_large, NULL, "512 subscribers are the most");
    keep(e, s);
    return take_hold(e, s, m->holder);
}

/* Before anything else: another log may not know the name, and that is why. */
static struct pd_refusal
judge_log(const struct engine *e, const struct pd_move_subscriber *m)
{
    return pd_text_equal(m->log, pd_text(e->log_text)) ? pd_refuse(PD_OK) : pd_refuse_field(PD_E_wrong_log, NULL, "log");
}

static struct pd_refusal
move(struct engine *e, const struct pd_move_subscriber *m, struct subscriber *s, const struct scope *scope)
{
    if (m->position > head_of(e, scope, m->all)) return pd_refuse_field(PD_E_position_out_of_range, NULL, "position");
    struct pd_refusal refusal = take_hold(e, s, m->holder);
    if (refusal.code != PD_OK) return refusal;
    if (!e->writable) return pd_refuse(PD_E_storage_full);
    if (subscriber_move(s, m->log, m->position, e->last_time)) keep(e, s);
    return refusal;
}

static struct pd_refusal
forget(struct engine *e, struct subscriber *s)
{
    if (subscriber_is_held(s, e->now.monotonic_ms)) return take_hold(e, s, (struct pd_text){"", 0});
    if (!e->writable) return pd_refuse(PD_E_storage_full);
    struct store_entry entry = subscriber_pack(s, &e->writer, &e->batch->arena);
    entry.value = (struct pd_text){NULL, 0};
    batch_keep(e->batch, entry);
    return pd_refuse(PD_OK);
}

/* The fields that each of these messages has. */
static void
read_names(const struct request *r, struct pd_text *ret_name, bool *ret_all)
{
    const struct pd_block *block = r->message.block;
    const char            *body = r->message.body;

    *ret_name = *(const struct pd_text *)(const void *)(body + pd_block_field(block, PD_TEXT("subscriber"))->offset);
    *ret_all = *(const bool *)(body + pd_block_field(block, PD_TEXT("all"))->offset);
}

static struct subscriber *
named_subscriber(struct engine *e, const struct request *r, const struct scope *scope)
{
    struct pd_text name;
    bool           all;

    read_names(r, &name, &all);
    return subscribers_find(e->subscribers, all ? 0 : scope->reseller.scope, name);
}

static struct pd_refusal
judge_skip(struct engine *e, const struct request *r, const struct scope *scope)
{
    const struct pd_skip_event *m = r->message.body;

    if (named_subscriber(e, r, scope) == NULL) return pd_refuse_field(PD_E_subscriber_not_found, NULL, "subscriber");
    if (m->position > head_of(e, scope, m->all)) return pd_refuse_field(PD_E_position_out_of_range, NULL, "position");
    return pd_refuse(PD_OK);
}

/* Workers have their keys' names, and so a name is of one key. */
static struct pd_refusal
judge_grant(struct engine *e, const struct pd_grant_key *m)
{
    if (!keys_has_name(e->keys, m->key, m->name)) return pd_refuse(PD_OK);
    return pd_refuse_field(PD_E_invalid_field, "a name that no other key has, also not before a dot", "name");
}

struct pd_refusal
judge_service(struct engine *e, const struct request *r, const struct scope *scope)
{
    switch (r->message.block->code) {
    case PD_COMMAND_skip_event: return judge_skip(e, r, scope);
    case PD_COMMAND_grant_key: return judge_grant(e, r->message.body);
    default: return pd_refuse(PD_OK);
    }
}

static void
serve_subscriber(struct engine *e, struct request *r, const struct scope *scope)
{
    struct pd_refusal  refusal = pd_refuse(PD_OK);
    const void        *body = r->message.body;

    if (r->message.block->code == PD_COMMAND_attach_subscriber) refusal = attach(e, body, scope);
    if (r->message.block->code == PD_COMMAND_move_subscriber) refusal = judge_log(e, body);
    struct subscriber *s = refusal.code == PD_OK ? named_subscriber(e, r, scope) : NULL;
    if (refusal.code == PD_OK && s == NULL) refusal = pd_refuse_field(PD_E_subscriber_not_found, NULL, "subscriber");
    if (refusal.code == PD_OK) switch (r->message.block->code) {
        case PD_COMMAND_move_subscriber: refusal = move(e, body, s, scope); break;
        case PD_COMMAND_detach_subscriber:
            if (pd_text_equal(s->holder, ((const struct pd_detach_subscriber *)body)->holder)) subscriber_let_go(s);
            break;
        case PD_COMMAND_delete_subscriber: refusal = forget(e, s); break;
        default: break;
        }
    if (refusal.code != PD_OK) answer_refused(e, r, &refusal);
    else answer_subscriber(e, r, s, scope);
    if (refusal.code == PD_OK && r->message.block->code == PD_COMMAND_delete_subscriber) subscribers_remove(e->subscribers, s);
    e->subscribers_changed = true;
    if (r->message.block->code != PD_COMMAND_move_subscriber) e->subscribers_ms = 0; /* what is seldom is shown at once */
}

bool
services_show(struct engine *e, struct pd_arena *arena, struct pd_subscribers_reply *ret)
{
    const struct subscriber *s;
    bool                     held = false;

    *ret = (struct pd_subscribers_reply){.subscribers = PD_ARENA_ARRAY(arena, struct pd_subscriber_view, SUBSCRIBERS_MAX)};
    for (size_t i = 0; (s = subscribers_at(e->subscribers, i)) != NULL; i++) {
        struct pd_subscriber_view *v = &ret->subscribers[ret->subscribers_count++];
        *v = (struct pd_subscriber_view){
            .subscriber = pd_arena_text(arena, s->name), .position = s->position, .moved = s->moved, .made = s->made,
            .reset = !pd_text_equal(s->log, pd_text(e->log_text)),
        };
        if (s->scope > 0) v->reseller = pd_arena_text(arena, scopes_at(e->scopes, s->scope)->reseller.reseller);
        if (!subscriber_is_held(s, e->now.monotonic_ms)) continue;
        v->holder = pd_arena_text(arena, s->holder);
        v->since = s->since;
        v->heard = e->now.wall_us - (e->now.monotonic_ms - s->heard_ms) * 1000;
        if (v->heard < v->since) v->heard = v->since; /* milliseconds, and microseconds */
        v->has_since = v->has_heard = held = true;
    }
    return held;
}

/* ---- all of them --------------------------------------------------------------------------------------------------- */

bool
serve_service(struct engine *e, struct request *r, const struct scope *scope)
{
    const struct pd_block *block = r->message.block;
    bool subscriber = block->reply == pd_block_subscriber_reply, worker = block->reply == pd_block_worker_reply;
    bool hello = block->code == PD_COMMAND_hello, drain = block->code == PD_COMMAND_drain_worker;

    if (!hello && !drain && !worker && !subscriber) return false;
    if (hello) answer_hello(e, r, scope);
    else if (r->message.envelope.dry_run || r->message.envelope.has_expect) {
        struct pd_refusal refusal =
            r->message.envelope.dry_run
                ? pd_refuse_field(PD_E_invalid_field, "absent: this changes who is at work, or follows", "dry_run")
                : pd_refuse_field(PD_E_invalid_field, "absent: neither a worker nor a subscriber has a version", "expect");
        answer_refused(e, r, &refusal);
    } else if (subscriber) serve_subscriber(e, r, scope);
    else if (drain) answer_drain(e, r);
    else answer_worker(e, r);
    return true;
}
