#include "engine/index/merge.h"

#include "proto/check.h"

static void
add(struct merge *m, struct merge_source source)
{
    PD_CHECK(m->count < MERGE_MAX);
    m->sources[m->count++] = source;
}

void
merge_add_run(struct merge *m, struct run *run)
{
    add(m, (struct merge_source){.run = run});
}

void
merge_add_pairs(struct merge *m, const struct pair *pairs, size_t count)
{
    add(m, (struct merge_source){.pairs = pairs, .count = count});
}

/* Whether a source has a pair to show. */
static bool
has_more(struct merge *m, struct merge_source *s)
{
    if (s->count > 0 || s->run == NULL) return s->count > 0;
    if (!run_read(s->run, s->next, &s->pairs, &s->count)) m->damaged = true;
    s->next += s->count;
    return s->count > 0 && !m->damaged;
}

/* The smallest pair, as the oldest and as the newest source that has it says it. */
static bool
take_smallest(struct merge *m, struct pair *ret_oldest, struct pair *ret_newest)
{
    struct merge_source *first = NULL, *end = m->sources + m->count;

    for (struct merge_source *s = m->sources; s < end; s++)
        if (has_more(m, s) && (first == NULL || pair_compare(*s->pairs, *first->pairs) < 0)) first = s;
    if (first == NULL || m->damaged) return false;
    *ret_oldest = *ret_newest = *first->pairs;
    for (struct merge_source *s = first; s < end; s++) {
        if (s->count == 0 || pair_compare(*s->pairs, *ret_oldest) != 0) continue;
        *ret_newest = *s->pairs++;
        s->count--;
    }
    return true;
}

bool
merge_next(struct merge *m, struct pair *ret_pair)
{
    struct pair oldest = {0, 0}, newest = oldest;

    while (take_smallest(m, &oldest, &newest)) {
        bool gone = newest.to & PAIR_GONE;
        /* There before and gone, or gone before and there again: together it is nothing. */
        if (((oldest.to ^ newest.to) & PAIR_GONE) != 0 || (gone && m->oldest)) continue;
        *ret_pair = newest;
        return true;
    }
    return false;
}
