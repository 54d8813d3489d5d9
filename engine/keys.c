#include "engine/keys.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <xxhash.h>

#include "proto/check.h"
#include "proto/codec.h"

struct entry {
    const struct pd_key *decided, *committed; /* either may be NULL */
};

struct keys {
    pthread_rwlock_t lock;
    struct entry    *entries; /* open addressing, by the identity */
    size_t           count, mask;
    struct pd_arena  rows; /* what was replaced stays until the end: others may look at it */
    const struct pd_key **noted;
    size_t           noted_count, noted_capacity;
    struct pd_key    admin; /* of whoever needs no grant */
    struct pd_text   own;
    bool             open_loopback;
    _Atomic bool     any; /* a key was granted, ever */
    _Atomic uint64_t narrowed;
};

struct keys *
keys_open(const struct keys_options *options)
{
    struct keys *k = calloc(1, sizeof *k);

    PD_CHECK(k != NULL && pthread_rwlock_init(&k->lock, NULL) == 0);
    k->mask = 63;
    PD_CHECK((k->entries = calloc(k->mask + 1, sizeof *k->entries)) != NULL);
    pd_arena_init(&k->rows);
    k->own = options->own.data == NULL ? options->own : pd_arena_text(&k->rows, options->own);
    k->open_loopback = options->open_loopback;
    k->admin = (struct pd_key){.role = PD_role_admin, .name = PD_TEXT("local")};
    return k;
}

void
keys_close(struct keys **keys)
{
    struct keys *k = *keys;

    if (k == NULL) return;
    pthread_rwlock_destroy(&k->lock);
    pd_arena_fini(&k->rows);
    free(k->entries);
    free(k->noted);
    free(k);
    *keys = NULL;
}

/* ---- the table, under the lock ------------------------------------------------------------------------------------- */

static struct entry *
find(const struct keys *k, struct pd_text identity)
{
    size_t i = XXH3_64bits(identity.data, identity.size) & k->mask;

    while (k->entries[i].decided != NULL && !pd_text_equal(k->entries[i].decided->key, identity)) i = (i + 1) & k->mask;
    return &k->entries[i];
}

static void
make_room(struct keys *k)
{
    struct entry *old = k->entries;
    size_t        slots = k->mask + 1;

    if (k->count < slots / 2) return;
    k->mask = slots * 2 - 1;
    PD_CHECK((k->entries = calloc(k->mask + 1, sizeof *k->entries)) != NULL);
    for (size_t i = 0; i < slots; i++)
        if (old[i].decided != NULL) *find(k, old[i].decided->key) = old[i];
    free(old);
}

void
keys_note(struct keys *k, const struct pd_key *row)
{
    pthread_rwlock_wrlock(&k->lock);
    struct pd_key *copy = pd_arena_zero(&k->rows, sizeof *copy);
    pd_copy_block(&k->rows, pd_block_key(), row, copy);
    make_room(k);
    struct entry *e = find(k, copy->key);
    k->count += e->decided == NULL;
    e->decided = copy;
    pthread_rwlock_unlock(&k->lock);
    if (k->noted_count == k->noted_capacity) {
        k->noted_capacity = k->noted_capacity * 2 + 16;
        k->noted = realloc(k->noted, k->noted_capacity * sizeof *k->noted);
        PD_CHECK(k->noted != NULL);
    }
    k->noted[k->noted_count++] = copy;
}

const struct pd_key **
keys_noted(struct keys *k, struct pd_arena *arena, size_t *ret_count)
{
    const struct pd_key **rows = PD_ARENA_ARRAY(arena, const struct pd_key *, k->noted_count);

    if (k->noted_count > 0) memcpy(rows, k->noted, k->noted_count * sizeof *rows);
    *ret_count = k->noted_count;
    k->noted_count = 0;
    return rows;
}

void
keys_commit(struct keys *k, const struct pd_key *const *rows, size_t count)
{
    bool narrowed = count > 0 && !atomic_load(&k->any);

    if (count == 0) return;
    pthread_rwlock_wrlock(&k->lock);
    for (size_t i = 0; i < count; i++) {
        struct entry *e = find(k, rows[i]->key);
        narrowed = narrowed || e->committed != NULL;
        e->committed = rows[i];
    }
    pthread_rwlock_unlock(&k->lock);
    atomic_store(&k->any, true);
    if (narrowed) atomic_fetch_add(&k->narrowed, 1);
}

bool
keys_limits(const struct pd_key *grant)
{
    return grant != NULL && grant->key.data != NULL;
}

uint64_t
keys_narrowed(const struct keys *k)
{
    return atomic_load(&k->narrowed);
}

/* ---- looking ------------------------------------------------------------------------------------------------------- */

bool
keys_name_covers(struct pd_text name, struct pd_text worker)
{
    return worker.size >= name.size && memcmp(worker.data, name.data, name.size) == 0 &&
           (worker.size == name.size || worker.data[name.size] == '.');
}

bool
keys_has_name(struct keys *k, struct pd_text key, struct pd_text name)
{
    bool found = false;

    pthread_rwlock_rdlock(&k->lock);
    for (size_t i = 0; i <= k->mask && !found; i++) {
        const struct pd_key *row = k->entries[i].decided;
        if (row == NULL || row->revoked || pd_text_equal(row->key, key)) continue;
        found = keys_name_covers(row->name, name) || keys_name_covers(name, row->name);
    }
    pthread_rwlock_unlock(&k->lock);
    return found;
}

const struct pd_key *
keys_find(struct keys *k, struct pd_text identity)
{
    if (identity.data == NULL) return !atomic_load(&k->any) || k->open_loopback ? &k->admin : NULL;
    pthread_rwlock_rdlock(&k->lock);
    const struct pd_key *row = find(k, identity)->committed;
    pthread_rwlock_unlock(&k->lock);
    if (row != NULL) return row->revoked ? NULL : row;
    return k->own.data != NULL && pd_text_equal(identity, k->own) ? &k->admin : NULL;
}
