#include "clients/cli/verbs/ask.h"

#include <ctype.h>
#include <editline/readline.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/cli/lang.h"

char *
ask_line(const char *question)
{
    char prompt[300];

    fflush(stdout);
    snprintf(prompt, sizeof prompt, "%s ", question);
    char *line = readline(prompt);
    if (line == NULL) {
        putchar('\n');
        return NULL;
    }
    char *start = line + strspn(line, " \t");
    memmove(line, start, strlen(start) + 1);
    for (size_t size = strlen(line); size > 0 && isspace((unsigned char)line[size - 1]); size--) line[size - 1] = '\0';
    if (line[0] != '\0') add_history(line);
    return line;
}

int
ask_letter(const char *question, const char *letters)
{
    for (;;) {
        char *line = ask_line(question);
        if (line == NULL) return -1;
        const char *found = strchr(letters, line[0] == '\0' ? letters[0] : tolower((unsigned char)line[0]));
        free(line);
        if (found != NULL) return (int)(found - letters);
        printf(_("One of these letters is expected: %s\n"), letters);
    }
}
