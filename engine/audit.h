/* audit.h - what somebody was not let do: counted, and said in the log, a line a second at most. Any thread. */
#ifndef ENGINE_AUDIT_H
#define ENGINE_AUDIT_H

#include "engine/base/measures.h"
#include "proto/framing.h"

/* `refusal` is what authorise said; the message may have been refused before its type was known. An absent identity is a peer
 * without a key; `measures` NULL: nothing is done. */
void audit_refused(struct measures *measures, uint64_t now_ms, struct pd_text identity, const struct pd_message *message,
                   const struct pd_refusal *refusal);

#endif
