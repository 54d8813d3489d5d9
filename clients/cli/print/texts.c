/* texts.c - what stands in the tables and is shown to people, as a gettext template: po/es.po translates it. */
#include "clients/cli/cli.h"

#include <stdio.h>

#include "clients/cli/print/schema.h"
#include "clients/cli/show/format.h"

static void
print_quoted(const char *key, const char *text)
{
    printf("%s \"", key);
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\') putchar('\\');
        putchar(*p);
    }
    printf("\"\n");
}

static void
print_text(const char *context, const char *text)
{
    if (text[0] == '\0') return;
    putchar('\n');
    if (context != NULL) print_quoted("msgctxt", context);
    print_quoted("msgid", text);
    printf("msgstr \"\"\n");
}

/* What help says: of the messages that are sent, and of the parts they are made of. */
static void
print_descriptions(const struct pd_block *b)
{
    if (b->kind != PD_BLOCK_command && b->kind != PD_BLOCK_query) return;
    if (b->port == PD_port_engine || b->port == PD_port_workers) return;
    print_text(NULL, b->description);
    for (size_t i = 0; i < b->field_count; i++) {
        const struct pd_field *f = &b->fields[i];
        print_text(NULL, f->description);
        const struct pd_block *element = f->kind == PD_KIND_LIST ? f->block() : NULL;
        for (size_t j = 0; element != NULL && j < element->field_count; j++) print_text(NULL, element->fields[j].description);
    }
}

/* Labels of what no message has as a field. */
static const char *const labels[] = {"latency", "usage"};

/* The same text stands in many places; msguniq, which reads this, keeps one of each. */
void
texts_print(void)
{
    const struct pd_type  *t;
    const struct pd_block *b;
    size_t                 count;
    char                   label[48];

    printf("msgid \"\"\nmsgstr \"Content-Type: text/plain; charset=UTF-8\\n\"\n");
    for (size_t i = 0; (t = schema_type_at(i)) != NULL; i++) print_text(NULL, t->description);
    for (size_t i = 0; (b = pd_schema_block(i)) != NULL; i++) print_descriptions(b);
    const struct pd_error *errors = pd_schema_errors(&count);
    for (size_t i = 0; i < count; i++) print_text(NULL, errors[i].sentence);
    for (size_t i = 0; (b = pd_schema_block(i)) != NULL; i++)
        for (size_t j = 0; b->kind != PD_BLOCK_command && b->kind != PD_BLOCK_query && j < b->field_count; j++) {
            if (b->fields[j].need == PD_HIDDEN) continue;
            format_label(b->fields[j].name, label, sizeof label);
            print_text("label", label);
        }
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) print_text("label", labels[i]);
}
