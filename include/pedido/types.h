/* types.h - the few types that every message shares.
 *
 * Texts are UTF-8. Nothing may rely on a NUL behind one, but where a function says that there is; `data` points into memory
 * owned by somebody else (an arena, a received frame, a literal) and lives as long as that does. An absent text has
 * data == NULL. */
#ifndef PEDIDO_TYPES_H
#define PEDIDO_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What libpedido exports: these functions and no others, under the version PEDIDO_0.1. While the library's number is 0.x structs
 * may grow with the schema; pd_client_open refuses a program that was compiled for others. */
#define PD_API __attribute__((visibility("default")))

#ifdef __cplusplus
#define PD_BEGIN_DECLARATIONS extern "C" {
#define PD_END_DECLARATIONS   }
#else
#define PD_BEGIN_DECLARATIONS
#define PD_END_DECLARATIONS
#endif

struct pd_text {
    const char *data;
    size_t      size; /* bytes */
};

/* A domain name in both spellings. In a decoded command only `unicode` is set, as it was written, until the engine's
 * door has made it ASCII (IDNA 2008); in events and rows both stand. */
struct pd_domain {
    struct pd_text ascii;
    struct pd_text unicode;
};

struct pd_pair {
    struct pd_text key;
    struct pd_text value;
};

/* The text of a literal, in C also where a constant must stand; of a C string, absent for NULL. Nothing is copied. */
#ifdef __cplusplus
#define PD_TEXT(literal) pd_text(literal)
#else
#define PD_TEXT(literal) ((struct pd_text){(literal), sizeof(literal) - 1})
#endif

static inline struct pd_text
pd_text(const char *s)
{
    struct pd_text text = {s, s == NULL ? 0 : strlen(s)};
    return text;
}

static inline bool
pd_text_equal(struct pd_text a, struct pd_text b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Microseconds since 1970-01-01T00:00:00Z. */
typedef uint64_t pd_time_us;

/* An optional number in a message's initialiser: PD_SET(order, 17) sets `order` and says that it is there. */
#define PD_SET(field, value) .field = (value), .has_##field = true

#endif
