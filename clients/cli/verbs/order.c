/* order.c - what order verbs do beyond sending their message. */
#include "clients/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* --total 12.50 is in the order's currency, which only the order knows. */
int
run_order_confirm(struct cli *cli)
{
    json_t *data, *order = NULL;

    if (args_value(cli, "total") != NULL) {
        data = json_object();
        int status = fields_order(cli, cli->words[0], data);
        if (status == STATUS_OK) status = request_data(cli, pd_block_get_order(), data, &order);
        else json_decref(data);
        if (status != STATUS_OK) return status;
        const char *currency = json_string_value(json_object_get(json_object_get(order, "order"), "currency"));
        snprintf(cli->currency, sizeof cli->currency, "%s", currency == NULL ? "" : currency);
        json_decref(order);
    }
    return run_message(cli);
}

/* ---- status --wait ------------------------------------------------------------------------------------------------- */

enum { ROUND_MS = 5000, PAUSE_MS = 500 };

static uint64_t
now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static bool
has_text(const json_t *object, const char *key, const char *text)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value != NULL && strcmp(value, text) == 0;
}

/* One CheckStatus that the engine may hold, not long: an engine that ends forgets it. One that is stopping is asked again. */
static int
wait_round(struct cli *cli, uint64_t wait_ms, json_t **ret_status)
{
    json_t *data, *refusal = NULL;
    int     status = fields_collect(cli, pd_block_check_status(), &data);

    if (status != STATUS_OK) return status;
    json_object_set_new(data, "wait_ms", json_integer((json_int_t)wait_ms));
    json_object_set_new(data, "until", json_string("end"));
    json_incref(data);
    status = request_try(cli, pd_block_check_status(), data, ret_status, &refusal);
    if (refusal != NULL && has_text(refusal, "code", "shutting_down")) {
        cli_say("the engine is stopping, asking again");
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
    } else if (refusal != NULL) {
        status = request_refused(cli, refusal, data);
    }
    json_decref(refusal);
    json_decref(data);
    return status;
}

static int
wait_for_end(struct cli *cli, uint64_t limit_ms)
{
    uint64_t start = now_ms();
    json_t  *answer = NULL;

    for (;;) {
        json_t  *newer = NULL;
        uint64_t begun = now_ms(), passed = begun - start;
        uint64_t wait_ms = limit_ms - passed < ROUND_MS ? limit_ms - passed : ROUND_MS;
        if (passed > limit_ms) wait_ms = 0;
        int status = wait_round(cli, wait_ms, &newer);
        if (status != STATUS_OK) {
            json_decref(answer);
            return status;
        }
        if (newer != NULL) {
            json_decref(answer);
            answer = newer;
            /* An answer before its time: it has ended, or can go no further without a command. */
            if (!has_text(answer, "state", "provisioning") || now_ms() - begun < wait_ms / 2) break;
        }
        if (now_ms() - start >= limit_ms) break;
    }
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
