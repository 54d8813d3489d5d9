/* args.c - argv to options and words. Options stand before or after the verb; those of the verb itself behind it. */
#include "clients/cli/cli.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/check.h"

/* ---- the nearest of several words ---------------------------------------------------------------------------------- */

/* How many letters must be put in, taken out or changed. */
static size_t
distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t row[64];
    if (b_size >= sizeof row / sizeof row[0] || a_size >= sizeof row / sizeof row[0]) return SIZE_MAX;
    for (size_t j = 0; j <= b_size; j++) row[j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]), less = row[j] < row[j - 1] ? row[j] : row[j - 1];
            diagonal = row[j];
            row[j] = change < less + 1 ? change : less + 1;
        }
    }
    return row[b_size];
}

void
nearest_offer(struct nearest *n, const char *candidate, size_t size)
{
    size_t length = strnlen(candidate, size);
    size_t d = distance(n->wanted, strlen(n->wanted), candidate, length);
    if (n->best[0] != '\0' && d >= n->distance) return;
    snprintf(n->best, sizeof n->best, "%.*s", (int)length, candidate);
    n->distance = d;
}

const char *
nearest_best(const struct nearest *n)
{
    return n->best[0] != '\0' && n->distance <= 1 + strlen(n->wanted) / 3 ? n->best : NULL;
}

/* ---- numbers ------------------------------------------------------------------------------------------------------- */

bool
args_number(const char *text, uint64_t *ret_number)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value > INT64_MAX) return false;
    *ret_number = value;
    return true;
}

bool
args_seconds(const char *text, double *ret_seconds)
{
    char  *end;
    double value = strtod(text, &end);
    if (text[0] == '\0' || *end != '\0' || !isfinite(value) || value < 0 || value > 1e6) return false;
    *ret_seconds = value;
    return true;
}

bool
args_is_id(const char *text)
{
    size_t size = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
    return size >= 1 && size <= 64 && text[size] == '\0';
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

const char *
args_value(const struct cli *cli, const char *option)
{
    for (size_t i = cli->given_count; i-- > 0;)
        if (strcmp(cli->given[i].option->name, option) == 0) return cli->given[i].value;
    return NULL;
}

bool
args_has(const struct cli *cli, const char *option)
{
    for (size_t i = 0; i < cli->given_count; i++)
        if (strcmp(cli->given[i].option->name, option) == 0) return true;
    return false;
}

static int
unknown_option(const struct cli *cli, const char *name, size_t size)
{
    char           wanted[64];
    struct nearest n = {.wanted = wanted};

    snprintf(wanted, sizeof wanted, "%.*s", (int)size, name);
    for (size_t i = 0; i < cli->options.count; i++) nearest_offer(&n, cli->options.options[i].name, SIZE_MAX);
    if (nearest_best(&n) == NULL) return cli_usage(cli, "there is no option --%s", wanted);
    return cli_usage(cli, "there is no option --%s; did you mean --%s?", wanted, nearest_best(&n));
}

/* The option at argv[*at]. Unless it is kept, the verb's own are passed over: they are not known yet. */
static int
read_option(struct cli *cli, int argc, char **argv, int *at, bool keep)
{
    const char          *name = argv[*at] + 2;
    size_t               size = strcspn(name, "=");
    const char          *value = name[size] == '=' ? name + size + 1 : NULL;
    const struct option *o = options_find(&cli->options, name, size);

    if (o == NULL) return keep ? unknown_option(cli, name, size) : STATUS_OK;
    if (o->kind == OPTION_FLAG && value != NULL && keep) return cli_usage(cli, "--%s takes no value", o->name);
    if (o->kind == OPTION_VALUE && value == NULL) {
        if (*at + 1 >= argc) return keep ? cli_usage(cli, "--%s needs a value", o->name) : STATUS_OK;
        value = argv[++*at];
    }
    if (keep) cli->given[cli->given_count++] = (struct given){o, value};
    return STATUS_OK;
}

/* Walks over argv. The first pass only looks for words, to find the verb; the second keeps everything. */
static int
walk(struct cli *cli, int argc, char **argv, bool keep)
{
    bool only_words = false;

    cli->word_count = cli->given_count = 0;
    for (int i = 1; i < argc; i++) {
        if (!only_words && strcmp(argv[i], "--") == 0) only_words = true;
        else if (!only_words && strcmp(argv[i], "-h") == 0)
            cli->given[cli->given_count++].option = options_find(&cli->options, "help", 4);
        else if (only_words || strncmp(argv[i], "--", 2) != 0) cli->words[cli->word_count++] = argv[i];
        else {
            int status = read_option(cli, argc, argv, &i, keep);
            if (status != STATUS_OK) return status;
        }
    }
    return STATUS_OK;
}

/* The verb that the first words name, and how many of them it takes. */
static const struct verb *
find_verb(const struct cli *cli, size_t *ret_words)
{
    char               both[128];
    const struct verb *verb = NULL;

    *ret_words = 0;
    if (cli->word_count == 0) return NULL;
    if (cli->word_count > 1) {
        snprintf(both, sizeof both, "%s %s", cli->words[0], cli->words[1]);
        verb = verb_find(both);
        *ret_words = 2;
    }
    if (verb == NULL) {
        verb = verb_find(cli->words[0]);
        *ret_words = 1;
    }
    if (verb == NULL) *ret_words = 0;
    return verb;
}

static int
check_words(const struct cli *cli)
{
    char   name[40], upper[40];
    bool   optional;
    size_t i = 0;

    if (args_has(cli, "help") || args_has(cli, "version")) return STATUS_OK;
    for (; options_argument(cli->verb->arguments, i, name, sizeof name, &optional); i++) {
        if (i < cli->word_count || optional) continue;
        for (size_t n = 0; n < sizeof upper; n++)
            upper[n] = (char)(name[n] >= 'a' && name[n] <= 'z' ? name[n] - 32 : name[n]);
        return cli_usage(cli, "%s is missing", upper);
    }
    if (cli->word_count > i && !(cli->verb->flags & VERB_FREE)) {
        for (size_t n = 0; n < cli->given_count; n++)
            if (cli->given[n].option->kind == OPTION_EITHER && cli->given[n].value == NULL)
                return cli_usage(cli, "`%s` is one word too many; --%s=VALUE gives that option a value", cli->words[i],
                                 cli->given[n].option->name);
        return cli_usage(cli, "`%s` is one word too many", cli->words[i]);
    }
    return STATUS_OK;
}

/* A variable that is not set makes an option without a value, not a wish for the usual one. */
static int
check_places(const struct cli *cli)
{
    static const char *const names[] = {"endpoint", "identity", "server-key", "reseller", "context"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = args_value(cli, names[i]);
        if (value != NULL && value[0] == '\0') return cli_usage(cli, "--%s: the value is empty", names[i]);
    }
    return STATUS_OK;
}

/* Verbs that send no message of their own have no use for what is said of one. */
static int
check_useless(const struct cli *cli)
{
    static const char *const names[] = {"id", "dry-run", "expect", "on-behalf-of", "limit", "sort"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (args_has(cli, names[i])) return cli_usage(cli, "--%s is of no use here", names[i]);
    return STATUS_OK;
}

/* Options that the message has no use for are mistakes, not wishes to be passed over. */
static int
check_common(const struct cli *cli)
{
    const struct pd_block *block = cli->verb->block == NULL ? NULL : cli->verb->block();
    double                 seconds;
    uint64_t               number;
    const char *timeout = args_value(cli, "timeout"), *expect = args_value(cli, "expect"), *limit = args_value(cli, "limit");

    if (timeout != NULL && (!args_seconds(timeout, &seconds) || seconds < 0.001))
        return cli_usage(cli, "--timeout %s: a number of seconds is expected", timeout);
    if (expect != NULL && !args_number(expect, &number)) return cli_usage(cli, "--expect %s: a version is expected", expect);
    if (limit != NULL && (!args_number(limit, &number) || number == 0))
        return cli_usage(cli, "--limit %s: a number from 1 is expected", limit);
    int status = check_places(cli);
    if (status != STATUS_OK) return status;
    if (block == NULL) return cli->verb->flags & VERB_SENDS ? STATUS_OK : check_useless(cli);
    if (block->kind == PD_BLOCK_query && (expect != NULL || args_has(cli, "dry-run")))
        return cli_usage(cli, "--expect and --dry-run are for commands; this only looks");
    return args_check_list(cli, block);
}

int
args_check_list(const struct cli *cli, const struct pd_block *block)
{
    bool        list = block->kind == PD_BLOCK_query && show_list_field(block->reply()) != NULL;
    const char *sort = args_value(cli, "sort");

    if (args_has(cli, "limit") && !list) return cli_usage(cli, "--limit is for lists");
    if (sort != NULL && !list) return cli_usage(cli, "--sort is for lists");
    if (sort != NULL && pd_enum_number(pd_enum_sort(), pd_text(sort)) == 0)
        return cli_usage(cli, "--sort %s: %s is expected", sort, pd_enum_sort()->names);
    return STATUS_OK;
}

int
args_parse(struct cli *cli, int argc, char **argv)
{
    size_t taken;

    cli->words = calloc((size_t)argc + 1, sizeof *cli->words);
    cli->given = calloc((size_t)argc + 1, sizeof *cli->given);
    PD_CHECK(cli->words != NULL && cli->given != NULL);

    /* Without the verb its options' values look like words, but those stand behind the verb's. */
    options_collect(NULL, &cli->options);
    walk(cli, argc, argv, false);
    cli->verb = find_verb(cli, &taken);
    options_collect(cli->verb, &cli->options);
    int status = walk(cli, argc, argv, true);
    if (status != STATUS_OK || cli->verb == NULL) return status;

    cli->word_count -= taken;
    memmove(cli->words, cli->words + taken, cli->word_count * sizeof *cli->words);
    status = check_words(cli);
    return status != STATUS_OK ? status : check_common(cli);
}
