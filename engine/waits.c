#include "engine/waits.h"

#include <stdlib.h>

#include "engine/engine.h"
#include "proto/check.h"

struct waits {
    struct wait list[WAITS_MAX];
    size_t      count;
};

struct waits *
waits_open(void)
{
    struct waits *w = calloc(1, sizeof *w);
    PD_CHECK(w != NULL);
    return w;
}

static struct pd_text
own(struct pd_text text)
{
    char *copy = malloc(text.size + 1);
    PD_CHECK(copy != NULL);
    memcpy(copy, text.data, text.size);
    return (struct pd_text){copy, text.size};
}

static void
drop(struct wait *w)
{
    free((char *)(uintptr_t)w->address.data);
    free((char *)(uintptr_t)w->id.data);
}

void
waits_close(struct waits **waits)
{
    if (*waits == NULL) return;
    for (size_t i = 0; i < (*waits)->count; i++) drop(&(*waits)->list[i]);
    free(*waits);
    *waits = NULL;
}

bool
waits_add(struct waits *waits, const struct wait *wait)
{
    if (waits->count == WAITS_MAX) return false;
    struct wait *w = &waits->list[waits->count++];
    *w = *wait;
    w->address = own(wait->address);
    w->id = own(wait->id);
    return true;
}

void
waits_each(struct waits *waits, bool (*is_over)(void *arg, const struct wait *wait), void *arg)
{
    for (size_t i = 0; i < waits->count;) {
        if (!is_over(arg, &waits->list[i])) {
            i++;
            continue;
        }
        drop(&waits->list[i]);
        waits->list[i] = waits->list[--waits->count];
    }
}

uint64_t
waits_next_due(const struct waits *waits)
{
    uint64_t due = UINT64_MAX;
    for (size_t i = 0; i < waits->count; i++)
        if (waits->list[i].due_ms < due) due = waits->list[i].due_ms;
    return due;
}
