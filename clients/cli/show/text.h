/* text.h - UTF-8 on a terminal, whatever the locale says. */
#ifndef CLIENTS_CLI_SHOW_TEXT_H
#define CLIENTS_CLI_SHOW_TEXT_H

#include <stddef.h>
#include <stdio.h>

/* How many columns a text takes. */
size_t text_width(const char *text);

/* Prints a text, control characters replaced, filled up to `width` columns with blanks on its right or left. */
enum text_side { TEXT_LEFT, TEXT_RIGHT };
void text_print(FILE *to, const char *text, size_t width, enum text_side side);

#endif
