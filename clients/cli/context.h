/* context.h - where the engine is and whose things are meant, and who says so.
 *
 * An option says it first; then the context named by --context, the environment (PEDIDO_ENDPOINT, PEDIDO_RESELLER), the
 * context in use, and what is usual. Contexts stand in $XDG_CONFIG_HOME/pedido/contexts.json (~/.config without it):
 *
 *   {"use": "live", "contexts": {"live": {"endpoint": "tcp://127.0.0.1:7411", "reseller": "norte"}}} */
#ifndef CLIENTS_CLI_CONTEXT_H
#define CLIENTS_CLI_CONTEXT_H

#include "clients/cli/cli.h"

struct setting {
    const char *value;
    char        from[96]; /* "--endpoint", "$PEDIDO_ENDPOINT", "--context live", or "" for what is usual */
};

/* `name` is "endpoint" or "reseller". The value lives as long as the program. */
struct setting context_setting(const struct cli *cli, const char *name, const char *variable, const char *usual);

/* Reads the file. What is wrong with it or with --context is said, unless the verb asks no engine. Called once, before the first
 * setting. */
int context_open(struct cli *cli);

/* What is wrong with the file, or NULL; until it is read again. */
const char *context_problem(void);

/* Tells the name of each context, with its endpoint. */
typedef void context_name(void *context, const char *name, const char *endpoint);
void context_each(context_name *tell, void *context);

/* Where the file stands, or would; "" when nobody knows. */
const char *context_path(void);

#endif
