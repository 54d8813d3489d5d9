/* connections.h - who subscribes to what: each connection to the events port with the prefixes it was given.
 *
 * libzmq 4.3.4 does not say whose subscription has ended when a connection ends, and keeps the prefixes that were refused as well:
 * their end looks like that of another's. So connections are told apart by their file descriptors, which stand beside each message
 * (ZMQ_SRCFD) and in the monitor's event when one ends. By the same descriptor one is cut off: the only way there is, since a
 * socket can be closed only whole. Should the descriptor be another connection's by then, that one connects again.
 *
 * The net thread's. */
#ifndef BUS_CONNECTIONS_H
#define BUS_CONNECTIONS_H

#include "engine/bus/subscriptions.h"

/* Of a connection; of all connections of a key; of all: for who has a key. The engine's own user, and who needs no key, may have as
 * many as they like. Refused: so many that a mistake is none any more. */
enum {
    CONNECTION_SUBSCRIPTIONS = 1024, KEY_SUBSCRIPTIONS = 8192, ALL_SUBSCRIPTIONS = 65536, CONNECTION_REFUSED = 64,
};

struct connections;

struct connections *connections_open(struct subscriptions *subscriptions);
void                connections_close(struct connections **connections);

enum connections_answer {
    SUBSCRIPTION_MADE,    /* to be told to the socket, which may know it */
    SUBSCRIPTION_REFUSED, /* not allowed, or more than he may have */
    SUBSCRIPTION_CUT,     /* that, once too often: the connection is cut off */
};

/* Who asks for a prefix; an absent identity is a peer without a key. `limited`: what he may have is. */
struct subscriber {
    int            fd;
    struct pd_text identity;
    bool           limited;
};
enum connections_answer connections_subscribe(struct connections *connections, const struct subscriber *subscriber,
                                              struct pd_text prefix, bool allowed);

/* He does not want it any more; false: he had it not. */
bool connections_unsubscribe(struct connections *connections, int fd, struct pd_text prefix);

/* The connection has ended. */
void connections_ended(struct connections *connections, int fd);

/* Cuts off each that has a prefix of which `may` says no. How many. */
typedef bool connections_may(void *arg, struct pd_text identity, struct pd_text prefix);
size_t connections_judge(struct connections *connections, connections_may *may, void *arg);

#endif
