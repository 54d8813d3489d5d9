/* lang.h - the language in which a person is spoken to: English, or another by its catalogue (po/<lang>.po, gettext). What
 * machines read never changes with it: --json, wire names, exit statuses.
 *
 * Sentences given to cli_say and cli_usage are translated there; others are marked by _(), and in tables by N_(). Labels of
 * states and commands stand in proto/enums.def and commands.def in both languages. */
#ifndef CLIENTS_CLI_LANG_H
#define CLIENTS_CLI_LANG_H

#include <libintl.h>
#include <stdbool.h>

#define _(english)  lang_translate(english)
#define N_(english) english

/* "en", "es", or NULL for what LC_ALL, LC_MESSAGES and LANG say. False: there is no such language; another one is spoken. */
bool lang_open(const char *wanted);

/* What _() calls. "" stays "": gettext would give the catalogue's header. */
const char *lang_translate(const char *english) __attribute__((format_arg(1)));

/* The one of the two that is spoken. */
const char *lang_pick(const char *english, const char *spanish);

/* A field's label, translated: "setup total". Constant, or the argument. */
const char *lang_label(const char *label);

#endif
