/* views.c - views rebuild, with its progress. */
#include "clients/cli/cli.h"

#include <stdio.h>
#include <time.h>

#include "clients/cli/show/terminal.h"

enum { LOOK_MS = 200 };

static void
show_progress(const json_t *views)
{
    long long built = json_integer_value(json_object_get(views, "built"));
    long long head = json_integer_value(json_object_get(views, "head"));
    char      line[120];

    snprintf(line, sizeof line, _("rebuilding: %lld of %lld events"), built, head);
    terminal_live(line);
}

int
run_views_rebuild(struct cli *cli)
{
    json_t  *views = NULL;
    uint64_t start = cli_now_us();
    int      status = request_data(cli, pd_block_rebuild_views(), json_object(), &views);

    while (status == STATUS_OK && json_is_true(json_object_get(views, "building"))) {
        show_progress(views);
        nanosleep(&(struct timespec){0, LOOK_MS * 1000000}, NULL);
        json_decref(views);
        views = NULL;
        status = request_data(cli, pd_block_list_views(), json_object(), &views);
    }
    terminal_live("");
    if (status == STATUS_OK && args_has(cli, "json")) cli_print_json(views);
    else if (status == STATUS_OK)
        printf(_("rebuilt in %.1f s: %lld events\n"), (double)(cli_now_us() - start) / 1e6,
               (long long)json_integer_value(json_object_get(views, "projected")));
    json_decref(views);
    return status;
}
