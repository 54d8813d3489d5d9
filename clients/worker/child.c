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
    c->kill_at_ms = 0;
    c->pid = 0;
}

/* Between fork and exec: nothing here may allocate, since other threads (libzmq's) may have held locks. */
static _Noreturn void
become(const char *path, const int pipes[3], char *const *environment, pid_t parent)
{
    char *const argv[] = {(char *)(uintptr_t)path, NULL};
    sigset_t    none;

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(127);
    for (int fd = 0; fd < 3; fd++)
        if (dup2(pipes[fd], fd) < 0) _exit(127);
    close_range(3, ~0u, 0);
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(path, argv, environment);
    static const char words[] = "the executable cannot be run; a script needs a #! line that names its interpreter\n";
    ssize_t           n = write(2, words, sizeof words - 1);
    _exit(n < 0 ? 126 : 127);
}

int
child_start(struct child *c, const char *path, struct pd_text input, char *const *environment)
{
    int   in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1}, error = 0;
    pid_t parent = getpid();

    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) error = errno;
    pid_t pid = error != 0 ? -1 : fork();
    if (pid == 0) become(path, (int[3]){in[0], out[1], err[1]}, environment, parent);
    if (pid < 0 && error == 0) error = errno;
    close_end(&in[0]);
    close_end(&out[1]);
    close_end(&err[1]);
    if (error != 0) {
        close_end(&in[1]);
        close_end(&out[0]);
        close_end(&err[0]);
        return error;
    }
    setpgid(pid, pid); /* both sides: whoever comes first */
    c->pid = pid;
    c->in = in[1];
    c->out = out[0];
    c->err = err[0];
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

void
child_stop(struct child *c, int64_t now_ms)
{
    if (c->pid <= 0 || c->kill_at_ms != 0) return;
    kill(-c->pid, SIGTERM);
    c->kill_at_ms = now_ms + CHILD_GRACE_MS;
}

void
child_kill(struct child *c)
{
    if (c->pid > 0) kill(-c->pid, SIGKILL);
}

bool
child_reap(struct child *c, int *ret_status)
{
    siginfo_t info = {.si_pid = 0};

    if (c->pid <= 0 || waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return false;
    /* Before the leader is buried: from then on its number may be another's. */
    if (c->kill_at_ms != 0) child_kill(c);
    return waitpid(c->pid, ret_status, 0) == c->pid;
}
