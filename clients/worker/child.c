#include "clients/worker/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READ_SIZE = 4096, READS_MAX = 64 }; /* at a time; other children and the engine want to be heard, too */

static void
close_end(int *fd)
{
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

void
child_init(struct child *c)
{
    *c = (struct child){.in = -1, .out = -1, .err = -1};
    pd_arena_init(&c->arena);
}

void
child_fini(struct child *c)
{
    child_clear(c);
    pd_arena_fini(&c->arena);
}

void
child_clear(struct child *c)
{
    close_end(&c->in);
    close_end(&c->out);
    close_end(&c->err);
    output_fini(&c->said);
    output_fini(&c->complained);
    pd_arena_reset(&c->arena);
    c->input = (struct pd_text){NULL, 0};
    c->tail.size = 0;
    c->complaints = 0;
    c->kill_at_ms = 0;
    c->pid = 0;
}

/* Between fork and exec: nothing here may allocate, since other threads (libzmq's) may have held locks. `pipes` are its own ends of
 * in, out, err, and where to tell why it cannot be executed; the last one closes when it is. */
static _Noreturn void
become(const char *path, const int pipes[4], char *const *environment, pid_t parent)
{
    char *const argv[] = {(char *)(uintptr_t)path, NULL};
    sigset_t    none;
    int         trouble = fcntl(pipes[3], F_DUPFD_CLOEXEC, 4); /* out of the way of 0 to 3 */

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (trouble < 0 || getppid() != parent) _exit(127);
    for (int fd = 0; fd < 3; fd++)
        if (dup2(pipes[fd], fd) < 0) _exit(127);
    dup3(trouble, 3, O_CLOEXEC);
    close_range(4, ~0u, 0);
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(path, argv, environment);
    int     error = errno;
    ssize_t n = write(3, &error, sizeof error);
    _exit(n < 0 ? 126 : 127);
}

/* Reads why it was not executed; 0: it was. */
static int
await_exec(int fd)
{
    int     error = 0;
    ssize_t n;

    do n = read(fd, &error, sizeof error);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof error ? error : 0;
}

static int
give_up(struct child *c, pid_t pid, int error)
{
    if (pid > 0) waitpid(pid, NULL, 0);
    close_end(&c->in);
    close_end(&c->out);
    close_end(&c->err);
    return error;
}

int
child_start(struct child *c, const char *path, struct pd_text input, char *const *environment)
{
    int   in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1}, trouble[2] = {-1, -1}, error = 0;
    pid_t parent = getpid(), pid = -1;

    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0 ||
        pipe2(trouble, O_CLOEXEC) != 0 || (pid = fork()) < 0)
        error = errno;
    if (pid == 0) become(path, (int[4]){in[0], out[1], err[1], trouble[1]}, environment, parent);
    if (pid > 0) setpgid(pid, pid); /* both sides: whoever comes first */
    close_end(&in[0]);
    close_end(&out[1]);
    close_end(&err[1]);
    close_end(&trouble[1]);
    if (error == 0) error = await_exec(trouble[0]);
    close_end(&trouble[0]);
    c->in = in[1];
    c->out = out[0];
    c->err = err[0];
    if (error != 0) return give_up(c, pid, error);
    c->pid = pid;
    c->input = input;
    fcntl(c->in, F_SETFL, O_NONBLOCK);
    fcntl(c->out, F_SETFL, O_NONBLOCK);
    fcntl(c->err, F_SETFL, O_NONBLOCK);
    return 0;
}

void
child_write(struct child *c)
{
    while (c->in >= 0) {
        ssize_t n = c->input.size == 0 ? 0 : write(c->in, c->input.data, c->input.size);
        if (n > 0) {
            c->input.data += n;
            c->input.size -= (size_t)n;
        } else if (n < 0 && errno == EINTR) continue;
        else if (n < 0 && errno == EAGAIN) return;
        else close_end(&c->in); /* all written, or EPIPE: it does not care for it */
    }
}

static void
read_pipe(int *fd, struct output *o, output_line_fn fn, void *context)
{
    char bytes[READ_SIZE];
    for (int i = 0; *fd >= 0 && i < READS_MAX; i++) {
        ssize_t n = read(*fd, bytes, sizeof bytes);
        if (n > 0) output_feed(o, bytes, (size_t)n, fn, context);
        else if (n < 0 && errno == EINTR) continue;
        else if (n < 0 && errno == EAGAIN) return;
        else close_end(fd);
    }
}

void
child_read_out(struct child *c, output_line_fn fn, void *context)
{
    read_pipe(&c->out, &c->said, fn, context);
}

void
child_read_err(struct child *c, output_line_fn fn, void *context)
{
    read_pipe(&c->err, &c->complained, fn, context);
}

/* It can be waited for, and is not buried yet. */
static bool
has_ended(const struct child *c)
{
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

void
child_stop(struct child *c, int64_t kill_at_ms)
{
    if (c->pid <= 0 || c->kill_at_ms != 0 || has_ended(c)) return;
    kill(-c->pid, SIGTERM);
    c->kill_at_ms = kill_at_ms;
}

void
child_kill(struct child *c)
{
    if (c->pid > 0) kill(-c->pid, SIGKILL);
}

bool
child_reap(struct child *c, int *ret_status)
{
    if (c->pid <= 0 || !has_ended(c)) return false;
    child_kill(c); /* before the leader is buried: from then on its number may be another's */
    return waitpid(c->pid, ret_status, 0) == c->pid;
}
