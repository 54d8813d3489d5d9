/* bench.c - the load of scripts/bench: a bare ZeroMQ echo, and the life of orders.
 *
 *   bench echo-server ENDPOINT REPLY_BYTES
 *   bench echo ENDPOINT [bytes=109] [outstanding=1024] [connections=1] [seconds=1]
 *   bench lifecycle COMMANDS WORKERS [outstanding=1024] [connections=1] [array=1] [reports=1] [resellers=16] [pace=0]
 *                                    [library=0] [seconds=1] [run=TEXT]
 *
 * The last two print one JSON line. A lifecycle finishes afterwards, unmeasured, what it has begun: the next one is to find no
 * task that is not its own. Bounded in time; only to endpoints on this machine. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/echo.h"
#include "tests/bench/lifecycle.h"

int
main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "echo-server") == 0) return echo_server(argv[2], strtoul(argv[3], NULL, 10));
    if (argc >= 3 && strcmp(argv[1], "echo") == 0) return echo(argv[2], argv + 3);
    if (argc >= 4 && strcmp(argv[1], "lifecycle") == 0) return lifecycle(argv[2], argv[3], argv + 4);
    fputs("bench echo-server|echo|lifecycle ...; see scripts/bench\n", stderr);
    return 2;
}
