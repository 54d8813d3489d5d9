#include "clients/lib/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FIRST_LINE "pedido checkpoint 1\n"

int
pd_checkpoint_read(const char *path, struct pd_checkpoint *ret_checkpoint)
{
    struct pd_checkpoint c = {.position = 0};
    char                 text[256] = "";
    int                  fd = open(path, O_RDONLY | O_CLOEXEC), end = 0;

    if (fd < 0) return errno;
    ssize_t n = read(fd, text, sizeof text - 1);
    int     failed = n < 0 ? errno : 0;
    close(fd);
    if (failed != 0) return failed;
    if (strncmp(text, FIRST_LINE, strlen(FIRST_LINE)) != 0) return EBADMSG;
    const char *rest = text + strlen(FIRST_LINE);
    int         read_ = sscanf(rest, "log %40s reseller %71s position %" SCNu64 "%n", c.log, c.reseller, &c.position, &end);
    if (read_ != 3 || rest[end] != '\n') return EBADMSG;
    *ret_checkpoint = c;
    return 0;
}

/* The directory's entry, too: a new name may be lost otherwise. */
static int
sync_directory(const char *path)
{
    char        directory[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int         size = slash == NULL ? 1 : (int)(slash - path) + 1;

    snprintf(directory, sizeof directory, "%.*s", size, slash == NULL ? "." : path);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return errno;
    int failed = fsync(fd) != 0 ? errno : 0;
    close(fd);
    return failed;
}

int
pd_checkpoint_write(const char *path, const struct pd_checkpoint *c)
{
    char text[256], made[PATH_MAX];
    int  size = snprintf(text, sizeof text, FIRST_LINE "log %s\nreseller %s\nposition %" PRIu64 "\n", c->log, c->reseller,
                         c->position);

    if (snprintf(made, sizeof made, "%s.new", path) >= (int)sizeof made) return ENAMETOOLONG;
    int fd = open(made, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0) return errno;
    ssize_t n = write(fd, text, (size_t)size);
    int     failed = n < 0 ? errno : n != size ? ENOSPC : fsync(fd) != 0 ? errno : 0;
    close(fd);
    if (failed == 0 && rename(made, path) != 0) failed = errno;
    if (failed != 0) unlink(made);
    return failed != 0 ? failed : sync_directory(path);
}
