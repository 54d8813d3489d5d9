/* stream.h - the events port: who may follow what, and what goes out to them. ZeroMQ drops events for who does not read: they are
 * hints, their positions show the gap, and heartbeats say how far each scope has come. The net thread's. */
#ifndef BUS_STREAM_H
#define BUS_STREAM_H

#include "engine/base/clock.h"
#include "engine/base/measures.h"
#include "engine/bus/subscriptions.h"
#include "engine/keys.h"

enum { STREAM_BEAT_MS = 1000 };

struct scopes;
struct stream;

/* The socket, its monitor and everything else stay the caller's. The log's id is for heartbeats. */
struct stream_parts {
    void                 *socket, *monitor;
    struct subscriptions *subscriptions;
    struct scopes        *scopes;
    struct keys          *keys;
    struct measures      *measures;
    struct pd_text        log;
};

struct stream *stream_open(const struct stream_parts *parts);
void           stream_close(struct stream **stream);

/* Takes what subscribers have sent, and what the monitor tells. */
void stream_take(struct stream *stream);

/* An event. Who may not follow any more what he follows is cut off before anything is sent that happened after that was
 * committed. */
void stream_publish(struct stream *stream, struct pd_text topic, struct pd_text body);

/* Heartbeats, when it is time. */
void stream_beat(struct stream *stream, struct now now);

#endif
