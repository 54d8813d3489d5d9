#include <pedido/calls.h>

#include <stdio.h>

#include "clients/lib/state.h"
#include "proto/codec.h"
#include "proto/framing.h"

/* ---- what cannot be right ------------------------------------------------------------------------------------------ */

/* A list's element in which a field stands; `list` is NULL in the message itself. */
struct element {
    const char *list;
    size_t      index;
};

static enum pd_client_status check_block(struct pd_client *c, const struct pd_block *block, const void *data, struct element in);

/* Where a field stands, for people. */
static const char *
place_of(const struct pd_field *f, struct element in, char place[PD_FIELD_PATH_MAX + PD_NAME_MAX + 2])
{
    if (in.list == NULL) return f->name;
    snprintf(place, PD_FIELD_PATH_MAX + PD_NAME_MAX + 2, "%s[%zu].%s", in.list, in.index, f->name);
    return place;
}

static enum pd_client_status
check_field(struct pd_client *c, const struct pd_field *f, const void *data, struct element in)
{
    const char *value = (const char *)data + f->offset, *aux = (const char *)data + f->aux_offset;
    char        place[PD_FIELD_PATH_MAX + PD_NAME_MAX + 2];
    bool        absent = false;

    switch (f->kind) {
    case PD_KIND_UINT:
        if (f->need != PD_OPTIONAL || *(const bool *)aux || *(const uint64_t *)(const void *)value == 0) return PD_CLIENT_OK;
        return pd_client_fail(c, PD_CLIENT_BAD_MESSAGE, "%s has a value, but has_%s is false", place_of(f, in, place), f->name);
    case PD_KIND_TEXT: absent = ((const struct pd_text *)(const void *)value)->data == NULL; break;
    case PD_KIND_CHOICE: absent = *(const int *)(const void *)value == 0; break;
    case PD_KIND_TEXTS:
    case PD_KIND_MAP:
    case PD_KIND_LIST: {
        const char *elements = *(const char *const *)(const void *)value;
        size_t      count = *(const size_t *)(const void *)aux;
        if (elements == NULL && count > 0)
            return pd_client_fail(c, PD_CLIENT_BAD_MESSAGE, "%s is NULL, but %s_count is %zu", place_of(f, in, place), f->name,
                                  count);
        for (size_t i = 0; f->kind == PD_KIND_LIST && i < count; i++)
            if (check_block(c, f->block(), elements + i * f->block()->size, (struct element){f->name, i}) != PD_CLIENT_OK)
                return PD_CLIENT_BAD_MESSAGE;
        return PD_CLIENT_OK;
    }
    default: return PD_CLIENT_OK;
    }
    if (!absent || f->need != PD_REQUIRED) return PD_CLIENT_OK;
    return pd_client_fail(c, PD_CLIENT_BAD_MESSAGE, "%s is required", place_of(f, in, place));
}

/* A slip of the pen that would reach the engine as another message, or not at all. Values are the engine's to judge. */
static enum pd_client_status
check_block(struct pd_client *c, const struct pd_block *block, const void *data, struct element in)
{
    for (size_t i = 0; i < block->field_count; i++)
        if (check_field(c, &block->fields[i], data, in) != PD_CLIENT_OK) return PD_CLIENT_BAD_MESSAGE;
    return PD_CLIENT_OK;
}

static const struct pd_block *
block_of(struct pd_client *c, const struct pd_call_message *m)
{
    const struct pd_block *b = m->command != 0 ? pd_schema_command((int)m->command) : pd_schema_query((int)m->query);

    if (b == NULL || (m->command != 0 && m->query != 0))
        pd_client_fail(c, PD_CLIENT_BAD_MESSAGE, "the message must name one command or one query of the schema");
    else if (b->port != PD_port_commands && b->port != PD_port_queries)
        pd_client_fail(c, PD_CLIENT_BAD_MESSAGE, "%s is not sent by a client", b->Name);
    else if (m->data == NULL || m->data_size != b->size)
        pd_client_fail(c, PD_CLIENT_BAD_MESSAGE, "the data of %s must be its struct, of %zu bytes; they are %zu", b->Name, b->size,
                       m->data == NULL ? 0 : m->data_size);
    else return b;
    return NULL;
}

/* ---- sending ------------------------------------------------------------------------------------------------------- */

/* Packs the request into the client's writer. What the engine's door would not even read is not sent: its answer would have no
 * id, and with others outstanding nobody could tell whose it is. */
static enum pd_client_status
pack(struct pd_client *c, const struct pd_block *block, const struct pd_call_message *m, struct pd_text id)
{
    const struct element whole = {NULL, 0};
    struct mp_scan       scan;
    struct pd_request    r = {.type = pd_text(block->Name), .id = id, .reseller = m->reseller, .on_behalf_of = m->on_behalf_of,
                              .trace = m->trace, .dry_run = m->dry_run, .expect = m->expect, .has_expect = m->has_expect,
                              .at_least = m->at_least, .has_at_least = m->at_least > 0, .limit = m->limit,
                              .has_limit = m->limit > 0, .cursor = m->cursor, .log = m->log, .sort = m->sort};

    if (id.size < 1 || id.size > 64) return pd_client_fail(c, PD_CLIENT_BAD_MESSAGE, "id must be a text of 1-64 bytes");
    if (check_block(c, pd_block_request(), &r, whole) != PD_CLIENT_OK || check_block(c, block, m->data, whole) != PD_CLIENT_OK)
        return PD_CLIENT_BAD_MESSAGE;
    mp_writer_clear(&c->writer);
    pd_encode_request(&c->writer, &r, block, m->data);
    if (c->writer.size > PD_FRAME_MAX)
        return pd_client_fail(c, PD_CLIENT_BAD_MESSAGE, "the message is of %zu bytes; at most %d", c->writer.size, PD_FRAME_MAX);
    if (!mp_scan(c->writer.data, c->writer.size, &scan))
        return pd_client_fail(c, PD_CLIENT_BAD_MESSAGE, "the message cannot be sent: %s at byte %zu", scan.what, scan.offset);
    return PD_CLIENT_OK;
}

/* How long the message asks the engine to hold the answer. */
static uint64_t
wait_of(const struct pd_block *block, const void *data)
{
    const struct pd_field *f = pd_block_field(block, PD_TEXT("wait_ms"));
    return f == NULL ? 0 : *(const uint64_t *)(const void *)((const char *)data + f->offset);
}

static enum pd_client_status
start(struct pd_client *c, const struct pd_block *block, const struct pd_call_message *m, struct pd_taker taker)
{
    char           made[PD_ID_SIZE];
    struct pd_text id = m->id;

    if (id.data == NULL) {
        pd_id_make(&c->ids, made);
        id = pd_text(made);
    }
    enum pd_client_status status = pack(c, block, m, id);
    if (status != PD_CLIENT_OK) return status;
    struct pd_pending_options options = {
        .port = (enum pd_port)block->port, .id = id, .bytes = {c->writer.data, c->writer.size},
        .timeout_ms = m->timeout_ms > 0 ? m->timeout_ms : c->options.timeout_ms, .wait_ms = wait_of(block, m->data),
    };
    /* Inside an array the engine holds no answer. */
    options.joins = options.port == PD_port_commands && options.wait_ms == 0;
    taker.block = block;
    return pd_pending_start(c, &options, taker);
}

/* ---- replies ------------------------------------------------------------------------------------------------------- */

static void
begin_reply(struct pd_reply *reply)
{
    *reply = (struct pd_reply){.memory = pd_memory_begin(reply->memory), .problem = ""};
}

void
pd_reply_fini(struct pd_reply *reply)
{
    pd_memory_end(reply->memory);
    *reply = (struct pd_reply){.memory = NULL};
}

static uint64_t
find_uint(const msgpack_object *map, const char *key)
{
    const msgpack_object *o = mp_find(map, key);
    return o != NULL && o->type == MSGPACK_OBJECT_POSITIVE_INTEGER ? o->via.u64 : 0;
}

static struct pd_text
find_copy(struct pd_arena *arena, const msgpack_object *map, const char *key)
{
    return pd_arena_text(arena, mp_find_text(map, key));
}

static bool
read_refusal(struct pd_reply *reply, const msgpack_object *error)
{
    struct pd_refused     *r = &reply->refused;
    const msgpack_object  *allowed = mp_find(error, "allowed");
    const struct pd_error *known;

    r->code_name = find_copy(reply->memory, error, "code");
    r->message = find_copy(reply->memory, error, "message");
    if (r->code_name.data == NULL || r->message.data == NULL) return false;
    known = pd_schema_error_named(r->code_name);
    if (known != NULL) {
        r->code = (enum pd_error_code)known->number;
        r->error_class = (enum pd_error_class)known->class;
    }
    r->field = find_copy(reply->memory, error, "field");
    r->order = find_uint(error, "order");
    r->version = find_uint(error, "version");
    r->retry_after_ms = find_uint(error, "retry_after_ms");
    r->state = (enum pd_order_state)pd_enum_number(pd_enum_order_state(), mp_find_text(error, "state"));
    r->command = find_copy(reply->memory, error, "command");
    if (allowed != NULL && allowed->type == MSGPACK_OBJECT_ARRAY && allowed->via.array.size > 0) {
        r->allowed = PD_ARENA_ARRAY(reply->memory, struct pd_text, allowed->via.array.size);
        for (uint32_t i = 0; i < allowed->via.array.size; i++) {
            const msgpack_object *o = &allowed->via.array.ptr[i];
            if (o->type != MSGPACK_OBJECT_STR) continue;
            r->allowed[r->allowed_count++] =
                pd_arena_text(reply->memory, (struct pd_text){o->via.str.ptr, o->via.str.size});
        }
    }
    reply->status = PD_CLIENT_REFUSED;
    reply->problem = r->message.data;
    return true;
}

/* Whether the parts are there that a program reaches through: it would meet a NULL where the schema says there is none. */
static bool
has_parts(const struct pd_block *block, const void *data)
{
    for (size_t i = 0; i < block->field_count; i++) {
        const struct pd_field *f = &block->fields[i];
        if (f->kind != PD_KIND_STRUCT) continue;
        const void *part = *(const void *const *)(const void *)((const char *)data + f->offset);
        if (part == NULL ? f->need == PD_REQUIRED : !has_parts(f->block(), part)) return false;
    }
    return true;
}

static bool
read_data(struct pd_reply *reply, const struct pd_block *block, struct pd_text data)
{
    struct pd_refusal ignored;
    void             *read = pd_arena_zero(reply->memory, block->size), *copy = pd_arena_zero(reply->memory, block->size);

    if (!pd_decode_map(reply->memory, block, PD_LENIENT, data, read, &ignored) || !has_parts(block, read)) return false;
    pd_copy_block(reply->memory, block, read, copy);
    reply->data = copy;
    return true;
}

static void
read_reply(struct pd_client *c, const struct pd_pending *p, enum pd_client_status status, const msgpack_object *answer,
           struct pd_reply *reply)
{
    const struct pd_block *block = p->taker.block;

    begin_reply(reply);
    reply->id = pd_arena_text(reply->memory, p->step.id);
    if (block->kind == PD_BLOCK_command) reply->command = (enum pd_command_code)block->code;
    else reply->query = (enum pd_query_code)block->code;
    if (answer != NULL) {
        const msgpack_object *ok = mp_find(answer, "ok"), *error = mp_find(answer, "error");
        bool                  accepted = ok != NULL && ok->type == MSGPACK_OBJECT_BOOLEAN && ok->via.boolean;

        reply->position = find_uint(answer, "position");
        reply->next = find_copy(reply->memory, answer, "next");
        if (accepted ? read_data(reply, block->reply(), mp_find_packed(c->packed, "data")) : read_refusal(reply, error)) return;
        status = pd_client_fail(c, PD_CLIENT_BAD_ANSWER, "the answer to %s is not what the protocol says", block->Name);
    }
    reply->status = status;
    reply->problem = pd_arena_text(reply->memory, pd_text(c->problem)).data;
}

/* ---- calls --------------------------------------------------------------------------------------------------------- */

struct waiter {
    bool             done;
    struct pd_reply *reply;
};

static void
take_reply(struct pd_client *c, const struct pd_pending *p, enum pd_client_status status, const msgpack_object *answer)
{
    struct waiter *waiter = p->taker.context;

    read_reply(c, p, status, answer, waiter->reply);
    waiter->done = true;
}

/* A message may point into what the reply holds, such as its cursor: the reply is begun anew when the request is packed. */
enum pd_client_status
pd_call(struct pd_client *client, const struct pd_call_message *message, struct pd_reply *reply)
{
    struct waiter                waiter = {.reply = reply};
    const struct pd_hello_reply *hello;
    const struct pd_block       *block = block_of(client, message);
    enum pd_client_status        status = block == NULL ? PD_CLIENT_BAD_MESSAGE : pd_client_may_wait(client);

    if (status == PD_CLIENT_OK && block->port != PD_port_commands) status = pd_client_hello(client, &hello);
    if (status == PD_CLIENT_OK)
        status = start(client, block, message, (struct pd_taker){.take = take_reply, .context = &waiter});
    if (status == PD_CLIENT_OK) {
        pd_client_wait(client, &waiter.done, true);
        return reply->status;
    }
    begin_reply(reply);
    reply->status = status;
    reply->problem = pd_arena_text(reply->memory, pd_text(client->problem)).data;
    return status;
}

static void
call_back(struct pd_client *c, const struct pd_pending *p, enum pd_client_status status, const msgpack_object *answer)
{
    read_reply(c, p, status, answer, &c->reply);
    c->in_callback = true;
    p->taker.done(p->taker.context, &c->reply);
    c->in_callback = false;
}

enum pd_client_status
pd_call_start(struct pd_client *client, const struct pd_call_message *message, pd_call_done *done, void *context)
{
    const struct pd_block *block = block_of(client, message);

    if (block == NULL) return PD_CLIENT_BAD_MESSAGE;
    if (client->count - (client->asking ? 1 : 0) >= client->options.outstanding)
        return pd_client_fail(client, PD_CLIENT_FULL, "%zu calls are outstanding; no more at a time", client->count);
    enum pd_client_status status =
        start(client, block, message, (struct pd_taker){.take = call_back, .done = done, .context = context});
    if (!client->in_callback) pd_loop_arm(client);
    return status;
}
