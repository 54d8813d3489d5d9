#include "engine/subscribers.h"

#include <stdlib.h>
#include <xxhash.h>

#include "engine/base/log.h"
#include "proto/check.h"
#include "proto/codec.h"

enum { NAME_AT = 9, PRINT = 8 };

struct subscribers {
    struct subscriber *all[SUBSCRIBERS_MAX];
    size_t             count;
};

struct subscribers *
subscribers_open(void)
{
    struct subscribers *s = calloc(1, sizeof *s);
    PD_CHECK(s != NULL);
    return s;
}

/* ---- one of them --------------------------------------------------------------------------------------------------- */

static void
set_text(struct pd_text *own, struct pd_text text)
{
    free((char *)(uintptr_t)own->data);
    *own = (struct pd_text){NULL, 0};
    if (text.data == NULL) return;
    char *copy = malloc(text.size + 1);
    PD_CHECK(copy != NULL);
    memcpy(copy, text.data, text.size);
    *own = (struct pd_text){copy, text.size};
}

static void
drop(struct subscriber *s)
{
    set_text(&s->name, (struct pd_text){NULL, 0});
    set_text(&s->log, (struct pd_text){NULL, 0});
    set_text(&s->holder, (struct pd_text){NULL, 0});
    free(s);
}

bool
subscriber_move(struct subscriber *s, struct pd_text log, uint64_t position, pd_time_us time)
{
    bool same = pd_text_equal(s->log, log);

    if (same && position <= s->position) return false;
    if (!same) set_text(&s->log, log);
    s->position = position;
    s->moved = time;
    return true;
}

bool
subscriber_is_held(const struct subscriber *s, uint64_t now_ms)
{
    return s->holder.data != NULL && now_ms < s->heard_ms + HOLD_MS;
}

uint64_t
subscriber_hold(struct subscriber *s, struct pd_text holder, struct now now)
{
    bool held = subscriber_is_held(s, now.monotonic_ms), same = pd_text_equal(s->holder, holder);

    if (held && !same) return s->heard_ms + HOLD_MS - now.monotonic_ms;
    if (!held) s->since = now.wall_us;
    if (!same) set_text(&s->holder, holder);
    s->heard_ms = now.monotonic_ms;
    return 0;
}

void
subscriber_let_go(struct subscriber *s)
{
    set_text(&s->holder, (struct pd_text){NULL, 0});
}

/* ---- all of them --------------------------------------------------------------------------------------------------- */

void
subscribers_close(struct subscribers **subscribers)
{
    struct subscribers *s = *subscribers;

    if (s == NULL) return;
    for (size_t i = 0; i < s->count; i++) drop(s->all[i]);
    free(s);
    *subscribers = NULL;
}

struct subscriber *
subscribers_find(struct subscribers *s, uint64_t scope, struct pd_text name)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->all[i]->scope == scope && pd_text_equal(s->all[i]->name, name)) return s->all[i];
    return NULL;
}

struct subscriber *
subscribers_make(struct subscribers *s, uint64_t scope, struct pd_text name, struct pd_text log, uint64_t position, pd_time_us time)
{
    struct subscriber *made = calloc(1, sizeof *made);

    PD_CHECK(made != NULL);
    if (s->count == SUBSCRIBERS_MAX) {
        free(made);
        return NULL;
    }
    *made = (struct subscriber){.scope = scope, .position = position, .made = time, .moved = time};
    set_text(&made->name, name);
    set_text(&made->log, log);
    return s->all[s->count++] = made;
}

void
subscribers_remove(struct subscribers *s, struct subscriber *subscriber)
{
    size_t i = 0;

    while (s->all[i] != subscriber) i++;
    s->all[i] = s->all[--s->count];
    drop(subscriber);
}

const struct subscriber *
subscribers_at(const struct subscribers *s, size_t n)
{
    return n < s->count ? s->all[n] : NULL;
}

/* ---- as they are kept ---------------------------------------------------------------------------------------------- */

bool
subscribers_own(struct pd_text key)
{
    return key.size > NAME_AT && key.data[0] == 's';
}

static uint64_t
print_of(struct pd_text key, const char *body, size_t size)
{
    return XXH3_64bits_withSeed(body, size, XXH3_64bits(key.data, key.size));
}

struct store_entry
subscriber_pack(const struct subscriber *s, struct mp_writer *scratch, struct pd_arena *arena)
{
    struct pd_subscriber_state state = {.log = s->log, .position = s->position, .made = s->made, .moved = s->moved};
    char                      *key = pd_arena_alloc(arena, NAME_AT + s->name.size);

    key[0] = 's';
    for (int i = 0; i < 8; i++) key[1 + i] = (char)(s->scope >> (56 - 8 * i));
    memcpy(key + NAME_AT, s->name.data, s->name.size);
    struct store_entry e = {.key = {key, NAME_AT + s->name.size}};

    mp_writer_clear(scratch);
    pd_encode_map(scratch, pd_block_subscriber_state(), &state);
    char    *value = pd_arena_alloc(arena, PRINT + scratch->size);
    uint64_t print = print_of(e.key, scratch->data, scratch->size);
    memcpy(value, &print, PRINT);
    memcpy(value + PRINT, scratch->data, scratch->size);
    e.value = (struct pd_text){value, PRINT + scratch->size};
    return e;
}

static bool
unpack(const struct store_entry *e, struct pd_arena *arena, struct pd_subscriber_state *ret_state)
{
    uint64_t print;

    if (e->value.size < PRINT) return false;
    memcpy(&print, e->value.data, PRINT);
    struct pd_text body = {e->value.data + PRINT, e->value.size - PRINT};
    return print == print_of(e->key, body.data, body.size) &&
           pd_decode_event(arena, pd_block_subscriber_state(), body, ret_state);
}

static void
take(struct subscribers *s, const struct store_entry *e, struct pd_arena *arena)
{
    struct pd_subscriber_state state = {.log = PD_TEXT("00000000000000000000000000000000")};
    struct pd_text             name = {e->key.data + NAME_AT, e->key.size - NAME_AT};
    uint64_t                   scope = 0;

    for (int i = 0; i < 8; i++) scope = scope << 8 | (unsigned char)e->key.data[1 + i];
    if (!unpack(e, arena, &state))
        log_error("subscriber_damaged", "subscriber=%.*s hint=\"its position is not known any more: it has to begin anew\"",
                  (int)name.size, name.data);
    struct subscriber *made = subscribers_make(s, scope, name, state.log, state.position, state.made);
    if (made != NULL) made->moved = state.moved;
}

enum store_error
subscribers_read(struct subscribers *s, struct store_reader *log)
{
    struct store_cursor *cursor = NULL;
    struct store_entry   e;
    struct pd_arena      arena;
    enum store_error     error = store_cursor_open(log, &cursor);

    pd_arena_init(&arena);
    if (error == STORE_OK) error = store_cursor_seek(cursor, PD_TEXT("s"), &e);
    for (; error == STORE_OK && subscribers_own(e.key); error = store_cursor_next(cursor, &e)) {
        take(s, &e, &arena);
        pd_arena_reset(&arena);
    }
    store_cursor_close(&cursor);
    pd_arena_fini(&arena);
    return error == STORE_NONE ? STORE_OK : error;
}
