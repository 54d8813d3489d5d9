/* next.c - what may be done next, and by which command. */
#include "clients/cli/cli.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/cli/show/text.h"

/* Whether the shell takes it as it stands. */
static bool
is_plain(const char *text)
{
    if (text[0] == '\0' || text[0] == '-') return false;
    for (const char *p = text; *p != '\0'; p++)
        if ((unsigned char)*p < 0x80 && !isalnum((unsigned char)*p) && strchr("._-/:@=+,%", *p) == NULL) return false;
    return true;
}

void
next_quote(const char *text, char *ret_quoted, size_t size)
{
    size_t used = 0;

    if (is_plain(text)) {
        snprintf(ret_quoted, size, "%s", text);
        return;
    }
    for (const char *p = text; used + 8 < size && *p != '\0'; p++)
        used += (size_t)snprintf(ret_quoted + used, size - used, "%s%s%c", p == text ? "'" : "", *p == '\'' ? "'\\'" : "", *p);
    snprintf(ret_quoted + used, size - used, "%s", used == 0 ? "''" : "'");
}

/* The message's label stands behind it as the shell's comment: the line can be copied whole. Where it was sent, it goes. */
static void
say_command(const struct cli *cli, const char *lead, const char *command, const struct pd_block *block)
{
    static const char *const places[] = {"context", "endpoint", "reseller"};
    char                     line[600], quoted[200];
    size_t                   used = (size_t)snprintf(line, sizeof line, "%s%s", lead, command);

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        const char *value = args_value(cli, places[i]);
        if (value == NULL || used >= sizeof line || strstr(command, places[i]) != NULL) continue;
        next_quote(value, quoted, sizeof quoted);
        used += (size_t)snprintf(line + used, sizeof line - used, " --%s %s", places[i], quoted);
    }
    if (block != NULL && used < sizeof line)
        snprintf(line + used, sizeof line - used, "   # %s", lang_pick(block->english, block->spanish));
    cli_say_line(line);
}

bool
next_fill(const char *hint, const json_t *from, bool quoted, char *ret_line, size_t size)
{
    size_t used = 0;
    char   copy[300];

    for (const char *p = hint; *p != '\0' && used + 1 < size;) {
        if (*p != '{') {
            ret_line[used++] = *p++;
            continue;
        }
        char   name[40], number[24];
        size_t length = strcspn(p, "}");
        snprintf(name, sizeof name, "%.*s", (int)length - 1, p + 1);
        const json_t *value = json_object_get(from, name);
        const char   *text = json_string_value(value);
        if (json_is_integer(value)) {
            snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
            text = number;
        }
        if (text == NULL) return false;
        if (quoted) {
            next_quote(text, copy, sizeof copy);
            text = copy;
        }
        int n = snprintf(ret_line + used, size - used, "%s", text);
        used += n < 0 ? 0 : (size_t)n < size - used ? (size_t)n : size - used - 1;
        p += length + (p[length] == '}');
    }
    ret_line[used] = '\0';
    return true;
}

bool
next_hint(const struct cli *cli, const char *hint, const json_t *from)
{
    char line[300];
    if (!next_fill(hint, from, true, line, sizeof line)) return false;
    say_command(cli, _("next: "), line, NULL);
    return true;
}

/* The verb that sends a message of this name. */
static const struct verb *
verb_named(const char *Name)
{
    const struct pd_block *block = Name == NULL ? NULL : pd_schema_find(PD_BLOCK_command, pd_text(Name));
    return block == NULL ? NULL : verb_of_block(block);
}

/* What a verb needs beside the thing it is about: "pedido order give-up 17 REASON". */
static void
append_needed(const struct verb *verb, char *line, size_t size)
{
    const struct pd_block *block = verb->block();
    char                   name[40];
    bool                   optional;
    size_t                 used = strlen(line);

    for (size_t i = 1; options_argument(verb->arguments, i, name, sizeof name, &optional) && used < size; i++) {
        if (optional) continue;
        char *upper = text_upper(name);
        used += (size_t)snprintf(line + used, size - used, " %s", upper);
        free(upper);
    }
    for (size_t i = 0; i < block->field_count && used < size; i++) {
        const struct pd_field *f = &block->fields[i];
        if (f->need != PD_REQUIRED || f->kind == PD_KIND_LIST || options_has_argument(verb, f->name)) continue;
        char *upper = text_upper(f->name);
        used += (size_t)snprintf(line + used, size - used, " --%s %s", f->name, upper);
        free(upper);
    }
    if (used < size && verb->block == pd_block_update_order) snprintf(line + used, size - used, " --plan PLAN --period PERIOD");
    if (used < size && verb->block == pd_block_correct_item) snprintf(line + used, size - used, " --domain DOMAIN");
}

/* Whether some item stands so. */
static bool
has_item(const json_t *order, const char *key, const char *value)
{
    json_t *item;
    size_t  i;

    json_array_foreach (json_object_get(order, "items"), i, item)
        if (strcmp(cli_text(item, key), value) == 0) return true;
    return false;
}

/* What is allowed, and of no use as things stand. */
static bool
is_idle(const struct verb *verb, const json_t *order)
{
    return verb->block == pd_block_accept_partial && json_object_get(order, "items") != NULL &&
           !has_item(order, "state", "completed");
}

/* Looking and changing back are always there; they are said only beside what brings the order forward. */
static int
say_allowed(const struct cli *cli, const json_t *allowed, const json_t *shown, const char *order, int said)
{
    bool    abandons = strcmp(cli_text(shown, "state"), "cleanup_failed") == 0;
    char    line[300];
    size_t  i;
    json_t *name;

    for (int pass = 0; pass < 2; pass++) {
        json_array_foreach (allowed, i, name) {
            const struct verb *verb = verb_named(json_string_value(name));
            if (verb == NULL || strcmp(verb->words, "order status") == 0 || is_idle(verb, shown)) continue;
            if ((pass == 0) != ((verb->flags & VERB_MAIN) != 0)) continue;
            snprintf(line, sizeof line, "pedido %s %s", verb->words, order);
            append_needed(verb, line, sizeof line);
            if (abandons && verb->block == pd_block_give_up) strncat(line, " --abandon", sizeof line - strlen(line) - 1);
            say_command(cli, said == 0 ? _("next: ") : _("  or: "), line, verb->block());
            said++;
        }
    }
    return said;
}

/* What somebody has to do by hand. How many lines were said. */
static int
say_tasks(const struct cli *cli, const json_t *order)
{
    char    line[100];
    json_t *item;
    size_t  i;
    int     said = 0;

    json_array_foreach (json_object_get(order, "items"), i, item) {
        json_int_t task = json_integer_value(json_object_get(item, "task"));
        if (task == 0 || strcmp(cli_text(item, "waits_for"), "by_hand") != 0) continue;
        snprintf(line, sizeof line, "pedido task succeed %" JSON_INTEGER_FORMAT " --reason REASON", task);
        say_command(cli, said++ == 0 ? _("next: ") : _("  or: "), line, pd_block_succeed_task());
    }
    return said;
}

/* Something of a subscription could not be removed. */
static void
say_remains(const struct cli *cli, const json_t *s)
{
    char       line[100];
    json_int_t number = json_integer_value(json_object_get(s, "subscription"));
    json_int_t task = json_integer_value(json_object_get(s, "task"));
    const char *state = cli_text(s, "task_state");
    bool        over = strcmp(state, "created") != 0 && strcmp(state, "leased") != 0;
    bool        failed = strcmp(cli_text(s, "service_status"), "removal_failed") == 0;

    if (json_array_size(json_object_get(s, "remains")) == 0 || task == 0 || !over) return;
    snprintf(line, sizeof line, "pedido task retry %" JSON_INTEGER_FORMAT, task);
    say_command(cli, _("next: "), line, pd_block_retry_task());
    if (!failed || strcmp(cli_text(s, "status"), "terminated") == 0) return;
    snprintf(line, sizeof line, "pedido subscription end %" JSON_INTEGER_FORMAT " --abandon --reason REASON", number);
    say_command(cli, _("  or: "), line, pd_block_end_subscription());
}

/* The order stands where no command leads on: what there is to look at. How many lines were said. */
static int
say_state(const struct cli *cli, const json_t *data, const char *order, int said)
{
    char        line[300];
    const char *state = json_string_value(json_object_get(data, "state"));
    uint64_t    subscription =
        (uint64_t)json_integer_value(json_object_get(json_array_get(json_object_get(data, "items"), 0), "subscription"));

    if (state == NULL) return said;
    bool goes_on = strcmp(state, "provisioning") == 0 || strcmp(state, "cancelling") == 0;
    if (goes_on) snprintf(line, sizeof line, "pedido order status %s --wait", order);
    else if (strcmp(state, "completed") != 0) return said;
    else if (subscription > 0)
        snprintf(line, sizeof line, "pedido subscription show %llu", (unsigned long long)subscription);
    else snprintf(line, sizeof line, "pedido order show %s", order);
    say_command(cli, said == 0 ? _("next: ") : _("  or: "), line, NULL);
    return said + 1;
}

void
next_say(const struct cli *cli, const struct pd_block *block, const json_t *data, const char *order)
{
    const struct verb *verb = block == NULL ? NULL : verb_of_block(block);
    char               number[32], quoted[200];
    const json_t      *shown = json_object_get(data, "order"), *allowed = json_object_get(data, "allowed");

    if (verb != NULL && verb->hint != NULL) next_hint(cli, verb->hint, data);
    if (block == pd_block_get_subscription()) say_remains(cli, json_object_get(data, "subscription"));
    if (allowed == NULL) return;
    const json_t *task = json_object_get(data, "task");
    const json_t *inner = json_is_object(shown) ? shown : json_is_object(task) ? task : data;
    if (order == NULL) {
        uint64_t n = (uint64_t)json_integer_value(json_object_get(inner, inner == task ? "task" : "order"));
        if (n == 0) return;
        snprintf(number, sizeof number, "%llu", (unsigned long long)n);
        order = number;
    }
    next_quote(order, quoted, sizeof quoted);
    order = quoted;
    int said = inner == task ? 0 : say_state(cli, inner, order, say_tasks(cli, inner));
    say_allowed(cli, allowed, inner, order, said);
}
