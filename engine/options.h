/* options.h - argv to options. */
#ifndef ENGINE_OPTIONS_H
#define ENGINE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct options {
#define OPTION_TYPE_TEXT   const char *
#define OPTION_TYPE_NUMBER uint64_t
#define OPTION_TYPE_FLAG   bool
#define OPTION(name, field, kind, standard, value, help) OPTION_TYPE_##kind field;
#include "engine/options.def"
    const char *verb; /* "serve" when none was given */
};

/* --name VALUE or --name=VALUE, in any place; one word may name the verb. False: said on stderr. Texts point into argv. */
bool options_parse(int argc, char **argv, struct options *ret_options);

/* The help, on stdout. */
void options_print_help(void);

#endif
