/* append.c - from a command to records: run its rule, give its events their place, append and fold them. */
#include <stdlib.h>

#include "engine/parts.h"
#include "proto/check.h"

static void *
grow(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) return array;
    *capacity = *capacity * 2 + 64;
    array = realloc(array, *capacity * size);
    PD_CHECK(array != NULL);
    return array;
}

static struct pd_text
packed_copy(struct engine *e, struct pd_arena *arena)
{
    return pd_arena_text(arena, (struct pd_text){e->writer.data, e->writer.size});
}

void
answer_refused(struct engine *e, struct request *r, const struct pd_refusal *refusal)
{
    mp_writer_clear(&e->writer);
    pd_encode_refused(&e->writer, r->message.envelope.id, refusal);
    measures_refused(e->options.measures, refusal->code);
    r->answer = packed_copy(e, r->arena);
    r->refused = true;
}

void
answer_accepted(struct engine *e, struct request *r, uint64_t position, const void *data)
{
    mp_writer_clear(&e->writer);
    pd_encode_accepted(&e->writer, r->message.envelope.id, position, r->message.block->reply(), data);
    r->answer = packed_copy(e, r->arena);
}

void
send_later(struct engine *e, enum pd_port port, struct pd_text address)
{
    struct batch *b = e->batch;
    b->outgoing = grow(b->outgoing, b->outgoing_count, &b->outgoing_capacity, sizeof *b->outgoing);
    b->outgoing[b->outgoing_count++] = (struct outgoing){port, pd_arena_text(&b->arena, address), packed_copy(e, &b->arena)};
}

void
batch_keep(struct batch *b, struct store_entry entry)
{
    b->kept = grow(b->kept, b->kept_count, &b->kept_capacity, sizeof *b->kept);
    b->kept[b->kept_count++] = entry;
    b->bytes += entry.key.size + entry.value.size;
}

struct lookup
lookup_for(struct engine *e, struct scope *scope)
{
    return (struct lookup){
        .folder = &e->folder,
        .scope = scope,
        .tasks = e->tasks,
        .log_id = store_log_id(e->books.log),
        .next_position = e->last + 1,
        .now = e->last_time,
        .monotonic_ms = e->now.monotonic_ms,
        .expiry = &e->expiry,
    };
}

bool
turn_is_full(const struct engine *e)
{
    bool epoch_is_full = epoch_weight(e) > EPOCH_BYTES_MAX + TURN_BYTES_MAX / 2 || e->rows.young->dirty_count > 2 * EPOCH_ROWS_MAX;
    return e->batch->bytes > TURN_BYTES_MAX || (epoch_is_full && e->writable);
}

size_t
epoch_weight(const struct engine *e)
{
    return e->epoch_bytes + e->rows.young->loaded_bytes + kept_weight(e->index, e->scopes);
}

/* ---- appending ----------------------------------------------------------------------------------------------------- */

uint64_t
scope_of_event(struct engine *e, const struct command *c, const struct event *event)
{
    if (pd_schema_event(event->code)->aggregate == PD_aggregate_key) return 0;
    if (event->code != PD_EVENT_reseller_put) return c->scope == NULL ? 0 : c->scope->reseller.scope;
    const struct scope *s = scopes_find(e->scopes, ((const struct pd_reseller_put *)event->body)->reseller);
    return s == NULL ? scopes_count(e->scopes) + 1 : s->reseller.scope;
}

/* Numbers that an event gives out are given now. */
static void
give_numbers(struct scope *scope, const struct event *event)
{
    if (event->code == PD_EVENT_order_added) scope->last[NUMBER_order]++;
    if (event->code == PD_EVENT_subscription_imported) scope->last[NUMBER_subscription]++;
    if (event->code == PD_EVENT_task_created && ((const struct pd_task_created *)event->body)->task > scope->last[NUMBER_task])
        scope->last[NUMBER_task]++;
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
    struct batch          *b = e->batch;
    struct appended       *a;

    /* Rows keep what the event says beyond the request's life. */
    pd_copy_block(e->arena, block, event->body, event->body);
    b->appended = grow(b->appended, b->appended_count, &b->appended_capacity, sizeof *b->appended);
    a = &b->appended[b->appended_count++];
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
    a->size = record_size(&a->record);
    a->bytes = pd_arena_alloc(&b->arena, a->size);
    record_write(&a->record, a->bytes);
    b->last = ++e->last;
    b->bytes += a->size;
    e->epoch_bytes += a->size;

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

void
run_rule(struct engine *e, const struct command *c, struct decision *out)
{
    struct lookup lookup = lookup_for(e, c->scope);
    struct view   view = view_over(&lookup);

    view.command_id = c->id;
    view.actor = c->actor;
    view.on_behalf_of = c->on_behalf_of;
    view.has_expect = c->has_expect;
    view.expect = c->expect;
    /* What changes nothing leaves nothing in the epoch. */
    out->arena = c->dry_run || c->block->flags & PD_READS ? &e->batch->arena : e->arena;
    out->refusal.code = PD_OK;
    out->count = 0;
    out->answer = NULL;
    e->rows.damaged = false;
    decide(&view, c->block, c->body, out);
    for (size_t i = 0; i < out->count && !e->rows.damaged; i++)
        out->events[i].found =
            fold_preload(&e->folder, out->events[i].code, out->events[i].body, scope_of_event(e, c, &out->events[i]), i == 0);
    if (!e->rows.damaged) return;
    /* A decision on what cannot be trusted is none. */
    store_note_damage(e->books.rows);
    e->rows.damaged = false;
    out->count = 0;
    out->answer = NULL;
    out->refusal = pd_refuse(PD_E_internal);
}

void
append_all(struct engine *e, const struct command *c, struct decision *out)
{
    uint64_t first = e->last + 1;
    for (size_t i = 0; i < out->count; i++) append(e, c, &out->events[i], i, out->count);
    if (out->count > 0 && c->remember) index_add_id(e->index, c->id_print, first);
}
