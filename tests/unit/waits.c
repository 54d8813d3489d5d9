/* waits.c - answers that are held: how many of them one may have. engine/waits. */
#include "engine/waits.h"

#include "tests/support/check.h"

static bool
add(struct waits *w, struct pd_text identity, uint64_t order)
{
    const struct wait wait = {.address = PD_TEXT("a"), .id = PD_TEXT("i"), .identity = identity, .scope = 1, .order = order,
                              .limited = identity.data != NULL, .due_ms = 1000 + order};
    return waits_add(w, &wait);
}

static bool
is_over(void *arg, const struct wait *wait)
{
    (void)arg, (void)wait;
    return true;
}

static void
one_may_have_a_share_of_them(void **state)
{
    const struct pd_text one = PD_TEXT("one"), other = PD_TEXT("other"), nobody = {NULL, 0};
    struct waits        *w = waits_open();

    (void)state;
    for (uint64_t n = 1; n <= WAITS_OF_ONE; n++) CHECK(add(w, one, n));
    CHECK(!add(w, one, 1));
    CHECK(add(w, other, WAITS_MAX));
    for (uint64_t n = WAITS_OF_ONE + 1; n < WAITS_MAX; n++) CHECK(add(w, nobody, n));
    CHECK(!add(w, other, 1) && !add(w, nobody, 1));
    waits_visit(w, 1001, false, is_over, NULL); /* the first one's time is over, and with it all of its chain */
    CHECK(add(w, one, 1));
    waits_visit(w, 0, true, is_over, NULL);
    for (uint64_t n = 1; n <= WAITS_OF_ONE; n++) CHECK(add(w, one, n));
    waits_close(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_may_have_a_share_of_them),
    };
    return RUN(tests);
}
