/* pair.c - the two stores of a data directory: rows are those of this log and of no later position, or they are thrown away. */
#include "engine/store/books.h"
#include "proto/schema.h"
#include "tests/contract/books.h"
#include "tests/support/check.h"

static const uint8_t   chain[PD_CHAIN_BYTES] = {7};
static const char     *dir;
static struct books    books;
static struct pd_arena arena;

static int
begin_story(void **state)
{
    check_start(state);
    pd_arena_init(&arena);
    dir = books_make();
    return 0;
}

static int
end_story(void **state)
{
    (void)state;
    books_close(&books);
    books_forget();
    pd_arena_fini(&arena);
    return 0;
}

static enum store_error
open_again(enum store_mode mode, bool accept_shorter, uint64_t *ret_known)
{
    books_close(&books);
    return books_open(dir, mode, accept_shorter, &books, ret_known);
}

static void
open_books(void)
{
    uint64_t known;
    CHECK_EQ(open_again(STORE_CREATE, false, &known), STORE_OK);
}

static void
append_until(uint64_t last)
{
    CHECK_EQ(store_begin(books.log), STORE_OK);
    for (uint64_t p = store_last(books.log) + 1; p <= last; p++) store_append(books.log, p, "event", 5);
    CHECK_EQ(store_commit(books.log, chain), STORE_OK);
}

static void
write_row(struct store *rows, uint64_t folded)
{
    CHECK_EQ(store_begin(rows), STORE_OK);
    store_put_row(rows, PD_ROW_order, (struct row_key){1, 0}, "order", 5);
    store_set_folded(rows, folded);
    CHECK_EQ(store_commit(rows, chain), STORE_OK);
}

static bool
has_row(void)
{
    struct store_reader *reader;
    struct pd_text       bytes;

    CHECK_EQ(store_reader_open(books.rows, &reader), STORE_OK);
    enum store_error error = store_read_row(reader, PD_ROW_order, (struct row_key){1, 0}, &arena, &bytes);
    store_reader_close(&reader);
    return error == STORE_OK;
}

static void
log_and_rows_go_their_own_ways_and_are_of_one_log(void **state)
{
    (void)state;
    open_books();
    CHECK(memcmp(store_log_id(books.log), store_log_id(books.rows), PD_LOG_ID_BYTES) == 0);
    append_until(5);
    write_row(books.rows, 3);
    append_until(7);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(store_last(books.log), 7);
        CHECK_EQ(store_folded(books.rows), 3);
        CHECK(has_row());
        open_books();
    }
}

static void
rows_of_another_log_are_thrown_away(void **state)
{
    static const uint8_t other[PD_LOG_ID_BYTES] = {1, 2, 3};

    (void)state;
    open_books();
    append_until(5);
    write_row(books.rows, 5);
    CHECK_EQ(store_begin(books.rows), STORE_OK);
    store_set_log_id(books.rows, other);
    CHECK_EQ(store_commit(books.rows, chain), STORE_OK);
    open_books();
    CHECK(!has_row());
    CHECK_EQ(store_folded(books.rows), 0);
    CHECK(memcmp(store_log_id(books.log), store_log_id(books.rows), PD_LOG_ID_BYTES) == 0);
    CHECK_EQ(store_last(books.log), 5);
}

/* As after the log's directory was replaced by an older copy. */
static void
rows_ahead_of_the_log_are_a_log_that_is_shorter_than_known(void **state)
{
    uint64_t known = 0;
    uint8_t  id[PD_LOG_ID_BYTES];

    (void)state;
    open_books();
    append_until(5);
    write_row(books.rows, 9);
    memcpy(id, store_log_id(books.log), sizeof id);
    CHECK_EQ(open_again(STORE_EXISTING, false, &known), STORE_SHORTER);
    CHECK_EQ(known, 9);
    CHECK(books.log == NULL && books.rows == NULL);
    CHECK_EQ(open_again(STORE_EXISTING, true, &known), STORE_OK);
    CHECK(memcmp(id, store_log_id(books.log), sizeof id) != 0); /* another log from here on */
    CHECK(!has_row());
    CHECK_EQ(store_last(books.log), 5);
    memcpy(id, store_log_id(books.log), sizeof id);
    open_books();
    CHECK(memcmp(id, store_log_id(books.log), sizeof id) == 0);
    CHECK(memcmp(id, store_log_id(books.rows), sizeof id) == 0);
}

static void
an_id_that_was_not_committed_is_not_taken(void **state)
{
    static const uint8_t other[PD_LOG_ID_BYTES] = {1, 2, 3};
    uint8_t              id[PD_LOG_ID_BYTES];

    (void)state;
    open_books();
    memcpy(id, store_log_id(books.rows), sizeof id);
    CHECK_EQ(store_begin(books.rows), STORE_OK);
    store_set_log_id(books.rows, other);
    store_abort(books.rows);
    CHECK(memcmp(id, store_log_id(books.rows), sizeof id) == 0);
    write_row(books.rows, 0);
    CHECK(memcmp(id, store_log_id(books.rows), sizeof id) == 0);
    open_books();
    CHECK(has_row());
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, begin_story, end_story)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(log_and_rows_go_their_own_ways_and_are_of_one_log),
        STORY(rows_of_another_log_are_thrown_away),
        STORY(rows_ahead_of_the_log_are_a_log_that_is_shorter_than_known),
        STORY(an_id_that_was_not_committed_is_not_taken),
    };
    return RUN(tests);
}
