/* form.c - an order asked for step by step, as the seed's form does: customer, plan, period, domain, review. */
#include "clients/cli/verbs/form.h"

#include <stdio.h>
#include <stdlib.h>

#include "clients/cli/verbs/ask.h"

/* ---- choosing from a list ------------------------------------------------------------------------------------------ */

/* What is chosen: rows of a query, the key that names one, and the question. */
struct choice {
    const struct pd_block *(*query)(void);
    const char *key, *question;
    bool        searched; /* the query takes a part of a name */
    const char *may_add;  /* or NULL: what to type to make a new one */
};

/* The rows that match; `fixed` and `text` may be NULL. */
static int
fetch(struct cli *cli, const struct choice *c, const json_t *fixed, const char *text, json_t **ret_rows)
{
    json_t *data = fixed == NULL ? json_object() : json_copy((json_t *)(uintptr_t)fixed);

    if (text != NULL && text[0] != '\0') json_object_set_new(data, "text", json_string(text));
    return request_rows(cli, c->query(), data, ret_rows);
}

/* By its number in the list, or by its key. */
static json_t *
pick(const struct choice *c, const json_t *rows, const char *line)
{
    uint64_t number;
    size_t   i;
    json_t  *row;

    json_array_foreach (rows, i, row)
        if (strcmp(cli_text(row, c->key), line) == 0) return json_incref(row);
    if (args_number(line, &number) && number > 0) return json_incref(json_array_get(rows, (size_t)number - 1));
    return NULL;
}

/* The row that is chosen; NULL with STATUS_OK: a new one is wanted. */
static int
choose(struct cli *cli, const struct choice *c, const json_t *fixed, json_t **ret_row)
{
    json_t *rows = NULL;
    int     status = fetch(cli, c, fixed, NULL, &rows);

    *ret_row = NULL;
    if (status == STATUS_OK && json_array_size(rows) > 0) show_choices(show_list_field(c->query()->reply())->block(), rows);
    while (status == STATUS_OK && *ret_row == NULL) {
        if (json_array_size(rows) == 0 && c->may_add != NULL) break;
        char *line = ask_line(c->question);
        bool  adds = line != NULL && c->may_add != NULL && strcmp(line, c->may_add) == 0;
        if (line == NULL) status = STATUS_ABANDONED;
        else if (!adds) *ret_row = pick(c, rows, line);
        if (status == STATUS_OK && *ret_row == NULL && !adds && !c->searched) cli_say("There is no `%s` in the list.", line);
        if (adds) {
            free(line);
            break;
        }
        if (status == STATUS_OK && *ret_row == NULL && c->searched) {
            json_t *found = NULL;
            status = fetch(cli, c, fixed, line, &found);
            if (json_array_size(found) == 0) {
                cli_say("Nothing is called `%s`.", line);
                json_decref(found);
            } else {
                json_decref(rows);
                rows = found;
                show_choices(show_list_field(c->query()->reply())->block(), rows);
                if (json_array_size(rows) == 1 && line[0] != '\0') *ret_row = json_incref(json_array_get(rows, 0));
            }
        }
        free(line);
    }
    json_decref(rows);
    return status;
}

/* ---- the steps of the form ----------------------------------------------------------------------------------------- */

/* Sets a text of `data` from an answer. */
int
form_text(json_t *data, const char *key, const char *question)
{
    for (;;) {
        char *line = ask_line(question);
        if (line == NULL) return STATUS_ABANDONED;
        bool some = line[0] != '\0';
        if (some && json_object_set_new(data, key, json_string(line)) != 0) some = false; /* not UTF-8 */
        free(line);
        if (some) return STATUS_OK;
    }
}

static int
make_customer(struct cli *cli, json_t *order)
{
    if (args_has(cli, "dry-run")) return cli_usage(cli, "a dry run makes no customer; choose one that is there");
    for (;;) {
        json_t *data = json_object(), *answer = NULL, *refusal = NULL;
        int     status = form_text(data, "customer", _("The new customer's id, of letters, digits and . _ -, such as lopez:"));
        if (status == STATUS_OK) status = form_text(data, "name", _("Its name:"));
        if (status == STATUS_OK) status = exchange_try(cli, pd_block_put_customer(), json_incref(data), &answer, &refusal);
        bool again = refusal != NULL && strcmp(cli_text(refusal, "code"), "invalid_field") == 0;
        if (refusal != NULL) status = request_refused(cli, refusal, data);
        json_object_set(order, "customer", json_object_get(data, "customer"));
        json_decref(data);
        json_decref(answer);
        json_decref(refusal);
        if (!again) return status;
    }
}

static int
ask_customer(struct cli *cli, json_t *order)
{
    const struct choice customers = {pd_block_list_customers, "customer",
                                     _("Customer (number, id, part of the name, or + for a new one):"), true, "+"};
    json_t *row;
    int     status = choose(cli, &customers, NULL, &row);

    if (status != STATUS_OK) return status;
    if (row == NULL) return make_customer(cli, order);
    json_object_set(order, "customer", json_object_get(row, "customer"));
    json_decref(row);
    return STATUS_OK;
}

static int
ask_quantity(json_t *item)
{
    uint64_t quantity = 1;

    for (;;) {
        char *line = ask_line(_("How many [1]:"));
        if (line == NULL) return STATUS_ABANDONED;
        bool ok = line[0] == '\0' || (args_number(line, &quantity) && quantity > 0);
        free(line);
        if (!ok) continue;
        json_object_set_new(item, "quantity", json_integer((json_int_t)quantity));
        return STATUS_OK;
    }
}

/* The engine judges a name: the order as it would be, without a change. */
static int
check_order(struct cli *cli, const json_t *order, json_t **ret_review, json_t **ret_refusal)
{
    return exchange_trial(cli, pd_block_add_order(), json_deep_copy(order), ret_review, ret_refusal);
}

static bool
is_about_domain(const json_t *refusal)
{
    return strncmp(cli_text(refusal, "code"), "domain_", 7) == 0;
}

static int
ask_domain(struct cli *cli, const json_t *order, json_t *item)
{
    for (;;) {
        json_t *review = NULL, *refusal = NULL;
        int     status = form_text(item, "domain", _("Domain name, such as panaderia-lopez.es:"));
        if (status == STATUS_OK) status = check_order(cli, order, &review, &refusal);
        bool again = refusal != NULL && is_about_domain(refusal);
        if (refusal != NULL) status = request_refused(cli, refusal, order);
        json_decref(review);
        json_decref(refusal);
        if (!again) return status;
    }
}

static int
ask_item(struct cli *cli, json_t *order)
{
    const struct choice plans = {pd_block_list_plans, "plan", _("Plan (number, id or part of the name):"), true, NULL},
                        periods = {pd_block_list_periods, "period", _("Period (number, or such as 1y):"), false, NULL};
    json_t *items = json_object_get(order, "items"), *item = json_object(), *plan = NULL, *period = NULL;
    int     status = choose(cli, &plans, NULL, &plan);

    json_array_append_new(items, item);
    if (status == STATUS_OK) {
        json_object_set(item, "plan", json_object_get(plan, "plan"));
        json_t *of_plan = json_pack("{s:O}", "plan", json_object_get(plan, "plan"));
        status = choose(cli, &periods, of_plan, &period);
        json_decref(of_plan);
    }
    if (status == STATUS_OK) {
        json_object_set(item, "period", json_object_get(period, "period"));
        status = strcmp(cli_text(plan, "domain"), "none") != 0 ? ask_domain(cli, order, item) : ask_quantity(item);
    }
    json_decref(plan);
    json_decref(period);
    return status;
}

static int
ask_items(struct cli *cli, json_t *order)
{
    int more = 1, status = STATUS_OK;

    json_object_set_new(order, "items", json_array());
    while (status == STATUS_OK && more == 1) {
        status = ask_item(cli, order);
        if (status == STATUS_OK) more = ask_letter(_("Another plan in this order? [N]o, [y]es:"), _("ny"));
        if (more < 0) status = STATUS_ABANDONED;
    }
    return status;
}

/* ---- the end of the form ------------------------------------------------------------------------------------------- */

/* Sends ConfirmOrder or OpenOrder for an order that was just added, and says what is next. */
static int
advance(struct cli *cli, const struct pd_block *command, uint64_t number, bool last)
{
    json_t *answer = NULL;
    int     status = request_data(cli, command, json_pack("{s:I}", "order", (json_int_t)number), &answer);

    if (status == STATUS_OK) {
        review_head(answer);
        if (last) next_say(cli, command, answer, NULL);
    }
    json_decref(answer);
    return status;
}

static int
confirm_and_open(struct cli *cli, uint64_t number)
{
    int status = advance(cli, pd_block_confirm_order(), number, false);
    if (status != STATUS_OK) return status;
    if (ask_letter(_("Open it for provisioning now? [Y]es, [n]o:"), _("yn")) == 0)
        return advance(cli, pd_block_open_order(), number, true);
    json_t *hint = json_pack("{s:I}", "order", (json_int_t)number);
    next_hint(cli, "pedido order open {order}", hint);
    json_decref(hint);
    return STATUS_OK;
}

static void
show_review(const json_t *order, json_t *review)
{
    json_object_set(review, "customer", json_object_get(order, "customer"));
    json_object_del(review, "reference"); /* that of the trial */
    putchar('\n');
    review_show(review);
    putchar('\n');
}

/* The review, then the order itself: added and confirmed, kept as a draft, or not made at all. */
static int
review_and_add(struct cli *cli, json_t *order)
{
    json_t *review = NULL, *refusal = NULL, *answer = NULL;
    int     status = check_order(cli, order, &review, &refusal);

    if (refusal != NULL) status = request_refused(cli, refusal, order);
    if (status == STATUS_OK) {
        show_review(order, review);
        enum { CONFIRM, KEEP };
        if (args_has(cli, "dry-run")) {
            cli_say("dry run: nothing was changed");
            json_decref(review);
            return STATUS_OK;
        }
        int said = ask_letter(_("Confirm this order? [Y]es, keep it as a [d]raft, [n]o:"), _("ydn"));
        if (said != CONFIRM && said != KEEP) status = STATUS_ABANDONED;
        if (status == STATUS_OK) status = request_data(cli, pd_block_add_order(), json_incref(order), &answer);
        uint64_t number = (uint64_t)json_integer_value(json_object_get(answer, "order"));
        if (status == STATUS_OK && said == CONFIRM) status = confirm_and_open(cli, number);
        else if (status == STATUS_OK) next_say(cli, pd_block_add_order(), answer, NULL);
    }
    json_decref(review);
    json_decref(refusal);
    json_decref(answer);
    return status;
}

/* The plans that can be ordered, or how there come to be some. */
static int
check_catalogue(struct cli *cli)
{
    json_t *rows = NULL;
    int     status = request_rows(cli, pd_block_list_plans(), json_object(), &rows);

    if (status == STATUS_OK && json_array_size(rows) == 0) {
        cli_say("The catalogue is empty; a file with plans is read by `pedido plan import FILE`.");
        status = STATUS_ABANDONED;
    }
    json_decref(rows);
    return status;
}

static int
check_customer(struct cli *cli, const json_t *order)
{
    json_t *answer = NULL, *data = json_pack("{s:O}", "customer", json_object_get(order, "customer"));
    int     status = request_data(cli, pd_block_get_customer(), data, &answer);
    json_decref(answer);
    return status;
}

/* --id and --expect are the order's, not those of what comes before and after it. */
int
form_fill(struct cli *cli, json_t *order)
{
    cli->only = pd_block_add_order();
    int status = check_catalogue(cli);
    if (status == STATUS_OK) cli_say("Ctrl-D leaves; nothing is ordered before the end.");
    if (status == STATUS_OK)
        status = json_object_get(order, "customer") == NULL ? ask_customer(cli, order) : check_customer(cli, order);
    if (status == STATUS_OK) status = ask_items(cli, order);
    return status == STATUS_OK ? review_and_add(cli, order) : status;
}
