/* check.h - what a test says: TEST names it, CHECK and its kin say what is true. By cmocka; a failed check ends the test. */
#ifndef SUPPORT_CHECK_H
#define SUPPORT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pedido/types.h>

#define TEST(name) cmocka_unit_test_setup(name, check_start)

/* Runs the tests of an array; the value is main's. */
#define RUN(tests) cmocka_run_group_tests(tests, NULL, NULL)

#define CHECK(condition) check_true((condition), #condition, __FILE__, __LINE__)
/* Numbers and enumerators. */
#define CHECK_EQ(is, should) check_equal((uintmax_t)(is), (uintmax_t)(should), #is, __FILE__, __LINE__)
/* A text and a C string. */
#define CHECK_TEXT(is, should) check_text((is), (should), #is, __FILE__, __LINE__)
/* Bytes: two texts. */
#define CHECK_BYTES(is, should, about) check_bytes((is), (should), (about), __FILE__, __LINE__)
/* What the next failure is about, such as the line of a table. Stays until the next call. */
#define ABOUT(...) ((void)snprintf(check_about, sizeof check_about, __VA_ARGS__))

static char check_about[256];

static inline int
check_start(void **state)
{
    (void)state;
    check_about[0] = '\0';
    return 0;
}

static inline void
check_fail(const char *file, int line)
{
    if (check_about[0] != '\0') print_error("about: %s\n", check_about);
    _fail(file, line);
}

static inline void
check_true(bool holds, const char *what, const char *file, int line)
{
    if (holds) return;
    print_error("not so: %s\n", what);
    check_fail(file, line);
}

static inline void
check_equal(uintmax_t is, uintmax_t should, const char *what, const char *file, int line)
{
    if (is == should) return;
    print_error("%s is %ju, not %ju\n", what, is, should);
    check_fail(file, line);
}

static inline void
check_text(struct pd_text is, const char *should, const char *what, const char *file, int line)
{
    if (is.data != NULL && pd_text_equal(is, pd_text(should))) return;
    print_error("%s is \"%.*s\", not \"%s\"\n", what, (int)is.size, is.data == NULL ? "" : is.data, should);
    check_fail(file, line);
}

static inline void
check_bytes(struct pd_text is, struct pd_text should, const char *about, const char *file, int line)
{
    if (pd_text_equal(is, should)) return;
    size_t at = 0;
    while (at < is.size && at < should.size && is.data[at] == should.data[at]) at++;
    print_error("%s: %zu bytes, not %zu; they differ at byte %zu\n", about, is.size, should.size, at);
    check_fail(file, line);
}

/* Numbers that look random and are the same in every run, unless PD_SEED says otherwise. splitmix64. */
static inline uint64_t
check_seed(void)
{
    const char *given = getenv("PD_SEED");
    uint64_t    seed = given == NULL ? 20261 : strtoull(given, NULL, 10);
    if (given != NULL) print_message("seed %ju\n", (uintmax_t)seed);
    return seed;
}

static inline uint64_t
check_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* From 0 to below - 1. */
static inline size_t
check_pick(uint64_t *state, size_t below)
{
    return (size_t)(check_random(state) % below);
}

#endif
