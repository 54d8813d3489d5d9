/* refusal.h - why a message was refused: data for the client. A refusal holds no pointers but literals, so it can be
 * remembered and given again. */
#ifndef PROTO_REFUSAL_H
#define PROTO_REFUSAL_H

#include <pedido/messages.h>

#include "proto/limits.h"
#include "proto/msgpack.h"

struct pd_refusal {
    enum pd_error_code code; /* PD_OK: none */
    char     field[PD_FIELD_PATH_MAX]; /* "items[1].plan"; "" when it is about no field */
    const char *expected;    /* invalid_field: what would be acceptable, a literal; or NULL */
    uint64_t order;          /* reference_taken */
    uint64_t version;        /* version_conflict */
    enum pd_order_state state; /* illegal_transition */
    int      command;        /* illegal_transition: enum pd_command_code */
    uint64_t allowed;        /* illegal_transition: bit n is command code n */
    uint32_t retry_after_ms; /* busy */
};

/* A refusal about a field; `field` is formatted as by printf and cut at the bound, behind a whole letter. */
struct pd_refusal pd_refuse(enum pd_error_code code);
struct pd_refusal pd_refuse_field(enum pd_error_code code, const char *expected, const char *field, ...)
    __attribute__((format(printf, 3, 4)));

/* Packs {"code":..,"message":..,"field":..?,...}. */
void pd_encode_refusal(struct mp_writer *w, const struct pd_refusal *refusal);

/* Packs the names of the commands in `allowed`, as an array. */
size_t pd_allowed_names(uint64_t allowed, struct pd_text *ret_names, size_t max);

#endif
