/* stage.h - an engine that a test plays itself, and a client before it: its ports are sockets of ours in a private directory. */
#ifndef UNIT_STAGE_H
#define UNIT_STAGE_H

#include <pedido/pedido.h>

#include <zmq.h>

#include "proto/framing.h"

enum { HEARD_MAX = 64 };

/* A request, or an array of them, and who sent it. */
struct heard {
    zmq_msg_t peer, body;
    size_t    count;             /* in an array; 0: a single one */
    char      type[40], id[80]; /* of the first */
};

struct stage {
    char              place[40], endpoint[80], queries[80], events[80];
    void             *context, *commands_port, *queries_port, *events_port;
    struct pd_client *client;
    struct heard      heard[HEARD_MAX];
    size_t            count;
};

void stage_open(struct stage *s, uint32_t timeout_ms, uint32_t retries, uint32_t outstanding);
void stage_close(struct stage *s);

/* The next request on a port; NULL when none comes in time. The client is not driven meanwhile. */
struct heard *stage_hear(struct stage *s, void *port, long timeout_ms);
struct heard *stage_must_hear(struct stage *s, void *port);

/* Answers what was heard on a port. */
void stage_answer(void *port, struct heard *to, struct mp_writer *w);
void stage_accept_put(void *port, struct heard *to, uint64_t version); /* the version tells answers apart */
void stage_refuse(void *port, struct heard *to, struct pd_text id, struct pd_refusal refusal);
void stage_accept_hello(struct stage *s, struct heard *to);

#endif
