#include "engine/base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/log.h"

int
lock_directory(const char *dir, bool make)
{
    char path[4200], holder[32] = "?";

    if (make && mkdir(dir, 0750) != 0 && errno != EEXIST) {
        log_error("data_failed", "path=\"%s\" error=\"%s\"", dir, strerror(errno));
        return -1;
    }
    snprintf(path, sizeof path, "%s/lock", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) {
        log_error("data_failed", "path=\"%s\" error=\"%s\"", path, strerror(errno));
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        ssize_t n = pread(fd, holder, sizeof holder - 1, 0);
        if (n > 0) holder[n] = '\0';
        holder[strcspn(holder, "\n")] = '\0';
        log_error("data_in_use", "path=\"%s\" pid=%s hint=\"another pedidod has this directory\"", dir, holder);
        close(fd);
        return -1;
    }
    int size = snprintf(holder, sizeof holder, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, holder, (size_t)size, 0) < 0) log_warn("lock_unsigned", "path=\"%s\"", path);
    return fd;
}
