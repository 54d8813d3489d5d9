/* options.h - argv and a file to options. */
#ifndef ENGINE_OPTIONS_H
#define ENGINE_OPTIONS_H

#include "proto/arena.h"

struct options {
#define OPTION_TYPE_TEXT     const char *
#define OPTION_TYPE_ENDPOINT const char *
#define OPTION_TYPE_NUMBER   uint64_t
#define OPTION_TYPE_CHOICE   uint64_t /* its place in the list */
#define OPTION_TYPE_ONCE     const char *
#define OPTION_TYPE_FLAG     bool
#define OPTION(name, field, kind, standard, min, max, value, help) OPTION_TYPE_##kind field;
#include "engine/options.def"
    const char     *verb;    /* "serve" when none was given */
    const char     *operand; /* of locate: the word behind it; else "" */
    struct pd_arena texts; /* the file's */
};

/* --name VALUE or --name=VALUE, in any place; one word may name the verb, one behind locate its position. What is not said there is
 * taken from the file that --config names, what is not said there either is the default. The file is INI without sections:
 * name = value, `#` and `;` begin a line that is a comment; each name stands once, and all of its values are judged, also those
 * that are not taken. False: said on stderr, of the file all that is wrong with it, and *ret_options is as it was. Texts point
 * into argv or live until options_fini. */
bool options_parse(int argc, char **argv, struct options *ret_options);
void options_fini(struct options *options);

/* The help, on stdout. */
void options_print_help(void);

/* Every setting, on stdout, as a file that --config takes. */
void options_print_config(const struct options *options);

#endif
