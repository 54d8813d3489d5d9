/* figures_lmdb.c - how much a store has, and who looks at it. */
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "engine/base/log.h"
#include "engine/store/lmdb_store.h"

struct readers {
    uint64_t count, oldest;
};

/* A line of LMDB's for each slot: process, thread, and the commit it sees, or "-". */
static int
take_reader(const char *line, void *arg)
{
    struct readers *r = arg;
    int             process;
    size_t          thread, commit;

    if (sscanf(line, "%d %zx %zu", &process, &thread, &commit) != 3) return 0;
    if (r->count++ == 0 || commit < r->oldest) r->oldest = commit;
    return 0;
}

void
store_forget_dead(struct store *s)
{
    int dead = 0;

    mdb_reader_check(s->env, &dead);
    if (dead > 0) log_warn("dead_reader", "path=\"%s\" hint=\"another program read this store and was killed\"", s->dir);
}

void
store_figures(struct store *s, struct store_figures *ret)
{
    MDB_envinfo    info;
    struct stat    file;
    struct statvfs disk;
    struct readers readers = {0, 0};
    int            fd = -1;

    *ret = (struct store_figures){.sync_us = &s->sync_us};
    mdb_env_info(s->env, &info);
    ret->used_bytes = ((uint64_t)info.me_last_pgno + 1) * s->pages.page_size;
    ret->map_bytes = info.me_mapsize;
    mdb_reader_list(s->env, take_reader, &readers);
    ret->readers = readers.count;
    if (readers.count > 0 && info.me_last_txnid > readers.oldest) ret->reader_lag = info.me_last_txnid - readers.oldest;
    if (mdb_env_get_fd(s->env, &fd) != MDB_SUCCESS) return;
    if (fstat(fd, &file) == 0) ret->file_bytes = (uint64_t)file.st_size;
    if (fstatvfs(fd, &disk) == 0) ret->disk_free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
}
