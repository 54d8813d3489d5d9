#include "tests/crash/explore.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/check.h"
#include "tests/crash/jobs.h"

/* One recording, and from what it began. */
struct recording {
    struct trace      trace;
    const struct disk *base;
    struct known     *known;
    uint64_t          acknowledged; /* before it began */
    size_t            answered;
    uint64_t          backed_up, restored;
    char              name[NAME_BYTES]; /* of the image it began from, and a slash; or empty */
    uint64_t          salt;
};

/* ---- recording ----------------------------------------------------------------------------------------------------- */

/* Runs a shop over the tree under the recorder; false: it fell over. */
static bool
record(const struct campaign *c, const char *tree, const char *trace, unsigned turns)
{
    char  data[400], seed[32], count[16];
    int   status;
    pid_t pid;

    snprintf(data, sizeof data, "%s/data", tree);
    snprintf(seed, sizeof seed, "%" PRIu64, c->seed);
    snprintf(count, sizeof count, "%u", turns);
    fflush(NULL);
    pid = fork();
    PD_CHECK(pid >= 0);
    if (pid == 0) {
        /* By its name alone: a path in LD_PRELOAD ends at a blank. */
        setenv("LD_LIBRARY_PATH", CRASH_RECORDER_DIR, 1);
        setenv("LD_PRELOAD", CRASH_RECORDER, 1);
        setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
        setenv("CRASH_ROOT", tree, 1);
        setenv("CRASH_TRACE", trace, 1);
        if (c->without != NULL) setenv("CRASH_WITHOUT", c->without, 1);
        execl("/proc/self/exe", "crash", "--drive", data, seed, count, (char *)NULL);
        _exit(127);
    }
    PD_CHECK(waitpid(pid, &status, 0) == pid);
    return status == 0;
}

/* What is known when all of the trace has happened. */
static void
read_known(struct recording *r)
{
    struct known *k = r->known;
    size_t        asked = r->answered, answers = r->answered;

    k->event_count = r->acknowledged;
    for (const struct trace_op *op = r->trace.ops; op < r->trace.ops + r->trace.count; op++) {
        struct said said = {op->bytes, op->bytes_size};
        PD_CHECK(op->offset <= EVENTS_MAX || op->kind != TRACE_EVENT);
        PD_CHECK(asked < ANSWERS_MAX && answers < ANSWERS_MAX);
        if (op->kind == TRACE_EVENT) k->events[k->event_count = op->offset] = said;
        if (op->kind == TRACE_ASKED) k->asked[asked++] = said;
        if (op->kind == TRACE_ANSWER) k->answers[answers++] = said;
    }
}

/* ---- walking ------------------------------------------------------------------------------------------------------- */

/* Whether the image is another one, or more was said before it. */
static bool
is_new(struct campaign *c, const struct disk *d, const struct known *k)
{
    XXH128_hash_t print = disk_print(d);
    uint64_t      said = k->restored > 0 ? 2 : k->backed_up > 0 ? 1 : 0;

    print.low64 += (k->acknowledged + said * (EVENTS_MAX + 1)) * 0x9e3779b97f4a7c15u;
    if (c->seen_count * 2 >= c->seen_room) {
        XXH128_hash_t *old = c->seen;
        size_t         old_room = c->seen_room;
        c->seen_room = old_room == 0 ? 1 << 16 : old_room * 2;
        c->seen = calloc(c->seen_room, sizeof *c->seen);
        PD_CHECK(c->seen != NULL);
        c->seen_count = 0;
        for (size_t i = 0; i < old_room; i++) {
            if (old[i].low64 == 0) continue;
            size_t at = old[i].low64 % c->seen_room;
            while (c->seen[at].low64 != 0) at = (at + 1) % c->seen_room;
            c->seen[at] = old[i];
            c->seen_count++;
        }
        free(old);
    }
    size_t at = print.low64 % c->seen_room;
    for (; c->seen[at].low64 != 0; at = (at + 1) % c->seen_room)
        if (XXH128_isEqual(c->seen[at], print)) return false;
    c->seen[at] = print;
    c->seen_count++;
    return true;
}

static struct dice
dice_of(const struct campaign *c, const struct recording *r, struct place at)
{
    struct dice dice = {c->seed * 1000003 + r->salt};
    dice.state = dice_roll(&dice, UINT64_MAX) + at.cut * 4096 + at.number;
    return dice;
}

/* Called for each call of a recording that changes the disk, with the call under way. False: enough. */
typedef bool visitor(void *arg, struct recording *r, struct disk *d, size_t cut);

static void
walk(struct recording *r, visitor *visit, void *arg)
{
    struct disk *d = malloc(sizeof *d);
    bool         more = true;

    PD_CHECK(d != NULL);
    disk_init_from(d, r->base);
    r->known->acknowledged = r->acknowledged;
    r->known->answered = r->answered;
    r->known->backed_up = r->backed_up;
    r->known->restored = r->restored;
    for (size_t cut = 0; cut < r->trace.count && more; cut++) {
        const struct trace_op *op = &r->trace.ops[cut];
        if (op->kind == TRACE_EVENT) r->known->acknowledged = op->offset;
        if (op->kind == TRACE_ANSWER) r->known->answered++;
        if (op->kind == TRACE_BACKED_UP) r->known->backed_up = op->offset;
        if (op->kind == TRACE_RESTORED) r->known->restored = op->offset;
        if (op->kind >= TRACE_EVENT && op->kind < TRACE_BACKED_UP && cut + 1 < r->trace.count) continue;
        disk_begin(d, op);
        more = visit(arg, r, d, cut);
        disk_end(d, op);
    }
    disk_fini(d);
    free(d);
}

struct round {
    struct campaign *campaign;
    unsigned         number;
    uint64_t         most;
    uint64_t         asked; /* images of this recording */
    size_t           stride;
    bool             open;  /* there may be images of higher numbers */
    bool             backups; /* only moments of a backup, all of them */
};

static void
name_image(const struct recording *r, struct place at, char ret_name[NAME_BYTES])
{
    snprintf(ret_name, NAME_BYTES, "%.30s%zu.%u", r->name, at.cut, at.number);
}

/* Names and syncs of a backup or of what is restored from it, and the word that it is done: they are few, and all depends on their
 * order. */
static bool
is_of_backup(const struct trace_op *op)
{
    bool below = strncmp(op->path, "backup", 6) == 0 || strncmp(op->path, "restored", 8) == 0;
    return op->kind >= TRACE_BACKED_UP || (below && op->kind != TRACE_WRITE && op->kind != TRACE_TRUNCATE);
}

static bool
check_one(void *arg, struct recording *r, struct disk *d, size_t cut)
{
    struct round *round = arg;
    struct place  at = {cut, round->number};
    char          name[NAME_BYTES];

    if (round->number >= disk_images(d)) return true;
    if (round->backups && !is_of_backup(&r->trace.ops[cut])) return true;
    round->open = true;
    /* What is before the first promise is short, and much the same for all seeds: it is looked at nearly whole once. */
    bool nearly_all = r->known->acknowledged == 0 && round->number < FIRST_START && round->campaign->seed == round->campaign->first;
    if (!nearly_all && !round->backups && (cut + round->number) % round->stride != 0) return true;
    disk_lay(d, round->number, dice_of(round->campaign, r, at));
    if (is_new(round->campaign, d, r->known)) {
        name_image(r, at, name);
        jobs_check(round->campaign, d, r->known, name);
        round->asked++;
    }
    disk_lift(d);
    return round->asked < round->most && !campaign_is_over(round->campaign);
}

/* First of every moment one image, then of every moment another: whenever it ends, it has been everywhere. With few images to be
 * had, of each moment only some, that there may be of all kinds. */
static void
explore(struct campaign *c, struct recording *r, uint64_t most, bool backups)
{
    struct round round = {
        .campaign = c, .most = most, .open = true, .stride = 1 + 8 * r->trace.count / (most + 1), .backups = backups};

    while (round.open && round.asked < most && !campaign_is_over(c)) {
        round.open = false;
        walk(r, check_one, &round);
        round.number++;
    }
    jobs_finish(c);
}

/* ---- recoveries ---------------------------------------------------------------------------------------------------- */

struct wanted {
    struct campaign  *campaign;
    struct place      at;
    struct disk      *disk; /* becomes what is found there */
    const char       *tree; /* where it is written */
    uint64_t          acknowledged, backed_up, restored;
    size_t            answered;
    bool              check; /* it is to be checked itself */
    bool              found;
};

static bool
find_one(void *arg, struct recording *r, struct disk *d, size_t cut)
{
    struct wanted *w = arg;
    char           name[NAME_BYTES];

    if (cut < w->at.cut) return true;
    w->at.cut = cut;
    if (w->at.number >= disk_images(d)) w->at.number = 0;
    name_image(r, w->at, name);
    disk_lay(d, w->at.number, dice_of(w->campaign, r, w->at));
    if (w->check) jobs_check(w->campaign, d, r->known, name);
    else {
        disk_init_from(w->disk, d);
        disk_write(d, w->tree);
    }
    disk_lift(d);
    w->acknowledged = r->known->acknowledged;
    w->answered = r->known->answered;
    w->backed_up = r->known->backed_up;
    w->restored = r->known->restored;
    w->found = true;
    return false;
}

/* What happens after the image is recorded as well; then `each` is done with it. */
static void
recover(struct campaign *c, struct recording *first, struct place at, void each(struct campaign *, struct recording *, void *),
        void *arg)
{
    char          tree[300], trace[300], name[NAME_BYTES];
    struct disk  *base = malloc(sizeof *base);
    struct known *known = malloc(sizeof *known);
    struct wanted w = {.campaign = c, .at = at, .disk = base, .tree = tree};

    PD_CHECK(base != NULL && known != NULL);
    snprintf(tree, sizeof tree, "%s/tree", c->dir);
    snprintf(trace, sizeof trace, "%s/recovery", c->dir);
    remove_tree(tree);
    unlink(trace);
    walk(first, find_one, &w);
    if (w.found) {
        memcpy(known, first->known, sizeof *known);
        struct recording r = {
            .base = base, .known = known, .acknowledged = w.acknowledged, .answered = w.answered, .salt = 1 + w.at.cut,
            .backed_up = w.backed_up, .restored = w.restored,
        };
        name_image(first, w.at, name);
        snprintf(r.name, sizeof r.name, "%.*s/", NAME_BYTES - 2, name);
        if (!record(c, tree, trace, 0)) report(c, c->seed, name, "the recovery fell over");
        else {
            trace_open(&r.trace, trace);
            read_known(&r);
            each(c, &r, arg);
            trace_close(&r.trace);
        }
        disk_fini(base);
    }
    free(base);
    free(known);
}

static void
explore_recovery(struct campaign *c, struct recording *r, void *arg)
{
    explore(c, r, *(const uint64_t *)arg, false);
}

static void
check_in_recovery(struct campaign *c, struct recording *r, void *arg)
{
    struct wanted w = {.campaign = c, .at = *(const struct place *)arg, .check = true};
    walk(r, find_one, &w);
    jobs_finish(c);
}

/* ---- a seed -------------------------------------------------------------------------------------------------------- */

static void
explore_all(struct campaign *c, struct recording *r)
{
    struct dice dice = {c->seed};
    uint64_t    each = c->images / 4 / RECOVERIES;

    if (seed_backs_up(c->seed)) explore(c, r, c->images / 2, true);
    explore(c, r, c->images - c->images / 4 - (seed_backs_up(c->seed) ? c->images / 2 : 0), false);
    for (int i = 0; i < RECOVERIES && !campaign_is_over(c); i++) {
        struct place at = {(size_t)dice_roll(&dice, r->trace.count), (unsigned)dice_roll(&dice, 16)};
        recover(c, r, at, explore_recovery, &each);
    }
}

static void
check_named(struct campaign *c, struct recording *r)
{
    struct place at, in_recovery;
    int          fields = sscanf(c->image, "%zu.%u/%zu.%u", &at.cut, &at.number, &in_recovery.cut, &in_recovery.number);

    if (fields == 2) check_in_recovery(c, r, &at);
    else if (fields == 4) recover(c, r, at, check_in_recovery, &in_recovery);
    else fprintf(stderr, "crash: there is no image \"%s\"; such as 812.3 or 812.3/20.1\n", c->image);
}

void
campaign_run(struct campaign *c, uint64_t seed)
{
    char             tree[300], trace[300];
    struct disk     *empty = malloc(sizeof *empty);
    struct known    *known = calloc(1, sizeof *known);
    struct recording r = {.base = empty, .known = known};

    PD_CHECK(empty != NULL && known != NULL);
    c->seed = seed;
    c->seen_count = 0;
    if (c->seen != NULL) memset(c->seen, 0, c->seen_room * sizeof *c->seen);
    disk_init(empty);
    snprintf(tree, sizeof tree, "%s/tree", c->dir);
    snprintf(trace, sizeof trace, "%s/trace", c->dir);
    remove_tree(tree);
    unlink(trace);
    PD_CHECK(mkdir(tree, 0750) == 0);
    if (!record(c, tree, trace, seed_backs_up(seed) ? BACKUP_TURNS : TURNS)) report(c, seed, "none", "the recording fell over");
    else {
        trace_open(&r.trace, trace);
        read_known(&r);
        if (c->image != NULL) check_named(c, &r);
        else explore_all(c, &r);
        trace_close(&r.trace);
    }
    disk_fini(empty);
    free(empty);
    free(known);
}
