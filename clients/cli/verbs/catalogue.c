#include "clients/cli/verbs/catalogue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/cli/cli.h"
#include "clients/lib/json.h"
#include "proto/check.h"

/* The line on which each value of a JSON text starts, in the order of the text. jansson keeps that order and knows no
 * positions, so walking its values and these lines together gives each value its line. */
struct lines {
    int   *line;
    size_t count, next;
};

struct reading {
    catalogue_report *report;
    void             *context;
    json_t           *plans;
    size_t            problems;
    struct lines      lines;
};

static void
problem(struct reading *r, int line, const char *code, const char *field, const char *message)
{
    r->problems++;
    r->report(r->context, line, code, field, message, _(message));
}

/* " One of a, b, c" */
static void
append_choices(char *text, size_t size, const char *lead, const struct pd_enum *choice)
{
    size_t used = strlen(text);
    for (size_t i = 0; i < choice->count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s %s", i == 0 ? " " : ",", i == 0 ? lead : "",
                                 choice->values[i].name);
}

/* In the words the engine would use, and of a choice its names: there are few. */
static void
refused(struct reading *r, int line, const struct pd_block *block, const struct pd_refusal *refusal)
{
    struct mp_writer w = {0};
    char             message[400], said[700];

    pd_encode_refusal(&w, refusal);
    json_t *error = pd_json_from_bytes((struct pd_text){w.data, w.size}, NULL);
    snprintf(message, sizeof message, "%s", json_string_value(json_object_get(error, "message")));
    refusal_sentence(error, said, sizeof said);
    const struct pd_field *f = block == NULL ? NULL : pd_block_field(block, pd_text(refusal->field));
    if (f != NULL && f->choice != NULL) {
        append_choices(message, sizeof message, "One of", f->choice);
        append_choices(said, sizeof said, _("One of"), f->choice);
    }
    r->problems++;
    r->report(r->context, line, json_string_value(json_object_get(error, "code")), refusal->field, message, said);
    json_decref(error);
    mp_writer_fini(&w);
}

/* ---- lines --------------------------------------------------------------------------------------------------------- */

static const char *
skip_string(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++)
        if (*p == '\\') p++;
    return p < end ? p + 1 : end;
}

/* Whether the text that ended before `p` is a key: a colon follows. */
static bool
is_key(const char *p, const char *end)
{
    while (p < end && strchr(" \t\r\n", *p) != NULL) p++;
    return p < end && *p == ':';
}

/* Of a text that has been parsed: nothing is checked again. */
static void
find_lines(struct lines *lines, const char *p, const char *end, int line)
{
    lines->line = calloc((size_t)(end - p) + 1, sizeof *lines->line);
    lines->count = lines->next = 0;
    PD_CHECK(lines->line != NULL);
    while (p < end) {
        if (*p == '"') {
            p = skip_string(p, end);
            if (!is_key(p, end)) lines->line[lines->count++] = line;
        } else if (strchr(" \t\r\n:,]}", *p) != NULL) {
            line += *p++ == '\n';
        } else {
            lines->line[lines->count++] = line;
            if (*p == '{' || *p == '[') p++;
            else
                while (p < end && strchr(" \t\r\n:,]}", *p) == NULL) p++;
        }
    }
}

static int
line_of_next(const struct lines *lines)
{
    return lines->next < lines->count ? lines->line[lines->next] : 0;
}

/* Past a value and all that is in it. */
static void
skip_value(struct lines *lines, const json_t *value)
{
    const char *key;
    json_t     *inner;
    size_t      i;

    lines->next++;
    json_object_foreach ((json_t *)(uintptr_t)value, key, inner) skip_value(lines, inner);
    json_array_foreach (value, i, inner) skip_value(lines, inner);
}

/* ---- judging ------------------------------------------------------------------------------------------------------- */

/* `key` of each earlier element of the array equals this one's. */
static bool
is_repeated(const json_t *array, size_t count, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    for (size_t i = 0; i < count && value != NULL; i++)
        if (json_equal(json_object_get(json_array_get(array, i), key), value)) return true;
    return false;
}

static void
check_missing(struct reading *r, const struct pd_block *block, const json_t *object, const char *implied, int line)
{
    for (size_t i = 0; i < block->field_count; i++) {
        const struct pd_field *f = &block->fields[i];
        if (f->need != PD_REQUIRED || json_object_get(object, f->name) != NULL || strcmp(f->name, implied) == 0) continue;
        struct pd_refusal refusal = pd_refuse_field(PD_E_missing_field, NULL, "%s", f->name);
        refused(r, line, block, &refusal);
    }
}

static void
check_period(struct reading *r, const json_t *periods, size_t at)
{
    const struct pd_block *block = pd_block_put_period();
    const json_t          *period = json_array_get(periods, at);
    int                    line = line_of_next(&r->lines);
    const char            *key;
    json_t                *value;

    if (!json_is_object(period)) {
        skip_value(&r->lines, period);
        problem(r, line, "invalid_field", "periods", N_("Each of periods is an object."));
        return;
    }
    r->lines.next++;
    json_object_foreach ((json_t *)(uintptr_t)period, key, value) {
        struct pd_refusal refusal = pd_refuse_field(PD_E_unknown_field, NULL, "%s", key);
        /* The plan is the one it stands in. */
        if (strcmp(key, "plan") == 0 || !pd_json_check_field(block, key, value, &refusal))
            refused(r, line_of_next(&r->lines), block, &refusal);
        skip_value(&r->lines, value);
    }
    check_missing(r, block, period, "plan", line);
    if (is_repeated(periods, at, period, "period"))
        problem(r, line, "invalid_field", "period", N_("This period stands in the plan twice."));
}

static void
check_periods(struct reading *r, const json_t *periods)
{
    int line = line_of_next(&r->lines);
    if (!json_is_array(periods) || json_array_size(periods) > PD_PERIODS_MAX) {
        skip_value(&r->lines, periods);
        problem(r, line, "invalid_field", "periods", N_("The field periods is an array of at most 64 objects."));
        return;
    }
    r->lines.next++;
    for (size_t i = 0; i < json_array_size(periods); i++) check_period(r, periods, i);
}

static void
check_plan(struct reading *r, json_t *plan)
{
    const struct pd_block *block = pd_block_put_plan();
    int                    line = line_of_next(&r->lines);
    const char            *key;
    json_t                *value;

    if (!json_is_object(plan)) {
        skip_value(&r->lines, plan);
        problem(r, line, "invalid_field", "", N_("A plan is an object."));
        return;
    }
    r->lines.next++;
    json_object_foreach (plan, key, value) {
        struct pd_refusal refusal;
        if (strcmp(key, "periods") == 0) {
            check_periods(r, value);
            continue;
        }
        if (!pd_json_check_field(block, key, value, &refusal)) refused(r, line_of_next(&r->lines), block, &refusal);
        skip_value(&r->lines, value);
    }
    check_missing(r, block, plan, "", line);
    if (is_repeated(r->plans, json_array_size(r->plans), plan, "plan"))
        problem(r, line, "invalid_field", "plan", N_("This plan stands in the file twice."));
    json_array_append(r->plans, plan);
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

static void
check_document(struct reading *r, json_t *document)
{
    json_t     *plans = document, *value;
    const char *key;
    size_t      i;

    if (json_is_object(document)) {
        plans = NULL;
        r->lines.next++;
        json_object_foreach (document, key, value) {
            if (strcmp(key, "plans") == 0 && json_is_array(value)) {
                plans = value;
                r->lines.next++;
                json_array_foreach (plans, i, value) check_plan(r, value);
                continue;
            }
            struct pd_refusal refusal = pd_refuse_field(PD_E_unknown_field, NULL, "%s", key);
            refused(r, line_of_next(&r->lines), NULL, &refusal);
            skip_value(&r->lines, value);
        }
    } else if (json_is_array(document)) {
        r->lines.next++;
        json_array_foreach (document, i, value) check_plan(r, value);
    }
    if (!json_is_array(plans))
        problem(r, 1, "missing_field", "plans", N_("A catalogue is {\"plans\": [...]}, or one plan a line."));
}

/* One JSON text that starts on this line of the file. */
static void
read_text(struct reading *r, const char *text, size_t size, int line, bool whole)
{
    json_error_t error;
    json_t      *value = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);

    if (value == NULL) {
        char message[240];
        snprintf(message, sizeof message, "Not JSON, at column %d: %s", error.column, error.text);
        problem(r, line + error.line - 1, "malformed_message", "", message);
        return;
    }
    find_lines(&r->lines, text, text + size, line);
    if (whole) check_document(r, value);
    else check_plan(r, value);
    free(r->lines.line);
    json_decref(value);
}

/* JSON lines, when the first line that is not blank is an object which names a plan, but not the plans. */
static bool
is_lines(const char *text)
{
    text += strspn(text, " \t\r\n");
    size_t size = strcspn(text, "\n");
    return text[0] == '{' && memmem(text, size, "\"plan\"", 6) != NULL && memmem(text, size, "\"plans\"", 7) == NULL;
}

static void
read_lines(struct reading *r, const char *text)
{
    for (int line = 1; *text != '\0'; line++) {
        size_t size = strcspn(text, "\n");
        if (strspn(text, " \t\r") < size) read_text(r, text, size, line, false);
        text += size + (text[size] == '\n');
    }
}

/* The whole file with a NUL behind it, or NULL; of one that has a byte 0 in it what stands before. */
static char *
read_file(const char *path, bool *ret_zero)
{
    FILE  *from = fopen(path, "r");
    char  *text = NULL;
    size_t room = 0;

    if (from == NULL) return NULL;
    ssize_t size = getdelim(&text, &room, '\0', from);
    *ret_zero = size > 0 && text[size - 1] == '\0';
    if (size < 0 && !ferror(from)) {
        free(text);
        text = strdup("");
    }
    if (ferror(from)) {
        free(text);
        text = NULL;
    }
    fclose(from);
    return text;
}

static int
count_lines(const char *text)
{
    int lines = 1;
    for (; *text != '\0'; text++) lines += *text == '\n';
    return lines;
}

bool
catalogue_read(const char *path, catalogue_report *report, void *context, json_t **ret_plans)
{
    struct reading r = {.report = report, .context = context, .plans = json_array()};
    bool           zero = false;
    char          *text = read_file(path, &zero);

    if (text == NULL) problem(&r, 0, "unreadable", "", strerror(errno));
    else if (zero) problem(&r, count_lines(text), "malformed_message", "", N_("There is a byte 0 in the file."));
    else if (is_lines(text)) read_lines(&r, text);
    else read_text(&r, text, strlen(text), 1, true);
    if (r.problems == 0 && json_array_size(r.plans) == 0)
        problem(&r, 1, "missing_field", "plans", N_("There is no plan in the file."));
    free(text);
    if (r.problems == 0) *ret_plans = json_incref(r.plans);
    json_decref(r.plans);
    return r.problems == 0;
}
