/* slots.c - whether the net side has something to do: an array whose last answer is not committed yet is not, or it would look at
 * it again and again until it is. */
#include "engine/bus/slots.h"

#include "tests/support/check.h"

static void
a_part_of_an_array_is_nothing_to_do(void **state)
{
    struct slots *slots = slots_open();

    (void)state;
    CHECK(!slots_net_sleeps(slots));
    for (size_t i = 0; i < 2; i++) slots_free(slots, i)->array_count = 2;
    slots_receive(slots, 2, 0);
    slots_hand_over(slots);
    CHECK(!slots_net_sleeps(slots));
    CHECK_EQ(slots_wait(slots, 0), 2);
    slots_take(slots, 2);
    slots_commit(slots, 1);
    CHECK(slots_net_sleeps(slots));
    CHECK(slots_committed(slots, 0) != NULL && slots_committed(slots, 1) == NULL);
    CHECK(!slots_net_sleeps(slots));
    slots_commit(slots, 1);
    CHECK(slots_net_sleeps(slots));
    CHECK(slots_committed(slots, 1) != NULL);
    slots_release(slots, 2, 0);
    CHECK(slots_committed(slots, 0) == NULL);
    CHECK(!slots_net_sleeps(slots) && slots_is_empty(slots));
    slots_close(&slots);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {TEST(a_part_of_an_array_is_nothing_to_do)};
    return RUN(tests);
}
