#include "engine/base/domain_name.h"

#include <idn2.h>
#include <libpsl.h>
#include <stdlib.h>

/* Letters, digits and hyphens; two labels or more of 1-63 bytes, none beginning or ending in a hyphen; not all digits at the
 * end, which would be an address. */
static bool
is_host_name(const char *ascii)
{
    size_t label = 0, labels = 1;
    bool   digits = true;

    if (strlen(ascii) > 253) return false;
    for (const char *p = ascii;; p++) {
        if (*p == '.' || *p == '\0') {
            if (label == 0 || label > 63 || p[-1] == '-' || p[-(ptrdiff_t)label] == '-') return false;
            if (*p == '\0') break;
            label = 0;
            labels++;
            digits = true;
            continue;
        }
        bool digit = *p >= '0' && *p <= '9';
        if (!digit && !(*p >= 'a' && *p <= 'z') && *p != '-') return false;
        digits = digits && digit;
        label++;
    }
    return labels >= 2 && !digits;
}

bool
domain_name_ready(void)
{
    return psl_builtin() != NULL;
}

enum { KNOWN = 16, KNOWN_SIZE = 32, ICANN = PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE };

/* Whether the list knows a name as a suffix. Most names end alike, and the list takes thousands of instructions for each: the last
 * answers are remembered. */
static bool
is_suffix(const psl_ctx_t *psl, const char *name)
{
    static _Thread_local struct known {
        char name[KNOWN_SIZE];
        bool is_suffix;
    } known[KNOWN];
    size_t   size = strlen(name);
    unsigned hash = 0;

    if (size >= KNOWN_SIZE) return psl_is_public_suffix2(psl, name, ICANN);
    for (size_t i = 0; i < size; i++) hash = hash * 31 + (unsigned char)name[i];
    struct known *k = &known[hash % KNOWN];
    if (strcmp(k->name, name) == 0) return k->is_suffix; /* no name is empty */
    memcpy(k->name, name, size + 1);
    return k->is_suffix = psl_is_public_suffix2(psl, name, ICANN);
}

/* At or below a registrable name: the ICANN list knows a suffix of it, and that is not the whole name. psl_unregistrable_domain's
 * catch-all rule "*" is not asked for, so that names under no known suffix fall through. */
static bool
is_registrable(const char *ascii)
{
    const psl_ctx_t *psl = psl_builtin();

    if (psl == NULL || psl_is_public_suffix2(psl, ascii, ICANN)) return false;
    for (const char *dot = strchr(ascii, '.'); dot != NULL; dot = strchr(dot + 1, '.'))
        if (is_suffix(psl, dot + 1)) return true;
    return false;
}

/* Lower-case letters, digits, hyphens and dots, no label with hyphens in its third and fourth place: IDNA leaves such a name
 * as it is in both spellings, so the library need not be asked. */
static bool
is_plain(const char *name)
{
    size_t label = 0;
    for (const char *p = name; *p != '\0'; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '-' || *p == '.';
        if (!plain || (label == 3 && *p == '-' && p[-1] == '-')) return false;
        label = *p == '.' ? 0 : label + 1;
    }
    return true;
}

static bool
to_ascii(const char *name, char **ret_ascii)
{
    return idn2_to_ascii_8z(name, ret_ascii, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) == IDN2_OK;
}

bool
domain_name_judge(struct pd_arena *arena, struct pd_domain *domain)
{
    char   written[254], *ascii = NULL, *unicode = NULL, *again = NULL;
    size_t size = domain->unicode.size;
    bool   ok = false;

    if (size > 0 && domain->unicode.data[size - 1] == '.') size--; /* the root's dot */
    if (size == 0 || size >= sizeof written || memchr(domain->unicode.data, '\0', size) != NULL) return false;
    memcpy(written, domain->unicode.data, size);
    written[size] = '\0';
    if (is_plain(written)) {
        if (!is_host_name(written) || !is_registrable(written)) return false;
        domain->ascii = domain->unicode = pd_arena_text(arena, pd_text(written));
        return true;
    }
    /* A label that begins with xn-- the library takes as it is, even one that spells a blank: what people read must lead back. */
    if (to_ascii(written, &ascii) && is_host_name(ascii) && is_registrable(ascii) &&
        idn2_to_unicode_8z8z(ascii, &unicode, 0) == IDN2_OK && strlen(unicode) <= 253 && to_ascii(unicode, &again) &&
        strcmp(ascii, again) == 0) {
        domain->ascii = pd_arena_text(arena, pd_text(ascii));
        domain->unicode = pd_arena_text(arena, pd_text(unicode));
        ok = true;
    }
    free(ascii);
    free(unicode);
    free(again);
    return ok;
}
