#include "engine/index/index.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "engine/index/levels.h"
#include "proto/check.h"

/* ---- opening ------------------------------------------------------------------------------------------------------- */

struct index *
index_open(const struct index_options *options)
{
    static const uint8_t no_log[PD_LOG_ID_BYTES];
    struct index        *index = calloc(1, sizeof *index);

    PD_CHECK(index != NULL && pthread_rwlock_init(&index->lock, NULL) == 0 && pthread_mutex_init(&index->work_lock, NULL) == 0);
    if (options != NULL) index->options = *options;
    memcpy(index->log_id, index->options.log_id != NULL ? index->options.log_id : no_log, sizeof index->log_id);
    if (index->options.ids == 0) index->options.ids = INDEX_IDS;
    if (index->options.young == 0) index->options.young = INDEX_YOUNG;
    index->shelf = index->options.shelf;
    if (index->shelf == NULL) {
        PD_CHECK(shelf_open(NULL, &index->own_shelf));
        index->shelf = index->own_shelf;
    }
    if (index->options.gently) shelf_go_gently(index->shelf);
    levels_init(index);
    return index;
}

void
index_close(struct index **index)
{
    struct index *x = *index;

    if (x == NULL) return;
    levels_fini(x);
    shelf_close(&x->own_shelf);
    for (int i = 0; i < 2; i++) free(x->journals[i].pairs);
    pthread_rwlock_destroy(&x->lock);
    pthread_mutex_destroy(&x->work_lock);
    free(x);
    *index = NULL;
}

size_t
index_ids(const struct index *index)
{
    return index->options.ids;
}

void
index_figures(struct index *index, struct index_figures *ret_figures)
{
    *ret_figures = (struct index_figures){.files = 0};
    pthread_rwlock_rdlock(&index->lock);
    for (; ret_figures->files < index->run_count; ret_figures->files++) {
        const struct run *run = index->runs[ret_figures->files];
        ret_figures->pairs += run->head.pairs;
        ret_figures->bytes += run->size;
    }
    pthread_rwlock_unlock(&index->lock);
}

void
index_discard(struct index *index)
{
    shelf_clear(index->shelf);
}

bool
index_has_files(const struct index *index)
{
    char name[SHELF_NAME_MAX];
    return shelf_name(index->shelf, 0, name);
}

uint64_t
index_text_print(enum index_kind kind, uint64_t scope, struct pd_text text)
{
    return XXH3_64bits_withSeed(text.data, text.size, scope << 8 | (uint64_t)kind);
}

/* ---- changing ------------------------------------------------------------------------------------------------------ */

static struct pair
pack(uint64_t print, struct row_key key, uint64_t flags)
{
    PD_CHECK(key.position > 0 && key.position < PAIR_POSITION_MAX && key.item < PAIR_ITEM_MAX);
    return (struct pair){print, key.position << PAIR_POSITION_SHIFT | (uint64_t)key.item << PAIR_ITEM_SHIFT | flags};
}

/* A pair that is taken back before it was ever written leaves nothing. */
static void
change(struct index *index, struct pair pair)
{
    struct pair opposite = {pair.print, pair.to ^ PAIR_GONE};

    pthread_rwlock_wrlock(&index->lock);
    if (!pair_table_take(&index->young, opposite)) pair_table_put(&index->young, pair);
    pthread_rwlock_unlock(&index->lock);
}

static void
note(struct index *index, struct pair pair)
{
    struct journal *j = &index->journals[index->journal];

    if (j->count == j->capacity) {
        j->capacity = j->capacity * 2 + 256;
        j->pairs = realloc(j->pairs, j->capacity * sizeof *j->pairs);
        PD_CHECK(j->pairs != NULL);
    }
    j->pairs[j->count++] = pair;
}

static void
change_and_note(struct index *index, struct pair pair)
{
    change(index, pair);
    note(index, pair);
}

void
index_add(struct index *index, uint64_t print, struct row_key key)
{
    change_and_note(index, pack(print, key, 0));
}

void
index_remove(struct index *index, uint64_t print, struct row_key key)
{
    change_and_note(index, pack(print, key, PAIR_GONE));
}

void
index_add_id(struct index *index, uint64_t print, uint64_t position)
{
    change_and_note(index, pack(print, (struct row_key){position, 0}, PAIR_ID));
}

/* ---- the journal --------------------------------------------------------------------------------------------------- */

struct index_changes
index_journal(const struct index *index)
{
    const struct journal *j = &index->journals[index->journal];
    return (struct index_changes){j->pairs, j->count};
}

bool
index_apply(struct index *index, struct index_changes changes)
{
    for (size_t i = 0; i < changes.count; i++) {
        if (pair_position(changes.pairs[i]) == 0) return false;
        change(index, changes.pairs[i]);
    }
    return true;
}

void
index_turn_over(struct index *index, uint64_t position)
{
    index->journal = !index->journal;
    index->journals[index->journal].count = 0;
    levels_freeze(index, position);
}

/* ---- finding ------------------------------------------------------------------------------------------------------- */

/* What is there under a fingerprint; grows beyond what most need. */
struct finding {
    uint64_t     print;
    bool         ids;
    struct pair  few[16], *pairs;
    size_t       count, capacity;
};

static void
find_more(struct finding *f)
{
    struct pair *more = malloc(f->capacity * 2 * sizeof *more);
    PD_CHECK(more != NULL);
    memcpy(more, f->pairs, f->count * sizeof *more);
    if (f->pairs != f->few) free(f->pairs);
    f->pairs = more;
    f->capacity *= 2;
}

/* Levels are seen from the oldest on. */
static void
see(struct finding *f, struct pair pair)
{
    size_t i = 0;

    if (((pair.to & PAIR_ID) != 0) != f->ids) return;
    if ((pair.to & PAIR_GONE) == 0) {
        if (f->count == f->capacity) find_more(f);
        for (i = f->count++; i > 0 && f->pairs[i - 1].to > pair.to; i--) f->pairs[i] = f->pairs[i - 1];
        f->pairs[i] = pair;
        return;
    }
    while (i < f->count && f->pairs[i].to != (pair.to ^ PAIR_GONE)) i++;
    if (i == f->count) return;
    memmove(&f->pairs[i], &f->pairs[i + 1], (--f->count - i) * sizeof *f->pairs);
}

static void
see_table(struct finding *f, const struct pair_table *t)
{
    for (size_t i = pair_table_home(t, f->print); t->slots[i].to != 0; i = (i + 1) & t->mask)
        if (t->slots[i].print == f->print) see(f, t->slots[i]);
}

static void
find(struct index *index, struct finding *f)
{
    f->pairs = f->few;
    f->capacity = sizeof f->few / sizeof f->few[0];
    for (size_t i = 0; i < index->run_count; i++) {
        const struct pair *pairs;
        size_t             count;
        if (!run_find(index->runs[i], f->print, &pairs, &count)) atomic_store(&index->damaged, true);
        for (size_t n = 0; n < count; n++) see(f, pairs[n]);
    }
    if (index->is_frozen) see_table(f, &index->frozen);
    see_table(f, &index->young);
}

size_t
index_find(struct index *index, uint64_t print, struct row_key *ret_keys, size_t max)
{
    struct finding f = {.print = print};

    find(index, &f);
    for (size_t i = 0; i < f.count && i < max; i++)
        ret_keys[i] = (struct row_key){pair_position(f.pairs[i]), pair_item(f.pairs[i])};
    if (f.pairs != f.few) free(f.pairs);
    return f.count;
}

size_t
index_find_shared(struct index *index, uint64_t print, struct row_key *ret_keys, size_t max)
{
    pthread_rwlock_rdlock(&index->lock);
    size_t n = index_find(index, print, ret_keys, max);
    pthread_rwlock_unlock(&index->lock);
    return n;
}

size_t
index_find_id(struct index *index, uint64_t print, uint64_t *ret_positions, size_t max)
{
    struct finding f = {.print = print, .ids = true};

    find(index, &f);
    for (size_t i = 0; i < f.count && i < max; i++) ret_positions[i] = pair_position(f.pairs[i]);
    if (f.pairs != f.few) free(f.pairs);
    return f.count;
}

bool
index_is_damaged(const struct index *index)
{
    return atomic_load_explicit(&index->damaged, memory_order_relaxed);
}

void
index_prefetch(const struct index *index, uint64_t print)
{
    __builtin_prefetch(&index->young.slots[pair_table_home(&index->young, print)]);
    if (index->is_frozen) __builtin_prefetch(&index->frozen.slots[pair_table_home(&index->frozen, print)]);
    for (size_t i = 0; i < index->run_count; i++) run_prefetch(index->runs[i], print);
}

/* ---- all of it ----------------------------------------------------------------------------------------------------- */

struct index_walk {
    struct index *index;
    struct merge  merge;
    struct pair  *tables[2];
};

struct index_walk *
index_walk_begin(struct index *index)
{
    struct index_walk       *w = calloc(1, sizeof *w);
    const struct pair_table *tables[2] = {index->is_frozen ? &index->frozen : NULL, &index->young};

    PD_CHECK(w != NULL);
    w->index = index;
    w->merge.oldest = true;
    for (size_t i = 0; i < index->run_count; i++) merge_add_run(&w->merge, index->runs[i]);
    for (int i = 0; i < 2; i++) {
        if (tables[i] == NULL) continue;
        w->tables[i] = pair_table_sorted(tables[i]);
        merge_add_pairs(&w->merge, w->tables[i], tables[i]->used);
    }
    return w;
}

bool
index_walk_next(struct index_walk *w, struct pair *ret_pair)
{
    while (merge_next(&w->merge, ret_pair))
        if ((ret_pair->to & PAIR_ID) == 0) return true;
    if (w->merge.damaged) atomic_store(&w->index->damaged, true);
    return false;
}

void
index_walk_end(struct index_walk **walk)
{
    if (*walk == NULL) return;
    free((*walk)->tables[0]);
    free((*walk)->tables[1]);
    free(*walk);
    *walk = NULL;
}
