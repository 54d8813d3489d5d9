/* text.h - UTF-8 on a terminal, whatever the locale says. */
#ifndef CLIENTS_CLI_SHOW_TEXT_H
#define CLIENTS_CLI_SHOW_TEXT_H

#include <stddef.h>
#include <stdio.h>

/* How many columns a text takes. */
size_t text_width(const char *text);
size_t text_part_width(const char *text, size_t size); /* of its first `size` bytes */

/* Prints a text, control characters replaced, filled up to `width` columns with blanks on its right or left. */
enum text_side { TEXT_LEFT, TEXT_RIGHT };
void text_print(FILE *to, const char *text, size_t width, enum text_side side);

/* The same of the first `size` bytes, as they are. */
void text_print_part(FILE *to, const char *text, size_t size);

/* The same, cut at `width` columns. */
void text_print_cut(FILE *to, const char *text, size_t width);

/* How many bytes of a text fit into `width` columns, at least one character; the line is broken at a blank where there is
 * one. *ret_next: where the rest begins. */
size_t text_fit(const char *text, size_t width, const char **ret_next);

/* The text in capitals, allocated. */
char *text_upper(const char *text);

#endif
