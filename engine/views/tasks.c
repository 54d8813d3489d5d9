/* tasks.c - where open tasks are found. */
#include "engine/views/view.h"

void
view_tasks(struct view_keys *keys, const void *row)
{
    view_begin(keys, VIEW_tasks, ((const struct pd_task *)row)->scope);
    view_emit(keys);
}

void
view_tasks_by_group(struct view_keys *keys, const void *row)
{
    const struct pd_task *t = row;
    struct view_key      *key = view_begin(keys, VIEW_tasks_by_group, t->scope);
    view_key_text(key, t->worker_group);
    view_emit(keys);
}

void
view_tasks_by_worker(struct view_keys *keys, const void *row)
{
    const struct pd_task *t = row;
    struct view_key      *key = view_begin(keys, VIEW_tasks_by_worker, t->scope);
    if (t->worker.data == NULL) return;
    view_key_text(key, t->worker);
    view_emit(keys);
}
