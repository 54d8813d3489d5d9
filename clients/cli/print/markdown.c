/* markdown.c - MESSAGES.md: every message, its fields, types and refusals. */
#include "clients/cli/cli.h"
#include "clients/cli/print/schema.h"

/* A bar would end a table's cell. */
static void
print_cell(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|') putchar('\\');
        putchar(*text);
    }
}

static void
print_type(const struct pd_field *f)
{
    switch (f->kind) {
    case PD_KIND_CHOICE: printf("one of [%s](#%s)", f->choice->name, f->choice->name); return;
    case PD_KIND_LIST:
        printf("%zu-%zu of [%s](#%s)", f->count_min, f->count_max, f->block()->Name, f->block()->Name);
        return;
    case PD_KIND_STRUCT: printf("[%s](#%s)", f->block()->Name, f->block()->Name); return;
    case PD_KIND_TEXTS: printf("%zu-%zu of %s", f->count_min, f->count_max, f->type->name); return;
    case PD_KIND_MAP: printf("map of texts by texts, at most %zu", f->count_max); return;
    case PD_KIND_RAW: fputs("map", stdout); return;
    default: fputs(f->type->name, stdout); return;
    }
}

/* In answers and events such a list or map stands there all the same; a request may leave it out. */
static bool
may_be_empty(const struct pd_field *f)
{
    return f->kind == PD_KIND_MAP || ((f->kind == PD_KIND_LIST || f->kind == PD_KIND_TEXTS) && f->count_min == 0);
}

static void
print_fields(const struct pd_block *b)
{
    size_t shown = 0;
    for (size_t i = 0; i < b->field_count; i++) {
        const struct pd_field *f = &b->fields[i];
        if (f->need == PD_HIDDEN) continue;
        if (shown++ == 0) fputs("| field | type | | |\n|---|---|---|---|\n", stdout);
        printf("| `%s` | ", f->name);
        print_type(f);
        printf(" | %s | ", may_be_empty(f) ? "may be empty" : schema_need(f->need));
        print_cell(f->description);
        fputs(" |\n", stdout);
    }
    fputs(shown == 0 ? "No fields.\n\n" : "\n", stdout);
}

static void
print_blocks(enum pd_block_kind kind, const char *title)
{
    const struct pd_block *b;
    printf("## %s\n\n", title);
    for (size_t i = 0; (b = pd_schema_block(i)) != NULL; i++) {
        if (b->kind != kind) continue;
        printf("### %s\n", b->Name);
        if (kind == PD_BLOCK_command && b->port == PD_port_engine) fputs("Sent by the engine alone. ", stdout);
        fputs(b->description, stdout);
        if (b->reply != NULL && b->reply()->field_count > 0)
            printf(" Answered by [%s](#%s).", b->reply()->Name, b->reply()->Name);
        if (kind == PD_BLOCK_command) printf(" Port: %s.", PD_NAME(port, b->port).data);
        if (kind == PD_BLOCK_event) printf(" Topic kind: %s.", PD_NAME(aggregate, b->aggregate).data);
        fputs("\n\n", stdout);
        print_fields(b);
    }
}

static void
print_types(void)
{
    const struct pd_type *t;
    fputs("## Types\n\n| type | |\n|---|---|\n", stdout);
    for (size_t i = 0; (t = schema_type_at(i)) != NULL; i++) {
        printf("| %s | ", t->name);
        print_cell(t->description);
        fputs(" |\n", stdout);
    }
    putchar('\n');
}

static void
print_enums(void)
{
    size_t                       count;
    const struct pd_enum *const *enums = pd_schema_enums(&count);

    fputs("## Enumerations\n\n", stdout);
    for (size_t i = 0; i < count; i++) {
        printf("### %s\n%s\n\n| value | English | Spanish |\n|---|---|---|\n", enums[i]->name, enums[i]->description);
        for (size_t v = 0; v < enums[i]->count; v++)
            printf("| `%s` | %s | %s |\n", enums[i]->values[v].name, enums[i]->values[v].english,
                   enums[i]->values[v].spanish);
        putchar('\n');
    }
}

static void
print_errors(void)
{
    size_t                 count;
    const struct pd_error *errors = pd_schema_errors(&count);

    fputs("## Refusals\n\n| code | class | exit | sentence |\n|---|---|---|---|\n", stdout);
    for (size_t i = 0; i < count; i++) {
        printf("| `%s` | %s | %d | ", errors[i].code, pd_error_class_name(errors[i].class),
               pd_error_class_exit(errors[i].class));
        print_cell(errors[i].sentence);
        fputs(" |\n", stdout);
    }
}

void
markdown_print(void)
{
    fputs("# Messages\n\nPrinted by `pedido schema --markdown`; do not edit. How they are sent stands in "
          "[README.md](README.md).\n\nWhat is optional "
          "may be absent, and an optional flag that is false is. A list or map that may be empty stands in every answer and\n"
          "event, as `[]` or `{}`; a request may leave it out.\n\n",
          stdout);
    print_blocks(PD_BLOCK_command, "Commands");
    print_blocks(PD_BLOCK_query, "Queries");
    print_blocks(PD_BLOCK_event, "Events");
    print_blocks(PD_BLOCK_reply, "Answers");
    print_blocks(PD_BLOCK_row, "Rows");
    print_blocks(PD_BLOCK_part, "Parts");
    print_types();
    print_enums();
    print_errors();
}
