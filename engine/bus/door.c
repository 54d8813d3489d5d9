#include "engine/bus/door.h"

#include "engine/base/calendar.h"
#include "engine/base/domain_name.h"

void
door_fini(struct door *d)
{
    mp_writer_fini(&d->scratch);
}

bool
door_open(struct door *d, enum pd_port port, struct pd_text body, size_t *ret_count, struct pd_refusal *ret_refusal)
{
    struct mp_scan scan;

    if (!mp_scan(body.data, body.size, &scan)) {
        *ret_refusal = pd_refuse_field(scan.too_large ? PD_E_too_large : PD_E_malformed_message, NULL, "%s at byte %zu",
                                       scan.what, scan.offset);
        return false;
    }
    *ret_count = 0;
    d->left = mp_cursor_of(body);
    size_t size = mp_take_array(&d->left);
    if (d->left.failed) { /* no array */
        d->left = mp_cursor_of(body);
        return true;
    }
    if (port == PD_port_queries) *ret_refusal = pd_refuse_field(PD_E_malformed_message, NULL, "this port takes single maps");
    else if (size == 0) *ret_refusal = pd_refuse_field(PD_E_malformed_message, NULL, "an empty array");
    else if (size > PD_ARRAY_MAX) *ret_refusal = pd_refuse_field(PD_E_too_large, NULL, "an array of more than 1,024 commands");
    else *ret_count = size;
    return *ret_count > 0;
}

/* Domain names and time zones, wherever the block has them. */
static bool
judge(struct pd_arena *arena, const struct pd_block *block, void *message, struct pd_refusal *ret_refusal)
{
    for (size_t i = 0; i < block->field_count; i++) {
        const struct pd_field *f = &block->fields[i];
        void                  *value = (char *)message + f->offset;
        if (f->kind == PD_KIND_DOMAIN) {
            struct pd_domain *domain = value;
            if (domain->unicode.data == NULL || domain_name_judge(arena, domain)) continue;
            *ret_refusal = pd_refuse_field(PD_E_domain_invalid, NULL, "%s", f->name);
            return false;
        }
        if (f->kind == PD_KIND_TEXT && strcmp(f->type->name, "zone") == 0) {
            const struct pd_text *zone = value;
            if (zone->data == NULL || calendar_knows_zone(*zone)) continue;
            *ret_refusal = pd_refuse_field(PD_E_invalid_field, "an IANA time zone, such as Europe/Madrid", "%s", f->name);
            return false;
        }
        if (f->kind != PD_KIND_LIST) continue;
        size_t count = *(const size_t *)(const void *)((const char *)message + f->aux_offset);
        for (size_t n = 0; n < count; n++) {
            if (judge(arena, f->block(), *(char **)value + n * f->block()->size, ret_refusal)) continue;
            struct pd_refusal inner = *ret_refusal;
            *ret_refusal = pd_refuse_field(inner.code, inner.expected, "%s[%zu].%s", f->name, n, inner.field);
            return false;
        }
    }
    return true;
}

void
door_take(struct door *d, enum pd_port port, bool array, struct pd_arena *arena, struct request *r)
{
    struct pd_text rest = {(const char *)d->left.at, (size_t)(d->left.end - d->left.at)};

    r->port = port;
    r->in_array = array;
    r->arena = arena;
    r->refusal.code = PD_OK;
    if (!pd_decode_request(arena, port, array ? mp_take_packed(&d->left) : rest, &r->message, &r->refusal)) return;
    /* Whoever says it is told at that address what he gets, beside the answer: it has one only in a message of its own. */
    if (array && port == PD_port_workers && r->message.block->flags & PD_READS) {
        r->refusal = pd_refuse_field(PD_E_invalid_field, "that of a report inside an array", "type");
        return;
    }
    if (port != PD_port_queries && !(r->message.block->flags & PD_READS))
        engine_fingerprint(&r->message, &d->scratch, r->fingerprint);
    judge(arena, r->message.block, r->message.body, &r->refusal);
}
