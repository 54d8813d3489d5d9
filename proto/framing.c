#include "proto/framing.h"

#include "proto/check.h"

/* A key that means nothing on this port is refused: whoever sent it relies on it. */
static bool
check_keys(enum pd_port port, const struct pd_request *r, struct pd_refusal *ret_refusal)
{
    const char *field = NULL;
    if (port == PD_port_queries) {
        if (r->has_expect) field = "expect";
        if (r->dry_run) field = "dry_run";
    } else {
        if (r->has_expect && port == PD_port_workers) field = "expect";
        if (r->has_at_least) field = "at_least";
        if (r->has_limit) field = "limit";
        if (r->cursor.data != NULL) field = "cursor";
        if (r->log.data != NULL) field = "log";
        if (r->sort != PD_sort_absent) field = "sort";
    }
    if (field == NULL) return true;
    *ret_refusal = pd_refuse_field(PD_E_unknown_field, NULL, "%s", field);
    return false;
}

/* For the answer, of what was refused. */
static struct pd_text
id_of(struct pd_text bytes)
{
    struct mp_cursor c = mp_cursor_of(mp_find_packed(bytes, "id"));
    struct pd_text   id = mp_take_text(&c);
    return id.size >= 1 && id.size <= 64 ? id : (struct pd_text){NULL, 0};
}

bool
pd_decode_request(struct pd_arena *arena, enum pd_port port, struct pd_text bytes, struct pd_message *ret_message,
                  struct pd_refusal *ret_refusal)
{
    struct pd_request *r = &ret_message->envelope;
    struct mp_cursor   c = mp_cursor_of(bytes);

    memset(ret_message, 0, sizeof *ret_message);
    (void)mp_take_map(&c);
    if (c.failed) {
        *ret_refusal = pd_refuse_field(PD_E_malformed_message, NULL, "a command is a map");
        return false;
    }
    if (!pd_decode_map(arena, pd_block_request(), PD_STRICT, bytes, r, ret_refusal)) {
        r->id = id_of(bytes);
        return false;
    }
    if (r->has_v && r->v != PD_PROTOCOL_VERSION) {
        *ret_refusal = pd_refuse_field(PD_E_unsupported_version, NULL, "v");
        return false;
    }
    const struct pd_block *block = pd_schema_find(port == PD_port_queries ? PD_BLOCK_query : PD_BLOCK_command, r->type);
    if (block == NULL || block->port != (int)port) {
        *ret_refusal = pd_refuse_field(PD_E_unknown_type, NULL, "type");
        return false;
    }
    if (!check_keys(port, r, ret_refusal)) return false;
    ret_message->names_reseller = r->reseller.data != NULL;
    if (!ret_message->names_reseller) r->reseller = PD_TEXT("default");

    void *body = pd_arena_alloc(arena, block->size);
    if (!pd_decode_map(arena, block, PD_STRICT, r->data.data == NULL ? PD_TEXT("\x80") : r->data, body, ret_refusal)) {
        if (ret_refusal->field[0] == '\0') *ret_refusal = pd_refuse_field(PD_E_invalid_field, ret_refusal->expected, "data");
        return false;
    }
    ret_message->block = block;
    ret_message->body = body;
    return true;
}

void
pd_encode_request(struct mp_writer *w, const struct pd_request *envelope, const struct pd_block *block, const void *data)
{
    struct pd_request r = *envelope;
    struct mp_writer  packed = {0};

    r.type = pd_text(block->Name);
    pd_encode_map(&packed, block, data);
    r.data = (struct pd_text){packed.data, packed.size};
    pd_encode_map(w, pd_block_request(), &r);
    mp_writer_fini(&packed);
}

void
pd_encode_accepted(struct mp_writer *w, struct pd_text id, uint64_t position, const struct pd_block *block,
                   const void *data)
{
    mp_map(w, position > 0 ? 4 : 3);
    mp_key(w, "id");
    mp_text(w, id);
    mp_key(w, "ok");
    mp_bool(w, true);
    if (position > 0) {
        mp_key(w, "position");
        mp_uint(w, position);
    }
    mp_key(w, "data");
    pd_encode_map(w, block, data);
}

void
pd_encode_refused(struct mp_writer *w, struct pd_text id, const struct pd_refusal *refusal)
{
    mp_map(w, 3);
    mp_key(w, "id");
    mp_text(w, id);
    mp_key(w, "ok");
    mp_bool(w, false);
    mp_key(w, "error");
    pd_encode_refusal(w, refusal);
}

void
pd_encode_event(struct mp_writer *w, const struct pd_event_head *head, struct pd_text data)
{
    mp_map(w, 9u + (head->on_behalf_of.data != NULL) + (head->trace.data != NULL));
    mp_key(w, "position");
    mp_uint(w, head->position);
    mp_key(w, "time");
    mp_uint(w, head->time);
    mp_key(w, "log");
    mp_text(w, head->log);
    mp_key(w, "type");
    mp_text(w, head->type);
    mp_key(w, "reseller");
    mp_text(w, head->reseller);
    mp_key(w, "command");
    mp_text(w, head->command);
    mp_key(w, "actor");
    mp_text(w, head->actor);
    if (head->on_behalf_of.data != NULL) {
        mp_key(w, "on_behalf_of");
        mp_text(w, head->on_behalf_of);
    }
    if (head->trace.data != NULL) {
        mp_key(w, "trace");
        mp_text(w, head->trace);
    }
    mp_key(w, "version");
    mp_uint(w, head->version);
    mp_key(w, "data");
    mp_raw(w, data.data, data.size);
}

void
pd_encode_heartbeat(struct mp_writer *w, uint64_t head, pd_time_us now, struct pd_text log, struct pd_text chain)
{
    mp_map(w, chain.data == NULL ? 3 : 4);
    mp_key(w, "position");
    mp_uint(w, head);
    mp_key(w, "time");
    mp_uint(w, now);
    mp_key(w, "log");
    mp_text(w, log);
    if (chain.data == NULL) return;
    mp_key(w, "chain");
    mp_text(w, chain);
}
