/* shop.h - the real engine over the real store, in one thread and step by step, so that it is known to the call when a command is
 * acknowledged. */
#ifndef CRASH_SHOP_H
#define CRASH_SHOP_H

#include "engine/bus/door.h"
#include "engine/engine.h"

enum { SHOP_TURN_MAX = 16, SHOP_KNOWN = 4096 };

struct shop {
    int              lock_fd;
    struct books     books;
    struct engine   *engine;
    struct door      door;
    struct pd_arena  arena; /* of the turn */
    struct mp_writer writer;
    uint64_t         clock_ms;
    bool             rows_left;
};

/* As pedidod does it: the directory's lock, the books, the engine. Not STORE_OK: nothing is open but what shop_close closes. */
enum store_error shop_open_books(struct shop *shop, const char *data) STORE_MUST_CHECK;
enum store_error shop_open_engine(struct shop *shop) STORE_MUST_CHECK;
void             shop_close(struct shop *shop);

/* A command as it is sent, from JSON with ' for ". Valid until the next turn. */
struct pd_text shop_command(struct shop *shop, const char *json);

/* One turn, decided and committed; ret_answers lie in the arena, until it is reset. Rows are left to shop_write_rows. */
enum store_error shop_turn(struct shop *shop, const struct pd_text *commands, size_t count,
                           struct pd_text *ret_answers) STORE_MUST_CHECK;
enum store_error shop_write_rows(struct shop *shop) STORE_MUST_CHECK;

#endif
