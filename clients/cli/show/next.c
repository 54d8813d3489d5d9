/* next.c - what may be done next, and by which command. */
#include "clients/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>

static const char *
reseller_of(const struct cli *cli)
{
    return args_value(cli, "reseller");
}

static void
say_command(const struct cli *cli, const char *lead, const char *command)
{
    const char *reseller = reseller_of(cli);
    bool        named = reseller != NULL && strstr(command, "--reseller") == NULL;
    cli_say("%s%s%s%s", lead, command, named ? " --reseller " : "", named ? reseller : "");
}

/* A hint with {fields} of the answer filled in. */
static void
say_hint(const struct cli *cli, const char *hint, const json_t *data)
{
    char   line[300];
    size_t used = 0;

    for (const char *p = hint; *p != '\0' && used + 1 < sizeof line;) {
        if (*p != '{') {
            line[used++] = *p++;
            continue;
        }
        char   name[40];
        size_t size = strcspn(p, "}");
        snprintf(name, sizeof name, "%.*s", (int)size - 1, p + 1);
        const char *value = json_string_value(json_object_get(data, name));
        if (value == NULL) return;
        int n = snprintf(line + used, sizeof line - used, "%s", value);
        used += n < 0 ? 0 : (size_t)n < sizeof line - used ? (size_t)n : sizeof line - used - 1;
        p += size + 1;
    }
    line[used] = '\0';
    say_command(cli, "next: ", line);
}

/* The verb that sends a message of this name. */
static const struct verb *
verb_named(const char *Name)
{
    const struct pd_block *block = Name == NULL ? NULL : pd_schema_find(PD_BLOCK_command, pd_text(Name));
    return block == NULL ? NULL : verb_of_block(block);
}

/* Looking and changing back are always there; they are said only beside what brings the order forward. */
static int
say_allowed(const struct cli *cli, const json_t *allowed, const char *order)
{
    char    line[200];
    int     said = 0;
    size_t  i;
    json_t *name;

    for (int pass = 0; pass < 2; pass++) {
        json_array_foreach (allowed, i, name) {
            const struct verb *verb = verb_named(json_string_value(name));
            if (verb == NULL || strcmp(verb->words, "order status") == 0) continue;
            if ((pass == 0) != ((verb->flags & VERB_MAIN) != 0)) continue;
            snprintf(line, sizeof line, "pedido %s %s%s", verb->words, order,
                     verb->block == pd_block_update_order ? " --plan PLAN --period PERIOD" : "");
            say_command(cli, said == 0 ? "next: " : "  or: ", line);
            said++;
        }
    }
    return said;
}

/* The order stands where no command leads on. */
static void
say_state(const struct cli *cli, const json_t *data, const char *order)
{
    char        line[200];
    const char *state = json_string_value(json_object_get(data, "state"));
    uint64_t    subscription =
        (uint64_t)json_integer_value(json_object_get(json_array_get(json_object_get(data, "items"), 0), "subscription"));

    if (state == NULL) return;
    if (strcmp(state, "provisioning") == 0) snprintf(line, sizeof line, "pedido order status %s --wait", order);
    else if (strcmp(state, "completed") != 0) return;
    else if (subscription > 0)
        snprintf(line, sizeof line, "pedido subscription show %llu", (unsigned long long)subscription);
    else snprintf(line, sizeof line, "pedido order show %s", order);
    say_command(cli, "next: ", line);
}

void
next_say(const struct cli *cli, const struct pd_block *block, const json_t *data, const char *order)
{
    const struct verb *verb = block == NULL ? NULL : verb_of_block(block);
    char               number[32];
    const json_t      *shown = json_object_get(data, "order"), *allowed = json_object_get(data, "allowed");

    if (verb != NULL && verb->hint != NULL) say_hint(cli, verb->hint, data);
    if (allowed == NULL) return;
    const json_t *inner = json_is_object(shown) ? shown : data;
    if (order == NULL) {
        uint64_t n = (uint64_t)json_integer_value(json_object_get(inner, "order"));
        if (n == 0) return;
        snprintf(number, sizeof number, "%llu", (unsigned long long)n);
        order = number;
    }
    if (say_allowed(cli, allowed, order) == 0) say_state(cli, inner, order);
}
