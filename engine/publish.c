#include "engine/publish.h"

#include <stdio.h>

struct pd_event_head
event_head(const struct record *r, struct pd_text reseller, struct pd_text log)
{
    return (struct pd_event_head){
        .position = r->header.scope_position,
        .time = r->header.time,
        .log = log,
        .type = pd_text(pd_schema_event(r->header.type)->Name),
        .reseller = reseller,
        .command = r->command_id,
        .actor = r->actor,
        .on_behalf_of = r->on_behalf_of,
        .trace = r->trace,
        .version = r->header.version,
    };
}

void
publish_event(const struct appended *a, struct pd_text log, struct mp_writer *scratch, const struct publisher *to)
{
    char                 topic[512];
    struct pd_event_head head = event_head(&a->record, a->reseller, log);
    /* ~all/ and then the topic in the reseller's scope; what belongs to no reseller has only the former. */
    int size = snprintf(topic, sizeof topic, "~all/%.*s%s%.*s/%.*s%s%.*s", (int)a->reseller.size, a->reseller.data,
                        a->reseller.size > 0 ? "/" : "", (int)a->topic_kind.size, a->topic_kind.data, (int)a->topic_key.size,
                        a->topic_key.data, a->topic_key.size > 0 ? "/" : "", (int)head.type.size, head.type.data);
    const size_t   prefix = strlen("~all/");
    struct pd_text all = {topic, (size_t)size}, scoped = {topic + prefix, (size_t)size - prefix};

    if (a->reseller.data != NULL && to->wants(to->arg, scoped)) {
        mp_writer_clear(scratch);
        pd_encode_event(scratch, &head, a->record.body);
        to->publish(to->arg, scoped, (struct pd_text){scratch->data, scratch->size});
    }
    if (!to->wants(to->arg, all)) return;
    head.position = a->record.header.position;
    if (head.reseller.data == NULL) head.reseller = PD_TEXT("~engine");
    mp_writer_clear(scratch);
    pd_encode_event(scratch, &head, a->record.body);
    to->publish(to->arg, all, (struct pd_text){scratch->data, scratch->size});
}
