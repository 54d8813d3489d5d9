#include "engine/scopes.h"

#include <pthread.h>
#include <stdlib.h>
#include <xxhash.h>

#include "proto/check.h"
#include "proto/codec.h"

struct scopes {
    pthread_rwlock_t lock;
    struct scope   **list; /* by number; [0] is the operators' */
    size_t           count, capacity;
    uint32_t        *table; /* hash of the id -> number; 0 is empty */
    size_t           mask;
    struct scope   **moved; /* since it was asked */
    size_t           moved_count, moved_capacity;
    struct pd_arena  texts; /* names and zones that were replaced stay until the end */
};

struct scopes *
scopes_open(void)
{
    struct scopes *s = calloc(1, sizeof *s);
    PD_CHECK(s != NULL && pthread_rwlock_init(&s->lock, NULL) == 0);
    pd_arena_init(&s->texts);
    s->capacity = 64;
    s->list = calloc(s->capacity, sizeof *s->list);
    s->mask = 127;
    s->table = calloc(s->mask + 1, sizeof *s->table);
    PD_CHECK(s->list != NULL && s->table != NULL && (s->list[0] = calloc(1, sizeof **s->list)) != NULL);
    s->count = 1;
    return s;
}

void
scopes_close(struct scopes **scopes)
{
    struct scopes *s = *scopes;
    if (s == NULL) return;
    for (size_t i = 0; i < s->count; i++) free(s->list[i]);
    free(s->list);
    free(s->table);
    free(s->moved);
    pd_arena_fini(&s->texts);
    pthread_rwlock_destroy(&s->lock);
    free(s);
    *scopes = NULL;
}

static uint32_t *
slot_of(struct scopes *s, struct pd_text id)
{
    size_t i = XXH3_64bits(id.data, id.size) & s->mask;
    while (s->table[i] != 0 && !pd_text_equal(s->list[s->table[i]]->reseller.reseller, id)) i = (i + 1) & s->mask;
    return &s->table[i];
}

static void
grow(struct scopes *s)
{
    if (s->count < s->capacity) return;
    s->capacity *= 2;
    s->list = realloc(s->list, s->capacity * sizeof *s->list);
    free(s->table);
    s->mask = s->capacity * 2 - 1;
    s->table = calloc(s->mask + 1, sizeof *s->table);
    PD_CHECK(s->list != NULL && s->table != NULL);
    for (size_t i = 1; i < s->count; i++) *slot_of(s, s->list[i]->reseller.reseller) = (uint32_t)i;
}

void
scopes_put(struct scopes *s, const struct pd_reseller *row)
{
    pthread_rwlock_wrlock(&s->lock);
    struct scope *scope = row->scope < s->count ? s->list[row->scope] : NULL;
    if (scope == NULL) {
        PD_CHECK(row->scope == s->count);
        grow(s);
        scope = s->list[s->count++] = calloc(1, sizeof *scope);
        PD_CHECK(scope != NULL);
    }
    pd_copy_block(&s->texts, pd_block_reseller(), row, &scope->reseller);
    *slot_of(s, scope->reseller.reseller) = (uint32_t)row->scope;
    pthread_rwlock_unlock(&s->lock);
}

struct scope *
scopes_at(struct scopes *s, uint64_t number)
{
    return number < s->count ? s->list[number] : NULL;
}

struct scope *
scopes_find(struct scopes *s, struct pd_text id)
{
    uint32_t number = *slot_of(s, id);
    return number == 0 ? NULL : s->list[number];
}

uint64_t
scopes_count(const struct scopes *s)
{
    return s->count - 1;
}

static void
raise(uint64_t *value, uint64_t seen)
{
    if (seen > *value) *value = seen;
}

void
scopes_seen(struct scopes *s, int row_code, const void *row)
{
    const struct pd_row_head *head = row;
    struct scope             *scope = scopes_at(s, head->scope);

    PD_CHECK(scope != NULL);
    raise(&scope->position, head->last_scoped);
    raise(&scope->committed, head->last_scoped);
    if (row_code == PD_ROW_order) {
        const struct pd_order *o = row;
        raise(&scope->last[NUMBER_order], o->order);
        for (size_t i = 0; i < o->items_count; i++) raise(&scope->last[NUMBER_task], o->items[i].task);
    } else if (row_code == PD_ROW_subscription) {
        const struct pd_subscription *sub = row;
        raise(&scope->last[NUMBER_subscription], sub->subscription);
        if (sub->has_task) raise(&scope->last[NUMBER_task], sub->task);
    }
}

uint64_t
scopes_move(struct scopes *s, struct scope *scope)
{
    if (!scope->moved) {
        if (s->moved_count == s->moved_capacity) {
            s->moved_capacity = s->moved_capacity * 2 + 64;
            s->moved = realloc(s->moved, s->moved_capacity * sizeof *s->moved);
            PD_CHECK(s->moved != NULL);
        }
        s->moved[s->moved_count++] = scope;
        scope->moved = true;
    }
    return ++scope->position;
}

struct scope_head *
scopes_moved(struct scopes *s, struct pd_arena *arena, size_t *ret_count)
{
    struct scope_head *heads = pd_arena_alloc(arena, s->moved_count * sizeof *heads);
    for (size_t i = 0; i < s->moved_count; i++) {
        heads[i] = (struct scope_head){s->moved[i], s->moved[i]->position};
        s->moved[i]->moved = false;
    }
    *ret_count = s->moved_count;
    s->moved_count = 0;
    return heads;
}

void
scopes_commit(struct scopes *s, const struct scope_head *heads, size_t count)
{
    pthread_rwlock_wrlock(&s->lock);
    for (size_t i = 0; i < count; i++) heads[i].scope->committed = heads[i].position;
    pthread_rwlock_unlock(&s->lock);
}

uint64_t
scopes_lookup(struct scopes *s, struct pd_text id, uint64_t *ret_head)
{
    pthread_rwlock_rdlock(&s->lock);
    uint32_t number = *slot_of(s, id);
    *ret_head = s->list[number]->committed;
    pthread_rwlock_unlock(&s->lock);
    return number;
}

bool
scopes_head(struct scopes *s, uint64_t number, struct pd_arena *arena, struct pd_text *ret_id, uint64_t *ret_head)
{
    pthread_rwlock_rdlock(&s->lock);
    bool there = number < s->count;
    if (there) {
        *ret_id = number == 0 ? PD_TEXT("~all") : pd_arena_text(arena, s->list[number]->reseller.reseller);
        *ret_head = s->list[number]->committed;
        /* Operators see the whole log. Every event has one scope, and each scope counts from 1. */
        for (size_t i = 1; number == 0 && i < s->count; i++) *ret_head += s->list[i]->committed;
    }
    pthread_rwlock_unlock(&s->lock);
    return there;
}
