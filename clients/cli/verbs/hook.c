#include "clients/cli/verbs/hook.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clients/cli/show/terminal.h"
#include "proto/check.h"

enum { TRIES = 8, PAUSE_MIN_MS = 500, PAUSE_MAX_MS = 60000, RENEW_MS = 1000 };

extern char **environ;

int
hook_begin(struct cli *cli, struct hook *h)
{
    const char *tries = args_value(cli, "tries"), *skip = args_value(cli, "skip");

    *h = (struct hook){.cli = cli, .command = args_value(cli, "exec"), .tries = TRIES};
    if (tries != NULL && (!args_number(tries, &h->tries) || h->tries == 0))
        return cli_usage(cli, "--tries %s: a number from 1 is expected", tries);
    if (skip != NULL && (!args_number(skip, &h->skip) || h->skip == 0))
        return cli_usage(cli, "--skip %s: a position is expected", skip);
    if (h->command == NULL && (tries != NULL || skip != NULL)) return cli_usage(cli, "--tries and --skip are for --exec");
    return STATUS_OK;
}

/* By the shell, so that it may have arguments. What it reads is a file: it may be longer than a pipe holds. -1: not begun. */
static pid_t
start(const char *command, FILE *input)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t          attributes;
    sigset_t                   none;
    char                      *arguments[] = {"sh", "-c", (char *)(uintptr_t)command, NULL};
    pid_t                      pid = -1;

    sigemptyset(&none);
    PD_CHECK(posix_spawn_file_actions_init(&actions) == 0 && posix_spawnattr_init(&attributes) == 0);
    posix_spawn_file_actions_adddup2(&actions, fileno(input), STDIN_FILENO);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    int failed = posix_spawn(&pid, "/bin/sh", &actions, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    errno = failed;
    return failed == 0 ? pid : -1;
}

/* Until it has ended; somebody who has taken the name meanwhile is met at the next event. */
static void
wait_end(pid_t pid, struct pd_subscriber *subscriber)
{
    struct pollfd p = {.fd = pidfd_open(pid, 0), .events = POLLIN};

    while (p.fd >= 0 && poll(&p, 1, RENEW_MS) == 0) (void)pd_subscriber_renew(subscriber);
    if (p.fd >= 0) close(p.fd);
}

/* Its exit status; 128 and a signal's number; -1: it could not be run. */
static int
run_once(const struct hook *h, const json_t *event, struct pd_subscriber *subscriber)
{
    FILE *input = tmpfile();
    int   status = 0;

    if (input == NULL || json_dumpf(event, input, JSON_COMPACT) != 0 || fputc('\n', input) == EOF || fflush(input) != 0) {
        if (input != NULL) fclose(input);
        return -1;
    }
    rewind(input);
    pid_t pid = start(h->command, input);
    fclose(input);
    if (pid < 0) return -1;
    wait_end(pid, subscriber);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Whether a signal came meanwhile. */
static bool
pause_ms(uint64_t ms, const sigset_t *signals, struct pd_subscriber *subscriber)
{
    while (ms > 0) {
        uint64_t              step = ms < RENEW_MS ? ms : RENEW_MS;
        const struct timespec time = {(time_t)(step / 1000), (long)(step % 1000) * 1000000};
        if (sigtimedwait(signals, NULL, &time) > 0) return true;
        (void)pd_subscriber_renew(subscriber);
        ms -= step;
    }
    return false;
}

/* Under a name, that is the log's to know. */
static int
pass_over(const struct hook *h, uint64_t position, const char *type)
{
    const char *name = args_value(h->cli, "name");
    int         status = STATUS_OK;
    json_t     *answer = NULL;

    if (name != NULL) {
        json_t *data = json_pack("{s:s,s:I}", "subscriber", name, "position", (json_int_t)position);
        if (args_has(h->cli, "all")) json_object_set_new(data, "all", json_true());
        status = request_data(h->cli, pd_block_skip_event(), data, &answer);
    }
    json_decref(answer);
    terminal_live("");
    if (status == STATUS_OK) cli_say("position %" PRIu64 ", %s: passed over", position, type);
    return status;
}

int
hook_run(const struct hook *h, const json_t *event, const sigset_t *signals, struct pd_subscriber *subscriber)
{
    uint64_t    position = (uint64_t)json_integer_value(json_object_get(event, "position")), wait_ms = PAUSE_MIN_MS;
    const char *type = json_string_value(json_object_get(event, "type"));

    if (position == h->skip) return pass_over(h, position, type);
    for (uint64_t n = 1;; n++) {
        int status = run_once(h, event, subscriber);
        if (status == 0) return STATUS_OK;
        terminal_live("");
        cli_say("position %" PRIu64 ", %s: `%s` ended with %d, try %" PRIu64 " of %" PRIu64, position, type, h->command, status, n,
                h->tries);
        if (n >= h->tries) break;
        if (pause_ms(wait_ms, signals, subscriber)) return STATUS_ABANDONED;
        wait_ms = wait_ms * 2 < PAUSE_MAX_MS ? wait_ms * 2 : PAUSE_MAX_MS;
    }
    cli_say("stopped before position %" PRIu64 "; what came before is done. When the cause is mended, begin again; --skip %" PRIu64
            " passes over this one", position, position);
    return STATUS_TROUBLE;
}
