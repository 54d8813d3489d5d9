/* show.c - answers for people: a sheet of an answer's own fields, a table of each list in it. */
#include "clients/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>

#include "clients/cli/show/format.h"
#include "clients/cli/show/table.h"
#include "clients/cli/show/text.h"

/* Which columns the rows of a block are shown with, those that a narrow terminal can do without behind a hyphen; of the others
 * all that are not lists. */
static const struct {
    const struct pd_block *(*block)(void);
    const char *columns;
} views[] = {
    {pd_block_order, "order -reference customer state total -created items"},
    {pd_block_order_item, "item plan_name period domain quantity setup_fee recurring_fee total state attempt message"},
    {pd_block_status_item, "item plan state attempt progress subscription"}, /* the rest is said below */
    {pd_block_found, "kind customer name order -reference state subscription -plan_name status domain -matched"},
    {pd_block_subscription, "subscription customer plan_name domain -period status -service_status -start expiration"},
    {pd_block_panel_service, "service domain status -service_status -since until login"},
    {pd_block_plan_period, "period enabled trial -auto_renew setup_fee recurring_fee renewal_fee"},
    {pd_block_plan_offer, "plan name -category -domain from period"},
    {pd_block_event_view, "position -time type data -actor on_behalf_of -command"},
    {pd_block_customer, "customer name email status holds"},
    {pd_block_reseller, "reseller name time_zone"},
    {pd_block_task_view, "task operation state group worker customer plan_name domain -attempt since -deadline trouble"},
    {pd_block_worker_view, "worker groups -operations credit held draining -since heard closed -given_back"},
    {pd_block_group_view, "group operation waiting workers unserved_since"},
};

const struct pd_field *
show_list_field(const struct pd_block *reply)
{
    return reply->field_count == 1 && reply->fields[0].kind == PD_KIND_LIST ? &reply->fields[0] : NULL;
}

static const char *
columns_of(const struct pd_block *block)
{
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++)
        if (views[i].block() == block) return views[i].columns;
    return NULL;
}

/* Without a view: what fits into a cell. */
static bool
is_column(const struct pd_field *f)
{
    return f->need != PD_HIDDEN && f->kind != PD_KIND_LIST && f->kind != PD_KIND_STRUCT;
}

static const char *
currency_in(const json_t *object, const char *otherwise)
{
    const char *own = json_string_value(json_object_get(object, "currency"));
    return own != NULL ? own : otherwise;
}

/* In the order of the view, so that the fields of a row stand where the eye looks for them. */
static size_t
choose_columns(const struct pd_block *block, const struct pd_field *ret_fields[TABLE_COLUMNS_MAX],
               bool ret_minor[TABLE_COLUMNS_MAX])
{
    const char *columns = columns_of(block), *p = columns;
    size_t      count = 0;

    for (size_t i = 0; columns == NULL && i < block->field_count && count < TABLE_COLUMNS_MAX; i++)
        if (is_column(&block->fields[i])) ret_fields[count++] = &block->fields[i];
    while (p != NULL && *p != '\0' && count < TABLE_COLUMNS_MAX) {
        size_t size = strcspn(p, " ");
        ret_minor[count] = *p == '-';
        const struct pd_field *f = pd_block_field(block, (struct pd_text){p + ret_minor[count], size - ret_minor[count]});
        if (f != NULL) ret_fields[count++] = f;
        p += size;
        p += strspn(p, " ");
    }
    return count;
}

/* A list inside a row is counted, or named where it is short: the domains and plans of an order. */
static char *
format_inner(const struct pd_field *f, const json_t *row)
{
    char         *line = NULL;
    size_t        size, i;
    FILE         *to = open_memstream(&line, &size);
    json_t       *item;
    const json_t *items = json_object_get(row, f->name);

    if (to == NULL) return NULL;
    json_array_foreach (items, i, item) {
        const char *plan = json_string_value(json_object_get(item, "plan")),
                   *domain = json_string_value(json_object_get(item, "domain_unicode"));
        if (i == 2) fprintf(to, _(", and %zu more"), json_array_size(items) - 2);
        if (i >= 2) break;
        fprintf(to, "%s%s%s%s", i > 0 ? ", " : "", plan == NULL ? "" : plan, domain == NULL ? "" : " ",
                domain == NULL ? "" : domain);
    }
    fclose(to);
    return line;
}

static void
show_table(const struct pd_block *block, const json_t *rows, const char *currency, bool numbered)
{
    const struct pd_field *fields[TABLE_COLUMNS_MAX];
    bool                   minor[TABLE_COLUMNS_MAX] = {false};
    size_t                 count = choose_columns(block, fields, minor), i;
    struct table           table;
    char                   title[48];
    json_t                *row;

    table_init(&table);
    if (numbered) table_column(&table, "#", true);
    for (size_t c = 0; c < count; c++) {
        format_label(fields[c]->name, title, sizeof title);
        char *upper = text_upper(title);
        table_column(&table, upper, fields[c]->kind == PD_KIND_UINT && strcmp(fields[c]->type->name, "time") != 0);
        if (minor[c]) table_minor(&table);
        free(upper);
    }
    json_array_foreach (rows, i, row) {
        if (numbered) table_cell(&table, format_count(i + 1));
        for (size_t c = 0; c < count; c++) {
            if (fields[c]->kind == PD_KIND_LIST) table_cell(&table, format_inner(fields[c], row));
            else if (numbered && strcmp(fields[c]->name, "period") == 0)
                table_cell(&table, format_period(json_string_value(json_object_get(row, "period"))));
            else table_cell(&table, format_field(fields[c], row, currency_in(row, currency)));
        }
    }
    table_print(&table);
    table_fini(&table);
}

void
show_rows(const struct pd_block *row, const json_t *rows)
{
    show_table(row, rows, NULL, false);
}

void
show_choices(const struct pd_block *row, const json_t *rows)
{
    show_table(row, rows, NULL, true);
}

/* One line of a sheet, when there is something to say. */
static void
show_line(const struct pd_field *f, const json_t *object, const char *currency)
{
    char        label[48];
    char       *value = format_field(f, object, currency);
    const char *ascii = json_string_value(json_object_get(object, "domain"));

    format_label(f->name, label, sizeof label);
    if (value[0] != '\0') {
        text_print(stdout, label, 16, TEXT_LEFT);
        putchar(' ');
        text_print(stdout, value, 0, TEXT_LEFT);
        /* A plan's `domain` is a choice. */
        if (f->kind == PD_KIND_TEXT && strcmp(f->name, "domain") == 0 && ascii != NULL && strcmp(ascii, value) != 0) {
            fputs(" (", stdout);
            text_print(stdout, ascii, 0, TEXT_LEFT);
            putchar(')');
        }
        putchar('\n');
    }
    free(value);
}

/* What a sheet does not say: hidden fields, and what stands elsewhere. */
static bool
is_left_out(const struct pd_block *block, const struct pd_field *f)
{
    bool span = strcmp(f->name, "deadline_s") == 0 && pd_block_field(block, PD_TEXT("deadline")) != NULL; /* the moment is there */

    return f->need == PD_HIDDEN || f->kind == PD_KIND_LIST || span || strcmp(f->name, "domain_unicode") == 0 /* with `domain` */ ||
           strcmp(f->name, "allowed") == 0 /* by `next:` */ || strcmp(f->name, "currency") == 0 /* with each amount */;
}

static void
show_sheet(const struct pd_block *block, const json_t *object, const char *currency)
{
    currency = currency_in(object, currency);
    for (size_t i = 0; i < block->field_count; i++) {
        const struct pd_field *f = &block->fields[i];
        const json_t          *value = json_object_get(object, f->name);
        if (is_left_out(block, f) || (value == NULL && f->kind != PD_KIND_FLAG) || strcmp(f->name, "version") == 0) continue;
        if (f->kind == PD_KIND_STRUCT) show_sheet(f->block(), value, currency);
        else show_line(f, object, currency);
    }
    /* Rows have it in front; people look for other things first. */
    const struct pd_field *version = pd_block_field(block, PD_TEXT("version"));
    if (version != NULL) show_line(version, object, currency);
    for (size_t i = 0; i < block->field_count; i++) {
        const struct pd_field *f = &block->fields[i];
        const json_t          *value = json_object_get(object, f->name);
        bool own = strcmp(f->name, "former_instances") == 0; /* the engine's own business */
        if (f->kind != PD_KIND_LIST || json_array_size(value) == 0 || own) continue;
        putchar('\n');
        show_table(f->block(), value, currency, false);
    }
}

/* Where an order stands, and why. */
static void
show_standing(const json_t *order)
{
    review_head(order);
    if (json_object_get(order, "reason") == NULL) return;
    text_print(stdout, format_reason(json_string_value(json_object_get(order, "reason"))), 0, TEXT_LEFT);
    putchar('\n');
}

/* The same with its items; and of what is not done, what it waits for. */
static void
show_status(const json_t *status)
{
    json_t *item;
    size_t  i;

    show_standing(status);
    putchar('\n');
    show_table(pd_block_status_item(), json_object_get(status, "items"), NULL, false);
    json_array_foreach (json_object_get(status, "items"), i, item) {
        char *line = format_waiting(item);
        if (line[0] != '\0') {
            printf("%" JSON_INTEGER_FORMAT ": ", json_integer_value(json_object_get(item, "item")));
            text_print(stdout, line, 0, TEXT_LEFT);
            putchar('\n');
        }
        free(line);
    }
}

void
show_answer(const struct pd_block *reply, const json_t *data)
{
    if (reply == pd_block_order_view_reply()) review_show(json_object_get(data, "order"));
    else if (reply == pd_block_review_reply()) review_show(data);
    else if (reply == pd_block_status_reply()) show_status(data);
    else if (reply == pd_block_order_reply()) show_standing(data);
    else show_sheet(reply, data, NULL);
}
