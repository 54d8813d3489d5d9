/* help.c - help, from the table of verbs and the descriptors. */
#include "clients/cli/print/help.h"

#include <stdio.h>
#include <stdlib.h>

#include "clients/cli/show/terminal.h"
#include "clients/cli/show/text.h"
#include "proto/check.h"

/* ---- the words ----------------------------------------------------------------------------------------------------- */

const char *
help_about(const struct verb *verb)
{
    return _(verb->about != NULL ? verb->about : verb->block()->description);
}

static void
print_upper(FILE *to, const char *name)
{
    for (; *name != '\0'; name++) fputc(*name >= 'a' && *name <= 'z' ? *name - 32 : *name, to);
}

void
help_arguments(FILE *to, const struct verb *verb)
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

const char *
help_file(const struct verb *verb)
{
    if (!(verb->flags & VERB_RECORDS)) return NULL;
    return _("Each line is a JSON object, or the first line names columns: reference, customer, plan, period, domain, start, "
             "expiration, quantity and parameters.KEY of a subscription (`pedido send ImportSubscription --help`); without a "
             "plan, those of a customer (`pedido send PutCustomer --help`). A day is written 2026-01-31.");
}

/* What a value has to be, as it is typed. */
static const char *
value_of(const struct pd_field *f)
{
    if (strcmp(f->type->name, "time") == 0) return _("a time: 2026-01-31, 2026-01-31T09:00:00Z, or 12h for twelve hours ago");
    return _(f->type->description);
}

/* What a field takes, where its description alone does not say it. */
static void
print_takes(FILE *to, const struct pd_field *f)
{
    if (f->kind == PD_KIND_CHOICE) {
        fprintf(to, " %s", _("One of"));
        for (size_t i = 0; i < f->choice->count; i++) fprintf(to, "%s %s", i > 0 ? "," : "", f->choice->values[i].name);
        fputc('.', to);
    } else if (f->type != NULL && f->kind == PD_KIND_UINT && strcmp(f->type->name, "amount") == 0) {
        fprintf(to, " %s", _("In the currency's unit, such as 9.90."));
    } else if (f->type != NULL && f->kind != PD_KIND_FLAG && f->type->form != PD_FORM_PRINT) {
        fprintf(to, " (%s)", value_of(f));
    }
    if (f->need != PD_REQUIRED || f->kind == PD_KIND_LIST) return;
    fprintf(to, " %s", f->kind == PD_KIND_FLAG ? _("True unless --no-.") : _("Required."));
}

void
help_option(const struct option *o, char *ret_left, size_t size)
{
    const char *no = o->field != NULL && o->field->kind == PD_KIND_FLAG ? "[no-]" : "";
    if (o->value[0] == '\0') snprintf(ret_left, size, "--%s%s", no, o->name);
    else if (o->kind == OPTION_EITHER) snprintf(ret_left, size, "--%s[=%s]", o->name, o->value);
    else snprintf(ret_left, size, "--%s %s", o->name, o->value);
}

char *
help_option_about(const struct option *o)
{
    char  *text = NULL;
    size_t size;
    FILE  *to = open_memstream(&text, &size);

    PD_CHECK(to != NULL);
    fputs(_(o->about), to);
    if (!o->minor && o->field != NULL) print_takes(to, o->field);
    fclose(to);
    return text;
}

/* ---- the page ------------------------------------------------------------------------------------------------------ */

/* Two columns; on a terminal the right one goes on below itself, or below the left one where there is no room beside it. */
static void
print_pair(FILE *to, const char *left, size_t column, const char *right)
{
    size_t width = terminal_width(to);

    fputs("  ", to);
    text_print(to, left, column, TEXT_LEFT);
    fputc(' ', to);
    if (width == 0) {
        fprintf(to, "%s\n", right);
        return;
    }
    size_t indent = column + 3;
    if (indent + 20 > width || text_width(left) > column) {
        fputc('\n', to);
        indent = 6;
        fprintf(to, "%*s", (int)indent, "");
    }
    for (bool first = true; first || *right != '\0'; first = false) {
        const char *next;
        size_t      size = text_fit(right, width > indent ? width - indent : 1, &next);
        fprintf(to, "%*s", first ? 0 : (int)indent, "");
        text_print_part(to, right, size);
        fputc('\n', to);
        right = next;
    }
}

static void
print_verb_line(FILE *to, const struct verb *verb)
{
    print_pair(to, verb->words, 22, help_about(verb));
}

static void
print_option(FILE *to, const struct option *o)
{
    char left[100];
    if (o->negated) return; /* beside its flag */
    char *about = help_option_about(o);
    help_option(o, left, sizeof left);
    print_pair(to, left, 32, about);
    free(about);
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
    fprintf(to, "\n%s\n", _("Common options, before or after the verb:"));
    print_options(to, &list, false, true);
}

static void
print_statuses(FILE *to)
{
    fprintf(to, "\n%s", _("Exit status: 0 done; 1 a file or the output failed; 2 wrong usage; refused:"));
#define PD_ERROR_CLASS(number, name, exit_status) fprintf(to, " %d " #name ",", exit_status);
#include "proto/errors.def"
    fprintf(to, "\n%s\n", _("and 10 no answer; 11 `order status --wait` ended without the order being completed; 12 nobody went on "
                            "with a form."));
}

void
help_all(FILE *to)
{
    fprintf(to, "%s: pedido %s\n\n%s:\n", lang_label("usage"), _("VERB [ARGUMENT...] [OPTION...]"), _("Verbs"));
    for (size_t i = 0; verb_at(i) != NULL; i++)
        if (!(verb_at(i)->flags & VERB_HIDDEN)) print_verb_line(to, verb_at(i));
    fprintf(to, "\n%s\n", _("`pedido VERB --help` says what a verb takes. ORDER is an order's number, or ref:REFERENCE."));
    print_common(to);
    print_statuses(to);
}

void
help_group(FILE *to, const char *group)
{
    fprintf(to, "%s: pedido %s %s\n\n", lang_label("usage"), group, _("VERB [ARGUMENT...] [OPTION...]"));
    for (size_t i = 0; verb_at(i) != NULL; i++)
        if (verb_in_group(verb_at(i), group)) print_verb_line(to, verb_at(i));
    fputc('\n', to);
    fprintf(to, _("`pedido %s VERB --help` says what a verb takes."), group);
    fputc('\n', to);
}

/* What an argument is: its field's description, or what a verb without a message says of it. */
const char *
help_argument_about(const struct verb *verb, const char *name)
{
    const struct pd_field *f = verb->block == NULL ? NULL : pd_block_field(verb->block(), pd_text(name));
    if (strcmp(name, "order") == 0) return _("The order's number, or ref:REFERENCE.");
    return f == NULL ? NULL : _(f->description);
}

static void
print_argument_help(FILE *to, const struct verb *verb)
{
    char name[40];
    bool optional;
    for (size_t i = 0; options_argument(verb->arguments, i, name, sizeof name, &optional); i++) {
        const char *about = help_argument_about(verb, name);
        if (about == NULL) continue;
        char *upper = text_upper(name);
        print_pair(to, upper, 32, about);
        free(upper);
    }
}

void
help_verb(FILE *to, const struct verb *verb)
{
    struct option_list     list;
    const struct pd_field *items = NULL;

    options_collect(verb, &list);
    fprintf(to, "%s: pedido %s", lang_label("usage"), verb->words);
    help_arguments(to, verb);
    fprintf(to, " %s\n\n%s\n", _("[OPTION...]"), help_about(verb));
    if (verb->block != NULL) {
        fprintf(to, _("Sends %s; `pedido send %s --help` has its fields."), verb->block()->Name, verb->block()->Name);
        fputc('\n', to);
    }
    fputc('\n', to);
    print_argument_help(to, verb);
    if (help_file(verb) != NULL) print_pair(to, "FILE", 32, help_file(verb));
    print_options(to, &list, false, false);
    for (size_t i = 0; i < list.count; i++)
        if (list.options[i].field != NULL && list.options[i].field->kind == PD_KIND_LIST) items = list.options[i].field;
    if (items != NULL) {
        fputc('\n', to);
        fprintf(to, _("For each item; every --%s starts another one:"), items->block()->fields[0].name);
        fputc('\n', to);
        print_options(to, &list, true, false);
    }
    print_common(to);
}

static char *
field_about(const struct pd_field *f)
{
    char  *text = NULL;
    size_t size;
    FILE  *to = open_memstream(&text, &size);

    PD_CHECK(to != NULL);
    fputs(_(f->description), to);
    if (f->kind == PD_KIND_CHOICE) print_takes(to, f);
    else {
        if (f->type != NULL) fprintf(to, " (%s)", value_of(f));
        else fprintf(to, " (%s)", f->kind == PD_KIND_MAP ? _("JSON: texts by texts") : "JSON");
        if (f->need == PD_REQUIRED) fprintf(to, " %s", _("Required."));
    }
    fclose(to);
    return text;
}

void
help_message(FILE *to, const struct pd_block *block)
{
    char name[48];

    fprintf(to, "%s: pedido send %s [FIELD=VALUE...] %s\n\n%s\n\n", lang_label("usage"), block->Name, _("[OPTION...]"),
            _(block->description));
    for (size_t i = 0; i < block->field_count; i++) {
        const struct pd_field *f = &block->fields[i];
        char                  *about = field_about(f);
        print_pair(to, f->name, 16, about);
        free(about);
        if (f->kind != PD_KIND_LIST) continue;
        for (size_t j = 0; j < f->block()->field_count; j++) {
            snprintf(name, sizeof name, "  .%s", f->block()->fields[j].name);
            print_pair(to, name, 16, _(f->block()->fields[j].description));
        }
    }
    if (block->field_count == 0) fprintf(to, "  %s\n", _("It has no fields."));
}
