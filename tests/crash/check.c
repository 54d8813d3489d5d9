/* check.c - what must be true of every disk that a power failure leaves. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/upkeep.h"
#include "tests/crash/shop.h"
#include "tests/crash/story.h"

struct check {
    struct shop         shop;
    const struct known *known;
    const char         *root;
    char               *what;
};

static bool __attribute__((format(printf, 2, 3)))
wrong(struct check *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(c->what, WHAT_MAX, format, args);
    va_end(args);
    return false;
}

static uint64_t
turn_of(struct said event)
{
    struct record r;
    return record_read((struct pd_text){event.bytes, event.size}, &r) ? r.header.turn : 0;
}

/* All that was acknowledged is there with its bytes; behind it whole turns that were on their way, and nothing else. */
static bool
check_log(struct check *c)
{
    const struct known  *k = c->known;
    struct store_reader *reader;
    uint64_t             last = store_last(c->shop.books.log);
    bool                 same = true;

    if (last < k->acknowledged)
        return wrong(c, "the log ends at %" PRIu64 ", acknowledged were %" PRIu64, last, k->acknowledged);
    if (last > k->event_count) return wrong(c, "the log ends at %" PRIu64 ", there were only %" PRIu64, last, k->event_count);
    if (last > 0 && last < k->event_count && turn_of(k->events[last]) == turn_of(k->events[last + 1]))
        return wrong(c, "the log ends at %" PRIu64 ", in the middle of a turn", last);
    if (store_reader_open(c->shop.books.log, &reader) != STORE_OK) return wrong(c, "the log cannot be read");
    for (uint64_t p = 1; p <= last && same; p++) {
        struct pd_text bytes;
        same = store_read_record(reader, p, &c->shop.arena, &bytes) == STORE_OK &&
               pd_text_equal(bytes, (struct pd_text){k->events[p].bytes, k->events[p].size});
        if (!same) wrong(c, "event %" PRIu64 " is not as it was acknowledged", p);
    }
    store_reader_close(&reader);
    return same;
}

/* The chain, and every row against the log. */
static bool
check_rows(struct check *c, const char *when)
{
    char scratch[512], what[256];

    snprintf(scratch, sizeof scratch, "%s/scratch", c->root);
    enum store_error error = upkeep_verify(&c->shop.books, scratch, NULL, NULL, what);
    return error == STORE_OK || wrong(c, "%s: %s", when, error == STORE_DAMAGED ? what : "the check could not be done");
}

/* A command that was answered is answered again with the same bytes, and nothing is done. */
static bool
check_answer(struct check *c, size_t n)
{
    const struct known *k = c->known;
    struct pd_text      asked = {k->asked[n].bytes, k->asked[n].size}, answer;
    uint64_t            last = store_last(c->shop.books.log);

    if (shop_turn(&c->shop, &asked, 1, &answer) != STORE_OK) return wrong(c, "a turn fails");
    if (!pd_text_equal(answer, (struct pd_text){k->answers[n].bytes, k->answers[n].size}))
        return wrong(c, "answer %zu of %zu is another now", n + 1, k->answered);
    return store_last(c->shop.books.log) == last || wrong(c, "command %zu of %zu was done again", n + 1, k->answered);
}

static bool
check_service(struct check *c)
{
    struct pd_text command = shop_command(&c->shop, "{'id':'last','type':'PutCustomer','data':{'customer':'eva','name':'Eva'}}");
    struct pd_text answer;
    uint64_t       last = store_last(c->shop.books.log);

    if (shop_turn(&c->shop, &command, 1, &answer) != STORE_OK) return wrong(c, "a turn fails");
    if (memmem(answer.data, answer.size, "\xa2ok\xc3", 4) == NULL) return wrong(c, "a new command is refused");
    if (store_last(c->shop.books.log) != last + 1) return wrong(c, "a new command left no event");
    return !c->shop.rows_left || shop_write_rows(&c->shop) == STORE_OK || wrong(c, "rows cannot be written");
}

static bool
check_all(struct check *c)
{
    const struct known *k = c->known;
    char                data[512];

    snprintf(data, sizeof data, "%s/data", c->root);
    if (shop_open_books(&c->shop, data) != STORE_OK) return wrong(c, "the books cannot be opened");
    if (!check_log(c) || !check_rows(c, "as it was found")) return false;
    if (shop_open_engine(&c->shop) != STORE_OK) return wrong(c, "the engine does not start");
    if (store_last(c->shop.books.log) <= k->acknowledged) return wrong(c, "the start left no event");
    for (size_t n = 0; n < 2 && n < k->answered; n++)
        if (!check_answer(c, n == 0 ? k->answered - 1 : k->answered / 2)) return false;
    return check_service(c) && check_rows(c, "after a command more") &&
           check_backups(c->root, k, store_log_id(c->shop.books.log), c->what);
}

void
check_image(const char *root, const struct known *known, char ret_what[WHAT_MAX])
{
    struct check c = {.known = known, .root = root, .what = ret_what};

    ret_what[0] = '\0';
    check_all(&c);
    shop_close(&c.shop);
}
