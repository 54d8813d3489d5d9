/* status.c - pedido status: how the engine does, on a page. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/cli/show/text.h"
#include "clients/cli/verbs/metrics.h"

static unsigned long long
value(const json_t *m, const char *metric)
{
    return metrics_value(m, metric, NULL);
}

static void
begin_line(const char *label)
{
    text_print(stdout, label, 13, TEXT_LEFT);
}

static void
show_requests(const json_t *m)
{
    const json_t *row;
    size_t        i, shown = 0;

    begin_line(_("commands"));
    printf(_("%llu answered, %llu turns"), value(m, "commands_total"),
           value(m, "turns_total"));
    json_array_foreach (json_object_get(m, "metrics"), i, row) {
        if (strcmp(cli_text(row, "metric"), "refusals_total") != 0) continue;
        printf("%s%s %" JSON_INTEGER_FORMAT, shown++ == 0 ? _("; refused: ") : ", ", cli_text(row, "of"),
               json_integer_value(json_object_get(row, "value")));
    }
    putchar('\n');
}

static void
show_time(const json_t *m, const char *label, const char *metric, const char *of)
{
    char half[32], most[32];

    if (metrics_count(m, NULL, metric, of) == 0) return;
    begin_line(label);
    printf(_("half within %s, 99 %% within %s\n"), metrics_time(metrics_quantile(m, NULL, metric, of, 50), half),
           metrics_time(metrics_quantile(m, NULL, metric, of, 99), most));
}

static void
show_stores(const json_t *m)
{
    static const char *const stores[] = {N_("log"), N_("rows"), N_("views")};

    for (size_t i = 0; i < sizeof stores / sizeof stores[0]; i++) {
        char used[32], left[32];
        if (metrics_find(m, "store_used_bytes", stores[i]) == NULL) continue;
        begin_line(_(stores[i]));
        printf(_("%s used, %s left on its disk"), metrics_bytes(metrics_value(m, "store_used_bytes", stores[i]), used),
               metrics_bytes(metrics_value(m, "disk_free_bytes", stores[i]), left));
        unsigned long long lag = metrics_value(m, "store_reader_lag", stores[i]);
        if (lag > 0) printf(_(", a reader is %llu commits behind"), lag);
        putchar('\n');
    }
}

static void
show_subscribers(const json_t *m)
{
    const json_t *row;
    size_t        i, shown = 0;

    json_array_foreach (json_object_get(m, "metrics"), i, row) {
        if (strcmp(cli_text(row, "metric"), "subscriber_lag") != 0) continue;
        if (shown++ == 0) begin_line(_("subscribers"));
        else printf(", ");
        printf(_("%s %llu behind"), cli_text(row, "of"), (unsigned long long)json_integer_value(json_object_get(row, "value")));
    }
    if (shown > 0) putchar('\n');
}

static void
show_engine(const json_t *m)
{
    char age[32], memory[32];

    begin_line(_("engine"));
    printf(_("%s, up %s, %s of memory, %s\n"), cli_text(m, "software"), metrics_age(metrics_value(m, "up_s", NULL), age),
           metrics_bytes(metrics_value(m, "memory_bytes", NULL), memory),
           metrics_value(m, "writable", NULL) > 0 ? _("writable") : _("the disk is full: commands are refused"));
    begin_line(_("position"));
    printf(_("%llu of log %s, views %llu behind%s\n"), value(m, "log_position"), cli_text(m, "log"),
           value(m, "views_lag"), metrics_value(m, "views_building", NULL) > 0 ? _(", being made anew") : "");
}

int
run_status(struct cli *cli)
{
    json_t *m = NULL;
    int     status = request_data(cli, pd_block_get_metrics(), json_object(), &m);

    if (status != STATUS_OK) return status;
    if (args_has(cli, "json")) {
        cli_print_json(m);
        json_decref(m);
        return STATUS_OK;
    }
    show_engine(m);
    show_requests(m);
    show_time(m, _("turn"), "turn_us", NULL);
    show_time(m, _("sync"), "sync_us", "log");
    show_time(m, _("query"), "query_us", NULL);
    begin_line(_("tasks"));
    printf(_("%llu wait, %llu are at work; %llu workers\n"), value(m, "tasks_waiting"),
           value(m, "tasks_leased"), value(m, "workers"));
    show_stores(m);
    show_subscribers(m);
    json_decref(m);
    return STATUS_OK;
}
