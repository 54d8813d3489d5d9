#include "engine/index/run.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "proto/check.h"

enum { LINE_PAIRS = 32, LINE_BITS = 448, PROBES = 6, PROBE_BITS = 10, LINES_PER_PAGE = RUN_PAGE / sizeof(struct run_line) };

static const char magic[8] = "pd-run-1";

_Static_assert(sizeof(struct run_line) == 64, "a line of the cache");
_Static_assert(sizeof(((struct run_line *)NULL)->bits) * 8 == LINE_BITS, "the filter's bits");

static uint64_t
line_of(uint64_t print, uint64_t lines)
{
    return (uint64_t)((unsigned __int128)print * lines >> 64);
}

/* The n-th bit of a fingerprint in its line's filter; `mixed` is of bits that do not choose the line. */
static unsigned
probe(uint64_t mixed, int n)
{
    unsigned part = mixed >> (PROBE_BITS * n) & ((1u << PROBE_BITS) - 1);
    return part * LINE_BITS >> PROBE_BITS;
}

static uint64_t
mix(uint64_t print)
{
    uint64_t x = print * 0x9e3779b97f4a7c15u;
    return x ^ x >> 32;
}

static bool
may_have(const struct run_line *line, uint64_t print)
{
    uint64_t mixed = mix(print);
    for (int i = 0; i < PROBES; i++) {
        unsigned bit = probe(mixed, i);
        if ((line->bits[bit / 64] >> bit % 64 & 1) == 0) return false;
    }
    return true;
}

static size_t
pages_of(uint64_t count, size_t per_page)
{
    return (size_t)((count + per_page - 1) / per_page);
}

static uint64_t
head_sum(const struct run_head *head)
{
    return XXH3_64bits(head, offsetof(struct run_head, sum));
}

/* ---- opening ------------------------------------------------------------------------------------------------------- */

static bool
is_whole(const struct run *r)
{
    const struct run_head *h = &r->head;
    uint64_t               most = r->size / sizeof(struct pair); /* before anything is multiplied */

    if (memcmp(h->magic, magic, sizeof magic) != 0 || h->sum != head_sum(h)) return false;
    if (h->pairs > most || h->lines > most || h->lines == 0 || h->from > h->to) return false;
    size_t pages = pages_of(h->lines, LINES_PER_PAGE) + pages_of(h->pairs, RUN_PAIRS_PER_PAGE);
    if (r->size != (1 + pages) * RUN_PAGE + pages * sizeof(uint64_t)) return false;
    return XXH3_64bits(r->bytes + (1 + pages) * RUN_PAGE, pages * sizeof(uint64_t)) == h->sums_sum;
}

bool
run_open(struct shelf *shelf, const char *name, struct run **ret_run)
{
    struct run *r = calloc(1, sizeof *r);

    PD_CHECK(r != NULL && strlen(name) < sizeof r->name);
    r->shelf = shelf;
    strcpy(r->name, name);
    r->bytes = shelf_map(shelf, name, &r->size);
    if (r->bytes != NULL && r->size >= RUN_PAGE) memcpy(&r->head, r->bytes, sizeof r->head);
    if (r->bytes == NULL || r->size < RUN_PAGE || !is_whole(r)) {
        run_close(&r);
        return false;
    }
    size_t line_pages = pages_of(r->head.lines, LINES_PER_PAGE);
    r->pages = line_pages + pages_of(r->head.pairs, RUN_PAIRS_PER_PAGE);
    r->lines = (const void *)(r->bytes + RUN_PAGE);
    r->pairs = (const void *)(r->bytes + (1 + line_pages) * RUN_PAGE);
    r->sums = r->bytes + (1 + r->pages) * RUN_PAGE;
    r->looked_at = calloc(r->pages, sizeof *r->looked_at);
    PD_CHECK(r->looked_at != NULL);
    *ret_run = r;
    return true;
}

void
run_close(struct run **run)
{
    struct run *r = *run;

    if (r == NULL) return;
    if (r->bytes != NULL) shelf_unmap(r->shelf, r->bytes, r->size);
    free(r->looked_at);
    free(r);
    *run = NULL;
}

/* ---- looking ------------------------------------------------------------------------------------------------------- */

static bool
look_at_page(struct run *r, size_t page)
{
    uint64_t sum;

    memcpy(&sum, r->sums + page * sizeof sum, sizeof sum);
    if (XXH3_64bits(r->bytes + (1 + page) * RUN_PAGE, RUN_PAGE) != sum) return false;
    atomic_store_explicit(&r->looked_at[page], 1, memory_order_relaxed);
    return true;
}

static bool
is_good(struct run *r, const void *at)
{
    size_t page = (size_t)((const char *)at - r->bytes) / RUN_PAGE - 1;
    return atomic_load_explicit(&r->looked_at[page], memory_order_relaxed) || look_at_page(r, page);
}

/* How many pairs stand before a line; true for the one behind the last as well. */
static bool
first_of(struct run *r, uint64_t line, uint64_t *ret_first)
{
    *ret_first = r->head.pairs;
    if (line == r->head.lines) return true;
    if (!is_good(r, &r->lines[line])) return false;
    *ret_first = r->lines[line].first;
    return *ret_first <= r->head.pairs;
}

bool
run_find(struct run *r, uint64_t print, const struct pair **ret_pairs, size_t *ret_count)
{
    uint64_t               n = line_of(print, r->head.lines), from, to;
    const struct run_line *line = &r->lines[n];

    *ret_count = 0;
    if (!is_good(r, line)) return false;
    if (!may_have(line, print)) return true;
    if (!first_of(r, n, &from) || !first_of(r, n + 1, &to) || from > to) return false;
    for (uint64_t page = from / RUN_PAIRS_PER_PAGE; from < to && page <= (to - 1) / RUN_PAIRS_PER_PAGE; page++)
        if (!is_good(r, &r->pairs[page * RUN_PAIRS_PER_PAGE])) return false;
    for (uint64_t end = to; from < end;) { /* the first one that is not before it */
        uint64_t middle = from + (end - from) / 2;
        if (r->pairs[middle].print < print) from = middle + 1;
        else end = middle;
    }
    *ret_pairs = &r->pairs[from];
    while (from < to && r->pairs[from].print == print) {
        from++;
        ++*ret_count;
    }
    return true;
}

void
run_prefetch(const struct run *r, uint64_t print)
{
    __builtin_prefetch(&r->lines[line_of(print, r->head.lines)]);
}

bool
run_read(struct run *r, uint64_t n, const struct pair **ret_pairs, size_t *ret_count)
{
    uint64_t end = (n / RUN_PAIRS_PER_PAGE + 1) * RUN_PAIRS_PER_PAGE;

    *ret_count = 0;
    if (n >= r->head.pairs) return true;
    *ret_pairs = &r->pairs[n];
    *ret_count = (size_t)((end < r->head.pairs ? end : r->head.pairs) - n);
    return is_good(r, &r->pairs[n]);
}

/* ---- writing ------------------------------------------------------------------------------------------------------- */

enum { BUFFER_PAGES = 16 };

/* One of the two parts, from its first page on. */
struct stream {
    uint64_t first; /* page of the file */
    size_t   page;  /* the next one to be written, counted from there */
    size_t   used;  /* bytes */
    char     bytes[BUFFER_PAGES * RUN_PAGE];
};

struct run_writer {
    struct shelf_file *file;
    struct stream      lines, pairs;
    struct run_line    line;
    uint64_t           at, line_count, count, ids; /* at: the line that is being filled */
    uint64_t          *sums; /* of the lines' pages, then the pairs' */
    size_t             sums_size;
};

bool
run_begin(struct shelf *shelf, uint64_t most, struct run_writer **ret_writer)
{
    struct run_writer *w = calloc(1, sizeof *w);

    PD_CHECK(w != NULL);
    if (!shelf_begin(shelf, &w->file)) {
        free(w);
        return false;
    }
    w->line_count = most / LINE_PAIRS + 1;
    w->lines.first = 1;
    w->pairs.first = 1 + pages_of(w->line_count, LINES_PER_PAGE);
    w->sums_size = w->pairs.first + pages_of(most, RUN_PAIRS_PER_PAGE);
    w->sums = calloc(w->sums_size, sizeof *w->sums);
    PD_CHECK(w->sums != NULL);
    *ret_writer = w;
    return true;
}

/* Whole pages; the last one is filled up with zeroes. */
static bool
flush(struct run_writer *w, struct stream *s)
{
    size_t pages = (s->used + RUN_PAGE - 1) / RUN_PAGE;

    memset(s->bytes + s->used, 0, pages * RUN_PAGE - s->used);
    for (size_t i = 0; i < pages; i++)
        w->sums[s->first - 1 + s->page + i] = XXH3_64bits(s->bytes + i * RUN_PAGE, RUN_PAGE);
    bool ok = shelf_write(w->file, (s->first + s->page) * RUN_PAGE, s->bytes, pages * RUN_PAGE);
    s->page += pages;
    s->used = 0;
    return ok;
}

static bool
append(struct run_writer *w, struct stream *s, const void *bytes, size_t size)
{
    memcpy(s->bytes + s->used, bytes, size);
    s->used += size;
    return s->used < sizeof s->bytes || flush(w, s);
}

/* Ends lines until one is reached. */
static bool
go_to_line(struct run_writer *w, uint64_t line)
{
    for (; w->at < line; w->at++) {
        if (!append(w, &w->lines, &w->line, sizeof w->line)) return false;
        w->line = (struct run_line){.first = w->count};
    }
    return true;
}

bool
run_add(struct run_writer *w, struct pair pair)
{
    uint64_t mixed = mix(pair.print);

    if (!go_to_line(w, line_of(pair.print, w->line_count))) return false;
    for (int i = 0; i < PROBES; i++) {
        unsigned bit = probe(mixed, i);
        w->line.bits[bit / 64] |= (uint64_t)1 << bit % 64;
    }
    w->count++;
    w->ids += (pair.to & PAIR_ID) != 0;
    return append(w, &w->pairs, &pair, sizeof pair);
}

bool
run_finish(struct run_writer **writer, const struct run_head *head, const char *name)
{
    struct run_writer *w = *writer;
    char               page[RUN_PAGE] = {0};
    struct run_head    h = *head;

    bool ok = go_to_line(w, w->line_count) && flush(w, &w->lines) && flush(w, &w->pairs);
    memcpy(h.magic, magic, sizeof magic);
    h.pairs = w->count;
    h.ids = w->ids;
    h.lines = w->line_count;
    size_t pages = w->pairs.first - 1 + w->pairs.page;
    h.sums_sum = XXH3_64bits(w->sums, pages * sizeof *w->sums);
    h.sum = head_sum(&h);
    memcpy(page, &h, sizeof h);
    ok = ok && shelf_write(w->file, (1 + pages) * RUN_PAGE, w->sums, pages * sizeof *w->sums) &&
         shelf_write(w->file, 0, page, sizeof page) && shelf_finish(&w->file, name);
    run_give_up(writer);
    return ok;
}

void
run_give_up(struct run_writer **writer)
{
    struct run_writer *w = *writer;

    if (w == NULL) return;
    shelf_give_up(&w->file);
    free(w->sums);
    free(w);
    *writer = NULL;
}
