#include "engine/index/index.h"
#include "engine/index/shelf.h"
#include "tests/support/check.h"

/* The model: an array of what is there, in order of position. */
enum { ENTRIES_MAX = 20000, ROUNDS = 60000, YOUNG = 300, IDS = 1000, EPOCH = 40 };

struct entry {
    uint64_t       print;
    struct row_key key;
};
static struct entry model[ENTRIES_MAX];
static size_t       model_count;

/* Some that were taken away, to be there again later. */
enum { AWAY = 64 };
static struct entry away[AWAY];

/* What is kept beside the rows: the journals since the index's files. */
struct kept_list {
    uint64_t    from, to;
    struct pair pairs[2 * EPOCH];
    size_t      count;
};
enum { LISTS_MAX = 4000 };
static struct kept_list lists[LISTS_MAX];
static size_t           list_count;

static struct shelf *shelf;
static struct index *index_;
static uint64_t      position, turned;

static struct index *
open_small(void)
{
    return index_open(&(struct index_options){.shelf = shelf, .ids = IDS, .young = YOUNG});
}

static int
begin_story(void **state)
{
    check_start(state);
    model_count = list_count = 0;
    memset(away, 0, sizeof away);
    position = turned = 0;
    CHECK(shelf_open(NULL, &shelf));
    index_ = open_small();
    return 0;
}

static int
end_story(void **state)
{
    (void)state;
    index_close(&index_);
    shelf_close(&shelf);
    return 0;
}

static void
model_add(struct entry e)
{
    size_t i = model_count++;

    for (; i > 0 && model[i - 1].key.position > e.key.position; i--) model[i] = model[i - 1];
    model[i] = e;
}

static bool
is_same(struct row_key a, struct row_key b)
{
    return a.position == b.position && a.item == b.item;
}

static void
check_found(uint64_t print)
{
    struct row_key keys[64];
    size_t         n = 0, found = index_find(index_, print, keys, 64);

    for (size_t i = 0; i < model_count; i++) {
        if (model[i].print != print) continue;
        if (n < 64 && n < found) CHECK(is_same(keys[n], model[i].key));
        n++;
    }
    CHECK_EQ(found, n);
}

/* A fingerprint out of few, so that many are equal or fall into the same places, also around a table's end. */
static uint64_t
some_print(uint64_t *seed)
{
    switch (check_pick(seed, 4)) {
    case 0: return check_pick(seed, 50);
    case 1: return UINT64_MAX - check_pick(seed, 50);
    case 2: return check_pick(seed, 50) << 32 | 0xfff;
    default: return check_random(seed);
    }
}

/* An epoch ends: what it has changed is written with its rows, and some of it is in files by then. */
static void
turn_over(uint64_t *seed)
{
    struct index_changes changes = index_journal(index_);
    struct kept_list    *list = &lists[list_count++ % LISTS_MAX];

    CHECK(changes.count <= sizeof list->pairs / sizeof list->pairs[0]);
    *list = (struct kept_list){.from = turned, .to = position, .count = changes.count};
    memcpy(list->pairs, changes.pairs, changes.count * sizeof *changes.pairs);
    index_turn_over(index_, position);
    turned = position;
    for (size_t pieces = check_pick(seed, 4); index_tidy(index_, turned) && pieces > 0; pieces--) (void)index_work(index_);
}

/* What was in memory is gone; its changes are given back. */
static void
crash(void)
{
    index_close(&index_);
    index_ = open_small();
    uint64_t at = index_kept(index_);
    CHECK(at <= turned);
    for (size_t i = list_count > LISTS_MAX ? list_count - LISTS_MAX : 0; i < list_count; i++) {
        const struct kept_list *list = &lists[i % LISTS_MAX];
        if (list->to <= at) continue;
        CHECK_EQ(list->from, at);
        CHECK(index_apply(index_, (struct index_changes){list->pairs, list->count}));
        index_turn_over(index_, at = list->to);
    }
    CHECK_EQ(at, turned);
}

static void
check_all(void)
{
    struct index_walk *walk = index_walk_begin(index_);
    struct pair        pair, before = {0, 0};
    size_t             count = 0;

    for (; index_walk_next(walk, &pair); before = pair, count++) CHECK(count == 0 || pair_compare(before, pair) < 0);
    index_walk_end(&walk);
    CHECK_EQ(count, model_count);
    for (size_t i = 0; i < model_count; i += 7) check_found(model[i].print);
}

static void
it_finds_what_an_array_would_through_files_and_crashes(void **state)
{
    uint64_t seed = check_seed();

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        ABOUT("round %d", round);
        size_t choice = check_pick(&seed, 100);
        bool   grows = round < ROUNDS / 2;
        if (choice < (grows ? 60u : 20u) && model_count < ENTRIES_MAX) {
            struct entry e = {some_print(&seed), {++position, (uint32_t)check_pick(&seed, 3)}};
            model_add(e);
            index_add(index_, e.print, e.key);
        } else if (choice < 80 && model_count > 0) {
            size_t       i = check_pick(&seed, model_count);
            struct entry e = model[i];
            memmove(&model[i], &model[i + 1], (--model_count - i) * sizeof *model);
            position++; /* whatever changes is an event's doing */
            index_remove(index_, e.print, e.key);
            struct entry *again = &away[check_pick(&seed, AWAY)];
            if (again->key.position > 0) {
                model_add(*again);
                index_add(index_, again->print, again->key);
            }
            *again = e;
        } else {
            bool known = model_count > 0 && choice % 2 == 0;
            check_found(known ? model[check_pick(&seed, model_count)].print : some_print(&seed));
        }
        if (index_journal(index_).count >= EPOCH) turn_over(&seed);
        if (check_pick(&seed, 5000) != 0) continue;
        turn_over(&seed);
        crash();
        check_all();
    }
    check_all();
    CHECK(index_kept(index_) > position / 2); /* most of it went through files */
    index_settle(index_, position);
    check_all();
}

static void
equal_fingerprints_are_told_oldest_first_and_counted_beyond_the_room(void **state)
{
    struct row_key keys[3] = {{0, 0}, {0, 0}, {77, 7}};

    (void)state;
    for (uint64_t i = 1; i <= 50; i++) index_add(index_, 42, (struct row_key){51 - i, (uint32_t)i});
    index_add(index_, 43, (struct row_key){9, 0});
    for (uint64_t i = 6; i <= 50; i++) index_remove(index_, 42, (struct row_key){i, (uint32_t)(51 - i)});
    index_remove(index_, 42, (struct row_key){2, 49});
    CHECK_EQ(index_find(index_, 42, keys, 2), 4);
    CHECK(is_same(keys[0], (struct row_key){1, 50}) && is_same(keys[1], (struct row_key){3, 48}));
    CHECK(is_same(keys[2], (struct row_key){77, 7}));
    CHECK_EQ(index_find(index_, 42, NULL, 0), 4);
}

static void
kinds_scopes_and_texts_have_prints_of_their_own(void **state)
{
    (void)state;
    uint64_t a = index_text_print(INDEX_customer, 1, PD_TEXT("lopez"));
    CHECK_EQ(a, index_text_print(INDEX_customer, 1, PD_TEXT("lopez")));
    CHECK(a != index_text_print(INDEX_plan, 1, PD_TEXT("lopez")));
    CHECK(a != index_text_print(INDEX_customer, 2, PD_TEXT("lopez")));
    CHECK(a != index_text_print(INDEX_customer, 1, PD_TEXT("lope")));
    CHECK(index_number_print(INDEX_order, 1, 2) != index_number_print(INDEX_order, 2, 1));
    CHECK(index_number_print(INDEX_order, 1, 2) != index_number_print(INDEX_task, 1, 2));
}

/* Ids that are written, an epoch each hundred. */
static void
add_ids(uint64_t count)
{
    uint64_t seed = 1;

    for (uint64_t i = 0; i < count; i++) {
        position++;
        index_add_id(index_, index_number_print(INDEX_command, 1, position), position);
        if (position % EPOCH == 0) turn_over(&seed);
    }
    index_turn_over(index_, turned = position);
    index_settle(index_, position);
}

static size_t
count_ids(uint64_t from, uint64_t to)
{
    uint64_t found;
    size_t   count = 0;

    for (uint64_t i = from; i <= to; i++) {
        size_t n = index_find_id(index_, index_number_print(INDEX_command, 1, i), &found, 1);
        CHECK(n == 0 || (n == 1 && found == i));
        count += n;
    }
    return count;
}

static void
the_last_ids_are_kept_and_old_ones_forgotten_at_some_time(void **state)
{
    (void)state;
    add_ids(40 * IDS);
    CHECK_EQ(count_ids(39 * IDS + 1, 40 * IDS), IDS);
    CHECK(count_ids(1, 39 * IDS) < 20 * IDS);
    CHECK_EQ(count_ids(1, IDS), 0);
    index_add(index_, index_number_print(INDEX_command, 1, 40 * IDS), (struct row_key){40 * IDS, 0}); /* no id, but its like */
    CHECK_EQ(count_ids(40 * IDS, 40 * IDS), 1);
    CHECK_EQ(index_find(index_, index_number_print(INDEX_command, 1, 40 * IDS), NULL, 0), 1);
}

static void
what_is_loaded_is_there_when_it_was_said_to_be(void **state)
{
    (void)state;
    index_load(index_);
    for (uint64_t i = 1; i <= 10 * YOUNG; i++) {
        index_add(index_, index_number_print(INDEX_order, 1, i), (struct row_key){i, 0});
        index_load_on(index_);
    }
    CHECK_EQ(index_kept(index_), 0);
    index_close(&index_); /* half of it is nothing */
    index_ = open_small();
    CHECK_EQ(index_kept(index_), 0);
    CHECK(!index_has_files(index_));
    index_load(index_);
    for (uint64_t i = 1; i <= 10 * YOUNG; i++) {
        index_add(index_, index_number_print(INDEX_order, 1, i), (struct row_key){i, 0});
        index_load_on(index_);
    }
    CHECK(index_loaded(index_, 12345));
    CHECK_EQ(index_kept(index_), 12345);
    index_close(&index_);
    index_ = open_small();
    CHECK_EQ(index_kept(index_), 12345);
    for (uint64_t i = 1; i <= 10 * YOUNG; i++) CHECK_EQ(index_find(index_, index_number_print(INDEX_order, 1, i), NULL, 0), 1);
}

/* ---- damage -------------------------------------------------------------------------------------------------------- */

static void
flip(const char *name, size_t at)
{
    size_t size;
    char  *bytes = (char *)(uintptr_t)shelf_map(shelf, name, &size); /* memory, this time */

    bytes[at % size] ^= 4;
    shelf_unmap(shelf, bytes, size);
}

static void
a_flipped_bit_is_found_or_finds_nothing_wrong(void **state)
{
    char     name[SHELF_NAME_MAX];
    size_t   size, damaged = 0, lost = 0;
    uint64_t seed = check_seed();

    (void)state;
    for (uint64_t i = 1; i <= 3 * YOUNG; i++) index_add(index_, index_number_print(INDEX_order, 1, i), (struct row_key){i, 0});
    index_turn_over(index_, 3 * YOUNG);
    index_settle(index_, 3 * YOUNG);
    CHECK(shelf_name(shelf, 0, name));
    shelf_unmap(shelf, shelf_map(shelf, name, &size), size);
    for (int n = 0; n < 300; n++) {
        size_t at = check_pick(&seed, size);
        ABOUT("byte %zu of %zu", at, size);
        index_close(&index_);
        flip(name, at);
        index_ = index_open(&(struct index_options){.shelf = shelf, .ids = IDS, .young = YOUNG, .looks_only = true});
        bool there = index_kept(index_) > 0;
        for (uint64_t i = 1; there && i <= 3 * YOUNG; i++) {
            struct row_key key = {i, 0};
            size_t         count = index_find(index_, index_number_print(INDEX_order, 1, i), &key, 1);
            CHECK(index_is_damaged(index_) || (count == 1 && key.position == i));
        }
        damaged += there && index_is_damaged(index_);
        lost += !there;
        flip(name, at);
    }
    CHECK(damaged > 50 && lost > 0);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, begin_story, end_story)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(it_finds_what_an_array_would_through_files_and_crashes),
        STORY(equal_fingerprints_are_told_oldest_first_and_counted_beyond_the_room),
        STORY(kinds_scopes_and_texts_have_prints_of_their_own),
        STORY(the_last_ids_are_kept_and_old_ones_forgotten_at_some_time),
        STORY(what_is_loaded_is_there_when_it_was_said_to_be),
        STORY(a_flipped_bit_is_found_or_finds_nothing_wrong),
    };
    return RUN(tests);
}
