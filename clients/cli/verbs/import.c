/* import.c - pedido import: customers and live subscriptions of another system, taken over from a file.
 *
 * The file is read and judged whole before anything is sent. A command's id is made of what its line says, so a file that is
 * imported again does nothing twice; much later a subscription is known by its reference. */
#include "clients/cli/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/cli/show/terminal.h"
#include "clients/cli/verbs/records.h"
#include "proto/check.h"

enum { BATCH = 100 };

struct import {
    struct cli    *cli;
    const char    *path;
    struct records records;
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

static int
send_batch(struct import *im, size_t from, size_t count)
{
    json_t *requests = json_array(), *answers = NULL, *answer;
    size_t  i;

    for (i = 0; i < count; i++) {
        const struct record *record = &im->records.list[from + i];
        char                 id[64];
        make_id(record, id, sizeof id);
        json_array_append_new(requests, exchange_envelope(im->cli, record->block, id, json_incref(record->data)));
    }
    int status = exchange_array(im->cli, requests, &answers);
    json_array_foreach (answers, i, answer) take_answer(im, &im->records.list[from + i], answer);
    json_decref(answers);
    json_decref(requests);
    return status;
}

static int
send_all(struct import *im)
{
    json_t *hello = NULL;
    int     status = request_data(im->cli, pd_block_hello(), json_object(), &hello);

    im->head = json_integer_value(json_object_get(hello, "head"));
    json_decref(hello);
    for (size_t at = 0; at < im->records.count && status == STATUS_OK; at += BATCH) {
        size_t count = im->records.count - at < BATCH ? im->records.count - at : BATCH;
        say_progress(im, at);
        status = send_batch(im, at, count);
    }
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

int
run_import(struct cli *cli)
{
    struct import im = {.cli = cli, .path = cli->words[0], .customers = json_object()};
    int           status;

    if (args_has(cli, "id") || args_has(cli, "expect"))
        return cli_usage(cli, "--id and --expect are for one command; an import sends many");
    bool good = records_read(im.path, report, &im, &im.records);
    for (size_t i = 0; i < im.records.count; i++)
        if (im.records.list[i].block == pd_block_put_customer())
            json_object_set_new(im.customers, cli_text(im.records.list[i].data, "customer"), json_true());
    if (good) status = send_all(&im);
    else {
        cli_say("Problems in the file: %zu. Nothing was sent.", im.problems);
        status = im.status != STATUS_OK ? im.status : pd_error_class_exit(PD_CLASS_invalid);
    }
    records_fini(&im.records);
    json_decref(im.customers);
    return status;
}
