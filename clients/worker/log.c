#include "clients/worker/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static struct {
    char   text[4096];
    size_t size;
} line;

static void
put(const char *text, size_t size)
{
    size_t room = sizeof line.text - 1 - line.size; /* one for the newline */
    if (size > room) size = room;
    memcpy(line.text + line.size, text, size);
    line.size += size;
}

void
log_begin(const char *level, const char *fact)
{
    struct timespec now;
    struct tm       tm;
    char            text[64];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + n, sizeof text - n, ".%03ldZ", now.tv_nsec / 1000000);
    line.size = 0;
    put("time=", 5);
    put(text, strlen(text));
    put(" level=", 7);
    put(level, strlen(level));
    put(" fact=", 6);
    put(fact, strlen(fact));
}

void
log_text(const char *key, struct pd_text value)
{
    bool quoted = value.size == 0;

    if (value.data == NULL) return;
    for (size_t i = 0; i < value.size; i++)
        quoted |= (unsigned char)value.data[i] <= ' ' || value.data[i] == '"' || value.data[i] == '=' || value.data[i] == '\\';
    put(" ", 1);
    put(key, strlen(key));
    put("=", 1);
    if (quoted) put("\"", 1);
    for (size_t i = 0; i < value.size; i++) {
        char c = value.data[i];
        if (c == '"' || c == '\\') put("\\", 1);
        put((unsigned char)c < 0x20 || c == 0x7f ? " " : &value.data[i], 1);
    }
    if (quoted) put("\"", 1);
}

void
log_number(const char *key, uint64_t value)
{
    char text[24];
    int  n = snprintf(text, sizeof text, "%" PRIu64, value);
    log_text(key, (struct pd_text){text, (size_t)n});
}

void
log_end(void)
{
    line.text[line.size++] = '\n';
    for (size_t at = 0; at < line.size;) {
        ssize_t n = write(STDERR_FILENO, line.text + at, line.size - at);
        if (n <= 0) return;
        at += (size_t)n;
    }
}
