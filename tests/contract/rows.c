/* rows.c - the contract of store.h for rows, the same for every store. */
#include "tests/contract/store_story.h"

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(rows_are_visited_in_order_of_key),
        STORY(a_visit_begins_at_its_key_and_ends_when_told),
        STORY(rows_grow_shrink_and_may_be_empty),
        STORY(deleting_takes_one_row_and_asks_for_none),
        STORY(dropping_rows_keeps_the_log_and_folding_goes_on_across_a_restart),
        STORY(a_dropping_that_is_aborted_drops_nothing),
        STORY(a_damaged_row_is_told_and_a_new_one_heals_it),
    };
    return RUN(tests);
}
