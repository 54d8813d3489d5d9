/* metrics.h - what GetMetrics answers, for its printers: metrics, check, status and top. */
#ifndef CLIENTS_CLI_VERBS_METRICS_H
#define CLIENTS_CLI_VERBS_METRICS_H

#include "clients/cli/cli.h"

/* The row of a measure; `of` NULL: the one that is of nothing. NULL: there is none. */
const json_t *metrics_find(const json_t *answer, const char *metric, const char *of);

/* Its value, 0 where there is none; and all its rows together. */
uint64_t metrics_value(const json_t *answer, const char *metric, const char *of);
uint64_t metrics_sum(const json_t *answer, const char *metric);

/* Below what `percent` of a histogram's values lie, a power of two, counting what came after `before` (NULL: all). 0: there were
 * none. */
uint64_t metrics_quantile(const json_t *answer, const json_t *before, const char *metric, const char *of, unsigned percent);

/* How many values came after `before`. */
uint64_t metrics_count(const json_t *answer, const json_t *before, const char *metric, const char *of);

/* As people read it, in a buffer of at least 32 bytes: "1.5 GiB", "0.4 ms", "3 d 4 h"; the buffer. */
const char *metrics_bytes(uint64_t bytes, char ret_text[32]);
const char *metrics_time(uint64_t us, char ret_text[32]);
const char *metrics_age(uint64_t seconds, char ret_text[32]);

#endif
