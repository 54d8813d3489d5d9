/* table.h - rows under titles, each column as wide as its widest cell. A column without any cell is left out. On a terminal
 * that is too narrow what is marked as minor is left out first, then long texts go on in the next line, broken at blanks; where
 * that is no help each row is a list of its cells. */
#ifndef CLIENTS_CLI_SHOW_TABLE_H
#define CLIENTS_CLI_SHOW_TABLE_H

#include <stdbool.h>
#include <stddef.h>

enum { TABLE_COLUMNS_MAX = 16 };

struct table {
    size_t columns;
    char   titles[TABLE_COLUMNS_MAX][48];
    bool   right[TABLE_COLUMNS_MAX]; /* numbers */
    bool   minor[TABLE_COLUMNS_MAX];
    char **cells;                    /* row after row */
    size_t count, capacity;          /* of cells */
};

void table_init(struct table *table);
void table_fini(struct table *table);
void table_column(struct table *table, const char *title, bool right);
void table_minor(struct table *table); /* the last one can be done without */

/* The next cell; takes `text`, which was allocated. */
void table_cell(struct table *table, char *text);

void table_print(const struct table *table);

#endif
