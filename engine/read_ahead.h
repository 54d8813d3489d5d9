/* read_ahead.h - a stretch of the log, read, checked and decoded while what came before is folded: by a thread of its own, unless
 * it is short. */
#ifndef ENGINE_READ_AHEAD_H
#define ENGINE_READ_AHEAD_H

#include "engine/store/record.h"
#include "engine/store/store.h"
#include "proto/codec.h"

enum { AHEAD_EVENTS = 4096, AHEAD_BYTES = 2 << 20 }; /* of a batch, at most; a last event may be longer */

struct ahead_event {
    struct record          record; /* its texts lie in the batch */
    const struct pd_block *block;
    void                  *event;  /* struct pd_<event>; NULL when it was not to be decoded */
    size_t                 size;   /* bytes of the record */
};

/* Events one after the other, and what is wrong with the one behind them. */
struct ahead_batch {
    struct ahead_event *events;
    size_t              count;
    enum store_error    error; /* STORE_OK; STORE_DAMAGED with `wrong`; STORE_FAILED */
    const char         *wrong; /* such as " is missing": to be said behind "event <position>" */
};

struct ahead_options {
    struct store  *log;
    uint64_t       first, last; /* positions, both included */
    const uint8_t *chain;       /* of the event before the first: each must follow; copied. NULL: that is not looked at */
    bool           decodes;
};

struct read_ahead;

/* `ret_error`: STORE_FAILED, and NULL is returned. */
struct read_ahead *read_ahead_begin(const struct ahead_options *options, enum store_error *ret_error);

/* Waits for the next batch, which is valid until another is asked for. One with an `error` is the last, and may have no events; so
 * is one that is empty. */
const struct ahead_batch *read_ahead_next(struct read_ahead *ahead);

/* Whether or not all was read. */
void read_ahead_end(struct read_ahead **ahead);

#endif
