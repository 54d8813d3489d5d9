/* explore.h - a campaign: seeds, each of which is recorded once and whose images are checked, some at a time. */
#ifndef CRASH_EXPLORE_H
#define CRASH_EXPLORE_H

#include <stdio.h>

#include "tests/crash/story.h"

enum { TURNS = 200, BACKUP_TURNS = 30, RECOVERIES = 12, FIRST_START = 24, JOBS_MAX = 16, NAME_BYTES = 64, SAID_MAX = 5 };

/* An image is named by the call during which the power fails, and its number there: 812.3. One of a recovery is named behind the
 * image that is recovered: 812.3/20.1. */
struct place {
    size_t   cut;
    unsigned number;
};

struct job {
    pid_t    pid; /* 0: free */
    uint64_t seed;
    char     name[NAME_BYTES];
    char    *what; /* shared with the process: what is wrong */
};

struct campaign {
    /* Given: */
    uint64_t     first;  /* seed */
    uint64_t     images; /* of each seed, at most */
    uint64_t     until_ms;
    unsigned     jobs;
    const char  *without; /* left out by the recorder; NULL: nothing */
    const char  *image;   /* only this one; NULL: all */
    const char  *program;
    char         dir[256]; /* for images; made by the caller */
    /* Found: */
    uint64_t     done, violations;
    /* Meanwhile: */
    uint64_t     seed, shown_ms;
    struct job   list[JOBS_MAX];
    XXH128_hash_t *seen; /* a table, open addressing; what was checked of this seed */
    size_t       seen_room, seen_count;
};

void campaign_init(struct campaign *campaign);
void campaign_fini(struct campaign *campaign);

/* Records a seed and checks its images, until there are enough or the time is over. */
void campaign_run(struct campaign *campaign, uint64_t seed);

bool campaign_is_over(const struct campaign *campaign);

#endif
