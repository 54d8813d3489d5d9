/* splice.c - a stream that loses, doubles and delays, and a log that has everything: whatever comes in whatever order, each event
 * is given once, in order, and none is missing when the stream has fallen silent. */
#include <stdlib.h>

#include "clients/lib/splice.h"
#include "tests/support/check.h"

enum { WORLDS = 400, EVENTS = 300, WINDOW = 8 };

static unsigned seed;

static unsigned
dice(unsigned sides)
{
    return (unsigned)rand_r(&seed) % sides;
}

struct reader {
    struct pd_splice splice;
    uint64_t         given, first; /* the last position that was given; where it began */
};

static const struct pd_text log_id = {"log-1", 5}, other = {"log-2", 5};

static void
show(struct reader *r, enum pd_splice_verdict verdict, uint64_t position)
{
    CHECK(verdict != PD_SPLICE_RESET);
    if (verdict != PD_SPLICE_GIVE) return;
    CHECK_EQ(position, r->given + 1);
    r->given = position;
}

/* Pages while some are wanted, of the log up to `head`; the stream goes on meanwhile. */
static void
read_pages(struct reader *r, uint64_t head)
{
    int turns = 0;

    while (pd_splice_wants_page(&r->splice)) {
        uint64_t from = r->splice.next, most = 1 + dice(40), n = 0;
        CHECK(from == r->given + 1 && from <= head);
        for (uint64_t p = from; p <= head && n < most; p++, n++)
            show(r, pd_splice_event(&r->splice, (struct pd_text){NULL, 0}, p), p);
        pd_splice_page_end(&r->splice, head);
        CHECK(turns++ < 1000);
    }
}

static void
every_event_is_given_once_and_in_order(void **state)
{
    (void)state;
    for (unsigned world = 1; world <= WORLDS; world++) {
        uint64_t      queue[WINDOW], before = dice(50), from = dice(3) == 0 ? 0 : 1 + dice((unsigned)before + 1);
        struct reader r = {.given = from - 1};
        size_t        waiting = 0;

        seed = world;
        pd_splice_begin(&r.splice, log_id, from);
        if (from == 0) { /* what happens from now on */
            show(&r, pd_splice_heartbeat(&r.splice, log_id, before), 0);
            r.given = before;
        }
        for (uint64_t head = before + 1; head <= before + EVENTS; head++) {
            /* Into a queue that is too short; out of it in any order, perhaps twice, perhaps never. */
            if (waiting < WINDOW && dice(4) > 0) queue[waiting++] = head;
            while (waiting > 0 && dice(3) > 0) {
                size_t i = dice(8) == 0 ? dice((unsigned)waiting) : 0;
                show(&r, pd_splice_event(&r.splice, log_id, queue[i]), queue[i]);
                if (dice(10) == 0) continue;
                memmove(&queue[i], &queue[i + 1], (--waiting - i) * sizeof queue[0]);
            }
            if (dice(20) == 0) show(&r, pd_splice_heartbeat(&r.splice, log_id, head), 0);
            if (dice(3) == 0) read_pages(&r, head);
        }
        show(&r, pd_splice_heartbeat(&r.splice, log_id, before + EVENTS), 0);
        read_pages(&r, before + EVENTS);
        CHECK_EQ(r.given, before + EVENTS);
    }
}

static void
a_last_event_that_was_lost_is_seen_by_the_heartbeat(void **state)
{
    struct pd_splice s;

    (void)state;
    pd_splice_begin(&s, log_id, 7);
    CHECK(!pd_splice_wants_page(&s));
    CHECK_EQ(pd_splice_heartbeat(&s, log_id, 6), PD_SPLICE_DROP);
    CHECK(!pd_splice_wants_page(&s));
    CHECK_EQ(pd_splice_heartbeat(&s, log_id, 7), PD_SPLICE_DROP);
    CHECK(pd_splice_wants_page(&s));
    CHECK_EQ(pd_splice_event(&s, (struct pd_text){NULL, 0}, 7), PD_SPLICE_GIVE);
    CHECK(!pd_splice_wants_page(&s));
}

static void
another_log_ends_it_until_it_is_begun_anew(void **state)
{
    struct pd_splice s;

    (void)state;
    pd_splice_begin(&s, log_id, 7);
    CHECK_EQ(pd_splice_heartbeat(&s, log_id, 9), PD_SPLICE_DROP);
    CHECK_EQ(pd_splice_event(&s, other, 7), PD_SPLICE_RESET);
    CHECK(!pd_splice_wants_page(&s));
    CHECK_EQ(pd_splice_event(&s, log_id, 7), PD_SPLICE_RESET);
    CHECK_EQ(pd_splice_heartbeat(&s, log_id, 9), PD_SPLICE_RESET);
    pd_splice_begin(&s, (struct pd_text){NULL, 0}, 1);
    CHECK_EQ(pd_splice_heartbeat(&s, other, 1), PD_SPLICE_DROP);
    CHECK_TEXT(pd_text(s.log), "log-2");
    CHECK(pd_splice_wants_page(&s));
    CHECK_EQ(pd_splice_heartbeat(&s, log_id, 1), PD_SPLICE_RESET);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_is_given_once_and_in_order),
        cmocka_unit_test(a_last_event_that_was_lost_is_seen_by_the_heartbeat),
        cmocka_unit_test(another_log_ends_it_until_it_is_begun_anew),
    };
    return RUN(tests);
}
