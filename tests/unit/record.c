#include "engine/store/record.h"

#include <sodium.h>

#include "tests/support/check.h"

static const uint8_t before_the_first[PD_CHAIN_BYTES];

static struct record
some_record(uint64_t position)
{
    struct record r = {
        .header = {.type = 10, .schema = 1, .aggregate = 5, .command_type = 8, .count = 1, .position = position,
                   .time = 1767225600000000 + position, .turn = 3, .scope = 2, .scope_position = position,
                   .key_position = 4, .version = 1, .expect = 6, .key_item = 1},
        .command_id = PD_TEXT("0b6f2c9e"),
        .actor = PD_TEXT("local"),
        .trace = {NULL, 0},
        .on_behalf_of = PD_TEXT("ana"),
        .body = PD_TEXT("\x81\xa5order\x11"),
    };
    memset(r.header.fingerprint, 0x5a, sizeof r.header.fingerprint);
    return r;
}

static struct pd_text
write_record(struct record *r, const uint8_t *previous, char *buffer)
{
    memcpy(r->chain, previous, PD_CHAIN_BYTES);
    record_write(r, buffer);
    record_seal(buffer, record_size(r), r->chain);
    return (struct pd_text){buffer, record_size(r)};
}

static void
what_was_written_is_read(void **state)
{
    char           buffer[512];
    struct record  r = some_record(7), back;
    struct pd_text bytes = write_record(&r, before_the_first, buffer);

    (void)state;
    CHECK(record_read(bytes, &back));
    CHECK_EQ(back.header.format, RECORD_FORMAT);
    CHECK_EQ(back.header.position, 7);
    CHECK_EQ(back.header.expect, 6);
    CHECK_EQ(back.header.key_item, 1);
    CHECK_TEXT(back.command_id, "0b6f2c9e");
    CHECK_TEXT(back.actor, "local");
    CHECK_TEXT(back.on_behalf_of, "ana");
    CHECK(back.trace.data == NULL);
    CHECK(pd_text_equal(back.body, r.body));
    CHECK(memcmp(back.chain, r.chain, PD_CHAIN_BYTES) == 0);
    CHECK(memcmp(&back.header, &r.header, sizeof r.header) == 0);
}

/* As whoever has the log and another library would reckon it. */
static void
the_chain_is_sha_256_of_the_one_before_and_the_bytes(void **state)
{
    char          all[PD_CHAIN_BYTES + 512], *buffer = all + PD_CHAIN_BYTES;
    struct record r = some_record(1);
    uint8_t       wanted[crypto_hash_sha256_BYTES];

    (void)state;
    memset(all, 0x3c, PD_CHAIN_BYTES);
    struct pd_text bytes = write_record(&r, (const uint8_t *)all, buffer);
    crypto_hash_sha256(wanted, (const unsigned char *)all, PD_CHAIN_BYTES + bytes.size - PD_CHAIN_BYTES);
    CHECK(memcmp(r.chain, wanted, sizeof wanted) == 0);
    CHECK(memcmp(bytes.data + bytes.size - PD_CHAIN_BYTES, wanted, sizeof wanted) == 0);
}

static void
every_flipped_bit_breaks_the_chain(void **state)
{
    char           buffer[512];
    struct record  r = some_record(1);
    struct pd_text bytes = write_record(&r, before_the_first, buffer);

    (void)state;
    CHECK(record_follows(bytes, before_the_first));
    for (size_t bit = 0; bit < bytes.size * 8; bit++) {
        buffer[bit / 8] = (char)(buffer[bit / 8] ^ 1 << bit % 8);
        ABOUT("bit %zu", bit);
        CHECK(!record_follows(bytes, before_the_first));
        buffer[bit / 8] = (char)(buffer[bit / 8] ^ 1 << bit % 8);
    }
    CHECK(record_follows(bytes, before_the_first));
}

static void
an_event_that_is_cut_out_or_moved_shows(void **state)
{
    char           buffers[3][512];
    struct record  r[3];
    struct pd_text bytes[3];

    (void)state;
    for (uint64_t i = 0; i < 3; i++) {
        r[i] = some_record(i + 1);
        bytes[i] = write_record(&r[i], i == 0 ? before_the_first : r[i - 1].chain, buffers[i]);
    }
    CHECK(record_follows(bytes[0], before_the_first));
    CHECK(record_follows(bytes[1], r[0].chain));
    CHECK(record_follows(bytes[2], r[1].chain));
    CHECK(!record_follows(bytes[2], r[0].chain));
    CHECK(!record_follows(bytes[1], r[1].chain));
    CHECK(!record_follows(bytes[1], before_the_first));
}

static void
no_other_size_is_read(void **state)
{
    char           buffer[512];
    struct record  r = some_record(1), back;
    struct pd_text bytes = write_record(&r, before_the_first, buffer);

    (void)state;
    for (size_t size = 0; size < bytes.size; size++) {
        /* A copy of just that size, so that a byte too far is seen. */
        char *prefix = malloc(size + 1);
        memcpy(prefix + 1, buffer, size);
        CHECK(!record_read((struct pd_text){prefix + 1, size}, &back));
        record_follows((struct pd_text){prefix + 1, size}, before_the_first);
        free(prefix);
    }
    CHECK(!record_read((struct pd_text){buffer, bytes.size + 1}, &back));
    buffer[0] = RECORD_FORMAT + 1; /* one that we do not know */
    CHECK(!record_read(bytes, &back));
}

/* The header's sizes are the only lengths there are: none may reach beyond the record. */
static void
sizes_that_lie_are_refused(void **state)
{
    char          buffer[512];
    struct record back;
    uint64_t      seed = check_seed();

    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct record        r = some_record(1);
        struct pd_text       bytes = write_record(&r, before_the_first, buffer);
        struct record_header header = r.header;
        switch (round % 5) {
        case 0: header.command_id_size = 200; break;
        case 1: header.actor_size = 200; break;
        case 2: header.on_behalf_of_size = 200; break;
        case 3: header.trace_size = 200; break;
        default: break;
        }
        if (round % 2 == 0 || round % 5 == 4) header.body_size = (uint32_t)(UINT32_MAX - check_pick(&seed, 300));
        memcpy(buffer, &header, sizeof header);
        CHECK(!record_read(bytes, &back));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_written_is_read),
        TEST(the_chain_is_sha_256_of_the_one_before_and_the_bytes),
        TEST(every_flipped_bit_breaks_the_chain),
        TEST(an_event_that_is_cut_out_or_moved_shows),
        TEST(no_other_size_is_read),
        TEST(sizes_that_lie_are_refused),
    };
    return RUN(tests);
}
