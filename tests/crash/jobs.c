/* jobs.c - images are checked by processes of their own, some at a time: one that falls over is only a violation. */
#include "tests/crash/jobs.h"

#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "proto/check.h"

enum { SECONDS_MAX = 60 };

static volatile sig_atomic_t stopped;

static void
stop(int number)
{
    (void)number;
    stopped = 1;
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void
remove_tree(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
show(struct campaign *c, bool now)
{
    uint64_t now_ms = clock_now().monotonic_ms;
    if (!isatty(STDERR_FILENO) || (!now && now_ms < c->shown_ms + 500)) return;
    c->shown_ms = now_ms;
    fprintf(stderr, "\rseed %" PRIu64 ": %" PRIu64 " images, %" PRIu64 " violations%s", c->seed, c->done, c->violations,
            now ? "\n" : "");
}

void
report(struct campaign *c, uint64_t seed, const char *name, const char *what)
{
    if (++c->violations > SAID_MAX) return;
    printf("violation: seed %" PRIu64 " image %s: %s\nreplay: %s%s%s --from %" PRIu64 " --image %s\n", seed, name, what, c->program,
           c->without == NULL ? "" : " --without ", c->without == NULL ? "" : c->without, seed, name);
    fflush(stdout);
}

/* Waits for one of them. */
static void
reap(struct campaign *c)
{
    int         status;
    char        text[64];
    struct job *job = NULL;
    pid_t       pid = wait(&status);

    PD_CHECK(pid > 0);
    for (unsigned i = 0; i < c->jobs; i++)
        if (c->list[i].pid == pid) job = &c->list[i];
    PD_CHECK(job != NULL);
    job->pid = 0;
    c->done++;
    if (WIFSIGNALED(status)) snprintf(text, sizeof text, "ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else snprintf(text, sizeof text, "ended with status %d", WEXITSTATUS(status));
    if (job->what[0] != '\0') report(c, job->seed, job->name, job->what);
    else if (status != 0) report(c, job->seed, job->name, text);
    show(c, false);
}

static struct job *
free_job(struct campaign *c)
{
    for (;;) {
        for (unsigned i = 0; i < c->jobs; i++)
            if (c->list[i].pid == 0) return &c->list[i];
        reap(c);
    }
}

void
jobs_check(struct campaign *c, const struct disk *image, const struct known *known, const char *name)
{
    char        path[320];
    struct job *job = free_job(c);

    job->seed = c->seed;
    snprintf(job->name, sizeof job->name, "%s", name);
    snprintf(path, sizeof path, "%s/job%ld", c->dir, (long)(job - c->list));
    job->what[0] = '\0';
    remove_tree(path); /* one that fell over left it */
    job->pid = fork();
    PD_CHECK(job->pid >= 0);
    if (job->pid > 0) return;
    alarm(SECONDS_MAX);
    /* The engine's own words are for whoever looks at one image. */
    if (c->image == NULL) dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
    disk_write(image, path);
    check_image(path, known, job->what);
    remove_tree(path);
    _exit(EXIT_SUCCESS);
}

void
jobs_finish(struct campaign *c)
{
    for (unsigned i = 0; i < c->jobs; i++)
        while (c->list[i].pid != 0) reap(c);
}

void
campaign_init(struct campaign *c)
{
    /* It ends in order, and takes its directory away. */
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    for (unsigned i = 0; i < c->jobs; i++) {
        c->list[i].what = mmap(NULL, WHAT_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        PD_CHECK(c->list[i].what != MAP_FAILED);
    }
}

void
campaign_fini(struct campaign *c)
{
    show(c, true);
    for (unsigned i = 0; i < c->jobs; i++) munmap(c->list[i].what, WHAT_MAX);
    free(c->seen);
    remove_tree(c->dir);
}

bool
campaign_is_over(const struct campaign *c)
{
    return stopped || clock_now().monotonic_ms >= c->until_ms;
}
