/* own.c - the engine's own commands: what a start, a deadline, a lost lease and a free worker ask for. */
#include "engine/base/decimal.h"
#include "engine/base/log.h"
#include "engine/parts.h"
#include "proto/check.h"

enum { DUE_MAX = 256 };

/* Runs a command of the engine itself; false when a rule refuses it. */
static bool
run_own(struct engine *e, const struct pd_block *block, const void *body, struct scope *scope, struct pd_text id)
{
    struct command c = {
        .block = block, .body = body, .id = id, .actor = PD_TEXT("engine"), .scope = scope,
        .command_scope = scope == NULL ? 0 : scope->reseller.scope,
    };

    run_rule(e, &c, &e->decision);
    if (e->decision.refusal.code != PD_OK) {
        log_error("own_command_refused", "command=%s code=%s", block->Name, pd_schema_error((int)e->decision.refusal.code)->code);
        return false;
    }
    append_all(e, &c, &e->decision);
    return true;
}

/* An id made from its subject: ~lease/4/1. */
static struct pd_text
own_id(struct engine *e, struct pd_text what, uint64_t number, uint64_t of)
{
    char id[64] = "~", *at = id + 1;

    memcpy(at, what.data, what.size);
    at = decimal_put(at + what.size, number);
    *at++ = '/';
    at = decimal_put(at, of);
    return pd_arena_text(&e->batch->arena, (struct pd_text){id, (size_t)(at - id)});
}

/* Beyond what requests may fill there is room for these: load alone delays no deadline. */
static bool
is_full_for_own(const struct engine *e)
{
    return e->batch->bytes > TURN_BYTES_MAX / 2 * 3 || epoch_weight(e) > EPOCH_BYTES_MAX + TURN_BYTES_MAX;
}

void
own_due(struct engine *e)
{
    for (int n = 0; n < DUE_MAX && !is_full_for_own(e); n++) {
        struct due due = tasks_next_due(e->tasks, e->last_time, e->now.monotonic_ms);
        bool       ok = true;
        if (due.kind == DUE_nothing) return;
        struct scope *scope = scopes_at(e->scopes, due.scope);
        if (due.kind == DUE_deadline) {
            struct pd_expire_task c = {.task = due.task, .attempt = due.attempt};
            ok = run_own(e, pd_block_expire_task(), &c, scope, own_id(e, PD_TEXT("deadline/"), due.task, due.attempt));
        } else {
            struct pd_release_lease c = {.task = due.task, .lease = due.lease, .reason = PD_TEXT("the worker is gone")};
            ok = run_own(e, pd_block_release_lease(), &c, scope, own_id(e, PD_TEXT("release/"), due.task, due.lease));
        }
        if (!ok) {
            e->due_refused = true;
            return;
        }
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

void
own_matches(struct engine *e)
{
    struct match m;

    for (int n = 0; n < TURN_LEASES_MAX && !is_full_for_own(e) && tasks_next_match(e->tasks, &m); n++) {
        struct scope        *scope = scopes_at(e->scopes, m.scope);
        struct pd_lease_task c = {.task = m.task, .worker = pd_arena_text(&e->batch->arena, m.worker)};
        if (!run_own(e, pd_block_lease_task(), &c, scope, own_id(e, PD_TEXT("lease/"), m.task, e->last + 1))) return;
        send_assignment(e, &m, scope);
    }
}

/* The first act of every start, and in a new log the reseller that everything is for when no other is named. */
bool
own_start(struct engine *e)
{
    struct pd_start_engine c = {.software = e->options.software};
    struct pd_put_reseller d = {.reseller = PD_TEXT("default"), .name = PD_TEXT("Default"), .time_zone = PD_TEXT("UTC")};

    if (!run_own(e, pd_block_start_engine(), &c, NULL, own_id(e, PD_TEXT("start/"), e->last + 1, 0))) return false;
    return scopes_count(e->scopes) > 0 || run_own(e, pd_block_put_reseller(), &d, NULL, PD_TEXT("~default"));
}
