#include "engine/index/index.h"

#include "tests/support/check.h"

/* The model: an array of what was added, oldest first. */
enum { ENTRIES_MAX = 20000, ROUNDS = 60000, IDS = 100000 };

struct entry {
    uint64_t       print;
    struct row_key key;
};
static struct entry model[ENTRIES_MAX];
static size_t       model_count;

static bool
is_same(struct row_key a, struct row_key b)
{
    return a.position == b.position && a.item == b.item;
}

static void
check_found(struct index *index, uint64_t print)
{
    struct row_key keys[64];
    size_t         n = 0, found = index_find(index, print, keys, 64);

    for (size_t i = 0; i < model_count; i++) {
        if (model[i].print != print) continue;
        if (n < 64 && n < found) CHECK(is_same(keys[n], model[i].key));
        n++;
    }
    CHECK_EQ(found, n);
}

/* A fingerprint out of few, so that many are equal or fall into the same places, also around the table's end. */
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

static void
it_finds_what_an_array_would(void **state)
{
    struct index *index = index_open(IDS);
    uint64_t      seed = check_seed(), position = 0;

    (void)state;
    model_count = 0;
    for (int round = 0; round < ROUNDS; round++) {
        ABOUT("round %d", round);
        size_t choice = check_pick(&seed, 100);
        bool   grows = round < ROUNDS / 2;
        if (choice < (grows ? 60u : 20u) && model_count < ENTRIES_MAX) {
            struct entry e = {some_print(&seed), {++position, (uint32_t)check_pick(&seed, 3)}};
            model[model_count++] = e;
            index_add(index, e.print, e.key);
        } else if (choice < 80 && model_count > 0) {
            size_t       i = check_pick(&seed, model_count);
            struct entry e = model[i];
            memmove(&model[i], &model[i + 1], (--model_count - i) * sizeof *model);
            index_remove(index, e.print, e.key);
        } else if (choice < 90) {
            index_remove(index, some_print(&seed), (struct row_key){position + 1, 0}); /* never added */
        } else {
            bool known = model_count > 0 && choice % 2 == 0;
            check_found(index, known ? model[check_pick(&seed, model_count)].print : some_print(&seed));
        }
    }
    for (size_t i = 0; i < model_count; i += 7) check_found(index, model[i].print);
    index_close(&index);
    CHECK(index == NULL);
}

static void
many_entries_make_it_grow(void **state)
{
    struct index  *index = index_open(IDS);
    struct row_key key;

    (void)state;
    for (uint64_t i = 1; i <= 100000; i++) index_add(index, index_number_print(INDEX_order, 1, i), (struct row_key){i, 0});
    for (uint64_t i = 1; i <= 100000; i++) {
        CHECK_EQ(index_find(index, index_number_print(INDEX_order, 1, i), &key, 1), 1);
        CHECK_EQ(key.position, i);
    }
    index_close(&index);
}

static void
equal_fingerprints_are_told_oldest_first_and_counted_beyond_the_room(void **state)
{
    struct index  *index = index_open(IDS);
    struct row_key keys[3] = {{0, 0}, {0, 0}, {77, 7}};

    (void)state;
    for (uint64_t i = 1; i <= 5; i++) index_add(index, 42, (struct row_key){i, (uint32_t)i});
    index_add(index, 43, (struct row_key){9, 0});
    index_remove(index, 42, (struct row_key){2, 2});
    CHECK_EQ(index_find(index, 42, keys, 2), 4);
    CHECK(is_same(keys[0], (struct row_key){1, 1}) && is_same(keys[1], (struct row_key){3, 3}));
    CHECK(is_same(keys[2], (struct row_key){77, 7}));
    CHECK_EQ(index_find(index, 42, NULL, 0), 4);
    index_remove(index, 42, (struct row_key){1, 2}); /* another item: not this one */
    CHECK_EQ(index_find(index, 42, NULL, 0), 4);
    index_close(&index);
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

static void
the_oldest_ids_are_forgotten_first(void **state)
{
    struct index  *index = index_open(IDS);
    uint64_t       positions[4];
    const uint64_t more = 1000;

    (void)state;
    for (uint64_t i = 1; i <= IDS + more; i++) index_add_id(index, index_number_print(INDEX_command, 1, i), i);
    for (uint64_t i = 1; i <= IDS + more; i += i < 3 * more ? 1 : 9973) {
        size_t found = index_find_id(index, index_number_print(INDEX_command, 1, i), positions, 4);
        ABOUT("id %ju", (uintmax_t)i);
        CHECK_EQ(found, i > more);
        if (found > 0) CHECK_EQ(positions[0], i);
    }
    index_close(&index);
}

static void
ids_with_one_fingerprint_are_all_candidates_and_leave_one_by_one(void **state)
{
    struct index *index = index_open(IDS);
    uint64_t      positions[4];

    (void)state;
    for (uint64_t i = 1; i <= 6; i++) index_add_id(index, 7, i);
    CHECK_EQ(index_find_id(index, 7, positions, 4), 4);
    CHECK_EQ(index_find_id(index, 8, positions, 4), 0);
    for (uint64_t i = 7; i <= IDS + 4; i++) index_add_id(index, index_number_print(INDEX_command, 1, i), i);
    CHECK_EQ(index_find_id(index, 7, positions, 4), 2);
    CHECK_EQ(positions[0], 5);
    CHECK_EQ(positions[1], 6);
    index_close(&index);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_finds_what_an_array_would),
        TEST(many_entries_make_it_grow),
        TEST(equal_fingerprints_are_told_oldest_first_and_counted_beyond_the_room),
        TEST(kinds_scopes_and_texts_have_prints_of_their_own),
        TEST(the_oldest_ids_are_forgotten_first),
        TEST(ids_with_one_fingerprint_are_all_candidates_and_leave_one_by_one),
    };
    return RUN(tests);
}
