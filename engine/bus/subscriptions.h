/* subscriptions.h - which prefixes somebody subscribes to: written by the net thread, asked by the engine's, so that events
 * nobody wants are never encoded. */
#ifndef BUS_SUBSCRIPTIONS_H
#define BUS_SUBSCRIPTIONS_H

#include <pedido/types.h>

struct subscriptions;

struct subscriptions *subscriptions_open(void);
void                  subscriptions_close(struct subscriptions **subscriptions);

/* Whether a prefix may be subscribed to: one that ends in '/', or a heartbeat. Another would match what is of other resellers,
 * whose names begin alike. */
bool subscriptions_may(struct pd_text prefix);

/* One subscriber more to a prefix that may be. False: there are so many prefixes that everything counts as wanted while he stays;
 * that is to be said when he goes. */
bool subscriptions_add(struct subscriptions *subscriptions, struct pd_text prefix);
void subscriptions_remove(struct subscriptions *subscriptions, struct pd_text prefix, bool counted);

/* Whether anybody subscribes to anything; cheap. */
bool subscriptions_any(const struct subscriptions *subscriptions);

/* Whether some prefix fits the topic. */
bool subscriptions_want(struct subscriptions *subscriptions, struct pd_text topic);

/* Whether some prefix lies in the scope ("default" or "~all"), or is empty. */
bool subscriptions_in_scope(struct subscriptions *subscriptions, struct pd_text scope);

#endif
