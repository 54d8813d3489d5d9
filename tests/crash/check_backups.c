/* check_backups.c - what must be true of a backup, and of what was restored from it, whenever the power failed while they were
 * made: what calls itself a backup is whole, what does not is refused, and an engine serves neither a backup nor half of one. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/backup.h"
#include "tests/crash/jobs.h"
#include "tests/crash/shop.h"

struct look {
    const char         *root;
    const struct known *known;
    const uint8_t      *log_id; /* the source's */
    char               *what;
};

static bool __attribute__((format(printf, 2, 3)))
wrong(struct look *l, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(l->what, WHAT_MAX, format, args);
    va_end(args);
    return false;
}

static bool
is_there(const struct look *l, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", l->root, name);
    return access(path, F_OK) == 0;
}

/* Copies root/from to root/to; NULL: it did, or why not. */
static const char *
restore(const struct look *l, const char *from, const char *to)
{
    static char             why[256];
    char                    source[512], target[512];
    struct backup_progress  p;

    snprintf(source, sizeof source, "%s/%s", l->root, from);
    snprintf(target, sizeof target, "%s/%s", l->root, to);
    struct backup *b = backup_restore(source, target);
    while (backup_step(b)) continue;
    p = backup_progress(b);
    backup_close(&b);
    snprintf(why, sizeof why, "%s", p.problem);
    return p.phase == BACKUP_DONE ? NULL : why;
}

/* A directory that may be served: every event up to one, under an id of its own, and an engine starts over it. */
static bool
check_served(struct look *l, const char *name, uint64_t last)
{
    char                 path[512];
    struct shop          shop;
    struct store_reader *reader = NULL;

    snprintf(path, sizeof path, "%s/%s", l->root, name);
    const char *why = backup_forbids(path);
    if (why != NULL) return wrong(l, "%s may not be served: %s", name, why);
    bool ok = shop_open_books(&shop, path) == STORE_OK && store_reader_open(shop.books.log, &reader) == STORE_OK;
    if (!ok) wrong(l, "%s cannot be opened", name);
    else if (store_last(shop.books.log) != last)
        ok = wrong(l, "%s ends at %" PRIu64 ", and should at %" PRIu64, name, store_last(shop.books.log), last);
    else if (memcmp(store_log_id(shop.books.log), l->log_id, PD_LOG_ID_BYTES) == 0) ok = wrong(l, "%s is the same log", name);
    for (uint64_t p = 1; ok && p <= last; p++) {
        const struct said *event = &l->known->events[p];
        struct pd_text     bytes;
        ok = store_read_record(reader, p, &shop.arena, &bytes) == STORE_OK &&
             pd_text_equal(bytes, (struct pd_text){event->bytes, event->size});
        if (!ok) wrong(l, "event %" PRIu64 " is another in %s", p, name);
    }
    store_reader_close(&reader);
    if (ok && shop_open_engine(&shop) != STORE_OK) ok = wrong(l, "no engine starts over %s", name);
    shop_close(&shop);
    return ok;
}

/* What the mark says. False: it cannot be read, or is of another log. */
static bool
read_mark(struct look *l, uint64_t *ret_position)
{
    char  path[512], id[41] = "", ours[41] = "";
    FILE *file;

    snprintf(path, sizeof path, "%s/backup/backup", l->root);
    file = fopen(path, "r");
    bool read = file != NULL && fscanf(file, "log %40s position %" SCNu64, id, ret_position) == 2;
    if (file != NULL) fclose(file);
    for (int i = 0; i < PD_LOG_ID_BYTES; i++) snprintf(ours + 2 * i, 3, "%02x", l->log_id[i]);
    return (read && strcmp(id, ours) == 0) || wrong(l, "the backup says that it is of log %s", id);
}

static bool
check_backup(struct look *l)
{
    char        path[512];
    const char *why;
    uint64_t    position = 0;

    snprintf(path, sizeof path, "%s/backup", l->root);
    if (!is_there(l, "backup/backup")) {
        if (l->known->backed_up > 0) return wrong(l, "a backup was said to be made, and is none");
        if (is_there(l, "backup/books/data.mdb") && backup_forbids(path) == NULL) return wrong(l, "half a backup may be served");
        why = restore(l, "backup", "again");
        return (why != NULL && strstr(why, "is no backup") != NULL) || wrong(l, "what is no backup is restored");
    }
    if (backup_forbids(path) == NULL) return wrong(l, "a backup may be served");
    if (!read_mark(l, &position)) return false;
    if (position == 0 || position > l->known->event_count || (l->known->backed_up > 0 && position != l->known->backed_up))
        return wrong(l, "the backup says that it ends with event %" PRIu64, position);
    why = restore(l, "backup", "again");
    return why != NULL ? wrong(l, "a backup cannot be restored: %s", why) : check_served(l, "again", position);
}

/* Unmarked it is whole, or as it was before anything was copied; marked it is nobody's. */
static bool
check_restored(struct look *l)
{
    char path[512];

    snprintf(path, sizeof path, "%s/restored", l->root);
    const char *why = backup_forbids(path);
    if (why == NULL && is_there(l, "restored/books/data.mdb")) return check_served(l, "restored", l->known->backed_up);
    if (l->known->restored > 0) return wrong(l, "what was restored is not there: %s", why == NULL ? "no books" : why);
    if (why == NULL) return true;
    why = restore(l, "backup", "restored");
    return (why != NULL && strstr(why, "not empty") != NULL) || wrong(l, "half of a restored directory is restored over");
}

bool
check_backups(const char *root, const struct known *known, const uint8_t log_id[PD_LOG_ID_BYTES], char ret_what[WHAT_MAX])
{
    struct look l = {root, known, log_id, ret_what};
    char        path[512];

    if (!is_there(&l, "backup") && known->backed_up == 0) return true;
    bool ok = check_backup(&l) && check_restored(&l);
    snprintf(path, sizeof path, "%s/again", root);
    remove_tree(path);
    return ok;
}
