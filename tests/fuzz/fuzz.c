#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proto/framing.h"

const struct pd_block *
fuzz_block(unsigned kinds, uint8_t n)
{
    const struct pd_block *block;

    for (size_t i = 0;; i++) {
        block = pd_schema_block(i);
        if (block == NULL) i = SIZE_MAX;
        else if ((kinds >> block->kind & 1) && n-- == 0) return block;
    }
}

enum pd_port
fuzz_port(uint8_t n)
{
    static const enum pd_port ports[] = {PD_port_commands, PD_port_queries, PD_port_workers};
    return ports[n % 3];
}

bool
fuzz_claims_little(const uint8_t *data, size_t size)
{
    return size == 0 || (memchr(data, 0xdd, size) == NULL && memchr(data, 0xdf, size) == NULL);
}

void
fuzz_same(const struct mp_writer *a, const struct mp_writer *b)
{
    PD_CHECK(a->size == b->size && memcmp(a->data, b->data, a->size) == 0);
}

void
fuzz_refusal(const struct pd_refusal *r)
{
    struct mp_writer w = {0};
    struct mp_scan   scan;
    /* A key that is no text has no name; one that nobody knows may be empty. */
    bool is_key = r->expected != NULL && strcmp(r->expected, "keys are texts") == 0;
    bool about_a_field = (r->code == PD_E_invalid_field && !is_key) || r->code == PD_E_missing_field;

    PD_CHECK(r->code != PD_OK);
    PD_CHECK(!about_a_field || r->field[0] != '\0');
    pd_encode_refused(&w, PD_TEXT("h"), r);
    PD_CHECK(mp_scan(w.data, w.size, &scan));
    mp_writer_fini(&w);
}

const char *
fuzz_file(const uint8_t *data, size_t size)
{
    static char path[40];
    static int  fd = -1;

    if (fd < 0) {
        fd = memfd_create("fuzz", 0);
        PD_CHECK(fd >= 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    PD_CHECK(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
    return path;
}
