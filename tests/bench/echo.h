/* echo.h - a bare ZeroMQ ROUTER that answers every message with as many bytes, and who asks it. */
#ifndef BENCH_ECHO_H
#define BENCH_ECHO_H

#include <stddef.h>

int echo_server(const char *endpoint, size_t reply_bytes);
int echo(const char *endpoint, char *const *settings);

#endif
