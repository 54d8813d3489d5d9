/* accounts.c - where resellers, customers and plans are found. */
#include "engine/views/view.h"

/* In the scope of all. */
void
view_resellers(struct view_keys *keys, const void *row)
{
    (void)row;
    view_emit(keys, view_key(VIEW_resellers, 0));
}

void
view_customers(struct view_keys *keys, const void *row)
{
    view_emit(keys, view_key(VIEW_customers, ((const struct pd_customer *)row)->scope));
}

void
view_plans(struct view_keys *keys, const void *row)
{
    view_emit(keys, view_key(VIEW_plans, ((const struct pd_plan *)row)->scope));
}
