/* shell.h - around the step: the socket, the processes, the clock and the signals, in one poll loop. */
#ifndef CLIENTS_WORKER_SHELL_H
#define CLIENTS_WORKER_SHELL_H

#include "clients/worker/worker.h"
#include "proto/key_file.h"

enum { SHELL_OPERATIONS = PD_operation_deprovision + 1 };

/* For an encrypted port: the engine's public key, and the worker's own pair. */
struct shell_keys {
    struct pd_key_pair server, own;
};

/* Works until the engine drains or refuses it, or a SIGTERM, SIGINT or SIGHUP: what runs may finish; a second one: nothing may.
 * `executables` are by operation; NULL: it is not done here. `keys` NULL: the port
 * is not encrypted. Returns the exit status. */
int shell_run(const struct worker_options *options, const struct shell_keys *keys, const char *const executables[SHELL_OPERATIONS]);

#endif
