/* check.c - pedido check: whether all is well, as monitoring plug-ins say it (monitoring-plugins.org/doc/guidelines.html): one
 * line, figures behind a bar, and an exit status. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/cli/verbs/metrics.h"

enum { CHECK_OK = 0, CHECK_WARNING = 1, CHECK_CRITICAL = 2, CHECK_UNKNOWN = 3, LIMITS_MAX = 24 };

static const char *const words[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

/* What is too much, or where `below` too little; of each row that the metric has. UINT64_MAX, or 0 where below: never. README.md,
 * "What to alert on", says why. */
struct limit {
    const char *metric;
    bool        below;
    uint64_t    warning, critical;
};

static const struct limit standard[] = {
    {"writable", true, 0, 1},
    {"disk_free_bytes", true, (uint64_t)4 << 30, (uint64_t)1 << 30},
    {"views_lag", false, 100000, 5000000},
    {"subscriber_lag", false, 100000, UINT64_MAX},
    {"pending", false, 4096, 12288},
    {"store_reader_lag", false, 100000, UINT64_MAX},
};

static bool
is_beyond(const struct limit *l, uint64_t value, uint64_t bound)
{
    return l->below ? value < bound : value > bound && bound != UINT64_MAX;
}

/* ---- what is said of the limits ------------------------------------------------------------------------------------ */

/* METRIC=VALUE. */
static bool
set_limit(struct limit *limits, size_t *count, const char *text, bool critical)
{
    const char *equals = strchr(text, '=');
    uint64_t    value;

    if (equals == NULL || !args_number(equals + 1, &value)) return false;
    struct pd_text name = {text, (size_t)(equals - text)};
    int            number = pd_enum_number(pd_enum_metric(), name);
    if (number == 0) return false;
    const char *metric = pd_enum_metric()->values[number - 1].name;
    size_t      i = 0;
    while (i < *count && strcmp(limits[i].metric, metric) != 0) i++;
    if (i == LIMITS_MAX) return false;
    if (i == *count) limits[(*count)++] = (struct limit){.metric = metric, .warning = UINT64_MAX, .critical = UINT64_MAX};
    if (critical) limits[i].critical = value;
    else limits[i].warning = value;
    return true;
}

static int
read_limits(const struct cli *cli, struct limit *limits, size_t *count)
{
    for (size_t i = 0; i < cli->given_count; i++) {
        const struct given *g = &cli->given[i];
        bool                warning = strcmp(g->option->name, "warning") == 0;
        if (!warning && strcmp(g->option->name, "critical") != 0) continue;
        if (!set_limit(limits, count, g->value, !warning)) {
            cli_usage(cli, "--%s %s: METRIC=NUMBER is expected; pedido schema metrics_reply names the metrics", g->option->name,
                      g->value);
            return CHECK_UNKNOWN;
        }
    }
    return CHECK_OK;
}

/* ---- judging ------------------------------------------------------------------------------------------------------- */

struct verdict {
    int  status;
    char why[400];
};

static void
judge(struct verdict *v, const struct limit *l, const json_t *row)
{
    uint64_t    value = (uint64_t)json_integer_value(json_object_get(row, "value"));
    const char *of = cli_text(row, "of");
    int         status = is_beyond(l, value, l->critical)  ? CHECK_CRITICAL
                         : is_beyond(l, value, l->warning) ? CHECK_WARNING
                                                           : CHECK_OK;
    size_t      size = strlen(v->why);

    if (status == CHECK_OK) return;
    if (status > v->status) v->status = status;
    snprintf(v->why + size, sizeof v->why - size, "%s%s%s%s %" PRIu64, size > 0 ? ", " : "", l->metric,
             of[0] != '\0' ? " " : "", of, value);
}

static void
judge_all(struct verdict *v, const struct limit *limits, size_t count, const json_t *answer)
{
    const json_t *row;
    size_t        r;

    for (size_t i = 0; i < count; i++)
        json_array_foreach (json_object_get(answer, "metrics"), r, row)
            if (strcmp(cli_text(row, "metric"), limits[i].metric) == 0) judge(v, &limits[i], row);
    if (metrics_value(answer, "refusals_total", "internal") == 0) return;
    size_t size = strlen(v->why);
    v->status = CHECK_CRITICAL;
    snprintf(v->why + size, sizeof v->why - size, "%sdamaged data was met (pedidod verify)", size > 0 ? ", " : "");
}

/* 'label'=value;warning;critical */
static void
print_figures(const struct limit *limits, size_t count, const json_t *answer)
{
    const json_t *row;
    size_t        r;

    for (size_t i = 0; i < count; i++)
        json_array_foreach (json_object_get(answer, "metrics"), r, row) {
            const struct limit *l = &limits[i];
            const char         *of = cli_text(row, "of");
            if (strcmp(cli_text(row, "metric"), l->metric) != 0) continue;
            printf(" '%s%s%s'=%" JSON_INTEGER_FORMAT, l->metric, of[0] != '\0' ? " " : "", of,
                   json_integer_value(json_object_get(row, "value")));
            if (l->below) printf(";%" PRIu64 ":;%" PRIu64 ":", l->warning, l->critical);
            else {
                putchar(';');
                if (l->warning != UINT64_MAX) printf("%" PRIu64, l->warning);
                putchar(';');
                if (l->critical != UINT64_MAX) printf("%" PRIu64, l->critical);
            }
        }
    putchar('\n');
}

int
run_check(struct cli *cli)
{
    struct limit   limits[LIMITS_MAX];
    size_t         count = sizeof standard / sizeof standard[0];
    struct verdict v = {CHECK_OK, ""};
    json_t        *answer = NULL, *refusal = NULL;

    memcpy(limits, standard, sizeof standard);
    if (read_limits(cli, limits, &count) != CHECK_OK) return CHECK_UNKNOWN;
    if (exchange_try(cli, pd_block_get_metrics(), json_object(), &answer, &refusal) != STATUS_OK) {
        printf("PEDIDO CRITICAL - no answer: %s\n", pd_client_problem(exchange_client(cli)));
        return CHECK_CRITICAL;
    }
    if (answer == NULL) {
        printf("PEDIDO CRITICAL - refused: %s\n", cli_text(refusal, "message"));
        json_decref(refusal);
        return CHECK_CRITICAL;
    }
    judge_all(&v, limits, count, answer);
    if (args_has(cli, "json")) {
        json_t *told = json_pack("{s:s,s:s}", "status", words[v.status], "why", v.why);
        cli_print_json(told);
        json_decref(told);
    } else {
        printf("PEDIDO %s - %s |", words[v.status], v.why[0] != '\0' ? v.why : "writable, views and subscribers follow");
        print_figures(limits, count, answer);
    }
    json_decref(answer);
    return v.status;
}
