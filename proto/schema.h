/* schema.h - the compiled descriptors of every block, enum and refusal; everything that is not a rule walks these.
 *
 * proto/schema.def is expanded in three places: the structs (include/pedido/messages.h), the descriptors (schema.c), and
 * the dispatch of rules and folds (engine/domain/dispatch.c). All that is here is constant and may be read by any thread. */
#ifndef PROTO_SCHEMA_H
#define PROTO_SCHEMA_H

#include <pedido/messages.h>

enum pd_block_kind { PD_BLOCK_part, PD_BLOCK_row, PD_BLOCK_command, PD_BLOCK_query, PD_BLOCK_event, PD_BLOCK_reply };

enum pd_field_kind {
    PD_KIND_TEXT, PD_KIND_UINT, PD_KIND_FLAG, PD_KIND_DOMAIN, PD_KIND_CHOICE, PD_KIND_TEXTS, PD_KIND_LIST,
    PD_KIND_STRUCT, PD_KIND_MAP, PD_KIND_RAW,
};

/* How a text must be spelled beyond its length. */
enum pd_form { PD_FORM_ANY, PD_FORM_PRINT, PD_FORM_ID, PD_FORM_CURRENCY, PD_FORM_PERIOD, PD_FORM_EMAIL, PD_FORM_IDENTITY };

enum pd_need { PD_REQUIRED, PD_OPTIONAL, PD_HIDDEN };

/* Of a command: it answers at once and appends nothing. Of a query or command: it looks at all resellers, or at what they share. */
enum { PD_READS = 1, PD_SPANS = 2 };

struct pd_type {
    const char        *name;
    enum pd_field_kind kind;
    uint64_t           min, max; /* bytes of a text, value of a number */
    enum pd_form       form;
    const char        *description;
};

struct pd_value {
    int         number;
    const char *name;
    size_t      name_size;
    const char *english, *spanish;
};

struct pd_enum {
    const char            *name, *description;
    const char            *names; /* "one of a, b, c": what a refusal says is expected */
    const struct pd_value *values; /* in order of number, from 1, without gaps */
    size_t                 count;
};

struct pd_block;

enum { PD_NAME_MAX = 31 }; /* bytes of a field's name: what MessagePack says in one byte */

struct pd_field {
    const char           *name;
    size_t                name_size;
    char                  key[1 + PD_NAME_MAX]; /* a byte to be filled and the name: copied as it is, it costs no count */
    enum pd_field_kind    kind;
    enum pd_need          need;
    size_t                offset;      /* of the value in the block's struct */
    size_t                aux_offset;  /* of has_<name> or <name>_count, where there is one */
    const struct pd_type *type;        /* TEXT, UINT, FLAG, DOMAIN, TEXTS; else NULL */
    const struct pd_enum *choice;      /* CHOICE; else NULL */
    const struct pd_block *(*block)(void); /* LIST, STRUCT; else NULL */
    size_t                count_min, count_max; /* TEXTS, LIST, MAP */
    const char           *description;
};

/* The rows an event evolves; `list` is NULL, or the list each of whose elements names one. */
struct pd_touch {
    const char *list;
    int         row; /* enum pd_row_code */
};

struct pd_block {
    enum pd_block_kind     kind;
    int                    code;
    const char            *name; /* add_order */
    const char            *Name; /* AddOrder, as on the wire */
    size_t                 Name_size;
    int                    aggregate; /* events: enum pd_aggregate */
    int                    port, role, flags; /* commands, queries */
    const struct pd_block *(*reply)(void); /* commands, queries: the block of the answer's `data` */
    const char            *english, *spanish, *description;
    size_t                 size; /* of the struct */
    const struct pd_field *fields;
    size_t                 field_count;
    const struct pd_touch *touches; /* events */
    size_t                 touch_count;
};

struct pd_error {
    int         number;
    const char *code;
    int         class; /* enum pd_error_class */
    const char *english, *spanish, *sentence;
};

#define PD_BLOCK(kind, code, name, ...) const struct pd_block *pd_block_##name(void);
#include "proto/schema.def"

/* The i-th block in the order of schema.def, or NULL beyond the last. */
const struct pd_block *pd_schema_block(size_t i);

/* The block of a code or name, or NULL. */
const struct pd_block *pd_schema_command(int code);
const struct pd_block *pd_schema_event(int code);
const struct pd_block *pd_schema_row(int code);
const struct pd_block *pd_schema_query(int code);
const struct pd_block *pd_schema_find(enum pd_block_kind kind, struct pd_text Name);

/* The field of a block, or NULL. */
const struct pd_field *pd_block_field(const struct pd_block *block, struct pd_text name);

/* Every enum; the name of a value ("" when there is none); the number of a name (0 when there is none). */
const struct pd_enum *const *pd_schema_enums(size_t *ret_count);
struct pd_text        pd_enum_name(const struct pd_enum *e, int number);
int                   pd_enum_number(const struct pd_enum *e, struct pd_text name);

/* The wire name of an enumerator: PD_NAME(order_state, order->state). */
#define PD_NAME(of, number) pd_enum_name(pd_enum_##of(), (int)(number))
#define PD_ENUM(name, description) const struct pd_enum *pd_enum_##name(void);
#include "proto/enums.def"

/* Refusals by number or code, or NULL; their classes' names and exit statuses. */
const struct pd_error *pd_schema_errors(size_t *ret_count);
const struct pd_error *pd_schema_error(int number);
const struct pd_error *pd_schema_error_named(struct pd_text code);
const char            *pd_error_class_name(int class);
int                    pd_error_class_exit(int class);

#endif
