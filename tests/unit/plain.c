#include "engine/base/plain.h"

#include "tests/support/check.h"

static void
check_plain(const char *text, const char *plain)
{
    struct pd_arena arena;

    ABOUT("%s", text);
    pd_arena_init(&arena);
    CHECK_TEXT(plain_text(&arena, pd_text(text)), plain);
    pd_arena_fini(&arena);
}

static void
case_does_not_count(void **state)
{
    (void)state;
    check_plain("Panaderia LOPEZ, 24 h", "panaderia lopez, 24 h");
    check_plain("ÑANDÚ", "nandu");
    check_plain("ΣΊΣΥΦΟΣ", "σισυφοσ");
    check_plain("σίσυφος", "σισυφοσ"); /* the sigma at a word's end */
    check_plain("Straße", "strasse");
    check_plain("STRASSE", "strasse");
    check_plain("ПЕКАРНЯ", "пекарня");
}

static void
accents_do_not_count_however_they_are_written(void **state)
{
    (void)state;
    check_plain("Panadería", "panaderia");
    check_plain("Panaderi\xcc\x81" "a", "panaderia"); /* i and a combining acute */
    check_plain("pingüino", "pinguino");
    check_plain("España", "espana");
    check_plain("Čeština", "cestina");
    check_plain("Việt", "viet"); /* two marks on one letter */
    check_plain("İstanbul", "istanbul");
}

static void
forms_of_a_letter_are_the_letter(void **state)
{
    (void)state;
    check_plain("ﬁn", "fin");
    check_plain("ＡＢＣ", "abc"); /* full width */
    check_plain("ℂ", "c");
    check_plain("Nº", "no");
    check_plain("½", "1\xe2\x81\x84" "2");
}

static void
what_has_neither_stays(void **state)
{
    (void)state;
    check_plain("", "");
    check_plain("xn--espaa-rta.es", "xn--espaa-rta.es");
    check_plain("P-2026/17 _.", "p-2026/17 _.");
    check_plain("東京", "東京");
    check_plain("łódź", "łodz"); /* the stroke is no accent */
}

static void
accents_alone_are_nothing(void **state)
{
    (void)state;
    check_plain("\xcc\x81", "");
    check_plain("\xcc\x81\xcc\x88", "");
}

/* The door lets none in; but a search stops at nothing. */
static void
what_is_no_utf8_stays_as_it_is(void **state)
{
    (void)state;
    check_plain("Pan\xff", "Pan\xff");
    check_plain("\xc3", "\xc3");
}

/* What was plain is plain: so a search may be made of what it has found. */
static void
twice_is_once(void **state)
{
    static const char *const texts[] = {"Panadería", "Straße", "İstanbul", "ΣΊΣΥΦΟΣ", "ﬁ", "ℂ", "ǅ", "ŉ", "ΐ", "և"};
    struct pd_arena          arena;

    (void)state;
    pd_arena_init(&arena);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        ABOUT("%s", texts[i]);
        struct pd_text once = plain_text(&arena, pd_text(texts[i]));
        CHECK_BYTES(plain_text(&arena, once), once, texts[i]);
    }
    pd_arena_fini(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(case_does_not_count),
        TEST(accents_do_not_count_however_they_are_written),
        TEST(forms_of_a_letter_are_the_letter),
        TEST(what_has_neither_stays),
        TEST(accents_alone_are_nothing),
        TEST(what_is_no_utf8_stays_as_it_is),
        TEST(twice_is_once),
    };
    return RUN(tests);
}
