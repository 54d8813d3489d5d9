/* host.h - the engine's process, for the files it is made of: host.c (its steps), shown.c (what the model is shown of it). */
#ifndef SIM_HOST_H
#define SIM_HOST_H

#include "engine/bus/door.h"
#include "tests/sim/sim.h"

enum { INBOX_MAX = 4096, TURN_MAX = 4096 };

/* A turn's requests, from the first that is decided to the last that is answered. */
struct turn {
    struct model_request requests[TURN_MAX];
    size_t               count;
    uint64_t             now_ms, wall_us;
    bool                 open;
};

struct host {
    struct books     books;
    struct engine   *engine;
    struct slots    *slots;
    struct door      door;
    uint64_t         up_ms, wake_ms, commit_ms, rows_ms, crowded_ms, full_ms, refused_ms;
    struct turn      turns[2], *open, *sealed; /* sealed: to be committed */
    struct model_request received[INBOX_MAX]; /* beside the slots, in their order */
    uint64_t         received_count, taken_count;
    uint8_t          chain[PD_CHAIN_BYTES]; /* of the last event that was shown */
    bool             rows_left, stopping, released, unread;
    struct mail      later[INBOX_MAX]; /* while there is no process: kept by the sockets of those who sent */
    size_t           later_count;
    struct mp_writer scratch;
    struct pd_arena  arena;
};

/* Whether the log still begins with all that was shown. */
void look_at_log(struct sim *s);

/* Everything that is durable and was not shown yet, as this turn's. Lenient: what is due may be left undone. */
void show_turn(struct sim *s, const struct turn *turn, bool lenient);

#endif
