#include "engine/bad_end.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/store/store.h"

static const int numbers[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE};
enum { SIGNALS = sizeof numbers / sizeof numbers[0] };

static struct sigaction before[SIGNALS];
static char             path[4200];

/* Only what may be called in a signal's handler. It comes again on return, and what handled it before does now. */
static void
note(int number)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0640);

    if (fd >= 0) close(fd);
    for (size_t i = 0; i < SIGNALS; i++)
        if (numbers[i] == number) sigaction(number, &before[i], NULL);
    raise(number);
}

void
bad_end_watch(const char *dir)
{
    struct sigaction action = {.sa_handler = note};

    snprintf(path, sizeof path, "%s/" STORE_SUSPECT, dir);
    if (access(path, F_OK) == 0) log_warn("ended_badly", "action=\"every page is looked at\"");
    for (size_t i = 0; i < SIGNALS; i++) sigaction(numbers[i], &action, &before[i]);
}

void
bad_end_forget(void)
{
    unlink(path);
}
