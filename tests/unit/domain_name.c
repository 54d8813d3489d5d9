#include "engine/base/domain_name.h"

#include "tests/support/check.h"


static bool
judge(struct pd_arena *arena, const char *written, struct pd_domain *ret_domain)
{
    ABOUT("%s", written);
    *ret_domain = (struct pd_domain){{NULL, 0}, pd_text(written)};
    return domain_name_judge(arena, ret_domain);
}

static void
check_good(const char *written, const char *ascii, const char *unicode)
{
    struct pd_arena  arena;
    struct pd_domain d;

    pd_arena_init(&arena);
    CHECK(judge(&arena, written, &d));
    CHECK_TEXT(d.ascii, ascii);
    CHECK_TEXT(d.unicode, unicode);
    pd_arena_fini(&arena);
}

static void
check_bad(const char *written)
{
    struct pd_arena  arena;
    struct pd_domain d;

    pd_arena_init(&arena);
    CHECK(!judge(&arena, written, &d));
    pd_arena_fini(&arena);
}

static void
the_list_of_public_suffixes_is_there(void **state)
{
    (void)state;
    CHECK(domain_name_ready());
}

static void
a_name_has_both_spellings_whichever_was_written(void **state)
{
    (void)state;
    check_good("españa.es", "xn--espaa-rta.es", "españa.es");
    check_good("xn--espaa-rta.es", "xn--espaa-rta.es", "españa.es");
    check_good("panadería-lópez.es", "xn--panadera-lpez-2ib7g.es", "panadería-lópez.es");
    check_good("straße.de", "xn--strae-oqa.de", "straße.de"); /* IDNA 2008: not strasse.de */
    check_good("example.com", "example.com", "example.com");
}

static void
case_and_decomposed_letters_make_no_other_name(void **state)
{
    (void)state;
    check_good("ESPAÑA.ES", "xn--espaa-rta.es", "españa.es");
    check_good("Example.COM", "example.com", "example.com");
    check_good("XN--ESPAA-RTA.ES", "xn--espaa-rta.es", "españa.es");
    check_good("espan\xcc\x83" "a.es", "xn--espaa-rta.es", "españa.es"); /* n and a combining tilde */
    check_good("example\xe3\x80\x82" "com", "example.com", "example.com"); /* the ideographic full stop */
}

static void
the_root_dot_is_no_part_of_the_name(void **state)
{
    (void)state;
    check_good("example.com.", "example.com", "example.com");
    check_bad("example.com..");
    check_bad(".");
}

static void
names_below_a_registrable_one_are_good_too(void **state)
{
    (void)state;
    check_good("tienda.panaderia.es", "tienda.panaderia.es", "tienda.panaderia.es");
    check_good("a.b.c.example.co.uk", "a.b.c.example.co.uk", "a.b.c.example.co.uk");
    check_good("example.co.uk", "example.co.uk", "example.co.uk");
    check_good("1-2.3com.es", "1-2.3com.es", "1-2.3com.es");
}

/* The suffix list's private part names hosters' domains; the registries' part is what counts here. */
static void
a_hosters_domain_is_a_domain(void **state)
{
    (void)state;
    check_good("blogspot.com", "blogspot.com", "blogspot.com");
    check_good("github.io", "github.io", "github.io");
}

static void
public_suffixes_cannot_be_registered(void **state)
{
    (void)state;
    check_bad("com");
    check_bad("es");
    check_bad("co.uk");
    check_bad("com.es");
    check_bad("xn--p1ai");
    check_bad("рф");
    check_bad("foo.ck"); /* *.ck is one */
    check_good("www.ck", "www.ck", "www.ck"); /* but for this one */
}

static void
names_under_no_registry_are_refused(void **state)
{
    (void)state;
    check_bad("servidor.local");
    check_bad("x.invalid");
    check_bad("localhost");
    check_bad("router.lan");
    check_bad("a.b.c.internal");
    check_bad("example.test");
}

static void
addresses_are_no_names(void **state)
{
    (void)state;
    check_bad("1.2.3.4");
    check_bad("127.0.0.1");
    check_bad("[::1]");
    check_bad("::1");
    check_bad("example.com:80");
    check_bad("http://example.com");
    check_bad("ana@example.com");
}

static void
labels_are_letters_digits_and_inner_hyphens(void **state)
{
    (void)state;
    check_bad("");
    check_bad(".es");
    check_bad("a..es");
    check_bad("-a.es");
    check_bad("a-.es");
    check_bad("a_b.es");
    check_bad("a b.es");
    check_bad(" a.es");
    check_bad("a.es ");
    check_bad("*.example.com");
    check_bad("a/b.es");
    check_bad("a\x01" "b.es");
    check_good("a--b.es", "a--b.es", "a--b.es");
}

static void
pictures_and_unseen_letters_make_no_name_of_their_own(void **state)
{
    (void)state;
    check_bad("☃.es");
    check_bad("💩.es");
    check_bad("pana\xe2\x80\x8d" "deria.es"); /* a zero-width joiner where none belongs */
    check_bad("\xe2\x80\xae" "es.panaderia.es"); /* right-to-left override */
    check_good("pana\xc2\xad" "deria.es", "panaderia.es", "panaderia.es"); /* a soft hyphen is not there */
    check_good("pana\xe2\x80\x8b" "deria.es", "panaderia.es", "panaderia.es"); /* nor is a zero-width space */
}

static void
false_punycode_is_refused(void **state)
{
    (void)state;
    check_bad("xn--.es");
    check_bad("xn--a.es");
    check_bad("xn--99999999.es");
    check_bad("xn--espaa-rta-.es");
    check_bad("xn--example-.es"); /* spells nothing but ASCII */
    check_bad("ab--cd.xn--.es");
    check_bad("xn--panadera-lpez-2i7g.es"); /* spells a blank, U+205F */
}

static void
labels_and_names_have_a_longest(void **state)
{
    char name[300];

    (void)state;
    memset(name, 'a', sizeof name);
    memcpy(name + 63, ".es", 4);
    check_good(name, name, name);
    memset(name, 'a', sizeof name);
    memcpy(name + 64, ".es", 4);
    check_bad(name);
    /* 4 x 62 letters and dots are 252; of 253 in all a name may have. */
    for (size_t i = 0; i < 250; i++) name[i] = i % 50 == 49 ? '.' : 'b';
    memcpy(name + 250, "es", 3);
    check_good(name, name, name);
    memcpy(name + 250, "mob", 4);
    memmove(name + 2, name, 254);
    check_bad(name);
    memset(name, 'a', 299);
    name[299] = '\0';
    check_bad(name);
}

static void
a_nul_within_is_refused(void **state)
{
    struct pd_arena  arena;
    struct pd_domain d = {{NULL, 0}, {"example.com\0.es", 15}};

    (void)state;
    pd_arena_init(&arena);
    CHECK(!domain_name_judge(&arena, &d));
    pd_arena_fini(&arena);
}

/* What was judged once is judged the same again: the ASCII form comes back to itself. */
static void
judging_twice_changes_nothing(void **state)
{
    static const char *const names[] = {"españa.es", "straße.de", "пример.рф", "tienda.panaderia.es", "ドメイン.jp", "ελλάδα.gr"};
    struct pd_arena          arena;
    struct pd_domain         once, twice;

    (void)state;
    pd_arena_init(&arena);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        CHECK(judge(&arena, names[i], &once));
        CHECK(judge(&arena, once.ascii.data, &twice));
        CHECK(pd_text_equal(once.ascii, twice.ascii) && pd_text_equal(once.unicode, twice.unicode));
        CHECK(judge(&arena, once.unicode.data, &twice));
        CHECK(pd_text_equal(once.ascii, twice.ascii));
    }
    pd_arena_fini(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_list_of_public_suffixes_is_there),
        TEST(a_name_has_both_spellings_whichever_was_written),
        TEST(case_and_decomposed_letters_make_no_other_name),
        TEST(the_root_dot_is_no_part_of_the_name),
        TEST(names_below_a_registrable_one_are_good_too),
        TEST(a_hosters_domain_is_a_domain),
        TEST(public_suffixes_cannot_be_registered),
        TEST(names_under_no_registry_are_refused),
        TEST(addresses_are_no_names),
        TEST(labels_are_letters_digits_and_inner_hyphens),
        TEST(pictures_and_unseen_letters_make_no_name_of_their_own),
        TEST(false_punycode_is_refused),
        TEST(labels_and_names_have_a_longest),
        TEST(a_nul_within_is_refused),
        TEST(judging_twice_changes_nothing),
    };
    return RUN(tests);
}
