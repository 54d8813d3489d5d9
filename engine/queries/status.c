/* status.c - what the engine tells of itself: how it does, its views, its backup, who follows it under a name. */
#include <limits.h>

#include "engine/queries/query.h"

static struct views_figures
figures_of(const struct queries *q)
{
    return q->sources.views != NULL ? views_figures(q->sources.views) : (struct views_figures){.position = 0};
}

static uint64_t
sum(const _Atomic uint64_t ports[MEASURES_PORTS])
{
    uint64_t all = 0;
    for (int i = 0; i < MEASURES_PORTS; i++) all += atomic_load_explicit(&ports[i], memory_order_relaxed);
    return all;
}

void *
health(struct queries *q)
{
    struct pd_health_reply *r = PD_ARENA_NEW(&q->arena, struct pd_health_reply);
    struct engine_figures   f = engine_figures(q->sources.engine);
    const struct measures  *m = q->sources.measures;

    *r = (struct pd_health_reply){
        .software = q->sources.software, .log = q->log, .head = q->head, .writable = f.writable, .commands = f.commands,
        .refusals = f.refusals, .turns = f.turns, .unaddressed = sum(m->unaddressed),
        .disconnected = sum(m->disconnected), .undeliverable = sum(m->undeliverable), .tasks_waiting = f.tasks_waiting,
        .tasks_leased = f.tasks_leased, .workers = f.workers, .log_position = f.position, .projected = figures_of(q).position,
    };
    return r;
}

void *
list_views(struct queries *q, bool rebuild)
{
    struct pd_views_reply *r = PD_ARENA_NEW(&q->arena, struct pd_views_reply);
    const struct view_spec *views = views_table(&r->views_count);

    if (rebuild && q->sources.views != NULL) views_rebuild(q->sources.views);
    struct views_figures f = figures_of(q);
    r->views = PD_ARENA_ARRAY(&q->arena, struct pd_view_row, r->views_count);
    for (size_t i = 0; i < r->views_count; i++)
        r->views[i] = (struct pd_view_row){.view = pd_text(views[i].name), .of = pd_text(pd_schema_row(views[i].row_code)->name),
                                           .about = pd_text(views[i].description)};
    r->serving = f.serving;
    r->building = r->has_built = f.building;
    r->projected = f.position;
    r->head = engine_figures(q->sources.engine).position;
    r->built = f.built;
    return r;
}

/* One at a time: another one is `busy`. */
void *
answer_backup(struct queries *q, const struct pd_start_backup *start)
{
    struct pd_backup_reply *r = PD_ARENA_NEW(&q->arena, struct pd_backup_reply);
    char                    dir[PATH_MAX];

    if (q->sources.backups == NULL) return r;
    if (start != NULL && start->directory.data[0] != '/') {
        q->refusal = pd_refuse_field(PD_E_invalid_field, "a path from the root", "directory");
        return NULL;
    }
    if (start != NULL && !backups_begin(q->sources.backups, start->directory)) {
        refuse_busy(q);
        return NULL;
    }
    struct backup_progress p = backups_look(q->sources.backups, dir);
    if (p.phase == 0) return r;
    *r = (struct pd_backup_reply){.phase = (enum pd_backup_phase)p.phase, .done = p.done, .has_done = true, .of = p.of,
                                  .has_of = true, .directory = pd_arena_text(&q->arena, pd_text(dir))};
    if (p.problem[0] != '\0') r->problem = pd_arena_text(&q->arena, pd_text(p.problem));
    return r;
}

/* Its head, and how far it is behind. */
static void
complete_subscriber(struct queries *q, struct pd_subscriber_view *v, const struct engine_figures *f)
{
    v->head = f->position;
    if (v->reseller.data != NULL) (void)scopes_lookup(engine_scopes(q->sources.engine), v->reseller, &v->head);
    v->lag = v->head > v->position ? v->head - v->position : 0;
}

void
read_subscribers(struct queries *q, struct pd_subscribers_reply *ret)
{
    struct engine_figures f = engine_figures(q->sources.engine);

    engine_subscribers(q->sources.engine, &q->arena, ret);
    for (size_t i = 0; i < ret->subscribers_count; i++) complete_subscriber(q, &ret->subscribers[i], &f);
}

void *
list_subscribers(struct queries *q)
{
    const struct pd_list_subscribers *m = q->message->body;
    struct pd_subscribers_reply      *r = PD_ARENA_NEW(&q->arena, struct pd_subscribers_reply);
    size_t                            shown = 0;

    read_subscribers(q, r);
    for (size_t i = 0; i < r->subscribers_count; i++) {
        struct pd_subscriber_view v = r->subscribers[i];
        bool ours = v.reseller.data != NULL && pd_text_equal(v.reseller, q->message->envelope.reseller);
        if (!m->all && !ours) continue;
        if (m->subscriber.data != NULL && !pd_text_equal(m->subscriber, v.subscriber)) continue;
        r->subscribers[shown++] = v;
    }
    r->subscribers_count = shown;
    return m->subscriber.data == NULL || shown > 0 ? r : refuse_query(q, PD_E_subscriber_not_found, "subscriber");
}
