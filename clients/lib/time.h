/* time.h - times as people and JSON write them: RFC 3339 in UTC, with microseconds. */
#ifndef CLIENTS_LIB_TIME_H
#define CLIENTS_LIB_TIME_H

#include <pedido/types.h>

/* 2026-01-01T00:00:00.000000Z */
enum { PD_TIME_TEXT_SIZE = 80 };
void pd_time_to_text(pd_time_us time, char ret_text[PD_TIME_TEXT_SIZE]);

/* Takes any offset and up to six decimals. False for what is no time since 1970. */
bool pd_time_from_text(const char *text, pd_time_us *ret_time);

#endif
