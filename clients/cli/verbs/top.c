/* top.c - pedido top: how the engine does, on a screen that is drawn anew each second. It asks four queries each time, however busy
 * the engine is; the events shown are the log's last ones, not a subscription, which would cost the engine every event. */
#include <curses.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clients/cli/show/format.h"
#include "clients/cli/show/text.h"
#include "clients/cli/verbs/metrics.h"
#include "clients/cli/verbs/watch.h"
#include "clients/lib/time.h"

enum { ANSWER_MS = 1500, EVENTS = 40, LEAST_ROWS = 12, LEAST_COLUMNS = 60 };

struct top {
    struct cli *cli;
    json_t     *now, *before;  /* GetMetrics' last answer, and the one before; NULL: none yet */
    json_t     *counters, *workers, *events;
    uint64_t    answered_us;   /* when the engine was last heard */
    uint64_t    pause_ms, left; /* between two screens; screens until the end */
    bool        paused;
};

/* ---- asking -------------------------------------------------------------------------------------------------------- */

/* Replaces what was answered before. False: no answer; a refusal is one, of nothing. */
static bool
ask(struct top *t, const struct pd_block *block, json_t *data, json_t **answer)
{
    json_t *got = NULL, *refusal = NULL;

    if (exchange_try(t->cli, block, data, &got, &refusal) != STATUS_OK) return false;
    json_decref(refusal);
    json_decref(*answer);
    *answer = got;
    return true;
}

static void
ask_all(struct top *t)
{
    json_t *metrics = NULL;

    if (!ask(t, pd_block_get_metrics(), json_object(), &metrics)) return;
    json_decref(t->before);
    t->before = t->now;
    t->now = metrics;
    if (!ask(t, pd_block_list_counters(), json_pack("{s:b}", "all", 1), &t->counters) ||
        !ask(t, pd_block_list_workers(), json_object(), &t->workers) ||
        !ask(t, pd_block_read_log(), json_pack("{s:b,s:b}", "all", 1, "backwards", 1), &t->events))
        return;
    t->answered_us = cli_now_us();
}

/* ---- drawing ------------------------------------------------------------------------------------------------------- */

/* A text at a place, cut at the screen's edge or after `width` columns; the column behind it. */
static int
put(int row, int column, int width, const char *text)
{
    const char *rest;
    int         room = COLS - column < width ? COLS - column : width;

    if (row >= LINES || room <= 0) return column;
    size_t size = text_width(text) <= (size_t)room ? strlen(text) : text_fit(text, (size_t)room, &rest);
    mvaddnstr(row, column, text, (int)size);
    return column + (int)text_part_width(text, size);
}

static int __attribute__((format(printf, 3, 4)))
say(int row, int column, const char *format, ...)
{
    char    line[400];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    return put(row, column, COLS, line);
}

static void
title(int row, int column, const char *label)
{
    char *upper = text_upper(label);

    attron(A_BOLD);
    put(row, column, COLS, upper);
    attroff(A_BOLD);
    free(upper);
}

static uint64_t
value(const struct top *t, const char *metric)
{
    return metrics_value(t->now, metric, NULL);
}

/* A counter's growth in a second; 0 until there are two answers of one engine. */
static uint64_t
rate(const struct top *t, uint64_t now, uint64_t before)
{
    pd_time_us then = 0, last = 0;

    if (t->before == NULL || now < before) return 0;
    bool known = pd_time_from_text(cli_text(t->now, "time"), &last) && pd_time_from_text(cli_text(t->before, "time"), &then);
    return known && last > then ? (now - before) * 1000000 / (last - then) : 0;
}

static uint64_t
rate_of(const struct top *t, const char *metric)
{
    return rate(t, value(t, metric), metrics_value(t->before, metric, NULL));
}

static void
draw_head(const struct top *t)
{
    uint64_t silent_us = t->answered_us == 0 ? 0 : cli_now_us() - t->answered_us;
    char     age[32];

    attron(A_REVERSE);
    mvhline(0, 0, ' ', COLS);
    int column = say(0, 0, _(" %s   up %s   log %.8s"), cli_text(t->now, "software"), metrics_age(value(t, "up_s"), age),
                     cli_text(t->now, "log"));
    const char *state = t->now == NULL                        ? _("no answer yet")
                        : silent_us > 3 * 1000 * t->pause_ms + 2000000 ? _("NO ANSWER")
                        : t->paused                           ? _("paused")
                        : value(t, "writable") == 0           ? _("DISK FULL")
                        : value(t, "views_building") > 0      ? _("views are made")
                                                              : _("serving");
    put(0, column + 3, COLS, state);
    attroff(A_REVERSE);
}

static int
draw_time(const struct top *t, int row, int column, const char *label, const char *metric, const char *of)
{
    char half[32], most[32];

    if (metrics_count(t->now, t->before, metric, of) == 0) return say(row, column, "%s –   ", label);
    return say(row, column, "%s %s / %s   ", label,
               metrics_time(metrics_quantile(t->now, t->before, metric, of, 50), half),
               metrics_time(metrics_quantile(t->now, t->before, metric, of, 99), most));
}

static void
draw_rates(const struct top *t)
{
    uint64_t turns = rate_of(t, "turns_total"), commands = rate_of(t, "commands_total");

    say(1, 1, _("commands %llu/s   events %llu/s   refused %llu/s   turns %llu/s"), (unsigned long long)commands,
        (unsigned long long)rate_of(t, "log_position"),
        (unsigned long long)rate(t, metrics_sum(t->now, "refusals_total"), metrics_sum(t->before, "refusals_total")),
        (unsigned long long)turns);
    int column = put(2, 1, COLS, _("p50 / p99:"));
    column = draw_time(t, 2, column + 2, _("turn"), "turn_us", NULL);
    column = draw_time(t, 2, column, _("sync"), "sync_us", "log");
    draw_time(t, 2, column, _("query"), "query_us", NULL);
    say(3, 1, _("pending %llu   queries %llu, %llu wait   views %llu behind   position %llu"),
        (unsigned long long)metrics_value(t->now, "pending", "commands"),
        (unsigned long long)metrics_value(t->now, "pending", "queries"), (unsigned long long)value(t, "held_queries"),
        (unsigned long long)value(t, "views_lag"), (unsigned long long)value(t, "log_position"));
}

static void
draw_stores(const struct top *t)
{
    static const char *const stores[] = {N_("log"), N_("rows"), N_("views")};
    char                     text[32], left[32];
    int                      column = 1;

    for (size_t i = 0; i < sizeof stores / sizeof stores[0]; i++)
        column = say(4, column, "%s %s   ", _(stores[i]),
                     metrics_bytes(metrics_value(t->now, "store_used_bytes", stores[i]), text));
    column = say(4, column, _("disk %s left   "), metrics_bytes(metrics_value(t->now, "disk_free_bytes", "log"), left));
    say(4, column, _("memory %s   readers %llu"), metrics_bytes(value(t, "memory_bytes"), text),
        (unsigned long long)metrics_sum(t->now, "store_readers"));
}

/* Each with how many; the row behind. */
static int
draw_orders(const struct top *t, int row, int bottom)
{
    const struct pd_enum *states = pd_enum_order_state();

    title(row++, 1, _("orders"));
    for (size_t s = 0; s < states->count && row < bottom; s++) {
        const json_t *counter;
        size_t        i;
        json_int_t    count = 0;
        json_array_foreach (json_object_get(t->counters, "counters"), i, counter)
            if (strcmp(cli_text(counter, "of"), "order") == 0 && strcmp(cli_text(counter, "name"), states->values[s].name) == 0)
                count += json_integer_value(json_object_get(counter, "count"));
        if (count == 0) continue;
        put(row, 1, 18, lang_pick(states->values[s].english, states->values[s].spanish));
        say(row++, 19, "%9" JSON_INTEGER_FORMAT, count);
    }
    return row;
}

static int
draw_work(const struct top *t, int row, int bottom)
{
    const json_t *worker, *group;
    size_t        i;

    title(row++, 31, _("tasks"));
    say(row++, 31, _("%llu wait, %llu at work"), (unsigned long long)value(t, "tasks_waiting"),
        (unsigned long long)value(t, "tasks_leased"));
    json_array_foreach (json_object_get(t->workers, "workers"), i, worker) {
        if (row >= bottom) return row;
        put(row, 31, 14, cli_text(worker, "worker"));
        say(row++, 46, _("%lld of %lld"), (long long)json_integer_value(json_object_get(worker, "held")),
            (long long)json_integer_value(json_object_get(worker, "credit")));
    }
    json_array_foreach (json_object_get(t->workers, "groups"), i, group) {
        if (row >= bottom || json_integer_value(json_object_get(group, "workers")) > 0) continue;
        attron(A_BOLD);
        say(row++, 31, _("nobody for %s"), cli_text(group, "group"));
        attroff(A_BOLD);
    }
    return row;
}

static int
draw_subscribers(const struct top *t, int row, int bottom)
{
    const json_t *m;
    size_t        i;

    if (COLS < 75) return row;
    title(row++, 60, _("subscribers"));
    json_array_foreach (json_object_get(t->now, "metrics"), i, m) {
        if (row >= bottom || strcmp(cli_text(m, "metric"), "subscriber_lag") != 0) continue;
        put(row, 60, COLS - 60 - 9, cli_text(m, "of"));
        say(row++, COLS - 9, "%8" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(m, "value")));
    }
    return row;
}

static void
draw_events(const struct top *t, int row)
{
    const json_t *events = json_object_get(t->events, "events"), *event;
    size_t        room = row + 1 < LINES ? (size_t)(LINES - row - 1) : 0, i;

    title(row, 1, _("events"));
    json_array_foreach (events, i, event) {
        char  thing[160], *time, *about;
        if (i >= room) break;
        int at = row + 1 + (int)i;
        watch_name_thing(event, thing, sizeof thing);
        time = format_time(cli_text(event, "time"));
        about = format_event(cli_text(event, "type"), json_object_get(event, "data"));
        put(at, 1, 8, strlen(time) > 11 ? time + 11 : time);
        put(at, 10, 12, cli_text(event, "reseller"));
        put(at, 23, 20, thing);
        put(at, 44, 22, cli_text(event, "type"));
        put(at, 67, COLS, about);
        free(time);
        free(about);
    }
}

static void
draw(const struct top *t)
{
    int bottom = 6 + (LINES - 6) * 2 / 3;

    erase();
    if (LINES < LEAST_ROWS || COLS < LEAST_COLUMNS) say(0, 0, _("%d columns and %d lines are needed"), LEAST_COLUMNS, LEAST_ROWS);
    else {
        draw_head(t);
        draw_rates(t);
        draw_stores(t);
        int orders = draw_orders(t, 6, bottom), work = draw_work(t, 6, bottom), rest = draw_subscribers(t, 6, bottom);
        int lowest = orders > work ? orders : work;
        draw_events(t, (lowest > rest ? lowest : rest) + 1);
    }
    refresh();
}

/* ---- the loop ------------------------------------------------------------------------------------------------------ */

/* Until it is time for the next screen. False: it is to end. */
static bool
wait_next(struct top *t)
{
    uint64_t until_us = cli_now_us() + t->pause_ms * 1000;

    for (uint64_t now_us = cli_now_us(); now_us < until_us || t->paused; now_us = cli_now_us()) {
        timeout(t->paused ? 1000 : (int)((until_us - now_us) / 1000) + 1);
        int key = getch();
        if (key == 'q' || key == 'Q' || key == 3 || key == 27) return false;
        if (key == ' ' || key == 'p') t->paused = !t->paused;
        if (key != ERR) draw(t);
    }
    return true;
}

static int
read_options(struct top *t)
{
    const char *interval = args_value(t->cli, "interval"), *count = args_value(t->cli, "count");
    double      seconds = 1;

    if (interval != NULL && (!args_seconds(interval, &seconds) || seconds < 0.1))
        return cli_usage(t->cli, "--interval %s: seconds from 0.1 are expected", interval);
    if (count != NULL && (!args_number(count, &t->left) || t->left == 0))
        return cli_usage(t->cli, "--count %s: a number from 1 is expected", count);
    t->pause_ms = (uint64_t)(seconds * 1000);
    return STATUS_OK;
}

int
run_top(struct cli *cli)
{
    struct top t = {.cli = cli, .left = UINT64_MAX};
    int        status = read_options(&t);

    if (status != STATUS_OK) return status;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return cli_usage(cli, "top needs a terminal; pedido status and pedido metrics print");
    exchange_open(cli, ANSWER_MS, 0);
    cli_quiet();
    if (initscr() == NULL) return STATUS_TROUBLE;
    raw();
    noecho();
    curs_set(0);
    keypad(stdscr, TRUE);
    set_escdelay(25);
    do {
        ask_all(&t);
        draw(&t);
    } while (--t.left > 0 && wait_next(&t));
    endwin();
    json_decref(t.now);
    json_decref(t.before);
    json_decref(t.counters);
    json_decref(t.workers);
    json_decref(t.events);
    return STATUS_OK;
}
