#include "proto/reach.h"

#include <stdio.h>
#include <string.h>

void
pd_endpoint_reach(const char *told, const char *dialled, char ret_endpoint[PD_ENDPOINT_SIZE])
{
    static const char *const every[] = {"tcp://0.0.0.0:", "tcp://[::]:"};
    const char *port = NULL, *colon = strrchr(dialled, ':');

    for (size_t i = 0; i < sizeof every / sizeof every[0]; i++)
        if (strncmp(told, every[i], strlen(every[i])) == 0) port = told + strlen(every[i]);
    if (port == NULL || strncmp(dialled, "tcp://", 6) != 0 || colon == NULL) snprintf(ret_endpoint, PD_ENDPOINT_SIZE, "%s", told);
    else snprintf(ret_endpoint, PD_ENDPOINT_SIZE, "%.*s:%s", (int)(colon - dialled), dialled, port);
}
