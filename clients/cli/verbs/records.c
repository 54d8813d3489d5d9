#include "clients/cli/verbs/records.h"

#include <csv.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/cli/cli.h"
#include "clients/lib/json.h"
#include "proto/check.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf" /* some editors put it before UTF-8 */

enum { COLUMNS_MAX = 64 };

struct reading {
    struct records *records;
    records_report *report;
    void           *context;
    size_t          problems;

    /* CSV */
    char   *names[COLUMNS_MAX]; /* the first line's */
    size_t  name_count, column;
    int     line;
    json_t *row;
};

static void
problem(struct reading *r, int line, const char *code, const char *field, const char *said)
{
    r->problems++;
    r->report(r->context, line, code, field, said);
}

static void
refused(struct reading *r, int line, const struct pd_refusal *refusal)
{
    struct mp_writer w = {0};
    char             said[700];

    pd_encode_refusal(&w, refusal);
    json_t *error = pd_json_from_bytes((struct pd_text){w.data, w.size}, NULL);
    refusal_sentence(error, said, sizeof said);
    problem(r, line, cli_text(error, "code"), refusal->field, said);
    json_decref(error);
    mp_writer_fini(&w);
}

/* ---- a record ------------------------------------------------------------------------------------------------------ */

/* A date is its midnight, as a time is written. */
static void
complete_time(json_t *data, const char *key, json_t *value)
{
    const char *text = json_string_value(value);
    char        time[40];

    if (text == NULL || strlen(text) != strlen("2026-01-31") || strspn(text, "0123456789-") != strlen(text)) return;
    snprintf(time, sizeof time, "%sT00:00:00Z", text);
    json_object_set_new(data, key, json_string(time));
}

static void
check(struct reading *r, const struct record *record)
{
    const struct pd_block *block = record->block;
    const char            *key;
    json_t                *value;
    void                  *next;

    json_object_foreach_safe(record->data, next, key, value) {
        const struct pd_field *f = pd_block_field(block, pd_text(key));
        struct pd_refusal      refusal = pd_refuse_field(PD_E_unknown_field, NULL, "%s", key);
        if (f != NULL && f->type != NULL && strcmp(f->type->name, "time") == 0) {
            complete_time(record->data, key, value);
            value = json_object_get(record->data, key);
        }
        if (f != NULL && pd_json_check_field(block, key, value, &refusal)) continue;
        if (f != NULL && f->type != NULL && strcmp(f->type->name, "time") == 0)
            refusal.expected = N_("a date or a time, 2026-01-31 or 2026-01-31T09:00:00Z");
        refused(r, record->line, &refusal);
    }
    for (size_t i = 0; i < block->field_count; i++) {
        struct pd_refusal refusal = pd_refuse_field(PD_E_missing_field, NULL, "%s", block->fields[i].name);
        if (block->fields[i].need == PD_REQUIRED && json_object_get(record->data, block->fields[i].name) == NULL)
            refused(r, record->line, &refusal);
    }
}

/* Takes `data`. */
static void
add(struct reading *r, int line, json_t *data)
{
    struct records *to = r->records;

    if (to->count == to->capacity) {
        to->capacity = to->capacity * 2 + 64;
        to->list = realloc(to->list, to->capacity * sizeof *to->list);
        PD_CHECK(to->list != NULL);
    }
    bool subscription = json_object_get(data, "plan") != NULL;
    to->list[to->count] =
        (struct record){line, subscription ? pd_block_import_subscription() : pd_block_put_customer(), data};
    check(r, &to->list[to->count++]);
}

/* ---- JSON lines ---------------------------------------------------------------------------------------------------- */

static void
read_json(struct reading *r, const char *text, size_t size, int line)
{
    json_error_t error;
    json_t      *data = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);

    if (json_is_object(data)) {
        add(r, line, data);
        return;
    }
    problem(r, line, "malformed_message", "", data == NULL ? error.text : _("A line is one JSON object."));
    json_decref(data);
}

static void
read_json_lines(struct reading *r, const char *text)
{
    for (int line = 1; *text != '\0'; line++) {
        size_t size = strcspn(text, "\n");
        if (strspn(text, " \t\r") < size) read_json(r, text, size, line);
        text += size + (text[size] == '\n');
    }
}

/* ---- CSV ----------------------------------------------------------------------------------------------------------- */

/* "parameters.login" is a key of a map; a number is one where the field is. */
static void
set_cell(struct reading *r, const char *name, const char *text, size_t size)
{
    const char            *dot = strchr(name, '.');
    const struct pd_field *f = pd_block_field(pd_block_import_subscription(), pd_text(name));
    json_t                *value = json_stringn(text, size);

    if (value == NULL) {
        problem(r, r->line, "invalid_field", name, _("The cell is not UTF-8."));
        return;
    }
    if (f != NULL && f->kind == PD_KIND_UINT && strspn(text, "0123456789") == size) {
        json_decref(value);
        value = json_integer(strtoll(text, NULL, 10));
    }
    if (dot == NULL) {
        json_object_set_new(r->row, name, value);
        return;
    }
    char map[40];
    snprintf(map, sizeof map, "%.*s", (int)(dot - name), name);
    if (json_object_get(r->row, map) == NULL) json_object_set_new(r->row, map, json_object());
    json_object_set_new(json_object_get(r->row, map), dot + 1, value);
}

static void
take_cell(void *bytes, size_t size, void *context)
{
    struct reading *r = context;
    char           *text = strndup(bytes == NULL ? "" : bytes, size);
    size_t          column = r->column++;

    PD_CHECK(text != NULL);
    if (r->row != NULL) {
        if (size > 0 && column >= r->name_count) problem(r, r->line, "unknown_field", "", _("There are more cells than columns."));
        else if (size > 0) set_cell(r, r->names[column], text, size);
        free(text);
    } else if (column < COLUMNS_MAX) r->names[r->name_count++] = text;
    else free(text);
}

/* The first line names the columns; each other one is a record, unless it is blank. */
static void
take_line(int end, void *context)
{
    struct reading *r = context;

    (void)end;
    if (r->row != NULL && json_object_size(r->row) > 0) add(r, r->line, json_incref(r->row));
    json_decref(r->row);
    r->row = json_object();
    r->column = 0;
}

/* Spreadsheets put what their country does between the columns: the first line shows it. */
static char
find_delimiter(const char *text)
{
    char found = text[strcspn(text, ",;\t\n")];
    return found == ';' || found == '\t' ? found : ',';
}

/* A record's line is the one that it begins on; within quotes it may go on. */
static void
read_csv(struct reading *r, const char *text, size_t size)
{
    struct csv_parser parser;
    int               line = 1;

    PD_CHECK(csv_init(&parser, CSV_APPEND_NULL | CSV_STRICT | CSV_STRICT_FINI) == 0);
    csv_set_delim(&parser, (unsigned char)find_delimiter(text));
    for (size_t at = 0; at < size;) {
        size_t rest = strcspn(text + at, "\n"), step = at + rest < size ? rest + 1 : rest;
        if (r->column == 0) r->line = line;
        line++;
        if (csv_parse(&parser, text + at, step, take_cell, take_line, r) != step) break;
        at += step;
    }
    if (csv_error(&parser) != CSV_SUCCESS || csv_fini(&parser, take_cell, take_line, r) != 0)
        problem(r, r->line, "malformed_message", "", csv_strerror(csv_error(&parser)));
    csv_free(&parser);
    json_decref(r->row);
    for (size_t i = 0; i < r->name_count; i++) free(r->names[i]);
}

/* ---- the file ------------------------------------------------------------------------------------------------------ */

static char *
read_file(const char *path, size_t *ret_size)
{
    FILE  *from = fopen(path, "r");
    char  *text = NULL;
    size_t room = 0;

    if (from == NULL) return NULL;
    *ret_size = 0;
    do {
        text = realloc(text, room = room * 2 + 65536);
        PD_CHECK(text != NULL);
        *ret_size += fread(text + *ret_size, 1, room - *ret_size - 1, from);
    } while (*ret_size == room - 1);
    text[*ret_size] = '\0';
    int error = ferror(from) ? errno : 0;
    fclose(from);
    if (error == 0) return text;
    free(text);
    errno = error;
    return NULL;
}

static bool
is_json(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '{';
}

bool
records_read(const char *path, records_report *report, void *context, struct records *ret_records)
{
    struct reading r = {.records = ret_records, .report = report, .context = context};
    size_t         size, mark;
    char          *text = read_file(path, &size);

    *ret_records = (struct records){NULL, 0, 0};
    if (text == NULL) problem(&r, 0, "unreadable", "", strerror(errno));
    else if (strlen(text) != size) problem(&r, 0, "malformed_message", "", _("There is a byte 0 in the file."));
    else {
        mark = strncmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0 ? strlen(BYTE_ORDER_MARK) : 0;
        if (is_json(text + mark)) read_json_lines(&r, text + mark);
        else read_csv(&r, text + mark, size - mark);
    }
    if (r.problems == 0 && ret_records->count == 0) problem(&r, 0, "missing_field", "", _("There is nothing in the file."));
    free(text);
    return r.problems == 0;
}

void
records_fini(struct records *records)
{
    for (size_t i = 0; i < records->count; i++) json_decref(records->list[i].data);
    free(records->list);
    *records = (struct records){NULL, 0, 0};
}
