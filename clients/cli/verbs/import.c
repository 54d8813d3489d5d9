/* import.c - pedido import: customers and live subscriptions of another system, taken over from a file.
 *
 * The file is read and judged whole before anything is sent. A file that is imported again does nothing twice: a subscription is
 * known by its reference, and of a customer only what differs is put. What a line does not say of a customer stays as it is. */
#include "clients/cli/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/cli/show/terminal.h"
#include "clients/cli/verbs/records.h"
#include "proto/check.h"

enum { BATCH = 100 };

/* What is sent together. */
struct batch {
    json_t              *requests, *customers; /* the customers that it puts, as a set */
    const struct record *records[BATCH];
    size_t               count;
};

struct import {
    struct cli    *cli;
    const char    *path;
    struct records records;
    struct batch   batch;
    json_t        *customers; /* of the file, as a set */
    int64_t        head;      /* of the log before: what stands there was done by an earlier import */
    size_t         done, known, refused, problems;
    int            status;
};

/* ---- what is said -------------------------------------------------------------------------------------------------- */

static void
report(void *context, int line, const char *code, const char *field, const char *said)
{
    struct import *im = context;

    im->problems++;
    if (line == 0) im->status = STATUS_TROUBLE;
    terminal_live("");
    if (args_has(im->cli, "json")) {
        json_t *error = json_pack("{s:{s:s,s:s,s:s,s:s,s:i}}", "error", "code", code, "message", said, "field", field, "file",
                                  im->path, "line", line);
        cli_print_json(error);
        json_decref(error);
    }
    if (line == 0) cli_say("%s: %s", im->path, said);
    else cli_say("%s:%d: %s%s%s", im->path, line, field, field[0] == '\0' ? "" : ": ", said);
}

static void
say_progress(const struct import *im, size_t at)
{
    char line[120];

    if (terminal_width(stderr) == 0 || args_has(im->cli, "json")) return;
    snprintf(line, sizeof line, _("%zu of %zu lines"), at, im->records.count);
    terminal_live(line);
}

/* One line of JSON for each of the file's. */
static void
print_result(const struct import *im, const struct record *record, const char *result, const json_t *answer)
{
    const json_t *data = json_object_get(answer, "data");

    if (!args_has(im->cli, "json")) return;
    json_t *row = json_pack("{s:i,s:O,s:O*,s:O*,s:s}", "line", record->line, "customer", json_object_get(record->data, "customer"),
                            "reference", json_object_get(record->data, "reference"), "subscription",
                            json_object_get(data, "subscription"), "result", result);
    cli_print_json(row);
    json_decref(row);
}

/* ---- what is sent -------------------------------------------------------------------------------------------------- */

/* FNV-1a, twice with different beginnings. */
static void
make_id(const struct record *record, char *ret_id, size_t size)
{
    uint64_t a = 14695981039346656037u, b = 1099511628211u;
    char    *text = json_dumps(record->data, JSON_COMPACT | JSON_SORT_KEYS);

    PD_CHECK(text != NULL);
    for (const char *p = text; *p != '\0'; p++) {
        a = (a ^ (unsigned char)*p) * 1099511628211u;
        b = (b ^ (unsigned char)*p) * 1099511628211u;
    }
    snprintf(ret_id, size, "import-%016" PRIx64 "%016" PRIx64, a, b);
    free(text);
}

/* A dry run cannot know the customers that the file itself brings. */
static bool
is_excused(const struct import *im, const struct record *record, const char *code)
{
    return args_has(im->cli, "dry-run") && strcmp(code, "customer_not_found") == 0 &&
           json_object_get(im->customers, cli_text(record->data, "customer")) != NULL;
}

static void
take_answer(struct import *im, const struct record *record, const json_t *answer)
{
    const json_t *error = json_object_get(answer, "error");
    const char   *code = cli_text(error, "code");
    bool          taken = error == NULL || is_excused(im, record, code);
    bool          dry = args_has(im->cli, "dry-run");
    int64_t       position = json_integer_value(json_object_get(answer, "position"));

    if (taken && !dry && position <= im->head) {
        im->known++;
        print_result(im, record, "unchanged", answer);
    } else if (taken) {
        im->done++;
        print_result(im, record, dry ? "would be imported" : "imported", answer);
    } else if (strcmp(code, "import_taken") == 0) {
        im->known++;
        print_result(im, record, "unchanged", answer);
    } else {
        char said[700];
        refusal_sentence(error, said, sizeof said);
        im->refused++;
        im->status = request_exit(error);
        report(im, record->line, code, cli_text(error, "field"), said);
    }
}

/* The customer as the line would have it; NULL: as it is already. */
static int
complete_customer(struct import *im, const struct record *record, json_t **ret_data)
{
    json_t *answer = NULL, *refusal = NULL, *query = json_pack("{s:O}", "customer", json_object_get(record->data, "customer"));
    int     status = exchange_try(im->cli, pd_block_get_customer(), query, &answer, &refusal);
    const json_t *current = json_object_get(answer, "customer");
    json_t       *data = json_copy(record->data);
    bool          differs = current == NULL;

    for (size_t i = 0; i < record->block->field_count; i++) {
        const char *name = record->block->fields[i].name;
        json_t     *own = json_object_get(data, name), *now = json_object_get(current, name);
        if (own == NULL && now != NULL) json_object_set(data, name, now);
        else if (own != NULL && !json_equal(own, now)) differs = true;
    }
    *ret_data = status == STATUS_OK && differs ? data : NULL;
    if (*ret_data == NULL) json_decref(data);
    json_decref(answer);
    json_decref(refusal);
    return status;
}

static int
flush(struct import *im)
{
    json_t *answers = NULL, *answer;
    size_t  i;

    if (im->batch.count == 0) return STATUS_OK;
    int status = exchange_array(im->cli, im->batch.requests, &answers);
    json_array_foreach (answers, i, answer) take_answer(im, im->batch.records[i], answer);
    json_decref(answers);
    json_array_clear(im->batch.requests);
    json_object_clear(im->batch.customers);
    im->batch.count = 0;
    return status;
}

/* A customer is compared with what is there when everything before its line has been done. */
static int
send_record(struct import *im, const struct record *record)
{
    json_t *data = NULL;
    char    id[64];
    int     status = STATUS_OK;

    if (record->block == pd_block_put_customer()) {
        const char *customer = cli_text(record->data, "customer");
        if (json_object_get(im->batch.customers, customer) != NULL) status = flush(im);
        if (status == STATUS_OK) status = complete_customer(im, record, &data);
        if (status != STATUS_OK) return status;
        if (data == NULL) {
            im->known++;
            print_result(im, record, "unchanged", NULL);
            return STATUS_OK;
        }
        json_object_set_new(im->batch.customers, customer, json_true());
        pd_client_new_id(id);
    } else {
        data = json_incref(record->data);
        make_id(record, id, sizeof id);
    }
    im->batch.records[im->batch.count++] = record;
    json_array_append_new(im->batch.requests, exchange_envelope(im->cli, record->block, id, data));
    return im->batch.count == BATCH ? flush(im) : STATUS_OK;
}

static int
send_all(struct import *im)
{
    json_t *hello = NULL;
    int     status = request_data(im->cli, pd_block_hello(), json_object(), &hello);

    im->head = json_integer_value(json_object_get(hello, "head"));
    json_decref(hello);
    for (size_t at = 0; at < im->records.count && status == STATUS_OK; at++) {
        if (at % BATCH == 0) say_progress(im, at);
        status = send_record(im, &im->records.list[at]);
    }
    if (status == STATUS_OK) status = flush(im);
    terminal_live("");
    if (status != STATUS_OK) {
        cli_say("Sent: %zu of %zu lines. The same command goes on where this one ended.", im->done + im->known + im->refused,
                im->records.count);
        return status;
    }
    if (args_has(im->cli, "dry-run"))
        cli_say("dry run: %zu would be imported, %zu are there already, %zu would be refused", im->done, im->known, im->refused);
    else cli_say("%zu imported, %zu were there already, %zu refused", im->done, im->known, im->refused);
    return im->status;
}

/* What the lines say together: which customers the file brings, and whether one reference stands for two things. */
static bool
judge_together(struct import *im)
{
    json_t *first = json_object();

    for (size_t i = 0; i < im->records.count; i++) {
        const struct record *record = &im->records.list[i];
        const char          *reference = cli_text(record->data, "reference");
        char                 said[100];
        if (record->block == pd_block_put_customer()) {
            json_object_set_new(im->customers, cli_text(record->data, "customer"), json_true());
            continue;
        }
        json_t *former = json_object_get(first, reference);
        if (former == NULL) json_object_set_new(first, reference, json_integer((json_int_t)i));
        const struct record *other = former == NULL ? record : &im->records.list[json_integer_value(former)];
        if (json_equal(other->data, record->data)) continue;
        snprintf(said, sizeof said, _("Line %d has it, too, for something else."), other->line);
        report(im, record->line, "import_differs", "reference", said);
    }
    json_decref(first);
    return im->problems == 0;
}

int
run_import(struct cli *cli)
{
    struct import im = {.cli = cli, .path = cli->words[0], .customers = json_object(),
                        .batch = {.requests = json_array(), .customers = json_object()}};
    int           status;

    if (args_has(cli, "id") || args_has(cli, "expect"))
        return cli_usage(cli, "--id and --expect are for one command; an import sends many");
    bool good = records_read(im.path, report, &im, &im.records);
    if (good && judge_together(&im)) status = send_all(&im);
    else {
        cli_say("Problems in the file: %zu. Nothing was sent.", im.problems);
        status = im.status != STATUS_OK ? im.status : pd_error_class_exit(PD_CLASS_invalid);
    }
    records_fini(&im.records);
    json_decref(im.batch.requests);
    json_decref(im.batch.customers);
    json_decref(im.customers);
    return status;
}
