/* options.c - the daemon's command line. What is refused is said on stderr. */
#include "engine/options.h"

#include "tests/support/check.h"

enum { WORDS_MAX = 16 };

/* Parses words that end with NULL, as argv would. */
static bool
parse(struct options *ret_options, const char *first, ...)
{
    char       *argv[WORDS_MAX + 2] = {(char *)(uintptr_t) "pedidod"};
    int         argc = 1;
    va_list     args;
    const char *word = first;

    va_start(args, first);
    for (; word != NULL; word = va_arg(args, const char *)) {
        CHECK(argc < WORDS_MAX);
        argv[argc++] = (char *)(uintptr_t)word;
    }
    va_end(args);
    return options_parse(argc, argv, ret_options);
}

static void
nothing_given_is_the_defaults(void **state)
{
    struct options o;
    (void)state;
    CHECK(parse(&o, NULL));
    CHECK_TEXT(pd_text(o.verb), "serve");
    CHECK_TEXT(pd_text(o.data), "");
    CHECK_TEXT(pd_text(o.commands), "tcp://127.0.0.1:7411");
    CHECK_EQ(o.lease_ms, 30000);
    CHECK(!o.help && !o.version && !o.accept_shorter);
}

static void
values_stand_behind_a_blank_or_an_equals_sign_in_any_place(void **state)
{
    struct options o;
    (void)state;
    CHECK(parse(&o, "--data", "a dir", "verify", "--lease-ms=250", "--accept-shorter-log", "--commands=ipc://x=y", NULL));
    CHECK_TEXT(pd_text(o.data), "a dir");
    CHECK_TEXT(pd_text(o.verb), "verify");
    CHECK_EQ(o.lease_ms, 250);
    CHECK_TEXT(pd_text(o.commands), "ipc://x=y");
    CHECK(o.accept_shorter);
    CHECK(parse(&o, "--data=", NULL));
    CHECK_TEXT(pd_text(o.data), "");
}

static void
what_is_no_option_is_refused(void **state)
{
    struct options o;
    (void)state;
    CHECK(!parse(&o, "--dat", "x", NULL));
    CHECK(!parse(&o, "--data-dir", "x", NULL));
    CHECK(!parse(&o, "--", NULL));
    CHECK(!parse(&o, "-d", NULL));
    CHECK(!parse(&o, "verify", "rebuild", NULL));
    CHECK(!parse(&o, "--help=yes", NULL));
}

static void
an_option_without_its_value_is_refused(void **state)
{
    struct options o;
    (void)state;
    CHECK(!parse(&o, "--data", NULL));
    CHECK(!parse(&o, "verify", "--lease-ms", NULL));
}

static void
numbers_are_whole_and_within_bounds(void **state)
{
    static const char *const bad[] = {"", "x", "-1", "+500", " 500", "500 ", "500ms", "1e3", "0x200", "99", "3600001",
                                      "18446744073709551616", "99999999999999999999999"};
    struct options           o;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ABOUT("\"%s\"", bad[i]);
        CHECK(!parse(&o, "--lease-ms", bad[i], NULL));
    }
    CHECK(parse(&o, "--lease-ms", "100", NULL) && o.lease_ms == 100);
    CHECK(parse(&o, "--lease-ms", "3600000", NULL) && o.lease_ms == 3600000);
}

static void
a_refused_line_leaves_the_options_alone(void **state)
{
    struct options o = {.lease_ms = 7};
    (void)state;
    CHECK(!parse(&o, "--lease-ms=500", "--nonsense", NULL));
    CHECK_EQ(o.lease_ms, 7);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_given_is_the_defaults),
        TEST(values_stand_behind_a_blank_or_an_equals_sign_in_any_place),
        TEST(what_is_no_option_is_refused),
        TEST(an_option_without_its_value_is_refused),
        TEST(numbers_are_whole_and_within_bounds),
        TEST(a_refused_line_leaves_the_options_alone),
    };
    return RUN(tests);
}
