/* Text on a terminal: how wide it is, where a line ends, amounts as people write them. */
#include "clients/cli/show/text.h"

#include <locale.h>
#include <string.h>

#include "clients/cli/show/money.h"
#include "tests/support/check.h"

static void
width_is_what_the_eye_sees(void **state)
{
    static const struct {
        const char *text;
        size_t      width;
    } rows[] = {{"", 0}, {"abc", 3}, {"Panadería López", 15}, {"e\xcc\x81", 1}, {"日本", 4}, {"a\tb", 3}, {"\xe2\x80\xae", 1}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ABOUT("%s", rows[i].text);
        CHECK_EQ(text_width(rows[i].text), rows[i].width);
    }
}

static void
a_line_ends_at_a_blank_where_there_is_one(void **state)
{
    static const struct {
        const char *text;
        size_t      width;
        const char *line, *rest;
    } rows[] = {
        {"short", 10, "short", ""},
        {"Hosting estándar y correo", 16, "Hosting estándar", "y correo"},
        {"Hosting estándar y correo", 15, "Hosting", "estándar y correo"},
        {"electrónico", 5, "elect", "rónico"},
        {"a  b", 2, "a", "b"},
        {"日本", 1, "日", "本"}, /* one character at least, or nothing would go on */
        {"", 5, "", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *next;
        ABOUT("%s in %zu columns", rows[i].text, rows[i].width);
        size_t size = text_fit(rows[i].text, rows[i].width, &next);
        CHECK_TEXT(((struct pd_text){rows[i].text, size}), rows[i].line);
        CHECK_TEXT(pd_text(next), rows[i].rest);
    }
}

static void
what_would_move_the_cursor_is_shown_as_a_question_mark(void **state)
{
    char *printed = NULL;
    size_t size;
    FILE *to = open_memstream(&printed, &size);

    (void)state;
    text_print(to, "a\033[2Jb\r", 10, TEXT_LEFT);
    text_print(to, "7", 3, TEXT_RIGHT);
    text_print_cut(to, "Panadería", 8);
    fclose(to);
    CHECK_TEXT(pd_text(printed), "a?[2Jb?     7Panaderí");
    free(printed);
}

static void
titles_are_capitals(void **state)
{
    (void)state;
    setlocale(LC_CTYPE, "C.UTF-8");
    char *upper = text_upper("número de ítem ñ");
    CHECK_TEXT(pd_text(upper), "NÚMERO DE ÍTEM Ñ");
    free(upper);
}

static void
amounts_have_their_currency_s_decimals(void **state)
{
    static const struct {
        const char *currency;
        int64_t     minor;
        const char *text;
    } rows[] = {{"EUR", 1250, "12.50 EUR"}, {"EUR", 5, "0.05 EUR"}, {"JPY", 1250, "1250 JPY"}, {"KWD", 1250, "1.250 KWD"}};
    static const char *const wrong[] = {"", "1.", ".5", "1,5", "1.555", "-1", "1e3", "99999999999999999999"};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char    text[MONEY_TEXT_SIZE];
        int64_t minor = -1;
        ABOUT("%s", rows[i].text);
        money_to_text(rows[i].minor, rows[i].currency, text);
        CHECK_TEXT(pd_text(text), rows[i].text);
        *strchr(text, ' ') = '\0';
        CHECK(money_from_text(text, rows[i].currency, &minor));
        CHECK_EQ(minor, rows[i].minor);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        int64_t minor;
        ABOUT("%s", wrong[i]);
        CHECK(!money_from_text(wrong[i], "EUR", &minor));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(width_is_what_the_eye_sees),
        TEST(a_line_ends_at_a_blank_where_there_is_one),
        TEST(what_would_move_the_cursor_is_shown_as_a_question_mark),
        TEST(titles_are_capitals),
        TEST(amounts_have_their_currency_s_decimals),
    };
    return RUN(tests);
}
