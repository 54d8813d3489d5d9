/* metrics.c - what GetMetrics answers; and pedido metrics, which prints it for Prometheus
 * (prometheus.io/docs/instrumenting/exposition_formats, version 0.0.4). */
#include "clients/cli/verbs/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUCKETS = 26 }; /* 2^25 microseconds are 34 seconds */

/* ---- reading ------------------------------------------------------------------------------------------------------- */

static bool
is_named(const json_t *row, const char *metric)
{
    return strcmp(cli_text(row, "metric"), metric) == 0;
}

const json_t *
metrics_find(const json_t *answer, const char *metric, const char *of)
{
    const json_t *row;
    size_t        i;

    json_array_foreach (json_object_get(answer, "metrics"), i, row)
        if (is_named(row, metric) && strcmp(cli_text(row, "of"), of == NULL ? "" : of) == 0) return row;
    return NULL;
}

static uint64_t
number(const json_t *row, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(row, key));
}

uint64_t
metrics_value(const json_t *answer, const char *metric, const char *of)
{
    return number(metrics_find(answer, metric, of), "value");
}

uint64_t
metrics_sum(const json_t *answer, const char *metric)
{
    const json_t *row;
    size_t        i;
    uint64_t      sum = 0;

    json_array_foreach (json_object_get(answer, "metrics"), i, row)
        if (is_named(row, metric)) sum += number(row, "value");
    return sum;
}

/* How often values of at most that. */
static uint64_t
count_up_to(const json_t *row, uint64_t at_most)
{
    const json_t *bucket;
    size_t        i;
    uint64_t      count = 0;

    json_array_foreach (json_object_get(row, "buckets"), i, bucket)
        if (number(bucket, "at_most") <= at_most) count += number(bucket, "count");
    return count;
}

uint64_t
metrics_count(const json_t *answer, const json_t *before, const char *metric, const char *of)
{
    return number(metrics_find(answer, metric, of), "count") - number(metrics_find(before, metric, of), "count");
}

uint64_t
metrics_quantile(const json_t *answer, const json_t *before, const char *metric, const char *of, unsigned percent)
{
    const json_t *now = metrics_find(answer, metric, of), *then = metrics_find(before, metric, of);
    uint64_t      all = count_up_to(now, UINT64_MAX) - count_up_to(then, UINT64_MAX);

    for (unsigned n = 0; all > 0 && n < 63; n++) {
        uint64_t bound = (uint64_t)1 << n;
        if ((count_up_to(now, bound) - count_up_to(then, bound)) * 100 >= all * percent) return bound;
    }
    return 0;
}

const char *
metrics_bytes(uint64_t bytes, char ret_text[32])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double                   value = (double)bytes;
    size_t                   unit = 0;

    while (value >= 1024 && unit + 1 < sizeof units / sizeof units[0]) value /= 1024, unit++;
    snprintf(ret_text, 32, "%.*f %s", value < 10 && unit > 0 ? 1 : 0, value, units[unit]);
    return ret_text;
}

const char *
metrics_time(uint64_t us, char ret_text[32])
{
    if (us < 1000) snprintf(ret_text, 32, "%" PRIu64 " µs", us);
    else if (us < 10000) snprintf(ret_text, 32, "%.1f ms", (double)us / 1e3);
    else if (us < 1000000) snprintf(ret_text, 32, "%.0f ms", (double)us / 1e3);
    else snprintf(ret_text, 32, "%.1f s", (double)us / 1e6);
    return ret_text;
}

const char *
metrics_age(uint64_t s, char ret_text[32])
{
    if (s < 60) snprintf(ret_text, 32, "%" PRIu64 " s", s);
    else if (s < 3600) snprintf(ret_text, 32, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
    else if (s < 86400) snprintf(ret_text, 32, "%" PRIu64 " h %" PRIu64 " min", s / 3600, s / 60 % 60);
    else snprintf(ret_text, 32, "%" PRIu64 " d %" PRIu64 " h", s / 86400, s / 3600 % 24);
    return ret_text;
}

/* ---- for Prometheus ------------------------------------------------------------------------------------------------ */

static bool
ends_with(const char *name, const char *end)
{
    return strlen(name) >= strlen(end) && strcmp(name + strlen(name) - strlen(end), end) == 0;
}

/* What `of` says. */
static const char *
label_of(const char *metric)
{
    if (strncmp(metric, "store_", 6) == 0 || strncmp(metric, "disk_", 5) == 0 || strcmp(metric, "sync_us") == 0) return "store";
    if (strcmp(metric, "refusals_total") == 0) return "code";
    if (strcmp(metric, "subscriber_lag") == 0) return "subscriber";
    return "port";
}

/* Seconds are its only unit of time. */
static void
print_name(const char *metric)
{
    if (ends_with(metric, "_us")) printf("pedido_%.*s_seconds", (int)strlen(metric) - 3, metric);
    else if (ends_with(metric, "_s")) printf("pedido_%.*s_seconds", (int)strlen(metric) - 2, metric);
    else printf("pedido_%s", metric);
}

static void
print_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\' || *text == '"') putchar('\\');
        putchar(*text == '\n' ? ' ' : *text);
    }
}

/* A number in the metric's unit, exactly. */
static void
print_number(const char *metric, uint64_t value)
{
    if (ends_with(metric, "_us")) printf("%" PRIu64 ".%06" PRIu64, value / 1000000, value % 1000000);
    else printf("%" PRIu64, value);
}

static void
begin_sample(const json_t *row, const char *suffix, const char *le)
{
    const char *metric = cli_text(row, "metric"), *of = cli_text(row, "of");

    print_name(metric);
    fputs(suffix, stdout);
    if (of[0] == '\0' && le == NULL) {
        putchar(' ');
        return;
    }
    putchar('{');
    if (of[0] != '\0') {
        printf("%s=\"", label_of(metric));
        print_text(of);
        printf("\"%s", le != NULL ? "," : "");
    }
    if (le != NULL) printf("le=\"%s\"", le);
    fputs("} ", stdout);
}

/* All bounds each time: who computes rates needs the same ones again. */
static void
print_histogram(const json_t *row)
{
    bool times = ends_with(cli_text(row, "metric"), "_us");
    char le[32];

    for (unsigned n = 0; n < BUCKETS; n++) {
        uint64_t bound = (uint64_t)1 << n;
        if (times) snprintf(le, sizeof le, "%" PRIu64 ".%06" PRIu64, bound / 1000000, bound % 1000000);
        else snprintf(le, sizeof le, "%" PRIu64, bound);
        begin_sample(row, "_bucket", le);
        printf("%" PRIu64 "\n", count_up_to(row, bound));
    }
    begin_sample(row, "_bucket", "+Inf");
    printf("%" PRIu64 "\n", number(row, "count"));
    begin_sample(row, "_sum", NULL);
    print_number(cli_text(row, "metric"), number(row, "sum"));
    putchar('\n');
    begin_sample(row, "_count", NULL);
    printf("%" PRIu64 "\n", number(row, "count"));
}

/* The rows of a metric together, as the format wants them. */
static void
print_metric(const json_t *answer, const char *metric, const char *about)
{
    const json_t *row;
    size_t        i;
    bool          begun = false;

    json_array_foreach (json_object_get(answer, "metrics"), i, row) {
        if (!is_named(row, metric)) continue;
        bool histogram = json_object_get(row, "count") != NULL;
        if (!begun) {
            fputs("# HELP ", stdout);
            print_name(metric);
            printf(" %s.\n# TYPE ", about);
            print_name(metric);
            printf(" %s\n", histogram ? "histogram" : ends_with(metric, "_total") ? "counter" : "gauge");
        }
        begun = true;
        if (histogram) print_histogram(row);
        else {
            begin_sample(row, "", NULL);
            print_number(metric, number(row, "value"));
            putchar('\n');
        }
    }
}

int
run_metrics(struct cli *cli)
{
    const struct pd_enum *names = pd_enum_metric();
    json_t               *answer = NULL;
    int                   status = request_data(cli, pd_block_get_metrics(), json_object(), &answer);

    if (status != STATUS_OK) return status;
    if (args_has(cli, "json")) cli_print_json(answer);
    else {
        printf("# HELP pedido_info The engine's version and its log.\n# TYPE pedido_info gauge\npedido_info{version=\"");
        print_text(cli_text(answer, "software"));
        printf("\",log=\"%s\"} 1\n", cli_text(answer, "log"));
        for (size_t i = 0; i < names->count; i++) print_metric(answer, names->values[i].name, names->values[i].english);
    }
    json_decref(answer);
    return STATUS_OK;
}
