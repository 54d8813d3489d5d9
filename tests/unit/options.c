/* options.c - the daemon's command line and its file. What is refused is said on stderr; how, config.py reads. */
#include "engine/options.h"

#include <unistd.h>

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

/* Parses a command line that names a file of this text, and says `word` as well unless that is NULL. */
static bool
parse_file(struct options *ret_options, const char *text, size_t size, const char *word)
{
    char  path[] = "/tmp/pedido-options-XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");

    CHECK(file != NULL && fwrite(text, 1, size, file) == size && fclose(file) == 0);
    bool ok = parse(ret_options, "--config", path, word, NULL);
    unlink(path);
    return ok;
}

/* Whether a file is taken, whatever it says. */
static bool
is_taken(const char *text, size_t size)
{
    struct options o;
    bool           ok = parse_file(&o, text, size, NULL);
    if (ok) options_fini(&o);
    return ok;
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
    CHECK_EQ(o.known_commands, 1 << 20);
    CHECK_EQ(o.log_level, 0);
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
    CHECK(!parse(&o, "--data=", NULL));
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
a_choice_is_one_of_its_list(void **state)
{
    struct options o;
    (void)state;
    CHECK(parse(&o, "--log-level", "error", NULL) && o.log_level == 2);
    CHECK(!parse(&o, "--log-level", "", NULL));
    CHECK(!parse(&o, "--log-level", "war", NULL));
    CHECK(!parse(&o, "--log-level", "info|warn", NULL));
}

static void
endpoints_of_this_machine_need_no_key(void **state)
{
    static const char *const good[] = {"ipc:///run/c", "tcp://127.0.0.2:*", "tcp://localhost:1", "tcp://[::1]:1",
                                       "tcp://127.0.0.1:1,ipc:///run/e", "ipc://a,ipc://b,ipc://c,ipc://d"};
    static const char *const open[] = {"tcp://*:7411", "tcp://0.0.0.0:1", "tcp://1.2.3.4:1", "tcp://localhost.x:1", "tcp://eth0:*",
                                       "tcp://[::]:1", "ipc:///run/c,tcp://*:1"};
    static const char *const bad[] = {"127.0.0.1:1", "tcp://127.0.0.1:0", "tcp://127.0.0.1:65536", "tcp://127.0.0.1:",
                                      "tcp://127.0.0.1", "ipc://", "tcp://:1", "tcp://*", "ipc://a,", "ipc://a,,ipc://b",
                                      "ipc://a,b", "ipc://a,ipc://b,ipc://c,ipc://d,ipc://e", "tcp://*:1 "};
    struct options           o;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) CHECK(parse(&o, "--events", good[i], NULL));
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
        ABOUT("\"%s\"", open[i]);
        CHECK(!parse(&o, "--events", open[i], NULL));
        CHECK(!parse(&o, "--events", open[i], "--open-loopback", NULL));
        CHECK(parse(&o, "--events", open[i], "--server-key", "k", NULL));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ABOUT("\"%s\"", bad[i]);
        CHECK(!parse(&o, "--events", bad[i], "--server-key", "k", NULL));
    }
    CHECK(!parse(&o, "--events", "tcp://127.0.0.1:7413", NULL)); /* where queries are answered */
    CHECK(!parse(&o, "--events", "ipc://e,ipc://q", "--queries", "ipc://q,ipc://r", NULL));
}

static void
texts_are_what_a_line_of_the_file_can_hold(void **state)
{
    char           longest[4002];
    struct options o;

    (void)state;
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    CHECK(!parse(&o, "--data", longest, NULL));
    CHECK(parse(&o, "--data", longest + 1, NULL));
    CHECK(!parse(&o, "--data", " x", NULL));
    CHECK(!parse(&o, "--data", "x ", NULL));
    CHECK(!parse(&o, "--data", "x\ny", NULL));
}

#define FILE_OF(text) (text), sizeof(text) - 1

static void
a_file_says_what_the_command_line_does_not(void **state)
{
    static const char text[] = "# ours\n\n  data = /a dir ;b#c \r\nlease-ms:250\n\t; indented\nlog-level = warn";
    struct options    o;

    (void)state;
    CHECK(parse_file(&o, FILE_OF(text), NULL));
    CHECK_TEXT(pd_text(o.data), "/a dir ;b#c");
    CHECK_EQ(o.lease_ms, 250);
    CHECK_EQ(o.log_level, 1);
    CHECK_TEXT(pd_text(o.commands), "tcp://127.0.0.1:7411");
    options_fini(&o);
    CHECK(parse_file(&o, FILE_OF(text), "--log-level=error"));
    CHECK_EQ(o.lease_ms, 250);
    CHECK_EQ(o.log_level, 2);
    options_fini(&o);
}

static void
a_file_with_anything_wrong_is_refused(void **state)
{
    static char line[4200];

    (void)state;
    CHECK(!is_taken(FILE_OF("lease-ms = 99")));
    CHECK(!is_taken(FILE_OF("data =")));
    CHECK(!is_taken(FILE_OF("nonsense = 1")));
    CHECK(!is_taken(FILE_OF("help = 1")));
    CHECK(!is_taken(FILE_OF("accept-shorter-log = 1")));
    CHECK(!is_taken(FILE_OF("config = /dev/null")));
    CHECK(!is_taken(FILE_OF("[pedidod]\nlease-ms = 500")));
    CHECK(!is_taken(FILE_OF("lease-ms")));
    CHECK(!is_taken(FILE_OF("lease-ms = 500\nlease-ms = 500")));
    CHECK(!is_taken(FILE_OF("data = x\0y")));
    memset(line, 'x', sizeof line);
    line[0] = '#';
    CHECK(is_taken(line, 4096));
    CHECK(!is_taken(line, 4097));
}

static void
what_the_command_line_overrides_is_judged_all_the_same(void **state)
{
    struct options o;
    (void)state;
    CHECK(parse_file(&o, FILE_OF("log-level = info"), "--log-level=error"));
    CHECK_EQ(o.log_level, 2);
    options_fini(&o);
    CHECK(!parse_file(&o, FILE_OF("log-level = loud"), "--log-level=error"));
}

static void
a_file_that_cannot_be_read_is_refused(void **state)
{
    struct options o;
    (void)state;
    CHECK(!parse(&o, "--config", "/tmp/pedido-there-is-none", NULL));
    CHECK(!parse(&o, "--config", "/tmp", NULL));
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
        TEST(a_choice_is_one_of_its_list),
        TEST(endpoints_of_this_machine_need_no_key),
        TEST(texts_are_what_a_line_of_the_file_can_hold),
        TEST(a_file_says_what_the_command_line_does_not),
        TEST(a_file_with_anything_wrong_is_refused),
        TEST(what_the_command_line_overrides_is_judged_all_the_same),
        TEST(a_file_that_cannot_be_read_is_refused),
        TEST(a_refused_line_leaves_the_options_alone),
    };
    return RUN(tests);
}
