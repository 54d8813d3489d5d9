/* entries.c - the contract of a store's entries, the same for every store: held against a sorted table through many transactions,
 * some of which are aborted. */
#include <stdlib.h>

#include "tests/contract/store_story.h"

static void
put_entry(const char *key, const char *value)
{
    store_put_entry(store, pd_text(key), pd_text(value));
}

static struct store_reader *
open_reader(void)
{
    struct store_reader *reader;
    CHECK_EQ(store_reader_open(store, &reader), STORE_OK);
    return reader;
}

/* Where a move has come to, as "key=value", or "-" at an end. */
static const char *
shown(enum store_error error, const struct store_entry *e)
{
    static char text[100];
    CHECK(error == STORE_OK || error == STORE_NONE);
    if (error == STORE_NONE) return "-";
    snprintf(text, sizeof text, "%.*s=%.*s", (int)e->key.size, e->key.data, (int)e->value.size, e->value.data);
    return text;
}

#define CHECK_MOVE(move, should) CHECK_TEXT(pd_text(shown(move, &entry)), should)

static void
a_cursor_goes_to_keys_and_on_in_both_directions(void **state)
{
    struct store_cursor *cursor;
    struct store_entry   entry;

    (void)state;
    begin();
    put_entry("b", "2");
    put_entry("d", "");
    put_entry("a", "1");
    put_entry("bb", "3");
    commit();
    struct store_reader *reader = open_reader();
    CHECK_EQ(store_cursor_open(reader, &cursor), STORE_OK);
    CHECK_MOVE(store_cursor_seek(cursor, PD_TEXT("b"), &entry), "b=2");
    CHECK_MOVE(store_cursor_next(cursor, &entry), "bb=3");
    CHECK_MOVE(store_cursor_next(cursor, &entry), "d=");
    CHECK_MOVE(store_cursor_next(cursor, &entry), "-");
    CHECK_MOVE(store_cursor_seek(cursor, PD_TEXT("c"), &entry), "d=");
    CHECK_MOVE(store_cursor_previous(cursor, &entry), "bb=3");
    CHECK_MOVE(store_cursor_seek(cursor, PD_TEXT("e"), &entry), "-");
    CHECK_MOVE(store_cursor_seek_before(cursor, PD_TEXT("e"), &entry), "d=");
    CHECK_MOVE(store_cursor_seek_before(cursor, PD_TEXT("b"), &entry), "a=1");
    CHECK_MOVE(store_cursor_seek_before(cursor, PD_TEXT("a"), &entry), "-");
    CHECK_MOVE(store_cursor_seek(cursor, PD_TEXT("a"), &entry), "a=1");
    CHECK_MOVE(store_cursor_previous(cursor, &entry), "-");
    store_cursor_close(&cursor);
    CHECK(cursor == NULL);
    store_reader_close(&reader);
}

static void
an_empty_store_has_no_entry(void **state)
{
    struct store_cursor *cursor;
    struct store_entry   entry;
    struct pd_text       value;

    (void)state;
    struct store_reader *reader = open_reader();
    CHECK_EQ(store_cursor_open(reader, &cursor), STORE_OK);
    CHECK_MOVE(store_cursor_seek(cursor, PD_TEXT("a"), &entry), "-");
    CHECK_MOVE(store_cursor_seek_before(cursor, PD_TEXT("a"), &entry), "-");
    CHECK_EQ(store_read_entry(reader, PD_TEXT("a"), &arena, &value), STORE_NONE);
    store_cursor_close(&cursor);
    store_reader_close(&reader);
}

static void
the_writer_sees_what_it_has_put_and_dropping_drops_entries(void **state)
{
    struct pd_text value;

    (void)state;
    begin();
    put_entry("a", "1");
    CHECK_EQ(store_read_entry(store_writer_view(store), PD_TEXT("a"), &arena, &value), STORE_OK);
    CHECK_TEXT(value, "1");
    store_drop_rows(store);
    CHECK_EQ(store_read_entry(store_writer_view(store), PD_TEXT("a"), &arena, &value), STORE_NONE);
    put_entry("b", "2");
    commit();
    struct store_reader *reader = open_reader();
    CHECK_EQ(store_read_entry(reader, PD_TEXT("a"), &arena, &value), STORE_NONE);
    CHECK_EQ(store_read_entry(reader, PD_TEXT("b"), &arena, &value), STORE_OK);
    store_reader_close(&reader);
}

/* Behind what was put before, also in the same transaction; then they are changed as any other. */
static void
entries_are_appended_in_order(void **state)
{
    struct store_cursor *cursor;
    struct store_entry   entry;
    char                 key[16];

    (void)state;
    begin();
    put_entry("000", "first");
    for (int i = 1; i < 3000; i++) {
        if (i % 1000 == 0) commit();
        if (i % 1000 == 0) begin();
        if (i % 500 == 0) put_entry("000", "again");
        snprintf(key, sizeof key, "%04d", i);
        store_append_entry(store, pd_text(key), pd_text(key + 1));
    }
    put_entry("1500", "changed");
    commit();
    reopen();
    struct store_reader *reader = open_reader();
    CHECK_EQ(store_cursor_open(reader, &cursor), STORE_OK);
    CHECK_MOVE(store_cursor_seek(cursor, PD_TEXT("0"), &entry), "000=again");
    for (int i = 1; i < 3000; i++) {
        snprintf(key, sizeof key, "%04d", i);
        CHECK_EQ(store_cursor_next(cursor, &entry), STORE_OK);
        CHECK_TEXT(entry.key, key);
        CHECK_TEXT(entry.value, i == 1500 ? "changed" : key + 1);
    }
    CHECK_MOVE(store_cursor_next(cursor, &entry), "-");
    store_cursor_close(&cursor);
    store_reader_close(&reader);
}

/* ---- against a table ----------------------------------------------------------------------------------------------- */

enum { KEYS = 300, TURNS = 200, CHANGES = 40, VALUE = 40 };

static char table[KEYS][VALUE], before[KEYS][VALUE]; /* the value of key n; '\0' first: there is none */

static struct pd_text
key_of(unsigned n, char text[16])
{
    return (struct pd_text){text, (size_t)snprintf(text, 16, n % 3 == 0 ? "%03u" : "%03u/long", n)};
}

static void
check_all(void)
{
    struct store_reader *reader = open_reader();
    struct store_cursor *cursor;
    struct store_entry   entry;
    char                 text[16];

    CHECK_EQ(store_cursor_open(reader, &cursor), STORE_OK);
    enum store_error error = store_cursor_seek(cursor, PD_TEXT("0"), &entry);
    for (unsigned n = 0; n < KEYS; n++) {
        if (table[n][0] == '\0') continue;
        CHECK_EQ(error, STORE_OK);
        CHECK(pd_text_equal(entry.key, key_of(n, text)));
        CHECK_TEXT(entry.value, table[n]);
        error = store_cursor_next(cursor, &entry);
    }
    CHECK_EQ(error, STORE_NONE);
    store_cursor_close(&cursor);
    store_reader_close(&reader);
}

static void
entries_are_as_in_a_table_through_commits_and_aborts(void **state)
{
    unsigned seed = 1;
    char     text[16];

    (void)state;
    for (int turn = 0; turn < TURNS; turn++) {
        memcpy(before, table, sizeof before);
        begin();
        for (int i = 0; i < CHANGES; i++) {
            unsigned n = (unsigned)rand_r(&seed) % KEYS;
            if (rand_r(&seed) % 3 == 0) {
                store_delete_entry(store, key_of(n, text));
                table[n][0] = '\0';
            } else {
                snprintf(table[n], VALUE, "%d.%d", turn, i);
                store_put_entry(store, key_of(n, text), pd_text(table[n]));
            }
        }
        if (rand_r(&seed) % 4 == 0) {
            store_abort(store);
            memcpy(table, before, sizeof table);
        } else commit();
        if (turn % 20 == 0) reopen();
        check_all();
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(a_cursor_goes_to_keys_and_on_in_both_directions),
        STORY(an_empty_store_has_no_entry),
        STORY(the_writer_sees_what_it_has_put_and_dropping_drops_entries),
        STORY(entries_are_appended_in_order),
        STORY(entries_are_as_in_a_table_through_commits_and_aborts),
    };
    return RUN(tests);
}
