/* subscriptions.c - where subscriptions are found, and how many there are. */
#include "engine/views/view.h"

void
view_subscriptions(struct view_keys *keys, const void *row)
{
    view_begin(keys, VIEW_subscriptions, ((const struct pd_subscription *)row)->scope);
    view_emit(keys);
}

void
view_subscriptions_by_customer(struct view_keys *keys, const void *row)
{
    const struct pd_subscription *s = row;
    struct view_key              *key = view_begin(keys, VIEW_subscriptions_by_customer, s->scope);
    view_key_text(key, s->customer);
    view_emit(keys);
}

void
view_subscriptions_by_status(struct view_keys *keys, const void *row)
{
    const struct pd_subscription *s = row;
    struct view_key              *key = view_begin(keys, VIEW_subscriptions_by_status, s->scope);
    view_key_number(key, s->status, 1);
    view_emit(keys);
}

void
view_subscriptions_by_service(struct view_keys *keys, const void *row)
{
    const struct pd_subscription *s = row;
    struct view_key              *key = view_begin(keys, VIEW_subscriptions_by_service, s->scope);
    view_key_number(key, s->service_status, 1);
    view_emit(keys);
}

void
view_subscriptions_by_expiration(struct view_keys *keys, const void *row)
{
    const struct pd_subscription *s = row;
    struct view_key              *key = view_begin(keys, VIEW_subscriptions_by_expiration, s->scope);
    if (!s->has_expiration || s->status == PD_subscription_status_terminated) return;
    view_key_number(key, s->expiration, 8);
    view_emit(keys);
}

void
view_subscriptions_by_removal(struct view_keys *keys, const void *row)
{
    const struct pd_subscription *s = row;
    struct view_key              *key = view_begin(keys, VIEW_subscriptions_by_removal, s->scope);
    if (s->task_state == PD_task_state_absent) return;
    view_key_number(key, s->task_state, 1);
    view_emit(keys);
}

void
view_subscription_counts(struct view_keys *keys, const void *row)
{
    const struct pd_subscription *s = row;

    for (int i = 0; i < 3; i++) {
        struct view_key *key = view_begin(keys, VIEW_subscription_counts, i == 0 ? 0 : s->scope);
        view_key_number(key, s->status, 1);
        view_key_text(key, i < 2 ? (struct pd_text){"", 0} : s->plan);
        view_emit(keys);
    }
}

/* 0: it began, 1: it ended. */
void
view_subscriptions_by_hour(struct view_keys *keys, const void *row)
{
    const struct pd_subscription *s = row;
    const pd_time_us              times[] = {s->start, s->ended};
    const bool                    has[] = {s->has_start, s->has_ended};

    for (int i = 0; i < 2; i++) {
        struct view_key *key = view_begin(keys, VIEW_subscriptions_by_hour, s->scope);
        if (!has[i]) continue;
        view_key_number(key, times[i] / VIEW_HOUR_US, 4);
        view_key_number(key, (uint64_t)i, 1);
        view_key_text(key, s->plan);
        view_emit(keys);
    }
}
