#include "clients/cli/show/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

#include "proto/check.h"

struct range {
    uint32_t first, last;
};

/* Marks that stand on the character before, and what is not seen. */
static const struct range narrow[] = {
    {0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},   {0x64b, 0x65f},
    {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f}, {0x2060, 0x2064}, {0x20d0, 0x20ff},
    {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff},
};
/* East Asian scripts and pictures. */
static const struct range wide[] = {
    {0x1100, 0x115f}, {0x2e80, 0x303e}, {0x3041, 0xa4cf}, {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
    {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1f64f}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
};
/* What would move the cursor, or turn the line's direction round. */
static const struct range control[] = {{0, 0x1f}, {0x7f, 0x9f}, {0x202a, 0x202e}, {0x2066, 0x2069}};

static bool
is_in(const struct range *ranges, size_t count, uint32_t code)
{
    for (size_t i = 0; i < count; i++)
        if (code >= ranges[i].first && code <= ranges[i].last) return true;
    return false;
}

/* The next character; the texts come from jansson, which lets nothing but UTF-8 pass. */
static uint32_t
next_code(const char **text)
{
    const unsigned char *p = (const unsigned char *)*text;
    int      more = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : *p >= 0xc0 ? 1 : 0;
    uint32_t code = more == 0 ? *p : *p & (0x3fu >> more);
    for (p++; more > 0 && (*p & 0xc0) == 0x80; more--, p++) code = code << 6 | (*p & 0x3f);
    *text = (const char *)p;
    return code;
}

static bool
is_control(uint32_t code)
{
    return is_in(control, sizeof control / sizeof control[0], code);
}

static size_t
width_of(uint32_t code)
{
    if (is_control(code)) return 1; /* it is shown as a question mark */
    if (is_in(wide, sizeof wide / sizeof wide[0], code)) return 2;
    return !is_in(narrow, sizeof narrow / sizeof narrow[0], code);
}

size_t
text_part_width(const char *text, size_t size)
{
    const char *end = text + size;
    size_t      width = 0;
    while (text < end) width += width_of(next_code(&text));
    return width;
}

size_t
text_width(const char *text)
{
    return text_part_width(text, strlen(text));
}

void
text_print_part(FILE *to, const char *text, size_t size)
{
    const char *end = text + size;
    while (text < end) {
        const char *start = text;
        if (is_control(next_code(&text))) fputc('?', to);
        else fwrite(start, 1, (size_t)(text - start), to);
    }
}

void
text_print(FILE *to, const char *text, size_t width, enum text_side side)
{
    size_t own = text_width(text), fill = width > own ? width - own : 0;
    if (side == TEXT_RIGHT) fprintf(to, "%*s", (int)fill, "");
    text_print_part(to, text, strlen(text));
    if (side == TEXT_LEFT) fprintf(to, "%*s", (int)fill, "");
}

/* Where a text that is cut at `width` columns ends. */
static const char *
end_at(const char *text, size_t width)
{
    size_t used = 0;
    while (*text != '\0') {
        const char *next = text;
        used += width_of(next_code(&next));
        if (used > width) break;
        text = next;
    }
    return text;
}

void
text_print_cut(FILE *to, const char *text, size_t width)
{
    text_print_part(to, text, (size_t)(end_at(text, width) - text));
}

size_t
text_fit(const char *text, size_t width, const char **ret_next)
{
    const char *end = end_at(text, width), *blank = NULL;

    if (end == text && *end != '\0') next_code(&end);
    if (*end != '\0' && *end != ' ') {
        for (const char *p = end; p > text && blank == NULL; p--)
            if (p[-1] == ' ') blank = p;
        if (blank != NULL) end = blank;
    }
    const char *next = end;
    while (*next == ' ') next++;
    *ret_next = next;
    while (end > text + 1 && end[-1] == ' ') end--;
    return (size_t)(end - text);
}

/* Every letter that people write here has a capital of as many bytes; one that has not stays as it is. */
char *
text_upper(const char *text)
{
    char *upper = strdup(text), *to = upper;

    PD_CHECK(upper != NULL);
    while (*text != '\0') {
        const char *start = text;
        uint32_t    code = (uint32_t)towupper((wint_t)next_code(&text));
        if (text - start == 1 && code < 0x80) *to = (char)code;
        if (text - start == 2 && code >= 0x80 && code < 0x800) {
            to[0] = (char)(0xc0 | code >> 6);
            to[1] = (char)(0x80 | (code & 0x3f));
        }
        to += text - start;
    }
    return upper;
}
