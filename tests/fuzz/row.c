/* row.c - rows whose bytes are damaged in a way that their checksum misses: refused, or read, and then they are packed again to
 * the same, and can be shown. The first byte names the row. */
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pd_arena  arena;
    static struct mp_writer first, again, shown;

    if (size == 0) return -1;
    const struct pd_block *block = fuzz_block(FUZZ_KIND(row), data[0]);
    pd_arena_reset(&arena);
    void *row = pd_arena_alloc(&arena, block->size), *second = pd_arena_alloc(&arena, block->size);
    if (!pd_decode_row(&arena, block, (struct pd_text){(const char *)data + 1, size - 1}, row)) return 0;
    mp_writer_clear(&first);
    mp_writer_clear(&again);
    mp_writer_clear(&shown);
    pd_encode_row(&first, block, row);
    PD_CHECK(pd_decode_row(&arena, block, (struct pd_text){first.data, first.size}, second));
    pd_encode_row(&again, block, second);
    fuzz_same(&first, &again);
    pd_encode_map(&shown, block, row);
    return 0;
}
