#include "engine/backups.h"

#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/log.h"
#include "proto/check.h"

struct backups {
    struct store          *log;
    pthread_mutex_t        lock;
    pthread_cond_t         asked;
    char                   dir[PATH_MAX];
    struct backup_progress progress;
    bool                   wanted;
    _Atomic bool           stopped;
};

struct backups *
backups_open(struct store *log)
{
    struct backups *b = calloc(1, sizeof *b);
    PD_CHECK(b != NULL && pthread_mutex_init(&b->lock, NULL) == 0 && pthread_cond_init(&b->asked, NULL) == 0);
    b->log = log;
    return b;
}

void
backups_close(struct backups **backups)
{
    if (*backups == NULL) return;
    pthread_cond_destroy(&(*backups)->asked);
    pthread_mutex_destroy(&(*backups)->lock);
    free(*backups);
    *backups = NULL;
}

bool
backups_begin(struct backups *b, struct pd_text dir)
{
    pthread_mutex_lock(&b->lock);
    bool busy = b->wanted || b->progress.phase == BACKUP_COPIES || b->progress.phase == BACKUP_CHECKS;
    if (!busy) {
        snprintf(b->dir, sizeof b->dir, "%.*s", (int)dir.size, dir.data);
        b->progress = (struct backup_progress){.phase = BACKUP_COPIES};
        b->wanted = true;
        pthread_cond_signal(&b->asked);
    }
    pthread_mutex_unlock(&b->lock);
    return !busy;
}

struct backup_progress
backups_look(struct backups *b, char *ret_dir)
{
    pthread_mutex_lock(&b->lock);
    struct backup_progress p = b->progress;
    memcpy(ret_dir, b->dir, sizeof b->dir);
    pthread_mutex_unlock(&b->lock);
    return p;
}

static void
show(struct backups *b, const struct backup *backup)
{
    pthread_mutex_lock(&b->lock);
    b->progress = backup_progress(backup);
    pthread_mutex_unlock(&b->lock);
}

static void
run_one(struct backups *b)
{
    struct backup *backup = backup_open(b->log, b->dir);
    bool           more = true;

    log_info("backup_begins", "path=\"%s\" events=%" PRIu64, b->dir, backup_progress(backup).of);
    for (show(b, backup); more && !b->stopped; show(b, backup)) more = backup_step(backup);
    struct backup_progress p = backup_progress(backup);
    if (p.phase == BACKUP_DONE) log_info("backup_done", "path=\"%s\" events=%" PRIu64, b->dir, p.of);
    else if (p.phase == BACKUP_FAILED) log_error("backup_failed", "path=\"%s\" error=\"%s\"", b->dir, p.problem);
    else log_warn("backup_given_up", "path=\"%s\" hint=\"the engine stops; what is there is no backup\"", b->dir);
    backup_close(&backup);
}

void
backups_run(struct backups *b)
{
    for (;;) {
        pthread_mutex_lock(&b->lock);
        while (!b->wanted && !b->stopped) pthread_cond_wait(&b->asked, &b->lock);
        b->wanted = false;
        pthread_mutex_unlock(&b->lock);
        if (b->stopped) return;
        run_one(b);
    }
}

void
backups_stop(struct backups *b)
{
    pthread_mutex_lock(&b->lock);
    b->stopped = true;
    pthread_cond_signal(&b->asked);
    pthread_mutex_unlock(&b->lock);
}
