/* recorder.c - a library to be preloaded: writes every call that changes a directory tree into a trace (trace.h).
 *
 *   CRASH_ROOT      the tree; absolute, without links
 *   CRASH_TRACE     the file that the trace is appended to
 *   CRASH_WITHOUT   what is left out of the trace, so that the explorer can be seen to notice: "sync" of files, "dsync" (writes
 *                   through O_DSYNC are then like others), "directories" (their syncs)
 *
 * One call at a time, so that the trace's order is the calls' order. What the C library does inside (stdio) is not seen, nor what
 * is written through a map: a map to write of anything but LMDB's lock file, and calls that nobody here knows (unknown.c), end the
 * program, lest something be missed. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/crash/trace.h"

#define SEEN __attribute__((visibility("default")))

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char     *root;
static size_t          root_size;
static int             trace_fd = -1;
static bool            without_sync, without_dsync, without_directories;
static void          (*pause_by)(void);

static void __attribute__((noreturn))
give_up(const char *what)
{
    fprintf(stderr, "recorder: %s: %s\n", what, strerror(errno));
    abort();
}

static void __attribute__((constructor))
open_trace(void)
{
    const char *trace = getenv("CRASH_TRACE"), *without = getenv("CRASH_WITHOUT");

    root = getenv("CRASH_ROOT");
    if (root == NULL || trace == NULL) return;
    root_size = strlen(root);
    trace_fd = (int)syscall(SYS_openat, AT_FDCWD, trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (trace_fd < 0) give_up(trace);
    without_sync = without != NULL && strcmp(without, "sync") == 0;
    without_dsync = without != NULL && strcmp(without, "dsync") == 0;
    without_directories = without != NULL && strcmp(without, "directories") == 0;
}

/* ---- the trace ----------------------------------------------------------------------------------------------------- */

/* The part of a path that is below the root; NULL: it is elsewhere. */
static const char *
below(const char *path)
{
    if (trace_fd < 0 || strncmp(path, root, root_size) != 0) return NULL;
    if (path[root_size] == '\0') return path + root_size;
    return path[root_size] == '/' ? path + root_size + 1 : NULL;
}

/* Where an open file is by now. */
static const char *
path_of(int fd, char buffer[PATH_MAX])
{
    char link[64];

    if (trace_fd < 0) return NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, buffer, PATH_MAX - 1);
    if (n < 0) return NULL;
    buffer[n] = '\0';
    return below(buffer);
}

static void
put(struct trace_head head, const char *path, const char *bytes, size_t size)
{
    head.path_size = (uint32_t)strlen(path);
    head.bytes_size = size;
    struct iovec parts[] = {{&head, sizeof head}, {(void *)(uintptr_t)path, head.path_size}, {(void *)(uintptr_t)bytes, size}};
    size_t       whole = sizeof head + head.path_size + size;
    if (syscall(SYS_writev, trace_fd, parts, 3) != (long)whole) give_up("the trace");
}

static bool
is_zero(const char *bytes, size_t size)
{
    return size > 0 && bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

static void
put_write(int fd, const char *path, off_t offset, const char *bytes, size_t size)
{
    bool durable = !without_dsync && (fcntl(fd, F_GETFL) & (O_DSYNC | O_SYNC)) != 0;
    put((struct trace_head){.kind = TRACE_WRITE, .durable = durable, .offset = (uint64_t)offset, .size = size}, path, bytes,
        is_zero(bytes, size) ? 0 : size);
}

SEEN void
recorder_say(enum trace_kind kind, uint64_t offset, const char *bytes, size_t size)
{
    pthread_mutex_lock(&lock);
    if (trace_fd >= 0) put((struct trace_head){.kind = (uint16_t)kind, .offset = offset}, "", bytes, size);
    pthread_mutex_unlock(&lock);
}

SEEN void
recorder_pause_by(void (*pause)(void))
{
    pause_by = pause;
}

static void
pause_before(int fd)
{
    char buffer[PATH_MAX];
    if (pause_by != NULL && path_of(fd, buffer) != NULL) pause_by();
}

/* ---- the calls ----------------------------------------------------------------------------------------------------- */

SEEN int
open(const char *name, int flags, ...)
{
    char        buffer[PATH_MAX];
    va_list     args;
    const char *path;

    va_start(args, flags);
    int mode = flags & O_CREAT ? va_arg(args, int) : 0;
    va_end(args);
    pthread_mutex_lock(&lock);
    bool fresh = (flags & O_CREAT) && syscall(SYS_faccessat, AT_FDCWD, name, F_OK) != 0;
    int  fd = (int)syscall(SYS_openat, AT_FDCWD, name, flags, mode), error = errno;
    if (fd >= 0 && fresh && (path = path_of(fd, buffer)) != NULL) put((struct trace_head){.kind = TRACE_CREATE}, path, NULL, 0);
    if (fd >= 0 && !fresh && (flags & O_TRUNC) && (path = path_of(fd, buffer)) != NULL)
        put((struct trace_head){.kind = TRACE_TRUNCATE}, path, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return fd;
}

SEEN int open64(const char *name, int flags, ...) __attribute__((alias("open")));

/* What a call has written, if it was below the root. */
static ssize_t
written(int fd, off_t offset, const struct iovec *parts, int count, ssize_t n)
{
    char        buffer[PATH_MAX];
    int         error = errno;
    const char *path = n > 0 ? path_of(fd, buffer) : NULL;
    size_t      left = n > 0 ? (size_t)n : 0;

    for (int i = 0; i < count && path != NULL && left > 0; i++) {
        size_t size = parts[i].iov_len < left ? parts[i].iov_len : left;
        put_write(fd, path, offset, parts[i].iov_base, size);
        offset += (off_t)size;
        left -= size;
    }
    errno = error;
    return n;
}

SEEN ssize_t
pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    struct iovec part = {(void *)(uintptr_t)bytes, size};
    pause_before(fd);
    pthread_mutex_lock(&lock);
    ssize_t n = written(fd, offset, &part, 1, syscall(SYS_pwrite64, fd, bytes, size, offset));
    pthread_mutex_unlock(&lock);
    return n;
}

SEEN ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset) __attribute__((alias("pwrite")));

SEEN ssize_t
writev(int fd, const struct iovec *parts, int count)
{
    pause_before(fd);
    pthread_mutex_lock(&lock);
    off_t   offset = lseek(fd, 0, SEEK_CUR);
    ssize_t n = written(fd, offset, parts, count, syscall(SYS_writev, fd, parts, count));
    pthread_mutex_unlock(&lock);
    return n;
}

SEEN ssize_t
write(int fd, const void *bytes, size_t size)
{
    struct iovec part = {(void *)(uintptr_t)bytes, size};
    return writev(fd, &part, 1);
}

SEEN int
ftruncate(int fd, off_t size)
{
    char buffer[PATH_MAX];

    pthread_mutex_lock(&lock);
    int         rc = (int)syscall(SYS_ftruncate, fd, size), error = errno;
    const char *path = rc == 0 ? path_of(fd, buffer) : NULL;
    if (path != NULL) put((struct trace_head){.kind = TRACE_TRUNCATE, .size = (uint64_t)size}, path, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return rc;
}

SEEN int ftruncate64(int fd, off64_t size) __attribute__((alias("ftruncate")));

static int
sync_by(long call, int fd)
{
    char        buffer[PATH_MAX];
    struct stat st;

    pause_before(fd);
    pthread_mutex_lock(&lock);
    int         rc = (int)syscall(call, fd), error = errno;
    const char *path = rc == 0 && fstat(fd, &st) == 0 ? path_of(fd, buffer) : NULL;
    if (path != NULL && !(S_ISDIR(st.st_mode) ? without_directories : without_sync))
        put((struct trace_head){.kind = TRACE_SYNC}, path, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return rc;
}

SEEN int
fsync(int fd)
{
    return sync_by(SYS_fsync, fd);
}

SEEN int
fdatasync(int fd)
{
    return sync_by(SYS_fdatasync, fd);
}

/* A call on names, after it. */
static int
named(enum trace_kind kind, const char *name, const char *to, int rc)
{
    int         error = errno;
    const char *path = rc == 0 ? below(name) : NULL, *new_path = path != NULL && to != NULL ? below(to) : NULL;

    if (path != NULL && to != NULL && new_path == NULL) give_up("a rename out of the tree");
    if (path != NULL) put((struct trace_head){.kind = (uint16_t)kind}, path, new_path, new_path == NULL ? 0 : strlen(new_path));
    errno = error;
    return rc;
}

SEEN int
mkdir(const char *name, mode_t mode)
{
    pthread_mutex_lock(&lock);
    int rc = named(TRACE_MKDIR, name, NULL, (int)syscall(SYS_mkdirat, AT_FDCWD, name, mode));
    pthread_mutex_unlock(&lock);
    return rc;
}

SEEN int
rename(const char *name, const char *to)
{
    pthread_mutex_lock(&lock);
    int rc = named(TRACE_RENAME, name, to, (int)syscall(SYS_renameat2, AT_FDCWD, name, AT_FDCWD, to, 0));
    pthread_mutex_unlock(&lock);
    return rc;
}

SEEN int
unlink(const char *name)
{
    pthread_mutex_lock(&lock);
    int rc = named(TRACE_REMOVE, name, NULL, (int)syscall(SYS_unlinkat, AT_FDCWD, name, 0));
    pthread_mutex_unlock(&lock);
    return rc;
}

SEEN int
rmdir(const char *name)
{
    pthread_mutex_lock(&lock);
    int rc = named(TRACE_REMOVE, name, NULL, (int)syscall(SYS_unlinkat, AT_FDCWD, name, AT_REMOVEDIR));
    pthread_mutex_unlock(&lock);
    return rc;
}

/* ---- what would be missed ------------------------------------------------------------------------------------------ */

SEEN void *
mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    char        buffer[PATH_MAX];
    const char *path = fd >= 0 && (protection & PROT_WRITE) && (flags & MAP_SHARED) ? path_of(fd, buffer) : NULL;

    if (path != NULL && strstr(path, "lock.mdb") == NULL) give_up("a map to write");
    return (void *)syscall(SYS_mmap, at, size, protection, flags, fd, offset);
}

SEEN void *mmap64(void *at, size_t size, int protection, int flags, int fd, off64_t offset) __attribute__((alias("mmap")));
