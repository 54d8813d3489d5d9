/* connections.c - who subscribes to what, and how much of the ports each has: bus/connections, bus/subscriptions, bus/shares. */
#include <sys/socket.h>
#include <unistd.h>

#include "engine/bus/connections.h"
#include "engine/bus/shares.h"
#include "tests/support/check.h"

static const struct pd_text north = PD_TEXT("north's key"), south = PD_TEXT("south's key"), keyless = {NULL, 0};

struct bench {
    struct subscriptions *subscriptions;
    struct connections   *connections;
};

static struct bench
begin(void)
{
    struct bench b = {.subscriptions = subscriptions_open()};
    b.connections = connections_open(b.subscriptions);
    return b;
}

static void
end(struct bench *b)
{
    connections_close(&b->connections);
    CHECK(!subscriptions_any(b->subscriptions));
    subscriptions_close(&b->subscriptions);
}

static bool
wants(struct bench *b, const char *topic)
{
    return subscriptions_want(b->subscriptions, pd_text(topic));
}

static enum connections_answer
ask(struct bench *b, int fd, struct pd_text identity, const char *prefix, bool allowed)
{
    const struct subscriber who = {fd, identity, identity.data != NULL};
    return connections_subscribe(b->connections, &who, pd_text(prefix), allowed);
}

static void
a_prefix_is_wanted_as_long_as_somebody_has_it(void **state)
{
    struct bench b = begin();

    (void)state;
    CHECK(!wants(&b, "norte/order/1/OrderAdded"));
    CHECK_EQ(ask(&b, 5, north, "norte/", true), SUBSCRIPTION_MADE);
    CHECK_EQ(ask(&b, 5, north, "norte/", true), SUBSCRIPTION_MADE);
    CHECK_EQ(ask(&b, 200, keyless, "norte/", true), SUBSCRIPTION_MADE);
    CHECK(wants(&b, "norte/order/1/OrderAdded") && !wants(&b, "norte2/order/1/OrderAdded"));
    CHECK(connections_unsubscribe(b.connections, 5, PD_TEXT("norte/")));
    CHECK(!connections_unsubscribe(b.connections, 5, PD_TEXT("norte/")));
    CHECK(wants(&b, "norte/order/1/OrderAdded"));
    connections_ended(b.connections, 200);
    connections_ended(b.connections, 200);
    CHECK(!wants(&b, "norte/order/1/OrderAdded"));
    end(&b);
}

static void
the_end_of_who_was_refused_is_nobody_elses(void **state)
{
    struct bench b = begin();

    (void)state;
    CHECK_EQ(ask(&b, 5, north, "norte/", true), SUBSCRIPTION_MADE);
    CHECK_EQ(ask(&b, 6, south, "norte/", false), SUBSCRIPTION_REFUSED);
    CHECK(!connections_unsubscribe(b.connections, 6, PD_TEXT("norte/")));
    connections_ended(b.connections, 6);
    connections_ended(b.connections, 7);
    CHECK(wants(&b, "norte/order/1/OrderAdded"));
    end(&b);
}

static bool
is_cut(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static bool
may_north(void *arg, struct pd_text identity, struct pd_text prefix)
{
    (void)arg, (void)prefix;
    return pd_text_equal(identity, north);
}

static void
who_may_not_any_more_is_cut_off(void **state)
{
    struct bench b = begin();
    int          one[2], other[2];

    (void)state;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, one) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, other) == 0);
    CHECK_EQ(ask(&b, one[0], north, "norte/", true), SUBSCRIPTION_MADE);
    CHECK_EQ(ask(&b, other[0], south, "sur/", true), SUBSCRIPTION_MADE);
    CHECK_EQ(connections_judge(b.connections, may_north, NULL), 1);
    CHECK(!is_cut(one[1]) && is_cut(other[1]));
    connections_ended(b.connections, other[0]);
    CHECK_EQ(connections_judge(b.connections, may_north, NULL), 0);
    for (int i = 0; i < 2; i++) close(one[i]), close(other[i]);
    end(&b);
}

/* What the one before said came behind its end. */
static void
a_descriptor_may_be_somebody_elses(void **state)
{
    struct bench b = begin();
    int          pair[2];

    (void)state;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    CHECK_EQ(ask(&b, pair[0], south, "norte/", false), SUBSCRIPTION_REFUSED);
    CHECK_EQ(ask(&b, pair[0], south, "sur/", true), SUBSCRIPTION_MADE);
    CHECK_EQ(ask(&b, pair[0], north, "norte/", true), SUBSCRIPTION_MADE);
    CHECK(wants(&b, "norte/order/1/OrderAdded") && !wants(&b, "sur/order/1/OrderAdded"));
    CHECK_EQ(connections_judge(b.connections, may_north, NULL), 0);
    CHECK(!is_cut(pair[1]));
    close(pair[0]);
    close(pair[1]);
    end(&b);
}

static void
who_is_refused_too_often_is_cut_off(void **state)
{
    struct bench b = begin();
    int          pair[2];

    (void)state;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    for (int i = 1; i < CONNECTION_REFUSED; i++) CHECK_EQ(ask(&b, pair[0], south, "norte/", false), SUBSCRIPTION_REFUSED);
    CHECK(!is_cut(pair[1]));
    CHECK_EQ(ask(&b, pair[0], south, "norte/", false), SUBSCRIPTION_CUT);
    CHECK(is_cut(pair[1]));
    close(pair[0]);
    close(pair[1]);
    end(&b);
}

static void
there_is_an_end_to_what_one_may_have(void **state)
{
    struct bench b = begin();
    char         prefix[32];
    int          fd = 10;

    (void)state;
    for (int n = 0; n < KEY_SUBSCRIPTIONS; n++) {
        if (n > 0 && n % CONNECTION_SUBSCRIPTIONS == 0) {
            CHECK_EQ(ask(&b, fd, north, "norte/one/more/", true), SUBSCRIPTION_REFUSED);
            fd++;
        }
        snprintf(prefix, sizeof prefix, "norte/%d/", n);
        CHECK_EQ(ask(&b, fd, north, prefix, true), SUBSCRIPTION_MADE);
    }
    CHECK_EQ(ask(&b, 99, north, "norte/", true), SUBSCRIPTION_REFUSED);
    CHECK_EQ(ask(&b, 98, south, "sur/", true), SUBSCRIPTION_MADE);
    CHECK(wants(&b, "otro/order/1/OrderAdded")); /* there are too many prefixes to look at each */
    connections_ended(b.connections, 10);
    CHECK_EQ(ask(&b, 99, north, "norte/", true), SUBSCRIPTION_MADE);
    for (; fd > 10; fd--) connections_ended(b.connections, fd);
    connections_ended(b.connections, 99);
    CHECK(wants(&b, "sur/order/1/OrderAdded"));
    connections_ended(b.connections, 98); /* came when there were too many */
    CHECK_EQ(ask(&b, 98, south, "sur/", true), SUBSCRIPTION_MADE);
    CHECK(wants(&b, "sur/order/1/OrderAdded") && !wants(&b, "otro/order/1/OrderAdded"));
    end(&b);
}

static void
a_share_is_of_its_sender(void **state)
{
    struct shares s = {0};
    uint64_t      one = shares_whom(north), other = shares_whom(south);

    (void)state;
    CHECK_EQ(shares_whom(keyless), 0);
    for (int i = 0; i < SHARE_REQUESTS; i++) {
        CHECK(!shares_is_greedy(&s, one));
        shares_take(&s, one, 10);
        shares_take(&s, 0, 1 << 30);
    }
    CHECK(shares_is_greedy(&s, one) && !shares_is_greedy(&s, other) && !shares_is_greedy(&s, 0));
    shares_give(&s, one, 10);
    CHECK(!shares_is_greedy(&s, one));
    shares_take(&s, other, SHARE_BYTES);
    CHECK(shares_is_greedy(&s, other));
    shares_give(&s, other, SHARE_BYTES);
    CHECK(!shares_is_greedy(&s, other));
    shares_fini(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_prefix_is_wanted_as_long_as_somebody_has_it),
        TEST(the_end_of_who_was_refused_is_nobody_elses),
        TEST(who_may_not_any_more_is_cut_off),
        TEST(a_descriptor_may_be_somebody_elses),
        TEST(who_is_refused_too_often_is_cut_off),
        TEST(there_is_an_end_to_what_one_may_have),
        TEST(a_share_is_of_its_sender),
    };
    return RUN(tests);
}
