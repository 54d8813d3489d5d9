#include "engine/base/calendar.h"

#include <time.h>

#include "tests/support/check.h"

/* "2026-01-31 10:00" UTC in microseconds, and back. */
static pd_time_us
utc(const char *text)
{
    struct tm tm = {0};
    CHECK(strptime(text, "%Y-%m-%d %H:%M", &tm) != NULL);
    return (pd_time_us)timegm(&tm) * 1000000;
}

static void
check_expiry(const char *zone, const char *anchor, uint64_t n, const char *period, const char *expected)
{
    char       text[32];
    pd_time_us end = calendar_expiry(pd_text(zone), utc(anchor), n, pd_text(period));
    time_t     seconds = (time_t)(end / 1000000);
    struct tm  tm;

    strftime(text, sizeof text, "%Y-%m-%d %H:%M", gmtime_r(&seconds, &tm));
    ABOUT("%s + %u x %s in %s", anchor, (unsigned)n, period, zone);
    CHECK_TEXT(pd_text(text), expected);
}

static void
a_month_ends_where_its_month_ends(void **state)
{
    (void)state;
    check_expiry("UTC", "2026-01-31 10:00", 1, "1m", "2026-02-28 10:00");
    check_expiry("UTC", "2028-01-31 10:00", 1, "1m", "2028-02-29 10:00");
    check_expiry("UTC", "2026-08-31 10:00", 1, "1m", "2026-09-30 10:00");
}

/* Counted from the anchor each time: February's shortness does not stick. */
static void
two_months_are_not_twice_one_month(void **state)
{
    (void)state;
    check_expiry("UTC", "2026-01-31 10:00", 2, "1m", "2026-03-31 10:00");
    check_expiry("UTC", "2026-01-31 10:00", 3, "1m", "2026-04-30 10:00");
    check_expiry("UTC", "2026-01-30 10:00", 12, "1m", "2027-01-30 10:00");
    check_expiry("UTC", "2026-01-31 10:00", 2, "3m", "2026-07-31 10:00");
}

static void
a_leap_day_is_the_last_of_february_in_other_years(void **state)
{
    (void)state;
    check_expiry("UTC", "2028-02-29 10:00", 1, "1y", "2029-02-28 10:00");
    check_expiry("UTC", "2028-02-29 10:00", 4, "1y", "2032-02-29 10:00");
    check_expiry("UTC", "2028-02-29 10:00", 12, "1m", "2029-02-28 10:00");
    check_expiry("UTC", "2096-02-29 10:00", 4, "1y", "2100-02-28 10:00"); /* 2100 is no leap year */
}

/* 00:30 in Madrid on 1 March is still 28 February in UTC: the reseller's calendar decides, not ours. */
static void
months_are_counted_in_the_zone(void **state)
{
    (void)state;
    check_expiry("Europe/Madrid", "2026-02-28 23:30", 1, "1m", "2026-03-31 22:30"); /* 1 April 00:30, summer time */
    check_expiry("UTC", "2026-02-28 23:30", 1, "1m", "2026-03-28 23:30");
    check_expiry("America/Lima", "2026-03-01 02:00", 1, "1m", "2026-03-29 02:00"); /* 28 February 21:00 in Lima */
}

static void
the_hour_stays_when_clocks_change(void **state)
{
    (void)state;
    check_expiry("Europe/Madrid", "2026-03-28 09:00", 1, "1d", "2026-03-29 08:00");
    check_expiry("Europe/Madrid", "2026-10-24 08:00", 1, "1d", "2026-10-25 09:00");
    check_expiry("Europe/Madrid", "2026-01-15 11:00", 6, "1m", "2026-07-15 10:00");
}

/* On 29 March 2026 there is no 02:30 in Madrid: it becomes 03:00, the first moment after the gap, which is 01:00 UTC. */
static void
a_local_time_that_is_skipped_moves_forward(void **state)
{
    (void)state;
    check_expiry("Europe/Madrid", "2026-03-28 01:30", 1, "1d", "2026-03-29 01:00");
    check_expiry("Europe/Madrid", "2026-02-28 01:30", 29, "1d", "2026-03-29 01:00");
    check_expiry("Europe/Madrid", "2026-01-29 01:30", 2, "1m", "2026-03-29 01:00");
    check_expiry("Europe/Madrid", "2026-01-29 01:30", 3, "1m", "2026-04-29 00:30");
}

/* A whole day that was never there: 30 December 2011 in Samoa. */
static void
a_day_that_is_skipped_moves_forward(void **state)
{
    pd_time_us end = calendar_expiry(PD_TEXT("Pacific/Apia"), utc("2011-11-30 22:00"), 1, PD_TEXT("1m"));
    (void)state;
    CHECK(end > utc("2011-12-30 09:00") && end < utc("2012-01-01 00:00"));
}

static void
a_year_and_ten_thousand_days_are_reckoned_alike(void **state)
{
    (void)state;
    check_expiry("Europe/Madrid", "2026-10-26 10:00", 1, "1y", "2027-10-26 09:00");
    check_expiry("UTC", "2026-01-01 00:00", 10, "365d", "2035-12-30 00:00");
    check_expiry("UTC", "2026-01-01 00:00", 1, "10y", "2036-01-01 00:00");
    check_expiry("UTC", "2026-01-01 00:00", 120, "1m", "2036-01-01 00:00");
}

static void
parts_of_a_second_are_kept(void **state)
{
    (void)state;
    pd_time_us anchor = utc("2026-01-31 10:00") + 123456;
    CHECK_EQ(calendar_expiry(PD_TEXT("Europe/Madrid"), anchor, 1, PD_TEXT("1m")), utc("2026-02-28 10:00") + 123456);
}

static void
zones_are_names_of_places_or_utc(void **state)
{
    static const char *const good[] = {"UTC", "Europe/Madrid", "America/Argentina/Buenos_Aires", "Pacific/Apia", "Asia/Kolkata"};
    static const char *const bad[] = {"", "+01", "-05:00", "Z", "/etc/passwd", "Mars/Base", "../etc/localtime",
                                      "Europe/../../../etc/passwd", "Europe/Madrid ", "europe/madrid/", "Europe", "Europe/",
                                      "/usr/share/zoneinfo/Europe/Madrid", "America/Argentina", "localtime"};
    char long_name[200];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        ABOUT("%s", good[i]);
        CHECK(calendar_knows_zone(pd_text(good[i])));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ABOUT("\"%s\"", bad[i]);
        CHECK(!calendar_knows_zone(pd_text(bad[i])));
    }
    memset(long_name, 'x', sizeof long_name);
    CHECK(!calendar_knows_zone((struct pd_text){long_name, sizeof long_name}));
    CHECK(!calendar_knows_zone((struct pd_text){"Europe/Madrid\0x", 15}));
    CHECK(calendar_knows_zone((struct pd_text){"Europe/Madridxxx", 13}));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_month_ends_where_its_month_ends),
        TEST(two_months_are_not_twice_one_month),
        TEST(a_leap_day_is_the_last_of_february_in_other_years),
        TEST(months_are_counted_in_the_zone),
        TEST(the_hour_stays_when_clocks_change),
        TEST(a_local_time_that_is_skipped_moves_forward),
        TEST(a_day_that_is_skipped_moves_forward),
        TEST(a_year_and_ten_thousand_days_are_reckoned_alike),
        TEST(parts_of_a_second_are_kept),
        TEST(zones_are_names_of_places_or_utc),
    };
    return RUN(tests);
}
