/* schema.c - the schema for people, as JSON, and as a lock of its numbers. */
#include "clients/cli/print/schema.h"

#include <inttypes.h>
#include <strings.h>

#include "clients/cli/cli.h"
#include "proto/roles.h"

static const struct {
    int         number;
    const char *name;
    int         exit_status;
} classes[] = {
#define PD_ERROR_CLASS(number, name, exit_status) {(number), #name, (exit_status)},
#include "proto/errors.def"
};

/* ---- JSON ---------------------------------------------------------------------------------------------------------- */

static void
print_and_drop(json_t *value)
{
    cli_print_json(value);
    json_decref(value);
}

static json_t *
field_json(const struct pd_field *f)
{
    json_t *j = json_pack("{s:s,s:s,s:s,s:s}", "name", f->name, "kind", schema_field_kind(f->kind), "of", schema_of(f),
                          "need", schema_need(f->need));
    if (f->count_max > 0) {
        json_object_set_new(j, "min", json_integer((json_int_t)f->count_min));
        json_object_set_new(j, "max", json_integer((json_int_t)f->count_max));
    }
    json_object_set_new(j, "description", json_string(f->description));
    return j;
}

static void
print_block_json(const struct pd_block *b)
{
    json_t *j =
        json_pack("{s:s,s:i,s:s,s:s}", "kind", schema_block_kind(b), "code", b->code, "name", b->name, "type", b->Name);
    json_t *fields = json_array();

    if (b->kind == PD_BLOCK_command || b->kind == PD_BLOCK_query) {
        json_object_set_new(j, "port", json_string(PD_NAME(port, b->port).data));
        json_object_set_new(j, "role", json_string(PD_NAME(role, b->role).data));
        json_object_set_new(j, "reads", json_boolean(b->kind == PD_BLOCK_query || (b->flags & PD_READS)));
        json_object_set_new(j, "reply", json_string(b->reply()->Name));
        json_object_set_new(j, "english", json_string(b->english));
        json_object_set_new(j, "spanish", json_string(b->spanish));
    }
    if (b->kind == PD_BLOCK_event) json_object_set_new(j, "aggregate", json_string(PD_NAME(aggregate, b->aggregate).data));
    json_object_set_new(j, "description", json_string(b->description));
    for (size_t i = 0; i < b->field_count; i++)
        if (b->fields[i].need != PD_HIDDEN) json_array_append_new(fields, field_json(&b->fields[i]));
    json_object_set_new(j, "fields", fields);
    print_and_drop(j);
}

static void
print_enum_json(const struct pd_enum *e)
{
    json_t *values = json_array();
    for (size_t i = 0; i < e->count; i++)
        json_array_append_new(values,
                              json_pack("{s:i,s:s,s:s,s:s}", "number", e->values[i].number, "name", e->values[i].name,
                                        "english", e->values[i].english, "spanish", e->values[i].spanish));
    print_and_drop(
        json_pack("{s:s,s:s,s:s,s:o}", "kind", "enum", "name", e->name, "description", e->description, "values", values));
}

static void
print_json(void)
{
    size_t                 count;
    const struct pd_type  *t;
    const struct pd_block *b;

    for (size_t i = 0; (t = schema_type_at(i)) != NULL; i++)
        print_and_drop(json_pack("{s:s,s:s,s:s,s:I,s:I,s:s,s:s}", "kind", "type", "name", t->name, "of",
                                 schema_field_kind(t->kind), "min", (json_int_t)t->min, "max",
                                 (json_int_t)(t->max > INT64_MAX ? INT64_MAX : t->max), "form", schema_form(t->form),
                                 "description", t->description));
    const struct pd_enum *const *enums = pd_schema_enums(&count);
    for (size_t i = 0; i < count; i++) print_enum_json(enums[i]);
    for (size_t i = 0; (b = pd_schema_block(i)) != NULL; i++) print_block_json(b);
    const struct pd_error *errors = pd_schema_errors(&count);
    for (size_t i = 0; i < count; i++)
        print_and_drop(json_pack("{s:s,s:i,s:s,s:s,s:i,s:s,s:s,s:s}", "kind", "error", "number", errors[i].number, "code",
                                 errors[i].code, "class", pd_error_class_name(errors[i].class), "exit",
                                 pd_error_class_exit(errors[i].class), "english", errors[i].english, "spanish",
                                 errors[i].spanish, "sentence", errors[i].sentence));
}

/* ---- lock ---------------------------------------------------------------------------------------------------------- */

static void
print_block_lock(const struct pd_block *b)
{
    printf("%s %d %s\n", schema_block_kind(b), b->code, b->Name);
    for (size_t i = 0; i < b->field_count; i++) {
        const struct pd_field *f = &b->fields[i];
        const char            *of = schema_of(f);
        printf("field %s.%s %zu %s %s%s%s %s", schema_block_kind(b), b->Name, i + 1, f->name, schema_field_kind(f->kind),
               of[0] == '\0' ? "" : ":", of, schema_need(f->need));
        if (f->count_max > 0) printf(" %zu-%zu", f->count_min, f->count_max);
        putchar('\n');
    }
}

static void
print_lock(void)
{
    size_t                 count;
    const struct pd_type  *t;
    const struct pd_block *b;

    for (size_t i = 0; (t = schema_type_at(i)) != NULL; i++)
        printf("type %s %s %" PRIu64 "-%" PRIu64 " %s\n", t->name, schema_field_kind(t->kind), t->min, t->max,
               schema_form(t->form));
    const struct pd_enum *const *enums = pd_schema_enums(&count);
    for (size_t i = 0; i < count; i++)
        for (size_t v = 0; v < enums[i]->count; v++)
            printf("enum %s %d %s\n", enums[i]->name, enums[i]->values[v].number, enums[i]->values[v].name);
    for (size_t i = 0; (b = pd_schema_block(i)) != NULL; i++) print_block_lock(b);
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        printf("class %d %s exit %d\n", classes[i].number, classes[i].name, classes[i].exit_status);
    const struct pd_error *errors = pd_schema_errors(&count);
    for (size_t i = 0; i < count; i++)
        printf("error %d %s %s\n", errors[i].number, errors[i].code, pd_error_class_name(errors[i].class));
}

/* ---- roles --------------------------------------------------------------------------------------------------------- */

static const struct {
    const char  *name;
    enum pd_role role;
    bool         of_one; /* a key of one reseller; where both can be, the other is of all */
} columns[] = {
    {"admin", PD_role_admin, false},       {"operator", PD_role_operator, false},  {"operator-of-one", PD_role_operator, true},
    {"reseller", PD_role_reseller, true},  {"customer", PD_role_customer, true},   {"monitor", PD_role_monitor, false},
    {"monitor-of-one", PD_role_monitor, true}, {"worker", PD_role_worker, false},
};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

static int
width(size_t column)
{
    int size = (int)strlen(columns[column].name);
    return size < 8 ? 8 : size;
}

static const char *
cell(const struct pd_block *b, size_t column)
{
    return pd_reach_name(pd_role_reach(columns[column].role, columns[column].of_one, b));
}

static void
print_roles_json(const struct pd_block *b)
{
    json_t *cells = json_object();
    for (size_t c = 0; c < COLUMNS; c++) json_object_set_new(cells, columns[c].name, json_string(cell(b, c)));
    print_and_drop(json_pack("{s:s,s:o}", "message", b->Name, "roles", cells));
}

static void
print_roles(bool json)
{
    const struct pd_block *b;

    if (!json) printf("%-24s", "MESSAGE");
    for (size_t c = 0; c < COLUMNS && !json; c++) printf(" %-*s", width(c), columns[c].name);
    if (!json) putchar('\n');
    for (size_t i = 0; (b = pd_schema_block(i)) != NULL; i++) {
        if ((b->kind != PD_BLOCK_command && b->kind != PD_BLOCK_query) || b->port == PD_port_engine) continue;
        if (json) print_roles_json(b);
        else {
            printf("%-24s", b->Name);
            for (size_t c = 0; c < COLUMNS; c++) printf(" %-*s", width(c), cell(b, c));
            putchar('\n');
        }
    }
    if (!json)
        fputs("\nall: anybody's things; reseller: its reseller's; customer: its one customer's; worker: what workers of its name\n"
              "have; none: it may not. To a key of one reseller another's things are as those that there are not.\n", stdout);
}

/* ---- for people ---------------------------------------------------------------------------------------------------- */

static void
print_kind(enum pd_block_kind kind, const char *title)
{
    const struct pd_block *b;
    printf("%s:\n", title);
    for (size_t i = 0; (b = pd_schema_block(i)) != NULL; i++)
        if (b->kind == kind) printf("  %-24s %s\n", b->Name, b->description);
    putchar('\n');
}

static void
print_block(const struct pd_block *b)
{
    printf("%s (%s): %s\n\n", b->Name, schema_block_kind(b), b->description);
    for (size_t i = 0; i < b->field_count; i++) {
        const struct pd_field *f = &b->fields[i];
        char                   type[80];
        const char            *of = schema_of(f);
        if (f->need == PD_HIDDEN) continue;
        bool plain =
            f->kind == PD_KIND_TEXT || f->kind == PD_KIND_UINT || f->kind == PD_KIND_FLAG || f->kind == PD_KIND_DOMAIN;
        if (plain) snprintf(type, sizeof type, "%s", of);
        else snprintf(type, sizeof type, "%s%s%s", schema_field_kind(f->kind), of[0] == '\0' ? "" : " of ", of);
        printf("  %-16s %-24s %-9s %s\n", f->name, type, schema_need(f->need), f->description);
    }
    if (b->reply != NULL) printf("\nAnswered by %s; `pedido schema %s` shows it.\n", b->reply()->Name, b->reply()->Name);
}

static int
print_one(struct cli *cli, const char *name)
{
    struct nearest         n = {.wanted = name};
    const struct pd_block *b;
    bool                   found = false;

    /* An event and a row may have the same name, as `order` is a row and part of others. What a worker is sent, `Assignment`, is
     * described by a block of small letters. */
    for (size_t i = 0; (b = pd_schema_block(i)) != NULL; i++) {
        nearest_offer(&n, b->Name, SIZE_MAX);
        if (strcasecmp(b->Name, name) != 0 && strcasecmp(b->name, name) != 0) continue;
        found = true;
        if (args_has(cli, "json")) print_block_json(b);
        else print_block(b);
    }
    if (found) return STATUS_OK;
    if (nearest_best(&n) == NULL) return cli_usage(cli, "there is no message %s; `pedido schema` lists them", name);
    return cli_usage(cli, "there is no message %s; did you mean %s?", name, nearest_best(&n));
}

int
run_schema(struct cli *cli)
{
    if (cli->word_count > 0) return print_one(cli, cli->words[0]);
    if (args_has(cli, "lock")) print_lock();
    else if (args_has(cli, "roles")) print_roles(args_has(cli, "json"));
    else if (args_has(cli, "markdown")) markdown_print();
    else if (args_has(cli, "texts")) texts_print();
    else if (args_has(cli, "json")) print_json();
    else {
        print_kind(PD_BLOCK_command, "Commands");
        print_kind(PD_BLOCK_query, "Queries");
        print_kind(PD_BLOCK_event, "Events");
        fputs("`pedido schema TYPE` shows the fields of one.\n", stdout);
    }
    return STATUS_OK;
}
