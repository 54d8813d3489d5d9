/* problem.c - what went wrong, in a sentence; and the clock. */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "clients/lib/state.h"

const char *
pd_client_problem(const struct pd_client *client)
{
    return client->problem;
}

enum pd_client_status
pd_client_fail(struct pd_client *client, enum pd_client_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(client->problem, sizeof client->problem, pd_client_words(client, format), args);
    va_end(args);
    client->refusal = PD_OK;
    return status;
}

enum pd_error_code
pd_client_refusal(const struct pd_client *client)
{
    return client->refusal;
}

uint64_t
pd_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}
