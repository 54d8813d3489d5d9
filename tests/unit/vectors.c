#include "tests/unit/vectors.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/check.h"

static struct pd_text
from_hex(const char *hex)
{
    size_t size = strlen(hex) / 2;
    /* Exactly as long as it is, so that a read behind the end shows under the address sanitizer. */
    char *bytes = malloc(size > 0 ? size : 1);
    PD_CHECK(bytes != NULL);
    for (size_t i = 0; i < size; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        bytes[i] = (char)strtoul(pair, NULL, 16);
    }
    return (struct pd_text){bytes, size};
}

struct vector *
vectors_read(const char *file, const char *key, size_t *ret_count)
{
    char           path[512];
    char          *line = NULL;
    size_t         size = 0, count = 0;
    struct vector *vectors = NULL;

    snprintf(path, sizeof path, PD_SOURCE_DIR "/proto/vectors/%s", file);
    FILE *f = fopen(path, "r");
    PD_CHECK(f != NULL);
    while (getline(&line, &size, f) > 0) {
        /* Numbers up to 2^64 - 1 stand in the values; the tests look only at small ones. */
        json_t *json = json_loads(line, JSON_DECODE_INT_AS_REAL, NULL);
        PD_CHECK(json != NULL);
        vectors = realloc(vectors, (count + 1) * sizeof *vectors);
        PD_CHECK(vectors != NULL);
        const char *kind = json_string_value(json_object_get(json, "kind"));
        const char *name = json_string_value(json_object_get(json, kind == NULL ? "name" : "type"));
        PD_CHECK(name != NULL);
        vectors[count++] = (struct vector){json, kind == NULL ? "" : kind, name,
                                           from_hex(json_string_value(json_object_get(json, key)))};
    }
    free(line);
    fclose(f);
    *ret_count = count;
    return vectors;
}

void
vectors_free(struct vector *vectors, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_decref(vectors[i].json);
        free((char *)(uintptr_t)vectors[i].bytes.data);
    }
    free(vectors);
}

struct pd_text
vector_text(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return value == NULL ? (struct pd_text){NULL, 0} : (struct pd_text){json_string_value(value), json_string_length(value)};
}

uint64_t
vector_number(const json_t *object, const char *key)
{
    return (uint64_t)json_number_value(json_object_get(object, key));
}
