/* say.c - what is said beside an answer: to people on stderr, to programs as one line of JSON. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/cli/cli.h"

void
cli_say(const char *format, ...)
{
    va_list args;

    fflush(stdout); /* so that data and talk keep their order on a terminal */
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

int
cli_usage(const struct cli *cli, const char *format, ...)
{
    va_list args;

    fflush(stdout);
    fputs("pedido: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    if (cli->verb != NULL) fprintf(stderr, "\n`pedido %s --help` says more.\n", cli->verb->words);
    else fputs("\n`pedido --help` says more.\n", stderr);
    return STATUS_USAGE;
}

void
cli_print_json(const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (text != NULL) puts(text);
    free(text);
}
