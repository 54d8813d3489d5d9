/* say.c - what is said beside an answer: to people on stderr, to programs as one line of JSON. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "clients/cli/cli.h"
#include "clients/cli/show/terminal.h"
#include "clients/cli/show/text.h"
#include "proto/check.h"

static bool quiet;

void
cli_quiet(void)
{
    quiet = true;
}

/* Names and messages of others stand in it: what would move the cursor is shown as a question mark. */
void
cli_say_line(const char *line)
{
    if (quiet) return;
    fflush(stdout); /* so that data and talk keep their order on a terminal */
    terminal_live("");
    text_print(stderr, line, 0, TEXT_LEFT);
    fputc('\n', stderr);
}

__attribute__((format(printf, 2, 0))) static void
say(const char *lead, const char *format, va_list args)
{
    char *text = NULL, *line = NULL;

    PD_CHECK(vasprintf(&text, format, args) >= 0 && asprintf(&line, "%s%s", lead, text) >= 0);
    cli_say_line(line);
    free(text);
    free(line);
}

void
cli_say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say("", _(format), args);
    va_end(args);
}

int
cli_usage(const struct cli *cli, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say("pedido: ", _(format), args);
    va_end(args);
    if (cli->verb != NULL) cli_say("`pedido %s --help` says more.", cli->verb->words);
    else cli_say("`pedido --help` says more.");
    return STATUS_USAGE;
}

void
cli_print_json(const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (text != NULL) puts(text);
    free(text);
}

uint64_t
cli_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}
