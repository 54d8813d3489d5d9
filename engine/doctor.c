#include "engine/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file_system.h"

enum verdict { OK, WARNING, CRITICAL, UNKNOWN };

enum {
    BLOCK = 4096,
    BLOCKS = 256,          /* of the file that is written round and round */
    FLUSHES_MAX = 1 << 16,
    FLUSH_MS = 1000,       /* how long it is written */
    FLUSH_LEAST_NS = 5000, /* no device is so quick */
    FLUSH_SLOW_NS = 50 * 1000 * 1000,
    ORDER_BYTES = 4000,    /* of one with one item, completed: its events, measured to take 400 each, and rows */
    ORDER_EVENTS = 7,
    LOG_EVENTS_MIN = 10000, /* from so many on a log says itself how much it takes */
    FILES_MIN = 1024,
};
#define SPACE_LEAST (64ull << 20) /* two turns must lie ahead, in both stores */
#define SPACE_LITTLE (1ull << 30)
#define MAP_BYTES (2ull << 40) /* address space for both stores */

struct doctor {
    const char *dir;
    bool        any_file_system, in_memory;
    int         count[UNKNOWN + 1];
    char        lines[4000];
    size_t      size;
};

static const char *const verdicts[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

__attribute__((format(printf, 4, 5))) static void
say(struct doctor *d, enum verdict verdict, const char *what, const char *format, ...)
{
    char    text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    d->count[verdict]++;
    int n = snprintf(d->lines + d->size, sizeof d->lines - d->size, "%-8s  %-11s  %s\n", verdicts[verdict], what, text);
    if (n > 0 && (size_t)n < sizeof d->lines - d->size) d->size += (size_t)n;
}

/* ---- file system --------------------------------------------------------------------------------------------------- */

static void
examine_file_system(struct doctor *d)
{
    const char           *name;
    enum file_system_kind kind = file_system_of(d->dir, &name);

    d->in_memory = kind == FILE_SYSTEM_MEMORY;
    if (kind == FILE_SYSTEM_LOCAL) say(d, OK, "file system", "%s", name);
    else if (kind == FILE_SYSTEM_MEMORY) say(d, WARNING, "file system", "%s: it is memory, and gone when the machine stops", name);
    else if (kind == FILE_SYSTEM_OTHER) say(d, WARNING, "file system", "%s: try it before you trust it", name);
    else say(d, d->any_file_system ? WARNING : CRITICAL, "file system",
             "%s: another machine or program has the disk; pedidod serves from it with --any-file-system only", name);
}

/* ---- flushes ------------------------------------------------------------------------------------------------------- */

struct flushed {
    uint64_t number, ns;
};

static uint64_t
nanoseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Until it is killed: a block is written, flushed, and only then told. */
static void
write_for_ever(int fd, int tell)
{
    static _Alignas(BLOCK) uint64_t block[BLOCK / sizeof(uint64_t)];

    for (struct flushed f = {.number = 1};; f.number++) {
        for (size_t i = 0; i < sizeof block / sizeof block[0]; i++) block[i] = f.number;
        uint64_t begun = nanoseconds();
        if (pwrite(fd, block, BLOCK, (off_t)(f.number % BLOCKS * BLOCK)) != BLOCK || fdatasync(fd) != 0) _exit(1);
        f.ns = nanoseconds() - begun;
        if (write(tell, &f, sizeof f) != (ssize_t)sizeof f) _exit(1);
    }
}

/* Starts the one that writes, kills it, and hears all that it was told is on the device. How many. */
static size_t
write_and_kill(int fd, struct flushed *ret_flushed)
{
    int    ends[2];
    size_t count = 0;
    bool   killed = false;

    if (pipe2(ends, O_CLOEXEC) != 0) return 0;
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        write_for_ever(fd, ends[1]);
    }
    close(ends[1]);
    uint64_t begun_ms = clock_now().monotonic_ms;
    while (child > 0 && count < FLUSHES_MAX && read(ends[0], &ret_flushed[count], sizeof *ret_flushed) > 0) {
        count++;
        if (killed || (clock_now().monotonic_ms - begun_ms < FLUSH_MS && count < FLUSHES_MAX / 2)) continue;
        killed = true; /* in the middle of whatever it does; what it has told is still in the pipe */
        kill(child, SIGKILL);
    }
    if (child > 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    close(ends[0]);
    return count;
}

/* How many of the last blocks are not as they were told, read past the page cache where the file system lets us. */
static size_t
count_lost(int fd, uint64_t last)
{
    static _Alignas(BLOCK) uint64_t block[BLOCK / sizeof(uint64_t)];
    size_t                          lost = 0;

    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    fcntl(fd, F_SETFL, O_DIRECT); /* refused by some: then the cache is asked */
    for (uint64_t n = last > BLOCKS - 2 ? last - (BLOCKS - 2) : 1; n <= last; n++) {
        bool ok = pread(fd, block, BLOCK, (off_t)(n % BLOCKS * BLOCK)) == BLOCK;
        for (size_t i = 0; ok && i < sizeof block / sizeof block[0]; i++) ok = block[i] == n;
        if (!ok) lost++;
    }
    return lost;
}

static int
compare_times(const void *a, const void *b)
{
    uint64_t x = ((const struct flushed *)a)->ns, y = ((const struct flushed *)b)->ns;
    return (x > y) - (x < y);
}

static void
judge_flushes(struct doctor *d, int fd, struct flushed *flushed, size_t count)
{
    uint64_t last = flushed[count - 1].number;
    size_t   lost = count_lost(fd, last);

    qsort(flushed, count, sizeof *flushed, compare_times);
    uint64_t median = flushed[count / 2].ns, slow = flushed[count - 1 - count / 100].ns;
    if (lost > 0)
        say(d, CRITICAL, "flush", "%zu of the last writes that were told to be on the device are not there after a kill", lost);
    else if (median < FLUSH_LEAST_NS && !d->in_memory)
        say(d, CRITICAL, "flush", "a flush takes %" PRIu64 " ns: no device is so quick, something on the way ignores it", median);
    else
        say(d, slow > FLUSH_SLOW_NS ? WARNING : OK, "flush",
            "%" PRIu64 " writes were there after a kill; median %" PRIu64 " us, one in a hundred %" PRIu64
            " us. Not seen: what the device does when its power fails", last, median / 1000, slow / 1000);
}

static void
examine_flushes(struct doctor *d)
{
    static const char zeroes[BLOCKS * BLOCK];
    struct flushed   *flushed = malloc(FLUSHES_MAX * sizeof *flushed);
    char              path[4200];

    snprintf(path, sizeof path, "%s/doctor-%ld", d->dir, (long)getpid());
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) unlink(path);
    if (fd < 0 || pwrite(fd, zeroes, sizeof zeroes, 0) != (ssize_t)sizeof zeroes || fsync(fd) != 0)
        say(d, CRITICAL, "flush", "the directory cannot be written: %s", strerror(errno));
    else {
        size_t count = flushed == NULL ? 0 : write_and_kill(fd, flushed);
        if (count == 0) say(d, UNKNOWN, "flush", "nothing could be written: %s", strerror(errno));
        else judge_flushes(d, fd, flushed, count);
    }
    if (fd >= 0) close(fd);
    free(flushed);
}

/* ---- device -------------------------------------------------------------------------------------------------------- */

/* A file of one line. False: there is none. */
static bool
read_line(const char *path, char *ret_line, int size)
{
    FILE *in = fopen(path, "re");
    bool  ok = in != NULL && fgets(ret_line, size, in) != NULL;

    if (in != NULL) fclose(in);
    if (ok) ret_line[strcspn(ret_line, "\n")] = '\0';
    return ok;
}

static bool
is_mounted_without_barriers(unsigned major_, unsigned minor_)
{
    char  line[4096], device[32];
    FILE *in = fopen("/proc/self/mountinfo", "re");
    bool  found = false;

    snprintf(device, sizeof device, " %u:%u ", major_, minor_);
    while (in != NULL && !found && fgets(line, sizeof line, in) != NULL)
        found = strstr(line, device) != NULL && (strstr(line, "nobarrier") != NULL || strstr(line, "barrier=0") != NULL);
    if (in != NULL) fclose(in);
    return found;
}

static void
examine_device(struct doctor *d)
{
    struct stat st;
    char        path[200], cache[64];
    bool        known = false;

    if (stat(d->dir, &st) != 0) return;
    unsigned major_ = major(st.st_dev), minor_ = minor(st.st_dev);
    if (is_mounted_without_barriers(major_, minor_)) {
        say(d, CRITICAL, "device", "%u:%u is mounted without barriers: flushes do not reach it", major_, minor_);
        return;
    }
    for (int i = 0; i < 2 && !known; i++) { /* a partition's queue is its disk's */
        snprintf(path, sizeof path, "/sys/dev/block/%u:%u/%squeue/write_cache", major_, minor_, i == 0 ? "" : "../");
        known = read_line(path, cache, sizeof cache);
    }
    if (!known) say(d, OK, "device", "%u:%u says nothing of its cache", major_, minor_);
    else if (strcmp(cache, "write back") == 0)
        say(d, OK, "device", "%u:%u has a write cache, and the kernel flushes it", major_, minor_);
    else say(d, OK, "device", "%u:%u: %s. Behind a controller, see that its cache has a battery", major_, minor_, cache);
}

/* ---- space, limits, clock ------------------------------------------------------------------------------------------ */

/* Bytes that an order takes: as the log that is there has it, else as it was measured. */
static uint64_t
order_bytes(const char *dir, uint64_t *ret_events)
{
    static const char *const names[] = {"books/data.mdb", "rows/data.mdb"};
    char                     path[4200];
    struct stat              st;
    uint64_t                 bytes = 0;

    *ret_events = 0;
    snprintf(path, sizeof path, "%s/head", dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && pread(fd, ret_events, sizeof *ret_events, 0) != (ssize_t)sizeof *ret_events) *ret_events = 0;
    if (fd >= 0) close(fd);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        if (stat(path, &st) == 0) bytes += (uint64_t)st.st_size;
    }
    return *ret_events < LOG_EVENTS_MIN ? ORDER_BYTES : bytes / *ret_events * ORDER_EVENTS + 1;
}

static void
examine_space(struct doctor *d)
{
    struct statvfs st;
    uint64_t       events, each = order_bytes(d->dir, &events);

    if (statvfs(d->dir, &st) != 0) {
        say(d, UNKNOWN, "space", "%s", strerror(errno));
        return;
    }
    uint64_t free_bytes = (uint64_t)st.f_bavail * st.f_frsize;
    say(d, free_bytes < SPACE_LEAST ? CRITICAL : free_bytes < SPACE_LITTLE ? WARNING : OK, "space",
        "%" PRIu64 " MiB are free, about %" PRIu64 " orders of %" PRIu64 " bytes, %s", free_bytes >> 20, free_bytes / each, each,
        events < LOG_EVENTS_MIN ? "as measured elsewhere" : "as in the log here");
}

static void
examine_limits(struct doctor *d)
{
    struct rlimit files, memory, size;

    getrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_AS, &memory);
    getrlimit(RLIMIT_FSIZE, &size);
    /* The engine raises its own to what it may have. */
    if (files.rlim_max < FILES_MIN)
        say(d, WARNING, "limits", "%" PRIu64 " open files: each connection takes one; give it %d", (uint64_t)files.rlim_max,
            FILES_MIN);
    if (memory.rlim_cur < MAP_BYTES)
        say(d, WARNING, "limits", "%" PRIu64 " MiB of address space: the log cannot grow past a part of it; 2 TiB are asked for",
            (uint64_t)memory.rlim_cur >> 20);
    if (size.rlim_cur != RLIM_INFINITY)
        say(d, WARNING, "limits", "files of at most %" PRIu64 " MiB: the log ends there", (uint64_t)size.rlim_cur >> 20);
    if (files.rlim_max >= FILES_MIN && memory.rlim_cur >= MAP_BYTES && size.rlim_cur == RLIM_INFINITY)
        say(d, OK, "limits", "%" PRIu64 " open files, address space and length of files enough", (uint64_t)files.rlim_max);
}

static void
examine_clock(struct doctor *d)
{
    struct timex t = {.modes = 0};
    struct stat  st;
    char         path[4200];
    time_t       now = time(NULL);

    snprintf(path, sizeof path, "%s/head", d->dir);
    bool behind = stat(path, &st) == 0 && st.st_mtime > now + 1;
    int  state = adjtimex(&t);
    if (behind)
        say(d, CRITICAL, "clock", "it is %lld seconds behind what was written here last", (long long)(st.st_mtime - now));
    else if (state < 0) say(d, UNKNOWN, "clock", "the kernel does not say whether it is synchronised: %s", strerror(errno));
    else if (state == TIME_ERROR || (t.status & STA_UNSYNC) != 0)
        say(d, WARNING, "clock", "nobody synchronises it: events keep their order, but dates and deadlines drift");
    else say(d, OK, "clock", "synchronised, to %ld ms at worst", t.maxerror / 1000);
}

/* ---- all of it ----------------------------------------------------------------------------------------------------- */

int
doctor_examine(const char *dir, bool any_file_system)
{
    struct doctor d = {.dir = dir, .any_file_system = any_file_system};
    struct stat   st;

    if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
        printf("PEDIDO UNKNOWN: there is no directory %s; make it on the disk that is to be examined\n", dir);
        return UNKNOWN;
    }
    examine_file_system(&d);
    examine_flushes(&d);
    examine_device(&d);
    examine_space(&d);
    examine_limits(&d);
    examine_clock(&d);
    enum verdict worst = d.count[CRITICAL] > 0 ? CRITICAL : d.count[WARNING] > 0 ? WARNING : d.count[UNKNOWN] > 0 ? UNKNOWN : OK;
    printf("PEDIDO %s: %d well, %d warnings, %d critical, %d unknown\n%s", verdicts[worst], d.count[OK], d.count[WARNING],
           d.count[CRITICAL], d.count[UNKNOWN], d.lines);
    return (int)worst;
}
