/* door.c - the engine's door: any frame, alone or an array of commands, is taken or refused; what is judged once is judged the
 * same again, with the same fingerprint however it was packed. The first byte names the port. */
#include "engine/bus/door.h"

#include "tests/fuzz/fuzz.h"

static struct door     door, second;
static struct pd_arena arena;

static void
check_again(enum pd_port port, const struct request *first)
{
    struct mp_writer  w = {0};
    struct request    r = {.port = port};
    struct pd_refusal refusal;
    size_t            count;
    uint8_t           fingerprints[2][16];

    pd_encode_request(&w, &first->message.envelope, first->message.block, first->message.body);
    PD_CHECK(door_open(&second, port, (struct pd_text){w.data, w.size}, &count, &refusal) && count == 0);
    door_take(&second, port, false, &arena, &r);
    PD_CHECK(r.refusal.code == PD_OK && r.message.block == first->message.block);
    engine_fingerprint(&first->message, &second.scratch, fingerprints[0]);
    engine_fingerprint(&r.message, &second.scratch, fingerprints[1]);
    PD_CHECK(memcmp(fingerprints[0], fingerprints[1], sizeof fingerprints[0]) == 0);
    mp_writer_fini(&w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pd_refusal refusal = {.code = PD_OK};
    size_t            count;

    if (size == 0) return -1;
    enum pd_port port = fuzz_port(data[0]);
    pd_arena_reset(&arena);
    if (!door_open(&door, port, (struct pd_text){(const char *)data + 1, size - 1}, &count, &refusal)) {
        fuzz_refusal(&refusal);
        return 0;
    }
    for (size_t n = 0; n == 0 || n < count; n++) {
        struct request r = {.port = port};
        door_take(&door, port, count > 0, &arena, &r);
        if (r.refusal.code == PD_OK) check_again(port, &r);
        else fuzz_refusal(&r.refusal);
    }
    return 0;
}
