#include "engine/scopes.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "proto/check.h"
#include "proto/codec.h"

struct list {
    struct scope **scopes;
    size_t         count, capacity;
};

struct scopes {
    pthread_rwlock_t lock;
    struct scope   **list; /* by number; [0] is the operators' */
    size_t           count, capacity;
    uint32_t        *table; /* hash of the id -> number; 0 is empty */
    size_t           mask;
    struct list      moved, changed; /* since they were asked for */
    uint8_t          chain[PD_CHAIN_BYTES]; /* of the log's last committed event */
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
    free(s->moved.scopes);
    free(s->changed.scopes);
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

/* Once, as the flag says. */
static void
list(struct list *l, struct scope *scope, bool *is_listed)
{
    if (*is_listed) return;
    *is_listed = true;
    if (l->count == l->capacity) {
        l->capacity = l->capacity * 2 + 64;
        l->scopes = realloc(l->scopes, l->capacity * sizeof(struct scope *));
        PD_CHECK(l->scopes != NULL);
    }
    l->scopes[l->count++] = scope;
}

static void
raise(uint64_t *value, uint64_t seen)
{
    if (seen > *value) *value = seen;
}

void
scopes_reach(struct scopes *s, uint64_t number, uint64_t position)
{
    struct scope *scope = scopes_at(s, number);

    PD_CHECK(scope != NULL);
    raise(&scope->position, position);
    raise(&scope->committed, position);
    list(&s->changed, scope, &scope->changed);
}

void
scopes_seen(struct scopes *s, int row_code, const void *row)
{
    const struct pd_row_head *head = row;
    struct scope             *scope = scopes_at(s, head->scope);

    scopes_reach(s, head->scope, head->last_scoped);
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
    list(&s->moved, scope, &scope->moved);
    list(&s->changed, scope, &scope->changed);
    return ++scope->position;
}

struct scope_head *
scopes_moved(struct scopes *s, struct pd_arena *arena, size_t *ret_count)
{
    struct scope_head *heads = pd_arena_alloc(arena, s->moved.count * sizeof *heads);
    for (size_t i = 0; i < s->moved.count; i++) {
        heads[i] = (struct scope_head){s->moved.scopes[i], s->moved.scopes[i]->position};
        s->moved.scopes[i]->moved = false;
    }
    *ret_count = s->moved.count;
    s->moved.count = 0;
    return heads;
}

size_t
scopes_count_changed(const struct scopes *s)
{
    return s->changed.count;
}

struct scope_numbers *
scopes_changed(struct scopes *s, struct pd_arena *arena, size_t *ret_count)
{
    struct scope_numbers *numbers = pd_arena_alloc(arena, s->changed.count * sizeof *numbers);
    for (size_t i = 0; i < s->changed.count; i++) {
        struct scope *scope = s->changed.scopes[i];
        numbers[i] = (struct scope_numbers){.scope = scope->reseller.scope, .position = scope->position};
        memcpy(numbers[i].last, scope->last, sizeof numbers[i].last);
        scope->changed = false;
    }
    *ret_count = s->changed.count;
    s->changed.count = 0;
    return numbers;
}

bool
scopes_restore(struct scopes *s, const struct scope_numbers *numbers)
{
    struct scope *scope = scopes_at(s, numbers->scope);

    if (scope == NULL) return false;
    scope->position = scope->committed = numbers->position;
    memcpy(scope->last, numbers->last, sizeof scope->last);
    return true;
}

void
scopes_commit(struct scopes *s, const struct scope_head *heads, size_t count, const uint8_t chain[PD_CHAIN_BYTES])
{
    pthread_rwlock_wrlock(&s->lock);
    for (size_t i = 0; i < count; i++) heads[i].scope->committed = heads[i].position;
    memcpy(s->chain, chain, sizeof s->chain);
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

static struct pd_text
hexadecimal(struct pd_arena *arena, const uint8_t *bytes, size_t size)
{
    char *text = pd_arena_alloc(arena, 2 * size + 1);
    for (size_t i = 0; i < size; i++) snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return (struct pd_text){text, 2 * size};
}

bool
scopes_head(struct scopes *s, uint64_t number, struct pd_arena *arena, struct scope_shown *ret_shown)
{
    pthread_rwlock_rdlock(&s->lock);
    bool there = number < s->count;
    if (there) {
        *ret_shown = (struct scope_shown){.id = PD_TEXT("~all"), .head = s->list[number]->committed};
        if (number > 0) ret_shown->id = pd_arena_text(arena, s->list[number]->reseller.reseller);
        else ret_shown->chain = hexadecimal(arena, s->chain, sizeof s->chain);
        /* Operators see the whole log. Every event has one scope, and each scope counts from 1. */
        for (size_t i = 1; number == 0 && i < s->count; i++) ret_shown->head += s->list[i]->committed;
    }
    pthread_rwlock_unlock(&s->lock);
    return there;
}
