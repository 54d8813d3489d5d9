/* order.c - what order verbs do beyond sending their message. */
#include "clients/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "clients/cli/show/format.h"
#include "clients/cli/show/terminal.h"

static int
get_order(struct cli *cli, const char *word, json_t **ret_answer)
{
    json_t *data = json_object();
    int     status = fields_order(cli, word, data);

    if (status == STATUS_OK) return request_data(cli, pd_block_get_order(), data, ret_answer);
    json_decref(data);
    return status;
}

/* What was confirmed is shown whole, where it can be had: confirmed it is in any case. */
static void
show_confirmed(struct cli *cli, const json_t *answer)
{
    json_t *view = NULL, *refusal = NULL, *data = json_pack("{s:O}", "order", json_object_get(answer, "order"));

    exchange_try(cli, pd_block_get_order(), data, &view, &refusal);
    show_answer(view != NULL ? pd_block_order_view_reply() : pd_block_order_reply(), view != NULL ? view : answer);
    next_say(cli, pd_block_confirm_order(), view != NULL ? view : answer, NULL);
    json_decref(view);
    json_decref(refusal);
}

/* --total 12.50 is in the order's currency, which only the order knows. */
int
run_order_confirm(struct cli *cli)
{
    json_t *data, *answer = NULL, *view = NULL;
    int     status;

    if (args_value(cli, "total") != NULL) {
        status = get_order(cli, cli->words[0], &view);
        if (status != STATUS_OK) return status;
        const char *currency = json_string_value(json_object_get(json_object_get(view, "order"), "currency"));
        snprintf(cli->currency, sizeof cli->currency, "%s", currency == NULL ? "" : currency);
        json_decref(view);
        view = NULL;
    }
    if (args_has(cli, "json") || args_has(cli, "dry-run")) return run_message(cli);
    status = fields_collect(cli, pd_block_confirm_order(), &data);
    if (status == STATUS_OK) status = request_data(cli, pd_block_confirm_order(), data, &answer);
    if (status != STATUS_OK) return status;
    show_confirmed(cli, answer);
    json_decref(answer);
    return STATUS_OK;
}

/* A note is beside an order, when no option names another thing. */
int
run_note_add(struct cli *cli)
{
    bool    elsewhere = args_has(cli, "customer") || args_has(cli, "subscription") || args_has(cli, "order");
    size_t  words = (elsewhere ? 0u : 1u) + (args_has(cli, "text") ? 0u : 1u);
    json_t *data = json_object();
    int     status = STATUS_OK;

    if (cli->word_count == 0 && words > 0 && !elsewhere) status = cli_usage(cli, "ORDER is missing");
    else if (cli->word_count < words) status = cli_usage(cli, "TEXT is missing");
    else if (cli->word_count > words)
        status = cli_usage(cli, "`%s` is one word too many; a text of several stands in quotes", cli->words[words]);
    else if (!elsewhere) status = fields_order(cli, cli->words[0], data);
    if (status == STATUS_OK && !args_has(cli, "text") &&
        json_object_set_new(data, "text", json_string(cli->words[words - 1])) != 0)
        status = cli_usage(cli, "%s: the value is not UTF-8", "text");
    for (size_t i = 0; i < cli->given_count && status == STATUS_OK; i++)
        if (cli->given[i].option->field != NULL) status = fields_option(cli, pd_block_add_note(), &cli->given[i], data);
    if (status == STATUS_OK) return request_show(cli, pd_block_add_note(), data);
    json_decref(data);
    return status;
}

/* ---- status --wait ------------------------------------------------------------------------------------------------- */

enum { ROUND_MS = 5000, LIVE_MS = 1000, PAUSE_MS = 500 };

static bool
has_text(const json_t *object, const char *key, const char *text)
{
    return strcmp(cli_text(object, key), text) == 0;
}

/* One CheckStatus that the engine may hold, not long: an engine that ends forgets it. One that is stopping is asked again. */
static int
wait_round(struct cli *cli, uint64_t wait_ms, const char *until, json_t **ret_status)
{
    json_t *data, *refusal = NULL;
    int     status = fields_collect(cli, pd_block_check_status(), &data);

    if (status != STATUS_OK) return status;
    json_object_set_new(data, "wait_ms", json_integer((json_int_t)wait_ms));
    json_object_set_new(data, "until", json_string(until));
    json_incref(data);
    status = exchange_try(cli, pd_block_check_status(), data, ret_status, &refusal);
    if (refusal != NULL && has_text(refusal, "code", "shutting_down")) {
        static bool said;
        if (!said) cli_say("the engine is stopping, asking again");
        said = true;
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
    } else if (refusal != NULL) {
        status = request_refused(cli, refusal, data);
    }
    json_decref(refusal);
    json_decref(data);
    return status;
}

/* Somebody who looks on wants to see it move: how far the items are, or what they wait for. */
static void
show_live(const json_t *answer, uint64_t passed_ms)
{
    char    line[400];
    json_t *item;
    size_t  i;
    int     used = snprintf(line, sizeof line, _("Order %llu, %llu s: %s"),
                            (unsigned long long)json_integer_value(json_object_get(answer, "order")),
                            (unsigned long long)passed_ms / 1000,
                            format_state(json_string_value(json_object_get(answer, "state"))));

    json_array_foreach (json_object_get(answer, "items"), i, item) {
        bool  waits = json_object_get(item, "waits_for") != NULL;
        char *waiting = waits ? format_waiting(item) : NULL;
        if (waiting != NULL && waiting[0] != '\0' && used > 0 && (size_t)used < sizeof line)
            used += snprintf(line + used, sizeof line - (size_t)used, "; %s", waiting);
        free(waiting);
    }
    terminal_live(line);
}

/* Something is done about it, without anybody's command. */
static bool
goes_on(const json_t *order)
{
    return has_text(order, "state", "provisioning") || has_text(order, "state", "cancelling");
}

static int
wait_for_end(struct cli *cli, uint64_t limit_ms)
{
    bool     live = terminal_width(stderr) > 0 && !args_has(cli, "json");
    uint64_t start = cli_now_us() / 1000, round_ms = live ? LIVE_MS : ROUND_MS;
    json_t  *answer = NULL;

    for (;;) {
        json_t  *newer = NULL;
        uint64_t begun = cli_now_us() / 1000, passed = begun - start;
        uint64_t wait_ms = limit_ms - passed < round_ms ? limit_ms - passed : round_ms;
        if (passed > limit_ms || (live && answer == NULL)) wait_ms = 0;
        int status = wait_round(cli, wait_ms, live ? "change" : "end", &newer);
        if (status != STATUS_OK) {
            terminal_live("");
            json_decref(answer);
            return status;
        }
        if (newer != NULL) {
            json_decref(answer);
            answer = newer;
            /* An answer before its time: it has ended, or can go no further without a command. */
            if (!goes_on(answer) || (!live && cli_now_us() / 1000 - begun < wait_ms / 2)) break;
        }
        if (cli_now_us() / 1000 - start >= limit_ms) break;
        if (live && answer != NULL) show_live(answer, cli_now_us() / 1000 - start);
    }
    terminal_live("");
    bool completed = has_text(answer, "state", "completed");
    if (answer == NULL) return STATUS_NOT_COMPLETED;
    if (args_has(cli, "json")) cli_print_json(answer);
    else {
        show_answer(pd_block_status_reply(), answer);
        next_say(cli, pd_block_check_status(), answer, NULL);
    }
    json_decref(answer);
    return completed ? STATUS_OK : STATUS_NOT_COMPLETED;
}

int
run_order_status(struct cli *cli)
{
    const char *wait = args_value(cli, "wait");
    double      seconds = 0;

    if (!args_has(cli, "wait")) return run_message(cli);
    if (wait != NULL && !args_seconds(wait, &seconds))
        return cli_usage(cli, "--wait=%s: a number of seconds is expected", wait);
    return wait_for_end(cli, wait == NULL ? INT64_MAX : (uint64_t)(seconds * 1000));
}
