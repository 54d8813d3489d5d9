#include "clients/cli/show/table.h"

#include <stdlib.h>
#include <string.h>

#include "clients/cli/show/text.h"
#include "proto/check.h"

void
table_init(struct table *table)
{
    memset(table, 0, sizeof *table);
}

void
table_fini(struct table *table)
{
    for (size_t i = 0; i < table->count; i++) free(table->cells[i]);
    free(table->cells);
    memset(table, 0, sizeof *table);
}

void
table_column(struct table *table, const char *title, bool right)
{
    PD_CHECK(table->columns < TABLE_COLUMNS_MAX);
    snprintf(table->titles[table->columns], sizeof table->titles[0], "%s", title);
    table->right[table->columns++] = right;
}

void
table_cell(struct table *table, char *text)
{
    if (table->count == table->capacity) {
        table->capacity = table->capacity == 0 ? 64 : table->capacity * 2;
        table->cells = realloc(table->cells, table->capacity * sizeof *table->cells);
        PD_CHECK(table->cells != NULL);
    }
    table->cells[table->count++] = text;
}

static void
print_row(const struct table *t, const char *const *cells, const size_t *widths)
{
    size_t last = 0;
    for (size_t c = 0; c < t->columns; c++)
        if (widths[c] > 0) last = c;
    for (size_t c = 0; c <= last; c++) {
        if (widths[c] == 0) continue;
        /* Nothing is filled up at the end of a line. */
        text_print(stdout, cells[c], c == last && !t->right[c] ? 0 : widths[c], t->right[c] ? TEXT_RIGHT : TEXT_LEFT);
        if (c != last) fputs("  ", stdout);
    }
    putchar('\n');
}

void
table_print(const struct table *t)
{
    size_t      widths[TABLE_COLUMNS_MAX] = {0};
    const char *cells[TABLE_COLUMNS_MAX];

    if (t->count == 0) return;
    for (size_t i = 0; i < t->count; i++) {
        size_t width = text_width(t->cells[i]);
        if (width > widths[i % t->columns]) widths[i % t->columns] = width;
    }
    for (size_t c = 0; c < t->columns; c++) {
        cells[c] = t->titles[c];
        if (widths[c] > 0 && text_width(cells[c]) > widths[c]) widths[c] = text_width(cells[c]);
    }
    print_row(t, cells, widths);
    for (size_t i = 0; i < t->count; i += t->columns) print_row(t, (const char *const *)&t->cells[i], widths);
}
