/* complete.c - what may stand next on a command line, for the shells: `pedido complete -- WORD... PART` prints each candidate
 * that begins with PART, a tab, and what it is. It is asked at every press of a key: nothing is said that was not asked for,
 * and an engine that does not answer at once is not waited for. */
#include "clients/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>

#include "clients/cli/context.h"
#include "clients/cli/print/help.h"
#include "clients/cli/show/text.h"

enum { ANSWER_MS = 300, GIVEN_MAX = 16 };

struct completion {
    struct cli        *cli;
    const char        *part;
    const struct verb *verb;           /* NULL: its words are not all there */
    const char        *first;          /* the word before, when it is a group's */
    const char        *plan;           /* the last --plan, of which --period is one */
    const struct option *open;         /* the option whose value is asked for, or NULL */
    size_t             arguments;      /* of the verb that are there */
    struct option_list options;
};

static void
offer(const struct completion *c, const char *candidate, const char *about)
{
    if (candidate == NULL || strncmp(candidate, c->part, strlen(c->part)) != 0) return;
    for (const char *p = candidate; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f) return; /* no word for a command line */
    printf("%s\t", candidate);
    text_print(stdout, about == NULL ? "" : about, 0, TEXT_LEFT);
    putchar('\n');
}

/* ---- from the tables ----------------------------------------------------------------------------------------------- */

static void
offer_verbs(const struct completion *c)
{
    for (size_t i = 0; verb_at(i) != NULL; i++) {
        const struct verb *v = verb_at(i);
        const char        *blank = strchr(v->words, ' ');
        char               word[40];
        if (v->flags & VERB_HIDDEN) continue;
        if (c->first != NULL) {
            if (verb_in_group(v, c->first)) offer(c, blank + 1, help_about(v));
            continue;
        }
        snprintf(word, sizeof word, "%.*s", (int)strcspn(v->words, " "), v->words);
        /* A group once, though it has many verbs. */
        bool again = i > 0 && blank != NULL && verb_in_group(verb_at(i - 1), word);
        if (!again) offer(c, word, blank == NULL ? help_about(v) : "");
    }
}

static void
offer_options(const struct completion *c)
{
    for (size_t i = 0; i < c->options.count; i++) {
        const struct option *o = &c->options.options[i];
        char                 name[48];
        char                *about = help_option_about(o);
        snprintf(name, sizeof name, "--%s", o->name);
        offer(c, name, about);
        free(about);
    }
}

static void
offer_choice(const struct completion *c, const struct pd_enum *e)
{
    for (size_t i = 0; i < e->count; i++)
        offer(c, e->values[i].name, lang_pick(e->values[i].english, e->values[i].spanish));
}

static void
offer_messages(const struct completion *c, bool events)
{
    const struct pd_block *b;
    for (size_t i = 0; (b = pd_schema_block(i)) != NULL; i++) {
        bool sent = (b->kind == PD_BLOCK_command && b->port != PD_port_engine) || b->kind == PD_BLOCK_query;
        if (events ? b->kind == PD_BLOCK_event : sent) offer(c, b->Name, _(b->description));
    }
}

/* ---- from the engine ----------------------------------------------------------------------------------------------- */

static void
offer_rows(const struct completion *c, const struct pd_block *query, json_t *data, const char *key, const char *about)
{
    json_t *answer = NULL, *refusal = NULL, *row;
    size_t  i;

    exchange_try(c->cli, query, data, &answer, &refusal);
    json_array_foreach (json_object_get(answer, show_list_field(query->reply())->name), i, row) {
        const json_t *value = json_object_get(row, key);
        char          number[24];
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        offer(c, json_is_integer(value) ? number : json_string_value(value), json_string_value(json_object_get(row, about)));
    }
    json_decref(answer);
    json_decref(refusal);
}

/* The orders that a verb has something to do with. */
static void
offer_orders(const struct completion *c)
{
    static const struct {
        const char *verb, *state;
    } states[] = {{"order confirm", "draft"}, {"order open", "new"}, {"order open", "held"},
                  {"order retry", "provisioning_failed"}, {"order cancel", "draft"}, {"order cancel", "new"},
                  {"order cancel", "held"}, {"order update", "draft"}, {"order update", "new"}, {"order update", "held"}};
    bool some = false;

    for (size_t i = 0; i < sizeof states / sizeof states[0] && c->verb != NULL; i++) {
        if (strcmp(states[i].verb, c->verb->words) != 0) continue;
        offer_rows(c, pd_block_list_orders(), json_pack("{s:s}", "state", states[i].state), "order", "customer");
        some = true;
    }
    if (!some) offer_rows(c, pd_block_list_orders(), json_object(), "order", "customer");
}

static void
offer_periods(const struct completion *c)
{
    if (c->plan != NULL) offer_rows(c, pd_block_list_periods(), json_pack("{s:s}", "plan", c->plan), "period", "");
}

static void
offer_context(void *context, const char *name, const char *endpoint)
{
    offer(context, name, endpoint);
}

/* What a field or argument of this name may hold. */
static void
offer_values(const struct completion *c, const char *name)
{
    if (strcmp(name, "customer") == 0) offer_rows(c, pd_block_list_customers(), json_object(), "customer", "name");
    else if (strcmp(name, "plan") == 0) offer_rows(c, pd_block_list_plans(), json_object(), "plan", "name");
    else if (strcmp(name, "reseller") == 0) offer_rows(c, pd_block_list_resellers(), json_object(), "reseller", "name");
    else if (strcmp(name, "period") == 0) offer_periods(c);
    else if (strcmp(name, "order") == 0) offer_orders(c);
    else if (strcmp(name, "subscription") == 0)
        offer_rows(c, pd_block_list_subscriptions(), json_object(), "subscription", "customer");
    else if (strcmp(name, "context") == 0) context_each(offer_context, (void *)(uintptr_t)c);
    else if (strcmp(name, "type") == 0) offer_messages(c, c->verb != NULL && verb_in_group(c->verb, "events"));
    else if (strcmp(name, "shell") == 0) {
        offer(c, "bash", NULL);
        offer(c, "zsh", NULL);
        offer(c, "fish", NULL);
    } else if (strcmp(name, "lang") == 0) {
        offer(c, "en", "English");
        offer(c, "es", "Español");
    }
}

/* ---- where the line stands ----------------------------------------------------------------------------------------- */

static void
take_word(struct completion *c, const char *word)
{
    char both[80];

    if (c->verb != NULL) {
        c->arguments++;
        return;
    }
    if (c->first == NULL) c->verb = verb_find(word);
    else {
        snprintf(both, sizeof both, "%s %s", c->first, word);
        c->verb = verb_find(both);
    }
    if (c->verb == NULL) c->first = word;
    else options_collect(c->verb, &c->options);
}

static void
read_line(struct completion *c)
{
    struct cli *cli = c->cli;

    for (size_t i = 0; i + 1 < cli->word_count; i++) {
        const char *word = cli->words[i];
        size_t      size = strcspn(word, "=");
        if (strcmp(word, "=") == 0) continue; /* bash gives --customer=a as three words */
        if (strncmp(word, "--", 2) != 0) {
            take_word(c, word);
            continue;
        }
        const struct option *o = options_find(&c->options, word + 2, size - 2);
        if (o == NULL || o->kind != OPTION_VALUE) continue;
        if (word[size] != '=' && i + 2 < cli->word_count && strcmp(cli->words[i + 1], "=") == 0) i++;
        if (word[size] != '=' && i + 2 == cli->word_count) {
            c->open = o;
            break;
        }
        const char *value = word[size] == '=' ? word + size + 1 : cli->words[++i];
        if (strcmp(o->name, "plan") == 0) c->plan = value;
        /* Where the line will be sent, it is asked. */
        if (o->common && cli->given_count < GIVEN_MAX)
            cli->given[cli->given_count++] = (struct given){options_find(&cli->options, o->name, strlen(o->name)), value};
    }
}

static void
offer_next(const struct completion *c)
{
    char name[40];
    bool optional;

    if (c->open != NULL && c->open->field != NULL && c->open->field->kind == PD_KIND_CHOICE)
        offer_choice(c, c->open->field->choice);
    else if (c->open != NULL) offer_values(c, strcmp(c->open->name, "like") == 0 ? "order" : c->open->name);
    else if (strncmp(c->part, "--", 2) == 0) offer_options(c);
    else if (c->verb == NULL) offer_verbs(c);
    else if (options_argument(c->verb->arguments, c->arguments, name, sizeof name, &optional)) offer_values(c, name);
}

int
run_complete(struct cli *cli)
{
    struct completion c = {.cli = cli, .part = cli->word_count == 0 ? "" : cli->words[cli->word_count - 1]};

    struct pd_client_options options = PD_CLIENT_DEFAULTS;
    struct given             given[GIVEN_MAX];

    free(cli->given);
    cli->given = given;
    cli->given_count = 0;
    if (strcmp(c.part, "=") == 0) c.part = "";
    cli_quiet();
    options_collect(NULL, &c.options);
    read_line(&c);
    options.timeout_ms = ANSWER_MS;
    options.retries = 0;
    if (exchange_keys(cli)) exchange_connect(cli, &options);
    offer_next(&c);
    cli->given = NULL;
    cli->given_count = 0;
    return STATUS_OK;
}
