#include "engine/base/sorter.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/support/check.h"

enum { MANY = 20000, KEY_BYTES = 40 };

/* What was added, each with its number as its value. */
static struct added {
    size_t size;
    char   key[KEY_BYTES];
    int    number;
} added[MANY];

static char dir[] = "/tmp/pedido-sorter-XXXXXX";

static int
make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) == NULL;
}

static int
remove_dir(void **state)
{
    (void)state;
    return rmdir(dir); /* nothing is left in it */
}

static int
compare(const void *a, const void *b)
{
    const struct added *x = a, *y = b;
    int                 order = memcmp(x->key, y->key, x->size < y->size ? x->size : y->size);

    if (order == 0) order = (x->size > y->size) - (x->size < y->size);
    return order != 0 ? order : x->number - y->number;
}

/* Of a few letters and long, so that many begin alike, some are the same, some the beginning of others; zeroes among them. */
static void
make_key(struct added *a, int number, unsigned *seed)
{
    a->number = number;
    a->size = 1 + (unsigned)rand_r(seed) % KEY_BYTES;
    memset(a->key, 0, sizeof a->key);
    for (size_t i = 0; i < a->size; i++)
        if (rand_r(seed) % 8 == 0) a->key[i] = (char)(rand_r(seed) % 3 * 100); /* 200 is more than 100 */
}

static void
check_next(struct sorter *s, const struct added *wanted)
{
    struct pd_text key, value;
    bool           failed;

    CHECK(sorter_next(s, &key, &value, &failed));
    CHECK(pd_text_equal(key, (struct pd_text){wanted->key, wanted->size}));
    CHECK(pd_text_equal(value, (struct pd_text){(const char *)&wanted->number, sizeof wanted->number}));
}

static void
check_order(int count, size_t memory)
{
    struct sorter *s = sorter_new(dir, memory);
    struct pd_text key, value;
    unsigned       seed = (unsigned)count;
    int            runs = 0;
    bool           failed = true;

    ABOUT("%d pairs, %zu bytes of memory", count, memory);
    for (int i = 0; i < count; i++) {
        make_key(&added[i], i, &seed);
        sorter_add(s, (struct pd_text){added[i].key, added[i].size}, (struct pd_text){(const char *)&added[i].number, sizeof(int)});
        if (!sorter_is_full(s)) continue;
        CHECK(sorter_spill(s));
        CHECK(!sorter_is_full(s));
        runs++;
    }
    CHECK(memory > 1 << 20 || count < MANY || runs > 10);
    CHECK(sorter_finish(s));
    CHECK_EQ(sorter_count(s), count);
    qsort(added, (size_t)count, sizeof *added, compare);
    for (int i = 0; i < count; i++) check_next(s, &added[i]);
    CHECK(!sorter_next(s, &key, &value, &failed));
    CHECK(!failed);
    sorter_free(&s);
}

static void
in_memory(void **state)
{
    static const int counts[] = {0, 1, 2, 40, 1000, MANY};

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) check_order(counts[i], 1 << 24);
}

static void
in_runs_on_the_disk(void **state)
{
    static const size_t memories[] = {1, 100, 5000, 50000};

    (void)state;
    check_order(0, 1);
    check_order(1, 1);
    check_order(300, 1); /* a run for each */
    for (size_t i = 1; i < sizeof memories / sizeof memories[0]; i++) check_order(MANY, memories[i]);
}

/* Two runs, of which the second has no space first. */
static void
what_could_not_be_written_is_written_again(void **state)
{
    struct rlimit  before, little;
    struct sorter *s = sorter_new(dir, 1000);
    struct pd_text key, value;
    uint32_t       number;
    bool           failed;

    (void)state;
    CHECK_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    for (uint32_t i = 0; i < 1000; i++) {
        number = __builtin_bswap32(i * 2654435761u);
        sorter_add(s, (struct pd_text){(const char *)&number, sizeof number}, (struct pd_text){"value", 5});
        if (i == 500) CHECK(sorter_spill(s));
    }
    little = before;
    little.rlim_cur = 10000;
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &little), 0);
    CHECK(!sorter_spill(s));
    CHECK_EQ(errno, EFBIG);
    CHECK(!sorter_finish(s));
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
    CHECK(sorter_finish(s));
    for (uint32_t i = 0, last = 0; i < 1000; i++) {
        CHECK(sorter_next(s, &key, &value, &failed));
        memcpy(&number, key.data, sizeof number);
        number = __builtin_bswap32(number);
        CHECK(i == 0 || number > last);
        last = number;
    }
    CHECK(!sorter_next(s, &key, &value, &failed) && !failed);
    sorter_free(&s);
}

/* No file can be made where there is no directory. */
static void
no_directory(void **state)
{
    struct sorter *s = sorter_new("/nowhere/at/all", 1);

    (void)state;
    sorter_add(s, PD_TEXT("a"), PD_TEXT(""));
    CHECK(!sorter_spill(s));
    CHECK_EQ(errno, ENOENT);
    sorter_free(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(in_memory),
        TEST(in_runs_on_the_disk),
        TEST(what_could_not_be_written_is_written_again),
        TEST(no_directory),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
