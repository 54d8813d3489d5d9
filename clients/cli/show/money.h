/* money.h - amounts between a currency's minor unit and what people read. */
#ifndef CLIENTS_CLI_SHOW_MONEY_H
#define CLIENTS_CLI_SHOW_MONEY_H

#include <stdbool.h>
#include <stdint.h>

/* How many decimals a currency has (ISO 4217). */
int money_decimals(const char *currency);

/* 1250 EUR -> "12.50 EUR"; without a currency the number alone. */
enum { MONEY_TEXT_SIZE = 40 };
void money_to_text(int64_t minor, const char *currency, char ret_text[MONEY_TEXT_SIZE]);

/* "12.5" EUR -> 1250. False: no amount, or more decimals than the currency has. */
bool money_from_text(const char *text, const char *currency, int64_t *ret_minor);

#endif
