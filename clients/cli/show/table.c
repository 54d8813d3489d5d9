#include "clients/cli/show/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/cli/show/terminal.h"
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

/* ---- printing ------------------------------------------------------------------------------------------------------ */

enum { GAP = 2, NARROWEST = 10 };

struct layout {
    size_t widths[TABLE_COLUMNS_MAX]; /* 0: the column is left out */
    size_t last;                      /* column that is shown */
};

static struct layout
measure(const struct table *t)
{
    struct layout l = {.last = 0};

    for (size_t i = 0; i < t->count; i++) {
        size_t width = text_width(t->cells[i]);
        if (width > l.widths[i % t->columns]) l.widths[i % t->columns] = width;
    }
    for (size_t c = 0; c < t->columns; c++) {
        if (l.widths[c] == 0) continue;
        if (text_width(t->titles[c]) > l.widths[c]) l.widths[c] = text_width(t->titles[c]);
        l.last = c;
    }
    return l;
}

static size_t
sum(const struct table *t, const struct layout *l)
{
    size_t total = 0;
    for (size_t c = 0; c < t->columns; c++)
        if (l->widths[c] > 0) total += l->widths[c] + (c < l->last ? GAP : 0);
    return total;
}

/* Makes the widest texts narrower until the rows fit. False: they cannot. */
static bool
fit(const struct table *t, struct layout *l, size_t width)
{
    while (sum(t, l) > width) {
        size_t widest = TABLE_COLUMNS_MAX;
        for (size_t c = 0; c < t->columns; c++)
            if (!t->right[c] && l->widths[c] > NARROWEST && (widest == TABLE_COLUMNS_MAX || l->widths[c] > l->widths[widest]))
                widest = c;
        if (widest == TABLE_COLUMNS_MAX) return false;
        l->widths[widest]--;
    }
    return true;
}

/* One row, on as many lines as its longest cell takes. */
static void
print_row(const struct table *t, const char *const *cells, const struct layout *l)
{
    const char *rest[TABLE_COLUMNS_MAX];
    char        part[1024];
    bool        more = true;

    for (size_t c = 0; c < t->columns; c++) rest[c] = cells[c];
    while (more) {
        size_t blanks = 0; /* nothing is filled up at the end of a line */
        more = false;
        for (size_t c = 0; c <= l->last; c++) {
            if (l->widths[c] == 0) continue;
            const char *next;
            size_t      size = text_fit(rest[c], l->widths[c], &next);
            snprintf(part, sizeof part, "%.*s", (int)size, rest[c]);
            rest[c] = next;
            more = more || *next != '\0';
            size_t own = text_width(part), fill = l->widths[c] > own ? l->widths[c] - own : 0;
            if (t->right[c]) blanks += fill;
            if (own > 0) {
                printf("%*s", (int)blanks, "");
                text_print(stdout, part, 0, TEXT_LEFT);
                blanks = 0;
            } else if (t->right[c]) {
                fill = 0;
            }
            blanks += (t->right[c] ? 0 : fill) + GAP;
        }
        putchar('\n');
    }
}

/* Where a row does not fit at all: a line for each of its cells. */
static void
print_records(const struct table *t, const struct layout *l)
{
    for (size_t i = 0; i < t->count; i += t->columns) {
        if (i > 0) putchar('\n');
        for (size_t c = 0; c < t->columns; c++) {
            if (l->widths[c] == 0 || t->cells[i + c][0] == '\0') continue;
            terminal_tone(stdout, TONE_STRONG);
            text_print(stdout, t->titles[c], 0, TEXT_LEFT);
            terminal_tone(stdout, TONE_PLAIN);
            putchar(' ');
            text_print(stdout, t->cells[i + c], 0, TEXT_LEFT);
            putchar('\n');
        }
    }
}

void
table_print(const struct table *t)
{
    struct layout l = measure(t);
    const char   *titles[TABLE_COLUMNS_MAX];
    size_t        width = terminal_width(stdout);

    if (t->count == 0) return;
    if (width > 0 && !fit(t, &l, width)) {
        print_records(t, &l);
        return;
    }
    for (size_t c = 0; c < t->columns; c++) titles[c] = t->titles[c];
    terminal_tone(stdout, TONE_STRONG);
    print_row(t, titles, &l);
    terminal_tone(stdout, TONE_PLAIN);
    for (size_t i = 0; i < t->count; i += t->columns) print_row(t, (const char *const *)&t->cells[i], &l);
}
