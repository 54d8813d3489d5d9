/* net.h - the net thread: owns every ZeroMQ socket, always drains, decodes into slots, sends what is committed.
 *
 * Settings and why (libzmq 4.3.4): no ZMTP heartbeats (they abort the process or lose requests), explicit high-water marks,
 * never a blocking send, finite linger, ROUTER_MANDATORY so that what cannot be delivered is counted, XPUB_MANUAL so that nobody
 * subscribes to what may not be. */
#ifndef BUS_NET_H
#define BUS_NET_H

#include "engine/bus/outbox.h"
#include "engine/bus/slots.h"
#include "engine/bus/subscriptions.h"
#include "engine/base/measures.h"

enum { NET_PORTS = 4 };

/* In the order of enum pd_port, events last: commands, queries, workers, events. Whether others than this machine may connect is
 * the caller's to judge. */
struct net_options {
    const char *endpoints[NET_PORTS];
};

struct net;

/* Makes and binds the sockets. False: said in the log. */
bool net_open(const struct net_options *options, struct net **ret_net);
void net_close(struct net **net);

/* Endpoints as bound, wildcards resolved; valid until net_close. */
const char *net_endpoint(const struct net *net, int port);

/* Called in the net thread, at least each beat_ms and once when a stop begins. */
typedef void net_beat(void *arg, struct now now, bool stopping);

/* What the thread works with. The log's id is for heartbeats. */
struct net_parts {
    struct slots         *commands, *queries;
    struct outbox        *outbox;
    struct subscriptions *subscriptions;
    struct scopes        *scopes;
    struct measures      *measures;
    struct pd_text        log;
    int                   signal_fd; /* readable: stop */
    net_beat             *beat;
    void                 *beat_arg;
    uint64_t              beat_ms;
};

/* Runs until a signal; then takes nothing more, lets what was received be answered, and returns. False: a socket failed. */
bool net_run(struct net *net, const struct net_parts *parts);

#endif
