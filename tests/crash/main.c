/* main.c - the crash explorer.
 *
 *   crash [--seconds S] [--from N] [--seeds N] [--images N] [--jobs N] [--results FILE] [--without WHAT] [--image NAME]
 *
 * From seed N on, each is recorded and its images are checked: at most so many of each, so many seeds, so long. With --without,
 * syncs are left out of the recording (recorder.c), and there must be violations. With --image, only that image of seed N is
 * checked, and the engine's log is shown. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "tests/crash/explore.h"

static const struct option names[] = {
    {"seconds", required_argument, NULL, 's'}, {"from", required_argument, NULL, 'f'},    {"seeds", required_argument, NULL, 'n'},
    {"images", required_argument, NULL, 'i'},  {"jobs", required_argument, NULL, 'j'},    {"results", required_argument, NULL, 'r'},
    {"without", required_argument, NULL, 'w'}, {"image", required_argument, NULL, 'm'},   {NULL, 0, NULL, 0},
};

struct order {
    uint64_t    seconds, from, seeds;
    const char *results;
};

static bool
read_number(const char *name, const char *text, uint64_t least, uint64_t most, uint64_t *ret_number)
{
    char    *end;
    uint64_t number = strtoull(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || number < least || number > most) {
        fprintf(stderr, "crash: --%s is a number from %" PRIu64 " to %" PRIu64 "\n", name, least, most);
        return false;
    }
    *ret_number = number;
    return true;
}

static bool
read_options(int argc, char **argv, struct order *o, struct campaign *c)
{
    int      option, at = 0;
    uint64_t jobs = c->jobs;
    bool     ok = true;

    while (ok && (option = getopt_long(argc, argv, "", names, &at)) >= 0) {
        switch (option) {
        case 's': ok = read_number("seconds", optarg, 1, 1000000, &o->seconds); break;
        case 'f': ok = read_number("from", optarg, 0, UINT64_MAX / 2, &o->from); break;
        case 'n': ok = read_number("seeds", optarg, 1, UINT64_MAX / 2, &o->seeds); break;
        case 'i': ok = read_number("images", optarg, 1, 100000000, &c->images); break;
        case 'j': ok = read_number("jobs", optarg, 1, JOBS_MAX, &jobs); break;
        case 'r': o->results = optarg; break;
        case 'w': c->without = optarg; break;
        case 'm': c->image = optarg; break;
        default: ok = false;
        }
    }
    c->jobs = (unsigned)jobs;
    return ok && optind == argc;
}

static bool
write_results(const struct order *o, const struct campaign *c, double seconds)
{
    FILE *file = fopen(o->results, "a");
    bool  ok = file != NULL &&
              fprintf(file, "{\"campaign\":\"crash\",\"from\":%" PRIu64 ",\"to\":%" PRIu64 ",\"done\":%" PRIu64
                            ",\"violations\":%" PRIu64 ",\"seconds\":%.1f}\n",
                      o->from, c->seed, c->done, c->violations, seconds) > 0;
    if (file != NULL && fclose(file) != 0) ok = false;
    if (!ok) perror(o->results);
    return ok;
}

/* Images lie in memory where they can. */
static bool
make_directory(struct campaign *c)
{
    snprintf(c->dir, sizeof c->dir, "/dev/shm/pedido-crash-XXXXXX");
    if (mkdtemp(c->dir) != NULL) return true;
    snprintf(c->dir, sizeof c->dir, "/tmp/pedido-crash-XXXXXX");
    return mkdtemp(c->dir) != NULL;
}

int
main(int argc, char **argv)
{
    struct order    o = {.seconds = 600, .from = 1, .seeds = UINT64_MAX};
    long            processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned        jobs = processors < 1 ? 1 : processors > JOBS_MAX ? JOBS_MAX : (unsigned)processors;
    struct campaign c = {.images = 30000, .program = argv[0], .jobs = jobs};
    uint64_t        began_ms = clock_now().monotonic_ms;

    if (argc == 5 && strcmp(argv[1], "--drive") == 0) { /* by itself, under the recorder */
        unsigned turns = (unsigned)strtoul(argv[4], NULL, 10);
        uint64_t seed = strtoull(argv[3], NULL, 10);
        bool     backs_up = turns > 0 && seed_backs_up(seed);
        drive(argv[2], seed, turns > 0 ? turns : 3, turns > 0 ? 'c' : 'd', backs_up ? getenv("CRASH_ROOT") : NULL);
        return EXIT_SUCCESS;
    }
    if (!read_options(argc, argv, &o, &c)) {
        fputs("usage: crash [--seconds S] [--from N] [--seeds N] [--images N] [--jobs N] [--results FILE]\n"
              "             [--without sync|dsync|directories] [--image NAME]\n", stderr);
        return 2;
    }
    if (!make_directory(&c)) {
        perror("crash: no place for images");
        return 2;
    }
    c.until_ms = began_ms + o.seconds * 1000;
    c.first = o.from;
    campaign_init(&c);
    for (uint64_t n = 0; n < (c.image != NULL ? 1 : o.seeds) && !campaign_is_over(&c); n++) campaign_run(&c, o.from + n);
    campaign_fini(&c);
    bool written = o.results == NULL || write_results(&o, &c, (double)(clock_now().monotonic_ms - began_ms) / 1000);
    printf("crash: %" PRIu64 " done, %" PRIu64 " violations\n", c.done, c.violations);
    return c.violations == 0 && c.done > 0 && written ? EXIT_SUCCESS : EXIT_FAILURE;
}
