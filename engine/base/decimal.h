/* decimal.h - numbers in digits, where printf would be a part of the time that counts. */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

/* Writes up to 20 digits, and no end; returns where they end. */
static inline char *
decimal_put(char *at, uint64_t n)
{
    char   digits[20];
    size_t count = 0;
    do digits[count++] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    while (count > 0) *at++ = digits[--count];
    return at;
}

#endif
