/* main.c - the simulator: seeds, each in a process of its own.
 *
 *   sim [--seconds S] [--from N] [--seeds COUNT] [--jobs J] [--results FILE]
 *   sim --replay SEED     tells the story of a seed
 *   sim --twice SEED      the same seed must tell the same story
 *
 * A seed in which something happens that must not is told with the command that replays it, and the story's end. */
#include <inttypes.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "proto/check.h"
#include "tests/sim/sim.h"

enum { JOBS_MAX = 64, SEED_SECONDS = 60, COUNTED_SEEDS = 50, STORY_LINES = 60 };

struct result {
    uint64_t      seed, hash;
    bool          ended; /* it came to its end */
    char          violation[512];
    struct counts counts;
};

struct options {
    uint64_t    from, seeds, jobs;
    double      seconds;
    const char *results;
};

struct job {
    pid_t    pid;
    int      pipe;
    uint64_t seed;
};

static double
seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* In a child: an engine that aborts or hangs ends its own process only. */
static void
start_job(struct job *job, uint64_t seed)
{
    int ends[2];

    PD_CHECK(pipe(ends) == 0);
    fflush(NULL);
    job->seed = seed;
    PD_CHECK((job->pid = fork()) >= 0);
    if (job->pid > 0) {
        close(ends[1]);
        job->pipe = ends[0];
        return;
    }
    struct result r = {.seed = seed, .ended = true};
    close(ends[0]);
    PD_CHECK(freopen("/dev/null", "w", stderr) != NULL); /* full disks are nothing to speak of here */
    alarm(SEED_SECONDS);
    const char *violation = run_seed(seed, NULL, &r.counts, &r.hash);
    if (violation != NULL) snprintf(r.violation, sizeof r.violation, "%s", violation);
    PD_CHECK(write(ends[1], &r, sizeof r) == (ssize_t)sizeof r);
    exit(EXIT_SUCCESS);
}

static struct result
end_job(struct job *job)
{
    struct result r = {.seed = job->seed};
    int           status;
    size_t        size = 0;

    for (ssize_t n; size < sizeof r && (n = read(job->pipe, (char *)&r + size, sizeof r - size)) > 0;) size += (size_t)n;
    close(job->pipe);
    PD_CHECK(waitpid(job->pid, &status, 0) == job->pid);
    if (size == sizeof r && status == 0) return r;
    r = (struct result){.seed = job->seed};
    if (WIFSIGNALED(status)) snprintf(r.violation, sizeof r.violation, "the engine's process ended by signal %d", WTERMSIG(status));
    else snprintf(r.violation, sizeof r.violation, "the process ended with %d", WEXITSTATUS(status));
    return r;
}

/* ---- one seed's story ---------------------------------------------------------------------------------------------------- */

static void
tell_end(uint64_t seed)
{
    FILE *story = tmpfile();
    char  line[4096];
    int   status;
    long  lines = 0;

    PD_CHECK(story != NULL);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        struct counts counts;
        uint64_t      hash;
        setvbuf(story, NULL, _IOLBF, 0); /* it may abort */
        alarm(SEED_SECONDS);
        run_seed(seed, story, &counts, &hash);
        exit(EXIT_SUCCESS);
    }
    PD_CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    rewind(story);
    while (fgets(line, sizeof line, story) != NULL) lines++;
    rewind(story);
    while (fgets(line, sizeof line, story) != NULL)
        if (lines-- <= STORY_LINES) fputs(line, stdout);
    fclose(story);
}

static int
replay(uint64_t seed)
{
    struct counts counts;
    uint64_t      hash;

    setvbuf(stdout, NULL, _IOLBF, 0);
    const char *violation = run_seed(seed, stdout, &counts, &hash);
    printf("# seed %" PRIu64 ", hash %016" PRIx64 ": %s\n", seed, hash, violation == NULL ? "as it should be" : violation);
    return violation == NULL ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
tell_twice(uint64_t seed)
{
    struct result r[2];
    for (int i = 0; i < 2; i++) {
        struct job job;
        start_job(&job, seed);
        r[i] = end_job(&job);
        printf("seed %" PRIu64 ", hash %016" PRIx64 " %s\n", seed, r[i].hash, r[i].violation);
    }
    return r[0].hash == r[1].hash && r[0].ended && r[1].ended ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- the campaign -------------------------------------------------------------------------------------------------------- */

struct campaign {
    struct options options;
    const char    *program;
    struct job     jobs[JOBS_MAX];
    size_t         running;
    uint64_t       next, done, violations;
    double         start;
    struct counts  counts;
};

static void
take_result(struct campaign *c, const struct result *r)
{
    c->done++;
    counts_add(&c->counts, &r->counts);
    if (isatty(STDERR_FILENO)) fprintf(stderr, "\rsim: %" PRIu64 " seeds", c->done);
    bool poor = r->violation[0] == '\0' && (r->counts.commands < COMMANDS || r->counts.crashes < 3);
    if (r->violation[0] == '\0' && !poor) return;
    c->violations++;
    printf("\nseed %" PRIu64 ": %s\nthe end of its story:\n", r->seed, poor ? "too few commands or crashes" : r->violation);
    if (c->violations <= 3) tell_end(r->seed);
    printf("all of it: %s --replay %" PRIu64 "\n", c->program, r->seed);
}

static bool
may_start(const struct campaign *c)
{
    const struct options *o = &c->options;
    if (o->seeds > 0 && c->next >= o->from + o->seeds) return false;
    return o->seconds <= 0 || seconds_now() - c->start < o->seconds;
}

static void
run_jobs(struct campaign *c)
{
    while (c->running > 0 || may_start(c)) {
        while (c->running < c->options.jobs && may_start(c)) start_job(&c->jobs[c->running++], c->next++);
        struct result r = end_job(&c->jobs[0]); /* in order: what is printed is the same each time */
        memmove(&c->jobs[0], &c->jobs[1], --c->running * sizeof c->jobs[0]);
        take_result(c, &r);
    }
    if (isatty(STDERR_FILENO)) fprintf(stderr, "\r\033[K");
}

static int
run_campaign(const struct options *options, const char *program)
{
    struct campaign c = {.options = *options, .program = program, .next = options->from, .start = seconds_now()};

    run_jobs(&c);
    unsigned zeroes = counts_print(&c.counts);
    double   seconds = seconds_now() - c.start;
    if (zeroes > 0 && c.done >= COUNTED_SEEDS) {
        printf("%u of these never happened: what was not tried is not proved\n", zeroes);
        c.violations += zeroes;
    }
    FILE *results = options->results == NULL ? NULL : fopen(options->results, "a");
    if (results != NULL)
        fprintf(results, "{\"campaign\":\"sim\",\"from\":%" PRIu64 ",\"to\":%" PRIu64 ",\"done\":%" PRIu64
                ",\"violations\":%" PRIu64 ",\"seconds\":%.1f}\n", options->from, c.next - 1, c.done, c.violations, seconds);
    if (options->results != NULL && (results == NULL || fclose(results) != 0)) {
        fprintf(stderr, "sim: %s cannot be written\n", options->results);
        return EXIT_FAILURE;
    }
    printf("sim: %" PRIu64 " done, %" PRIu64 " violations\n", c.done, c.violations);
    return c.violations == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
usage(const char *what)
{
    fprintf(stderr, "sim: %s\nusage: sim [--seconds S] [--from N] [--seeds COUNT] [--jobs 1-64] [--results FILE]\n"
                    "       sim --replay SEED | --twice SEED\n", what);
    return 2;
}

static int
run(int argc, char **argv)
{
    struct options o = {.from = 1, .jobs = 2};

    for (int i = 1; i < argc; i += 2) {
        char    *end = NULL;
        uint64_t number = i + 1 < argc ? strtoull(argv[i + 1], &end, 10) : 0;
        bool     is_number = end != NULL && *end == '\0' && end != argv[i + 1];
        if (strcmp(argv[i], "--results") == 0 && i + 1 < argc) o.results = argv[i + 1];
        else if (!is_number) return usage("a number is expected behind each option");
        else if (strcmp(argv[i], "--seconds") == 0) o.seconds = (double)number;
        else if (strcmp(argv[i], "--from") == 0) o.from = number;
        else if (strcmp(argv[i], "--seeds") == 0) o.seeds = number;
        else if (strcmp(argv[i], "--jobs") == 0 && number >= 1 && number <= JOBS_MAX) o.jobs = number;
        else if (strcmp(argv[i], "--replay") == 0) return replay(number);
        else if (strcmp(argv[i], "--twice") == 0) return tell_twice(number);
        else return usage(argv[i]);
    }
    if (o.seeds == 0 && o.seconds <= 0) return usage("--seconds or --seeds says how long");
    return run_campaign(&o, argv[0]);
}

/* In memory where it can be. */
static bool
make_scratch_dir(void)
{
    snprintf(scratch_dir, sizeof scratch_dir, "/dev/shm/pedido-sim-XXXXXX");
    if (mkdtemp(scratch_dir) != NULL) return true;
    snprintf(scratch_dir, sizeof scratch_dir, "/tmp/pedido-sim-XXXXXX");
    return mkdtemp(scratch_dir) != NULL;
}

int
main(int argc, char **argv)
{
    log_set_level(LOG_LEVEL_ERROR);
    if (!make_scratch_dir()) {
        perror("sim: no place for backups");
        return EXIT_FAILURE;
    }
    int status = run(argc, argv);
    remove_tree(scratch_dir); /* of seeds that fell over, too */
    return status;
}
