#include "clients/cli/lang.h"

#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool spanish;

static const char *
from_environment(void)
{
    static const char *const variables[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        const char *value = getenv(variables[i]);
        if (value != NULL && value[0] != '\0') return value;
    }
    return "";
}

/* Catalogues stand beside the program, in the build as when installed: bin/pedido, share/locale/es/LC_MESSAGES/pedido.mo. */
static void
bind_catalogues(void)
{
    char    path[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);

    if (size < 0) return;
    path[size] = '\0';
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(path, '/');
        if (slash == NULL) return;
        *slash = '\0';
    }
    strncat(path, "/share/locale", sizeof path - strlen(path) - 1);
    bindtextdomain("pedido", path);
    bind_textdomain_codeset("pedido", "UTF-8");
    textdomain("pedido");
}

bool
lang_open(const char *wanted)
{
    const char *name = wanted != NULL ? wanted : from_environment();

    spanish = strncmp(name, "es", 2) == 0 && (name[2] == '\0' || strchr("_.@-", name[2]) != NULL);
    /* Texts are UTF-8 whatever is installed; gettext speaks by LANGUAGE in any locale but plain C. */
    setenv("LANGUAGE", spanish ? "es" : "en", 1);
    setlocale(LC_CTYPE, "C.UTF-8");
    setlocale(LC_MESSAGES, "C.UTF-8");
    bind_catalogues();
    return wanted == NULL || spanish || strcmp(wanted, "en") == 0;
}

const char *
lang_translate(const char *english)
{
    return english[0] == '\0' ? english : gettext(english);
}

const char *
lang_pick(const char *english, const char *in_spanish)
{
    return spanish ? in_spanish : english;
}

/* As pgettext does, for texts that are not literals: the context stands before the text in the catalogue. */
const char *
lang_label(const char *label)
{
    char key[128];
    snprintf(key, sizeof key, "label\004%s", label);
    const char *found = gettext(key);
    return found == key ? label : found;
}
