/* request.c - requests: what is decoded is the same when it is packed and decoded again, as a copy and as a row; what is refused
 * names its field, in an answer that is itself a message. As MessagePack-C packs the same values, it is judged the same. The first
 * byte names the port. */
#include "tests/fuzz/fuzz.h"

#include "proto/framing.h"

static struct mp_writer written, again, rows[2];

/* Every field, the hidden ones too. */
static void
check_row(struct pd_arena *arena, const struct pd_block *block, const void *one, const void *other)
{
    mp_writer_clear(&rows[0]);
    mp_writer_clear(&rows[1]);
    pd_encode_row(&rows[0], block, one);
    pd_encode_row(&rows[1], block, other);
    fuzz_same(&rows[0], &rows[1]);
    void *read = pd_arena_alloc(arena, block->size);
    PD_CHECK(pd_decode_row(arena, block, (struct pd_text){rows[0].data, rows[0].size}, read));
    mp_writer_clear(&rows[1]);
    pd_encode_row(&rows[1], block, read);
    fuzz_same(&rows[0], &rows[1]);
}

static void
check_taken(struct pd_arena *arena, enum pd_port port, const struct pd_message *m)
{
    struct pd_message second;
    struct pd_refusal refusal;
    void             *copy = pd_arena_alloc(arena, m->block->size);

    mp_writer_clear(&written);
    mp_writer_clear(&again);
    pd_encode_request(&written, &m->envelope, m->block, m->body);
    PD_CHECK(pd_decode_request(arena, port, (struct pd_text){written.data, written.size}, &second, &refusal));
    PD_CHECK(second.block == m->block);
    pd_encode_request(&again, &second.envelope, second.block, second.body);
    fuzz_same(&written, &again);
    check_row(arena, m->block, m->body, second.body);
    pd_copy_block(arena, m->block, m->body, copy);
    check_row(arena, m->block, m->body, copy);
}

static void
check_repacked(struct pd_arena *arena, enum pd_port port, const uint8_t *data, size_t size, const struct pd_refusal *refusal)
{
    static struct mp_reader reader;
    msgpack_object          o;
    msgpack_sbuffer         packed;
    msgpack_packer          packer;
    struct pd_message       message;
    struct pd_refusal       again = {.code = PD_OK};

    PD_CHECK(mp_parse(&reader, data, size, &o));
    msgpack_sbuffer_init(&packed);
    msgpack_packer_init(&packer, &packed, msgpack_sbuffer_write);
    PD_CHECK(msgpack_pack_object(&packer, o) == 0);
    (void)pd_decode_request(arena, port, (struct pd_text){packed.data, packed.size}, &message, &again);
    PD_CHECK(again.code == refusal->code && (again.code == PD_OK || strcmp(again.field, refusal->field) == 0));
    msgpack_sbuffer_destroy(&packed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pd_arena arena;
    struct mp_scan         scan;
    struct pd_message      message;
    struct pd_refusal      refusal = {.code = PD_OK};

    if (size == 0 || !mp_scan(data + 1, size - 1, &scan)) return -1;
    pd_arena_reset(&arena);
    enum pd_port   port = fuzz_port(data[0]);
    struct pd_text bytes = {(const char *)data + 1, size - 1};
    if (pd_decode_request(&arena, port, bytes, &message, &refusal)) check_taken(&arena, port, &message);
    else fuzz_refusal(&refusal);
    check_repacked(&arena, port, data + 1, size - 1, &refusal);
    return 0;
}
