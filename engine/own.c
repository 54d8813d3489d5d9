/* own.c - the engine's own commands: what a start, a deadline, a lost lease and a free worker ask for. */
#include "engine/base/decimal.h"
#include "engine/base/log.h"
#include "engine/parts.h"
#include "proto/check.h"

enum { DUE_MAX = 256, FOLLOWED_MAX = 1024 /* events */ }; /* in one turn */

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
        if (!ok) tasks_set_aside(e->tasks, due.scope, due.task, e->last_time, e->now.monotonic_ms);
    }
}

/* The log is followed at the distance of the delay: whoever was left unopened since then is cancelled. */
void
own_expiry(struct engine *e)
{
    struct expiry *x = &e->expiry_follower;
    pd_time_us     border = e->last_time > x->delay ? e->last_time - x->delay : 0;

    x->behind = false;
    for (int n = 0; x->next <= e->last; n++, x->next++) {
        struct record r;
        if (!read_record(e, x->next, &r)) continue; /* damaged: whoever needs it will say so */
        if (r.header.time > border) return;
        if (n == FOLLOWED_MAX || is_full_for_own(e)) {
            x->behind = true;
            return;
        }
        if (!expiry_begins(r.header.type)) continue;
        e->rows.damaged = false;
        const struct pd_order *o = rows_get(&e->rows, PD_ROW_order, (struct row_key){r.header.key_position, r.header.key_item});
        if (e->rows.damaged) {
            store_note_damage(e->books.rows);
            if (x->missed == 0) x->missed = x->next;
        }
        if (o == NULL || !expiry_concerns(o) || o->updated > border) continue;
        struct pd_expire_order c = {.order = o->order, .updated = o->updated};
        bool done = run_own(e, pd_block_expire_order(), &c, scopes_at(e->scopes, r.header.scope),
                            own_id(e, PD_TEXT("expire/"), o->order, o->version));
        if (!done && x->missed == 0) x->missed = x->next; /* it is tried again after a start */
    }
}

/* A message that no worker has asked for. */
static void
send_to_worker(struct engine *e, const char *type, const struct pd_block *block, const void *data, struct pd_text address)
{
    mp_writer_clear(&e->writer);
    mp_map(&e->writer, 2);
    mp_key(&e->writer, "type");
    mp_text(&e->writer, pd_text(type));
    mp_key(&e->writer, "data");
    pd_encode_map(&e->writer, block, data);
    send_later(e, PD_port_workers, address);
}

/* An item that is to be provisioned. */
static void
describe_item(const struct pd_order *o, uint64_t task, struct pd_assignment *a)
{
    const struct pd_order_item *i = NULL;

    for (size_t n = 0; n < o->items_count; n++)
        if (o->items[n].has_task && o->items[n].task == task) i = &o->items[n];
    PD_CHECK(i != NULL);
    a->lease = i->lease;
    a->instance = i->instance;
    a->attempt = i->attempt;
    a->deadline = i->deadline;
    a->order = o->order;
    a->item = i->item;
    a->has_order = a->has_item = true;
    a->reference = o->reference;
    a->customer = o->customer;
    a->subscription = i->subscription;
    a->plan = i->plan;
    a->plan_name = i->plan_name;
    a->period = i->period;
    a->quantity = i->quantity;
    a->domain = i->domain;
    a->domain_unicode = i->domain_unicode;
    a->parameters = i->parameters;
    a->parameters_count = i->parameters_count;
}

/* A subscription that is to be removed, with what is known of how it was made. */
static void
describe_subscription(const struct view *view, const struct pd_subscription *s, struct pd_assignment *a)
{
    const struct pd_order      *o = s->has_order ? view->order(view->ctx, s->order) : NULL;
    const struct pd_order_item *i = o == NULL ? NULL : &o->items[s->item - 1];

    a->lease = s->lease;
    a->instance = s->remains[0];
    a->attempt = s->attempt;
    a->deadline = s->deadline;
    a->order = s->order;
    a->item = s->item;
    a->has_order = a->has_item = s->has_order;
    a->reference = o == NULL ? s->reference : o->reference;
    a->customer = s->customer;
    a->subscription = s->subscription;
    a->plan = s->plan;
    a->plan_name = s->plan_name;
    a->period = s->period;
    a->quantity = s->quantity;
    a->domain = s->domain;
    a->domain_unicode = s->domain_unicode;
    a->service_parameters = s->parameters;
    a->service_parameters_count = s->parameters_count;
    if (i == NULL) return;
    a->parameters = i->parameters;
    a->parameters_count = i->parameters_count;
}

static void
send_assignment(struct engine *e, const struct match *m, struct scope *scope)
{
    struct lookup        lookup = lookup_for(e, scope);
    struct view          view = view_over(&lookup);
    struct pd_assignment a = {.reseller = scope->reseller.reseller, .task = m->task, .operation = m->operation};

    if (m->operation == PD_operation_provision) describe_item(view.order_by_task(view.ctx, m->task), m->task, &a);
    else describe_subscription(&view, view.subscription_by_task(view.ctx, m->task), &a);
    send_to_worker(e, "Assignment", pd_block_assignment(), &a, m->address);
}

/* Workers whose lease is over, or to be given back, by somebody else's doing. */
void
own_stops(struct engine *e)
{
    struct stop stop;

    while (tasks_next_stop(e->tasks, &stop)) {
        struct pd_stop order = {
            .reseller = scopes_at(e->scopes, stop.scope)->reseller.reseller, .task = stop.task, .lease = stop.lease};
        send_to_worker(e, "Stop", pd_block_stop(), &order, stop.address);
    }
}

void
own_matches(struct engine *e)
{
    struct match m;

    for (int n = 0; n < LEASES_AT_ONCE && !is_full_for_own(e) && tasks_next_match(e->tasks, &m); n++) {
        struct scope        *scope = scopes_at(e->scopes, m.scope);
        struct pd_lease_task c = {.task = m.task, .worker = pd_arena_text(&e->batch->arena, m.worker)};
        if (m.next_task != 0) prefetch_task(e, m.next_scope, m.next_task);
        if (run_own(e, pd_block_lease_task(), &c, scope, own_id(e, PD_TEXT("lease/"), m.task, e->last + 1)))
            send_assignment(e, &m, scope);
        else tasks_set_aside(e->tasks, m.scope, m.task, e->last_time, e->now.monotonic_ms);
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
