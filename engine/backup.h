/* backup.h - a log copied to another directory while it grows, and back. Everything else is made anew from it.
 *
 * A backup is a directory with `books`, and with a file `backup` that says of which log it is, up to where, and what its chain
 * ends with. That file is written last, when every event has been read back from the disk and follows from the one before: what has
 * none is no backup. An engine does not serve from a backup, since two engines would be one log; restored, it is another log. */
#ifndef ENGINE_BACKUP_H
#define ENGINE_BACKUP_H

#include "engine/store/store.h"

struct backup;

enum backup_phase { BACKUP_COPIES = 1, BACKUP_CHECKS, BACKUP_DONE, BACKUP_FAILED };

struct backup_progress {
    enum backup_phase phase;
    uint64_t          done, of; /* events, of this phase */
    char              problem[256]; /* FAILED: why, in a sentence */
};

/* Begins to copy the log, as far as it has come by now, to a directory that is not there or empty. Never fails: the progress tells.
 * The log stays the caller's. */
struct backup *backup_open(struct store *log, const char *dir);

/* Begins to copy a backup to a data directory that is not there or empty, under a new log id. */
struct backup *backup_restore(const char *from, const char *dir);

/* One piece of work; false: that was all, DONE or FAILED. What FAILED leaves behind is no backup, and no data directory. */
bool                   backup_step(struct backup *backup);
struct backup_progress backup_progress(const struct backup *backup);
void                   backup_close(struct backup **backup);

/* Whether an engine may serve from a directory: not from a backup, nor from half of one, nor from what was half restored. NULL, or
 * why not. */
const char *backup_forbids(const char *dir);

#endif
