/* backups.h - the one backup that is made at a time: asked for and looked at by the query thread, made by a thread of its own. */
#ifndef ENGINE_BACKUPS_H
#define ENGINE_BACKUPS_H

#include "engine/backup.h"

struct backups;

struct backups *backups_open(struct store *log);
void            backups_close(struct backups **backups);

/* Any thread. Begins one, unless one is being made: false. */
bool backups_begin(struct backups *backups, struct pd_text dir);

/* The one that is made, or was made last; phase 0: none yet. `ret_dir` is of PATH_MAX bytes. */
struct backup_progress backups_look(struct backups *backups, char *ret_dir);

/* The thread's: makes what is asked for until backups_stop. One that is being made then is given up. */
void backups_run(struct backups *backups);
void backups_stop(struct backups *backups);

#endif
