/* subscriptions.h - which prefixes somebody subscribes to: written by the net thread, asked by the engine's, so that events
 * nobody wants are never encoded. */
#ifndef BUS_SUBSCRIPTIONS_H
#define BUS_SUBSCRIPTIONS_H

#include <pedido/types.h>

struct subscriptions;

struct subscriptions *subscriptions_open(void);
void                  subscriptions_close(struct subscriptions **subscriptions);

/* An XPUB frame: 1 or 0, and the prefix. */
void subscriptions_frame(struct subscriptions *subscriptions, struct pd_text frame);

/* Whether anybody subscribes to anything; cheap. */
bool subscriptions_any(const struct subscriptions *subscriptions);

/* Whether some prefix fits the topic. */
bool subscriptions_want(struct subscriptions *subscriptions, struct pd_text topic);

/* Whether some prefix lies in the scope ("default" or "~all"), or is empty. */
bool subscriptions_in_scope(struct subscriptions *subscriptions, struct pd_text scope);

#endif
