/* authorise.h - the one place that decides who may do what. Until keys exist everything is allowed. */
#ifndef ENGINE_AUTHORISE_H
#define ENGINE_AUTHORISE_H

#include "proto/framing.h"

/* PD_OK, or the refusal's code, for this actor's message about this reseller. */
enum pd_error_code authorise(struct pd_text actor, const struct pd_message *message, struct pd_text reseller);

#endif
