#include "clients/cli/show/money.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The exceptions to two decimals, ISO 4217. */
static const struct {
    char code[4];
    int  decimals;
} exceptions[] = {
    {"BIF", 0}, {"CLP", 0}, {"DJF", 0}, {"GNF", 0}, {"ISK", 0}, {"JPY", 0}, {"KMF", 0}, {"KRW", 0}, {"PYG", 0}, {"RWF", 0},
    {"UGX", 0}, {"UYI", 0}, {"VND", 0}, {"VUV", 0}, {"XAF", 0}, {"XOF", 0}, {"XPF", 0}, {"BHD", 3}, {"IQD", 3}, {"JOD", 3},
    {"KWD", 3}, {"LYD", 3}, {"OMR", 3}, {"TND", 3}, {"CLF", 4}, {"UYW", 4},
};

int
money_decimals(const char *currency)
{
    for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++)
        if (strcmp(exceptions[i].code, currency) == 0) return exceptions[i].decimals;
    return 2;
}

void
money_to_text(int64_t minor, const char *currency, char ret_text[MONEY_TEXT_SIZE])
{
    int64_t scale = 1;

    /* Others have sent it: three letters, or none. */
    if (currency != NULL && strspn(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") < 3) currency = NULL;

    if (currency == NULL) {
        snprintf(ret_text, MONEY_TEXT_SIZE, "%" PRId64, minor);
        return;
    }
    int decimals = money_decimals(currency);
    for (int i = 0; i < decimals; i++) scale *= 10;
    if (decimals == 0) snprintf(ret_text, MONEY_TEXT_SIZE, "%" PRId64 " %.3s", minor, currency);
    else
        snprintf(ret_text, MONEY_TEXT_SIZE, "%" PRId64 ".%0*" PRId64 " %.3s", minor / scale, decimals, minor % scale,
                 currency);
}

bool
money_from_text(const char *text, const char *currency, int64_t *ret_minor)
{
    int     decimals = money_decimals(currency), seen = -1, digits = 0;
    int64_t minor = 0;

    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '.' && seen < 0 && digits > 0) {
            seen = 0;
            continue;
        }
        if (*p < '0' || *p > '9' || seen == decimals) return false;
        if (__builtin_mul_overflow(minor, 10, &minor) || __builtin_add_overflow(minor, *p - '0', &minor)) return false;
        digits++;
        if (seen >= 0) seen++;
    }
    if (digits == 0 || seen == 0) return false;
    for (int i = seen < 0 ? 0 : seen; i < decimals; i++)
        if (__builtin_mul_overflow(minor, 10, &minor)) return false;
    *ret_minor = minor;
    return true;
}
