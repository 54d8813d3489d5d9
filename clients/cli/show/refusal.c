/* refusal.c - why something was refused, in the person's language, and the command that leads on. */
#include "clients/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/check.h"

int
request_exit(const json_t *error)
{
    const char            *code = json_string_value(json_object_get(error, "code"));
    const struct pd_error *e = code == NULL ? NULL : pd_schema_error_named(pd_text(code));
    return e == NULL ? STATUS_TROUBLE : pd_error_class_exit(e->class);
}

/* ---- the sentence -------------------------------------------------------------------------------------------------- */

/* What the engine said is acceptable: it stands only in the English sentence, between what is around it in the row's. */
static char *
read_expected(const struct pd_error *e, const json_t *error)
{
    const char *message = json_string_value(json_object_get(error, "message")), *place = strstr(e->sentence, "{expected}");
    char        lead[300], before[400];

    if (message == NULL || place == NULL) return NULL;
    snprintf(lead, sizeof lead, "%.*s", (int)(place - e->sentence), e->sentence);
    if (!next_fill(lead, error, false, before, sizeof before) || strncmp(message, before, strlen(before)) != 0) return NULL;
    size_t size = strlen(message) - strlen(before), after = strlen(place + strlen("{expected}"));
    return size < after ? NULL : strndup(message + strlen(before), size - after);
}

static json_t *
translate_expected(const char *expected)
{
    static const char one_of[] = "one of ";
    if (strncmp(expected, one_of, sizeof one_of - 1) != 0) return json_string(_(expected));
    return json_sprintf("%s %s", _("one of"), expected + sizeof one_of - 1);
}

static json_t *
translate_commands(const json_t *names)
{
    char   *line = NULL;
    size_t  size, i;
    FILE   *to = open_memstream(&line, &size);
    json_t *name, *text;

    PD_CHECK(to != NULL);
    json_array_foreach (names, i, name) {
        const char            *wire = json_string_value(name);
        const struct pd_block *block = wire == NULL ? NULL : pd_schema_find(PD_BLOCK_command, pd_text(wire));
        fprintf(to, "%s%s", i > 0 ? ", " : "",
                block != NULL ? lang_pick(block->english, block->spanish) : wire != NULL ? wire : "?");
    }
    fclose(to);
    text = json_string(line[0] == '\0' ? _("nothing") : line);
    free(line);
    return text;
}

/* The refusal's details as the words that stand in the translated sentence. */
static json_t *
translate_details(const struct pd_error *e, const json_t *error)
{
    json_t                *words = json_copy((json_t *)(uintptr_t)error);
    const char            *state = json_string_value(json_object_get(error, "state")),
                          *command = json_string_value(json_object_get(error, "command"));
    int                    number = state == NULL ? 0 : pd_enum_number(pd_enum_order_state(), pd_text(state));
    const struct pd_block *block = command == NULL ? NULL : pd_schema_find(PD_BLOCK_command, pd_text(command));
    char                  *expected = read_expected(e, error);

    if (number > 0) json_object_set_new(words, "state", json_string(pd_enum_order_state()->values[number - 1].spanish));
    if (block != NULL) json_object_set_new(words, "command", json_string(lang_pick(block->english, block->spanish)));
    if (json_object_get(error, "allowed") != NULL)
        json_object_set_new(words, "allowed", translate_commands(json_object_get(error, "allowed")));
    if (expected != NULL) json_object_set_new(words, "expected", translate_expected(expected));
    free(expected);
    return words;
}

void
refusal_sentence(const json_t *error, char *ret_sentence, size_t size)
{
    const char            *code = json_string_value(json_object_get(error, "code")),
                          *message = json_string_value(json_object_get(error, "message"));
    const struct pd_error *e = code == NULL ? NULL : pd_schema_error_named(pd_text(code));

    snprintf(ret_sentence, size, "%s", message == NULL ? "" : message);
    if (e != NULL && strcmp(_(e->sentence), e->sentence) != 0) {
        json_t *words = translate_details(e, error);
        if (!next_fill(_(e->sentence), words, false, ret_sentence, size))
            snprintf(ret_sentence, size, "%s", message == NULL ? "" : message);
        json_decref(words);
    }
}

/* ---- what leads on ------------------------------------------------------------------------------------------------- */

/* The first whose {fields} the request or the refusal has. */
static const struct {
    const char *code, *hint;
} hints[] = {
    {"reseller_not_found", "pedido reseller put {reseller} NAME"},
    {"reseller_not_found", "pedido reseller list"},
    {"order_not_found", "pedido order list"},
    {"customer_not_found", "pedido customer put {customer} NAME"},
    {"customer_not_found", "pedido customer list"},
    {"plan_not_found", "pedido plan list"},
    {"period_not_found", "pedido plan periods {plan}"},
    {"subscription_not_found", "pedido subscription list"},
    {"domain_required", "pedido order add {customer} --plan {plan} --period {period} --domain DOMAIN"},
    {"domain_taken", "pedido find {domain}"},
    {"reference_taken", "pedido order show {order}"},
    {"version_conflict", "pedido order show {order}"},
    {"version_conflict", "pedido customer show {customer}"},
    {"version_conflict", "pedido plan show {plan}"},
    {"total_mismatch", "pedido order show {order}"},
    {"customer_on_hold", "pedido customer show {customer}"},
    {"plan_not_published", "pedido plan show {plan}"},
    {"period_disabled", "pedido plan periods {plan}"},
    {"unknown_type", "pedido doctor"},
    {"unsupported_version", "pedido doctor"},
    {"internal", "pedido doctor"},
    {"item_not_found", "pedido order status {order}"},
    {"item_not_failed", "pedido order status {order}"},
    {"nothing_completed", "pedido order status {order}"},
    {"abandon_required", "pedido order give-up {order} --abandon --reason REASON"},
    {"nothing_to_abandon", "pedido order give-up {order} --reason REASON"},
    {"too_many_remains", "pedido subscription list --service-status removal_failed"},
    {"not_removable", "pedido subscription show {subscription}"},
    {"import_taken", "pedido find {reference}"},
    {"import_differs", "pedido find {reference}"},
    {"task_not_found", "pedido task list"},
    {"task_closed", "pedido task show {task}"},
    {"task_not_waiting", "pedido task show {task}"},
    {"task_not_leased", "pedido task show {task}"},
    {"worker_not_found", "pedido worker list"},
};

/* The request's fields, those of the element that the refusal names (`items[1].plan`) in front, and the refusal's own. */
static json_t *
collect_words(const json_t *error, const json_t *data)
{
    json_t     *words = data == NULL ? json_object() : json_copy((json_t *)(uintptr_t)data);
    const char *field = json_string_value(json_object_get(error, "field"));
    char        list[40];
    unsigned    index;

    json_object_update_missing(words, (json_t *)(uintptr_t)error);
    if (field != NULL && sscanf(field, "%39[a-z_][%u]", list, &index) == 2) {
        json_t *element = json_array_get(json_object_get(data, list), index);
        if (element != NULL) json_object_update(words, element);
    }
    return words;
}

/* The lists in which a name that was not found may stand almost so. */
static const struct {
    const char *code, *field;
    const struct pd_block *(*query)(void);
} listed[] = {
    {"plan_not_found", "plan", pd_block_list_plans},
    {"period_not_found", "period", pd_block_list_periods},
    {"customer_not_found", "customer", pd_block_list_customers},
};

/* Says what there is instead, or which of it was meant. False: there is nothing at all. */
static bool
say_near(struct cli *cli, size_t which, const json_t *words)
{
    const struct pd_block *query = listed[which].query();
    const char            *name = listed[which].field;
    const char            *wanted = json_string_value(json_object_get(words, name));
    struct nearest         n = {.wanted = wanted};
    json_t                *data = json_object(), *answer = NULL, *refusal = NULL, *row;
    char                   names[200] = "";
    size_t                 i, used = 0;

    for (i = 0; i < query->field_count; i++)
        if (query->fields[i].need == PD_REQUIRED)
            json_object_set(data, query->fields[i].name, json_object_get(words, query->fields[i].name));
    int status = wanted == NULL ? STATUS_TROUBLE : exchange_try(cli, query, data, &answer, &refusal);
    if (wanted == NULL) json_decref(data);
    const json_t *rows = json_object_get(answer, show_list_field(query->reply())->name);
    json_array_foreach (rows, i, row) {
        const char *one = json_string_value(json_object_get(row, name));
        if (one == NULL) continue;
        nearest_offer(&n, one, SIZE_MAX);
        if (used < sizeof names) used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", one);
    }
    bool some = status != STATUS_OK || refusal != NULL || json_array_size(rows) > 0;
    if (json_array_size(rows) > 0 && json_array_size(rows) <= 4 && used < sizeof names) cli_say("There are: %s.", names);
    else if (json_array_size(rows) > 0 && nearest_best(&n) != NULL) cli_say("Did you mean %s?", nearest_best(&n));
    json_decref(answer);
    json_decref(refusal);
    return some;
}

static void
say_hint(struct cli *cli, const char *code, const json_t *words)
{
    bool some = true;

    for (size_t i = 0; i < sizeof listed / sizeof listed[0]; i++)
        if (strcmp(listed[i].code, code) == 0) some = say_near(cli, i, words);
    if (!some && strcmp(code, "plan_not_found") == 0) {
        cli_say("The catalogue is empty; a file with plans is read by `pedido plan import FILE`.");
        return;
    }
    if (strcmp(code, "domain_invalid") == 0)
        cli_say("A name of one's own below a public suffix is expected, such as panaderia-lopez.es.");
    if (strcmp(code, "unsupported_version") == 0 || strcmp(code, "unknown_type") == 0)
        cli_say("This pedido and the engine may be of different ages.");
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++)
        if (strcmp(hints[i].code, code) == 0 && next_hint(cli, hints[i].hint, words)) return;
}

int
request_refused(struct cli *cli, const json_t *error, const json_t *data)
{
    const char *code = json_string_value(json_object_get(error, "code")),
               *reference = json_string_value(json_object_get(data, "reference"));
    uint64_t number = (uint64_t)json_integer_value(json_object_get(data, "order"));
    char     order[80], sentence[700];

    if (args_has(cli, "json")) {
        json_t *shown = json_pack("{s:O}", "error", error);
        cli_print_json(shown);
        json_decref(shown);
    }
    refusal_sentence(error, sentence, sizeof sentence);
    cli_say("refused (%s): %s", code == NULL ? "?" : code, sentence);
    if (number > 0) snprintf(order, sizeof order, "%llu", (unsigned long long)number);
    else snprintf(order, sizeof order, "ref:%s", reference == NULL ? "" : reference);
    if ((number > 0 || reference != NULL) && json_object_get(error, "allowed") != NULL) {
        next_say(cli, NULL, error, order);
    } else if (code != NULL) {
        json_t *words = collect_words(error, data);
        json_object_set_new(words, "reseller", json_string(exchange_reseller(cli)));
        say_hint(cli, code, words);
        json_decref(words);
    }
    return request_exit(error);
}
