/* story.h - what was recorded: the calls, and what the program had said by when. Made by drive.c, compared by check.c. */
#ifndef CRASH_STORY_H
#define CRASH_STORY_H

#include "proto/limits.h"
#include "tests/crash/disk.h"

struct trace {
    char            *map;
    size_t           map_size;
    struct trace_op *ops;
    size_t           count;
};

void trace_open(struct trace *trace, const char *path);
void trace_close(struct trace *trace);

/* Serves a shop under a data directory for so many turns, by the seed's dice, and tells the recorder what was said. Another letter,
 * other commands. With a root the log is backed up while it grows, to root/backup, and that restored to root/restored. */
void drive(const char *data, uint64_t seed, unsigned turns, char letter, const char *root);

/* Which seeds back up their log. */
static inline bool
seed_backs_up(uint64_t seed)
{
    return seed % 4 == 2;
}

/* What must be found on a disk: the events that were acknowledged, or may have been on their way, by their positions; and commands
 * with the answers that were given. */
enum { EVENTS_MAX = 16384, ANSWERS_MAX = 8192, WHAT_MAX = 400 };

struct said {
    const char *bytes;
    size_t      size;
};

struct known {
    struct said events[EVENTS_MAX + 1]; /* from 1; of all that was recorded */
    uint64_t    event_count, acknowledged;
    struct said asked[ANSWERS_MAX], answers[ANSWERS_MAX];
    size_t      answered;
    uint64_t    backed_up, restored; /* up to which event, as it was said; 0: not yet */
};

/* What is in root/backup and root/restored: a backup that is whole or none, and what may be served or not. False: what is wrong is
 * in ret_what. */
bool check_backups(const char *root, const struct known *known, const uint8_t log_id[PD_LOG_ID_BYTES], char ret_what[WHAT_MAX]);

/* Recovers the image in root/data, compares it with what is known, and serves one command more. What is wrong is written to
 * ret_what; empty: nothing is. */
void check_image(const char *root, const struct known *known, char ret_what[WHAT_MAX]);

#endif
