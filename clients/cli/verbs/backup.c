/* backup.c - a backup of the log, made by the engine, with its progress. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "clients/cli/cli.h"
#include "clients/cli/show/terminal.h"

enum { LOOK_MS = 200 };

static bool
has_phase(const json_t *backup, const char *phase)
{
    const char *is = json_string_value(json_object_get(backup, "phase"));
    return is != NULL && strcmp(is, phase) == 0;
}

static void
show_progress(const json_t *backup)
{
    bool copying = has_phase(backup, "copying");
    char line[120];

    snprintf(line, sizeof line, copying ? _("copying: %lld of %lld events") : _("checking: %lld of %lld events"),
             (long long)json_integer_value(json_object_get(backup, "done")),
             (long long)json_integer_value(json_object_get(backup, "of")));
    terminal_live(line);
}

static int
end(struct cli *cli, const json_t *backup)
{
    terminal_live("");
    if (args_has(cli, "json")) cli_print_json(backup);
    if (!has_phase(backup, "done")) {
        cli_say("pedido: no backup was made: %s", cli_text(backup, "problem"));
        return STATUS_TROUBLE;
    }
    if (args_has(cli, "json")) return STATUS_OK;
    printf(_("%s: %lld events, copied and checked\n"), cli_text(backup, "directory"),
           (long long)json_integer_value(json_object_get(backup, "of")));
    return STATUS_OK;
}

/* The engine takes a path from the root: this program's directory is not its own. */
int
run_backup(struct cli *cli)
{
    char    here[PATH_MAX] = "", path[2 * PATH_MAX];
    json_t *backup = NULL;

    if (cli->words[0][0] != '/' && getcwd(here, sizeof here) == NULL)
        return cli_usage(cli, "%s: %s", cli->words[0], strerror(errno));
    snprintf(path, sizeof path, "%s%s%s", here, here[0] != '\0' ? "/" : "", cli->words[0]);
    int status = request_data(cli, pd_block_start_backup(), json_pack("{s:s}", "directory", path), &backup);
    while (status == STATUS_OK && !has_phase(backup, "done") && !has_phase(backup, "failed")) {
        show_progress(backup);
        nanosleep(&(struct timespec){0, LOOK_MS * 1000000}, NULL);
        json_decref(backup);
        backup = NULL;
        status = request_data(cli, pd_block_get_backup(), json_object(), &backup);
        if (status == STATUS_OK && json_object_get(backup, "phase") == NULL) {
            cli_say("pedido: the engine was started anew meanwhile: no backup was made");
            status = STATUS_TROUBLE;
        }
    }
    if (status == STATUS_OK) status = end(cli, backup);
    json_decref(backup);
    return status;
}
