/* log.h - logfmt on stderr, one fact a line: log_begin, then values, then log_end. */
#ifndef CLIENTS_WORKER_LOG_H
#define CLIENTS_WORKER_LOG_H

#include <pedido/types.h>

void log_begin(const char *level, const char *fact);
void log_text(const char *key, struct pd_text value); /* absent: left out */
void log_number(const char *key, uint64_t value);
void log_end(void);

#endif
