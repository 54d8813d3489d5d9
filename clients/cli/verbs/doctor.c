/* doctor.c - the client's side looked through: each finding on a line of its own, and what to do about it. */
#include "clients/cli/cli.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "clients/cli/context.h"
#include "clients/cli/show/terminal.h"
#include "clients/cli/show/text.h"
#include "clients/lib/time.h"
#include "proto/limits.h"

enum { ANSWER_MS = 2000, HEARTBEAT_MS = 3000, CLOCK_MS = 2000 };

struct doctor {
    struct cli *cli;
    bool        sick;
};

enum finding { WELL, STRANGE, ILL };

static void note(struct doctor *d, enum finding finding, const char *check, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void
note(struct doctor *d, enum finding finding, const char *check, const char *format, ...)
{
    static const char *const words[] = {"ok", "warning", "wrong"};
    static const enum tone   tones[] = {TONE_GOOD, TONE_WAITING, TONE_BAD};
    char                     line[500];
    va_list                  args;

    bool json = args_has(d->cli, "json"); /* which never changes with the language */
    va_start(args, format);
    vsnprintf(line, sizeof line, json ? format : _(format), args);
    va_end(args);
    d->sick = d->sick || finding == ILL;
    if (json) {
        json_t *row = json_pack("{s:s,s:s,s:s}", "check", check, "finding", words[finding], "detail", line);
        cli_print_json(row);
        json_decref(row);
        return;
    }
    terminal_tone(stdout, tones[finding]);
    printf("%-8s", finding == WELL ? _("ok") : finding == STRANGE ? _("warning") : _("wrong"));
    terminal_tone(stdout, TONE_PLAIN);
    putchar(' ');
    text_print(stdout, line, 0, TEXT_LEFT);
    putchar('\n');
}

/* ---- the way there ------------------------------------------------------------------------------------------------- */

enum listening { LISTENS, SILENT, UNKNOWN_HOST };

/* What is at tcp://HOST:PORT. Of other endpoints it cannot be told. */
static enum listening
look_at(const char *endpoint)
{
    char             host[256];
    struct addrinfo *found = NULL, hints = {.ai_socktype = SOCK_STREAM};
    const char      *colon = strrchr(endpoint, ':'), *name = endpoint + 6;
    enum listening   result = SILENT;

    if (strncmp(endpoint, "tcp://", 6) != 0 || colon == NULL || colon < name) return LISTENS;
    size_t size = (size_t)(colon - name);
    if (size >= 2 && name[0] == '[' && colon[-1] == ']') name++, size -= 2; /* IPv6 */
    snprintf(host, sizeof host, "%.*s", (int)size, name);
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0) return UNKNOWN_HOST;
    for (const struct addrinfo *a = found; a != NULL && result == SILENT; a = a->ai_next) {
        int            fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0);
        struct timeval patience = {.tv_sec = 2};
        if (fd < 0) continue;
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        if (connect(fd, a->ai_addr, a->ai_addrlen) == 0) result = LISTENS;
        close(fd);
    }
    freeaddrinfo(found);
    return result;
}

static void
check_settings(struct doctor *d, const struct setting *endpoint, const struct setting *reseller)
{
    const char *problem = context_problem();
    if (problem != NULL) note(d, ILL, "context", "%s; mend it, or take it away", problem);
    else if (access(context_path(), F_OK) != 0)
        note(d, WELL, "context", "there are no contexts; they would stand in %s", context_path());
    else note(d, WELL, "context", "contexts stand in %s", context_path());
    note(d, WELL, "endpoint", "the engine is looked for at %s%s%s%s", endpoint->value, endpoint->from[0] == '\0' ? "" : " (",
         endpoint->from, endpoint->from[0] == '\0' ? "" : ")");
    note(d, WELL, "reseller", "things are those of reseller %s%s%s%s", reseller->value, reseller->from[0] == '\0' ? "" : " (",
         reseller->from, reseller->from[0] == '\0' ? "" : ")");
}

/* Why there was no answer to Hello. */
static void
explain_silence(struct doctor *d, enum pd_client_status status, const char *endpoint)
{
    enum listening there = look_at(endpoint);

    if (status == PD_CLIENT_BAD_ENDPOINT)
        note(d, ILL, "reach", "%s; an endpoint is tcp://HOST:PORT or ipc://PATH", pd_client_problem(d->cli->client));
    else if (there == UNKNOWN_HOST) note(d, ILL, "reach", "nobody knows the host in %s", endpoint);
    else if (there == SILENT)
        note(d, ILL, "reach", "nothing listens there; `pedidod --data DIR` starts an engine, --endpoint names another place");
    else note(d, ILL, "reach", "something may be there, but it does not answer as an engine: is it the commands port?");
}

/* The engine's Hello, or NULL after saying why there is none. */
static json_t *
check_hello(struct doctor *d, const char *endpoint)
{
    struct pd_client_options options = PD_CLIENT_DEFAULTS;
    json_t                  *answer = NULL, *refusal = NULL;
    double                   seconds;

    options.timeout_ms = ANSWER_MS;
    if (args_value(d->cli, "timeout") != NULL && args_seconds(args_value(d->cli, "timeout"), &seconds))
        options.timeout_ms = (uint32_t)(seconds * 1000);
    options.retries = 0;
    exchange_connect(d->cli, &options);
    uint64_t                     begun_us = cli_now_us();
    const struct pd_hello_reply *hello;
    enum pd_client_status        status = pd_client_hello(d->cli->client, &hello);
    uint64_t                     took_us = cli_now_us() - begun_us;
    if (status != PD_CLIENT_OK) {
        explain_silence(d, status, endpoint);
        return NULL;
    }
    note(d, WELL, "reach", "it answers, in %.1f ms", (double)took_us / 1000);
    const char *code = NULL;
    if (exchange_try(d->cli, pd_block_hello(), json_object(), &answer, &refusal) != STATUS_OK)
        note(d, ILL, "reach", "it answered once, then no more");
    else if (refusal != NULL) {
        code = json_string_value(json_object_get(refusal, "code"));
        note(d, ILL, "reseller", "it refuses: %s; `pedido reseller list` shows those that exist", code == NULL ? "?" : code);
    }
    json_decref(refusal);
    return answer;
}

/* ---- what is there ------------------------------------------------------------------------------------------------- */

static void
check_versions(struct doctor *d, const json_t *hello)
{
    const char *software = json_string_value(json_object_get(hello, "software"));
    int64_t     protocol = json_integer_value(json_object_get(hello, "protocol"));

    if (protocol != PD_PROTOCOL_VERSION)
        note(d, ILL, "version", "the engine speaks protocol %" PRId64 ", this pedido %d: install the other's version", protocol,
             PD_PROTOCOL_VERSION);
    else if (software != NULL && strcmp(software, "pedidod " PD_VERSION) != 0)
        note(d, STRANGE, "version", "the engine is %s, this is pedido %s; both speak protocol %d", software, PD_VERSION,
             PD_PROTOCOL_VERSION);
    else note(d, WELL, "version", "both are %s, protocol %d", PD_VERSION, PD_PROTOCOL_VERSION);
}

static void
check_clock(struct doctor *d, const json_t *hello)
{
    struct timespec t;
    pd_time_us      theirs;
    const char     *text = json_string_value(json_object_get(hello, "time"));

    if (text == NULL || !pd_time_from_text(text, &theirs)) return;
    clock_gettime(CLOCK_REALTIME, &t);
    int64_t ours = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000, ahead = ours - (int64_t)theirs;
    double apart_ms = (double)(ahead < 0 ? -ahead : ahead) / 1000;
    if (apart_ms < CLOCK_MS) note(d, WELL, "clock", "the clocks agree to %.0f ms", apart_ms);
    else if (ahead > 0)
        note(d, STRANGE, "clock", "this clock is %.1f s ahead of the engine's; times shown are the engine's", apart_ms / 1000);
    else note(d, STRANGE, "clock", "this clock is %.1f s behind the engine's; times shown are the engine's", apart_ms / 1000);
}

static void
check_health(struct doctor *d)
{
    json_t *health = NULL, *refusal = NULL;
    int     status = exchange_try(d->cli, pd_block_health(), json_object(), &health, &refusal);
    int64_t waiting = json_integer_value(json_object_get(health, "tasks_waiting")),
            workers = json_integer_value(json_object_get(health, "workers"));

    if (status != STATUS_OK || health == NULL) note(d, ILL, "queries", "the queries port does not answer");
    else if (!json_is_true(json_object_get(health, "writable")))
        note(d, ILL, "queries", "the engine's disk is full: it answers queries, and refuses commands until there is space");
    else if (waiting > 0 && workers == 0)
        note(d, STRANGE, "workers", "tasks that wait: %" PRId64 ", and no worker is connected: `pedido-worker --help`", waiting);
    else
        note(d, WELL, "queries", "queries are answered; workers: %" PRId64 ", tasks that wait for one: %" PRId64, workers,
             waiting);
    json_decref(health);
    json_decref(refusal);
}

static void
check_events(struct doctor *d, const char *reseller)
{
    struct pd_subscriber *subscriber = NULL;
    struct pd_text        topic, body;
    char                  prefix[80];

    snprintf(prefix, sizeof prefix, "%s/", reseller);
    if (pd_subscriber_open(d->cli->client, pd_text(prefix), &subscriber) == PD_CLIENT_OK &&
        pd_subscriber_next(subscriber, HEARTBEAT_MS, &topic, &body) == PD_CLIENT_OK)
        note(d, WELL, "events", "events are heard");
    else note(d, ILL, "events", "nothing is heard on the events port, not even the heartbeat: is it open from here?");
    pd_subscriber_close(&subscriber);
}

int
run_doctor(struct cli *cli)
{
    struct doctor  d = {.cli = cli};
    struct setting endpoint = context_setting(cli, "endpoint", "PEDIDO_ENDPOINT", PD_DEFAULT_ENDPOINT),
                   reseller = context_setting(cli, "reseller", "PEDIDO_RESELLER", "default");

    check_settings(&d, &endpoint, &reseller);
    if (!exchange_keys(cli)) return STATUS_TROUBLE;
    json_t *hello = check_hello(&d, endpoint.value);
    if (hello != NULL) {
        check_versions(&d, hello);
        check_clock(&d, hello);
        check_health(&d);
        check_events(&d, reseller.value);
    }
    json_decref(hello);
    return d.sick ? STATUS_TROUBLE : STATUS_OK;
}
