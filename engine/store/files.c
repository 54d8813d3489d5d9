#include "engine/store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STEP_MIN = 4 << 20, STEP_MAX = 16 << 20 };

void
files_remove_books(const char *dir)
{
    char path[4200];

    snprintf(path, sizeof path, "%s/data.mdb", dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/lock.mdb", dir);
    unlink(path);
    rmdir(dir);
}

int
files_space_open(struct files_space *s, const char *path)
{
    struct stat st;

    s->fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
    if (s->fd < 0 && errno == EINVAL) s->fd = open(path, O_RDWR | O_CLOEXEC);
    if (s->fd < 0 || fstat(s->fd, &st) != 0) return errno;
    s->size = (uint64_t)st.st_size;
    return pthread_mutex_init(&s->lock, NULL);
}

void
files_space_close(struct files_space *s)
{
    if (s->fd < 0) return;
    close(s->fd);
    s->fd = -1;
    pthread_mutex_destroy(&s->lock);
}

/* The end is asked for each time: LMDB writes to the same file. O_DIRECT where the file system has it, since copying zeroes into
 * the page cache cost a sixth of the engine's time. */
static int
extend(struct files_space *s, uint64_t size)
{
    static _Alignas(4096) const char zeroes[1 << 20];
    struct stat st;

    if (fstat(s->fd, &st) != 0) return errno;
    s->size = (uint64_t)st.st_size;
    while (s->size < size) {
        uint64_t left = size - s->size;
        ssize_t  n = pwrite(s->fd, zeroes, left < sizeof zeroes ? (size_t)left : sizeof zeroes, (off_t)s->size);
        if (n <= 0) {
            if (n < 0 && errno == EINTR) continue;
            if (n < 0 && errno == EINVAL && fcntl(s->fd, F_GETFL) & O_DIRECT) {
                fcntl(s->fd, F_SETFL, 0);
                continue;
            }
            return n == 0 || errno == EDQUOT || errno == EFBIG ? ENOSPC : errno;
        }
        s->size += (uint64_t)n;
    }
    return fdatasync(s->fd) == 0 ? 0 : errno;
}

int
files_space_have(struct files_space *s, uint64_t used, uint64_t needed)
{
    int code = 0;

    if (s->size >= needed) return 0;
    uint64_t step = used / 8 < STEP_MIN ? STEP_MIN : used / 8 > STEP_MAX ? STEP_MAX : used / 8 / STEP_MIN * STEP_MIN;
    pthread_mutex_lock(&s->lock);
    if (s->size < needed) code = extend(s, (needed + step - 1) / step * step);
    /* What could be had may be enough. */
    if (code == ENOSPC && s->size >= needed) code = 0;
    pthread_mutex_unlock(&s->lock);
    return code;
}
