/* dispatch.c - the rules' tables: the third and last place where the schema is expanded. */
#include "engine/domain/rules.h"
#include "proto/check.h"

void
decide(const struct view *view, const struct pd_block *command, const void *body, struct decision *out)
{
    switch (command->code) {
#define PD_COMMAND(code, name, ...) case code: decide_##name(view, body, out); return;
#include "proto/schema.def"
    default: PD_CHECK(!"a command without a rule");
    }
}

void
evolve(int event_code, const void *event, const void *element, int row_code, void *row, const struct fold *f)
{
    switch (event_code << 8 | row_code) {
#define PD_TOUCHES(event_name, row_name)                                                                               \
    case PD_EVENT_##event_name << 8 | PD_ROW_##row_name: evolve_##event_name##__##row_name(row, event, f); return;
#define PD_TOUCHES_EACH(event_name, list, block, row_name)                                                             \
    case PD_EVENT_##event_name << 8 | PD_ROW_##row_name:                                                               \
        evolve_##event_name##__##row_name(row, event, element, f);                                                     \
        return;
#include "proto/schema.def"
    default: PD_CHECK(!"an event that does not touch this row");
    }
}

void *
emit(struct decision *out, enum pd_event_code code)
{
    PD_CHECK(out->count < PD_EVENTS_MAX);
    struct event *event = &out->events[out->count++];
    *event = (struct event){.code = (int)code, .body = pd_arena_zero(out->arena, pd_schema_event((int)code)->size)};
    return event->body;
}
