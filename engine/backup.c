#include "engine/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file_system.h"
#include "engine/store/record.h"
#include "engine/subscribers.h"
#include "proto/check.h"

enum { BATCH_EVENTS = 4096, BATCH_BYTES = 4 << 20, BATCH_SPACE = 10 << 20, BATCH_PAGES = 64, PATH = 4200 };

struct backup {
    struct store          *from, *to;
    bool                   owns_from, restores;
    char                   dir[PATH];
    uint64_t               at; /* the last event of the phase that is done */
    uint8_t                chain[PD_CHAIN_BYTES];
    struct pd_arena        arena;
    struct backup_progress progress;
};

/* ---- saying -------------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static bool
fail(struct backup *b, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(b->progress.problem, sizeof b->progress.problem, format, args);
    va_end(args);
    b->progress.phase = BACKUP_FAILED;
    return false;
}

static bool
fail_store(struct backup *b, enum store_error error, uint64_t position)
{
    switch (error) {
    case STORE_FULL: return fail(b, "there is no space in %.150s", b->dir);
    case STORE_NONE:
    case STORE_DAMAGED: return fail(b, "event %" PRIu64 " is damaged or missing", position);
    default: return fail(b, "%.150s cannot be read or written; the log of the engine says more", b->dir);
    }
}

/* ---- directories --------------------------------------------------------------------------------------------------- */

static bool
is_empty(const char *dir)
{
    DIR           *d = opendir(dir);
    struct dirent *e;
    bool           empty = true;

    if (d == NULL) return errno == ENOENT;
    while ((e = readdir(d)) != NULL)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && strcmp(e->d_name, "lock") != 0) empty = false;
    closedir(d);
    return empty;
}

/* A small file, there whole or not at all. */
static bool
write_file(const struct backup *b, const char *name, const char *text)
{
    char made[PATH + 32], path[PATH + 32];

    snprintf(made, sizeof made, "%s/%s.new", b->dir, name);
    snprintf(path, sizeof path, "%s/%s", b->dir, name);
    int     fd = open(made, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    ssize_t size = (ssize_t)strlen(text);
    bool    ok = fd >= 0 && write(fd, text, (size_t)size) == size && fsync(fd) == 0;
    if (fd >= 0) close(fd);
    return ok && rename(made, path) == 0 && file_system_sync(b->dir);
}

const char *
backup_forbids(const char *dir)
{
    char path[PATH + 32];

    snprintf(path, sizeof path, "%s/backup", dir);
    if (access(path, F_OK) == 0) return "it is a backup; pedidod restore --data DIR makes a data directory of it";
    snprintf(path, sizeof path, "%s/restoring", dir);
    if (access(path, F_OK) == 0) return "a restore into it did not come to its end; remove it and restore again";
    snprintf(path, sizeof path, "%s/copying", dir);
    if (access(path, F_OK) == 0) return "a backup to it did not come to its end; remove it and back up again";
    return NULL;
}

/* What is in the directory until all of it is: it is nobody's. */
static const char *
mark_of(const struct backup *b)
{
    return b->restores ? "restoring" : "copying";
}

static void
mark(struct backup *b)
{
    if (b->progress.phase == BACKUP_FAILED || write_file(b, mark_of(b), "half of it\n")) return;
    fail(b, "%.150s: %s", b->dir, strerror(errno));
}

/* ---- beginning ----------------------------------------------------------------------------------------------------- */

static struct backup *
make(struct store *from, const char *dir)
{
    struct backup *b = calloc(1, sizeof *b);

    PD_CHECK(b != NULL);
    b->from = from;
    b->progress.phase = BACKUP_COPIES;
    pd_arena_init(&b->arena);
    if (snprintf(b->dir, sizeof b->dir, "%s", dir) >= (int)sizeof b->dir - 64) fail(b, "the directory's name is too long");
    else if (dir[0] != '/') fail(b, "%.150s is not a path from the root", dir);
    else if (!is_empty(dir)) fail(b, "%.150s is there already, and not empty", dir);
    else if (mkdir(dir, 0750) != 0 && errno != EEXIST) fail(b, "%.150s: %s", dir, strerror(errno));
    return b;
}

static void
open_target(struct backup *b)
{
    uint64_t none;

    enum store_error error = store_open(b->dir, STORE_CREATE, false, &b->to, &none);
    if (error == STORE_OK && !b->restores) {
        error = store_begin(b->to);
        if (error == STORE_OK) {
            store_set_log_id(b->to, store_log_id(b->from));
            error = store_commit(b->to, NULL);
        }
    }
    if (error != STORE_OK) fail_store(b, error, 0);
}

/* Another thread writes the log: a reader knows how far it has come. */
static void
look_at_end(struct backup *b)
{
    struct store_reader *reader = NULL;
    enum store_error     error = store_reader_open(b->from, &reader);

    if (error == STORE_OK) b->progress.of = store_reader_last(reader);
    else fail_store(b, error, 0);
    store_reader_close(&reader);
}

struct backup *
backup_open(struct store *log, const char *dir)
{
    struct backup *b = make(log, dir);

    mark(b);
    if (b->progress.phase != BACKUP_FAILED) look_at_end(b);
    if (b->progress.phase != BACKUP_FAILED) open_target(b);
    return b;
}

struct backup *
backup_restore(const char *from, const char *dir)
{
    struct backup *b = make(NULL, dir);
    char           path[PATH + 32];
    uint64_t       none;

    b->owns_from = b->restores = true;
    snprintf(path, sizeof path, "%s/backup", from);
    if (b->progress.phase != BACKUP_FAILED && access(path, F_OK) != 0) fail(b, "%.150s is no backup", from);
    mark(b);
    if (b->progress.phase == BACKUP_FAILED) return b;
    enum store_error error = store_open(from, STORE_EXISTING, false, &b->from, &none);
    if (error != STORE_OK) fail(b, "the books in %.150s cannot be opened", from);
    if (b->progress.phase != BACKUP_FAILED) look_at_end(b);
    if (b->progress.phase != BACKUP_FAILED) open_target(b);
    return b;
}

/* ---- copying and checking ------------------------------------------------------------------------------------------ */

/* The next event, if it follows from the one before. */
static enum store_error
read_next(struct backup *b, struct store_reader *reader, struct pd_text *ret_bytes)
{
    struct record    r;
    enum store_error error = store_read_record(reader, b->at + 1, &b->arena, ret_bytes);

    if (error != STORE_OK) return error;
    bool follows = record_read(*ret_bytes, &r) && r.header.position == b->at + 1 && record_follows(*ret_bytes, b->chain);
    if (!follows) return STORE_DAMAGED;
    memcpy(b->chain, r.chain, sizeof b->chain);
    b->at++;
    return STORE_OK;
}

/* The positions that are kept under names. */
static enum store_error
copy_subscribers(struct backup *b, struct store_reader *reader)
{
    struct store_cursor *cursor = NULL;
    struct store_entry   e;
    enum store_error     error = store_cursor_open(reader, &cursor);

    if (error == STORE_OK) error = store_cursor_seek(cursor, PD_TEXT("s"), &e);
    for (; error == STORE_OK && subscribers_own(e.key); error = store_cursor_next(cursor, &e))
        store_put_entry(b->to, e.key, e.value);
    store_cursor_close(&cursor);
    return error == STORE_NONE ? STORE_OK : error;
}

/* In short snapshots, so that the log's pages can be used again. */
static enum store_error
copy(struct backup *b)
{
    struct store_reader *reader = NULL;
    struct pd_text       bytes;
    size_t               size = 0;
    enum store_error     error = store_prepare(b->to, BATCH_SPACE, BATCH_PAGES);

    if (error == STORE_OK) error = store_reader_open(b->from, &reader);
    if (error == STORE_OK) error = store_begin(b->to);
    if (error != STORE_OK) {
        store_reader_close(&reader);
        return error;
    }
    for (int n = 0; n < BATCH_EVENTS && size < BATCH_BYTES && b->at < b->progress.of && error == STORE_OK; n++) {
        error = read_next(b, reader, &bytes);
        if (error == STORE_OK) store_append(b->to, b->at, bytes.data, bytes.size), size += bytes.size;
    }
    if (error == STORE_OK && b->at == b->progress.of) error = copy_subscribers(b, reader);
    store_reader_close(&reader);
    if (error == STORE_OK) return store_commit(b->to, b->chain);
    store_abort(b->to);
    return error;
}

static enum store_error
check(struct backup *b)
{
    struct store_reader *reader = NULL;
    struct pd_text       bytes;
    enum store_error     error = store_reader_open(b->to, &reader);

    for (int n = 0; n < BATCH_EVENTS && b->at < b->progress.of && error == STORE_OK; n++) error = read_next(b, reader, &bytes);
    store_reader_close(&reader);
    return error;
}

/* Closed and opened again: what is read then is what lies there. */
static bool
begin_check(struct backup *b)
{
    uint64_t none;

    store_close(&b->to);
    enum store_error error = store_open(b->dir, STORE_EXISTING, false, &b->to, &none);
    if (error != STORE_OK) return fail_store(b, error, 0);
    if (store_last(b->to) != b->progress.of) return fail(b, "the copy ends with event %" PRIu64, store_last(b->to));
    b->progress.phase = BACKUP_CHECKS;
    b->progress.done = b->at = 0;
    memset(b->chain, 0, sizeof b->chain);
    return true;
}

static bool
finish(struct backup *b)
{
    char text[512], id[2 * PD_LOG_ID_BYTES + 1], chain[2 * PD_CHAIN_BYTES + 1], path[PATH + 32];

    for (int i = 0; i < PD_LOG_ID_BYTES; i++) snprintf(id + 2 * i, 3, "%02x", store_log_id(b->to)[i]);
    for (int i = 0; i < PD_CHAIN_BYTES; i++) snprintf(chain + 2 * i, 3, "%02x", b->chain[i]);
    snprintf(text, sizeof text, "log %s\nposition %" PRIu64 "\nchain %s\n", id, b->at, chain);
    store_close(&b->to);
    snprintf(path, sizeof path, "%s/%s", b->dir, mark_of(b));
    bool ok = (b->restores || write_file(b, "backup", text)) && unlink(path) == 0 && file_system_sync(b->dir);
    if (!ok) return fail(b, "%.150s: %s", b->dir, strerror(errno));
    b->progress.phase = BACKUP_DONE;
    return false;
}

bool
backup_step(struct backup *b)
{
    if (b->progress.phase == BACKUP_FAILED || b->progress.phase == BACKUP_DONE) return false;
    pd_arena_reset(&b->arena);
    enum store_error error = b->progress.phase == BACKUP_COPIES ? copy(b) : check(b);
    b->progress.done = b->at;
    if (error != STORE_OK) return fail_store(b, error, b->at + 1);
    if (b->at < b->progress.of) return true;
    return b->progress.phase == BACKUP_COPIES ? begin_check(b) : finish(b);
}

struct backup_progress
backup_progress(const struct backup *b)
{
    return b->progress;
}

void
backup_close(struct backup **backup)
{
    struct backup *b = *backup;

    if (b == NULL) return;
    store_close(&b->to);
    if (b->owns_from) store_close(&b->from);
    pd_arena_fini(&b->arena);
    free(b);
    *backup = NULL;
}
