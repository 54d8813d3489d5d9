/* subscribers.h - those who follow events under a name: how far each has come, and who holds the name now. A step without clock or
 * store: positions are entries of the log's store, committed with the turn that moves them; who holds what is in memory only, and
 * after a restart the first one to ask has it.
 *
 *   key   = "s", the reseller's number, 8 bytes, most significant first, 0 for all resellers; the name
 *   value = an xxh3-64 of key and what follows, 8 bytes; struct pd_subscriber_state, packed
 *
 * A position is of one log. One that was kept for another log, or cannot be read any more, is shown as of that log or of none, so
 * that whoever follows begins anew knowingly. */
#ifndef ENGINE_SUBSCRIBERS_H
#define ENGINE_SUBSCRIBERS_H

#include "engine/base/clock.h"
#include "engine/store/store.h"
#include "proto/msgpack.h"
#include "proto/schema.h"

enum { SUBSCRIBERS_MAX = 512, HOLD_MS = 15000 /* a holder that is silent for so long is gone */ };

struct subscriber {
    uint64_t       scope; /* 0: all resellers */
    struct pd_text name;
    struct pd_text log; /* 32 hexadecimal digits */
    uint64_t       position;
    pd_time_us     made, moved;
    struct pd_text holder; /* absent: nobody */
    pd_time_us     since;
    uint64_t       heard_ms;
};

struct subscribers;

struct subscribers *subscribers_open(void);
void                subscribers_close(struct subscribers **subscribers);

/* What a log's store keeps of them. */
enum store_error subscribers_read(struct subscribers *subscribers, struct store_reader *log) STORE_MUST_CHECK;

/* NULL: there is none. Valid until it is removed. */
struct subscriber *subscribers_find(struct subscribers *subscribers, uint64_t scope, struct pd_text name);

/* A new one, at a position of a log; NULL: there are too many. */
struct subscriber *subscribers_make(struct subscribers *subscribers, uint64_t scope, struct pd_text name, struct pd_text log,
                                    uint64_t position, pd_time_us time);
void               subscribers_remove(struct subscribers *subscribers, struct subscriber *subscriber);

/* It has come so far in this log. False: that is where it was, or behind. */
bool subscriber_move(struct subscriber *subscriber, struct pd_text log, uint64_t position, pd_time_us time);

/* Somebody says that it is his. 0: it is; else how long another one still has it, in ms. */
uint64_t subscriber_hold(struct subscriber *subscriber, struct pd_text holder, struct now now);
bool     subscriber_is_held(const struct subscriber *subscriber, uint64_t now_ms);
void     subscriber_let_go(struct subscriber *subscriber);

/* As it is kept: the entry, in the arena. */
struct store_entry subscriber_pack(const struct subscriber *subscriber, struct mp_writer *scratch, struct pd_arena *arena);

/* As ListSubscribers tells it, but for names and heads of resellers: the n-th, or NULL. */
const struct subscriber *subscribers_at(const struct subscribers *subscribers, size_t n);

/* Whether an entry of the log's store is of this kind. */
bool subscribers_own(struct pd_text key);

#endif
