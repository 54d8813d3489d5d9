/* log.h - one fact a line, in logfmt, on stderr. Any thread. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/* What is less than `least` is not said from now on; before any, everything is. To be set before there are threads. */
void log_set_level(enum log_level least);

/* time=... level=... fact=<fact> and then key=value pairs, formatted as by printf; values with spaces are for the caller to
 * quote. The line is written at once, whole. */
void log_info(const char *fact, const char *pairs, ...) __attribute__((format(printf, 2, 3)));
void log_warn(const char *fact, const char *pairs, ...) __attribute__((format(printf, 2, 3)));
void log_error(const char *fact, const char *pairs, ...) __attribute__((format(printf, 2, 3)));

#endif
