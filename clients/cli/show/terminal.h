/* terminal.h - what the terminal is: how wide, whether it shows colours, whether a person can be asked. */
#ifndef CLIENTS_CLI_SHOW_TERMINAL_H
#define CLIENTS_CLI_SHOW_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Columns of the terminal that `to` writes to; 0 when it is none. */
size_t terminal_width(FILE *to);

/* Whether questions can be put: both the answers' and the questions' side are terminals. */
bool terminal_asks(void);

/* What follows is written so until TONE_PLAIN; nothing happens where there are no colours (no terminal, NO_COLOR, TERM=dumb). */
enum tone { TONE_PLAIN, TONE_STRONG, TONE_QUIET, TONE_GOOD, TONE_BAD, TONE_WAITING };
void terminal_tone(FILE *to, enum tone tone);

/* A line that the next one, or a message, takes the place of; only on a terminal. "" takes it away. */
void terminal_live(const char *line);

#endif
