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
table_minor(struct table *table)
{
    table->minor[table->columns - 1] = true;
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

enum { GAP = 2 };

struct layout {
    size_t widths[TABLE_COLUMNS_MAX]; /* 0: the column is left out */
    size_t words[TABLE_COLUMNS_MAX];  /* the longest word: a column gets no narrower, since ids are copied */
    size_t last;                      /* column that is shown */
};

static size_t
longest_word(const char *text)
{
    size_t longest = 0;
    while (*text != '\0') {
        size_t size = strcspn(text, " "), width = text_part_width(text, size);
        if (width > longest) longest = width;
        text += size + strspn(text + size, " ");
    }
    return longest;
}

static struct layout
measure(const struct table *t)
{
    struct layout l = {.last = 0};

    for (size_t i = 0; i < t->count; i++) {
        size_t c = i % t->columns, width = text_width(t->cells[i]), word = longest_word(t->cells[i]);
        if (width > l.widths[c]) l.widths[c] = width;
        if (word > l.words[c]) l.words[c] = word;
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
narrow(const struct table *t, struct layout *l, size_t width)
{
    while (sum(t, l) > width) {
        size_t widest = TABLE_COLUMNS_MAX;
        for (size_t c = 0; c < t->columns; c++)
            if (!t->right[c] && l->widths[c] > l->words[c] && (widest == TABLE_COLUMNS_MAX || l->widths[c] > l->widths[widest]))
                widest = c;
        if (widest == TABLE_COLUMNS_MAX) return false;
        l->widths[widest]--;
    }
    return true;
}

/* Leaves out what is minor, from the right, until the rest fits. False: it does not. */
static bool
fit(const struct table *t, struct layout *l, size_t width)
{
    for (size_t c = t->columns; c > 0; c--) {
        struct layout tried = *l;
        if (narrow(t, &tried, width)) {
            *l = tried;
            return true;
        }
        if (!t->minor[c - 1]) continue;
        l->widths[c - 1] = 0;
        while (l->last > 0 && l->widths[l->last] == 0) l->last--;
    }
    return narrow(t, l, width);
}

/* One row, on as many lines as its longest cell takes. */
static void
print_row(const struct table *t, const char *const *cells, const struct layout *l)
{
    const char *rest[TABLE_COLUMNS_MAX];
    bool        more = true;

    for (size_t c = 0; c < t->columns; c++) rest[c] = cells[c];
    while (more) {
        size_t blanks = 0; /* that stand before the next text: nothing is filled up at the end of a line */
        more = false;
        for (size_t c = 0; c <= l->last; c++) {
            if (l->widths[c] == 0) continue;
            const char *part = rest[c];
            size_t      size = text_fit(part, l->widths[c], &rest[c]), own = text_part_width(part, size);
            size_t      fill = l->widths[c] > own ? l->widths[c] - own : 0;
            more = more || *rest[c] != '\0';
            if (t->right[c]) blanks += fill;
            if (own > 0) {
                printf("%*s", (int)blanks, "");
                text_print_part(stdout, part, size);
                blanks = 0;
            }
            blanks += (t->right[c] ? 0 : fill) + GAP;
        }
        putchar('\n');
    }
}

/* A cell behind its title where there is room, else below it. */
static void
print_cell(const char *title, const char *cell, size_t width)
{
    bool beside = text_width(title) + 1 + text_width(cell) <= width;

    terminal_tone(stdout, TONE_STRONG);
    text_print(stdout, title, 0, TEXT_LEFT);
    terminal_tone(stdout, TONE_PLAIN);
    if (beside) {
        putchar(' ');
        text_print(stdout, cell, 0, TEXT_LEFT);
        cell = "";
    }
    putchar('\n');
    while (*cell != '\0') {
        const char *next;
        size_t      size = text_fit(cell, width > 2 ? width - 2 : 1, &next);
        fputs("  ", stdout);
        text_print_part(stdout, cell, size);
        putchar('\n');
        cell = next;
    }
}

/* Where a row does not fit at all: its cells one after the other. */
static void
print_records(const struct table *t, const struct layout *l, size_t width)
{
    for (size_t i = 0; i < t->count; i += t->columns) {
        if (i > 0) putchar('\n');
        for (size_t c = 0; c < t->columns; c++) {
            if (l->widths[c] > 0 && t->cells[i + c][0] != '\0') print_cell(t->titles[c], t->cells[i + c], width);
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
    struct layout fitted = l;
    if (width > 0 && !fit(t, &fitted, width)) {
        print_records(t, &l, width);
        return;
    }
    for (size_t c = 0; c < t->columns; c++) titles[c] = t->titles[c];
    terminal_tone(stdout, TONE_STRONG);
    print_row(t, titles, &fitted);
    terminal_tone(stdout, TONE_PLAIN);
    for (size_t i = 0; i < t->count; i += t->columns) print_row(t, (const char *const *)&t->cells[i], &fitted);
}
