/* host.h - the engine's process, for the files it is made of: host.c (its steps), reading.c (views and queries), restore.c
 * (backups), shown.c (what the model is shown of it). */
#ifndef SIM_HOST_H
#define SIM_HOST_H

#include "engine/backup.h"
#include "engine/bus/door.h"
#include "engine/queries/held.h"
#include "engine/store/store_memory.h"
#include "tests/sim/sim.h"

enum { INBOX_MAX = 4096, TURN_MAX = 4096 };

/* A turn's requests, from the first that is decided to the last that is answered. */
struct turn {
    struct model_request requests[TURN_MAX];
    size_t               count;
    uint64_t             now_ms, wall_us;
    bool                 open;
};

/* The read side. step_ms: when the projector goes on; UINT64_MAX: when rows are written. */
struct reading {
    struct views    *views; /* NULL: there is no process */
    struct queries  *queries;
    struct held     *held;
    uint64_t         step_ms, beat_ms;
    char             cursor[64], of_log[40]; /* of somebody who turns pages */
    struct pd_arena  arena;
    struct mp_writer writer;
};

/* The backup that is made, and what is restored. */
struct restore {
    struct backup *backup; /* under way */
    char           place[80], dir[112], data[112]; /* place "": there is none in this seed */
    unsigned       made;
    uint64_t       begin_at; /* so many commands */
    uint8_t        chain[PD_CHAIN_BYTES]; /* of its last event */
    bool           done, restored;
};

struct host {
    char             dir[112]; /* of the books */
    struct books     books;
    struct reading   reading;
    struct restore   restore;
    struct engine   *engine;
    struct slots    *slots;
    struct door      door;
    uint64_t         up_ms, wake_ms, commit_ms, rows_ms, crowded_ms, full_ms, refused_ms;
    struct turn      turns[2], *open, *sealed; /* sealed: to be committed */
    struct model_request received[INBOX_MAX]; /* beside the slots, in their order */
    uint64_t         received_count, taken_count;
    uint8_t          chain[PD_CHAIN_BYTES]; /* of the last event that was shown */
    char             logs[2][40]; /* ids: of the one that is served, and of the one before */
    bool             rows_left, stopping, released, unread;
    struct mail      later[INBOX_MAX]; /* while there is no process: kept by the sockets of those who sent */
    size_t           later_count;
    struct mp_writer scratch;
    struct pd_arena  arena;
};

/* What is answered, counted by what it refuses. */
void count_refusals(struct sim *s, struct pd_text answer);

void reading_open(struct sim *s);
void reading_close(struct sim *s);
void reading_fini(struct sim *s);
void reading_check_start(struct sim *s); /* what the views know of the log, before anything is appended */
void reading_rows_written(struct sim *s);
void reading_hear(struct sim *s, const struct mail *mail, struct pd_text address);
void reading_look_at_views(struct sim *s);

void restore_open(struct sim *s);
void restore_close(struct sim *s);
void restore_step(struct sim *s);
void restore_give_up(struct sim *s);
void restore_if_due(struct sim *s); /* before a start */

/* Whether the log still begins with all that was shown. */
void look_at_log(struct sim *s);

/* Everything that is durable and was not shown yet, as this turn's. Lenient: what is due may be left undone. */
void show_turn(struct sim *s, const struct turn *turn, bool lenient);

#endif
