/* fields.c - words and options to a message's fields, typed by the descriptor. Whether a value is acceptable is for the
 * engine to say; here it only has to be a number where a number is meant. */
#include "clients/cli/cli.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "clients/cli/show/money.h"
#include "clients/lib/time.h"

/* The place a value came from, as the user wrote it: "--quantity" or "quantity". */
struct source {
    const struct cli *cli;
    const char       *name;
};

static int
read_json(const struct source *from, const char *text, json_t **ret_value)
{
    json_error_t error;
    *ret_value = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    if (*ret_value != NULL) return STATUS_OK;
    return cli_usage(from->cli, "%s: not JSON at column %d: %s", from->name, error.column, error.text);
}

static int
read_whole(const struct source *from, const char *text, json_t **ret_value)
{
    char     *end;
    long long value = strtoll(text, &end, 10);
    if (text[0] == '\0' || text[0] == ' ' || *end != '\0' || value == LLONG_MAX || value == LLONG_MIN)
        return cli_usage(from->cli, "%s: `%s` is not a whole number", from->name, text);
    *ret_value = json_integer(value);
    return STATUS_OK;
}

static int
read_flag(const struct source *from, const char *text, json_t **ret_value)
{
    bool yes = strcmp(text, "true") == 0 || strcmp(text, "yes") == 0;
    if (!yes && strcmp(text, "false") != 0 && strcmp(text, "no") != 0)
        return cli_usage(from->cli, "%s: `%s` is neither true nor false", from->name, text);
    *ret_value = json_boolean(yes);
    return STATUS_OK;
}

int
fields_time(const struct cli *cli, const char *name, const char *text, pd_time_us *ret_time)
{
    static const char units[] = "smhd";
    static const long seconds[] = {1, 60, 3600, 86400};
    char              whole[PD_TIME_TEXT_SIZE], *end;
    struct timespec   now;
    pd_time_us        time = 0;
    bool              later = text[0] == '+';
    long              count = strtol(text + later, &end, 10);
    const char       *unit = *end == '\0' ? NULL : strchr(units, *end);

    clock_gettime(CLOCK_REALTIME, &now);
    if (unit != NULL && end[1] == '\0' && end > text + later && count >= 0 && count < 100000) {
        time = (pd_time_us)now.tv_sec * 1000000;
        pd_time_us distance = (pd_time_us)count * (pd_time_us)seconds[unit - units] * 1000000;
        *ret_time = later ? time + distance : time > distance ? time - distance : 0;
        return STATUS_OK;
    }
    if (strpbrk(text, "-:") == NULL && args_number(text, ret_time)) return STATUS_OK; /* microseconds */
    bool date = strlen(text) == strlen("2026-01-31") && strchr(text, ':') == NULL;
    snprintf(whole, sizeof whole, "%s%s", text, date ? "T00:00:00Z" : "");
    if (strlen(text) > 40 || !pd_time_from_text(whole, &time))
        return cli_usage(cli, "%s: `%s` is no time; 2026-01-31, 2026-01-31T09:00:00Z, or 12h for twelve hours ago", name, text);
    *ret_time = time;
    return STATUS_OK;
}

static int
read_time(const struct source *from, const char *text, json_t **ret_value)
{
    pd_time_us time = 0;
    int        status = fields_time(from->cli, from->name, text, &time);

    *ret_value = json_integer((json_int_t)time);
    return status;
}

static int
read_value(const struct source *from, const struct pd_field *f, const char *text, json_t **ret_value)
{
    switch (f->kind) {
    case PD_KIND_UINT:
        if (strcmp(f->type->name, "time") == 0) return read_time(from, text, ret_value);
        return read_whole(from, text, ret_value);
    case PD_KIND_FLAG: return read_flag(from, text, ret_value);
    case PD_KIND_TEXT:
    case PD_KIND_DOMAIN:
    case PD_KIND_CHOICE: break;
    case PD_KIND_TEXTS:
        if (text[0] == '[') return read_json(from, text, ret_value);
        *ret_value = json_pack("[s]", text);
        return *ret_value != NULL ? STATUS_OK : cli_usage(from->cli, "%s: the value is not UTF-8", from->name);
    default: return read_json(from, text, ret_value);
    }
    *ret_value = json_string(text);
    return *ret_value != NULL ? STATUS_OK : cli_usage(from->cli, "%s: the value is not UTF-8", from->name);
}

int
fields_order(const struct cli *cli, const char *text, json_t *data)
{
    uint64_t number;
    json_t  *reference;

    if (strncmp(text, "ref:", 4) == 0) {
        reference = json_string(text + 4);
        if (reference == NULL) return cli_usage(cli, "the reference is not UTF-8");
        json_object_set_new(data, "reference", reference);
        return STATUS_OK;
    }
    if (!args_number(text, &number))
        return cli_usage(cli, "ORDER is an order's number, or ref:REFERENCE; `%s` is neither", text);
    json_object_set_new(data, "order", json_integer((json_int_t)number));
    return STATUS_OK;
}

/* ---- verbs --------------------------------------------------------------------------------------------------------- */

static int
read_words(struct cli *cli, const struct pd_block *block, json_t *data)
{
    char name[40];
    bool optional;

    for (size_t i = 0; i < cli->word_count && options_argument(cli->verb->arguments, i, name, sizeof name, &optional); i++) {
        const struct pd_field *f = pd_block_field(block, pd_text(name));
        struct source          from = {cli, name};
        json_t                *value;
        int                    status = strcmp(name, "order") == 0 ? fields_order(cli, cli->words[i], data)
                                                                   : read_value(&from, f, cli->words[i], &value);
        if (status != STATUS_OK) return status;
        if (strcmp(name, "order") != 0) json_object_set_new(data, name, value);
    }
    return STATUS_OK;
}

static const char *
currency_of(const struct cli *cli)
{
    const char *given = args_value(cli, "currency");
    return given != NULL ? given : cli->currency[0] != '\0' ? cli->currency : NULL;
}

static int
read_amount(const struct source *from, const char *text, json_t **ret_value)
{
    const char *currency = currency_of(from->cli);
    int64_t     minor;

    if (currency == NULL)
        return cli_usage(from->cli, "%s: --currency is missing, so its decimals are not known", from->name);
    if (!money_from_text(text, currency, &minor))
        return cli_usage(from->cli, "%s: `%s` is no amount in %s, such as %s", from->name, text, currency,
                         money_decimals(currency) == 0 ? "990" : money_decimals(currency) == 3 ? "9.900" : "9.90");
    *ret_value = json_integer(minor);
    return STATUS_OK;
}

/* --param key=value */
static int
read_pair(const struct source *from, const char *text, json_t *object, const char *field)
{
    const char *equals = strchr(text, '=');
    json_t     *map = json_object_get(object, field), *value;

    if (equals == NULL || equals == text)
        return cli_usage(from->cli, "%s: KEY=VALUE is expected, not `%s`", from->name, text);
    if (map == NULL) {
        map = json_object();
        json_object_set_new(object, field, map);
    }
    char *key = strndup(text, (size_t)(equals - text));
    value = json_string(equals + 1);
    int failed = key == NULL || value == NULL || json_object_set_new(map, key, value) != 0;
    free(key);
    return failed ? cli_usage(from->cli, "%s: the value is not UTF-8", from->name) : STATUS_OK;
}

/* The element an option of an element belongs to: its first field starts a new one. */
static int
element_for(struct cli *cli, const struct pd_block *block, const struct option *o, json_t *data, json_t **ret_element)
{
    for (size_t i = 0; i < block->field_count; i++) {
        const struct pd_field *list = &block->fields[i];
        if (list->kind != PD_KIND_LIST) continue;
        json_t *elements = json_object_get(data, list->name);
        if (elements == NULL) {
            elements = json_array();
            json_object_set_new(data, list->name, elements);
        }
        const struct pd_field *first = &list->block()->fields[0];
        if (o->field == first) json_array_append_new(elements, json_object());
        *ret_element = json_array_get(elements, json_array_size(elements) - 1);
        if (*ret_element == NULL) return cli_usage(cli, "--%s stands before any --%s", o->name, first->name);
    }
    return STATUS_OK;
}

static int
read_choice(const struct source *from, const struct pd_field *f, const char *text, json_t **ret_value)
{
    char   names[200] = "";
    size_t size = 0;

    if (pd_enum_number(f->choice, pd_text(text)) != 0) {
        *ret_value = json_string(text);
        return STATUS_OK;
    }
    for (size_t i = 0; i < f->choice->count && size < sizeof names; i++)
        size += (size_t)snprintf(names + size, sizeof names - size, "%s%s", i > 0 ? ", " : "", f->choice->values[i].name);
    return cli_usage(from->cli, "%s: `%s` is none of %s", from->name, text, names);
}

int
fields_option(struct cli *cli, const struct pd_block *block, const struct given *given, json_t *data)
{
    const struct option *o = given->option;
    char                 name[48];
    struct source        from = {cli, name};
    json_t              *object = data, *value = NULL;
    int                  status = STATUS_OK;

    snprintf(name, sizeof name, "--%s", o->name);
    if (o->element) status = element_for(cli, block, o, data, &object);
    if (status != STATUS_OK) return status;
    if (strcmp(o->field->name, "order") == 0 && pd_block_field(block, PD_TEXT("reference")) != NULL)
        return fields_order(cli, given->value, data);
    if (o->field->kind == PD_KIND_MAP && given->value[0] != '{')
        return read_pair(&from, given->value, object, o->field->name);
    if (o->field->kind == PD_KIND_FLAG)
        status = read_flag(&from, o->negated ? "false" : given->value == NULL ? "true" : given->value, &value);
    else if (o->field->type != NULL && strcmp(o->field->type->name, "amount") == 0 && !o->minor)
        status = read_amount(&from, given->value, &value);
    else if (o->field->kind == PD_KIND_CHOICE) status = read_choice(&from, o->field, given->value, &value);
    else status = read_value(&from, o->field, given->value, &value);
    if (status == STATUS_OK) json_object_set_new(object, o->field->name, value);
    else json_decref(value);
    return status;
}

/* What a person would have to type for each plan alike: required flags are true unless --no-. */
int
fields_complete(struct cli *cli, const struct pd_block *block, json_t *data)
{
    for (size_t i = 0; i < block->field_count; i++) {
        const struct pd_field *f = &block->fields[i];
        if (f->need != PD_REQUIRED || json_object_get(data, f->name) != NULL) continue;
        if (f->kind == PD_KIND_FLAG) json_object_set_new(data, f->name, json_true());
        else if (f->kind == PD_KIND_LIST) return cli_usage(cli, "--%s is missing", f->block()->fields[0].name);
        else {
            char name[40];
            snprintf(name, sizeof name, "%s", f->name);
            for (char *p = name; *p != '\0'; p++)
                if (*p == '_') *p = '-';
            return cli_usage(cli, "--%s is missing: %s", name, _(f->description));
        }
    }
    return STATUS_OK;
}

int
fields_given(struct cli *cli, const struct pd_block *block, json_t **ret_data)
{
    json_t *data = json_object();
    int     status = read_words(cli, block, data);
    json_t *words = json_copy(data);

    for (size_t i = 0; i < cli->given_count && status == STATUS_OK; i++) {
        const struct option *o = cli->given[i].option;
        if (o->field == NULL) continue;
        bool twice = !o->element && json_object_get(words, o->field->name) != NULL;
        status = twice ? cli_usage(cli, "--%s is given twice: its value stands as an argument too", o->name)
                       : fields_option(cli, block, &cli->given[i], data);
    }
    if (status == STATUS_OK) *ret_data = data;
    else json_decref(data);
    json_decref(words);
    return status;
}

int
fields_collect(struct cli *cli, const struct pd_block *block, json_t **ret_data)
{
    int status = fields_given(cli, block, ret_data);
    if (status != STATUS_OK) return status;
    status = fields_complete(cli, block, *ret_data);
    if (status != STATUS_OK) json_decref(*ret_data);
    return status;
}

/* ---- pedido send --------------------------------------------------------------------------------------------------- */

static int
no_such_field(struct cli *cli, const struct pd_block *block, const char *name)
{
    struct nearest n = {.wanted = name};
    for (size_t i = 0; i < block->field_count; i++) nearest_offer(&n, block->fields[i].name, SIZE_MAX);
    if (nearest_best(&n) == NULL) return cli_usage(cli, "%s has no field %s", block->Name, name);
    return cli_usage(cli, "%s has no field %s; did you mean %s?", block->Name, name, nearest_best(&n));
}

/* field=value, typed by the descriptor, or field:=JSON, which takes any name and type. */
static int
read_assignment(struct cli *cli, const struct pd_block *block, const char *word, json_t *data)
{
    size_t        size = strcspn(word, "=");
    bool          raw = size > 0 && word[size] == '=' && word[size - 1] == ':';
    char          name[64];
    struct source from = {cli, name};
    json_t       *value;
    const char   *text = word + size + 1;

    if (word[size] != '=' || size == raw) return cli_usage(cli, "`%s`: FIELD=VALUE is expected", word);
    snprintf(name, sizeof name, "%.*s", (int)(size - raw), word);
    const struct pd_field *f = pd_block_field(block, pd_text(name));
    if (f == NULL && !raw) return no_such_field(cli, block, name);
    int status = raw ? read_json(&from, text, &value) : read_value(&from, f, text, &value);
    if (status == STATUS_OK && json_object_set_new(data, name, value) != 0)
        status = cli_usage(cli, "`%s` is not UTF-8", name);
    return status;
}

int
fields_send(struct cli *cli, const struct pd_block *block, json_t **ret_data)
{
    const char   *given = args_value(cli, "data");
    struct source from = {cli, "--data"};
    json_t       *data = NULL;
    int           status = STATUS_OK;

    if (given != NULL) status = read_json(&from, given, &data);
    else data = json_object();
    if (status == STATUS_OK && !json_is_object(data)) status = cli_usage(cli, "--data: a JSON object is expected");
    for (size_t i = 1; i < cli->word_count && status == STATUS_OK; i++)
        status = read_assignment(cli, block, cli->words[i], data);
    if (status == STATUS_OK) *ret_data = data;
    else json_decref(data);
    return status;
}
