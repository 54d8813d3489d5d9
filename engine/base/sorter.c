#include "engine/base/sorter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/sort.h"
#include "proto/check.h"

/* A pair as it lies in memory and in a run: its head, the key, the value. */
struct pair_head {
    uint16_t key_size, value_size;
};
enum { PAIR_MAX = sizeof(struct pair_head) + SORTER_KEY_MAX + SORTER_VALUE_MAX };

/* What is read of the file, a piece at a time. */
struct run {
    uint64_t at, end; /* of what has not been read yet */
    char    *bytes;   /* that have been, `next` and what follows up to `size` not yet taken */
    size_t   next, size;
};

struct sorter {
    char            *dir;
    int              fd; /* -1: there are no runs */
    size_t           memory;
    char            *bytes; /* pairs that are in no run */
    size_t           size, capacity;
    struct sort_key *places; /* theirs, in order once it is finished */
    size_t           count, room, taken;
    struct run      *runs;
    size_t           run_count, piece;
    struct run     **live; /* a heap of those that are not at their end */
    size_t           live_count;
    bool             finished, shown; /* the first of the heap was shown last */
    uint64_t         added;
};

struct sorter *
sorter_new(const char *dir, size_t memory)
{
    struct sorter *s = calloc(1, sizeof *s);

    PD_CHECK(s != NULL && (s->dir = strdup(dir)) != NULL);
    s->fd = -1;
    s->memory = memory;
    return s;
}

static void
forget_pairs(struct sorter *s)
{
    free(s->bytes);
    free(s->places);
    s->bytes = NULL;
    s->places = NULL;
    s->size = s->capacity = s->count = s->room = 0;
}

void
sorter_free(struct sorter **sorter)
{
    struct sorter *s = *sorter;

    if (s == NULL) return;
    if (s->fd >= 0) close(s->fd);
    forget_pairs(s);
    for (size_t i = 0; i < s->run_count; i++) free(s->runs[i].bytes);
    free(s->runs);
    free(s->live);
    free(s->dir);
    free(s);
    *sorter = NULL;
}

uint64_t
sorter_count(const struct sorter *s)
{
    return s->added;
}

/* ---- pairs --------------------------------------------------------------------------------------------------------- */

static struct pd_text
key_at(const char *pair)
{
    struct pair_head head;

    memcpy(&head, pair, sizeof head);
    return (struct pd_text){pair + sizeof head, head.key_size};
}

static size_t
size_at(const char *pair)
{
    struct pair_head head;

    memcpy(&head, pair, sizeof head);
    return sizeof head + head.key_size + head.value_size;
}

static void
show(const char *pair, struct pd_text *ret_key, struct pd_text *ret_value)
{
    *ret_key = key_at(pair);
    *ret_value = (struct pd_text){ret_key->data + ret_key->size, size_at(pair) - sizeof(struct pair_head) - ret_key->size};
}

void
sorter_add(struct sorter *s, struct pd_text key, struct pd_text value)
{
    struct pair_head head = {(uint16_t)key.size, (uint16_t)value.size};

    PD_CHECK(!s->finished && key.size <= SORTER_KEY_MAX && value.size <= SORTER_VALUE_MAX && s->size < UINT32_MAX - PAIR_MAX);
    if (s->capacity - s->size < PAIR_MAX) {
        s->capacity = s->capacity * 2 + (1 << 16);
        PD_CHECK((s->bytes = realloc(s->bytes, s->capacity)) != NULL);
    }
    if (s->count == s->room) {
        s->room = s->room * 2 + 1024;
        PD_CHECK((s->places = realloc(s->places, s->room * sizeof *s->places)) != NULL);
    }
    s->places[s->count++].low = s->size;
    memcpy(s->bytes + s->size, &head, sizeof head);
    memcpy(s->bytes + s->size + sizeof head, key.data, key.size);
    if (value.size > 0) memcpy(s->bytes + s->size + sizeof head + key.size, value.data, value.size);
    s->size += sizeof head + key.size + value.size;
    s->added++;
}

bool
sorter_is_full(const struct sorter *s)
{
    return s->size >= s->memory;
}

/* ---- in order, in memory ------------------------------------------------------------------------------------------- */

/* A place is a few bytes of the key, how many of them it has, and where the pair lies: so those of equal keys are in order, too. */
enum { FEW = 11, OFFSET_BITS = 32 };

static const char *
pair_of(const struct sorter *s, struct sort_key place)
{
    return s->bytes + (uint32_t)place.low;
}

static struct sort_key
place_of(const struct sorter *s, struct sort_key of, size_t depth)
{
    struct pd_text key = key_at(pair_of(s, of));
    size_t         left = key.size - depth;
    uint8_t        few[16] = {0};
    uint64_t       high = 0, low = 0;

    memcpy(few, key.data + depth, left < FEW ? left : FEW);
    few[FEW] = (uint8_t)(left < FEW ? left : FEW);
    for (int i = 0; i < 8; i++) high = high << 8 | few[i];
    for (int i = 8; i <= FEW; i++) low = low << 8 | few[i];
    return (struct sort_key){high, low << OFFSET_BITS | (uint32_t)of.low};
}

/* Those whose first `depth` bytes are the same: by the next few, and what is the same in these by those behind. */
static void
sort_from(struct sorter *s, size_t begin, size_t end, size_t depth)
{
    struct sort_key *places = s->places;

    for (size_t i = begin; i < end; i++) places[i] = place_of(s, places[i], depth);
    sort_keys(places + begin, end - begin);
    for (size_t i = begin, next; i < end; i = next) {
        for (next = i + 1; next < end; next++)
            if (places[next].high != places[i].high || (places[next].low ^ places[i].low) >> OFFSET_BITS != 0) break;
        bool goes_on = (uint8_t)(places[i].low >> OFFSET_BITS) == FEW;
        if (next - i > 1 && goes_on) sort_from(s, i, next, depth + FEW);
    }
}

/* ---- runs ---------------------------------------------------------------------------------------------------------- */

static bool
make_file(struct sorter *s)
{
    char *path;

    PD_CHECK(asprintf(&path, "%s/sorting", s->dir) > 0);
    s->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (s->fd >= 0) unlink(path);
    free(path);
    return s->fd >= 0;
}

static bool
write_all(int fd, const char *bytes, size_t size, uint64_t at)
{
    while (size > 0) {
        ssize_t n = pwrite(fd, bytes, size, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes += n;
        size -= (size_t)n;
        at += (uint64_t)n;
    }
    return true;
}

/* Of the pairs that are in memory, in order. */
static bool
write_run(struct sorter *s, struct run *run)
{
    char  *out = malloc((1 << 20) + PAIR_MAX);
    size_t size = 0;
    bool   written = true;

    PD_CHECK(out != NULL);
    for (size_t i = 0; i < s->count && written; i++) {
        const char *pair = pair_of(s, s->places[i]);
        if (i + 8 < s->count) __builtin_prefetch(pair_of(s, s->places[i + 8]));
        memcpy(out + size, pair, size_at(pair));
        size += size_at(pair);
        if (size < 1 << 20 && i + 1 < s->count) continue;
        written = write_all(s->fd, out, size, run->end);
        run->end += size;
        size = 0;
    }
    free(out);
    return written;
}

bool
sorter_spill(struct sorter *s)
{
    uint64_t   at = s->run_count > 0 ? s->runs[s->run_count - 1].end : 0;
    struct run run = {.at = at, .end = at};

    if (s->count == 0) return true;
    if (s->fd < 0 && !make_file(s)) return false;
    sort_from(s, 0, s->count, 0);
    if (!write_run(s, &run)) return false;
    s->runs = realloc(s->runs, (s->run_count + 1) * sizeof *s->runs);
    PD_CHECK(s->runs != NULL);
    s->runs[s->run_count++] = run;
    s->size = s->count = 0;
    return true;
}

/* ---- merging ------------------------------------------------------------------------------------------------------- */

/* Another pair is in memory, or none is left. */
static bool
read_on(const struct sorter *s, struct run *r)
{
    size_t left = r->size - r->next;

    if (left >= sizeof(struct pair_head) && left >= size_at(r->bytes + r->next)) return true;
    memmove(r->bytes, r->bytes + r->next, left);
    r->next = 0;
    r->size = left;
    while (r->size < s->piece && r->at < r->end) {
        size_t  wanted = s->piece - r->size < r->end - r->at ? s->piece - r->size : (size_t)(r->end - r->at);
        ssize_t n = pread(s->fd, r->bytes + r->size, wanted, (off_t)r->at);
        if (n < 0 && errno == EINTR) continue;
        if (n == 0) errno = EIO; /* nobody else has the file */
        if (n <= 0) return false;
        r->size += (size_t)n;
        r->at += (uint64_t)n;
    }
    return true;
}

/* What is the same in two runs was added to the earlier one first. */
static bool
is_before(const struct run *a, const struct run *b)
{
    struct pd_text x = key_at(a->bytes + a->next), y = key_at(b->bytes + b->next);
    int            order = memcmp(x.data, y.data, x.size < y.size ? x.size : y.size);

    if (order == 0) order = (x.size > y.size) - (x.size < y.size);
    return order < 0 || (order == 0 && a < b);
}

static void
sink(struct sorter *s, size_t at)
{
    struct run *run = s->live[at];

    for (size_t child; (child = 2 * at + 1) < s->live_count; at = child) {
        if (child + 1 < s->live_count && is_before(s->live[child + 1], s->live[child])) child++;
        if (!is_before(s->live[child], run)) break;
        s->live[at] = s->live[child];
    }
    s->live[at] = run;
}

/* The memory that pairs have had is shared by the runs. */
static bool
begin_merge(struct sorter *s)
{
    forget_pairs(s);
    s->piece = s->memory / s->run_count > PAIR_MAX ? s->memory / s->run_count : PAIR_MAX;
    if (s->live == NULL) s->live = calloc(s->run_count, sizeof *s->live);
    PD_CHECK(s->live != NULL);
    while (s->live_count < s->run_count) {
        struct run *run = &s->runs[s->live_count];
        if (run->bytes == NULL) PD_CHECK((run->bytes = malloc(s->piece)) != NULL);
        if (!read_on(s, run)) return false;
        s->live[s->live_count++] = run;
    }
    for (size_t at = s->live_count / 2; at-- > 0;) sink(s, at);
    return true;
}

bool
sorter_finish(struct sorter *s)
{
    PD_CHECK(!s->finished);
    if (s->run_count > 0 && !sorter_spill(s)) return false;
    if (s->run_count == 0) sort_from(s, 0, s->count, 0);
    else if (!begin_merge(s)) return false;
    s->finished = true;
    return true;
}

/* The first of the heap has been taken. */
static bool
move_on(struct sorter *s)
{
    struct run *first = s->live[0];

    first->next += size_at(first->bytes + first->next);
    if (!read_on(s, first)) return false;
    if (first->next == first->size) s->live[0] = s->live[--s->live_count];
    if (s->live_count > 0) sink(s, 0);
    return true;
}

bool
sorter_next(struct sorter *s, struct pd_text *ret_key, struct pd_text *ret_value, bool *ret_failed)
{
    PD_CHECK(s->finished);
    *ret_failed = false;
    if (s->run_count == 0) {
        if (s->taken == s->count) return false;
        show(pair_of(s, s->places[s->taken++]), ret_key, ret_value);
        return true;
    }
    *ret_failed = s->shown && !move_on(s);
    s->shown = true;
    if (*ret_failed || s->live_count == 0) return false;
    show(s->live[0]->bytes + s->live[0]->next, ret_key, ret_value);
    return true;
}
