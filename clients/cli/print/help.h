/* help.h - help, and the words of the tables that the manual and the completions share with it. */
#ifndef CLIENTS_CLI_PRINT_HELP_H
#define CLIENTS_CLI_PRINT_HELP_H

#include <stdio.h>

#include "clients/cli/cli.h"

void help_all(FILE *to);
void help_group(FILE *to, const char *group);
void help_verb(FILE *to, const struct verb *verb);
void help_message(FILE *to, const struct pd_block *block);

/* What a verb does; " CUSTOMER [NAME]" behind its words; what an argument is, or NULL. */
const char *help_about(const struct verb *verb);
void        help_arguments(FILE *to, const struct verb *verb);
const char *help_argument_about(const struct verb *verb, const char *name);
/* What stands in the file that a verb reads, or NULL. */
const char *help_file(const struct verb *verb);

/* "--limit N"; what it does and takes, allocated. */
void  help_option(const struct option *option, char *ret_left, size_t size);
char *help_option_about(const struct option *option);

#endif
