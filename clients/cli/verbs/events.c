/* events.c - events tail. */
#include "clients/cli/cli.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "clients/cli/show/format.h"
#include "clients/cli/show/terminal.h"
#include "clients/cli/show/text.h"
#include "clients/lib/json.h"

enum { STEP_MS = 200, SILENCE_MS = 5000, TOPIC = 44 /* columns */ };

/* What was seen so far: positions without gaps, or something was lost on the way. */
struct tail {
    struct cli *cli;
    const char *reseller, *customer;
    uint64_t    order;          /* 0: every one */
    json_t     *orders, *owned; /* with a customer: the numbers of its orders and of its subscriptions, as keys */
    uint64_t    next;           /* position; 0: nothing was heard yet */
    char        log[40];        /* the id of the log whose positions these are */
    uint64_t    left;           /* events until the end */
    uint64_t    shown;
    uint32_t    silent_ms;
};

/* Positions belong to a log. Another one, as after a restore, counts anew. */
static void
note_log(struct tail *t, const char *log)
{
    if (log == NULL || strcmp(log, t->log) == 0) return;
    if (t->log[0] != '\0') {
        cli_say("the engine has another log now: positions begin anew");
        t->next = 0;
    }
    snprintf(t->log, sizeof t->log, "%s", log);
}

static void
note_position(struct tail *t, uint64_t position, bool heartbeat)
{
    uint64_t head = heartbeat ? position + 1 : position; /* the next that can come */
    if (t->next == 0) cli_say("following %s from position %" PRIu64 " on", t->reseller, head);
    else if (head > t->next)
        cli_say("missed: positions %" PRIu64 " to %" PRIu64 "; `pedido send ReadLog from=%" PRIu64 "` has them", t->next,
                head - 1, t->next);
    if (heartbeat ? head > t->next : position >= t->next) t->next = heartbeat ? head : position + 1;
}

static void
print_event(const struct tail *t, struct pd_text topic, const json_t *event)
{
    const char *type = json_string_value(json_object_get(event, "type"));

    terminal_live("");
    if (args_has(t->cli, "json")) {
        cli_print_json(event);
        return;
    }
    char *time = format_time(json_string_value(json_object_get(event, "time")));
    char *line = format_event(type, json_object_get(event, "data"));
    printf("%s  %6" JSON_INTEGER_FORMAT "  ", time, json_integer_value(json_object_get(event, "position")));
    text_print_part(stdout, topic.data, topic.size);
    printf("%*s  ", topic.size < TOPIC ? (int)(TOPIC - topic.size) : 0, "");
    text_print(stdout, line, 0, TEXT_LEFT);
    putchar('\n');
    free(time);
    free(line);
}

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
is_customers(const struct tail *t, const json_t *data)
{
    const char *customer = json_string_value(json_object_get(data, "customer"));
    char        key[24];
    bool        ours = customer != NULL && strcmp(customer, t->customer) == 0;

    if (number_key(data, "order", key)) {
        if (ours) json_object_set_new(t->orders, key, json_true());
        ours = ours || json_object_get(t->orders, key) != NULL;
    }
    if (number_key(data, "subscription", key)) {
        if (ours) json_object_set_new(t->owned, key, json_true());
        ours = ours || json_object_get(t->owned, key) != NULL;
    }
    return ours;
}

static bool
is_wanted(const struct tail *t, const char *type, const json_t *data)
{
    bool any = !args_has(t->cli, "type");

    for (size_t i = 0; i < t->cli->given_count && !any; i++)
        any = strcmp(t->cli->given[i].option->name, "type") == 0 && strcmp(t->cli->given[i].value, type) == 0;
    if (t->order != 0 && (uint64_t)json_integer_value(json_object_get(data, "order")) != t->order) return false;
    /* Asked also about a type that is not shown: its order may be the customer's. */
    return (t->customer == NULL || is_customers(t, data)) && any;
}

/* The numbers of what the customer has already. */
static int
know_customer(struct tail *t)
{
    const struct {
        const struct pd_block *query;
        const char *list, *key;
        json_t     *numbers;
    } lists[] = {
        {pd_block_list_orders(), "orders", "order", t->orders},
        {pd_block_list_subscriptions(), "subscriptions", "subscription", t->owned},
    };
    json_t *row, *answer;
    size_t  i;
    char    key[24];
    int     status = STATUS_OK;

    for (size_t l = 0; l < 2 && status == STATUS_OK; l++) {
        json_t *rows = NULL;
        status = request_rows(t->cli, lists[l].query, json_pack("{s:s}", "customer", t->customer), &rows);
        json_array_foreach (rows, i, row)
            if (number_key(row, lists[l].key, key)) json_object_set_new(lists[l].numbers, key, json_true());
        json_decref(rows);
    }
    if (status != STATUS_OK) return status;
    status = request_data(t->cli, pd_block_get_customer(), json_pack("{s:s}", "customer", t->customer), &answer);
    if (status == STATUS_OK) json_decref(answer);
    return status;
}

static int
know_order(struct tail *t, const char *word)
{
    json_t *data = json_object(), *answer = NULL;
    int     status = fields_order(t->cli, word, data);

    if (status != STATUS_OK) json_decref(data);
    else status = request_data(t->cli, pd_block_get_order(), data, &answer);
    t->order = (uint64_t)json_integer_value(json_object_get(json_object_get(answer, "order"), "order"));
    json_decref(answer);
    return status;
}

static int
read_filters(struct tail *t)
{
    const struct cli *cli = t->cli;
    const char       *count = args_value(cli, "count"), *order = args_value(cli, "order");
    int               status = STATUS_OK;

    if (count != NULL && (!args_number(count, &t->left) || t->left == 0))
        return cli_usage(cli, "--count %s: a number from 1 is expected", count);
    for (size_t i = 0; i < cli->given_count; i++) {
        const char    *type = cli->given[i].value;
        struct nearest n = {.wanted = type};
        if (strcmp(cli->given[i].option->name, "type") != 0 || pd_schema_find(PD_BLOCK_event, pd_text(type)) != NULL) continue;
        for (size_t b = 0; pd_schema_block(b) != NULL; b++)
            if (pd_schema_block(b)->kind == PD_BLOCK_event) nearest_offer(&n, pd_schema_block(b)->Name, SIZE_MAX);
        if (nearest_best(&n) != NULL) return cli_usage(cli, "there is no event %s; did you mean %s?", type, nearest_best(&n));
        return cli_usage(cli, "there is no event %s; `pedido schema` lists them", type);
    }
    if (order != NULL) status = know_order(t, order);
    if (status == STATUS_OK && t->customer != NULL) status = know_customer(t);
    return status;
}

/* ---- following ----------------------------------------------------------------------------------------------------- */

static void
show_live(const struct tail *t)
{
    char line[200];
    snprintf(line, sizeof line, _("%s: position %llu, %llu shown; Ctrl-C ends"), t->reseller,
             (unsigned long long)(t->next > 0 ? t->next - 1 : 0), (unsigned long long)t->shown);
    if (!args_has(t->cli, "json")) terminal_live(line);
}

static void
take(struct tail *t, struct pd_text topic, struct pd_text body)
{
    json_t     *event = pd_json_from_bytes(body, pd_block_event_view());
    uint64_t    position = (uint64_t)json_integer_value(json_object_get(event, "position"));
    const char *type = json_string_value(json_object_get(event, "type"));
    bool        heartbeat = topic.size > 6 && memcmp(topic.data + topic.size - 6, "/~head", 6) == 0;

    if (!heartbeat && (type == NULL || position == 0)) {
        json_decref(event);
        return; /* nothing that an engine says */
    }
    t->silent_ms = 0;
    note_log(t, json_string_value(json_object_get(event, "log")));
    note_position(t, position, heartbeat);
    if (!heartbeat && is_wanted(t, type, json_object_get(event, "data"))) {
        print_event(t, topic, event);
        t->left--;
        t->shown++;
    }
    json_decref(event);
    show_live(t);
}

/* Whether Ctrl-C or a kill has come; both are blocked, so that what is being printed is printed. */
static bool
is_stopped(const sigset_t *signals)
{
    return sigtimedwait(signals, NULL, &(struct timespec){0}) > 0;
}

static void
follow(struct tail *t, struct pd_subscriber *subscriber, const sigset_t *signals)
{
    struct pd_text topic, body;

    while (t->left > 0 && !is_stopped(signals) && !ferror(stdout)) {
        if (pd_subscriber_next(subscriber, STEP_MS, &topic, &body) == PD_CLIENT_OK) {
            take(t, topic, body);
            continue;
        }
        /* The engine is heard each second. The socket finds it again by itself. */
        t->silent_ms += STEP_MS;
        if (t->silent_ms == SILENCE_MS)
            cli_say("nothing heard from the engine for %d s, still listening", SILENCE_MS / 1000);
    }
}

int
run_events_tail(struct cli *cli)
{
    struct tail t = {.cli = cli, .customer = args_value(cli, "customer"), .orders = json_object(), .owned = json_object(),
                     .left = UINT64_MAX};
    struct pd_subscriber *subscriber = NULL;
    char                  prefix[80];
    sigset_t              signals;

    t.reseller = exchange_reseller(cli);
    snprintf(prefix, sizeof prefix, "%s/", t.reseller);
    /* Listening begins first: nothing falls between what is known of a customer and what is heard. */
    enum pd_client_status opened = pd_subscriber_open(exchange_client(cli), pd_text(prefix), &subscriber);
    int                   status = opened == PD_CLIENT_OK ? read_filters(&t) : exchange_no_answer(cli, NULL, opened);

    if (status == STATUS_OK) {
        sigemptyset(&signals);
        sigaddset(&signals, SIGINT);
        sigaddset(&signals, SIGTERM);
        sigprocmask(SIG_BLOCK, &signals, NULL);
        follow(&t, subscriber, &signals);
        terminal_live("");
    }
    pd_subscriber_close(&subscriber);
    json_decref(t.orders);
    json_decref(t.owned);
    return status;
}
