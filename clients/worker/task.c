#include "clients/worker/task.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/lib/json.h"
#include "clients/lib/time.h"
#include "proto/check.h"

struct pd_text
task_json(struct pd_arena *arena, const struct pd_assignment *task)
{
    struct mp_writer packed = {0};

    pd_encode_map(&packed, pd_block_assignment(), task);
    json_t *object = pd_json_from_bytes((struct pd_text){packed.data, packed.size}, pd_block_assignment());
    char   *dumped = json_dumps(object, JSON_COMPACT);
    PD_CHECK(dumped != NULL);
    size_t size = strlen(dumped);
    char  *line = pd_arena_alloc(arena, size + 1);
    memcpy(line, dumped, size);
    line[size] = '\n';
    free(dumped);
    json_decref(object);
    mp_writer_fini(&packed);
    return (struct pd_text){line, size + 1};
}

#define AT(type, message, offset) ((const type *)(const void *)((const char *)(message) + (offset)))

/* A scalar as a text; absent when it is absent, or no scalar. */
static struct pd_text
scalar(struct pd_arena *arena, const struct pd_field *f, const void *message)
{
    char     text[PD_TIME_TEXT_SIZE];
    uint64_t number;

    switch (f->kind) {
    case PD_KIND_TEXT: return *AT(struct pd_text, message, f->offset);
    case PD_KIND_CHOICE: return pd_enum_name(f->choice, *AT(int, message, f->offset));
    case PD_KIND_UINT: break;
    default: return (struct pd_text){NULL, 0};
    }
    if (!*AT(bool, message, f->aux_offset)) return (struct pd_text){NULL, 0};
    number = *AT(uint64_t, message, f->offset);
    if (strcmp(f->type->name, "time") == 0) pd_time_to_text(number, text);
    else snprintf(text, sizeof text, "%" PRIu64, number);
    return pd_arena_text(arena, pd_text(text));
}

/* "PEDIDO_" kind key "=" value, the key in capitals, what is no letter or digit in it as `_`. */
static char *
variable(struct pd_arena *arena, const char *kind, struct pd_text key, struct pd_text value)
{
    size_t prefix = strlen(kind);
    char  *v = pd_arena_zero(arena, prefix + key.size + value.size + 2);

    memcpy(v, kind, prefix);
    for (size_t i = 0; i < key.size; i++) {
        char c = key.data[i];
        if (c >= 'a' && c <= 'z') c = (char)(c - 'a' + 'A');
        else if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))) c = '_';
        v[prefix + i] = c;
    }
    v[prefix + key.size] = '=';
    if (value.size > 0) memcpy(v + prefix + key.size + 1, value.data, value.size);
    return v;
}

char **
task_environment(struct pd_arena *arena, char *const *base, const struct pd_assignment *task)
{
    const struct pd_block *block = pd_block_assignment();
    size_t                 count = 0, n = 0;

    while (base[count] != NULL) count++;
    char **env = PD_ARENA_ARRAY(arena, char *, count + block->field_count + task->parameters_count +
                                               task->service_parameters_count + 1);
    for (size_t i = 0; i < count; i++)
        if (strncmp(base[i], "PEDIDO_", 7) != 0) env[n++] = base[i];
    for (size_t i = 0; i < block->field_count; i++) {
        const struct pd_field *f = &block->fields[i];
        struct pd_text         value = scalar(arena, f, task);
        if (value.data != NULL) env[n++] = variable(arena, "PEDIDO_", (struct pd_text){f->name, f->name_size}, value);
    }
    for (size_t i = 0; i < task->parameters_count; i++)
        env[n++] = variable(arena, "PEDIDO_PARAM_", task->parameters[i].key, task->parameters[i].value);
    for (size_t i = 0; i < task->service_parameters_count; i++)
        env[n++] = variable(arena, "PEDIDO_SERVICE_", task->service_parameters[i].key, task->service_parameters[i].value);
    return env;
}
