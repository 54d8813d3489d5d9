/* format.h - a field's value as people read it: money with its decimals, local time, labels, domains in Unicode. */
#ifndef CLIENTS_CLI_SHOW_FORMAT_H
#define CLIENTS_CLI_SHOW_FORMAT_H

#include <jansson.h>

#include "proto/schema.h"

/* The value of a field of `object`, allocated; "" when it is absent. `currency` is that of amounts, or NULL. */
char *format_field(const struct pd_field *field, const json_t *object, const char *currency);

/* An event's main fields in a line, allocated: "draft -> new  total 12.50 EUR". */
char *format_event(const char *type, const json_t *data);

/* A time of the JSON form in local time, allocated. */
char *format_time(const char *text);

/* The label of an order's state; a name that is none as it is. */
const char *format_state(const char *name);

/* Why an order stands where it does: the label of a refusal's code, or the words that somebody gave. */
const char *format_reason(const char *reason);

/* What an item of CheckStatus' answer waits for, or its worker's last words, allocated; "" when neither is known. */
char *format_waiting(const json_t *item);

/* A number, allocated. */
char *format_count(size_t count);

/* "1y" as "1 year", allocated. */
char *format_period(const char *period);

/* A field's name as a label: "setup total". */
void format_label(const char *name, char *ret_label, size_t size);

#endif
