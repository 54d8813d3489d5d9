/* reference.c - references of scripts/bench.
 *
 *   reference flush FILE   [bytes=20480] [seconds=1]            into written zeroes: so many bytes, flushed, and a head, flushed
 *   reference lmdb DIR     [bytes=256] [batch=1] [seconds=1]    appended under the next number, so many a transaction
 *   reference sqlite FILE  [bytes=256] [batch=1] [seconds=1]    the same; unique stream and version; WAL, synchronous=FULL
 *   reference nats PORT    [bytes=109] [outstanding=1024] [seconds=1]   to a JetStream stream on 127.0.0.1, acknowledged
 */
#include "tests/bench/reference.h"

#include <stdio.h>
#include <string.h>

int
main(int argc, char **argv)
{
    const char *what = argc >= 3 ? argv[1] : "";

    if (strcmp(what, "flush") == 0) return flush_file(argv[2], argv + 3);
    if (strcmp(what, "lmdb") == 0) return append_lmdb(argv[2], argv + 3);
    if (strcmp(what, "sqlite") == 0) return append_sqlite(argv[2], argv + 3);
    if (strcmp(what, "nats") == 0) return publish_nats(argv[2], argv + 3);
    fputs("reference flush|lmdb|sqlite|nats ...; see scripts/bench\n", stderr);
    return 2;
}
