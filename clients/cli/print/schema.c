#include "clients/cli/print/schema.h"

static const struct pd_type types[] = {
#define PD_TYPE(name, kind, min, max, form, description) {#name, PD_KIND_##kind, (min), (max), PD_FORM_##form, description},
#include "proto/types.def"
};

const struct pd_type *
schema_type_at(size_t i)
{
    return i < sizeof types / sizeof types[0] ? &types[i] : NULL;
}

const char *
schema_block_kind(const struct pd_block *block)
{
    static const char *const names[] = {"part", "row", "command", "query", "event", "reply"};
    return names[block->kind];
}

const char *
schema_field_kind(enum pd_field_kind kind)
{
    static const char *const names[] = {"text",  "number", "flag",   "domain", "choice",
                                        "texts", "list",   "struct", "map",    "raw"};
    return names[kind];
}

const char *
schema_form(enum pd_form form)
{
    static const char *const names[] = {"any", "print", "id", "currency", "period", "email", "identity"};
    return names[form];
}

const char *
schema_need(enum pd_need need)
{
    static const char *const names[] = {"required", "optional", "hidden"};
    return names[need];
}

const char *
schema_of(const struct pd_field *f)
{
    if (f->type != NULL) return f->type->name;
    if (f->choice != NULL) return f->choice->name;
    return f->block != NULL ? f->block()->Name : "";
}
