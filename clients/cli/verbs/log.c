/* log.c - log stat and log export: what there is, and all of it for other programs. */
#include <csv.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/cli/show/format.h"
#include "clients/cli/show/money.h"
#include "clients/cli/show/terminal.h"
#include "clients/cli/verbs/watch.h"
#include "clients/lib/time.h"

/* ---- log stat ------------------------------------------------------------------------------------------------------ */

struct stat {
    json_t *types; /* how many of each */
    json_t *first, *last; /* hours */
    uint64_t events;
};

static void
see_hour(void *context, json_t *row)
{
    struct stat *s = context;
    const char  *type = json_string_value(json_object_get(row, "name"));
    json_int_t   count = json_integer_value(json_object_get(row, "count"));

    json_object_set_new(s->types, type, json_integer(json_integer_value(json_object_get(s->types, type)) + count));
    s->events += (uint64_t)count;
    if (s->first == NULL) s->first = json_incref(json_object_get(row, "hour"));
    json_decref(s->last);
    s->last = json_incref(json_object_get(row, "hour"));
}

int
run_log_stat(struct cli *cli)
{
    struct stat s = {.types = json_object()};
    json_t     *hello = NULL, *count;
    const char *type;
    int         status = request_data(cli, pd_block_hello(), json_object(), &hello);

    if (status == STATUS_OK)
        status = request_each(cli, pd_block_list_hours(), json_pack("{s:s}", "counted", "events"), UINT64_MAX, see_hour, &s);
    json_t *told = json_pack("{s:s,s:O,s:O,s:I,s:O*,s:O*,s:O}", "reseller", exchange_reseller(cli), "log",
                             json_object_get(hello, "log"), "head", json_object_get(hello, "head"), "events", (json_int_t)s.events,
                             "first_hour", s.first, "last_hour", s.last, "types", s.types);
    if (status == STATUS_OK && args_has(cli, "json")) cli_print_json(told);
    else if (status == STATUS_OK) {
        json_object_foreach (told, type, count)
            if (!json_is_object(count)) {
                char label[48], *time = strstr(type, "hour") != NULL ? format_time(json_string_value(count)) : NULL;
                format_label(type, label, sizeof label);
                if (json_is_string(count)) printf("%-16s %s\n", label, time != NULL ? time : json_string_value(count));
                else printf("%-16s %" JSON_INTEGER_FORMAT "\n", label, json_integer_value(count));
                free(time);
            }
        putchar('\n');
        json_object_foreach (s.types, type, count) printf("%-28s %10" JSON_INTEGER_FORMAT "\n", type, json_integer_value(count));
    }
    json_decref(told);
    json_decref(hello);
    json_decref(s.types);
    json_decref(s.first);
    json_decref(s.last);
    return status;
}

/* ---- log export ---------------------------------------------------------------------------------------------------- */

struct export {
    struct watch watch;
    const char  *as, *log;
    pd_time_us   until; /* UINT64_MAX: to the end */
    uint64_t     head, rows;
    bool         over;
    int          status;
};

/* The event in the envelope of CloudEvents 1.0, for whoever speaks that. */
static void
print_cloud_event(const struct export *e, const json_t *event)
{
    const char *reseller = json_string_value(json_object_get(event, "reseller"));
    json_int_t  position = json_integer_value(json_object_get(event, "position"));
    char        id[200], source[200], sequence[24], thing[200], type[80];

    watch_name_thing(event, thing, sizeof thing);
    snprintf(source, sizeof source, "/pedido/%s/%s", e->log, e->watch.reseller);
    snprintf(id, sizeof id, "%" JSON_INTEGER_FORMAT, position);
    snprintf(sequence, sizeof sequence, "%020" JSON_INTEGER_FORMAT, position);
    snprintf(type, sizeof type, "pedido.%s", json_string_value(json_object_get(event, "type")));
    json_t *cloud = json_pack("{s:s,s:s,s:s,s:s,s:s,s:O,s:s,s:s,s:s,s:O*,s:O}", "specversion", "1.0", "id", id, "source", source,
                              "type", type, "subject", thing, "time", json_object_get(event, "time"), "datacontenttype",
                              "application/json", "sequence", sequence, "partitionkey", reseller, "traceparent",
                              json_object_get(event, "trace"), "data", json_object_get(event, "data"));
    cli_print_json(cloud);
    json_decref(cloud);
}

/* ---- items that are completed, as CSV */

static const char *const columns[] = {"completed", "order",    "reference", "customer",  "item",          "plan", "plan_name",
                                      "period",    "domain",   "quantity",  "currency", "setup_fee", "recurring_fee", "total"};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

static void
print_cell(const char *text, bool last)
{
    csv_fwrite(stdout, text, strlen(text));
    if (last) fputs("\r\n", stdout);
    else putchar(',');
}

/* A programs' number: no currency beside it, its decimals by it. */
static void
cell_of(const json_t *order, const json_t *item, const char *time, const char *name, char ret_cell[600])
{
    const char   *currency = json_string_value(json_object_get(order, "currency"));
    const json_t *value = json_object_get(item, name);

    if (value == NULL) value = json_object_get(order, name);
    ret_cell[0] = '\0';
    if (strcmp(name, "completed") == 0) snprintf(ret_cell, 600, "%s", time);
    else if (json_is_string(value)) snprintf(ret_cell, 600, "%s", json_string_value(value));
    else if (!json_is_integer(value)) return;
    else if (strstr(name, "fee") == NULL && strcmp(name, "total") != 0)
        snprintf(ret_cell, 600, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else {
        char text[MONEY_TEXT_SIZE];
        money_to_text(json_integer_value(value), currency, text);
        snprintf(ret_cell, 600, "%.*s", (int)strcspn(text, " "), text);
    }
}

static void
print_items(struct export *e, const json_t *event)
{
    json_t       *answer = NULL, *item;
    size_t        i;
    const json_t *number = json_object_get(json_object_get(event, "data"), "order");
    const char   *time = json_string_value(json_object_get(event, "time"));
    char          cell[600];

    e->status = request_data(e->watch.cli, pd_block_get_order(), json_pack("{s:O}", "order", number), &answer);
    const json_t *order = json_object_get(answer, "order");
    json_array_foreach (json_object_get(order, "items"), i, item) {
        const char *state = json_string_value(json_object_get(item, "state"));
        if (state == NULL || strcmp(state, "completed") != 0) continue;
        for (size_t c = 0; c < COLUMNS; c++) {
            cell_of(order, item, time, columns[c], cell);
            print_cell(cell, c + 1 == COLUMNS);
        }
        e->rows++;
    }
    json_decref(answer);
}

/* ---- all of them */

static void
show_progress(const struct export *e, uint64_t position)
{
    char line[120];

    if (position % 500 != 0) return;
    snprintf(line, sizeof line, _("exporting: position %llu of %llu"), (unsigned long long)position, (unsigned long long)e->head);
    terminal_live(line);
}

static void
see_event(void *context, json_t *event)
{
    struct export *e = context;
    const char    *time = json_string_value(json_object_get(event, "time"));
    pd_time_us     when = 0;

    if (e->over || e->status != STATUS_OK || ferror(stdout)) return;
    e->over = time != NULL && pd_time_from_text(time, &when) && when >= e->until;
    if (e->over) return;
    show_progress(e, (uint64_t)json_integer_value(json_object_get(event, "position")));
    if (strcmp(e->as, "csv") == 0) print_items(e, event);
    else if (strcmp(e->as, "cloudevents") == 0) print_cloud_event(e, event);
    else cli_print_json(event);
}

static int
read_until(struct export *e)
{
    const char *until = args_value(e->watch.cli, "until");
    e->until = UINT64_MAX;
    return until == NULL ? STATUS_OK : fields_time(e->watch.cli, "--until", until, &e->until);
}

int
run_log_export(struct cli *cli)
{
    struct export e = {.as = args_value(cli, "as") == NULL ? "jsonl" : args_value(cli, "as")};
    uint64_t      from = 0;
    json_t       *hello = NULL;

    if (strcmp(e.as, "jsonl") != 0 && strcmp(e.as, "cloudevents") != 0 && strcmp(e.as, "csv") != 0)
        return cli_usage(cli, "--as %s: jsonl, cloudevents or csv is expected", e.as);
    int status = watch_begin(cli, &e.watch);
    if (status == STATUS_OK) status = read_until(&e);
    if (status == STATUS_OK) status = watch_from(&e.watch, "beginning", &from);
    if (status == STATUS_OK) status = request_data(cli, pd_block_hello(), json_object(), &hello);
    e.head = (uint64_t)json_integer_value(json_object_get(hello, "head"));
    e.log = cli_text(hello, "log");
    if (status == STATUS_OK && strcmp(e.as, "csv") == 0)
        for (size_t c = 0; c < COLUMNS; c++) print_cell(columns[c], c + 1 == COLUMNS);
    if (status == STATUS_OK && from > 0) {
        json_t *query = json_pack("{s:I}", "from", (json_int_t)from);
        if (strcmp(e.as, "csv") == 0) json_object_set_new(query, "types", json_pack("[s]", "OrderCompleted"));
        status = request_each(cli, pd_block_read_log(), query, UINT64_MAX, see_event, &e);
    }
    if (status == STATUS_OK) status = e.status;
    json_decref(hello);
    watch_end(&e.watch);
    return status;
}
