/* fail_call.c - runs a program and makes its n-th system call fail.
 *
 *     fail-call --at N [--sticky] --report FILE -- PROGRAM [ARGUMENT...]
 *
 * Counts the calls of all its threads, from where the dynamic linker hands over to it; only calls that can fail in a process that
 * does nothing wrong (calls.def), each with an error that the manual gives for it. The call is not made; its caller sees the error.
 * --sticky: so do all calls of that name from then on, as when a device has failed or descriptors have run out; but not those that
 * a signal interrupts, as no signal comes for ever. What is said to stderr is never touched: it is what the test reads. FILE gets
 * one line, `N: call`, or stays away when there were fewer.
 *
 * The program is this process, so that its status and its signals are its own; the tracer is a child that ends with it. */
#include <errno.h>
#include <link.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS_MAX = 64, NOT_RUN = 77 };

static const struct call {
    long        number;
    int         error;
    const char *name;
} calls[] = {
#define CALL(name, error) {SYS_##name, error, #name},
#include "tests/sweep/calls.def"
};

/* A thread whose call is not made, until it returns. */
struct thread {
    pid_t id;
    int   error;
};

struct tracer {
    unsigned long      at, count;
    bool               sticky, counting;
    uintptr_t          entry; /* where the program begins; holds a breakpoint until it does */
    long               entry_word;
    const char        *report;
    const struct call *failed;
    struct thread      threads[THREADS_MAX];
};

static struct thread *
thread_of(struct tracer *t, pid_t id)
{
    struct thread *unused = NULL;
    for (size_t i = 0; i < THREADS_MAX; i++) {
        if (t->threads[i].id == id) return &t->threads[i];
        if (t->threads[i].id == 0 && unused == NULL) unused = &t->threads[i];
    }
    if (unused == NULL) exit(EXIT_FAILURE);
    *unused = (struct thread){.id = id};
    return unused;
}

static void
note(const struct tracer *t)
{
    FILE *file = fopen(t->report, "we");
    if (file == NULL) exit(EXIT_FAILURE);
    fprintf(file, "%lu: %s\n", t->count, t->failed->name);
    fclose(file);
}

/* The call that this entry makes, if it is to fail. */
static const struct call *
to_fail(struct tracer *t, uint64_t number, const uint64_t *arguments)
{
    const struct call *call = NULL;

    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if ((uint64_t)calls[i].number == number) call = &calls[i];
    if (call == NULL || (t->sticky && call->error == EINTR)) return NULL;
    if ((number == SYS_write || number == SYS_writev) && arguments[0] == STDERR_FILENO) return NULL;
    if (++t->count == t->at) {
        t->failed = call;
        note(t);
        return call;
    }
    return t->sticky && call == t->failed ? call : NULL;
}

static struct user_regs_struct
registers(pid_t id)
{
    struct user_regs_struct found;
    ptrace(PTRACE_GETREGS, id, NULL, &found);
    return found;
}

static void
set_registers(pid_t id, struct user_regs_struct registers)
{
    ptrace(PTRACE_SETREGS, id, NULL, &registers);
}

static void
at_call(struct tracer *t, pid_t id)
{
    struct __ptrace_syscall_info info;
    struct thread               *thread = thread_of(t, id);

    if (ptrace(PTRACE_GET_SYSCALL_INFO, id, sizeof info, &info) <= 0) return;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY && t->counting) {
        uint64_t arguments[6];
        memcpy(arguments, info.entry.args, sizeof arguments);
        const struct call *call = to_fail(t, info.entry.nr, arguments);
        if (call == NULL) return;
        struct user_regs_struct r = registers(id);
        thread->error = call->error;
        r.orig_rax = ~0ull;
        set_registers(id, r);
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && thread->error != 0) {
        struct user_regs_struct r = registers(id);
        r.rax = (unsigned long long)-thread->error;
        set_registers(id, r);
        thread->error = 0;
    }
}

/* What the dynamic linker does is none of the program's: its calls are not counted. */
static void
wait_for_entry(struct tracer *t, pid_t id)
{
    uint64_t pair[2];
    char     path[64];

    snprintf(path, sizeof path, "/proc/%d/auxv", (int)id);
    FILE *file = fopen(path, "re");
    if (file == NULL) exit(EXIT_FAILURE);
    while (fread(pair, sizeof pair, 1, file) == 1)
        if (pair[0] == AT_ENTRY) t->entry = pair[1];
    fclose(file);
    t->entry_word = ptrace(PTRACE_PEEKTEXT, id, (void *)t->entry, NULL);
    ptrace(PTRACE_POKETEXT, id, (void *)t->entry, (void *)((t->entry_word & ~0xffl) | 0xcc));
}

static bool
is_at_entry(struct tracer *t, pid_t id)
{
    struct user_regs_struct r = registers(id);

    if (t->counting || r.rip != t->entry + 1) return false;
    r.rip = t->entry;
    set_registers(id, r);
    ptrace(PTRACE_POKETEXT, id, (void *)t->entry, (void *)t->entry_word);
    t->counting = true;
    return true;
}

/* What a stop is about, and how its thread goes on. */
static void
at_stop(struct tracer *t, pid_t id, int status)
{
    int signal = WSTOPSIG(status), event = status >> 16;

    if (signal == (SIGTRAP | 0x80)) {
        at_call(t, id);
        signal = 0;
    } else if (event == PTRACE_EVENT_EXEC) {
        wait_for_entry(t, id);
        signal = 0;
    } else if (event == PTRACE_EVENT_STOP && signal != SIGTRAP) {
        ptrace(PTRACE_LISTEN, id, NULL, NULL);
        return;
    } else if (event != 0 || (signal == SIGTRAP && is_at_entry(t, id))) signal = 0;
    ptrace(PTRACE_SYSCALL, id, NULL, (void *)(intptr_t)signal);
}

static void
trace(struct tracer *t, pid_t traced, int ready_fd)
{
    int   status;
    pid_t id;
    void *options = (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL);

    if (ptrace(PTRACE_SEIZE, traced, NULL, options) != 0 || ptrace(PTRACE_INTERRUPT, traced, NULL, NULL) != 0) exit(NOT_RUN);
    if (write(ready_fd, "", 1) != 1) exit(EXIT_FAILURE);
    close(ready_fd);
    while ((id = waitpid(-1, &status, __WALL)) > 0)
        if (WIFSTOPPED(status)) at_stop(t, id, status);
        else *thread_of(t, id) = (struct thread){.id = 0};
}

int
main(int argc, char **argv)
{
    struct tracer t = {.at = 0};
    int           ready[2], i = 1;
    char          byte;

    for (; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--sticky") == 0) t.sticky = true;
        else if (strcmp(argv[i], "--at") == 0 && i + 1 < argc) t.at = strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--report") == 0 && i + 1 < argc) t.report = argv[++i];
    if (t.at == 0 || t.report == NULL || i + 1 >= argc || pipe(ready) != 0) {
        fprintf(stderr, "usage: fail-call --at N [--sticky] --report FILE -- PROGRAM [ARGUMENT...]\n");
        return 2;
    }
    pid_t self = getpid(), tracer = fork();
    if (tracer < 0) return EXIT_FAILURE;
    if (tracer == 0) {
        close(ready[0]);
        close(STDOUT_FILENO); /* whoever reads the program's words to their end waits for nobody else */
        close(STDERR_FILENO);
        trace(&t, self, ready[1]);
        return EXIT_SUCCESS;
    }
    prctl(PR_SET_PTRACER, tracer, 0, 0, 0);
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 1) {
        fprintf(stderr, "fail-call: this process may not be traced\n");
        return NOT_RUN;
    }
    close(ready[0]);
    execvp(argv[i + 1], argv + i + 1);
    fprintf(stderr, "fail-call: %s: %s\n", argv[i + 1], strerror(errno));
    return 127;
}
