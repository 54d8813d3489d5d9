/* worklist.c - what is to be done, and who does it: tasks, open and closed, and the workers. */
#include "engine/queries/query.h"

static const struct pd_text absent = {NULL, 0};

/* ---- a task as it is shown ----------------------------------------------------------------------------------------- */

static void
show_order(struct queries *q, struct pd_task_view *v, uint64_t number, uint64_t item_number)
{
    const struct pd_order *o = find_row(&q->folder, PD_ROW_order, INDEX_order, q->scope, number, absent, NULL);

    v->order = number;
    v->item = item_number;
    v->has_order = v->has_item = true;
    if (o == NULL || item_number < 1 || item_number > o->items_count) return;
    const struct pd_order_item *i = &o->items[item_number - 1];
    v->reference = o->reference;
    v->customer = o->customer;
    v->plan = i->plan;
    v->plan_name = i->plan_name;
    v->domain = i->domain_unicode;
    v->parameters = i->parameters;
    v->parameters_count = i->parameters_count;
    v->group = i->worker_group;
    v->provisioning = i->provisioning;
}

/* What an item or a subscription knows of its task. */
#define SHOW_SLOT(v, row)                                                                                              \
    ((v)->task = (row)->task, (v)->state = (row)->task_state, (v)->worker = (row)->worker, (v)->lease = (row)->lease,  \
     (v)->attempt = (row)->attempt, (v)->since = (row)->since, (v)->has_since = (row)->has_since,                      \
     (v)->deadline = (row)->deadline, (v)->next_try = (row)->next_try, (v)->has_next_try = (row)->has_next_try,        \
     (v)->progress = (row)->progress, (v)->has_progress = (row)->has_progress, (v)->message = (row)->message)

static void
show_provisioning(struct queries *q, const struct pd_order *o, uint64_t task, struct pd_task_view *v)
{
    for (size_t n = 0; n < o->items_count; n++) {
        const struct pd_order_item *i = &o->items[n];
        if (!i->has_task || i->task != task) continue;
        show_order(q, v, o->order, i->item);
        SHOW_SLOT(v, i);
        v->operation = PD_operation_provision;
        v->instance = i->instance;
        v->subscription = i->subscription;
    }
}

static void
show_removal(struct queries *q, const struct pd_subscription *s, struct pd_task_view *v)
{
    v->reference = s->reference;
    v->customer = s->customer;
    v->plan = s->plan;
    v->plan_name = s->plan_name;
    v->group = s->worker_group;
    v->provisioning = s->provisioning;
    if (s->has_order) show_order(q, v, s->order, s->item);
    v->domain = s->domain_unicode;
    SHOW_SLOT(v, s);
    v->operation = PD_operation_deprovision;
    v->subscription = s->subscription;
    v->instance = s->remains_count > 0 ? s->remains[0] : absent;
}

/* Any task of the reseller's, by number. False: there was none. */
static bool
show_task(struct queries *q, uint64_t task, struct pd_task_view *ret_view)
{
    const struct pd_order *o = find_row(&q->folder, PD_ROW_order, INDEX_task, q->scope, task, absent, NULL);
    const struct pd_subscription *s = NULL;

    *ret_view = (struct pd_task_view){0};
    if (o != NULL) show_provisioning(q, o, task, ret_view);
    else if ((s = find_row(&q->folder, PD_ROW_subscription, INDEX_task, q->scope, task, absent, NULL)) != NULL)
        show_removal(q, s, ret_view);
    return o != NULL || s != NULL;
}

static bool
is_open_task(const struct pd_task_view *v)
{
    return v->state == PD_task_state_created || v->state == PD_task_state_leased;
}

/* Nobody works for the group of a task that waits. */
static void
show_unserved(const struct pd_workers_reply *roster, struct pd_task_view *v)
{
    for (size_t i = 0; i < roster->groups_count; i++) {
        const struct pd_group_view *g = &roster->groups[i];
        if (g->operation != v->operation || g->workers > 0 || !pd_text_equal(g->group, v->group)) continue;
        v->trouble = PD_task_trouble_no_worker;
        v->unserved_since = g->unserved_since;
        v->has_unserved_since = true;
    }
}

/* What only the table of open tasks knows, and the moment. */
static void
show_openness(struct queries *q, const struct pd_task *t, const struct pd_workers_reply *roster, struct pd_task_view *v)
{
    v->created = t->created;
    v->has_created = true;
    v->stopping = t->stopping;
    if (v->state == PD_task_state_created && v->provisioning == PD_provisioning_worker) show_unserved(roster, v);
    if (v->deadline < engine_figures(q->sources.engine).time) v->trouble = PD_task_trouble_overdue;
}

/* ---- queries ------------------------------------------------------------------------------------------------------- */

static bool
takes_task(struct queries *q, const void *row)
{
    const struct pd_list_tasks *m = q->message->body;
    const struct pd_task       *t = row;

    return (m->state == PD_task_state_absent || m->state == t->state) &&
           (m->operation == PD_operation_absent || m->operation == t->operation) &&
           (m->provisioning == PD_provisioning_absent || m->provisioning == t->provisioning) &&
           (m->group.data == NULL || pd_text_equal(m->group, t->worker_group)) &&
           (m->worker.data == NULL || pd_text_equal(m->worker, t->worker)) && (q->order == 0 || q->order == t->order) &&
           (!m->has_older_s || t->created + m->older_s * 1000000 <= engine_figures(q->sources.engine).time);
}

/* The worker's, the group's or all. */
static void
add_place(struct queries *q, struct page *p, const struct pd_list_tasks *m)
{
    struct pd_text  text = m->worker.data != NULL ? m->worker : m->group;
    int             view = m->worker.data != NULL ? VIEW_tasks_by_worker : m->group.data != NULL ? VIEW_tasks_by_group : VIEW_tasks;
    struct view_key key = scope_key(q, view);

    if (text.data != NULL) view_key_text(&key, text);
    list_add(&p->list, key);
}

void *
list_tasks(struct queries *q)
{
    const struct pd_list_tasks *m = q->message->body;
    struct pd_tasks_reply      *r = PD_ARENA_NEW(&q->arena, struct pd_tasks_reply);
    struct pd_workers_reply     roster;
    size_t                      count;

    if (m->has_order || m->reference.data != NULL) {
        const struct pd_order *o = seek_order(q, m->has_order, m->order, m->reference);
        if (o == NULL) return NULL;
        q->order = o->order;
    }
    engine_roster(q->sources.engine, &q->arena, &roster);
    struct page p;
    begin_page(q, &p, false, q->message->envelope.sort == PD_sort_newest);
    add_place(q, &p, m);
    const struct pd_task *tasks = read_page(q, &p, PD_ROW_task, takes_task, &count);
    r->tasks = PD_ARENA_ARRAY(&q->arena, struct pd_task_view, count);
    for (size_t i = 0; i < count && q->refusal.code == PD_OK; i++) {
        struct pd_task_view *v = &r->tasks[r->tasks_count];
        if (!show_task(q, tasks[i].task, v)) continue;
        show_openness(q, &tasks[i], &roster, v);
        if (!m->stuck || v->trouble != PD_task_trouble_absent) r->tasks_count++;
    }
    return r;
}

void *
get_task(struct queries *q)
{
    const struct pd_get_task    *m = q->message->body;
    struct pd_task_view_reply   *r = PD_ARENA_NEW(&q->arena, struct pd_task_view_reply);
    struct pd_workers_reply      roster;
    uint64_t                     allowed = 0;

    r->task = PD_ARENA_NEW(&q->arena, struct pd_task_view);
    if (!show_task(q, m->task, r->task)) return refuse_query(q, PD_E_task_not_found, "task");
    const struct pd_task *open = find_row(&q->folder, PD_ROW_task, INDEX_open_task, q->scope, m->task, absent, NULL);
    engine_roster(q->sources.engine, &q->arena, &roster);
    if (open != NULL) show_openness(q, open, &roster, r->task);
    if (is_open_task(r->task)) allowed = (uint64_t)1 << PD_COMMAND_fail_task | (uint64_t)1 << PD_COMMAND_succeed_task;
    if (r->task->state == PD_task_state_leased) allowed |= (uint64_t)1 << PD_COMMAND_release_task;
    bool failed = r->task->operation == PD_operation_deprovision && !is_open_task(r->task) && r->task->instance.data != NULL;
    if (r->task->has_next_try || failed) allowed |= (uint64_t)1 << PD_COMMAND_retry_task;
    r->allowed = PD_ARENA_ARRAY(&q->arena, struct pd_text, PD_COMMAND_CODES);
    r->allowed_count = pd_allowed_names(allowed, r->allowed, PD_COMMAND_CODES);
    return r;
}

void *
list_workers(struct queries *q)
{
    struct pd_workers_reply *r = PD_ARENA_NEW(&q->arena, struct pd_workers_reply);
    engine_roster(q->sources.engine, &q->arena, r);
    return r;
}
