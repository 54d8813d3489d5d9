/* record.c - records of the log: what is read is written again to the same bytes, follows from its chain, and no longer does when
 * a bit is turned. */
#include "engine/store/record.h"

#include <stdlib.h>

#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t none[PD_CHAIN_BYTES];
    uint8_t              chain[PD_CHAIN_BYTES] = {0};
    struct record        r;
    struct pd_text       bytes = {(const char *)data, size};

    record_follows(bytes, none);
    if (!record_read(bytes, &r)) return 0;
    PD_CHECK(record_size(&r) == size);
    char *copy = malloc(size);
    PD_CHECK(copy != NULL);
    record_write(&r, copy);
    PD_CHECK(memcmp(copy, data, size - PD_CHAIN_BYTES) == 0);
    record_seal(copy, size, chain);
    PD_CHECK(record_follows((struct pd_text){copy, size}, none));
    size_t bit = (size_t)(data[size - 1] << 8 | data[size - 2]) % (8 * size);
    copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
    PD_CHECK(!record_follows((struct pd_text){copy, size}, none));
    free(copy);
    return 0;
}
