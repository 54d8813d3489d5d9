/* ask.h - questions to a person at a terminal, with the keys that edit a line (libedit). Never called where nobody can be
 * asked (terminal_asks). Ctrl-C ends the program; Ctrl-D is no answer. */
#ifndef CLIENTS_CLI_VERBS_ASK_H
#define CLIENTS_CLI_VERBS_ASK_H

#include <stdbool.h>

/* One line without the blanks around it, allocated; NULL: no answer. */
char *ask_line(const char *question);

/* Which of `letters` was pressed, the first when it was only Enter; -1: no answer. */
int ask_letter(const char *question, const char *letters);

#endif
