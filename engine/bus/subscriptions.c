#include "engine/bus/subscriptions.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "proto/check.h"

/* Above PREFIXES_MAX everything counts as wanted. */
enum { PREFIXES_MAX = 256, PREFIX_BYTES = 256 };

struct subscriptions {
    pthread_mutex_t lock;
    struct prefix {
        char   data[PREFIX_BYTES];
        size_t size, subscribers;
    } prefixes[PREFIXES_MAX];
    size_t         count, beyond;
    _Atomic size_t total;
};

struct subscriptions *
subscriptions_open(void)
{
    struct subscriptions *s = calloc(1, sizeof *s);
    PD_CHECK(s != NULL && pthread_mutex_init(&s->lock, NULL) == 0);
    return s;
}

void
subscriptions_close(struct subscriptions **subscriptions)
{
    if (*subscriptions == NULL) return;
    pthread_mutex_destroy(&(*subscriptions)->lock);
    free(*subscriptions);
    *subscriptions = NULL;
}

static size_t
find(const struct subscriptions *s, struct pd_text prefix)
{
    size_t i = 0;
    while (i < s->count && !pd_text_equal((struct pd_text){s->prefixes[i].data, s->prefixes[i].size}, prefix)) i++;
    return i;
}

static bool
ends_with(struct pd_text text, struct pd_text end)
{
    return text.size >= end.size && memcmp(text.data + text.size - end.size, end.data, end.size) == 0;
}

bool
subscriptions_may(struct pd_text prefix)
{
    return prefix.size < PREFIX_BYTES && (ends_with(prefix, PD_TEXT("/")) || ends_with(prefix, PD_TEXT("/~head")));
}

bool
subscriptions_add(struct subscriptions *s, struct pd_text prefix)
{
    pthread_mutex_lock(&s->lock);
    size_t i = find(s, prefix);
    bool   counted = i < PREFIXES_MAX;
    if (!counted) s->beyond++;
    else if (i == s->count) {
        memcpy(s->prefixes[i].data, prefix.data, prefix.size);
        s->prefixes[i].size = prefix.size;
        s->prefixes[s->count++].subscribers = 1;
    } else s->prefixes[i].subscribers++;
    atomic_store(&s->total, s->count + s->beyond);
    pthread_mutex_unlock(&s->lock);
    return counted;
}

void
subscriptions_remove(struct subscriptions *s, struct pd_text prefix, bool counted)
{
    pthread_mutex_lock(&s->lock);
    size_t i = counted ? find(s, prefix) : 0;
    PD_CHECK(counted ? i < s->count : s->beyond > 0);
    if (!counted) s->beyond--;
    else if (--s->prefixes[i].subscribers == 0) s->prefixes[i] = s->prefixes[--s->count];
    atomic_store(&s->total, s->count + s->beyond);
    pthread_mutex_unlock(&s->lock);
}

bool
subscriptions_any(const struct subscriptions *s)
{
    return atomic_load(&s->total) > 0;
}

bool
subscriptions_want(struct subscriptions *s, struct pd_text topic)
{
    pthread_mutex_lock(&s->lock);
    bool want = s->beyond > 0;
    for (size_t i = 0; i < s->count && !want; i++)
        want = s->prefixes[i].size <= topic.size && memcmp(s->prefixes[i].data, topic.data, s->prefixes[i].size) == 0;
    pthread_mutex_unlock(&s->lock);
    return want;
}

bool
subscriptions_in_scope(struct subscriptions *s, struct pd_text scope)
{
    pthread_mutex_lock(&s->lock);
    bool want = s->beyond > 0;
    for (size_t i = 0; i < s->count && !want; i++) {
        const struct prefix *p = &s->prefixes[i];
        size_t               size = p->size < scope.size ? p->size : scope.size;
        want = memcmp(p->data, scope.data, size) == 0 && (p->size <= scope.size || p->data[scope.size] == '/');
    }
    pthread_mutex_unlock(&s->lock);
    return want;
}
