#include "tests/crash/shop.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clients/lib/json.h"
#include "engine/base/lock.h"
#include "proto/check.h"

static struct now
now_of(struct shop *s)
{
    s->clock_ms += 1000;
    return (struct now){1767225600000000 + s->clock_ms * 1000, s->clock_ms};
}

enum store_error
shop_open_books(struct shop *s, const char *data)
{
    uint64_t known;

    *s = (struct shop){.lock_fd = lock_directory(data, true)};
    pd_arena_init(&s->arena);
    return s->lock_fd < 0 ? STORE_FAILED : books_open(data, STORE_CREATE, false, &s->books, &known);
}

enum store_error
shop_open_engine(struct shop *s)
{
    struct engine_options options = {
        .lease_ms = 30000, .known_commands = SHOP_KNOWN, .young = 64, .software = PD_TEXT("crash"),
        .endpoints = {PD_TEXT("c"), PD_TEXT("e"), PD_TEXT("q"), PD_TEXT("w"), 0},
    };
    return engine_open(&s->books, &options, now_of(s), &s->engine);
}

void
shop_close(struct shop *s)
{
    engine_close(&s->engine);
    books_close(&s->books);
    if (s->lock_fd >= 0) close(s->lock_fd);
    door_fini(&s->door);
    mp_writer_fini(&s->writer);
    pd_arena_fini(&s->arena);
}

struct pd_text
shop_command(struct shop *s, const char *json)
{
    size_t                 size = strlen(json);
    char                  *text = malloc(size + 1);
    struct pd_json_problem problem;

    PD_CHECK(text != NULL);
    for (size_t i = 0; i <= size; i++) text[i] = json[i] == '\'' ? '"' : json[i];
    json_t *object = json_loads(text, 0, NULL);
    mp_writer_clear(&s->writer);
    PD_CHECK(object != NULL && pd_json_to_request(&s->writer, pd_block_request(), object, &problem));
    json_decref(object);
    free(text);
    return pd_arena_text(&s->arena, (struct pd_text){s->writer.data, s->writer.size});
}

enum store_error
shop_turn(struct shop *s, const struct pd_text *commands, size_t count, struct pd_text *ret_answers)
{
    struct request requests[SHOP_TURN_MAX], *list[SHOP_TURN_MAX];
    size_t         taken, n;

    PD_CHECK(count <= SHOP_TURN_MAX);
    memset(requests, 0, sizeof requests);
    for (size_t i = 0; i < count; i++) {
        list[i] = &requests[i];
        requests[i].address = PD_TEXT("");
        PD_CHECK(door_open(&s->door, PD_port_commands, commands[i], &n, &requests[i].refusal));
        door_take(&s->door, PD_port_commands, false, &s->arena, &requests[i]);
    }
    enum store_error error = engine_make_room(s->engine, 1);
    if (error == STORE_OK) error = engine_decide(s->engine, now_of(s), list, count, &taken);
    if (error != STORE_OK) return error;
    PD_CHECK(taken == count);
    engine_seal(s->engine);
    if ((error = engine_commit(s->engine)) != STORE_OK) return error;
    s->rows_left = s->rows_left || engine_leaves_rows(s->engine);
    for (size_t i = 0; i < count; i++) ret_answers[i] = requests[i].answer;
    return STORE_OK;
}

enum store_error
shop_write_rows(struct shop *s)
{
    bool written;
    s->rows_left = false;
    return engine_write_rows(s->engine, &written);
}
