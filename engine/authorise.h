/* authorise.h - the one place that decides who may do what, by proto/roles.h.
 *
 * The least role of each message stands in its row. A grant of one reseller opens that one alone: the others are to it as if they
 * were not there, and what spans resellers is not for it. */
#ifndef ENGINE_AUTHORISE_H
#define ENGINE_AUTHORISE_H

#include "engine/keys.h"
#include "proto/framing.h"

/* A request that names no reseller is about the sender's own, if it has one. Before anything is done with the request. */
void authorise_complete(const struct pd_key *grant, struct pd_message *message);

/* PD_OK, or why not. `grant` is what the sender was granted (keys_find); NULL: nothing. Any thread. */
struct pd_refusal authorise(const struct pd_key *grant, const struct pd_message *message);

/* Whether the events under a prefix, which ends in a slash, may be followed. */
bool authorise_prefix(const struct pd_key *grant, struct pd_text prefix);

#endif
