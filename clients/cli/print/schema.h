/* schema.h - the words in which the schema is printed. */
#ifndef CLIENTS_CLI_PRINT_SCHEMA_H
#define CLIENTS_CLI_PRINT_SCHEMA_H

#include <stdio.h>

#include "proto/schema.h"

const struct pd_type *schema_type_at(size_t i); /* NULL beyond the last */
const char           *schema_block_kind(const struct pd_block *block);
const char           *schema_field_kind(enum pd_field_kind kind);
const char           *schema_form(enum pd_form form);
const char           *schema_need(enum pd_need need);
const char           *schema_of(const struct pd_field *field); /* the type, enum or block of a field; "" for the others */

/* markdown.c, texts.c: MESSAGES.md; a gettext template of what people are shown. */
void markdown_print(void);
void texts_print(void);

#endif
