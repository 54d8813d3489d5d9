#include "engine/options.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { TEXT, NUMBER, FLAG };

static const struct option {
    const char *name;
    enum kind   kind;
    size_t      offset;
    const char *standard, *value, *help;
} rows[] = {
#define OPTION(name, field, kind, standard, value, help) {name, kind, offsetof(struct options, field), standard, value, help},
#include "engine/options.def"
};
enum { COUNT = sizeof rows / sizeof rows[0] };

static bool
set(struct options *o, const struct option *row, const char *value)
{
    void *field = (char *)o + row->offset;
    char *end;

    if (row->kind == FLAG) *(bool *)field = true;
    else if (row->kind == TEXT) *(const char **)field = value;
    else {
        errno = 0;
        unsigned long long n = strtoull(value, &end, 10);
        if (errno != 0 || *value < '0' || *value > '9' || *end != '\0' || n < 100 || n > 3600000) {
            fprintf(stderr, "pedidod: --%s takes a number from 100 to 3600000, not \"%s\"\n", row->name, value);
            return false;
        }
        *(uint64_t *)field = n;
    }
    return true;
}

static const struct option *
find(const char *name, size_t size)
{
    for (int i = 0; i < COUNT; i++)
        if (strlen(rows[i].name) == size && memcmp(rows[i].name, name, size) == 0) return &rows[i];
    return NULL;
}

bool
options_parse(int argc, char **argv, struct options *ret_options)
{
    struct options o = {.verb = NULL};

    for (int i = 0; i < COUNT; i++)
        if (rows[i].kind != FLAG) set(&o, &rows[i], rows[i].standard);
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (strncmp(word, "--", 2) != 0) {
            if (o.verb != NULL || *word == '-') {
                fprintf(stderr, "pedidod: I do not understand \"%s\"; see pedidod --help\n", word);
                return false;
            }
            o.verb = word;
            continue;
        }
        const char          *equals = strchr(word, '='), *value = equals == NULL ? NULL : equals + 1;
        const struct option *row = find(word + 2, equals == NULL ? strlen(word + 2) : (size_t)(equals - word - 2));
        if (row == NULL || (row->kind == FLAG && value != NULL)) {
            fprintf(stderr, "pedidod: there is no option %s; see pedidod --help\n", word);
            return false;
        }
        if (row->kind != FLAG && value == NULL && (value = argv[++i]) == NULL) {
            fprintf(stderr, "pedidod: --%s needs a value (%s)\n", row->name, row->value);
            return false;
        }
        if (!set(&o, row, value)) return false;
    }
    if (o.verb == NULL) o.verb = "serve";
    *ret_options = o;
    return true;
}

void
options_print_help(void)
{
    char left[64];

    puts("pedidod - the order engine\n\n"
         "  pedidod --data DIR           serve\n"
         "  pedidod rebuild --data DIR   throw every row away and fold the log again\n"
         "  pedidod verify --data DIR    check the log's chain and compare the rows with it; changes nothing\n");
    for (int i = 0; i < COUNT; i++) {
        snprintf(left, sizeof left, "--%s %s", rows[i].name, rows[i].value);
        printf("  %-28s %s%s%s%s\n", left, rows[i].help, rows[i].standard[0] != '\0' ? " (" : "", rows[i].standard,
               rows[i].standard[0] != '\0' ? ")" : "");
    }
    puts("\nExit status: 0 all is well, 1 it could not be done (the last lines say why), 2 the command line is wrong.\n"
         "SIGTERM and SIGINT: finish the turn, answer, end with 0.");
}
