/* ids.h - under which fingerprint the id of a command is remembered. */
#ifndef ENGINE_IDS_H
#define ENGINE_IDS_H

#include "engine/index/index.h"
#include "engine/scopes.h"
#include "engine/store/record.h"

/* Ids are each reseller's, and in it each worker's. */
uint64_t id_print(struct pd_text reseller, struct pd_text actor, struct pd_text id);
bool     is_worker(struct pd_text actor);

/* The id of the command that a record of the log is the first event of, if it is one to be remembered: not the engine's own.
 * Whether it was. */
bool ids_note(struct index *index, struct scopes *scopes, const struct record *record);

#endif
