/* reading.c - the loads of scripts/bench that read: what fills the log before, queries, replays and live subscribers.
 *
 *   reading fill COMMANDS FROM TO ORDERS                             orders FROM to TO, without the last, of a log of ORDERS
 *   reading ask QUERIES WHAT ORDERS OUTSTANDING PACE                  so many a second; PACE 0: as fast as they are answered
 *   reading follow COMMANDS EVENTS                                    all resellers' events from the beginning, by libpedido
 *   reading pages QUERIES EVENTS                                      the same by one ReadLog after another
 *   reading listen EVENTS all|own SUBSCRIBERS                         live
 *
 * ask and listen say when they are ready, and go on until there is a line on standard input.
 * Only to endpoints on this machine. */
#include "tests/bench/reading.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t
number(const char *text)
{
    return strtoull(text, NULL, 10);
}

int
main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (argc == 6 && strcmp(what, "fill") == 0) return fill(argv[2], number(argv[3]), number(argv[4]), number(argv[5]));
    if (argc == 7 && strcmp(what, "ask") == 0) return ask(argv[2], argv[3], number(argv[4]), number(argv[5]), atof(argv[6]));
    if (argc == 4 && strcmp(what, "follow") == 0) return follow(argv[2], number(argv[3]));
    if (argc == 4 && strcmp(what, "pages") == 0) return read_pages(argv[2], number(argv[3]));
    if (argc == 5 && strcmp(what, "listen") == 0) return listen_live(argv[2], argv[3], number(argv[4]));
    fputs("reading fill|ask|follow|pages|listen ...; see scripts/bench\n", stderr);
    return 2;
}
