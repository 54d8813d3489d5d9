/* json.h - JSON (jansson) to MessagePack and back, by the descriptors.
 *
 * The two are nearly the same, so what the engine should judge is passed on as it stands: unknown fields, wrong types and
 * numbers out of range are its to refuse. The descriptors are needed for times, which JSON writes as RFC 3339 texts and the
 * wire as microseconds, and for judging without an engine (pd_json_check_field). */
#ifndef CLIENTS_LIB_JSON_H
#define CLIENTS_LIB_JSON_H

#include <jansson.h>

#include "proto/codec.h"

struct pd_json_problem {
    char field[PD_FIELD_PATH_MAX]; /* items[1].plan */
    char what[120];
};

/* For a program's start: where memory ends, jansson's next call ends the program with a word, instead of half a text. */
void pd_json_check_memory(void);

/* Packs an object as the map of a block. In a `request`, `data` is packed by the block that `type` names. Times may be
 * RFC 3339 texts or numbers. False: ret_problem names the field. */
bool pd_json_to_request(struct mp_writer *w, const struct pd_block *block, const json_t *object,
                        struct pd_json_problem *ret_problem);

/* A value as a block's map shows it; block may be NULL. Times become RFC 3339 texts. `data` of an event or a request is
 * shown by the block that its `type` names. NULL: it is not a value that JSON has. */
json_t *pd_json_from_msgpack(const msgpack_object *object, const struct pd_block *block);
json_t *pd_json_from_bytes(struct pd_text bytes, const struct pd_block *block);

/* Whether the engine would take this value for this field; the refusal is the one it would give. */
bool pd_json_check_field(const struct pd_block *block, const char *field, const json_t *value,
                         struct pd_refusal *ret_refusal);

#endif
