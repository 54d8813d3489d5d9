/* sockets.h - the sockets of the four ports: how they are set, where they are bound, and who may connect.
 *
 * Settings and why (libzmq 4.3.4): no ZMTP heartbeats (they abort the process or lose requests), explicit high-water marks, finite
 * linger, ROUTER_MANDATORY so that what cannot be delivered is counted, XPUB_MANUAL so that nobody subscribes to what may not be.
 * Every connection is asked about at ZAP (zap.h), also those without a key: what a message says of its sender is what was answered
 * there, and a peer cannot say it itself. */
#ifndef BUS_SOCKETS_H
#define BUS_SOCKETS_H

#include <zmq.h>

#include "engine/base/endpoint.h"
#include "engine/base/server_key.h"
#include "engine/bus/zap.h"

enum { NET_PORTS = 4 };
enum { PORT_COMMANDS, PORT_QUERIES, PORT_WORKERS, PORT_EVENTS };

/* Of each port one endpoint or several, with commas between them, in the order of the ports. With a server's key tcp is encrypted;
 * with open_loopback not that of loopback. Whether others than this machine may connect without is the caller's to judge. */
struct net_options {
    const char       *endpoints[NET_PORTS];
    struct server_key *key; /* NULL: none; stays the caller's */
    bool              open_loopback;
};

struct sockets {
    void       *context;
    void       *ports[NET_PORTS], *monitors[NET_PORTS];
    struct zap *zap;
    char        endpoints[NET_PORTS][ENDPOINTS_MAX][256]; /* as bound, wildcards resolved; then empty ones */
};

/* False: said in the log, and nothing is open. */
bool sockets_open(const struct net_options *options, struct sockets *ret_sockets);
void sockets_close(struct sockets *sockets);

/* One frame of a message, with the others to come or without; never waits. False: nobody took it. Where memory ends in the midst of
 * a message the process does, too: the next one would be glued to it and go to somebody else. */
bool sockets_send(void *socket, struct pd_text bytes, int flags);

/* Who sends a message, as it was answered at ZAP; absent: a peer without a key. Of its last frame: of the first libzmq 4.3.4 may
 * lose it. Valid as long as the frame is. */
struct pd_text sockets_identity(zmq_msg_t *frame);

/* What a port's monitor has to tell: an event of libzmq's, and for a connection's end its file descriptor. False: nothing more. */
struct monitored {
    uint16_t event;
    int32_t  value;
} __attribute__((packed));
bool sockets_monitored(void *monitor, struct monitored *ret_told);

#endif
