/* shell.h - around the step: the socket, the processes, the clock and the signals, in one poll loop. */
#ifndef CLIENTS_WORKER_SHELL_H
#define CLIENTS_WORKER_SHELL_H

#include "clients/worker/worker.h"

/* Works until SIGTERM, SIGINT or SIGHUP, or a refusal; returns the exit status. */
int shell_run(const struct worker_options *options, const char *executable);

#endif
