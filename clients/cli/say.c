/* say.c - what is said beside an answer: to people on stderr, to programs as one line of JSON. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/cli/cli.h"
#include "clients/cli/show/terminal.h"

static bool quiet;

void
cli_quiet(void)
{
    quiet = true;
}

void
cli_say(const char *format, ...)
{
    va_list args;

    if (quiet) return;
    fflush(stdout); /* so that data and talk keep their order on a terminal */
    terminal_live("");
    va_start(args, format);
    vfprintf(stderr, _(format), args);
    va_end(args);
    fputc('\n', stderr);
}

void
cli_say_line(const char *line)
{
    fflush(stdout);
    terminal_live("");
    fprintf(stderr, "%s\n", line);
}

int
cli_usage(const struct cli *cli, const char *format, ...)
{
    va_list args;

    fflush(stdout);
    fputs("pedido: ", stderr);
    va_start(args, format);
    vfprintf(stderr, _(format), args);
    va_end(args);
    fputc('\n', stderr);
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
