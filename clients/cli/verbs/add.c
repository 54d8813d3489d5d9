/* add.c - order add: by its options; like another order; or, on a terminal, by the form. */
#include "clients/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>

#include "clients/cli/show/terminal.h"
#include "clients/cli/verbs/form.h"

/* ---- like another one ---------------------------------------------------------------------------------------------- */

/* What was ordered there, as it would be asked for. */
static json_t *
items_of(const json_t *like)
{
    static const char *const kept[] = {"plan", "period", "quantity", "parameters"};
    json_t                  *items = json_array(), *from;
    size_t                   i;

    json_array_foreach (json_object_get(like, "items"), i, from) {
        json_t *item = json_object();
        for (size_t k = 0; k < sizeof kept / sizeof kept[0]; k++)
            if (json_object_get(from, kept[k]) != NULL) json_object_set(item, kept[k], json_object_get(from, kept[k]));
        if (json_object_get(from, "domain_unicode") != NULL)
            json_object_set(item, "domain", json_object_get(from, "domain_unicode"));
        json_array_append_new(items, item);
    }
    return items;
}

/* The --domain for a name there: each is for the next one, the last for all that are left. */
static const char *
given_domain(const struct cli *cli, size_t at)
{
    const char *found = NULL;
    for (size_t i = 0, seen = 0; i < cli->given_count && seen <= at; i++)
        if (strcmp(cli->given[i].option->name, "domain") == 0) {
            found = cli->given[i].value;
            seen++;
        }
    return found;
}

/* The name that takes another one's place, into `item`. */
static int
replace_domain(struct cli *cli, json_t *item, const char *given, bool needed)
{
    const char *old = cli_text(item, "domain");

    if (given != NULL && json_object_set_new(item, "domain", json_string(given)) != 0)
        return cli_usage(cli, "--domain: the value is not UTF-8");
    if (given != NULL || !needed) return STATUS_OK;
    if (!terminal_asks()) return cli_usage(cli, "--domain is missing: %s belongs to the other order's customer", old);
    cli_say("The other order is for %s.", old);
    return form_text(item, "domain", _("Domain name, such as panaderia-lopez.es:"));
}

/* Another customer has other names; two services on one name stay on one name. */
static int
replace_domains(struct cli *cli, json_t *order, bool needed)
{
    json_t *item, *names = json_object();
    size_t  i, at = 0;
    int     status = STATUS_OK;

    json_array_foreach (json_object_get(order, "items"), i, item) {
        json_t *old = json_incref(json_object_get(item, "domain")), *known;
        if (old != NULL && (known = json_object_get(names, json_string_value(old))) != NULL) {
            json_object_set(item, "domain", known);
        } else if (old != NULL) {
            status = replace_domain(cli, item, given_domain(cli, at++), needed);
            json_object_set(names, json_string_value(old), json_object_get(item, "domain"));
        }
        json_decref(old);
        if (status != STATUS_OK) break;
    }
    json_decref(names);
    return status;
}

/* What --like leaves to be said. */
static int
check_like(const struct cli *cli)
{
    static const char *const welcome[] = {"domain", "reference", "customer"};
    for (size_t i = 0; i < cli->given_count; i++) {
        const struct option *o = cli->given[i].option;
        bool                 ok = o->field == NULL;
        for (size_t w = 0; w < sizeof welcome / sizeof welcome[0]; w++) ok = ok || strcmp(o->name, welcome[w]) == 0;
        if (!ok) return cli_usage(cli, "--%s does not go with --like, which takes the other order's lines as they are", o->name);
    }
    return STATUS_OK;
}

static int
collect_like(struct cli *cli, json_t *order)
{
    json_t *data = json_object(), *answer = NULL;
    int     status = check_like(cli);

    if (status == STATUS_OK) status = fields_order(cli, args_value(cli, "like"), data);
    if (status == STATUS_OK) status = request_data(cli, pd_block_get_order(), json_incref(data), &answer);
    if (status == STATUS_OK) {
        const json_t *like = json_object_get(answer, "order");
        json_object_set_new(order, "items", items_of(like));
        if (json_object_get(order, "customer") == NULL)
            json_object_set(order, "customer", json_object_get(like, "customer"));
        status = replace_domains(cli, order, strcmp(cli_text(order, "customer"), cli_text(like, "customer")) != 0);
    }
    json_decref(answer);
    json_decref(data);
    return status;
}

/* ---- the verb ------------------------------------------------------------------------------------------------------ */

static int
add_and_show(struct cli *cli, json_t *order)
{
    json_t *answer = NULL;
    int     status = request_data(cli, pd_block_add_order(), json_incref(order), &answer);

    if (status == STATUS_OK && args_has(cli, "json")) cli_print_json(answer);
    else if (status == STATUS_OK) {
        json_object_set(answer, "customer", json_object_get(order, "customer"));
        review_show(answer);
        if (args_has(cli, "dry-run")) cli_say("dry run: nothing was changed");
        else next_say(cli, pd_block_add_order(), answer, NULL);
    }
    json_decref(answer);
    return status;
}

/* The customer and the reference as they were said; the rest is asked for, or the other order's. */
static int
begin_order(struct cli *cli, json_t **ret_order)
{
    const char *customer = cli->word_count > 0 ? cli->words[0] : args_value(cli, "customer"),
               *reference = args_value(cli, "reference");

    *ret_order = json_pack("{s:s*,s:s*}", "customer", customer, "reference", reference);
    return *ret_order != NULL ? STATUS_OK : cli_usage(cli, "an option's value is not UTF-8");
}

/* Whether a line of the order was begun by an option. */
static bool
has_lines(const struct cli *cli)
{
    for (size_t i = 0; i < cli->given_count; i++)
        if (cli->given[i].option->element || strcmp(cli->given[i].option->name, "items") == 0) return true;
    return false;
}

int
run_order_add(struct cli *cli)
{
    bool    like = args_has(cli, "like"), asks = terminal_asks() && !args_has(cli, "json") && !has_lines(cli);
    json_t *order = NULL;
    int     status;

    if (!like && !asks && cli->word_count == 0 && !args_has(cli, "customer")) return cli_usage(cli, "CUSTOMER is missing");
    if (like || asks) {
        status = begin_order(cli, &order);
        if (status == STATUS_OK && like) status = collect_like(cli, order);
        if (status == STATUS_OK) status = like ? add_and_show(cli, order) : form_fill(cli, order);
    } else {
        status = fields_collect(cli, pd_block_add_order(), &order);
        if (status == STATUS_OK) status = add_and_show(cli, order);
        else order = NULL;
    }
    if (status == STATUS_ABANDONED) cli_say("Nothing was ordered.");
    json_decref(order);
    return status;
}
