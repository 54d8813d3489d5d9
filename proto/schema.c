/* schema.c - the descriptor tables. */
#include "proto/schema.h"

/* Types. */
#define PD_TYPE(name, kind, min, max, form, description)                                                               \
    static const struct pd_type type_##name = {#name, PD_KIND_##kind, (min), (max), PD_FORM_##form, description};
#include "proto/types.def"
enum {
#define PD_TYPE(name, kind, min, max, form, description) kind_##name = PD_KIND_##kind,
#include "proto/types.def"
};

/* Enums. What stands before a name in "one of a, b, c" depends on whether its number is 1. */
#define BEFORE_1              , "one of "
#define SECOND(_, text, ...)  text
#define CHOOSE(...)           SECOND(__VA_ARGS__)
#define BEFORE(number)        CHOOSE(BEFORE_##number, ", ", )
#define PD_ENUM(name, description)                   static const char names_##name[] =
#define PD_VALUE(of, number, name, english, spanish) BEFORE(number) #name
#define PD_ENUM_END(name)                            ;
#include "proto/enums.def"
#define PD_ENUM(name, description)                                                                                     \
    static const char            about_##name[] = description;                                                         \
    static const struct pd_value values_##name[] = {
#define PD_VALUE(of, number, name, english, spanish) {(number), #name, sizeof #name - 1, english, spanish},
#define PD_ENUM_END(name)                                                                                              \
    };                                                                                                                 \
    static const struct pd_enum enum_##name = {#name, about_##name, names_##name, values_##name,                       \
                                               sizeof values_##name / sizeof values_##name[0]};                        \
    const struct pd_enum *pd_enum_##name(void) { return &enum_##name; }
#include "proto/enums.def"

/* How many fields each block has, and which rows each event touches. */
#define PD_BLOCK(kind, code, name, ...) enum { field_count_##name = 0
#define PD_FIELD(type, name, need, description)        + 1
#define PD_CHOICE(of, name, need, description)         + 1
#define PD_TEXTS(name, type, min, max, description)    + 1
#define PD_LIST(name, block, min, max, description)    + 1
#define PD_STRUCT(name, block, need, description)      + 1
#define PD_MAP(name, max, description)                 + 1
#define PD_RAW(name, need, description)                + 1
#define PD_END(name) };
#include "proto/schema.def"

#define PD_BLOCK(kind, code, name, ...) static const struct pd_touch touches_##name[] = {
#define PD_TOUCHES(event, row)                   {NULL, PD_ROW_##row},
#define PD_TOUCHES_EACH(event, list, block, row) {#list, PD_ROW_##row},
#define PD_END(name) {NULL, 0}};
#include "proto/schema.def"

/* The blocks. A UINT's has_<name> stands right behind its value (PD_DECLARE_UINT_FIELD). */
_Static_assert(offsetof(struct pd_confirm_order, has_total) ==
                   offsetof(struct pd_confirm_order, total) + sizeof(uint64_t), "has_<name> follows its number");

#define PD_BLOCK(kind, code, name, Name, aggregate, port, role, flags, reply, english, spanish, description)           \
    const struct pd_block *pd_block_##name(void)                                                                       \
    {                                                                                                                  \
        typedef struct pd_##name self;                                                                                 \
        static const struct {                                                                                          \
            struct pd_block block;                                                                                     \
            struct pd_field fields[field_count_##name + 1];                                                            \
        } d = {{PD_BLOCK_##kind, code, #name, #Name, sizeof #Name - 1, aggregate, port, role, flags, reply, english, \
                spanish, description,                                                                                   \
                sizeof(self), d.fields, field_count_##name, touches_##name,                                            \
                sizeof touches_##name / sizeof touches_##name[0] - 1},                                                 \
               {
#define HEAD(name, kind, need) #name, sizeof #name - 1, "\0" #name, kind, need, offsetof(self, name)
#define COUNT(name) offsetof(self, name##_count)
#define PD_FIELD(type, name, need, description)                                                                        \
    {HEAD(name, (enum pd_field_kind)kind_##type, need), offsetof(self, name) + sizeof(uint64_t), &type_##type, NULL,   \
     NULL, 0, 0, description},
#define PD_CHOICE(of, name, need, description)                                                                         \
    {HEAD(name, PD_KIND_CHOICE, need), 0, NULL, &enum_##of, NULL, 0, 0, description},
#define PD_TEXTS(name, type, min, max, description)                                                                    \
    {HEAD(name, PD_KIND_TEXTS, (min) > 0 ? PD_REQUIRED : PD_OPTIONAL), COUNT(name), &type_##type, NULL, NULL,          \
     (min), (max), description},
#define PD_LIST(name, block, min, max, description)                                                                    \
    {HEAD(name, PD_KIND_LIST, (min) > 0 ? PD_REQUIRED : PD_OPTIONAL), COUNT(name), NULL, NULL, pd_block_##block,       \
     (min), (max), description},
#define PD_STRUCT(name, block, need, description)                                                                      \
    {HEAD(name, PD_KIND_STRUCT, need), 0, NULL, NULL, pd_block_##block, 0, 0, description},
#define PD_MAP(name, max, description)                                                                                 \
    {HEAD(name, PD_KIND_MAP, PD_OPTIONAL), COUNT(name), NULL, NULL, NULL, 0, (max), description},
#define PD_RAW(name, need, description)                                                                                \
    {HEAD(name, PD_KIND_RAW, need), 0, NULL, NULL, NULL, 0, 0, description},
#define PD_END(name)                                                                                                   \
    {NULL, 0, "", PD_KIND_RAW, PD_HIDDEN, 0, 0, NULL, NULL, NULL, 0, 0, NULL}}};                                           \
    return &d.block;                                                                                                   \
    }
#include "proto/schema.def"

/* Refusals. */
static const struct pd_error errors[] = {
#define PD_ERROR(number, code, class, english, spanish, sentence)                                                      \
    {(number), #code, PD_CLASS_##class, english, spanish, sentence},
#include "proto/errors.def"
};

static const struct pd_block *(*const all[])(void) = {
#define PD_BLOCK(kind, code, name, ...) pd_block_##name,
#include "proto/schema.def"
};
enum { BLOCK_COUNT = sizeof all / sizeof all[0] };

const struct pd_block *
pd_schema_block(size_t i)
{
    return i < BLOCK_COUNT ? all[i]() : NULL;
}

const struct pd_block *
pd_schema_command(int code)
{
    switch (code) {
#define PD_COMMAND(code, name, ...) case code: return pd_block_##name();
#define PD_SERVICE(code, name, ...) case code: return pd_block_##name();
#include "proto/schema.def"
    default: return NULL;
    }
}

const struct pd_block *
pd_schema_query(int code)
{
    switch (code) {
#define PD_QUERY(code, name, ...) case code: return pd_block_##name();
#include "proto/schema.def"
    default: return NULL;
    }
}

const struct pd_block *
pd_schema_event(int code)
{
    switch (code) {
#define PD_EVENT(code, name, ...) case code: return pd_block_##name();
#include "proto/schema.def"
    default: return NULL;
    }
}

const struct pd_block *
pd_schema_row(int code)
{
    switch (code) {
#define PD_ROW(code, name, ...) case code: return pd_block_##name();
#include "proto/schema.def"
    default: return NULL;
    }
}

static bool
is_named(const struct pd_block *b, struct pd_text Name)
{
    return b->Name_size == Name.size && memcmp(b->Name, Name.data, Name.size) == 0;
}

const struct pd_block *
pd_schema_find(enum pd_block_kind kind, struct pd_text Name)
{
    for (size_t i = 0; i < BLOCK_COUNT; i++) {
        const struct pd_block *b = all[i]();
        if (b->kind == kind && is_named(b, Name)) return b;
    }
    return NULL;
}

const struct pd_field *
pd_block_field(const struct pd_block *block, struct pd_text name)
{
    for (size_t i = 0; i < block->field_count; i++) {
        const struct pd_field *f = &block->fields[i];
        if (f->name_size == name.size && memcmp(f->name, name.data, name.size) == 0) return f;
    }
    return NULL;
}

static const struct pd_enum *const enums[] = {
#define PD_ENUM(name, description) &enum_##name,
#include "proto/enums.def"
};

const struct pd_enum *const *
pd_schema_enums(size_t *ret_count)
{
    *ret_count = sizeof enums / sizeof enums[0];
    return enums;
}

struct pd_text
pd_enum_name(const struct pd_enum *e, int number)
{
    if (number < 1 || (size_t)number > e->count) return PD_TEXT("");
    const struct pd_value *v = &e->values[number - 1];
    return (struct pd_text){v->name, v->name_size};
}

int
pd_enum_number(const struct pd_enum *e, struct pd_text name)
{
    for (size_t i = 0; i < e->count; i++)
        if (e->values[i].name_size == name.size && memcmp(e->values[i].name, name.data, name.size) == 0)
            return e->values[i].number;
    return 0;
}

const struct pd_error *
pd_schema_errors(size_t *ret_count)
{
    *ret_count = sizeof errors / sizeof errors[0];
    return errors;
}

const struct pd_error *
pd_schema_error(int number)
{
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (errors[i].number == number) return &errors[i];
    return NULL;
}

const struct pd_error *
pd_schema_error_named(struct pd_text code)
{
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (pd_text_equal(pd_text(errors[i].code), code)) return &errors[i];
    return NULL;
}

const char *
pd_error_class_name(int class)
{
    switch (class) {
#define PD_ERROR_CLASS(number, name, exit_status) case number: return #name;
#include "proto/errors.def"
    default: return "unknown";
    }
}

int
pd_error_class_exit(int class)
{
    switch (class) {
#define PD_ERROR_CLASS(number, name, exit_status) case number: return exit_status;
#include "proto/errors.def"
    default: return 1;
    }
}
