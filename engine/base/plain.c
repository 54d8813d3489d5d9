#include "engine/base/plain.h"

#include <glib.h>

/* Takes the marks out of a decomposed text, in its place; returns what is left in bytes. */
static size_t
drop_marks(char *text)
{
    char *end = text;

    for (const char *p = text, *next; *p != '\0'; p = next) {
        next = g_utf8_next_char(p);
        if (g_unichar_ismark(g_utf8_get_char(p))) continue;
        memmove(end, p, (size_t)(next - p));
        end += next - p;
    }
    return (size_t)(end - text);
}

struct pd_text
plain_text(struct pd_arena *arena, struct pd_text text)
{
    char  *lower = pd_arena_alloc(arena, text.size + 1), *apart, *folded;
    size_t size = 0;

    /* Most texts are ASCII, and a search looks at very many of them. */
    while (size < text.size && (unsigned char)text.data[size] < 0x80) {
        lower[size] = g_ascii_tolower(text.data[size]);
        size++;
    }
    if (size == text.size) return (struct pd_text){lower, size};

    if ((apart = g_utf8_normalize(text.data, (gssize)text.size, G_NORMALIZE_NFKD)) == NULL) return text;
    folded = g_utf8_casefold(apart, (gssize)drop_marks(apart));
    struct pd_text plain = pd_arena_text(arena, pd_text(folded));
    g_free(folded);
    g_free(apart);
    return plain;
}
