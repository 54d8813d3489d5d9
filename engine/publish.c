#include "engine/publish.h"

#include <inttypes.h>
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

/* What the topic names: the key of the event's aggregate as people know it. */
static void
name_topic(const struct appended *a, struct pd_text *ret_kind, struct pd_text *ret_key, char number[24])
{
    static const char *const fields[] = {
        [PD_aggregate_reseller] = "reseller", [PD_aggregate_customer] = "customer", [PD_aggregate_plan] = "plan",
        [PD_aggregate_order] = "order", [PD_aggregate_subscription] = "subscription",
    };
    const struct pd_block *block = pd_schema_event(a->record.header.type);

    *ret_key = (struct pd_text){"", 0};
    int                    aggregate = a->record.header.aggregate; /* a task's events are its order's or its subscription's */
    if (aggregate == PD_aggregate_engine || aggregate == PD_aggregate_key) {
        *ret_kind = aggregate == PD_aggregate_engine ? PD_TEXT("~engine") : PD_TEXT("~key");
        return;
    }
    const struct pd_field *f = pd_block_field(block, pd_text(fields[aggregate]));
    const void            *value = (const char *)a->event + f->offset;
    *ret_kind = pd_text(fields[aggregate]);
    if (f->kind == PD_KIND_TEXT) *ret_key = *(const struct pd_text *)value;
    else *ret_key = (struct pd_text){number, (size_t)snprintf(number, 24, "%" PRIu64, *(const uint64_t *)value)};
}

void
publish_event(const struct appended *a, struct pd_text log, struct mp_writer *scratch, const struct publisher *to)
{
    char                 topic[512], number[24];
    struct pd_text       kind, key;
    struct pd_event_head head = event_head(&a->record, a->reseller, log);

    name_topic(a, &kind, &key, number);
    /* ~all/ and then the topic in the reseller's scope; what belongs to no reseller has only the former. */
    int size = snprintf(topic, sizeof topic, "~all/%.*s%s%.*s/%.*s%s%.*s", (int)a->reseller.size, a->reseller.data,
                        a->reseller.size > 0 ? "/" : "", (int)kind.size, kind.data, (int)key.size,
                        key.data, key.size > 0 ? "/" : "", (int)head.type.size, head.type.data);
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
