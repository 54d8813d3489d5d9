/* accounts.c - where resellers, customers, plans and keys are found. */
#include "engine/views/view.h"

/* In the scope of all. */
void
view_resellers(struct view_keys *keys, const void *row)
{
    (void)row;
    view_begin(keys, VIEW_resellers, 0);
    view_emit(keys);
}

void
view_customers(struct view_keys *keys, const void *row)
{
    view_begin(keys, VIEW_customers, ((const struct pd_customer *)row)->scope);
    view_emit(keys);
}

void
view_plans(struct view_keys *keys, const void *row)
{
    view_begin(keys, VIEW_plans, ((const struct pd_plan *)row)->scope);
    view_emit(keys);
}

void
view_granted_keys(struct view_keys *keys, const void *row)
{
    (void)row;
    view_begin(keys, VIEW_granted_keys, 0);
    view_emit(keys);
}
