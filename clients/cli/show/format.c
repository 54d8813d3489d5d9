#include "clients/cli/show/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "clients/cli/lang.h"
#include "clients/cli/show/money.h"
#include "clients/lib/time.h"
#include "proto/check.h"

static char *
copy(const char *text)
{
    char *s = strdup(text == NULL ? "" : text);
    PD_CHECK(s != NULL);
    return s;
}

void
format_label(const char *name, char *ret_label, size_t size)
{
    static const char *const units[] = {"_ms", "_s"}; /* they stand behind the value */
    size_t                   length = strlen(name);

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        size_t unit = strlen(units[i]);
        if (length > unit && strcmp(name + length - unit, units[i]) == 0) {
            length -= unit;
            break;
        }
    }
    snprintf(ret_label, size, "%.*s", (int)length, name);
    for (char *p = ret_label; *p != '\0'; p++)
        if (*p == '_') *p = ' ';
    const char *translated = lang_label(ret_label);
    if (translated != ret_label) snprintf(ret_label, size, "%s", translated);
}

char *
format_time(const char *text)
{
    pd_time_us time;
    struct tm  tm = {0};
    char       local[64];

    if (text == NULL || !pd_time_from_text(text, &time)) return copy(text);
    time_t seconds = (time_t)(time / 1000000);
    localtime_r(&seconds, &tm);
    strftime(local, sizeof local, "%Y-%m-%d %H:%M:%S %Z", &tm);
    return copy(local);
}

char *
format_period(const char *period)
{
    char        text[64], unit = 0;
    unsigned    count = 0;
    const char *words = NULL;

    if (period == NULL || sscanf(period, "%4u%c", &count, &unit) != 2) return copy(period);
    if (unit == 'd') words = ngettext("%u day", "%u days", count);
    if (unit == 'm') words = ngettext("%u month", "%u months", count);
    if (unit == 'y') words = ngettext("%u year", "%u years", count);
    if (words == NULL) return copy(period);
    snprintf(text, sizeof text, words, count);
    return copy(text);
}

/* Texts, or a map's pairs, with commas between them. */
static char *
format_several(const json_t *value)
{
    char       *line = NULL;
    size_t      size, i;
    FILE       *to = open_memstream(&line, &size);
    const char *key;
    json_t     *one;

    PD_CHECK(to != NULL);
    if (json_is_array(value)) {
        json_array_foreach (value, i, one)
            if (json_is_integer(one)) fprintf(to, "%s%" JSON_INTEGER_FORMAT, i > 0 ? ", " : "", json_integer_value(one));
            else fprintf(to, "%s%s", i > 0 ? ", " : "", json_is_string(one) ? json_string_value(one) : "");
    } else {
        bool first = true;
        json_object_foreach ((json_t *)(uintptr_t)value, key, one) {
            fprintf(to, "%s%s=%s", first ? "" : ", ", key, json_is_string(one) ? json_string_value(one) : "");
            first = false;
        }
    }
    fclose(to);
    return line;
}

char *
format_count(size_t count)
{
    char text[24];
    snprintf(text, sizeof text, "%zu", count);
    return copy(text);
}

/* What the engine itself gives as a reason; what people and workers give stands as they have written it. */
static const char *const own_reasons[] = {
    N_("the worker is gone"),
    N_("given back by the worker"),
    N_("to be tried at once"),
    N_("taken from its worker"),
    N_("the task's deadline has passed"),
    N_("something could not be removed"),
    N_("not provisioned"),
    N_("expired"),
};

const char *
format_reason(const char *reason)
{
    const struct pd_error *e = reason == NULL ? NULL : pd_schema_error_named(pd_text(reason));

    for (size_t i = 0; reason != NULL && i < sizeof own_reasons / sizeof own_reasons[0]; i++)
        if (strcmp(own_reasons[i], reason) == 0) return _(reason);
    return e != NULL ? lang_pick(e->english, e->spanish) : reason == NULL ? "" : reason;
}

/* What an item waits for, and whom or what that is about. */
static void
print_wait(FILE *to, enum pd_waits_for waits_for, const json_t *item)
{
    const struct pd_value *v = &pd_enum_waits_for()->values[waits_for - 1];
    const char            *worker = json_string_value(json_object_get(item, "worker")),
               *group = json_string_value(json_object_get(item, "worker_group"));
    char *next_try = format_time(json_string_value(json_object_get(item, "next_try")));

    fputs(lang_pick(v->english, v->spanish), to);
    if (waits_for == PD_waits_for_next_try) fprintf(to, ": %s", next_try);
    else if (waits_for == PD_waits_for_worker_to_stop && worker != NULL) fprintf(to, ": %s", worker);
    else if (group != NULL) fprintf(to, ": %s", group);
    free(next_try);
}

/* "No worker for the group: hosting, since 10:42:03", "w1, 40 %, copying files, since ...", "no room" */
char *
format_waiting(const json_t *item)
{
    const char *name = json_string_value(json_object_get(item, "waits_for")),
               *worker = json_string_value(json_object_get(item, "worker")),
               *message = json_string_value(json_object_get(item, "message")),
               *since = json_string_value(json_object_get(item, "since"));
    int    number = name == NULL ? 0 : pd_enum_number(pd_enum_waits_for(), pd_text(name));
    bool   leased = number == PD_waits_for_worker, failed = number == 0 || number == PD_waits_for_next_try;
    const char *state = json_string_value(json_object_get(item, "state"));
    bool        done = state != NULL && strcmp(state, "completed") == 0;
    char  *line = NULL;
    size_t size;
    FILE  *to = open_memstream(&line, &size);

    PD_CHECK(to != NULL);
    if (leased && worker != NULL)
        fprintf(to, "%s, %" JSON_INTEGER_FORMAT " %%", worker, json_integer_value(json_object_get(item, "progress")));
    else if (number > 0) print_wait(to, (enum pd_waits_for)number, item);
    if (message != NULL && !done && (leased || failed)) fprintf(to, "%s%s", number > 0 ? ", " : "", message);
    if (number > 0) {
        char *from = format_time(since), *until = format_time(json_string_value(json_object_get(item, "deadline")));
        if (from[0] != '\0') fprintf(to, _(", since %s"), from);
        if (until[0] != '\0') fprintf(to, _(", its time runs out at %s"), until);
        free(from);
        free(until);
    }
    fclose(to);
    return line;
}

static char *
format_number(const struct pd_field *f, const json_t *value, const char *currency)
{
    const char *type = f->type->name, *unit = "";
    char        text[MONEY_TEXT_SIZE];

    if (strcmp(type, "time") == 0) return format_time(json_string_value(value));
    if (strcmp(type, "percent") == 0) unit = " %";
    if (strcmp(type, "seconds") == 0) unit = " s";
    if (strcmp(type, "milliseconds") == 0) unit = " ms";
    if (strcmp(type, "amount") == 0) money_to_text(json_integer_value(value), currency, text);
    else snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT "%s", json_integer_value(value), unit);
    return copy(text);
}

static char *
format_choice(const struct pd_field *f, const json_t *value)
{
    const char *name = json_string_value(value);
    int         number = name == NULL ? 0 : pd_enum_number(f->choice, pd_text(name));
    if (number == 0) return copy(name);
    const struct pd_value *v = &f->choice->values[number - 1];
    return copy(lang_pick(v->english, v->spanish));
}

char *
format_field(const struct pd_field *f, const json_t *object, const char *currency)
{
    const json_t *value = json_object_get(object, f->name);

    /* The name as people read it stands beside the one that machines use. */
    if (strcmp(f->name, "domain") == 0 && json_object_get(object, "domain_unicode") != NULL)
        value = json_object_get(object, "domain_unicode");
    if (f->kind == PD_KIND_FLAG) return copy(json_is_true(value) ? _("yes") : _("no"));
    if (value == NULL || json_is_null(value)) return copy("");
    switch (f->kind) {
    case PD_KIND_UINT: return format_number(f, value, currency);
    case PD_KIND_CHOICE: return format_choice(f, value);
    case PD_KIND_TEXTS:
    case PD_KIND_MAP: return format_several(value);
    case PD_KIND_RAW: return format_event(json_string_value(json_object_get(object, "type")), value);
    default: break;
    }
    bool reason = strcmp(f->name, "reason") == 0 || strcmp(f->name, "message") == 0;
    return copy(reason ? format_reason(json_string_value(value)) : json_string_value(value));
}

/* What a line about an event leaves out: its state is said first, what it belongs to stands beside it, and the rest is of
 * no use to the eye. */
static bool
is_minor_detail(const struct pd_block *event, const char *name)
{
    static const char *const names[] = {"state",    "previous_state", "reference",    "setup_total", "recurring_total",
                                        "currency", "type",           "provisioning", "worker_group"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], name) == 0) return true;
    if (event->aggregate == PD_aggregate_task && (strcmp(name, "order") == 0 || strcmp(name, "item") == 0)) return true;
    return pd_text_equal(PD_NAME(aggregate, event->aggregate), pd_text(name));
}

const char *
format_state(const char *name)
{
    int number = name == NULL ? 0 : pd_enum_number(pd_enum_order_state(), pd_text(name));
    if (number == 0) return name == NULL ? "" : name;
    return lang_pick(pd_enum_order_state()->values[number - 1].english, pd_enum_order_state()->values[number - 1].spanish);
}

/* Lines beside each other; of what a script has printed only the last, the others are shown with the task. */
static char *
format_lines(const struct pd_field *f, char *text)
{
    size_t size = strlen(text);

    while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == ' ')) text[--size] = '\0';
    char *last = strrchr(text, '\n');
    if (last != NULL && strcmp(f->name, "output") == 0) memmove(text, last + 1, strlen(last));
    for (char *p = text; *p != '\0'; p++)
        if (*p == '\n' || *p == '\t') *p = ' ';
    return text;
}

/* The instances that an end leaves behind. */
static char *
format_orphans(const json_t *orphans)
{
    json_t *names = json_array(), *orphan;
    size_t  i;

    json_array_foreach (orphans, i, orphan) json_array_append(names, json_object_get(orphan, "instance"));
    char *line = format_several(names);
    json_decref(names);
    return line;
}

char *
format_event(const char *type, const json_t *data)
{
    const struct pd_block *block = type == NULL ? NULL : pd_schema_find(PD_BLOCK_event, pd_text(type));
    const char            *before = json_string_value(json_object_get(data, "previous_state")),
               *state = json_string_value(json_object_get(data, "state"));
    char  *line = NULL;
    size_t size;
    FILE  *to = open_memstream(&line, &size);

    PD_CHECK(to != NULL);
    if (state != NULL && before != NULL && strcmp(before, state) != 0)
        fprintf(to, "%s -> %s", format_state(before), format_state(state));
    else if (state != NULL && before == NULL) fputs(format_state(state), to);
    for (size_t i = 0; block != NULL && i < block->field_count; i++) {
        const struct pd_field *f = &block->fields[i];
        char                   label[48];
        bool                   orphans = strcmp(f->name, "orphans") == 0;
        bool                   nested = f->kind == PD_KIND_LIST || f->kind == PD_KIND_STRUCT;
        if (is_minor_detail(block, f->name) || (nested && !orphans) || json_object_get(data, f->name) == NULL) continue;
        char *value = orphans ? format_orphans(json_object_get(data, f->name))
                              : format_lines(f, format_field(f, data, json_string_value(json_object_get(data, "currency"))));
        format_label(f->name, label, sizeof label);
        if (value[0] != '\0') fprintf(to, "%s%s %s", ftell(to) > 0 ? ", " : "", label, value);
        free(value);
    }
    fclose(to);
    return line;
}
