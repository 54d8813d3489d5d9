/* run.h - pairs in order, in a file that is written once: what the index remembers of the past.
 *
 *   page 0   what it is: struct run_head, and its checksum
 *   lines    a line of the cache for every LINE_PAIRS pairs or so: how many pairs stand before its own, and a Bloom filter of
 *            their fingerprints (Putze, Sanders and Singler, 2007). The highest bits of a fingerprint say which line it is
 *            in, so lines and pairs are in the same order, and both are written from beginning to end
 *   pairs    in order
 *   sums     of each page of lines and pairs an xxh3-64
 *
 * A fingerprint that is not there costs one miss of the cache, one that is there two or three. A page is held against its sum when
 * it is first looked at. */
#ifndef INDEX_RUN_H
#define INDEX_RUN_H

#include <stdatomic.h>

#include "engine/index/pairs.h"
#include "engine/index/shelf.h"
#include "proto/limits.h"

enum { RUN_PAGE = 4096, RUN_PAIRS_PER_PAGE = RUN_PAGE / sizeof(struct pair) };

struct run_line {
    uint64_t first; /* how many pairs stand before it */
    uint64_t bits[7];
};

/* In the byte order of the machine, as everything in a data directory. */
struct run_head {
    char     magic[8];
    uint64_t from, to; /* positions of the log: what events behind `from` up to `to` have changed */
    uint64_t pairs, ids, lines;
    uint8_t  log_id[PD_LOG_ID_BYTES];
    uint64_t sums_sum; /* the sums' own */
    uint64_t sum;      /* of what is before it */
};

struct run {
    struct shelf          *shelf;
    char                   name[SHELF_NAME_MAX];
    struct run_head        head;
    const char            *bytes;
    size_t                 size, pages; /* of lines and pairs */
    const struct run_line *lines;
    const struct pair     *pairs;
    const char            *sums;
    _Atomic uint8_t       *looked_at; /* by page */
};

/* Any thread may look at a run, at the same time as others. */

/* False: there is no such file, or it is none, or its head or sums are damaged. */
bool run_open(struct shelf *shelf, const char *name, struct run **ret_run);
void run_close(struct run **run);

/* The pairs of a fingerprint, valid while the run is open. False: a page is damaged. */
bool run_find(struct run *run, uint64_t print, const struct pair **ret_pairs, size_t *ret_count);
void run_prefetch(const struct run *run, uint64_t print);

/* So many pairs from the n-th on, at most a page's and of one page; 0 behind the last. False: damaged. */
bool run_read(struct run *run, uint64_t n, const struct pair **ret_pairs, size_t *ret_count);

/* ---- writing ------------------------------------------------------------------------------------------------------- */

struct run_writer;

/* For at most so many pairs; given in order, each once. False, here and below: errno says why, and it is to be given up. */
bool run_begin(struct shelf *shelf, uint64_t most, struct run_writer **ret_writer);
bool run_add(struct run_writer *writer, struct pair pair);

/* `head`: from, to and log_id. The writer is gone in either case. */
bool run_finish(struct run_writer **writer, const struct run_head *head, const char *name);
void run_give_up(struct run_writer **writer);

#endif
