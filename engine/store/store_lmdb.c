/* store_lmdb.c - the books in LMDB.
 *
 * What keeps the promise (measured in strace): mdb_txn_commit writes data pages, fdatasyncs, then writes the meta page
 * through an O_DSYNC descriptor; when it returns, both are on stable storage. MDB_NOSYNC, MDB_MAPASYNC and MDB_WRITEMAP lose
 * that or turn a full disk into SIGBUS. MDB_DUPSORT is avoided: it has most of 0.9.24's known bugs. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file_system.h"
#include "engine/base/log.h"
#include "engine/index/shelf.h"
#include "engine/store/fresh.h"
#include "engine/store/inspect.h"
#include "engine/store/lmdb_store.h"
#include "proto/check.h"

enum { HEAD_BYTES = 8 + PD_CHAIN_BYTES, TAIL = 1 << 18 /* events that a start reads, unless told to read more */ };

/* ---- errors -------------------------------------------------------------------------------------------------------- */

enum store_error
lmdb_failed(const char *fact, const char *path, int code)
{
    log_error(fact, "path=\"%s\" error=\"%s\"", path, mdb_strerror(code));
    return STORE_FAILED;
}

void
lmdb_note(struct store *s, const char *fact, int code)
{
    if (code == MDB_SUCCESS || s->error != STORE_OK) return;
    s->error = lmdb_failed(fact, s->dir, code);
}

/* ---- space --------------------------------------------------------------------------------------------------------- */

enum store_error
store_prepare(struct store *s, size_t bytes, size_t pages)
{
    MDB_envinfo info;

    if (s->scratch) return STORE_OK;
    mdb_env_info(s->env, &info);
    uint64_t used = ((uint64_t)info.me_last_pgno + 1) * s->pages.page_size;
    /* No more pages are rewritten than there are; a page's branches are few. */
    uint64_t rewritten = (uint64_t)pages * s->pages.page_size / 8 * 9;
    int      code = files_space_have(&s->space, used, used + bytes + (rewritten < used ? rewritten : used));
    if (code == ENOSPC) return STORE_FULL;
    return code == 0 ? STORE_OK : lmdb_failed("extend_failed", s->dir, code);
}

/* ---- opening ------------------------------------------------------------------------------------------------------- */

static int
write_meta(struct store *s, MDB_txn *txn, const char *name, const void *bytes, size_t size)
{
    return lmdb_put(txn, s->meta, NULL, (MDB_val){strlen(name), (void *)(uintptr_t)name}, bytes, size, 0);
}

static int
open_tables(struct store *s, MDB_txn *txn)
{
    int rc = mdb_dbi_open(txn, NULL, 0, &s->tables);
    if (rc == MDB_SUCCESS) rc = mdb_dbi_open(txn, "events", MDB_CREATE | MDB_INTEGERKEY, &s->events);
    if (rc == MDB_SUCCESS) rc = mdb_dbi_open(txn, "meta", MDB_CREATE, &s->meta);
    if (rc == MDB_SUCCESS) rc = mdb_dbi_open(txn, "entries", MDB_CREATE, &s->entries);
    for (int code = 1; code < PD_ROW_CODES && rc == MDB_SUCCESS; code++) {
        const struct pd_block *row = pd_schema_row(code);
        if (row != NULL) rc = mdb_dbi_open(txn, row->name, MDB_CREATE, &s->rows[code]);
    }
    return rc;
}

/* Tables and log id, made in the first transaction of a new directory. */
static enum store_error
open_books(struct store *s)
{
    MDB_txn *txn;
    int      rc = mdb_txn_begin(s->env, NULL, 0, &txn);

    if (rc != MDB_SUCCESS) return lmdb_failed("open_failed", s->dir, rc);
    rc = open_tables(s, txn);
    if (rc != MDB_SUCCESS) {
        mdb_txn_abort(txn);
        return lmdb_failed("open_failed", s->dir, rc);
    }
    enum store_error error = lmdb_last(s, txn, &s->last);
    if (error == STORE_OK) error = lmdb_read_meta(s, txn, "log_id", s->log_id, sizeof s->log_id);
    if (error == STORE_NONE) {
        randombytes_buf(s->log_id, sizeof s->log_id);
        rc = write_meta(s, txn, "log_id", s->log_id, sizeof s->log_id);
        error = rc == MDB_SUCCESS ? STORE_OK : lmdb_failed("open_failed", s->dir, rc);
    }
    /* Kept only where rows stand behind the log. */
    if (error == STORE_OK) {
        s->folded = s->last;
        error = lmdb_read_meta(s, txn, "folded", &s->folded, sizeof s->folded);
        if (error == STORE_NONE) error = STORE_OK;
    }
    if (error != STORE_OK) {
        mdb_txn_abort(txn);
        return error;
    }
    rc = mdb_txn_commit(txn);
    return rc == MDB_SUCCESS ? STORE_OK : lmdb_failed("open_failed", s->dir, rc);
}

/* The head as it was known before the start: position and chain, unsynced. */
static enum store_error
check_head(struct store *s, const char *dir, bool accept_shorter, uint64_t *ret_known)
{
    char     path[4200];
    uint64_t known = 0;

    snprintf(path, sizeof path, "%s/head", dir);
    s->head_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (s->head_fd < 0) return lmdb_failed("open_failed", path, errno);
    ssize_t n = pread(s->head_fd, &known, sizeof known, 0);
    if (n < 0) return lmdb_failed("open_failed", path, errno);
    if (n != (ssize_t)sizeof known || known <= s->last) return STORE_OK;
    if (!accept_shorter) {
        *ret_known = known;
        return STORE_SHORTER;
    }
    uint8_t          id[PD_LOG_ID_BYTES];
    enum store_error error = store_begin(s);
    if (error != STORE_OK) return error;
    randombytes_buf(id, sizeof id);
    store_set_log_id(s, id);
    return store_commit(s, NULL);
}

static int
try_environment(struct store *s, enum store_mode mode, size_t map_size)
{
    int rc = mdb_env_create(&s->env);
    if (rc != MDB_SUCCESS) return rc;
    mdb_env_set_mapsize(s->env, map_size);
    mdb_env_set_maxdbs(s->env, PD_ROW_CODES + 4);
    mdb_env_set_maxreaders(s->env, 64);
    rc = mdb_env_open(s->env, s->dir, MDB_NOTLS | MDB_NOMEMINIT | (mode == STORE_SCRATCH ? MDB_NOSYNC : 0), 0640);
    if (rc == MDB_SUCCESS) return rc;
    mdb_env_close(s->env);
    s->env = NULL;
    return rc;
}

/* Address space, not memory or disk: so much that the map never has to grow. Where a limit or a memory checker does not give
 * so much, less is taken. */
static enum store_error
open_environment(struct store *s, enum store_mode mode)
{
    int rc = ENOMEM;
    for (int bits = 40; bits >= 34 && (rc == ENOMEM || rc == EINVAL); bits -= 2)
        rc = try_environment(s, mode, (size_t)1 << bits);
    return rc == MDB_SUCCESS ? STORE_OK : lmdb_failed("open_failed", s->dir, rc);
}

static bool
must_exist(enum store_mode mode)
{
    return mode == STORE_EXISTING || mode == STORE_VIEWS_EXISTING || mode == STORE_VIEWS_LOOK;
}

static bool
is_of_views(enum store_mode mode)
{
    return mode == STORE_VIEWS || mode == STORE_VIEWS_EXISTING;
}

static bool
is_log(enum store_mode mode)
{
    return mode == STORE_CREATE || mode == STORE_EXISTING;
}

static void
tell_damage(void *arg, const char *what)
{
    log_error("page_damaged", "path=\"%s\" what=\"%s\"", ((struct store *)arg)->dir, what);
}

/* The process before this one died of a signal that a damaged page may have caused (STORE_SUSPECT). */
static bool
is_suspect(const char *dir, const char *above)
{
    char path[4200];

    snprintf(path, sizeof path, "%s%s/" STORE_SUSPECT, dir, above);
    return access(path, F_OK) == 0;
}

/* Before LMDB does; not at all leaves, or a start would take the longer the older the log is. Older ones of the log are looked at
 * as they are asked for. In others LMDB may come upon a damaged page unawares, and die of it: the start after that looks at all. */
static enum store_error
look_at_file(struct store *s)
{
    struct inspected found;
    enum store_error error = inspect_store(s->dir, is_suspect(s->dir, "/..") ? 0 : TAIL, tell_damage, s, &found);

    s->looked_from = found.from;
    if (found.taken_back) log_warn("commit_taken_back", "path=\"%s\"", s->dir);
    if (error == STORE_FAILED) return lmdb_failed("open_failed", s->dir, errno);
    return error == STORE_EXISTS_NOT ? STORE_OK : error;
}

/* A file that is there while views are open, so that a start knows whether they were closed. Those that were are not looked
 * through: a page that was damaged since ends the process at worst, and then they are. */
static bool
mark_open(struct store *s)
{
    char path[4200];

    snprintf(path, sizeof path, "%s/open", s->dir);
    int fd = open(path, O_CREAT | O_EXCL | O_CLOEXEC | O_WRONLY, 0640);
    if (fd >= 0) close(fd);
    return fd >= 0;
}

static void
unmark(const struct store *s)
{
    char path[4200];

    snprintf(path, sizeof path, "%s/open", s->dir);
    if (s->marked) unlink(path);
}

static enum store_error
open_steps(struct store *s, const char *dir, enum store_mode mode, bool accept_shorter, uint64_t *ret_known)
{
    char        path[4200];
    MDB_stat    stat_;
    struct stat st;
    int         dead, code;
    snprintf(path, sizeof path, "%s/data.mdb", s->dir);
    bool fresh = stat(path, &st) != 0;
    if (fresh && errno != ENOENT) return lmdb_failed("open_failed", path, errno); /* none is made where there may be one */
    if (must_exist(mode) && (fresh || st.st_size == 0)) return STORE_EXISTS_NOT;
    if (mkdir(s->dir, 0750) != 0 && errno != EEXIST) return lmdb_failed("open_failed", s->dir, errno);
    if (fresh && mode != STORE_SCRATCH && (code = fresh_make(s->dir)) != 0) return lmdb_failed("open_failed", s->dir, code);
    bool closed = mode == STORE_VIEWS_LOOK || (is_of_views(mode) && mark_open(s));
    enum store_error error = mode == STORE_SCRATCH || closed ? STORE_OK : look_at_file(s);
    s->pages.pages = PAGE_NONE; /* the file grows: it is asked itself */
    if (error != STORE_OK || (error = open_environment(s, mode)) != STORE_OK) return error;
    mdb_env_stat(s->env, &stat_);
    s->pages.page_size = stat_.ms_psize;
    if (mode != STORE_SCRATCH) {
        mdb_reader_check(s->env, &dead);
        if ((code = files_space_open(&s->space, path)) != 0) return lmdb_failed("open_failed", path, code);
        if ((s->pages.fd = open(path, O_RDONLY | O_CLOEXEC)) < 0) return lmdb_failed("open_failed", path, errno);
    }
    if ((error = open_books(s)) != STORE_OK || mode == STORE_SCRATCH) return error;
    if (is_log(mode) && (error = check_head(s, dir, accept_shorter, ret_known)) != STORE_OK) return error;
    /* At every start: the one that made the files may have ended before this. */
    snprintf(path, sizeof path, "%s/..", dir);
    if (mode == STORE_EXISTING || mode == STORE_VIEWS_LOOK) return STORE_OK;
    bool synced = file_system_sync(s->dir) && file_system_sync(dir) && file_system_sync(path);
    return synced ? STORE_OK : lmdb_failed("open_failed", dir, errno);
}

static const char *
place_of(enum store_mode mode)
{
    switch (mode) {
    case STORE_ROWS: return "%s/rows";
    case STORE_CREATE:
    case STORE_EXISTING: return "%s/books";
    default: return "%s";
    }
}

enum store_error
store_open(const char *dir, enum store_mode mode, bool accept_shorter, struct store **ret_store, uint64_t *ret_known)
{
    struct store *s = calloc(1, sizeof *s);

    PD_CHECK(s != NULL && sodium_init() >= 0);
    s->space.fd = s->pages.fd = s->head_fd = -1;
    s->scratch = mode == STORE_SCRATCH;
    PD_CHECK(asprintf(&s->dir, place_of(mode), dir) > 0);
    enum store_error error = open_steps(s, dir, mode, accept_shorter, ret_known);
    s->marked = error == STORE_OK && is_of_views(mode);
    if (s->scratch) files_remove_books(dir); /* what is open stays until it is closed, whatever becomes of us */
    if (error != STORE_OK) {
        store_close(&s);
        return error;
    }
    *ret_store = s;
    return STORE_OK;
}

void
store_close(struct store **store)
{
    struct store *s = *store;

    if (s == NULL) return;
    if (s->txn != NULL) store_abort(s);
    if (s->env != NULL) mdb_env_close(s->env);
    unmark(s);
    files_space_close(&s->space);
    if (s->pages.fd >= 0) close(s->pages.fd);
    if (s->head_fd >= 0) close(s->head_fd);
    free(s->dir);
    free(s);
    *store = NULL;
}

void
store_remove(const char *dir)
{
    char path[4200];

    snprintf(path, sizeof path, "%s/new", dir); /* fresh.h */
    files_remove_books(path);
    snprintf(path, sizeof path, "%s/open", dir);
    unlink(path);
    files_remove_books(dir);
}

/* An empty file. */
static void
damage_path(const struct store *s, char path[4200])
{
    snprintf(path, 4200, "%s/damaged", s->dir);
}

void
store_note_damage(struct store *s)
{
    char path[4200];

    damage_path(s, path);
    int fd = open(path, O_CREAT | O_CLOEXEC | O_WRONLY, 0640);
    if (fd >= 0) close(fd);
}

bool
store_has_damage(const struct store *s)
{
    char path[4200];

    damage_path(s, path);
    return access(path, F_OK) == 0;
}

void
store_forget_damage(struct store *s)
{
    char path[4200];

    damage_path(s, path);
    unlink(path);
}

enum store_error
store_open_shelf(const char *dir, enum store_mode mode, struct shelf **ret_shelf)
{
    char path[4200];

    snprintf(path, sizeof path, "%s/index", dir);
    if (!shelf_open(path, ret_shelf)) return lmdb_failed("open_failed", path, errno);
    /* It may have been a page of the index that could not be read. */
    if (mode != STORE_EXISTING && is_suspect(dir, "")) shelf_clear(*ret_shelf);
    return STORE_OK;
}

void
store_close_shelf(struct shelf **shelf)
{
    shelf_close(shelf);
}

const uint8_t *
store_log_id(const struct store *s)
{
    return s->log_id;
}

uint64_t
store_last(const struct store *s)
{
    return s->last;
}

uint64_t
store_folded(const struct store *s)
{
    return s->folded;
}

/* ---- writing ------------------------------------------------------------------------------------------------------- */

enum store_error
store_begin(struct store *s)
{
    PD_CHECK(s->txn == NULL);
    int rc = mdb_txn_begin(s->env, NULL, 0, &s->txn);
    if (rc != MDB_SUCCESS) return lmdb_failed("begin_failed", s->dir, rc);
    s->error = STORE_OK;
    s->put = NULL; /* the last one went with its transaction */
    s->writer = (struct store_reader){.store = s, .txn = s->txn};
    s->pending_last = s->last;
    s->pending_folded = s->folded;
    memcpy(s->pending_log_id, s->log_id, sizeof s->log_id);
    return STORE_OK;
}

void
store_append(struct store *s, uint64_t position, const char *bytes, size_t size)
{
    PD_CHECK(position == s->pending_last + 1);
    if (s->error != STORE_OK) return;
    MDB_val key = {sizeof position, &position};
    lmdb_note(s, "append_failed", lmdb_put(s->txn, s->events, NULL, key, bytes, size, MDB_APPEND));
    s->pending_last = position;
}

void
store_put_row(struct store *s, int row_code, struct row_key row_key, const char *bytes, size_t size)
{
    uint8_t buffer[LMDB_KEY_BYTES];

    if (s->error != STORE_OK) return;
    lmdb_note(s, "put_failed", lmdb_put(s->txn, s->rows[row_code], NULL, lmdb_pack_key(row_key, buffer), bytes, size, 0));
}

void
store_delete_row(struct store *s, int row_code, struct row_key row_key)
{
    uint8_t buffer[LMDB_KEY_BYTES];
    MDB_val key = lmdb_pack_key(row_key, buffer);

    if (s->error != STORE_OK) return;
    int rc = mdb_del(s->txn, s->rows[row_code], &key, NULL);
    lmdb_note(s, "delete_failed", rc == MDB_NOTFOUND ? MDB_SUCCESS : rc);
}

void
store_drop_rows(struct store *s)
{
    for (int code = 1; code < PD_ROW_CODES && s->error == STORE_OK; code++)
        if (pd_schema_row(code) != NULL) lmdb_note(s, "drop_failed", mdb_drop(s->txn, s->rows[code], 0));
    if (s->put != NULL) mdb_cursor_close(s->put);
    s->put = NULL;
    if (s->error == STORE_OK) lmdb_note(s, "drop_failed", mdb_drop(s->txn, s->entries, 0));
    store_set_folded(s, 0);
}

void
store_set_folded(struct store *s, uint64_t position)
{
    s->pending_folded = position;
}

void
store_set_log_id(struct store *s, const uint8_t id[PD_LOG_ID_BYTES])
{
    memcpy(s->pending_log_id, id, sizeof s->pending_log_id);
    if (s->error == STORE_OK) lmdb_note(s, "meta_failed", write_meta(s, s->txn, "log_id", id, PD_LOG_ID_BYTES));
}

/* Only where rows stand behind the log is their position kept; else it is the log's. */
static void
write_folded(struct store *s)
{
    MDB_val key = {strlen("folded"), (void *)(uintptr_t) "folded"};
    int     rc = MDB_SUCCESS;

    if (s->error != STORE_OK) return;
    if (s->pending_folded != s->pending_last) rc = write_meta(s, s->txn, "folded", &s->pending_folded, sizeof s->pending_folded);
    else if (s->folded != s->last && (rc = mdb_del(s->txn, s->meta, &key, NULL)) == MDB_NOTFOUND) rc = MDB_SUCCESS;
    lmdb_note(s, "meta_failed", rc);
}

enum store_error
store_commit(struct store *s, const uint8_t *chain)
{
    uint8_t head[HEAD_BYTES];

    PD_CHECK(s->txn != NULL);
    write_folded(s);
    if (s->error != STORE_OK) {
        store_abort(s);
        return s->error;
    }
    MDB_txn *txn = s->txn;
    s->txn = NULL;
    uint64_t began_us = clock_us();
    int      rc = mdb_txn_commit(txn);
    histogram_add(&s->sync_us, clock_us() - began_us);
    if (rc != MDB_SUCCESS) return lmdb_failed("commit_failed", s->dir, rc);
    s->last = s->pending_last;
    s->folded = s->pending_folded;
    /* Other threads read it; it changes only while the books are opened. */
    if (memcmp(s->log_id, s->pending_log_id, sizeof s->log_id) != 0) memcpy(s->log_id, s->pending_log_id, sizeof s->log_id);
    if (s->head_fd < 0 || chain == NULL) return STORE_OK;
    memcpy(head, &s->last, sizeof s->last);
    memcpy(head + sizeof s->last, chain, PD_CHAIN_BYTES);
    /* Unsynced, and only a hint at the next start: a failure loses nothing. */
    if (pwrite(s->head_fd, head, sizeof head, 0) < 0) log_warn("head_failed", "error=\"%s\"", strerror(errno));
    return STORE_OK;
}

void
store_abort(struct store *s)
{
    if (s->txn != NULL) mdb_txn_abort(s->txn);
    s->txn = NULL;
}
