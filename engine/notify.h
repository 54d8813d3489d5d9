/* notify.h - what the service manager is told (sd_notify): ready, what goes on, that it still goes on, stopping.
 *
 * The watchdog is fed for progress, not for being alive: the net thread feeds it, and only when since the last time a turn was
 * committed, even an empty one (an idle engine makes one each second, or more often if the watchdog is short), and requests that
 * waited have been answered. So each thread that hangs stops the feeding: net, engine and log at once, rows and queries as soon
 * as requests wait for them. Without NOTIFY_SOCKET nothing is looked at and nothing said. One thread. */
#ifndef ENGINE_NOTIFY_H
#define ENGINE_NOTIFY_H

#include "engine/engine.h"

struct notify {
    bool     wanted;
    uint64_t watchdog_ms; /* 0: there is none */
    uint64_t fed_ms, said_ms, said_commands;
    uint64_t turns, answered[2];
    char     status[200];
};

/* The engine's figures; of commands and of queries how many were answered, and whether some wait. */
struct notify_progress {
    struct engine_figures figures;
    uint64_t              answered[2];
    bool                  waiting[2];
};

/* Reads the environment. */
void notify_init(struct notify *notify);

/* How often notify_tell is to be called at least, and a turn to be made; at most `most` ms. */
uint64_t notify_beat_ms(const struct notify *notify, uint64_t most);

/* Whether that would do anything by now. */
bool notify_is_due(const struct notify *notify, uint64_t now_ms);
void notify_tell(struct notify *notify, uint64_t now_ms, const struct notify_progress *progress);

void notify_say(const struct notify *notify, const char *status); /* a line for people, on the way to being ready */
void notify_ready(struct notify *notify, uint64_t now_ms);
void notify_stopping(const struct notify *notify);

#endif
