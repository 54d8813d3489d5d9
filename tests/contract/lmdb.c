/* lmdb.c - what only books on disk can do: know a longer log, meet another's files, be read from another thread. */
#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/store/inspect.h"
#include "proto/schema.h"
#include "tests/contract/books.h"
#include "tests/support/check.h"

static const uint8_t chain[PD_CHAIN_BYTES] = {7};
static const char   *dir;

static int
make_books(void **state)
{
    check_start(state);
    dir = books_make();
    return 0;
}

static int
forget_books(void **state)
{
    (void)state;
    books_forget();
    return 0;
}

static const char *
file(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static struct store *
open_books(bool accept_shorter)
{
    struct store *store = NULL;
    uint64_t      known = 0;
    CHECK_EQ(store_open(dir, STORE_CREATE, accept_shorter, &store, &known), STORE_OK);
    return store;
}

static void
append_until(struct store *store, uint64_t last)
{
    CHECK_EQ(store_begin(store), STORE_OK);
    for (uint64_t p = store_last(store) + 1; p <= last; p++) store_append(store, p, "event", 5);
    CHECK_EQ(store_commit(store, chain), STORE_OK);
}

/* As a head of position `known` would be left by an engine whose books were then replaced by an older copy. */
static void
write_head(uint64_t known)
{
    int fd = open(file("head"), O_WRONLY | O_CREAT, 0600);
    CHECK(fd >= 0 && pwrite(fd, &known, sizeof known, 0) == (ssize_t)sizeof known);
    close(fd);
}

static void
a_log_shorter_than_the_head_is_not_opened(void **state)
{
    struct store *store = open_books(false), *again = NULL;
    uint64_t      known = 0;
    uint8_t       id[PD_LOG_ID_BYTES];

    (void)state;
    append_until(store, 3);
    memcpy(id, store_log_id(store), sizeof id);
    store_close(&store);
    write_head(8);
    CHECK_EQ(store_open(dir, STORE_EXISTING, false, &again, &known), STORE_SHORTER);
    CHECK_EQ(known, 8);
    CHECK(again == NULL);
    store = open_books(true);
    CHECK_EQ(store_last(store), 3);
    CHECK(memcmp(id, store_log_id(store), sizeof id) != 0); /* another log from here on */
    memcpy(id, store_log_id(store), sizeof id);
    append_until(store, 4);
    store_close(&store);
    store = open_books(false);
    CHECK(memcmp(id, store_log_id(store), sizeof id) == 0);
    store_close(&store);
}

static void
a_log_as_long_as_the_head_or_longer_is_opened(void **state)
{
    struct store *store = open_books(false);

    (void)state;
    append_until(store, 3);
    store_close(&store);
    write_head(3);
    store = open_books(false);
    store_close(&store);
    write_head(2); /* the head is written after the commit: a crash leaves it behind */
    store = open_books(false);
    store_close(&store);
    unlink(file("head"));
    store = open_books(false);
    CHECK_EQ(store_last(store), 3);
    store_close(&store);
}

static void
the_head_says_what_was_committed(void **state)
{
    struct store *store = open_books(false);
    uint8_t       head[8 + PD_CHAIN_BYTES];
    uint64_t      position;

    (void)state;
    append_until(store, 5);
    int fd = open(file("head"), O_RDONLY);
    CHECK(fd >= 0 && read(fd, head, sizeof head) == (ssize_t)sizeof head);
    close(fd);
    memcpy(&position, head, sizeof position);
    CHECK_EQ(position, 5);
    CHECK(memcmp(head + 8, chain, sizeof chain) == 0);
    store_close(&store);
}

static void
a_commit_without_events_leaves_the_head(void **state)
{
    struct store *store = open_books(false);
    uint8_t       before[8 + PD_CHAIN_BYTES], after[sizeof before];

    (void)state;
    append_until(store, 5);
    int fd = open(file("head"), O_RDONLY);
    CHECK(fd >= 0 && pread(fd, before, sizeof before, 0) == (ssize_t)sizeof before);
    CHECK_EQ(store_begin(store), STORE_OK);
    store_set_log_id(store, (const uint8_t[PD_LOG_ID_BYTES]){9});
    CHECK_EQ(store_commit(store, NULL), STORE_OK);
    CHECK(pread(fd, after, sizeof after, 0) == (ssize_t)sizeof after && memcmp(before, after, sizeof before) == 0);
    close(fd);
    store_close(&store);
}

/* Commits then change no file metadata, and a full disk shows before a turn. */
static void
space_lies_ahead_as_written_zeroes(void **state)
{
    struct store *store = open_books(false);
    struct stat   before, after;

    (void)state;
    CHECK_EQ(store_prepare(store, SPACE, 64), STORE_OK);
    CHECK(stat(file("books/data.mdb"), &before) == 0);
    CHECK_EQ(before.st_size, 8 << 20);
    CHECK(before.st_blocks * 512 >= 8 << 20); /* not a hole */
    append_until(store, 1000);
    CHECK_EQ(store_prepare(store, SPACE, 64), STORE_OK);
    CHECK(stat(file("books/data.mdb"), &after) == 0);
    CHECK_EQ(after.st_size, before.st_size);
    store_close(&store);
    store = open_books(false);
    CHECK_EQ(store_last(store), 1000);
    store_close(&store);
}

static void
a_file_that_is_no_books_is_refused(void **state)
{
    struct store *store = NULL;
    uint64_t      known;

    (void)state;
    CHECK(mkdir(file("books"), 0700) == 0);
    int fd = open(file("books/data.mdb"), O_WRONLY | O_CREAT, 0600);
    CHECK(fd >= 0);
    for (int i = 0; i < 1000; i++) CHECK(write(fd, "not a page of books ", 20) == 20);
    close(fd);
    CHECK_EQ(store_open(dir, STORE_CREATE, false, &store, &known), STORE_DAMAGED);
    CHECK(store == NULL);
}

/* A power failure before the file had its name: the next start makes it anew. That it has none before it is whole is seen by
 * tests/crash. */
static void
a_file_that_was_never_finished_is_made_anew(void **state)
{
    struct stat st;

    (void)state;
    CHECK(mkdir(file("books"), 0700) == 0 && mkdir(file("books/new"), 0700) == 0);
    int fd = open(file("books/new/data.mdb"), O_WRONLY | O_CREAT, 0600);
    CHECK(fd >= 0 && ftruncate(fd, 8192) == 0 && close(fd) == 0);
    struct store *store = open_books(false);
    append_until(store, 1);
    store_close(&store);
    CHECK(stat(file("books/new"), &st) != 0);
}

static void
tell_nobody(void *arg, const char *what)
{
    (void)what;
    ++*(int *)arg;
}

/* A start looks at the leaves of the last events only; an old one's is looked at before it is read. */
static void
an_old_page_that_is_damaged_is_told_when_it_is_asked_for(void **state)
{
    struct store        *store = open_books(false);
    struct store_reader *reader;
    struct pd_arena      arena;
    struct pd_text       bytes;
    struct inspected     found;
    uint64_t             offset, size, last, known;
    int                  told = 0;
    char                 kind = 4;

    (void)state;
    pd_arena_init(&arena);
    for (uint64_t p = 100000; p <= 1200000; p += 100000) append_until(store, p);
    store_close(&store);
    CHECK_EQ(inspect_locate(file("books"), 700, tell_nobody, &told, &offset, &size, &last), STORE_OK);
    CHECK_EQ(last, 1200000);
    int fd = open(file("books/data.mdb"), O_WRONLY);
    CHECK(fd >= 0 && pwrite(fd, &kind, 1, (off_t)(offset / 4096 * 4096 + 10)) == 1);
    CHECK_EQ(inspect_store(file("books"), 0, tell_nobody, &told, &found), STORE_DAMAGED);
    CHECK_EQ(told, 1);
    CHECK_EQ(store_open(dir, STORE_EXISTING, false, &store, &known), STORE_OK);
    CHECK_EQ(store_reader_open(store, &reader), STORE_OK);
    CHECK_EQ(store_read_record(reader, 700, &arena, &bytes), STORE_DAMAGED);
    CHECK_EQ(store_read_record(reader, 70000, &arena, &bytes), STORE_OK);
    CHECK_EQ(store_read_record(reader, 1200000, &arena, &bytes), STORE_OK);
    store_reader_close(&reader);
    append_until(store, 1200001);
    store_close(&store);
    CHECK_EQ(inspect_locate(file("books"), 1200000, tell_nobody, &told, &offset, &size, &last), STORE_OK);
    CHECK(pwrite(fd, &kind, 1, (off_t)(offset / 4096 * 4096 + 10)) == 1);
    CHECK_EQ(store_open(dir, STORE_EXISTING, false, &store, &known), STORE_DAMAGED);
    close(fd);
    pd_arena_fini(&arena);
}

/* Else another commit than the last would count, and nobody miss it. */
static void
a_meta_page_of_another_commit_is_noticed(void **state)
{
    struct store    *store = open_books(false), *again = NULL;
    struct inspected found;
    uint64_t         known, turns[2];
    int              told = 0;

    (void)state;
    for (uint64_t p = 1; p <= 4; p++) append_until(store, p);
    store_close(&store);
    int fd = open(file("books/data.mdb"), O_RDWR);
    for (int i = 0; i < 2; i++) CHECK(pread(fd, &turns[i], sizeof turns[i], i * 4096 + 144) == (ssize_t)sizeof turns[i]);
    for (int i = 0; i < 2; i++) {
        bool     newer = turns[i] > turns[!i];
        uint64_t other = newer ? turns[i] - 2 : turns[i] + 2;
        CHECK(pwrite(fd, &other, sizeof other, i * 4096 + 144) == (ssize_t)sizeof other);
        /* As LMDB itself leaves it where it cannot write a meta page; but then nobody was told of an event 4. */
        CHECK_EQ(inspect_store(file("books"), 0, tell_nobody, &told, &found), newer ? STORE_OK : STORE_DAMAGED);
        CHECK_EQ(found.taken_back, newer);
        CHECK_EQ(store_open(dir, STORE_CREATE, false, &again, &known), newer ? STORE_SHORTER : STORE_DAMAGED);
        if (newer) {
            write_head(3);
            store = open_books(false);
            CHECK_EQ(store_last(store), 3);
            store_close(&store);
            write_head(4);
        }
        CHECK(pwrite(fd, &turns[i], sizeof turns[i], i * 4096 + 144) == (ssize_t)sizeof turns[i]);
    }
    close(fd);
    store = open_books(false);
    CHECK_EQ(store_last(store), 4);
    store_close(&store);
}

/* Whole in itself, and not where it was put. */
static void
a_value_in_anothers_place_is_damage(void **state)
{
    struct store        *store = open_books(false);
    struct store_reader *reader = NULL;
    struct pd_arena      arena;
    struct pd_text       bytes;
    MDB_env             *env;
    MDB_txn             *txn;
    MDB_dbi              events;
    uint64_t             first = 1, second = 2;
    MDB_val              keys[2] = {{sizeof first, &first}, {sizeof second, &second}}, values[2];
    char                 copies[2][64];

    (void)state;
    append_until(store, 3);
    store_close(&store);
    CHECK(mdb_env_create(&env) == 0 && mdb_env_set_maxdbs(env, 16) == 0 && mdb_env_open(env, file("books"), 0, 0600) == 0);
    CHECK(mdb_txn_begin(env, NULL, 0, &txn) == 0 && mdb_dbi_open(txn, "events", MDB_INTEGERKEY, &events) == 0);
    for (int i = 0; i < 2; i++) {
        CHECK(mdb_get(txn, events, &keys[i], &values[i]) == 0 && values[i].mv_size <= sizeof copies[i]);
        memcpy(copies[i], values[i].mv_data, values[i].mv_size);
    }
    for (int i = 0; i < 2; i++) {
        values[i].mv_data = copies[!i];
        CHECK_EQ(mdb_put(txn, events, &keys[i], &values[i], 0), 0);
    }
    CHECK_EQ(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
    store = open_books(false);
    pd_arena_init(&arena);
    CHECK_EQ(store_reader_open(store, &reader), STORE_OK);
    for (uint64_t p = 1; p <= 3; p++) CHECK_EQ(store_read_record(reader, p, &arena, &bytes), p == 3 ? STORE_OK : STORE_DAMAGED);
    store_reader_close(&reader);
    pd_arena_fini(&arena);
    store_close(&store);
}

static void
a_directory_that_cannot_be_written_is_refused(void **state)
{
    struct store *store = NULL;
    uint64_t      known;

    (void)state;
    CHECK_EQ(store_open("/proc/no such place", STORE_CREATE, false, &store, &known), STORE_FAILED);
    CHECK(store == NULL);
}

int
main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, make_books, forget_books)
    const struct CMUnitTest tests[] = {
        STORY(a_log_shorter_than_the_head_is_not_opened),
        STORY(a_log_as_long_as_the_head_or_longer_is_opened),
        STORY(the_head_says_what_was_committed),
        STORY(a_commit_without_events_leaves_the_head),
        STORY(space_lies_ahead_as_written_zeroes),
        STORY(a_file_that_is_no_books_is_refused),
        STORY(an_old_page_that_is_damaged_is_told_when_it_is_asked_for),
        STORY(a_meta_page_of_another_commit_is_noticed),
        STORY(a_file_that_was_never_finished_is_made_anew),
        STORY(a_value_in_anothers_place_is_damage),
        STORY(a_directory_that_cannot_be_written_is_refused),
    };
    return RUN(tests);
}
