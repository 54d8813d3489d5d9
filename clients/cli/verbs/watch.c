#include "clients/cli/verbs/watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/cli/show/format.h"
#include "clients/cli/show/terminal.h"
#include "clients/cli/show/text.h"
#include "clients/lib/json.h"
#include "proto/framing.h"

enum { THING = 24 /* columns */ };

/* ---- which of them ------------------------------------------------------------------------------------------------- */

/* A number of an event's data as a key; false when it has none. */
static bool
number_key(const json_t *data, const char *name, char ret_key[24])
{
    const json_t *value = json_object_get(data, name);
    if (!json_is_integer(value)) return false;
    snprintf(ret_key, 24, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    return true;
}

/* Events say whose they are where they begin something; what follows is known by its number. */
static bool
is_customers(const struct watch *w, const json_t *data)
{
    const char *customer = json_string_value(json_object_get(data, "customer"));
    char        key[24];
    bool        ours = customer != NULL && strcmp(customer, w->customer) == 0;

    if (number_key(data, "order", key)) {
        if (ours) json_object_set_new(w->orders, key, json_true());
        ours = ours || json_object_get(w->orders, key) != NULL;
    }
    if (number_key(data, "subscription", key)) {
        if (ours) json_object_set_new(w->owned, key, json_true());
        ours = ours || json_object_get(w->owned, key) != NULL;
    }
    return ours;
}

bool
watch_wants(struct watch *w, const json_t *event)
{
    const char   *type = json_string_value(json_object_get(event, "type"));
    const json_t *data = json_object_get(event, "data");
    bool          any = !args_has(w->cli, "type");

    for (size_t i = 0; i < w->cli->given_count && !any; i++)
        any = strcmp(w->cli->given[i].option->name, "type") == 0 && strcmp(w->cli->given[i].value, type) == 0;
    if (w->order != 0 && (uint64_t)json_integer_value(json_object_get(data, "order")) != w->order) return false;
    /* Asked also about a type that is not shown: its order may be the customer's. */
    return (w->customer == NULL || is_customers(w, data)) && any;
}

/* The numbers of what the customer has already. */
static int
know_customer(struct watch *w)
{
    const struct {
        const struct pd_block *query;
        const char *list, *key;
        json_t     *numbers;
    } lists[] = {
        {pd_block_list_orders(), "orders", "order", w->orders},
        {pd_block_list_subscriptions(), "subscriptions", "subscription", w->owned},
    };
    json_t *row, *answer;
    size_t  i;
    char    key[24];
    int     status = STATUS_OK;

    for (size_t l = 0; l < 2 && status == STATUS_OK; l++) {
        json_t *rows = NULL;
        status = request_rows(w->cli, lists[l].query, json_pack("{s:s}", "customer", w->customer), &rows);
        json_array_foreach (rows, i, row)
            if (number_key(row, lists[l].key, key)) json_object_set_new(lists[l].numbers, key, json_true());
        json_decref(rows);
    }
    if (status != STATUS_OK) return status;
    status = request_data(w->cli, pd_block_get_customer(), json_pack("{s:s}", "customer", w->customer), &answer);
    if (status == STATUS_OK) json_decref(answer);
    return status;
}

static int
know_order(struct watch *w, const char *word)
{
    json_t *data = json_object(), *answer = NULL;
    int     status = fields_order(w->cli, word, data);

    if (status != STATUS_OK) json_decref(data);
    else status = request_data(w->cli, pd_block_get_order(), data, &answer);
    w->order = (uint64_t)json_integer_value(json_object_get(json_object_get(answer, "order"), "order"));
    json_decref(answer);
    return status;
}

static int
check_types(const struct cli *cli)
{
    for (size_t i = 0; i < cli->given_count; i++) {
        const char    *type = cli->given[i].value;
        struct nearest n = {.wanted = type};
        if (strcmp(cli->given[i].option->name, "type") != 0 || pd_schema_find(PD_BLOCK_event, pd_text(type)) != NULL) continue;
        for (size_t b = 0; pd_schema_block(b) != NULL; b++)
            if (pd_schema_block(b)->kind == PD_BLOCK_event) nearest_offer(&n, pd_schema_block(b)->Name, SIZE_MAX);
        if (nearest_best(&n) != NULL) return cli_usage(cli, "there is no event %s; did you mean %s?", type, nearest_best(&n));
        return cli_usage(cli, "there is no event %s; `pedido schema` lists them", type);
    }
    return STATUS_OK;
}

int
watch_begin(struct cli *cli, struct watch *w)
{
    const char *count = args_value(cli, "count"), *order = args_value(cli, "order");

    *w = (struct watch){.cli = cli, .reseller = args_has(cli, "all") ? "~all" : exchange_reseller(cli),
                        .customer = args_value(cli, "customer"), .format = args_value(cli, "format"), .orders = json_object(),
                        .owned = json_object(), .left = UINT64_MAX, .exit_at_end = args_has(cli, "exit-at-end")};
    if (count != NULL && (!args_number(count, &w->left) || w->left == 0))
        return cli_usage(cli, "--count %s: a number from 1 is expected", count);
    if (args_has(cli, "all") && (order != NULL || w->customer != NULL))
        return cli_usage(cli, "--all is of all resellers; an order and a customer are one's");
    return check_types(cli);
}

int
watch_know(struct watch *w)
{
    const char *order = args_value(w->cli, "order");
    int         status = order != NULL ? know_order(w, order) : STATUS_OK;

    return status == STATUS_OK && w->customer != NULL ? know_customer(w) : status;
}

void
watch_end(struct watch *w)
{
    terminal_live("");
    json_decref(w->orders);
    json_decref(w->owned);
}

/* ---- from where ---------------------------------------------------------------------------------------------------- */

static void
see_position(void *context, json_t *row)
{
    *(uint64_t *)context = (uint64_t)json_integer_value(json_object_get(row, "position"));
}

/* One ReadLog of one event: what is behind a time, or at the end. 0: there is none. */
static int
read_one(struct watch *w, json_t *query, uint64_t *ret_position)
{
    *ret_position = 0;
    if (args_has(w->cli, "all")) json_object_set_new(query, "all", json_true());
    return request_each(w->cli, pd_block_read_log(), query, 1, see_position, ret_position);
}

int
watch_from(struct watch *w, const char *standard, uint64_t *ret_from)
{
    const char *from = args_value(w->cli, "from");
    uint64_t    back, head, time_us;

    if (from == NULL) from = standard;
    *ret_from = strcmp(from, "beginning") == 0 ? 1 : 0;
    if (*ret_from > 0) return STATUS_OK;
    if (strcmp(from, "now") == 0) from = w->customer != NULL ? "-0" : "0"; /* what it has is asked for from there on */
    if (strcmp(from, "0") == 0) return STATUS_OK;
    if (args_number(from, ret_from)) return STATUS_OK;
    if (from[0] == '-' && args_number(from + 1, &back)) {
        int status = read_one(w, json_pack("{s:b}", "backwards", 1), &head);
        *ret_from = head + 1 > back ? head + 1 - back : 1;
        return status;
    }
    int status = fields_time(w->cli, "--from", from, &time_us);
    if (status == STATUS_OK) status = read_one(w, json_pack("{s:I}", "since", (json_int_t)time_us), ret_from);
    return status; /* nothing has happened since then: 0 */
}

/* ---- printing ------------------------------------------------------------------------------------------------------ */

json_t *
watch_event(const struct pd_event *event)
{
    struct mp_writer     w = {0};
    struct pd_event_head head = {.position = event->position, .time = event->time, .log = event->log, .type = event->type_name,
                                 .reseller = event->reseller, .command = event->command, .actor = event->actor,
                                 .on_behalf_of = event->on_behalf_of, .trace = event->trace, .version = event->version};

    pd_encode_event(&w, &head, event->bytes);
    json_t *json = pd_json_from_bytes((struct pd_text){w.data, w.size}, pd_block_event_view());
    mp_writer_fini(&w);
    return json;
}

void
watch_name_thing(const json_t *event, char *ret_name, size_t size)
{
    static const char *const keys[] = {"order", "subscription", "customer", "plan", "reseller"};
    const char              *type = json_string_value(json_object_get(event, "type"));
    const struct pd_block   *block = pd_schema_find(PD_BLOCK_event, pd_text(type));
    struct pd_text           own = block == NULL ? (struct pd_text){NULL, 0} : PD_NAME(aggregate, block->aggregate);

    ret_name[0] = '\0';
    for (size_t i = 0; i < sizeof keys / sizeof keys[0] && ret_name[0] == '\0'; i++) {
        const json_t *value = json_object_get(json_object_get(event, "data"), keys[i]);
        bool          task = block != NULL && block->aggregate == PD_aggregate_task && i < 2;
        if (value == NULL || !(task || pd_text_equal(own, pd_text(keys[i])))) continue;
        if (json_is_integer(value)) snprintf(ret_name, size, "%s/%" JSON_INTEGER_FORMAT, keys[i], json_integer_value(value));
        else snprintf(ret_name, size, "%s/%s", keys[i], json_string_value(value));
    }
}

static void
print_line(const json_t *event)
{
    const char *type = json_string_value(json_object_get(event, "type"));
    char       *time = format_time(json_string_value(json_object_get(event, "time")));
    char       *line = format_event(type, json_object_get(event, "data"));
    char        thing[200];

    watch_name_thing(event, thing, sizeof thing);
    printf("%s  %6" JSON_INTEGER_FORMAT "  ", time, json_integer_value(json_object_get(event, "position")));
    text_print(stdout, thing, THING, TEXT_LEFT);
    printf("  %-26s  ", type);
    text_print(stdout, line, 0, TEXT_LEFT);
    putchar('\n');
    free(time);
    free(line);
}

/* A value as a program reads it; what is not there is nothing. */
static void
print_value(const json_t *value)
{
    if (json_is_string(value)) fputs(json_string_value(value), stdout);
    else if (value != NULL) json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
}

/* {position} {data.order}, \n and \t; anything else as it stands. */
static void
print_format(const char *format, const json_t *event)
{
    for (const char *p = format; *p != '\0'; p++) {
        const char *end = *p == '{' ? strchr(p, '}') : NULL;
        if (*p == '\\' && (p[1] == 'n' || p[1] == 't')) putchar(*++p == 'n' ? '\n' : '\t');
        else if (end == NULL) putchar(*p);
        else {
            char          path[80];
            const json_t *value = event;
            snprintf(path, sizeof path, "%.*s", (int)(end - p) - 1, p + 1);
            char *rest = path;
            for (char *key; (key = strsep(&rest, ".")) != NULL;) value = json_object_get(value, key);
            print_value(value);
            p = end;
        }
    }
}

void
watch_print(struct watch *w, const json_t *event)
{
    terminal_live("");
    if (w->format != NULL) print_format(w->format, event);
    else if (args_has(w->cli, "json")) cli_print_json(event);
    else print_line(event);
    fflush(stdout);
    w->shown++;
    w->left--;
}
