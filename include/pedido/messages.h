/* messages.h - the structs of every message, event, row and answer, expanded from proto/schema.def.
 *
 * For each block there is `struct pd_<name>`, and for commands, queries, events and rows a code `PD_COMMAND_<name>` and so
 * on. What each field means, and which are required, stands in the .def files and in proto/MESSAGES.md. How a field looks in C:
 *
 *   text types      struct pd_text name;                          absent: name.data == NULL
 *   number types    uint64_t name; bool has_name;                 has_name matters for optional fields only
 *   flag            bool name;                                    absent: false
 *   domain          struct pd_domain name;                        absent: name.unicode.data == NULL
 *   PD_CHOICE       enum pd_<enum> name;                          absent: 0
 *   PD_TEXTS        struct pd_text *name; size_t name_count;
 *   PD_LIST         struct pd_<block> *name; size_t name_count;
 *   PD_STRUCT       struct pd_<block> *name;                      absent: NULL
 *   PD_MAP          struct pd_pair *name; size_t name_count;
 *   PD_RAW          struct pd_text name;                          the bytes of one MessagePack value
 *
 * Whatever a struct points to lives in the arena it was decoded into, or in the received bytes. */
#ifndef PEDIDO_MESSAGES_H
#define PEDIDO_MESSAGES_H

#include <pedido/types.h>

/* Enumerators: enum pd_order_state { PD_order_state_draft = 1, ... }. */
#define PD_ENUM(name, description) enum pd_##name { PD_##name##_absent = 0,
#define PD_VALUE(of, number, name, english, spanish) PD_##of##_##name = (number),
#define PD_ENUM_END(name) };
#include "proto/enums.def"

/* Refusals: PD_E_order_not_found. 0 is no refusal. */
enum pd_error_code {
    PD_OK = 0,
#define PD_ERROR(number, code, class, english, spanish, sentence) PD_E_##code = (number),
#include "proto/errors.def"
};

enum pd_error_class {
#define PD_ERROR_CLASS(number, name, exit_status) PD_CLASS_##name = (number),
#include "proto/errors.def"
};

#define PD_DECLARE_TEXT_FIELD(name) struct pd_text name;
#define PD_DECLARE_UINT_FIELD(name) uint64_t name; bool has_##name;
#define PD_DECLARE_id(name)           PD_DECLARE_TEXT_FIELD(name)
#define PD_DECLARE_token(name)        PD_DECLARE_TEXT_FIELD(name)
#define PD_DECLARE_path(name)         PD_DECLARE_TEXT_FIELD(name)
#define PD_DECLARE_name(name)         PD_DECLARE_TEXT_FIELD(name)
#define PD_DECLARE_text(name)         PD_DECLARE_TEXT_FIELD(name)
#define PD_DECLARE_note(name)         PD_DECLARE_TEXT_FIELD(name)
#define PD_DECLARE_output(name)       PD_DECLARE_TEXT_FIELD(name)
#define PD_DECLARE_email(name)        PD_DECLARE_TEXT_FIELD(name)
#define PD_DECLARE_zone(name)         PD_DECLARE_TEXT_FIELD(name)
#define PD_DECLARE_currency(name)     PD_DECLARE_TEXT_FIELD(name)
#define PD_DECLARE_period(name)       PD_DECLARE_TEXT_FIELD(name)
#define PD_DECLARE_endpoint(name)     PD_DECLARE_TEXT_FIELD(name)
#define PD_DECLARE_identity(name)     PD_DECLARE_TEXT_FIELD(name)
#define PD_DECLARE_trace(name)        PD_DECLARE_TEXT_FIELD(name)
#define PD_DECLARE_domain_name(name)  PD_DECLARE_TEXT_FIELD(name)
#define PD_DECLARE_domain(name)       struct pd_domain name;
#define PD_DECLARE_number(name)       PD_DECLARE_UINT_FIELD(name)
#define PD_DECLARE_position(name)     PD_DECLARE_UINT_FIELD(name)
#define PD_DECLARE_count(name)        PD_DECLARE_UINT_FIELD(name)
#define PD_DECLARE_bits(name)         PD_DECLARE_UINT_FIELD(name)
#define PD_DECLARE_amount(name)       PD_DECLARE_UINT_FIELD(name)
#define PD_DECLARE_quantity(name)     PD_DECLARE_UINT_FIELD(name)
#define PD_DECLARE_percent(name)      PD_DECLARE_UINT_FIELD(name)
#define PD_DECLARE_seconds(name)      PD_DECLARE_UINT_FIELD(name)
#define PD_DECLARE_milliseconds(name) PD_DECLARE_UINT_FIELD(name)
#define PD_DECLARE_time(name)         PD_DECLARE_UINT_FIELD(name)
#define PD_DECLARE_credit(name)       PD_DECLARE_UINT_FIELD(name)
#define PD_DECLARE_limit(name)        PD_DECLARE_UINT_FIELD(name)
#define PD_DECLARE_flag(name)         bool name;

#define PD_BLOCK(kind, code, name, Name, aggregate, port, role, flags, reply, english, spanish, description) struct pd_##name {
#define PD_FIELD(type, name, need, description)        PD_DECLARE_##type(name)
#define PD_CHOICE(of, name, need, description)         enum pd_##of name;
#define PD_TEXTS(name, type, min, max, description)    struct pd_text *name; size_t name##_count;
#define PD_LIST(name, block, min, max, description)    struct pd_##block *name; size_t name##_count;
#define PD_STRUCT(name, block, need, description)      struct pd_##block *name;
#define PD_MAP(name, max, description)                 struct pd_pair *name; size_t name##_count;
#define PD_RAW(name, need, description)                struct pd_text name;
#define PD_END(name) char pd_end; };
#include "proto/schema.def"

/* Codes: PD_COMMAND_add_order, PD_QUERY_list_orders, PD_EVENT_order_added, PD_ROW_order. */
enum pd_command_code {
#define PD_COMMAND(code, name, ...) PD_COMMAND_##name = (code),
#define PD_SERVICE(code, name, ...) PD_COMMAND_##name = (code),
#include "proto/schema.def"
    PD_COMMAND_CODES = 64, /* all are below */
};
enum pd_query_code {
#define PD_QUERY(code, name, ...) PD_QUERY_##name = (code),
#include "proto/schema.def"
};
enum pd_event_code {
#define PD_EVENT(code, name, ...) PD_EVENT_##name = (code),
#include "proto/schema.def"
    PD_EVENT_CODES = 64, /* all are below */
};
enum pd_row_code {
#define PD_ROW(code, name, ...) PD_ROW_##name = (code),
#include "proto/schema.def"
    PD_ROW_CODES = 8, /* all are below */
};

#endif
