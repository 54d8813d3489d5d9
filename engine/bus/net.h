/* net.h - the net thread: owns every ZeroMQ socket, always drains, decodes into slots, sends what is committed. It never waits for
 * a send. */
#ifndef BUS_NET_H
#define BUS_NET_H

#include "engine/bus/outbox.h"
#include "engine/bus/slots.h"
#include "engine/bus/sockets.h"
#include "engine/bus/subscriptions.h"
#include "engine/base/measures.h"

struct net;

/* Makes and binds the sockets. False: said in the log. */
bool net_open(const struct net_options *options, struct net **ret_net);
void net_close(struct net **net);

/* A port's endpoint as bound, wildcards resolved: one of tcp, or `local`, of ipc, if there is such a one; valid until net_close. */
const char *net_endpoint(const struct net *net, int port, bool local);

/* Called in the net thread, at least each beat_ms and once when a stop begins. */
typedef void net_beat(void *arg, struct now now, bool stopping);

/* What the thread works with. The log's id is for heartbeats. */
struct net_parts {
    struct slots         *commands, *queries;
    struct outbox        *outbox;
    struct subscriptions *subscriptions;
    struct scopes        *scopes;
    struct keys          *keys;
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
