/* hook.h - a program that is run for each event, with the event as JSON on its standard input. It ends with 0 when it is done;
 * else it is run again, after pauses that grow, and at last nobody goes on before somebody has looked. */
#ifndef CLIENTS_CLI_VERBS_HOOK_H
#define CLIENTS_CLI_VERBS_HOOK_H

#include <signal.h>

#include <pedido/events.h>

#include "clients/cli/cli.h"

struct hook {
    struct cli *cli;
    const char *command; /* NULL: none */
    uint64_t    tries, skip; /* at most; the position that is passed over, 0: none */
};

/* Reads --exec, --tries and --skip. STATUS_OK, or it was reported. */
int hook_begin(struct cli *cli, struct hook *ret_hook);

/* STATUS_OK: it is done, or passed over. STATUS_TROUBLE: it cannot be passed; STATUS_ABANDONED: one of the signals came. Meanwhile
 * the subscriber keeps its name. */
int hook_run(const struct hook *hook, const json_t *event, const sigset_t *signals, struct pd_subscriber *subscriber);

#endif
