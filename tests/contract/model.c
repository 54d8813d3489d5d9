/* model.c - a long random story of one store, compared at each step with plain arrays. */
#include "proto/schema.h"
#include "tests/contract/books.h"
#include "tests/support/check.h"

enum { TURNS = 300, RECORDS = 3000, RECORD_BYTES = 16, POSITIONS = 40, ITEMS = 4, PLACES = POSITIONS * ITEMS, VALUE_BYTES = 200 };

struct value {
    bool   there;
    size_t size;
    char   bytes[VALUE_BYTES];
};

/* Row kinds x keys: place p stands for position p / ITEMS and item p % ITEMS. */
struct model {
    uint64_t     last, folded;
    char         records[RECORDS + 1][RECORD_BYTES];
    struct value rows[PD_ROW_CODES][PLACES];
};

static struct row_key
key_of(size_t place)
{
    return (struct row_key){place / ITEMS, (uint32_t)(place % ITEMS)};
}

struct visit {
    const struct value *values; /* of one kind */
    size_t              next;
};

static size_t
next_there(const struct value *values, size_t place)
{
    while (place < PLACES && !values[place].there) place++;
    return place;
}

static bool
is_the_next_row(void *arg, struct row_key key, struct pd_text bytes)
{
    struct visit *v = arg;
    size_t        place = next_there(v->values, v->next);

    CHECK(place < PLACES && key.position == key_of(place).position && key.item == key_of(place).item);
    CHECK_BYTES(bytes, ((struct pd_text){v->values[place].bytes, v->values[place].size}), check_about);
    v->next = place + 1;
    return true;
}

static void
check_like(const struct model *m, struct store_reader *reader, struct pd_arena *arena, uint64_t *seed)
{
    struct pd_text bytes;

    CHECK_EQ(store_reader_last(reader), m->last);
    for (int i = 0; i < 5; i++) {
        uint64_t position = check_pick(seed, m->last + 2);
        bool     there = position >= 1 && position <= m->last;
        CHECK_EQ(store_read_record(reader, position, arena, &bytes), there ? STORE_OK : STORE_NONE);
        if (there) CHECK_TEXT(bytes, m->records[position]);
    }
    for (int code = 1; code < PD_ROW_CODES; code++) {
        if (pd_schema_row(code) == NULL) continue;
        const struct value *values = m->rows[code];
        size_t              place = check_pick(seed, PLACES), from = check_pick(seed, 3) > 0 ? 0 : check_pick(seed, PLACES);
        struct visit        visit = {values, from};
        CHECK_EQ(store_read_row(reader, code, key_of(place), arena, &bytes), values[place].there ? STORE_OK : STORE_NONE);
        CHECK_EQ(store_each_row(reader, code, key_of(from), is_the_next_row, &visit), STORE_OK);
        CHECK_EQ(next_there(values, visit.next), PLACES); /* none was left out */
    }
    pd_arena_reset(arena);
}

static void
append_record(struct model *m, struct store *store, uint64_t *seed)
{
    if (m->last == RECORDS) return;
    char *text = m->records[++m->last];
    snprintf(text, RECORD_BYTES, "%jx", (uintmax_t)check_random(seed) & 0xffffffff);
    store_append(store, m->last, text, strlen(text));
}

static void
change(struct model *m, struct store *store, uint64_t *seed)
{
    size_t        choice = check_pick(seed, 1000), place = check_pick(seed, PLACES);
    int           code = 1 + (int)check_pick(seed, PD_ROW_CODES - 1);
    struct value *value = &m->rows[code][place];

    if (choice < 250) append_record(m, store, seed);
    else if (choice < 990 && pd_schema_row(code) == NULL) return;
    else if (choice < 750) {
        value->there = true;
        value->size = check_pick(seed, VALUE_BYTES);
        for (size_t i = 0; i < value->size; i++) value->bytes[i] = (char)check_random(seed);
        store_put_row(store, code, key_of(place), value->bytes, value->size);
    } else if (choice < 990) {
        value->there = false;
        store_delete_row(store, code, key_of(place));
    } else if (choice < 992) {
        memset(m->rows, 0, sizeof m->rows);
        m->folded = 0;
        store_drop_rows(store);
    } else {
        m->folded = check_pick(seed, 2) == 0 ? m->last : check_pick(seed, m->last + 1);
        store_set_folded(store, m->folded);
    }
}

static void
it_holds_what_plain_arrays_would(void **state)
{
    static const uint8_t chain[PD_CHAIN_BYTES] = {1};
    static struct model  committed, pending;
    const char          *dir = books_make();
    uint64_t             seed = check_seed(), known;
    struct store        *store;
    struct store_reader *reader;
    struct pd_arena      arena;

    (void)state;
    pd_arena_init(&arena);
    CHECK_EQ(store_open(dir, STORE_CREATE, false, &store, &known), STORE_OK);
    for (int turn = 0; turn < TURNS; turn++) {
        ABOUT("turn %d", turn);
        pending = committed;
        CHECK_EQ(store_begin(store), STORE_OK);
        for (size_t n = check_pick(&seed, 40); n > 0; n--) change(&pending, store, &seed);
        check_like(&pending, store_writer_view(store), &arena, &seed);
        if (check_pick(&seed, 4) == 0) store_abort(store);
        else {
            CHECK_EQ(store_commit(store, chain), STORE_OK);
            committed = pending;
        }
        if (check_pick(&seed, 15) == 0) {
            store_close(&store);
            CHECK_EQ(store_open(dir, STORE_EXISTING, false, &store, &known), STORE_OK);
        }
        CHECK(store_last(store) == committed.last && store_folded(store) == committed.folded);
        CHECK_EQ(store_reader_open(store, &reader), STORE_OK);
        check_like(&committed, reader, &arena, &seed);
        store_reader_close(&reader);
    }
    store_close(&store);
    books_forget();
    pd_arena_fini(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_holds_what_plain_arrays_would),
    };
    return RUN(tests);
}
