/* keys.h - what each key, or user of the engine's machine, was granted: the rows of keys, all of them in memory. What is decided is
 * seen by its own thread at once, by others when it is committed. */
#ifndef ENGINE_KEYS_H
#define ENGINE_KEYS_H

#include "proto/arena.h"
#include "proto/schema.h"

struct keys;

struct keys_options {
    struct pd_text own; /* uid/N of whoever runs the engine: an admin where nothing else is granted to it; absent: none. Copied */
    bool           open_loopback; /* peers without a key may do everything, also when keys were granted */
};

struct keys *keys_open(const struct keys_options *options);
void         keys_close(struct keys **keys);

/* The deciding thread's. A row was made or changed; copied. */
void keys_note(struct keys *keys, const struct pd_key *row);

/* What was noted since the last time, in the arena; and that it is committed, by any thread. */
const struct pd_key **keys_noted(struct keys *keys, struct pd_arena *arena, size_t *ret_count);
void                  keys_commit(struct keys *keys, const struct pd_key *const *rows, size_t count);

/* Another key that has this name, or one that begins with it and a dot, or the other way round: workers are named so. As it was
 * decided; the deciding thread's. */
bool keys_has_name(struct keys *keys, struct pd_text key, struct pd_text name);

/* ---- any thread, from here on; rows are valid as long as the keys are ---- */

/* What somebody was granted, as it is committed; NULL: nothing. An absent identity is a peer without a key. */
const struct pd_key *keys_find(struct keys *keys, struct pd_text identity);

/* Whether who was granted this shares with others: whoever needs no grant, as the user that runs the engine, has all of it. */
bool keys_limits(const struct pd_key *grant);

/* Grows when somebody may do less than before: a key was revoked or granted otherwise, or the first one was granted. */
uint64_t keys_narrowed(const struct keys *keys);

/* Whether a worker may have this name under a key of that name: it is the same, or begins with it and a dot. */
bool keys_name_covers(struct pd_text name, struct pd_text worker);

#endif
