#include "engine/notify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

enum {
    BEATS = 4,     /* in the watchdog's time */
    SAY_MS = 1000, /* between two lines */
};

void
notify_init(struct notify *n)
{
    uint64_t watchdog_us = 0;

    *n = (struct notify){.wanted = getenv("NOTIFY_SOCKET") != NULL};
    if (!n->wanted || sd_watchdog_enabled(0, &watchdog_us) <= 0) return;
    n->watchdog_ms = watchdog_us / 1000 > BEATS ? watchdog_us / 1000 : BEATS;
}

uint64_t
notify_beat_ms(const struct notify *n, uint64_t most)
{
    return n->watchdog_ms > 0 && n->watchdog_ms / BEATS < most ? n->watchdog_ms / BEATS : most;
}

static bool
is_feeding_due(const struct notify *n, uint64_t now_ms)
{
    return n->watchdog_ms > 0 && now_ms >= n->fed_ms + n->watchdog_ms / BEATS;
}

static bool
is_saying_due(const struct notify *n, uint64_t now_ms)
{
    return now_ms >= n->said_ms + SAY_MS;
}

bool
notify_is_due(const struct notify *n, uint64_t now_ms)
{
    return n->wanted && (is_feeding_due(n, now_ms) || is_saying_due(n, now_ms));
}

static void
feed(struct notify *n, uint64_t now_ms, const struct notify_progress *p)
{
    bool moves = p->figures.turns != n->turns;

    for (int i = 0; i < 2; i++) moves = moves && (!p->waiting[i] || p->answered[i] != n->answered[i]);
    if (!moves) return;
    n->fed_ms = now_ms;
    n->turns = p->figures.turns;
    memcpy(n->answered, p->answered, sizeof n->answered);
    sd_notify(0, "WATCHDOG=1");
}

static void
say(struct notify *n, uint64_t now_ms, const struct engine_figures *f)
{
    char     status[sizeof n->status];
    uint64_t rate = (f->commands - n->said_commands) * 1000 / (now_ms - n->said_ms);

    snprintf(status, sizeof status,
             "%s; position %" PRIu64 "; %" PRIu64 " commands/s; tasks: %" PRIu64 " waiting, %" PRIu64 " leased; workers: %" PRIu64,
             f->writable ? "serving" : "READ ONLY: the disk is full", f->position, rate, f->tasks_waiting, f->tasks_leased,
             f->workers);
    n->said_ms = now_ms;
    n->said_commands = f->commands;
    if (strcmp(status, n->status) == 0) return;
    memcpy(n->status, status, sizeof status);
    notify_say(n, status);
}

void
notify_tell(struct notify *n, uint64_t now_ms, const struct notify_progress *p)
{
    if (is_feeding_due(n, now_ms)) feed(n, now_ms, p);
    if (is_saying_due(n, now_ms)) say(n, now_ms, &p->figures);
}

void
notify_say(const struct notify *n, const char *status)
{
    if (n->wanted) sd_notifyf(0, "STATUS=%s", status);
}

void
notify_ready(struct notify *n, uint64_t now_ms)
{
    if (!n->wanted) return;
    n->fed_ms = n->said_ms = now_ms;
    sd_notify(0, "READY=1\nSTATUS=serving\nWATCHDOG=1");
}

void
notify_stopping(const struct notify *n)
{
    if (n->wanted) sd_notify(0, "STOPPING=1\nSTATUS=stopping: what was taken is being answered");
}
