/* serve.c - requests: refused, seen before, answered at once, or decided. */
#include "engine/audit.h"
#include "engine/authorise.h"
#include "engine/parts.h"
#include "proto/check.h"

/* The answer as it would be: versions that would come, no number for what would be made. */
static void
answer_dry_run(struct engine *e, struct request *r, const struct command *c, struct decision *out)
{
    uint64_t order_version = 0;

    for (size_t i = 0; i < out->count; i++) {
        struct record_header h = {.type = (uint16_t)out->events[i].code, .scope = (uint32_t)scope_of_event(e, c, &out->events[i]),
                                  .position = e->last + 1};
        fold_address(&e->folder, out->events[i].body, NULL, &h);
        bool of_order = h.aggregate == PD_aggregate_order;
        out->events[i].version = of_order && order_version > 0 ? order_version + 1 : h.version;
        if (of_order) order_version = out->events[i].version;
    }
    void *answer = make_answer(&e->batch->arena, r->message.block, r->message.body, out->events, out->count);
    if (r->message.block->code == PD_COMMAND_add_order) ((struct pd_review_reply *)answer)->has_order = false;
    answer_accepted(e, r, 0, answer);
}

/* ---- seen before? -------------------------------------------------------------------------------------------------- */

bool
read_record(struct engine *e, uint64_t position, struct record *ret_record)
{
    struct pd_text bytes;

    for (int i = 0; i < 2; i++) {
        const struct batch *b = &e->batches[i];
        if (position > b->last || position + b->appended_count <= b->last) continue;
        *ret_record = b->appended[position + b->appended_count - b->last - 1].record;
        return true;
    }
    return store_read_record(e->log_reader, position, &e->batch->arena, &bytes) == STORE_OK && record_read(bytes, ret_record);
}

/* What a client is told: where in its reseller's events it stands, or in the log, where it is of none. */
static uint64_t
shown_position(const struct record_header *h)
{
    return h->scope == 0 ? h->position : h->scope_position;
}

/* Reads the events of a command whose first stands at `first` again, and answers as it was answered. */
static bool
answer_again(struct engine *e, struct request *r, uint64_t first, const struct record *head)
{
    struct event *events = PD_ARENA_ARRAY(&e->batch->arena, struct event, head->header.count);
    struct record record = *head;

    for (size_t i = 0; i < head->header.count; i++) {
        if (i > 0 && !read_record(e, first + i, &record)) return false;
        const struct pd_block *block = pd_schema_event(record.header.type);
        if (block == NULL) return false;
        events[i] = (struct event){record.header.type, pd_arena_zero(&e->batch->arena, block->size), record.header.version, NULL};
        if (!pd_decode_event(&e->batch->arena, block, record.body, events[i].body)) return false;
    }
    answer_accepted(e, r, shown_position(&record.header),
                    make_answer(&e->batch->arena, r->message.block, r->message.body, events, head->header.count));
    return true;
}

/* Whether the id was seen; then the request is answered. */
static bool
is_seen(struct engine *e, const struct command *c, struct request *r)
{
    uint64_t          positions[8];
    size_t            n = index_find_id(e->index, c->id_print, positions, 8);

    for (size_t i = 0; i < n; i++) {
        struct record     record;
        struct pd_refusal refusal = pd_refuse(PD_OK);
        if (!read_record(e, positions[i], &record)) refusal = pd_refuse(PD_E_internal); /* it may be this command's: not twice */
        else if (record.header.command_scope != c->command_scope || !pd_text_equal(record.command_id, c->id) ||
                 is_worker(record.actor) != is_worker(c->actor) || (is_worker(c->actor) && !pd_text_equal(record.actor, c->actor)))
            continue;
        else if (memcmp(record.header.fingerprint, c->fingerprint, 16) != 0)
            refusal = pd_refuse_field(PD_E_id_reused, NULL, "id");
        else if (record.header.type == PD_EVENT_task_stale) /* recorded, and refused all the same */
            refusal = pd_refuse_field(PD_E_stale_lease, NULL, "lease");
        else if (!answer_again(e, r, positions[i], &record)) refusal = pd_refuse(PD_E_internal);
        if (refusal.code != PD_OK) answer_refused(e, r, &refusal);
        return true;
    }
    bool                     same;
    const struct pd_refusal *before = remembered_find(e->remembered, c->id_print, c->fingerprint, &same);
    if (before == NULL) return false;
    struct pd_refusal refusal = same ? *before : pd_refuse_field(PD_E_id_reused, NULL, "id");
    answer_refused(e, r, &refusal);
    return true;
}

/* ---- requests ------------------------------------------------------------------------------------------------------ */

/* Nothing goes on by itself. */
static bool
is_settled(enum pd_order_state state)
{
    return state != PD_order_state_provisioning && state != PD_order_state_cancelling;
}

/* CheckStatus: at once, or when the order has changed or the time is over. */
static void
answer_status(struct engine *e, struct request *r, const struct command *c, const struct pd_status_reply *status)
{
    const struct pd_check_status *check = c->body;
    bool                          to_end = check->until == PD_until_end;

    if (check->wait_ms > 0 && !(to_end && is_settled(status->state))) {
        struct wait w = {
            .address = r->address, .id = c->id, .identity = r->identity, .scope = c->scope->reseller.scope, .order = status->order,
            .version = status->version, .to_end = to_end, .limited = keys_limits(keys_find(e->keys, r->identity)),
            .due_ms = e->now.monotonic_ms + check->wait_ms,
        };
        if (waits_add(e->waits, &w)) return;
        struct pd_refusal busy = pd_refuse(PD_E_busy);
        busy.retry_after_ms = 1000;
        answer_refused(e, r, &busy);
        return;
    }
    answer_accepted(e, r, 0, status);
}

enum { ACTOR_SIZE = 7 + 64 };

/* Who sends it, in `name` where that has to be made: the key or user, or a worker by its name, which is its key's. */
static struct pd_text
actor_of(const struct request *r, char name[ACTOR_SIZE])
{
    const struct pd_field *worker;

    if (r->port != PD_port_workers || (worker = pd_block_field(r->message.block, PD_TEXT("worker"))) == NULL)
        return r->identity.data != NULL ? r->identity : PD_TEXT("local");
    struct pd_text id = *(const struct pd_text *)(const void *)((const char *)r->message.body + worker->offset);
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
        answer_accepted(e, r, out->count == 0 ? 0 : shown_position(&e->batch->appended[e->batch->appended_count - 1].record.header),
                        make_answer(&e->batch->arena, c->block, c->body, out->events, out->count));
}

void
serve(struct engine *e, struct request *r)
{
    const struct pd_request *envelope = &r->message.envelope;
    struct pd_refusal        refusal = r->refusal;
    struct command           c;

    r->answer = (struct pd_text){NULL, 0};
    r->refused = false;
    char           name[ACTOR_SIZE];
    struct pd_text actor = refusal.code == PD_OK ? actor_of(r, name) : (struct pd_text){NULL, 0};
    if (actor.data == name) actor = pd_arena_text(&e->batch->arena, actor);
    if (refusal.code == PD_OK) {
        refusal = authorise(keys_find(e->keys, r->identity), &r->message);
        if (refusal.code != PD_OK) audit_refused(e->options.measures, e->now.monotonic_ms, r->identity, &r->message, &refusal);
    }
    struct scope *scope = refusal.code == PD_OK ? scopes_find(e->scopes, envelope->reseller) : NULL;
    if (refusal.code == PD_OK && scope == NULL) refusal = pd_refuse_field(PD_E_reseller_not_found, NULL, "reseller");
    if (refusal.code != PD_OK) {
        answer_refused(e, r, &refusal);
        return;
    }
    if (serve_service(e, r, scope)) return;

    bool reads = r->message.block->flags & PD_READS;
    c = (struct command){
        .block = r->message.block, .body = r->message.body, .id = envelope->id, .actor = actor,
        .on_behalf_of = envelope->on_behalf_of, .trace = envelope->trace, .scope = scope,
        .command_scope = scope->reseller.scope, .has_expect = envelope->has_expect, .expect = envelope->expect,
        .dry_run = envelope->dry_run, .fingerprint = r->fingerprint, .remember = !reads,
    };
    c.id_print = r->id_print != 0 ? r->id_print : id_print(envelope->reseller, c.actor, c.id);
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
    run_rule(e, &c, &e->decision);
    if (e->decision.refusal.code == PD_OK) {
        e->decision.refusal = judge_service(e, r, scope);
        if (e->decision.refusal.code != PD_OK) e->decision.count = 0;
    }
    answer_decision(e, r, &c, &e->decision);
}

/* ---- hints --------------------------------------------------------------------------------------------------------- */

/* The tables' lines that a command soon to be served will ask for: each would be a miss of its own. */
void
prefetch_task(struct engine *e, uint64_t scope, uint64_t task)
{
    uint64_t print = index_number_print(INDEX_task, scope, task);

    index_prefetch(e->index, print);
    (void)rows_prefetch(&e->rows, PD_ROW_order, print, ROW_HINT_MEMO);
    tasks_prefetch(e->tasks, scope, task);
}

/* Under which fingerprints it will be looked for, and by which its order. */
static void
note_prints(struct engine *e, struct request *r)
{
    const struct pd_request *envelope = &r->message.envelope;
    const struct pd_block   *block = r->message.block;
    const char              *body = r->message.body;
    char                     name[ACTOR_SIZE];

    r->id_print = r->order_print = 0;
    if (r->refusal.code != PD_OK) return;
    r->id_print = id_print(envelope->reseller, actor_of(r, name), envelope->id);
    const struct scope    *scope = scopes_find(e->scopes, envelope->reseller);
    const struct pd_field *reference = pd_block_field(block, PD_TEXT("reference")), *task = pd_block_field(block, PD_TEXT("task"));
    if (scope == NULL) return;
    if (task != NULL) {
        uint64_t number = *(const uint64_t *)(const void *)(body + task->offset);
        r->order_print = index_number_print(INDEX_task, scope->reseller.scope, number);
        tasks_prefetch(e->tasks, scope->reseller.scope, number);
    } else if (reference != NULL) {
        struct pd_text text = *(const struct pd_text *)(const void *)(body + reference->offset);
        if (text.data != NULL) r->order_print = index_text_print(INDEX_reference, scope->reseller.scope, text);
    }
}

void
prefetch(struct engine *e, struct request *r, int step)
{
    if (step == ROW_HINT_MEMO) {
        note_prints(e, r);
        if (r->id_print != 0) index_prefetch(e->index, r->id_print);
    }
    if (r->order_print != 0 && !rows_prefetch(&e->rows, PD_ROW_order, r->order_print, (enum row_hint)step) && step == ROW_HINT_SLOT)
        index_prefetch(e->index, r->order_print);
}

/* ---- waits --------------------------------------------------------------------------------------------------------- */

/* Whether a wait is over, and then its answer is on its way. */
bool
release_wait(void *arg, const struct wait *w)
{
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
    run_rule(e, &c, &e->decision);
    if (keys_find(e->keys, w->identity) == NULL) { /* revoked meanwhile */
        e->decision.refusal = pd_refuse(PD_E_not_authorised);
        e->decision.answer = NULL;
    }
    mp_writer_clear(&e->writer);
    if (e->decision.answer != NULL) pd_encode_accepted(&e->writer, w->id, 0, pd_block_status_reply(), e->decision.answer);
    else {
        pd_encode_refused(&e->writer, w->id, &e->decision.refusal);
        measures_refused(e->options.measures, e->decision.refusal.code);
    }
    send_later(e, PD_port_commands, w->address);
    return true;
}

static bool
refuse_wait(void *arg, const struct wait *w)
{
    struct engine    *e = arg;
    struct pd_refusal refusal = pd_refuse(PD_E_shutting_down);

    mp_writer_clear(&e->writer);
    pd_encode_refused(&e->writer, w->id, &refusal);
    measures_refused(e->options.measures, refusal.code);
    send_later(e, PD_port_commands, w->address);
    return true;
}

void
engine_release_waits(struct engine *e)
{
    waits_visit(e->waits, 0, true, refuse_wait, e);
}
