/* verify.c - what verify and rebuild say of a log that is whole byte by byte, and yet not the one that was written. */
#include <stdio.h>

#include "engine/engine.h"
#include "engine/store/store_memory.h"
#include "engine/upkeep.h"
#include "tests/support/check.h"

static struct pd_arena arena;

/* Books in memory as an engine's first start leaves them: EngineStarted, and the reseller `default`. */
static void
start_engine(struct books *ret_books)
{
    struct engine_options options = {.lease_ms = 1000, .software = PD_TEXT("test")};
    struct engine        *engine = NULL;
    struct now            now = {.wall_us = 1700000000000000, .monotonic_ms = 1};
    uint64_t              known;

    store_memory_forget("good");
    CHECK_EQ(books_open("good", STORE_CREATE, false, ret_books, &known), STORE_OK);
    CHECK_EQ(engine_open(ret_books, &options, now, &engine), STORE_OK);
    CHECK_EQ(engine_settle(engine, now), STORE_OK);
    engine_close(&engine);
}

/* The same events, each behind a checksum that fits; of one, a bit of the record is another. */
static void
copy_books(const struct books *from, uint64_t wrong_position, size_t wrong_byte, struct books *ret_books)
{
    struct store_reader *reader = NULL;
    uint64_t             known;

    store_memory_forget("copy");
    CHECK_EQ(books_open("copy", STORE_CREATE, false, ret_books, &known), STORE_OK);
    CHECK_EQ(store_reader_open(from->log, &reader), STORE_OK);
    CHECK_EQ(store_begin(ret_books->log), STORE_OK);
    for (uint64_t p = 1; p <= store_last(from->log); p++) {
        struct pd_text bytes;
        CHECK_EQ(store_read_record(reader, p, &arena, &bytes), STORE_OK);
        char *own = pd_arena_alloc(&arena, bytes.size);
        memcpy(own, bytes.data, bytes.size);
        if (p == wrong_position) own[wrong_byte < bytes.size ? wrong_byte : bytes.size - 1] ^= 1;
        store_append(ret_books->log, p, own, bytes.size);
    }
    CHECK_EQ(store_commit(ret_books->log, NULL), STORE_OK);
    store_reader_close(&reader);
    struct expiry       expiry;
    struct upkeep_parts parts = {index_open(&(struct index_options){.shelf = ret_books->index}), scopes_open(), &expiry};
    expiry_init(&expiry, 0);
    CHECK_EQ(upkeep_fold_tail(ret_books, &parts, NULL, NULL), STORE_OK);
    index_close(&parts.index);
    scopes_close(&parts.scopes);
}

static void
an_altered_event_breaks_the_chain(void **state)
{
    struct books good, copy;
    char         what[256];

    (void)state;
    pd_arena_init(&arena);
    start_engine(&good);
    copy_books(&good, 0, 0, &copy);
    CHECK_EQ(upkeep_verify(&copy, "scratch", NULL, NULL, what), STORE_OK);
    books_close(&copy);
    for (uint64_t position = 1; position <= store_last(good.log); position++) {
        char expected[64];
        copy_books(&good, position, SIZE_MAX, &copy); /* the chain's own last byte: nothing else looks at it */
        CHECK_EQ(upkeep_verify(&copy, "scratch", NULL, NULL, what), STORE_DAMAGED);
        snprintf(expected, sizeof expected, "event %d: the chain is broken", (int)position);
        CHECK_TEXT(pd_text(what), expected);
        CHECK_EQ(upkeep_rebuild(&copy, 0, NULL, NULL), STORE_DAMAGED);
        books_close(&copy);
    }
    books_close(&good);
    store_memory_forget("good");
    store_memory_forget("copy");
    pd_arena_fini(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {TEST(an_altered_event_breaks_the_chain)};
    return RUN(tests);
}
