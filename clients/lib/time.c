#include "clients/lib/time.h"

#include <stdio.h>
#include <time.h>

void
pd_time_to_text(pd_time_us time, char ret_text[PD_TIME_TEXT_SIZE])
{
    time_t    seconds = (time_t)(time / 1000000);
    struct tm tm = {0};

    gmtime_r(&seconds, &tm);
    snprintf(ret_text, PD_TIME_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%06uZ", tm.tm_year + 1900, tm.tm_mon + 1,
             tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (unsigned)(time % 1000000));
}

static const char *
read_digits(const char *p, int count, int *ret_value)
{
    int value = 0;
    for (int i = 0; p != NULL && i < count; i++, p++) {
        if (*p < '0' || *p > '9') return NULL;
        value = value * 10 + (*p - '0');
    }
    *ret_value = value;
    return p;
}

static const char *
read_mark(const char *p, const char *marks)
{
    return p != NULL && *p != '\0' && strchr(marks, *p) != NULL ? p + 1 : NULL;
}

static const char *
read_fraction(const char *p, int *ret_us)
{
    int us = 0, scale = 100000;
    if (p == NULL || *p != '.') {
        *ret_us = 0;
        return p;
    }
    for (p++; *p >= '0' && *p <= '9'; p++, scale /= 10) us += (*p - '0') * scale;
    *ret_us = us;
    return p;
}

static const char *
read_offset(const char *p, int *ret_seconds)
{
    int hours = 0, minutes = 0;
    *ret_seconds = 0;
    if (p == NULL) return NULL;
    if (*p == 'Z' || *p == 'z') return p + 1;
    int sign = *p == '-' ? -1 : 1;
    p = read_digits(read_mark(p, "+-"), 2, &hours);
    p = read_digits(read_mark(p, ":"), 2, &minutes);
    *ret_seconds = sign * (hours * 3600 + minutes * 60);
    return p;
}

bool
pd_time_from_text(const char *text, pd_time_us *ret_time)
{
    struct tm   tm = {0};
    int         us, offset;
    const char *p = read_digits(text, 4, &tm.tm_year);

    p = read_digits(read_mark(p, "-"), 2, &tm.tm_mon);
    p = read_digits(read_mark(p, "-"), 2, &tm.tm_mday);
    p = read_digits(read_mark(p, "Tt "), 2, &tm.tm_hour);
    p = read_digits(read_mark(p, ":"), 2, &tm.tm_min);
    p = read_digits(read_mark(p, ":"), 2, &tm.tm_sec);
    p = read_offset(read_fraction(p, &us), &offset);
    if (p == NULL || *p != '\0') return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    struct tm asked = tm;
    int64_t   seconds = (int64_t)timegm(&tm);
    /* timegm mends what is no date, such as 31 February. */
    if (tm.tm_mday != asked.tm_mday || tm.tm_mon != asked.tm_mon || tm.tm_hour != asked.tm_hour || tm.tm_min != asked.tm_min)
        return false;
    seconds -= offset;
    if (seconds < 0) return false;
    *ret_time = (pd_time_us)seconds * 1000000 + (pd_time_us)us;
    return true;
}
