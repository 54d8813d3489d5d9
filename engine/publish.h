/* publish.h - a turn's events as they go out: topic and body, in the reseller's scope and mirrored under ~all/. */
#ifndef ENGINE_PUBLISH_H
#define ENGINE_PUBLISH_H

#include "engine/engine.h"

/* Asked for each topic; and given what is wanted. */
struct publisher {
    void *arg;
    bool (*wants)(void *arg, struct pd_text topic);
    void (*publish)(void *arg, struct pd_text topic, struct pd_text body);
};

/* `log` is the log's id in hexadecimal. */
void publish_event(const struct appended *event, struct pd_text log, struct mp_writer *scratch, const struct publisher *to);

/* Fills what stands around a stored event, in its reseller's scope. */
struct pd_event_head event_head(const struct record *record, struct pd_text reseller, struct pd_text log);

#endif
