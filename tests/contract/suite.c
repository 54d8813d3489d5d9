/* suite.c - the contract of store.h, the same for every store: what is committed is there, in order, whole, and nothing else. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/schema.h"
#include "tests/contract/books.h"
#include "tests/support/check.h"

static const uint8_t   chain[PD_CHAIN_BYTES] = {7};
static const char     *dir;
static struct store   *store;
static struct pd_arena arena;

static void
open_store(enum store_mode mode)
{
    uint64_t known = 0;
    CHECK_EQ(store_open(dir, mode, false, &store, &known), STORE_OK);
}

static void
reopen(void)
{
    store_close(&store);
    CHECK(store == NULL);
    open_store(STORE_EXISTING);
}

static int
begin_story(void **state)
{
    check_start(state);
    pd_arena_init(&arena);
    dir = books_make();
    open_store(STORE_CREATE);
    return 0;
}

static int
end_story(void **state)
{
    (void)state;
    store_close(&store);
    books_forget();
    pd_arena_fini(&arena);
    return 0;
}

/* ---- short words for what the stories do --------------------------------------------------------------------------- */

static void
begin(void)
{
    CHECK_EQ(store_begin(store), STORE_OK);
}

static void
commit(void)
{
    CHECK_EQ(store_commit(store, chain), STORE_OK);
}

static void
append(uint64_t position, const char *text)
{
    store_append(store, position, text, strlen(text));
}

static void
put(int row_code, uint64_t position, uint32_t item, const char *text)
{
    store_put_row(store, row_code, (struct row_key){position, item}, text, strlen(text));
}

static void
delete_row(int row_code, uint64_t position, uint32_t item)
{
    store_delete_row(store, row_code, (struct row_key){position, item});
}

/* The text of a record as a reader sees it; NULL when there is none. */
static const char *
record_in(struct store_reader *reader, uint64_t position)
{
    struct pd_text   bytes;
    enum store_error error = store_read_record(reader, position, &arena, &bytes);
    CHECK(error == STORE_OK || error == STORE_NONE);
    return error == STORE_OK ? bytes.data : NULL;
}

static const char *
row_in(struct store_reader *reader, int row_code, uint64_t position, uint32_t item)
{
    struct pd_text   bytes;
    enum store_error error = store_read_row(reader, row_code, (struct row_key){position, item}, &arena, &bytes);
    CHECK(error == STORE_OK || error == STORE_NONE);
    return error == STORE_OK ? bytes.data : NULL;
}

static void
check_is(const char *is, const char *should)
{
    if (should == NULL) CHECK(is == NULL);
    else CHECK_TEXT(pd_text(is), should);
}

/* What a new reader sees of a record and a row. */
static void
check_record(uint64_t position, const char *should)
{
    struct store_reader *reader;
    CHECK_EQ(store_reader_open(store, &reader), STORE_OK);
    check_is(record_in(reader, position), should);
    store_reader_close(&reader);
    CHECK(reader == NULL);
}

static void
check_row(int row_code, uint64_t position, uint32_t item, const char *should)
{
    struct store_reader *reader;
    CHECK_EQ(store_reader_open(store, &reader), STORE_OK);
    check_is(row_in(reader, row_code, position, item), should);
    store_reader_close(&reader);
}

/* Rows as they are visited: "1.2=text 3.0=other", at most `max` of them; "?" stands for a damaged one. */
struct list {
    char   text[2000];
    size_t size, left;
};

static bool
note_row(void *arg, struct row_key key, struct pd_text bytes)
{
    struct list *l = arg;
    int          n = snprintf(l->text + l->size, sizeof l->text - l->size, "%s%ju.%u=%.*s", l->size > 0 ? " " : "",
                              (uintmax_t)key.position, key.item, bytes.data == NULL ? 1 : (int)bytes.size,
                              bytes.data == NULL ? "?" : bytes.data);
    l->size += (size_t)n;
    return --l->left > 0;
}

static void
check_rows(int row_code, struct row_key from, size_t max, const char *should)
{
    struct list          list = {.left = max};
    struct store_reader *reader;

    CHECK_EQ(store_reader_open(store, &reader), STORE_OK);
    CHECK_EQ(store_each_row(reader, row_code, from, note_row, &list), STORE_OK);
    store_reader_close(&reader);
    CHECK_TEXT(((struct pd_text){list.text, list.size}), should);
}

static const struct row_key first = {0, 0};

/* ---- the stories --------------------------------------------------------------------------------------------------- */

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
rows_are_visited_in_order_of_key(void **state)
{
    (void)state;
    begin();
    put(PD_ROW_subscription, 300, 1, "f");
    put(PD_ROW_subscription, 2, 0, "c");
    put(PD_ROW_subscription, 1, 256, "b");
    put(PD_ROW_subscription, 1, 2, "a");
    put(PD_ROW_subscription, 255, 0, "d");
    put(PD_ROW_subscription, 256, 0, "e");
    put(PD_ROW_subscription, (uint64_t)1 << 40, 0, "g");
    put(PD_ROW_task, 1, 1, "of another kind");
    commit();
    check_rows(PD_ROW_subscription, first, 100, "1.2=a 1.256=b 2.0=c 255.0=d 256.0=e 300.1=f 1099511627776.0=g");
    check_rows(PD_ROW_task, first, 100, "1.1=of another kind");
    check_rows(PD_ROW_order, first, 100, "");
}

static void
a_visit_begins_at_its_key_and_ends_when_told(void **state)
{
    (void)state;
    begin();
    for (uint32_t i = 1; i <= 5; i++) put(PD_ROW_order, 10 * i, i, "x");
    commit();
    check_rows(PD_ROW_order, (struct row_key){20, 2}, 2, "20.2=x 30.3=x");
    check_rows(PD_ROW_order, (struct row_key){20, 3}, 2, "30.3=x 40.4=x");
    check_rows(PD_ROW_order, (struct row_key){15, 0}, 1, "20.2=x");
    check_rows(PD_ROW_order, (struct row_key){50, 6}, 9, "");
    check_rows(PD_ROW_order, (struct row_key){UINT64_MAX, UINT32_MAX}, 9, "");
}

static void
rows_grow_shrink_and_may_be_empty(void **state)
{
    static char large[100000];

    (void)state;
    memset(large, 'l', sizeof large - 1);
    begin();
    put(PD_ROW_order, 1, 0, large);
    put(PD_ROW_order, 2, 0, "");
    commit();
    check_row(PD_ROW_order, 1, 0, large);
    check_row(PD_ROW_order, 2, 0, "");
    begin();
    put(PD_ROW_order, 1, 0, "small");
    put(PD_ROW_order, 2, 0, large);
    commit();
    reopen();
    check_row(PD_ROW_order, 1, 0, "small");
    check_row(PD_ROW_order, 2, 0, large);
}

static void
deleting_takes_one_row_and_asks_for_none(void **state)
{
    (void)state;
    begin();
    put(PD_ROW_task, 1, 1, "a");
    put(PD_ROW_task, 1, 2, "b");
    put(PD_ROW_task, 2, 1, "c");
    commit();
    begin();
    delete_row(PD_ROW_task, 1, 2);
    delete_row(PD_ROW_task, 1, 3);
    delete_row(PD_ROW_order, 1, 1);
    commit();
    check_rows(PD_ROW_task, first, 9, "1.1=a 2.1=c");
}

static void
dropping_rows_keeps_the_log_and_folding_goes_on_across_a_restart(void **state)
{
    (void)state;
    begin();
    for (uint64_t p = 1; p <= 5; p++) append(p, "event");
    put(PD_ROW_order, 1, 0, "order");
    put(PD_ROW_plan, 2, 0, "plan");
    commit();
    begin();
    store_drop_rows(store);
    commit();
    CHECK_EQ(store_last(store), 5);
    CHECK_EQ(store_folded(store), 0);
    check_rows(PD_ROW_order, first, 9, "");
    check_rows(PD_ROW_plan, first, 9, "");
    check_record(5, "event");
    begin();
    put(PD_ROW_order, 1, 0, "order");
    store_set_folded(store, 3);
    commit();
    reopen();
    CHECK_EQ(store_folded(store), 3);
    CHECK_EQ(store_last(store), 5);
    check_row(PD_ROW_order, 1, 0, "order");
    begin();
    put(PD_ROW_plan, 2, 0, "plan");
    store_set_folded(store, 5);
    commit();
    begin();
    append(6, "event");
    commit();
    CHECK_EQ(store_folded(store), 5); /* as it was set: rows may follow later */
    reopen();
    CHECK_EQ(store_folded(store), 5);
    begin();
    store_set_folded(store, 6);
    commit();
    reopen();
    CHECK_EQ(store_folded(store), 6);
}

static void
a_dropping_that_is_aborted_drops_nothing(void **state)
{
    (void)state;
    begin();
    append(1, "event");
    put(PD_ROW_order, 1, 0, "order");
    store_set_folded(store, 1);
    commit();
    begin();
    store_drop_rows(store);
    put(PD_ROW_order, 1, 1, "new");
    store_abort(store);
    CHECK_EQ(store_folded(store), 1);
    check_rows(PD_ROW_order, first, 9, "1.0=order");
    reopen();
    CHECK_EQ(store_folded(store), 1);
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

static void
a_damaged_row_is_told_and_a_new_one_heals_it(void **state)
{
    struct store_reader *reader;
    struct pd_text       bytes = PD_TEXT("untouched");
    (void)state;
    begin();
    put(PD_ROW_order, 1, 0, "first");
    put(PD_ROW_order, 2, 0, "second");
    put(PD_ROW_order, 3, 0, "third");
    commit();
    store_close(&store);
    books_damage(PD_ROW_order, (struct row_key){2, 0});
    open_store(STORE_EXISTING);
    CHECK_EQ(store_reader_open(store, &reader), STORE_OK);
    CHECK_EQ(store_read_row(reader, PD_ROW_order, (struct row_key){2, 0}, &arena, &bytes), STORE_DAMAGED);
    CHECK_TEXT(bytes, "untouched");
    store_reader_close(&reader);
    check_rows(PD_ROW_order, first, 9, "1.0=first 2.0=? 3.0=third");
    begin();
    put(PD_ROW_order, 2, 0, "mended");
    commit();
    check_rows(PD_ROW_order, first, 9, "1.0=first 2.0=mended 3.0=third");
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
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin_story, end_story)
    const struct CMUnitTest tests[] = {
        STORY(new_books_are_empty_and_have_an_id),
        STORY(books_that_must_exist_are_not_made),
        STORY(what_is_committed_is_seen_by_the_next_reader),
        STORY(the_writer_sees_what_it_has_written),
        STORY(what_is_aborted_was_never_there),
        STORY(closing_aborts_what_is_open),
        STORY(a_commit_of_nothing_is_one),
        STORY(records_are_appended_without_gap),
        STORY(rows_are_visited_in_order_of_key),
        STORY(a_visit_begins_at_its_key_and_ends_when_told),
        STORY(rows_grow_shrink_and_may_be_empty),
        STORY(deleting_takes_one_row_and_asks_for_none),
        STORY(dropping_rows_keeps_the_log_and_folding_goes_on_across_a_restart),
        STORY(a_dropping_that_is_aborted_drops_nothing),
        STORY(a_reopened_store_has_everything_and_the_same_id),
        STORY(what_was_read_stays_when_the_store_goes_on),
        STORY(a_reader_keeps_its_snapshot),
        STORY(a_damaged_row_is_told_and_a_new_one_heals_it),
        STORY(a_full_disk_is_told_before_anything_is_begun),
        STORY(a_scratch_store_leaves_nothing_behind),
    };
    return RUN(tests);
}
