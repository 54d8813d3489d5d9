/* read_ahead.c - a log that is read while it is looked at: every event once, in order, as it was written, and what is wrong told
 * where it is. */
#include "engine/read_ahead.h"

#include <stdio.h>
#include <unistd.h>

#include "engine/store/store_memory.h"
#include "tests/support/check.h"

enum { FEW = 100, EVENTS = 5 * AHEAD_EVENTS + 17 };

static struct store *log_store;
static uint64_t      broken; /* the event that does not follow from the one before; 0: none */

static void
name_of(uint64_t position, char name[32])
{
    snprintf(name, 32, "customer-%llu", (unsigned long long)position);
}

static void
append_all(void)
{
    static char             buffer[512];
    static struct mp_writer body;
    uint8_t                 chain[PD_CHAIN_BYTES] = {0};
    char                    name[32];

    CHECK_EQ(store_begin(log_store), STORE_OK);
    for (uint64_t p = 1; p <= EVENTS; p++) {
        name_of(p, name);
        struct pd_customer_put put = {.customer = pd_text(name), .name = PD_TEXT("Ana")};
        mp_writer_clear(&body);
        pd_encode_map(&body, pd_schema_event(PD_EVENT_customer_put), &put);
        struct record r = {
            .header = {.type = PD_EVENT_customer_put, .position = p, .scope = 1, .scope_position = p},
            .command_id = PD_TEXT("c"), .actor = PD_TEXT("local"), .body = {body.data, body.size},
        };
        CHECK(record_size(&r) < sizeof buffer);
        record_write(&r, buffer);
        if (p == broken) chain[0] ^= 1;
        record_seal(buffer, record_size(&r), chain);
        store_append(log_store, p, buffer, record_size(&r));
    }
    CHECK_EQ(store_commit(log_store, chain), STORE_OK);
    mp_writer_fini(&body);
}

static int
begin_story(void **state)
{
    uint64_t known;

    check_start(state);
    broken = 0;
    CHECK_EQ(store_open("ahead-log", STORE_CREATE, false, &log_store, &known), STORE_OK);
    return 0;
}

static int
end_story(void **state)
{
    (void)state;
    store_close(&log_store);
    store_memory_forget("ahead-log");
    return 0;
}

static void
check_batch(const struct ahead_batch *b, uint64_t from)
{
    char name[32];

    for (size_t i = 0; i < b->count; i++) {
        const struct pd_customer_put *put = b->events[i].event;
        name_of(from + i, name);
        CHECK_EQ(b->events[i].record.header.position, from + i);
        CHECK_TEXT(put->customer, name);
    }
}

/* Reads a stretch, slowly or not; how many events there were. */
static uint64_t
read_all(uint64_t first, uint64_t last, const uint8_t *chain, unsigned pause_us, const char *wrong)
{
    struct ahead_options      options = {.log = log_store, .first = first, .last = last, .chain = chain, .decodes = true};
    enum store_error          error;
    struct read_ahead        *ahead = read_ahead_begin(&options, &error);
    const struct ahead_batch *b;
    uint64_t                  at = first;

    CHECK_EQ(error, STORE_OK);
    do {
        b = read_ahead_next(ahead);
        usleep(pause_us); /* who reads ahead has the time to do damage */
        check_batch(b, at);
        at += b->count;
    } while (b->count > 0 && b->error == STORE_OK);
    CHECK_EQ(b->error, wrong == NULL ? STORE_OK : STORE_DAMAGED);
    if (wrong != NULL) CHECK(strcmp(b->wrong, wrong) == 0);
    read_ahead_end(&ahead);
    return at - first;
}

static void
each_event_comes_once_and_in_order(void **state)
{
    static const uint8_t none[PD_CHAIN_BYTES];

    (void)state;
    append_all();
    CHECK_EQ(read_all(1, EVENTS, none, 0, NULL), EVENTS);
    CHECK_EQ(read_all(1, EVENTS, none, 3000, NULL), EVENTS);
    CHECK_EQ(read_all(FEW, 2 * FEW - 1, NULL, 0, NULL), FEW);
    CHECK_EQ(read_all(7, EVENTS - 7, NULL, 1000, NULL), EVENTS - 13);
    CHECK_EQ(read_all(EVENTS + 1, EVENTS, NULL, 0, NULL), 0);
}

static void
what_is_wrong_is_told_behind_what_is_well(void **state)
{
    static const uint8_t none[PD_CHAIN_BYTES];

    (void)state;
    broken = 3 * AHEAD_EVENTS + 5;
    append_all();
    CHECK_EQ(read_all(1, EVENTS, none, 1000, ": the chain is broken"), broken - 1);
    CHECK_EQ(read_all(1, EVENTS, NULL, 0, NULL), EVENTS); /* nobody asked */
    CHECK_EQ(read_all(1, EVENTS + 5, NULL, 0, " is missing"), EVENTS);
    CHECK_EQ(read_all(broken - 2, broken + 2, none, 0, ": the chain is broken"), 0); /* of the event before it is another */
}

static void
who_has_seen_enough_leaves(void **state)
{
    struct ahead_options options = {.log = log_store, .first = 1, .last = EVENTS};
    enum store_error     error;

    (void)state;
    append_all();
    for (int batches = 0; batches < 4; batches++) {
        struct read_ahead *ahead = read_ahead_begin(&options, &error);
        for (int i = 0; i < batches; i++) CHECK_EQ(read_ahead_next(ahead)->count, AHEAD_EVENTS);
        read_ahead_end(&ahead);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_event_comes_once_and_in_order, begin_story, end_story),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_told_behind_what_is_well, begin_story, end_story),
        cmocka_unit_test_setup_teardown(who_has_seen_enough_leaves, begin_story, end_story),
    };
    return RUN(tests);
}
