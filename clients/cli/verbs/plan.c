/* plan.c - plan import: a catalogue file, put where it differs from what the engine has.
 *
 * A command's id is made of what it says and of the version it changes. So an import that is repeated because its answer
 * was lost does nothing twice, and a catalogue that is imported again later does what it says. */
#include "clients/cli/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/cli/verbs/catalogue.h"
#include "clients/cli/show/table.h"
#include "proto/check.h"

struct import {
    struct cli  *cli;
    const char  *path;
    json_t      *requests, *subjects; /* of one plan: what is sent, and {plan, period?} of each */
    struct table table;
    size_t       put, unchanged, refused, problems;
    int          status;
};

static void
report(void *context, int line, const char *code, const char *field, const char *message, const char *said)
{
    struct import *im = context;
    im->problems++;
    if (line == 0) im->status = STATUS_TROUBLE;
    if (args_has(im->cli, "json")) {
        json_t *error = json_pack("{s:{s:s,s:s,s:s,s:s,s:i}}", "error", "code", code, "message", message, "field", field,
                                  "file", im->path, "line", line);
        cli_print_json(error);
        json_decref(error);
    }
    if (line == 0) cli_say("%s: %s", im->path, said);
    else cli_say("%s:%d: %s%s%s", im->path, line, field, field[0] == '\0' ? "" : ": ", said);
}

/* ---- what differs -------------------------------------------------------------------------------------------------- */

/* What the engine makes of a field that is left out. */
static json_t *
default_of(const struct pd_field *f, const json_t *object)
{
    if (f->kind == PD_KIND_FLAG) return json_false();
    if (strcmp(f->name, "provisioning") == 0) return json_string("worker");
    if (strcmp(f->name, "worker_group") == 0) return json_incref(json_object_get(object, "plan"));
    if (strcmp(f->name, "deadline_s") == 0) return json_integer(86400);
    if (strcmp(f->name, "renewal_fee") == 0) return json_incref(json_object_get(object, "recurring_fee"));
    return json_null();
}

static bool
is_same(const struct pd_block *block, const json_t *wanted, const json_t *current)
{
    bool same = current != NULL;
    for (size_t i = 0; i < block->field_count && same; i++) {
        const struct pd_field *f = &block->fields[i];
        const json_t          *is = json_object_get(current, f->name), *given = json_object_get(wanted, f->name);
        if (block == pd_block_put_period() && strcmp(f->name, "plan") == 0) continue; /* it stands in its plan */
        json_t *value = given != NULL ? json_deep_copy(given) : default_of(f, wanted);
        same = is == NULL ? f->kind == PD_KIND_FLAG && json_is_false(value) : json_equal(is, value);
        json_decref(value);
    }
    return same;
}

static const json_t *
find_period(const json_t *plan, const json_t *period)
{
    json_t *one;
    size_t  i;
    json_array_foreach (json_object_get(plan, "periods"), i, one)
        if (json_equal(json_object_get(one, "period"), period)) return one;
    return NULL;
}

/* ---- what is sent -------------------------------------------------------------------------------------------------- */

/* FNV-1a, twice with different beginnings. */
static void
make_id(const char *type, uint64_t version, const json_t *data, char *ret_id, size_t size)
{
    uint64_t a = 14695981039346656037u, b = 1099511628211u;
    char    *text = json_dumps(data, JSON_COMPACT | JSON_SORT_KEYS), *all = NULL;

    PD_CHECK(text != NULL && asprintf(&all, "%s %" PRIu64 " %s", type, version, text) > 0);
    for (const char *p = all; *p != '\0'; p++) {
        a = (a ^ (unsigned char)*p) * 1099511628211u;
        b = (b ^ (unsigned char)*p) * 1099511628211u;
    }
    snprintf(ret_id, size, "import-%016" PRIx64 "%016" PRIx64, a, b);
    free(text);
    free(all);
}

static void
note(struct import *im, const json_t *subject, const char *result)
{
    const char *plan = json_string_value(json_object_get(subject, "plan")),
               *period = json_string_value(json_object_get(subject, "period"));
    if (args_has(im->cli, "json")) {
        json_t *row = json_pack("{s:s,s:s*,s:s}", "plan", plan, "period", period, "result", result);
        cli_print_json(row);
        json_decref(row);
        return;
    }
    table_cell(&im->table, strdup(plan));
    table_cell(&im->table, strdup(period == NULL ? "" : period));
    table_cell(&im->table, strdup(_(result)));
}

/* Takes `data`, the wanted fields of a plan or period. */
static void
want(struct import *im, const struct pd_block *block, uint64_t version, json_t *data, const json_t *current)
{
    char    id[64];
    json_t *subject =
        json_pack("{s:O,s:O*}", "plan", json_object_get(data, "plan"), "period", json_object_get(data, "period"));

    if (is_same(block, data, current)) {
        im->unchanged++;
        note(im, subject, N_("unchanged"));
        json_decref(subject);
        json_decref(data);
        return;
    }
    make_id(block->Name, version, data, id, sizeof id);
    json_array_append_new(im->requests, exchange_envelope(im->cli, block, id, data));
    json_array_append_new(im->subjects, subject);
}

static int
send_wanted(struct import *im)
{
    json_t *answers = NULL, *answer;
    size_t  i;

    if (json_array_size(im->requests) == 0) return STATUS_OK;
    int status = args_has(im->cli, "dry-run") ? STATUS_OK : exchange_array(im->cli, im->requests, &answers);
    for (i = 0; status == STATUS_OK && answers == NULL && i < json_array_size(im->subjects); i++)
        note(im, json_array_get(im->subjects, i), N_("would be put"));
    json_array_foreach (answers, i, answer) {
        const json_t *error = json_object_get(answer, "error");
        bool          put = json_is_true(json_object_get(answer, "ok"));
        note(im, json_array_get(im->subjects, i), put ? N_("put") : N_("refused"));
        if (put) im->put++;
        else {
            im->refused++;
            im->status = request_refused(im->cli, error, NULL);
        }
    }
    json_decref(answers);
    json_array_clear(im->requests);
    json_array_clear(im->subjects);
    return status;
}

static int
import_plan(struct import *im, const json_t *plan)
{
    json_t *id = json_object_get(plan, "plan"), *answer = NULL, *refusal = NULL, *period, *data;
    size_t  i;
    int     status = exchange_try(im->cli, pd_block_get_plan(), json_pack("{s:O}", "plan", id), &answer, &refusal);

    const char *code = json_string_value(json_object_get(refusal, "code"));
    if (refusal != NULL && (code == NULL || strcmp(code, "plan_not_found") != 0))
        status = request_refused(im->cli, refusal, NULL);
    json_decref(refusal);
    if (status != STATUS_OK) return status;

    const json_t *current = json_object_get(answer, "plan");
    uint64_t      version = (uint64_t)json_integer_value(json_object_get(current, "version"));
    data = json_copy((json_t *)(uintptr_t)plan);
    json_object_del(data, "periods");
    want(im, pd_block_put_plan(), version, data, current);
    json_array_foreach (json_object_get(plan, "periods"), i, period) {
        data = json_copy(period);
        json_object_set(data, "plan", id);
        want(im, pd_block_put_period(), version, data, find_period(current, json_object_get(period, "period")));
    }
    json_decref(answer);
    return send_wanted(im);
}

static int
import_plans(struct import *im, const json_t *plans)
{
    json_t *plan;
    size_t  i;
    int     status = STATUS_OK;

    im->requests = json_array();
    im->subjects = json_array();
    table_init(&im->table);
    table_column(&im->table, _("PLAN"), false);
    table_column(&im->table, _("PERIOD"), false);
    table_column(&im->table, _("RESULT"), false);
    json_array_foreach (plans, i, plan)
        if (status == STATUS_OK) status = import_plan(im, plan);
    table_print(&im->table);
    table_fini(&im->table);
    json_decref(im->requests);
    json_decref(im->subjects);
    if (status != STATUS_OK) return status;
    if (!args_has(im->cli, "dry-run"))
        cli_say("%zu plans: %zu put, %zu unchanged, %zu refused", json_array_size(plans), im->put, im->unchanged,
                im->refused);
    if (im->status == STATUS_OK && !args_has(im->cli, "json")) cli_say("next: pedido plan list");
    return im->status;
}

int
run_plan_import(struct cli *cli)
{
    struct import im = {.cli = cli, .path = cli->words[0]};
    json_t       *plans;

    if (args_has(cli, "id") || args_has(cli, "expect"))
        return cli_usage(cli, "--id and --expect are for one command; an import sends many");
    if (!catalogue_read(im.path, report, &im, &plans)) {
        cli_say("Problems in the file: %zu. Nothing was sent.", im.problems);
        return im.status != STATUS_OK ? im.status : pd_error_class_exit(PD_CLASS_invalid);
    }
    int status = import_plans(&im, plans);
    json_decref(plans);
    return status;
}
