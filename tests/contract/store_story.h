/* store_story.h - a store of a story's own, and short words for what is done to it. */
#ifndef TESTS_CONTRACT_STORE_STORY_H
#define TESTS_CONTRACT_STORE_STORY_H

#include "proto/schema.h"
#include "tests/contract/books.h"
#include "tests/support/check.h"

static const uint8_t   chain[PD_CHAIN_BYTES] = {7};
static const char     *dir;
static struct store   *store;
static struct pd_arena arena;

static inline void
open_store(enum store_mode mode)
{
    uint64_t known = 0;
    CHECK_EQ(store_open(dir, mode, false, &store, &known), STORE_OK);
}

static inline void
reopen(void)
{
    store_close(&store);
    CHECK(store == NULL);
    open_store(STORE_EXISTING);
}

static inline int
begin_story(void **state)
{
    check_start(state);
    pd_arena_init(&arena);
    dir = books_make();
    open_store(STORE_CREATE);
    return 0;
}

static inline int
end_story(void **state)
{
    (void)state;
    store_close(&store);
    books_forget();
    pd_arena_fini(&arena);
    return 0;
}

static inline void
begin(void)
{
    CHECK_EQ(store_begin(store), STORE_OK);
}

static inline void
commit(void)
{
    CHECK_EQ(store_commit(store, chain), STORE_OK);
}

static inline void
append(uint64_t position, const char *text)
{
    store_append(store, position, text, strlen(text));
}

static inline void
put(int row_code, uint64_t position, uint32_t item, const char *text)
{
    store_put_row(store, row_code, (struct row_key){position, item}, text, strlen(text));
}

static inline void
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

static inline void
check_is(const char *is, const char *should)
{
    if (should == NULL) CHECK(is == NULL);
    else CHECK_TEXT(pd_text(is), should);
}

/* What a new reader sees of a record and a row. */
static inline void
check_record(uint64_t position, const char *should)
{
    struct store_reader *reader;
    CHECK_EQ(store_reader_open(store, &reader), STORE_OK);
    check_is(record_in(reader, position), should);
    store_reader_close(&reader);
    CHECK(reader == NULL);
}

static inline void
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

static inline bool
note_row(void *arg, struct row_key key, struct pd_text bytes)
{
    struct list *l = arg;
    int          n = snprintf(l->text + l->size, sizeof l->text - l->size, "%s%ju.%u=%.*s", l->size > 0 ? " " : "",
                              (uintmax_t)key.position, key.item, bytes.data == NULL ? 1 : (int)bytes.size,
                              bytes.data == NULL ? "?" : bytes.data);
    l->size += (size_t)n;
    return --l->left > 0;
}

static inline void
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

#define STORY(name) cmocka_unit_test_setup_teardown(name, begin_story, end_story)

#endif
