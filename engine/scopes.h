/* scopes.h - the resellers, and what counts in each: positions, orders, subscriptions, tasks. Scope 0 is the operators': what
 * belongs to no reseller. Kept beside the rows (kept.h); few enough to stay in memory.
 *
 * One writer, the engine's thread; other threads may find resellers, and read and set committed heads. */
#ifndef ENGINE_SCOPES_H
#define ENGINE_SCOPES_H

#include "engine/domain/rules.h"

struct scope {
    struct pd_reseller reseller; /* owned copy; `reseller.scope` is its number */
    uint64_t           position; /* the last one given */
    uint64_t           committed; /* the last one on stable storage */
    uint64_t           last[NUMBER_KINDS]; /* the last number given, by kind */
    bool               moved, changed; /* since scopes_moved, and scopes_changed, was asked */
};

struct scopes;

struct scopes *scopes_open(void);
void           scopes_close(struct scopes **scopes);

/* Makes or renews the scope of a reseller's row. */
void scopes_put(struct scopes *scopes, const struct pd_reseller *row);

/* The scope of a number or id, or NULL; valid while no scope is put. Engine's thread only. */
struct scope *scopes_at(struct scopes *scopes, uint64_t number);
struct scope *scopes_find(struct scopes *scopes, struct pd_text id);
uint64_t      scopes_count(const struct scopes *scopes); /* of resellers */

/* In a fold of what was decided before: the numbers and positions that a row tells of, or an event, were given. */
void scopes_seen(struct scopes *scopes, int row_code, const void *row);
void scopes_reach(struct scopes *scopes, uint64_t scope, uint64_t position);

/* Gives the scope's next position. */
uint64_t scopes_move(struct scopes *scopes, struct scope *scope);

/* Where the scopes stand that moved since the last time, for when it is on stable storage; in the arena. */
struct scope_head {
    struct scope *scope;
    uint64_t      position;
};
struct scope_head *scopes_moved(struct scopes *scopes, struct pd_arena *arena, size_t *ret_count);

/* What is to be kept of the scopes that have changed since the last time; in the arena. And given back at a start, when its
 * reseller is there; false: there is none. */
struct scope_numbers {
    uint64_t scope, position, last[NUMBER_KINDS];
};
size_t                scopes_count_changed(const struct scopes *scopes);
struct scope_numbers *scopes_changed(struct scopes *scopes, struct pd_arena *arena, size_t *ret_count);
bool                  scopes_restore(struct scopes *scopes, const struct scope_numbers *numbers);

/* It is now, and the log's last event has this chain. Perhaps another thread. */
void scopes_commit(struct scopes *scopes, const struct scope_head *heads, size_t count, const uint8_t chain[PD_CHAIN_BYTES]);

/* For other threads: a reseller's number (0: none) and committed head. */
uint64_t scopes_lookup(struct scopes *scopes, struct pd_text id, uint64_t *ret_head);

/* For other threads: the committed head of reseller `number`, or for 0 the whole log's, which operators see under ~all, with its
 * chain in hexadecimal; texts in the arena. False beyond the last. */
struct scope_shown {
    struct pd_text id, chain; /* chain: of 0 alone */
    uint64_t       head;
};
bool scopes_head(struct scopes *scopes, uint64_t number, struct pd_arena *arena, struct scope_shown *ret_shown);

#endif
