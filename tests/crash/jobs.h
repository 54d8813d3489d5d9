/* jobs.h - the processes of a campaign. */
#ifndef CRASH_JOBS_H
#define CRASH_JOBS_H

#include "tests/crash/explore.h"

/* Checks an image in a process of its own, when there is a place for one. */
void jobs_check(struct campaign *campaign, const struct disk *image, const struct known *known, const char *name);

/* Waits for all of them. */
void jobs_finish(struct campaign *campaign);

/* Something is wrong: it is counted, and said with the command that replays it. */
void report(struct campaign *campaign, uint64_t seed, const char *name, const char *what);

void remove_tree(const char *path);

#endif
