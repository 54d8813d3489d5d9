#include "engine/store/record.h"

#include <nettle/sha2.h>

#include "proto/check.h"

_Static_assert(PD_CHAIN_BYTES == SHA256_DIGEST_SIZE, "a chain is a whole digest");
_Static_assert(sizeof(struct record_header) == 16 + 6 * 8 + 8 * 4 + 8 + 16, "no padding on disk");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "records are little-endian");

static void
make_chain(const uint8_t *previous, const char *bytes, size_t size, uint8_t *ret_chain)
{
    struct sha256_ctx state;
    sha256_init(&state);
    sha256_update(&state, PD_CHAIN_BYTES, previous);
    sha256_update(&state, size, (const uint8_t *)bytes);
    sha256_digest(&state, PD_CHAIN_BYTES, ret_chain);
}

size_t
record_size(const struct record *r)
{
    return sizeof r->header + r->command_id.size + r->actor.size + r->on_behalf_of.size + r->trace.size + r->body.size +
           PD_CHAIN_BYTES;
}

static char *
put(char *at, struct pd_text *text)
{
    if (text->size > 0) memcpy(at, text->data, text->size);
    text->data = text->size > 0 ? at : NULL;
    return at + text->size;
}

void
record_write(struct record *r, char *buffer)
{
    char *at = buffer + sizeof r->header;

    r->header.format = RECORD_FORMAT;
    r->header.command_id_size = (uint8_t)r->command_id.size;
    r->header.actor_size = (uint8_t)r->actor.size;
    r->header.on_behalf_of_size = (uint8_t)r->on_behalf_of.size;
    r->header.trace_size = (uint8_t)r->trace.size;
    r->header.body_size = (uint32_t)r->body.size;
    memcpy(buffer, &r->header, sizeof r->header);
    at = put(at, &r->command_id);
    at = put(at, &r->actor);
    at = put(at, &r->on_behalf_of);
    at = put(at, &r->trace);
    put(at, &r->body);
}

void
record_seal(char *bytes, size_t size, uint8_t chain[PD_CHAIN_BYTES])
{
    make_chain(chain, bytes, size - PD_CHAIN_BYTES, chain);
    memcpy(bytes + size - PD_CHAIN_BYTES, chain, PD_CHAIN_BYTES);
}

static struct pd_text
take(const char **at, size_t size)
{
    struct pd_text t = {size == 0 ? NULL : *at, size};
    *at += size;
    return t;
}

bool
record_read(struct pd_text bytes, struct record *ret_record)
{
    struct record r;
    const char   *at = bytes.data + sizeof r.header;

    if (bytes.size < sizeof r.header + PD_CHAIN_BYTES) return false;
    memcpy(&r.header, bytes.data, sizeof r.header);
    const struct record_header *h = &r.header;
    size_t texts = (size_t)h->command_id_size + h->actor_size + h->on_behalf_of_size + h->trace_size;
    if (h->format != RECORD_FORMAT || bytes.size != sizeof *h + texts + h->body_size + PD_CHAIN_BYTES) return false;
    r.command_id = take(&at, h->command_id_size);
    r.actor = take(&at, h->actor_size);
    r.on_behalf_of = take(&at, h->on_behalf_of_size);
    r.trace = take(&at, h->trace_size);
    r.body = take(&at, h->body_size);
    memcpy(r.chain, at, PD_CHAIN_BYTES);
    *ret_record = r;
    return true;
}

bool
record_follows(struct pd_text bytes, const uint8_t previous_chain[PD_CHAIN_BYTES])
{
    uint8_t chain[PD_CHAIN_BYTES];
    if (bytes.size < PD_CHAIN_BYTES) return false;
    size_t size = bytes.size - PD_CHAIN_BYTES;
    make_chain(previous_chain, bytes.data, size, chain);
    return memcmp(chain, bytes.data + size, PD_CHAIN_BYTES) == 0;
}
