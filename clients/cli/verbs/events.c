/* events.c - events tail, read and follow. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "clients/cli/show/terminal.h"
#include "clients/cli/verbs/hook.h"
#include "clients/cli/verbs/watch.h"

enum { STEP_MS = 200, SILENCE_MS = 6000, PAGE = 1000 };

/* ---- following ----------------------------------------------------------------------------------------------------- */

struct tail {
    struct watch          watch;
    struct pd_subscriber *subscriber;
    sigset_t              signals;
    struct hook           hook; /* command NULL: none */
    uint32_t              silent_ms;
    bool                  began; /* to listen: it was said from where */
};

/* Whether Ctrl-C or a kill has come; both are blocked, so that what is being printed is printed. */
static bool
is_stopped(const sigset_t *signals)
{
    return sigtimedwait(signals, NULL, &(struct timespec){0}) > 0;
}

static void
show_live(const struct tail *t)
{
    char     line[200];
    uint64_t head, position = pd_subscriber_position(t->subscriber, &head);

    if (args_has(t->watch.cli, "json") || t->watch.format != NULL) return;
    snprintf(line, sizeof line, _("%s: position %llu of %llu, %llu shown; Ctrl-C ends"), t->watch.reseller,
             (unsigned long long)position, (unsigned long long)head, (unsigned long long)t->watch.shown);
    terminal_live(line);
}

/* Positions of the old log mean nothing; a program that keeps some has to be told. */
static int
begin_anew(struct tail *t)
{
    struct cli *cli = t->watch.cli;

    if (args_has(cli, "checkpoint") || args_has(cli, "name") || t->hook.command != NULL) {
        cli_say("pedido: %s", pd_client_problem(cli->client));
        cli_say("A backup was restored, perhaps. What was done for events that are no more is yours to judge; --from says where to "
                "go on, without the old checkpoint, or after `pedido subscriber delete`.");
        return STATUS_TROUBLE;
    }
    cli_say("the engine has another log now: positions begin anew");
    pd_subscriber_restart(t->subscriber, 0);
    return STATUS_OK;
}

static bool
is_at_end(const struct tail *t)
{
    uint64_t head, position = pd_subscriber_position(t->subscriber, &head);
    return t->watch.exit_at_end && head > 0 && position >= head;
}

/* One event, to the hook or to the eye. */
static int
take(struct tail *t, const struct pd_event *event)
{
    json_t *json = watch_event(event);
    int     status = STATUS_OK;

    t->silent_ms = 0;
    if (watch_wants(&t->watch, json)) {
        if (t->hook.command != NULL) status = hook_run(&t->hook, json, &t->signals, t->subscriber);
        if (t->hook.command == NULL || status == STATUS_OK) watch_print(&t->watch, json);
    }
    json_decref(json);
    return status;
}

static void
say_begun(struct tail *t)
{
    uint64_t head, position = pd_subscriber_position(t->subscriber, &head);

    if (t->began || head == 0) return;
    t->began = true;
    cli_say("following %s from position %" PRIu64 " on", t->watch.reseller, (position > 0 ? position : head) + 1);
}

static int
follow(struct tail *t)
{
    struct pd_event event = {0};
    int             status = STATUS_OK;

    while (status == STATUS_OK && t->watch.left > 0 && !is_stopped(&t->signals) && !ferror(stdout)) {
        enum pd_client_status got = pd_subscriber_event(t->subscriber, STEP_MS, &event);
        if (got == PD_CLIENT_OK) {
            t->began = true;
            status = take(t, &event);
            if (status == STATUS_OK && (t->watch.left == 0 || is_at_end(t))) pd_subscriber_save(t->subscriber);
        } else if (got == PD_CLIENT_RESET) status = begin_anew(t);
        else if (got != PD_CLIENT_NO_ANSWER) status = exchange_no_answer(t->watch.cli, NULL, got);
        else if ((t->silent_ms += STEP_MS) == SILENCE_MS && pd_subscriber_log(t->subscriber).data == NULL)
            cli_say("nothing heard from the engine for %d s, still listening", SILENCE_MS / 1000);
        say_begun(t);
        show_live(t);
        if (status == STATUS_OK && is_at_end(t)) break;
    }
    pd_event_fini(&event);
    return status;
}

static int
open_tail(struct tail *t, uint64_t from)
{
    struct cli              *cli = t->watch.cli;
    struct pd_follow_options options = {.reseller = pd_text(t->watch.reseller), .from = from,
                                        .checkpoint = args_value(cli, "checkpoint")};
    const char              *name = args_value(cli, "name");

    if (name != NULL) options.subscriber = pd_text(name);
    enum pd_client_status opened = pd_subscriber_follow(exchange_client(cli), &options, &t->subscriber);

    return opened == PD_CLIENT_OK ? STATUS_OK : exchange_no_answer(cli, NULL, opened);
}

static int
run_tail(struct cli *cli, const char *standard)
{
    struct tail t = {.subscriber = NULL};
    uint64_t    from = 0;

    int status = watch_begin(cli, &t.watch);
    if (status == STATUS_OK) status = hook_begin(cli, &t.hook);
    if (status == STATUS_OK) status = watch_from(&t.watch, standard, &from);
    if (status == STATUS_OK) status = watch_know(&t.watch);
    if (status == STATUS_OK) status = open_tail(&t, from);
    if (status == STATUS_OK) {
        sigemptyset(&t.signals);
        sigaddset(&t.signals, SIGINT);
        sigaddset(&t.signals, SIGTERM);
        sigprocmask(SIG_BLOCK, &t.signals, NULL);
        status = follow(&t);
    }
    pd_subscriber_close(&t.subscriber);
    watch_end(&t.watch);
    return status;
}

int
run_events_tail(struct cli *cli)
{
    return run_tail(cli, "now");
}

int
run_events_follow(struct cli *cli)
{
    return run_tail(cli, "beginning");
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

/* What the engine can pick out is picked out there. */
static json_t *
log_query(const struct watch *w, uint64_t from)
{
    const struct cli *cli = w->cli;
    json_t           *query = json_pack("{s:I}", "from", (json_int_t)from), *types = json_array();

    for (size_t i = 0; i < cli->given_count; i++)
        if (strcmp(cli->given[i].option->name, "type") == 0) json_array_append_new(types, json_string(cli->given[i].value));
    if (args_has(cli, "all")) json_object_set_new(query, "all", json_true());
    if (w->order != 0) json_object_set_new(query, "order", json_integer((json_int_t)w->order));
    if (json_array_size(types) > 0 && w->customer == NULL) json_object_set(query, "types", types);
    json_decref(types);
    return query;
}

static void
see_row(void *context, json_t *row)
{
    struct watch *w = context;
    if (w->left > 0 && watch_wants(w, row)) watch_print(w, row);
}

int
run_events_read(struct cli *cli)
{
    struct watch w;
    uint64_t     from = 0;
    int          status = watch_begin(cli, &w);

    if (status == STATUS_OK) status = watch_from(&w, "beginning", &from);
    if (status == STATUS_OK) status = watch_know(&w);
    /* Nothing has happened since the time that was said. */
    if (status == STATUS_OK && from > 0) {
        bool picked = w.customer == NULL;
        status = request_each(cli, pd_block_read_log(), log_query(&w, from), picked ? w.left : UINT64_MAX, see_row, &w);
    }
    watch_end(&w);
    return status;
}
