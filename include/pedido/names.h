/* names.h - enumerators as they stand on the wire: pd_order_state_name(PD_order_state_draft) is "draft". Literals; "" for what is
 * absent or not known. */
#ifndef PEDIDO_NAMES_H
#define PEDIDO_NAMES_H

#include <pedido/messages.h>

#define PD_ENUM(name, description)                                                                                         \
    static inline const char *pd_##name##_name(enum pd_##name value)                                                       \
    {                                                                                                                      \
        switch ((int)value) {
#define PD_VALUE(of, number, name, english, spanish)                                                                       \
        case number: return #name;
#define PD_ENUM_END(name)                                                                                                  \
        default: return "";                                                                                                \
        }                                                                                                                  \
    }
#include "proto/enums.def"

static inline const char *
pd_error_code_name(enum pd_error_code code)
{
    switch ((int)code) {
#define PD_ERROR(number, code, class, english, spanish, sentence) case number: return #code;
#include "proto/errors.def"
    default: return "";
    }
}

#endif
