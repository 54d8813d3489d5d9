/* main.c - pedido: argv to a verb, and its exit status. */
#include "clients/cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/cli/context.h"
#include "clients/cli/print/help.h"
#include "clients/lib/json.h"

/* --help with what is known so far: the verb, its group, or nothing. */
static int
give_help(const struct cli *cli, const char *group)
{
    if (cli->verb != NULL && cli->verb->run == run_send && cli->word_count > 0) {
        const struct pd_block *block = pd_schema_find(PD_BLOCK_command, pd_text(cli->words[0]));
        if (block == NULL) block = pd_schema_find(PD_BLOCK_query, pd_text(cli->words[0]));
        if (block != NULL) {
            help_message(stdout, block);
            return STATUS_OK;
        }
    }
    if (cli->verb != NULL) help_verb(stdout, cli->verb);
    else if (group != NULL) help_group(stdout, group);
    else help_all(stdout);
    return STATUS_OK;
}

static bool
is_group(const char *word)
{
    for (size_t i = 0; verb_at(i) != NULL; i++)
        if (verb_in_group(verb_at(i), word)) return true;
    return false;
}

/* The words were no verb: which one was meant? */
static int
no_such_verb(const struct cli *cli)
{
    if (strcmp(cli->words[0], "help") == 0) {
        help_all(stdout);
        return STATUS_OK;
    }
    const char    *first = cli->words[0], *second = cli->word_count > 1 ? cli->words[1] : NULL;
    bool           group = is_group(first);
    struct nearest n = {.wanted = group && second != NULL ? second : first};

    if (group && second == NULL) {
        help_group(stderr, first);
        return STATUS_USAGE;
    }
    for (size_t i = 0; verb_at(i) != NULL; i++) {
        const char *words = verb_at(i)->words;
        if (!group) nearest_offer(&n, words, strcspn(words, " "));
        else if (verb_in_group(verb_at(i), first)) nearest_offer(&n, words + strlen(first) + 1, SIZE_MAX);
    }
    const char *best = nearest_best(&n), *lead = group ? first : "", *blank = group ? " " : "";
    if (best == NULL) return cli_usage(cli, "there is no verb `%s%s%s`", lead, blank, n.wanted);
    return cli_usage(cli, "there is no verb `%s%s%s`; did you mean `%s%s%s`?", lead, blank, n.wanted, lead, blank, best);
}

static int
run(struct cli *cli, int argc, char **argv)
{
    int status = args_parse(cli, argc, argv);

    if (status != STATUS_OK) return status;
    if (!lang_open(args_value(cli, "lang"))) return cli_usage(cli, "--lang %s: en or es is expected", args_value(cli, "lang"));
    if (args_has(cli, "version")) {
        puts("pedido " PD_VERSION);
        return STATUS_OK;
    }
    if (args_has(cli, "help")) {
        const char *group = cli->verb == NULL && cli->word_count > 0 && is_group(cli->words[0]) ? cli->words[0] : NULL;
        if (cli->verb == NULL && cli->word_count > 0 && (group == NULL || cli->word_count > 1)) return no_such_verb(cli);
        return give_help(cli, group);
    }
    if (cli->verb != NULL) {
        status = context_open(cli);
        if (status == STATUS_OK && !(cli->verb->flags & VERB_ALONE) && !exchange_keys(cli)) status = STATUS_TROUBLE;
        return status != STATUS_OK ? status : cli->verb->run(cli);
    }
    if (cli->word_count > 0) return no_such_verb(cli);
    help_all(stderr);
    return STATUS_USAGE;
}

/* What is wrong with the words is said in the language that they seem to ask for; whether they do is known only then. */
static const char *
wanted_language(int argc, char **argv)
{
    const char *wanted = NULL;
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strncmp(argv[i], "--lang=", 7) == 0) wanted = argv[i] + 7;
        else if (strcmp(argv[i], "--lang") == 0 && i + 1 < argc) wanted = argv[++i];
    }
    return wanted;
}

int
main(int argc, char **argv)
{
    struct cli  cli = {.verb = NULL};
    const char *language = wanted_language(argc, argv);

    /* A reader that goes away ends us quietly, also where the caller had SIGPIPE ignored. */
    signal(SIGPIPE, SIG_DFL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    pd_json_check_memory();
    lang_open(language);
    int status = run(&cli, argc, argv);
    errno = 0;
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == STATUS_OK) {
        cli_say("pedido: the output cannot be written%s%s; what was asked for is done", errno == 0 ? "" : ": ",
                errno == 0 ? "" : strerror(errno));
        status = STATUS_TROUBLE;
    }
    pd_client_close(&cli.client);
    free(cli.given);
    free(cli.words);
    return status;
}
