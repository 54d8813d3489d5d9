/* vectors.h - the golden vectors of proto/vectors, one JSON object a line. */
#ifndef UNIT_VECTORS_H
#define UNIT_VECTORS_H

#include <jansson.h>
#include <pedido/types.h>

/* A line, and the bytes that its `key` spells in hexadecimal. */
struct vector {
    json_t        *json;
    const char    *kind, *name; /* "kind" and "type", or "" and "name" */
    struct pd_text bytes;
};

/* Every line of proto/vectors/<file>; freed by vectors_free. A file that cannot be read ends the program. */
struct vector *vectors_read(const char *file, const char *key, size_t *ret_count);
void           vectors_free(struct vector *vectors, size_t count);

/* A member of an object as a text or number; absent or 0 when it is not there. */
struct pd_text vector_text(const json_t *object, const char *key);
uint64_t       vector_number(const json_t *object, const char *key);

#endif
