/* views.c - lists of events and of rows, through many blocks and batches, held against plain arrays. */
#include <stdlib.h>
#include <unistd.h>

#include "engine/store/record.h"
#include "engine/store/store_memory.h"
#include "engine/views/dump.h"
#include "engine/views/events.h"
#include "engine/views/list.h"
#include "engine/views/projection.h"
#include "tests/support/check.h"

enum { EVENTS = 6000, SCOPES = 4, ASKED = 300 };

static struct store     *log_store, *store;
static struct pd_arena   arena;
static struct operations operations;
static unsigned          seed;

/* What was appended: event p at p - 1. */
static struct {
    uint64_t scope, position;
    int      type;
} events[EVENTS];
static uint64_t heads[SCOPES + 1];

static const int types[] = {PD_EVENT_customer_put, PD_EVENT_order_added, PD_EVENT_order_confirmed, PD_EVENT_task_leased};

static unsigned
dice(unsigned sides)
{
    return (unsigned)rand_r(&seed) % sides;
}

static int
begin_story(void **state)
{
    uint64_t known;

    check_start(state);
    seed = 6;
    memset(heads, 0, sizeof heads);
    pd_arena_init(&arena);
    CHECK_EQ(store_open("views-log", STORE_CREATE, false, &log_store, &known), STORE_OK);
    CHECK_EQ(store_open("views-test", STORE_VIEWS, false, &store, &known), STORE_OK);
    return 0;
}

static int
end_story(void **state)
{
    (void)state;
    store_close(&log_store);
    store_close(&store);
    store_memory_forget("views-log");
    store_memory_forget("views-test");
    operations_fini(&operations);
    pd_arena_fini(&arena);
    return 0;
}

static void
append(uint64_t p)
{
    unsigned scope = dice(10) == 0 ? dice(SCOPES) : 1 + dice(2) % SCOPES; /* two have most */
    int      type = dice(30) == 0 ? types[3] : types[dice(3)];

    events[p - 1].scope = scope;
    events[p - 1].position = ++heads[scope];
    events[p - 1].type = type;
    struct record r = {
        .header = {.format = RECORD_FORMAT, .type = (uint16_t)type, .position = p, .scope = scope, .time = p * 60000000,
                   .scope_position = heads[scope], .aggregate = PD_aggregate_order},
        .command_id = PD_TEXT("c"), .actor = PD_TEXT("local"), .body = PD_TEXT("\x80"),
    };
    char *bytes = pd_arena_alloc(&arena, record_size(&r));
    record_write(&r, bytes);
    store_append(log_store, p, bytes, record_size(&r));
}

static void
append_all(void)
{
    static const uint8_t chain[PD_CHAIN_BYTES];

    CHECK_EQ(store_begin(log_store), STORE_OK);
    for (uint64_t p = 1; p <= EVENTS; p++) append(p);
    CHECK_EQ(store_commit(log_store, chain), STORE_OK);
}

static void
follow_piece(struct store_reader *log, uint64_t from, uint64_t to)
{
    CHECK_EQ(store_begin(store), STORE_OK);
    CHECK_EQ(events_project(log, from, to, store, &operations, &arena), STORE_OK);
    CHECK_EQ(operations_do(&operations, store, &arena), STORE_OK);
    CHECK_EQ(store_commit(store, NULL), STORE_OK);
}

static struct bulk *bulk;

static void
gather_piece(struct store_reader *log, uint64_t from, uint64_t to)
{
    CHECK_EQ(bulk_make_room(bulk), STORE_OK);
    CHECK_EQ(events_project(log, from, to, NULL, &operations, &arena), STORE_OK);
    bulk_take(bulk, &operations);
}

/* In pieces of many sizes. */
static void
in_pieces(void (*piece)(struct store_reader *log, uint64_t from, uint64_t to))
{
    struct store_reader *log;

    CHECK_EQ(store_reader_open(log_store, &log), STORE_OK);
    for (uint64_t from = 0, to; from < EVENTS; from = to) {
        to = from + 1 + dice(dice(4) == 0 ? 1500 : 20);
        if (to > EVENTS) to = EVENTS;
        piece(log, from, to);
    }
    store_reader_close(&log);
}

static void
project_all(void)
{
    append_all();
    in_pieces(follow_piece);
}

static uint64_t
position_of(uint64_t scope, uint64_t p)
{
    return scope == EVENTS_OF_ALL ? p : events[p - 1].position;
}

/* The list from a position on, against a walk through the array; `most` of them. */
static void
check_list(struct store_reader *reader, uint64_t scope, int type, uint64_t from, bool backwards, size_t most)
{
    struct event_list *list = malloc(sizeof *list);
    struct event_place place = {0, 0};

    CHECK_EQ(event_list_open(list, reader, scope, type, from, backwards), STORE_OK);
    for (uint64_t n = 1; n <= EVENTS && most > 0; n++) {
        uint64_t p = backwards ? EVENTS + 1 - n : n;
        if (scope != EVENTS_OF_ALL && events[p - 1].scope != scope) continue;
        if (type != 0 && events[p - 1].type != type) continue;
        if (backwards ? position_of(scope, p) > from : position_of(scope, p) < from) continue;
        CHECK_EQ(event_list_next(list, &place), STORE_OK);
        CHECK_EQ(place.in_log, p);
        CHECK_EQ(place.position, position_of(scope, p));
        most--;
    }
    if (most > 0) CHECK_EQ(event_list_next(list, &place), STORE_NONE);
    event_list_close(list);
    free(list);
}

static void
events_are_listed_from_anywhere_in_both_directions(void **state)
{
    struct store_reader *reader;
    uint64_t             head;

    (void)state;
    project_all();
    CHECK_EQ(store_reader_open(store, &reader), STORE_OK);
    for (uint64_t s = 0; s < SCOPES; s++) {
        CHECK_EQ(events_head(reader, s, &arena, &head), STORE_OK);
        CHECK_EQ(head, heads[s]);
        check_list(reader, s, 0, 1, false, SIZE_MAX);
        check_list(reader, s, 0, UINT64_MAX, true, SIZE_MAX);
        for (int t = 0; t < 4; t++) {
            check_list(reader, s, types[t], 0, false, SIZE_MAX);
            check_list(reader, s, types[t], heads[s], true, SIZE_MAX);
        }
    }
    for (uint64_t from = 0; from <= heads[1] + 1; from++) { /* at each end of each block */
        check_list(reader, 1, 0, from, true, 2);
        check_list(reader, 1, 0, from, false, 2);
    }
    for (int i = 0; i < ASKED; i++) {
        uint64_t scope = dice(4) == 0 ? EVENTS_OF_ALL : dice(SCOPES);
        int      type = scope == EVENTS_OF_ALL || dice(2) == 0 ? types[dice(4)] : 0;
        check_list(reader, scope, type, dice(EVENTS + 10), dice(2) == 0, 1 + dice(600));
    }
    CHECK_EQ(events_head(reader, SCOPES + 7, &arena, &head), STORE_OK);
    CHECK_EQ(head, 0);
    store_reader_close(&reader);
}

/* How many entries a view counts in a scope, summed. */
static uint64_t
counted(struct store_reader *reader, int view, uint64_t scope)
{
    struct store_cursor *cursor;
    struct store_entry   entry;
    struct view_key      key = view_key(view, scope);
    uint64_t             sum = 0, count = 0;

    CHECK_EQ(store_cursor_open(reader, &cursor), STORE_OK);
    enum store_error error = store_cursor_seek(cursor, view_key_bytes(&key), &entry);
    for (; error == STORE_OK && memcmp(entry.key.data, key.bytes, key.size) == 0; error = store_cursor_next(cursor, &entry)) {
        struct pd_text value = entry.value;
        CHECK(varint_read(&value, &count));
        sum += count;
    }
    store_cursor_close(&cursor);
    return sum;
}

static void
hours_count_every_event_once(void **state)
{
    struct store_reader *reader;

    (void)state;
    project_all();
    CHECK_EQ(store_reader_open(store, &reader), STORE_OK);
    for (uint64_t s = 0; s < SCOPES; s++) CHECK_EQ(counted(reader, VIEW_events_by_hour, s), heads[s]);
    store_reader_close(&reader);
}

/* ---- rows ---------------------------------------------------------------------------------------------------------- */

enum { ROWS = 400, LISTS = 3 };

static bool listed[LISTS][ROWS];

static void
put_row(int list, unsigned row)
{
    struct view_key key = view_key(VIEW_orders_by_customer + list, 1);
    view_key_text(&key, PD_TEXT("x"));
    view_key_row(&key, (struct row_key){row / 3 + 1, row % 3});
    store_put_entry(store, view_key_bytes(&key), (struct pd_text){"", 0});
}

static void
rows_are_in_all_lists_that_are_asked_for(void **state)
{
    struct store_reader *reader;

    (void)state;
    CHECK_EQ(store_begin(store), STORE_OK);
    for (int l = 0; l < LISTS; l++)
        for (unsigned row = 0; row < ROWS; row++) {
            listed[l][row] = dice(l == 0 ? 20 : 3) == 0;
            if (listed[l][row]) put_row(l, row);
        }
    CHECK_EQ(store_commit(store, NULL), STORE_OK);
    CHECK_EQ(store_reader_open(store, &reader), STORE_OK);
    for (int i = 0; i < ASKED; i++) {
        struct list       list;
        struct list_place place;
        bool              backwards = dice(2) == 0;
        unsigned          from = dice(ROWS), wanted = 1 + dice(7);
        list_init(&list, false, backwards, (struct list_place){0, {from / 3 + 1, from % 3}});
        for (int l = 0; l < LISTS; l++) {
            struct view_key key = view_key(VIEW_orders_by_customer + l, 1);
            view_key_text(&key, PD_TEXT("x"));
            if (wanted >> l & 1) list_add(&list, key);
        }
        CHECK_EQ(list_open(&list, reader), STORE_OK);
        for (unsigned n = 0; n < ROWS; n++) {
            unsigned row = backwards ? ROWS - 1 - n : n;
            bool     in = backwards ? row <= from : row >= from;
            for (int l = 0; l < LISTS; l++) in = in && (!(wanted >> l & 1) || listed[l][row]);
            if (!in) continue;
            CHECK_EQ(list_next(&list, &place), STORE_OK);
            CHECK_EQ(place.row.position, row / 3 + 1);
            CHECK_EQ(place.row.item, row % 3);
        }
        CHECK_EQ(list_next(&list, &place), STORE_NONE);
        CHECK(!list.stopped);
        list_close(&list);
    }
    store_reader_close(&reader);
}

static void
numbers_are_short_and_read_as_they_were_written(void **state)
{
    const uint64_t numbers[] = {0, 1, 127, 128, 300, 16383, 16384, UINT32_MAX, INT64_MAX, UINT64_MAX};
    char           bytes[VARINT_MAX];
    uint64_t       back;

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct pd_text text = {bytes, varint_write(bytes, numbers[i])}, cut = {bytes, text.size - 1};
        CHECK(text.size <= VARINT_MAX);
        CHECK(!varint_read(&cut, &back));
        CHECK(varint_read(&text, &back) && text.size == 0);
        CHECK_EQ(back, numbers[i]);
    }
}

/* ---- in bulk ------------------------------------------------------------------------------------------------------- */

static void
write_bulk(struct store *to)
{
    bool more = true;

    while (more) {
        CHECK_EQ(bulk_finish(bulk), STORE_OK);
        CHECK_EQ(store_begin(to), STORE_OK);
        CHECK_EQ(bulk_write(bulk, to, &more), STORE_OK);
        CHECK_EQ(store_commit(to, NULL), STORE_OK);
    }
    CHECK(bulk_written(bulk) == 1);
}

/* On the disk meanwhile, or not. */
static void
views_made_in_bulk_are_as_those_that_followed(void **state)
{
    char                 dir[] = "/tmp/pedido-bulk-XXXXXX", what[256];
    struct store        *made;
    struct store_reader *a, *b;
    uint64_t             known;

    (void)state;
    CHECK(mkdtemp(dir) != NULL);
    project_all();
    for (size_t memory = 3000; memory <= 3000000; memory *= 1000) {
        ABOUT("%zu bytes of memory", memory);
        CHECK_EQ(store_open("views-bulk", STORE_VIEWS, false, &made, &known), STORE_OK);
        bulk = bulk_new(dir, memory);
        in_pieces(gather_piece);
        write_bulk(made);
        CHECK_EQ(store_reader_open(store, &a), STORE_OK);
        CHECK_EQ(store_reader_open(made, &b), STORE_OK);
        CHECK_EQ(views_compare(a, b, &arena, what), STORE_OK);
        CHECK_TEXT(pd_text(what), "");
        store_reader_close(&b);
        store_reader_close(&a);
        bulk_free(&bulk);
        store_close(&made);
        store_memory_forget("views-bulk");
    }
    CHECK_EQ(rmdir(dir), 0);
}

/* ---- opened again -------------------------------------------------------------------------------------------------- */

/* Makes the first byte of what views know of themselves, their format, another. */
static void
write_format(uint64_t by)
{
    struct store_reader *reader;
    struct view_key      key = view_key(VIEW_state, 0);
    struct pd_text       value;

    CHECK_EQ(store_reader_open(store, &reader), STORE_OK);
    CHECK_EQ(store_read_entry(reader, view_key_bytes(&key), &arena, &value), STORE_OK);
    store_reader_close(&reader);
    char *bytes = pd_arena_alloc(&arena, value.size);
    memcpy(bytes, value.data, value.size);
    bytes[0] = (char)(bytes[0] + (char)by);
    CHECK_EQ(store_begin(store), STORE_OK);
    store_put_entry(store, view_key_bytes(&key), (struct pd_text){bytes, value.size});
    CHECK_EQ(store_commit(store, NULL), STORE_OK);
}

static void
views_of_another_format_are_not_opened(void **state)
{
    struct store     *rows;
    struct projector  projector;
    struct projection p;
    uint64_t          known;
    bool              more = true;

    (void)state;
    CHECK_EQ(store_open("views-log", STORE_ROWS, false, &rows, &known), STORE_OK);
    store_close(&store);
    projector_init(&projector, rows, log_store);
    CHECK_EQ(projection_open(&projector, "views-test", STORE_VIEWS, &p), STORE_OK);
    while (more) CHECK_EQ(projection_step(&projector, &p, &more), STORE_OK);
    CHECK(p.complete);
    for (uint64_t by = 0; by <= 1; by++) { /* as it was written, then as a newer one */
        projection_close(&p);
        CHECK_EQ(store_open("views-test", STORE_VIEWS_EXISTING, false, &store, &known), STORE_OK);
        write_format(by);
        store_close(&store);
        CHECK_EQ(projection_open(&projector, "views-test", STORE_VIEWS_EXISTING, &p), by == 0 ? STORE_OK : STORE_EXISTS_NOT);
    }
    projection_close(&p);
    projector_fini(&projector);
    store_close(&rows);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, begin_story, end_story)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(events_are_listed_from_anywhere_in_both_directions),
        STORY(hours_count_every_event_once),
        STORY(rows_are_in_all_lists_that_are_asked_for),
        STORY(numbers_are_short_and_read_as_they_were_written),
        STORY(views_made_in_bulk_are_as_those_that_followed),
        STORY(views_of_another_format_are_not_opened),
    };
    return RUN(tests);
}
