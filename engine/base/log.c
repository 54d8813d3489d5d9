#include "engine/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static enum log_level least_level = LOG_LEVEL_INFO;

void
log_set_level(enum log_level least)
{
    least_level = least;
}

static void
log_line(enum log_level level, const char *fact, const char *pairs, va_list args)
{
    static const char *const names[] = {"info", "warn", "error"};
    char            line[1024];
    struct timespec now;
    struct tm       tm;
    size_t          size;

    if (level < least_level) return;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    size = strftime(line, sizeof line, "time=%Y-%m-%dT%H:%M:%S", &tm);
    size += (size_t)snprintf(line + size, sizeof line - size, ".%03ldZ level=%s fact=%s%s", now.tv_nsec / 1000000, names[level],
                             fact, pairs[0] == '\0' ? "" : " ");
    int n = vsnprintf(line + size, sizeof line - size, pairs, args);
    size += n < 0 ? 0 : (size_t)n;
    if (size > sizeof line - 1) size = sizeof line - 1;
    line[size++] = '\n';
    if (write(STDERR_FILENO, line, size) < 0) return; /* nowhere to say it */
}

#define LEVEL(name, level)                                                                                             \
    void log_##name(const char *fact, const char *pairs, ...)                                                          \
    {                                                                                                                  \
        va_list args;                                                                                                  \
        va_start(args, pairs);                                                                                         \
        log_line(level, fact, pairs, args);                                                                            \
        va_end(args);                                                                                                  \
    }
LEVEL(info, LOG_LEVEL_INFO)
LEVEL(warn, LOG_LEVEL_WARN)
LEVEL(error, LOG_LEVEL_ERROR)
