/* manual.c - pedido(1) in scdoc's spelling, from the tables that help is made of. */
#include "clients/cli/print/help.h"

#include <stdlib.h>

/* What scdoc would take for a mark is escaped. */
static void
print_plain(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (strchr("\\*_#~`[]|", *p) != NULL || (p == text && strchr(".-", *p) != NULL)) putchar('\\');
        putchar(*p);
    }
}

static void
print_option(const struct option *o)
{
    char  left[100];
    char *about = help_option_about(o);

    help_option(o, left, sizeof left);
    printf("*");
    print_plain(left);
    printf("*\n\t");
    print_plain(about);
    printf("\n\n");
    free(about);
}

static void
print_arguments(const struct verb *verb)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);

    if (to == NULL) return;
    help_arguments(to, verb);
    fclose(to);
    print_plain(text);
    free(text);
}

static void
print_verb(const struct verb *verb)
{
    struct option_list list;

    printf("## ");
    print_plain(verb->words);
    printf("\n\n*pedido %s*", verb->words);
    print_arguments(verb);
    printf("\n\n");
    print_plain(help_about(verb));
    printf("\n\n");
    if (help_file(verb) != NULL) {
        print_plain(help_file(verb));
        printf("\n\n");
    }
    options_collect(verb, &list);
    for (size_t i = 0; i < list.count; i++)
        if (!list.options[i].common && !list.options[i].negated) print_option(&list.options[i]);
}

static void
print_common(void)
{
    struct option_list list;
    options_collect(NULL, &list);
    for (size_t i = 0; i < list.count; i++) print_option(&list.options[i]);
}

static void
print_statuses(void)
{
    static const struct {
        int         status;
        const char *about;
    } rows[] = {
        {STATUS_OK, "Done."},
        {STATUS_TROUBLE, "A file, or the output, failed; or *doctor* found something wrong."},
        {STATUS_USAGE, "Wrong usage; nothing was sent."},
#define PD_ERROR_CLASS(number, name, exit_status) {exit_status, "Refused: " #name "."},
#include "proto/errors.def"
        {STATUS_NO_ANSWER, "No answer, or none that the protocol knows."},
        {STATUS_NOT_COMPLETED, "*order status --wait* ended without the order being completed."},
        {STATUS_ABANDONED, "The person who was asked did not go on; nothing was ordered."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) printf("*%d*\n\t%s\n\n", rows[i].status, rows[i].about);
}

int
run_manual(struct cli *cli)
{
    (void)cli;
    printf("pedido(1)\n\n# NAME\n\npedido - orders of cloud services, at the command line\n\n"
           "# SYNOPSIS\n\n*pedido* _VERB_ [_ARGUMENT_...] [_OPTION_...]\n\n"
           "# DESCRIPTION\n\n"
           "Sends commands and queries to an engine, *pedidod*(8), and shows the answers. What is data goes to the standard\n"
           "output, what is said about it to the standard error; with *--json* each object is one line. A command that is\n"
           "repeated with the same *--id* does nothing twice. Where a verb takes an _ORDER_, it is the order's number, or\n"
           "*ref:* and its reference.\n\n"
           "On a terminal *pedido order add* without arguments asks for what is needed, step by step.\n\n"
           "# VERBS\n\n");
    for (size_t i = 0; verb_at(i) != NULL; i++)
        if (!(verb_at(i)->flags & VERB_HIDDEN)) print_verb(verb_at(i));
    printf("# COMMON OPTIONS\n\n");
    print_common();
    printf("# ENVIRONMENT\n\n"
           "*PEDIDO\\_ENDPOINT*, *PEDIDO\\_RESELLER*, *PEDIDO\\_CONTEXT*\n"
           "\tWhat *--endpoint*, *--reseller* and *--context* say when they are absent; the first two go before the\n"
           "\tcontext in use.\n\n"
           "*LC\\_ALL*, *LC\\_MESSAGES*, *LANG*\n\tThe language, English or Spanish, when *--lang* is absent.\n\n"
           "*NO\\_COLOR*\n\tNo colours, also on a terminal.\n\n"
           "*TZ*\n\tThe zone in which times are shown; *--json* has UTC.\n\n"
           "# FILES\n\n_$XDG\\_CONFIG\\_HOME/pedido/contexts.json_\n"
           "\tThe contexts; _~/.config_ when the variable is not set.\n\n"
           "# EXIT STATUS\n\n");
    print_statuses();
    printf("# SEE ALSO\n\n*pedidod*(8), *pedido-worker*(1)\n");
    return STATUS_OK;
}
