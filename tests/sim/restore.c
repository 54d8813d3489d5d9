/* restore.c - in each third seed the log is backed up while it grows, by the engine's own backup.c over the stores in memory, and
 * some day taken back: the engine serves another log from then on, whose past is the first one's and whose future is not. */
#include <ftw.h>
#include <inttypes.h>
#include <stdlib.h>

#include "proto/check.h"
#include "tests/sim/host.h"

enum { BEGINS_AT = 300, WITHIN = 500, RESTORED_AT = 3 /* crashes */ };

char scratch_dir[64];

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

void
remove_tree(const char *dir)
{
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
drop(const char *dir)
{
    remove_tree(dir);
    store_memory_forget(dir);
}

void
restore_open(struct sim *s)
{
    struct restore *r = &s->host->restore;

    if (s->seed % 3 != 0) return;
    snprintf(r->place, sizeof r->place, "%s/XXXXXX", scratch_dir);
    PD_CHECK(mkdtemp(r->place) != NULL);
    snprintf(r->data, sizeof r->data, "%s/data", r->place);
    r->begin_at = BEGINS_AT + chance(s, WITHIN);
}

static void
name_backup(struct restore *r)
{
    snprintf(r->dir, sizeof r->dir, "%s/backup-%u", r->place, r->made);
}

void
restore_close(struct sim *s)
{
    struct restore *r = &s->host->restore;

    backup_close(&r->backup);
    if (r->place[0] == '\0') return;
    for (; r->made > 0; r->made--) {
        name_backup(r);
        drop(r->dir);
    }
    drop(r->data);
    drop(r->place);
}

/* To its end. */
static enum backup_phase
run(struct backup *backup)
{
    while (backup_step(backup)) continue;
    return backup_progress(backup).phase;
}

void
restore_step(struct sim *s)
{
    struct host    *h = s->host;
    struct restore *r = &h->restore;

    if (r->place[0] == '\0' || r->done) return;
    if (r->backup == NULL && s->counts.commands >= r->begin_at && shop_is_open(s) && !s->calm) {
        r->made++;
        name_backup(r);
        r->backup = backup_open(h->books.log, r->dir);
        model_backed_up(s->model);
        memcpy(r->chain, h->chain, sizeof r->chain);
        tell(s, "# a backup begins");
        return;
    }
    if (r->backup == NULL || chance(s, 120) > 0) return;
    if (backup_progress(r->backup).phase == BACKUP_COPIES) model_names_backed_up(s->model); /* they go with the last events */
    if (backup_step(r->backup)) return;
    struct backup_progress p = backup_progress(r->backup);
    r->done = p.phase == BACKUP_DONE;
    if (!r->done && strstr(p.problem, "no space") == NULL) model_blame(s->model, p.problem);
    tell(s, "# the backup %s", r->done ? "is made" : "finds no space");
    backup_close(&r->backup);
    r->begin_at = s->counts.commands + chance(s, WITHIN);
}

/* The process ends; what it has copied so far is no backup, and nobody can take it for one. */
void
restore_give_up(struct sim *s)
{
    struct restore *r = &s->host->restore;

    if (r->backup == NULL) return;
    s->counts.faults[FAULT_backup_cut]++;
    backup_close(&r->backup);
    if (backup_forbids(r->dir) == NULL) model_blame(s->model, "half a backup may be served");
    struct backup *half = backup_restore(r->dir, r->data);
    if (run(half) != BACKUP_FAILED) model_blame(s->model, "half a backup is restored");
    backup_close(&half);
    drop(r->data);
}

void
restore_if_due(struct sim *s)
{
    struct host    *h = s->host;
    struct restore *r = &h->restore;

    if (!r->done || r->restored || s->crashes < RESTORED_AT) return;
    r->restored = true;
    if (chance(s, 2) == 0) { /* interrupted, and begun again */
        s->counts.faults[FAULT_restore_cut]++;
        struct backup *cut = backup_restore(r->dir, r->data);
        if (chance(s, 2) == 0) backup_step(cut); /* it has been copied, and not looked at */
        backup_close(&cut);
        if (backup_forbids(r->data) == NULL) model_blame(s->model, "half of a restored directory may be served");
        drop(r->data);
    }
    s->counts.faults[FAULT_restored]++;
    struct backup *b = backup_restore(r->dir, r->data);
    if (run(b) != BACKUP_DONE) model_blame(s->model, backup_progress(b).problem);
    backup_close(&b);
    if (backup_forbids(r->data) != NULL) model_blame(s->model, "what was restored may not be served");
    if (backup_forbids(r->dir) == NULL) model_blame(s->model, "a backup may be served");
    store_memory_forget(h->dir);
    snprintf(h->dir, sizeof h->dir, "%s", r->data);
    memcpy(h->chain, r->chain, sizeof h->chain);
    model_restored(s->model);
    tell(s, "# a backup is restored: the log ends with event %" PRIu64, model_last(s->model));
}
