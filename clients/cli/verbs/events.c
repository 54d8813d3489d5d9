/* events.c - events tail. */
#include "clients/cli/cli.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "clients/cli/show/format.h"
#include "clients/cli/show/text.h"
#include "clients/lib/json.h"

enum { STEP_MS = 200, SILENCE_MS = 5000 };

/* What was seen so far: positions without gaps, or something was lost on the way. */
struct tail {
    struct cli *cli;
    const char *reseller, *type;
    uint64_t    next; /* position; 0: nothing was heard yet */
    uint64_t    left; /* events until the end */
    uint32_t    silent_ms;
};

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

    if (args_has(t->cli, "json")) {
        cli_print_json(event);
        return;
    }
    char *time = format_time(json_string_value(json_object_get(event, "time")));
    char *line = format_event(type, json_object_get(event, "data"));
    printf("%s  %6" JSON_INTEGER_FORMAT "  %-44.*s  ", time, json_integer_value(json_object_get(event, "position")),
           (int)topic.size, topic.data);
    text_print(stdout, line, 0, TEXT_LEFT);
    putchar('\n');
    free(time);
    free(line);
}

static void
take(struct tail *t, struct pd_text topic, struct pd_text body)
{
    json_t     *event = pd_json_from_bytes(body, pd_block_event_view());
    uint64_t    position = (uint64_t)json_integer_value(json_object_get(event, "position"));
    const char *type = json_string_value(json_object_get(event, "type"));
    bool        heartbeat = type == NULL;

    if (position > 0 || heartbeat) note_position(t, position, heartbeat);
    if (!heartbeat && (t->type == NULL || strcmp(t->type, type) == 0)) {
        print_event(t, topic, event);
        t->left--;
    }
    json_decref(event);
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
            t->silent_ms = 0;
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
    struct tail           t = {.cli = cli, .type = args_value(cli, "type"), .left = UINT64_MAX};
    struct pd_subscriber *subscriber = NULL;
    const char           *count = args_value(cli, "count");
    char                  prefix[80];
    sigset_t              signals;

    if (count != NULL && !args_number(count, &t.left)) return cli_usage(cli, "--count %s: a number is expected", count);
    if (t.type != NULL && pd_schema_find(PD_BLOCK_event, pd_text(t.type)) == NULL)
        return cli_usage(cli, "there is no event %s; `pedido schema` lists them", t.type);
    t.reseller = request_reseller(cli);
    snprintf(prefix, sizeof prefix, "%s/", t.reseller);
    enum pd_client_status status = pd_subscriber_open(request_client(cli), pd_text(prefix), &subscriber);
    if (status != PD_CLIENT_OK) return request_no_answer(cli, status);

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    follow(&t, subscriber, &signals);
    pd_subscriber_close(&subscriber);
    return STATUS_OK;
}
