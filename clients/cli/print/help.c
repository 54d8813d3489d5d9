/* help.c - help, from the table of verbs and the descriptors. */
#include "clients/cli/cli.h"

#include <stdio.h>

static const char *
about_verb(const struct verb *verb)
{
    return verb->about != NULL ? verb->about : verb->block()->description;
}

static void
print_upper(FILE *to, const char *name)
{
    for (; *name != '\0'; name++) fputc(*name >= 'a' && *name <= 'z' ? *name - 32 : *name, to);
}

static void
print_arguments(FILE *to, const struct verb *verb)
{
    char name[40];
    bool optional;
    for (size_t i = 0; options_argument(verb->arguments, i, name, sizeof name, &optional); i++) {
        fputs(optional ? " [" : " ", to);
        print_upper(to, name);
        if (optional) fputc(']', to);
    }
    if (verb->flags & VERB_FREE) fputs(" [FIELD=VALUE...]", to);
}

static void
print_verb_line(FILE *to, const struct verb *verb)
{
    fprintf(to, "  %-22s %s\n", verb->words, about_verb(verb));
}

/* What a field takes, where its description alone does not say it. */
static void
print_takes(FILE *to, const struct pd_field *f)
{
    if (f == NULL) return;
    if (f->kind == PD_KIND_CHOICE) {
        fputs(" One of", to);
        for (size_t i = 0; i < f->choice->count; i++) fprintf(to, "%s %s", i > 0 ? "," : "", f->choice->values[i].name);
        fputc('.', to);
    } else if (f->type != NULL && f->kind == PD_KIND_UINT && strcmp(f->type->name, "amount") == 0) {
        fputs(" In the currency's unit, such as 9.90.", to);
    } else if (f->type != NULL && f->kind != PD_KIND_FLAG && f->type->form != PD_FORM_PRINT) {
        fprintf(to, " (%s)", f->type->description);
    }
    if (f->kind == PD_KIND_FLAG) fputs(f->need == PD_REQUIRED ? " True unless --no-." : "", to);
    else if (f->need == PD_REQUIRED && f->kind != PD_KIND_LIST) fputs(" Required.", to);
}

static void
print_option(FILE *to, const struct option *o)
{
    char left[100];
    if (o->negated) return; /* beside its flag */
    const char *no = o->field != NULL && o->field->kind == PD_KIND_FLAG ? "[no-]" : "";
    if (o->value[0] == '\0') snprintf(left, sizeof left, "--%s%s", no, o->name);
    else if (o->kind == OPTION_EITHER) snprintf(left, sizeof left, "--%s[=%s]", o->name, o->value);
    else snprintf(left, sizeof left, "--%s %s", o->name, o->value);
    fprintf(to, "  %-32s %s", left, o->about);
    if (!o->minor) print_takes(to, o->field);
    fputc('\n', to);
}

static void
print_options(FILE *to, const struct option_list *list, bool element, bool common)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->options[i].element == element && list->options[i].common == common) print_option(to, &list->options[i]);
}

static void
print_common(FILE *to)
{
    struct option_list list;
    options_collect(NULL, &list);
    fputs("\nCommon options, before or after the verb:\n", to);
    print_options(to, &list, false, true);
}

static void
print_statuses(FILE *to)
{
    fputs("\nExit status: 0 done; 1 a file or the output failed; 2 wrong usage; refused:", to);
#define PD_ERROR_CLASS(number, name, exit_status) fprintf(to, " %d " #name ",", exit_status);
#include "proto/errors.def"
    fprintf(to, "\nand %d no answer; %d `order status --wait` ended without the order being completed.\n", STATUS_NO_ANSWER,
            STATUS_NOT_COMPLETED);
}

void
help_all(FILE *to)
{
    fputs("usage: pedido VERB [ARGUMENT...] [OPTION...]\n\nVerbs:\n", to);
    for (size_t i = 0; verb_at(i) != NULL; i++) print_verb_line(to, verb_at(i));
    fputs("\n`pedido VERB --help` says what a verb takes. ORDER is an order's number, or ref:REFERENCE.\n", to);
    print_common(to);
    print_statuses(to);
}

void
help_group(FILE *to, const char *group)
{
    fprintf(to, "usage: pedido %s VERB [ARGUMENT...] [OPTION...]\n\n", group);
    for (size_t i = 0; verb_at(i) != NULL; i++)
        if (verb_in_group(verb_at(i), group)) print_verb_line(to, verb_at(i));
    fprintf(to, "\n`pedido %s VERB --help` says what a verb takes.\n", group);
}

static void
print_argument_help(FILE *to, const struct verb *verb)
{
    char name[40];
    bool optional;
    for (size_t i = 0; options_argument(verb->arguments, i, name, sizeof name, &optional); i++) {
        const struct pd_field *f = verb->block == NULL ? NULL : pd_block_field(verb->block(), pd_text(name));
        if (f == NULL) continue;
        fputs("  ", to);
        print_upper(to, name);
        fprintf(to, "%*s %s\n", (int)(32 - strlen(name)), "",
                strcmp(name, "order") == 0 ? "The order's number, or ref:REFERENCE." : f->description);
    }
}

void
help_verb(FILE *to, const struct verb *verb)
{
    struct option_list     list;
    const struct pd_field *items = NULL;

    options_collect(verb, &list);
    fprintf(to, "usage: pedido %s", verb->words);
    print_arguments(to, verb);
    fprintf(to, " [OPTION...]\n\n%s\n", about_verb(verb));
    if (verb->block != NULL)
        fprintf(to, "Sends %s; `pedido send %s --help` has its fields.\n", verb->block()->Name, verb->block()->Name);
    fputc('\n', to);
    print_argument_help(to, verb);
    print_options(to, &list, false, false);
    for (size_t i = 0; i < list.count; i++)
        if (list.options[i].field != NULL && list.options[i].field->kind == PD_KIND_LIST) items = list.options[i].field;
    if (items != NULL) {
        fprintf(to, "\nFor each of %s; every --%s starts another one:\n", items->name, items->block()->fields[0].name);
        print_options(to, &list, true, false);
    }
    print_common(to);
}

void
help_message(FILE *to, const struct pd_block *block)
{
    fprintf(to, "usage: pedido send %s [FIELD=VALUE...] [OPTION...]\n\n%s\n\n", block->Name, block->description);
    for (size_t i = 0; i < block->field_count; i++) {
        const struct pd_field *f = &block->fields[i];
        fprintf(to, "  %-16s %s", f->name, f->description);
        if (f->kind == PD_KIND_CHOICE) print_takes(to, f);
        else if (f->type != NULL) fprintf(to, " (%s)%s", f->type->description, f->need == PD_REQUIRED ? " Required." : "");
        else if (f->kind == PD_KIND_MAP) fputs(" (JSON: texts by texts)", to);
        else fprintf(to, " (JSON)%s", f->need == PD_REQUIRED ? " Required." : "");
        fputc('\n', to);
        if (f->kind != PD_KIND_LIST) continue;
        for (size_t j = 0; j < f->block()->field_count; j++)
            fprintf(to, "    .%-13s %s\n", f->block()->fields[j].name, f->block()->fields[j].description);
    }
    if (block->field_count == 0) fputs("  It has no fields.\n", to);
}
