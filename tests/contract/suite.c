/* suite.c - the contract of store.h, the same for every store: what is committed is there, in order, whole, and nothing else. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/contract/store_story.h"

static void
new_books_are_empty_and_have_an_id(void **state)
{
    static const uint8_t zero[PD_LOG_ID_BYTES];
    (void)state;
    CHECK_EQ(store_last(store), 0);
    CHECK_EQ(store_folded(store), 0);
    CHECK(memcmp(store_log_id(store), zero, sizeof zero) != 0);
    check_record(0, NULL);
    check_record(1, NULL);
    check_row(PD_ROW_order, 1, 0, NULL);
    check_rows(PD_ROW_order, first, 10, "");
}

static void
books_that_must_exist_are_not_made(void **state)
{
    uint64_t known;
    (void)state;
    store_close(&store);
    books_forget();
    dir = books_make();
    CHECK_EQ(store_open(dir, STORE_EXISTING, false, &store, &known), STORE_EXISTS_NOT);
    CHECK(store == NULL);
    CHECK_EQ(store_open(dir, STORE_EXISTING, false, &store, &known), STORE_EXISTS_NOT);
    open_store(STORE_CREATE);
}

static void
what_is_committed_is_seen_by_the_next_reader(void **state)
{
    (void)state;
    begin();
    append(1, "one");
    append(2, "two");
    put(PD_ROW_order, 1, 0, "draft");
    store_set_folded(store, 2);
    commit();
    CHECK_EQ(store_last(store), 2);
    CHECK_EQ(store_folded(store), 2);
    check_record(1, "one");
    check_record(2, "two");
    check_record(3, NULL);
    check_row(PD_ROW_order, 1, 0, "draft");
    check_row(PD_ROW_order, 1, 1, NULL);
    check_row(PD_ROW_task, 1, 0, NULL);
}

static void
the_writer_sees_what_it_has_written(void **state)
{
    (void)state;
    begin();
    append(1, "one");
    put(PD_ROW_order, 1, 0, "draft");
    struct store_reader *view = store_writer_view(store);
    check_is(record_in(view, 1), "one");
    check_is(row_in(view, PD_ROW_order, 1, 0), "draft");
    put(PD_ROW_order, 1, 0, "new");
    check_is(row_in(view, PD_ROW_order, 1, 0), "new");
    delete_row(PD_ROW_order, 1, 0);
    check_is(row_in(view, PD_ROW_order, 1, 0), NULL);
    CHECK_EQ(store_reader_last(view), 1);
    CHECK_EQ(store_last(store), 0); /* as of the last commit */
    commit();
    CHECK_EQ(store_last(store), 1);
}

static void
what_is_aborted_was_never_there(void **state)
{
    (void)state;
    begin();
    append(1, "one");
    put(PD_ROW_order, 1, 0, "draft");
    put(PD_ROW_order, 1, 1, "kept");
    store_set_folded(store, 1);
    commit();
    begin();
    append(2, "two");
    put(PD_ROW_order, 1, 0, "new");
    put(PD_ROW_order, 1, 0, "newer");
    put(PD_ROW_order, 2, 0, "more");
    delete_row(PD_ROW_order, 1, 1);
    delete_row(PD_ROW_order, 9, 9);
    store_abort(store);
    store_abort(store); /* nothing is open */
    CHECK_EQ(store_last(store), 1);
    CHECK_EQ(store_folded(store), 1);
    check_record(2, NULL);
    check_rows(PD_ROW_order, first, 10, "1.0=draft 1.1=kept");
    begin();
    append(2, "second");
    commit();
    check_record(2, "second");
}

static void
closing_aborts_what_is_open(void **state)
{
    (void)state;
    begin();
    append(1, "one");
    put(PD_ROW_order, 1, 0, "draft");
    reopen();
    CHECK_EQ(store_last(store), 0);
    check_row(PD_ROW_order, 1, 0, NULL);
}

static void
a_commit_of_nothing_is_one(void **state)
{
    (void)state;
    begin();
    commit();
    CHECK_EQ(store_last(store), 0);
    begin();
    put(PD_ROW_plan, 1, 0, "a row without an event");
    commit();
    CHECK_EQ(store_last(store), 0);
    check_row(PD_ROW_plan, 1, 0, "a row without an event");
}

/* A bug, not a bad input: the process ends. */
static void
records_are_appended_without_gap(void **state)
{
    static const uint64_t wrong[] = {0, 1, 3, 1000};

    (void)state;
    begin();
    append(1, "one");
    commit();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        int   status = 0;
        pid_t child = fork();
        if (child == 0) {
            signal(SIGABRT, SIG_DFL);
            fclose(stderr);
            if (store_begin(store) != STORE_OK) _exit(1);
            append(wrong[i], "wrong");
            _exit(0);
        }
        CHECK(waitpid(child, &status, 0) == child);
        ABOUT("position %ju", (uintmax_t)wrong[i]);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    }
    check_record(2, NULL);
}

static void
a_reopened_store_has_everything_and_the_same_id(void **state)
{
    uint8_t id[PD_LOG_ID_BYTES];

    (void)state;
    memcpy(id, store_log_id(store), sizeof id);
    begin();
    append(1, "one");
    append(2, "two");
    put(PD_ROW_customer, 2, 0, "lopez");
    commit();
    for (int i = 0; i < 3; i++) {
        reopen();
        CHECK_EQ(store_last(store), 2);
        CHECK(memcmp(id, store_log_id(store), sizeof id) == 0);
        check_record(1, "one");
        check_record(2, "two");
        check_row(PD_ROW_customer, 2, 0, "lopez");
    }
    begin();
    append(3, "three");
    commit();
    check_record(3, "three");
}

static void
what_was_read_stays_when_the_store_goes_on(void **state)
{
    struct store_reader *reader;
    (void)state;
    begin();
    append(1, "one");
    put(PD_ROW_order, 1, 0, "draft");
    commit();
    CHECK_EQ(store_reader_open(store, &reader), STORE_OK);
    const char *record = record_in(reader, 1), *row = row_in(reader, PD_ROW_order, 1, 0);
    store_reader_close(&reader);
    for (int i = 0; i < 20; i++) {
        begin();
        put(PD_ROW_order, 1, 0, "other");
        commit();
    }
    store_close(&store);
    check_is(record, "one");
    check_is(row, "draft");
    open_store(STORE_EXISTING);
}

static void
a_reader_keeps_its_snapshot(void **state)
{
    struct store_reader *before, *after;
    (void)state;
    if (!books_have_snapshots) skip();
    begin();
    append(1, "one");
    put(PD_ROW_order, 1, 0, "draft");
    commit();
    CHECK_EQ(store_reader_open(store, &before), STORE_OK);
    begin();
    append(2, "two");
    put(PD_ROW_order, 1, 0, "new");
    CHECK(record_in(before, 2) == NULL);
    check_is(row_in(before, PD_ROW_order, 1, 0), "draft");
    commit();
    CHECK_EQ(store_reader_open(store, &after), STORE_OK);
    CHECK(record_in(before, 2) == NULL);
    check_is(row_in(before, PD_ROW_order, 1, 0), "draft");
    CHECK_EQ(store_reader_last(before), 1);
    check_is(row_in(after, PD_ROW_order, 1, 0), "new");
    CHECK_EQ(store_reader_last(after), 2);
    store_reader_close(&before);
    store_reader_close(&after);
}

/* Space is judged before a turn begins: what is there stays, and when there is space again, it goes on. */
static void
a_full_disk_is_told_before_anything_is_begun(void **state)
{
    static char      megabyte[1 << 20];
    enum store_error error = STORE_OK;
    uint64_t         position = 0;

    (void)state;
    memset(megabyte, 'm', sizeof megabyte);
    CHECK_EQ(store_prepare(store, SPACE, 64), STORE_OK);
    begin();
    append(++position, "before");
    put(PD_ROW_order, 1, 0, "draft");
    commit();
    books_fill(true);
    while (position < 40 && (error = store_prepare(store, SPACE, 64)) == STORE_OK) {
        begin();
        store_append(store, ++position, megabyte, sizeof megabyte);
        commit();
    }
    CHECK_EQ(error, STORE_FULL);
    CHECK_EQ(store_prepare(store, SPACE, 64), STORE_FULL);
    CHECK_EQ(store_last(store), position);
    check_record(1, "before");
    check_row(PD_ROW_order, 1, 0, "draft");
    begin(); /* a small turn still fits into what lies ahead */
    append(++position, "small");
    commit();
    books_fill(false);
    CHECK_EQ(store_prepare(store, SPACE, 64), STORE_OK);
    reopen();
    CHECK_EQ(store_last(store), position);
    check_record(position, "small");
}

static void
a_scratch_store_leaves_nothing_behind(void **state)
{
    struct store *scratch;
    uint64_t      known;
    char          place[256];

    (void)state;
    snprintf(place, sizeof place, "%s.scratch", dir);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(store_open(place, STORE_SCRATCH, false, &scratch, &known), STORE_OK);
        CHECK_EQ(store_last(scratch), 0);
        CHECK_EQ(store_prepare(scratch, SPACE, 64), STORE_OK);
        CHECK_EQ(store_begin(scratch), STORE_OK);
        store_append(scratch, 1, "one", 3); /* a bug if there is one already */
        store_put_row(scratch, PD_ROW_order, (struct row_key){1, 0}, "x", 1);
        CHECK_EQ(store_commit(scratch, chain), STORE_OK);
        store_close(&scratch);
        CHECK(access(place, F_OK) != 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(new_books_are_empty_and_have_an_id),
        STORY(books_that_must_exist_are_not_made),
        STORY(what_is_committed_is_seen_by_the_next_reader),
        STORY(the_writer_sees_what_it_has_written),
        STORY(what_is_aborted_was_never_there),
        STORY(closing_aborts_what_is_open),
        STORY(a_commit_of_nothing_is_one),
        STORY(records_are_appended_without_gap),
        STORY(a_reopened_store_has_everything_and_the_same_id),
        STORY(what_was_read_stays_when_the_store_goes_on),
        STORY(a_reader_keeps_its_snapshot),
        STORY(a_full_disk_is_told_before_anything_is_begun),
        STORY(a_scratch_store_leaves_nothing_behind),
    };
    return RUN(tests);
}
