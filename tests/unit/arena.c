#include "proto/arena.h"

#include "tests/support/check.h"

static void
what_is_allocated_is_aligned_and_stays(void **state)
{
    struct pd_arena arena;
    unsigned char  *parts[500];

    (void)state;
    pd_arena_init(&arena);
    for (size_t i = 0; i < 500; i++) {
        parts[i] = pd_arena_alloc(&arena, i);
        CHECK((uintptr_t)parts[i] % 8 == 0);
        memset(parts[i], (int)(i & 0xff), i);
    }
    for (size_t i = 0; i < 500; i++)
        for (size_t n = 0; n < i; n++) CHECK_EQ(parts[i][n], i & 0xff);
    pd_arena_fini(&arena);
}

static void
zeroed_memory_is_zero_after_use_too(void **state)
{
    struct pd_arena arena;

    (void)state;
    pd_arena_init(&arena);
    memset(pd_arena_alloc(&arena, 3000), 0xa5, 3000);
    pd_arena_reset(&arena);
    const unsigned char *zero = pd_arena_zero(&arena, 3000);
    for (size_t i = 0; i < 3000; i++) CHECK_EQ(zero[i], 0);
    pd_arena_fini(&arena);
}

static void
a_piece_larger_than_any_chunk_fits(void **state)
{
    struct pd_arena arena;

    (void)state;
    pd_arena_init(&arena);
    char *small = pd_arena_alloc(&arena, 8);
    char *large = pd_arena_alloc(&arena, 9 << 20);
    char *after = pd_arena_alloc(&arena, 8);
    memset(large, 1, 9 << 20);
    memset(small, 2, 8);
    memset(after, 3, 8);
    CHECK_EQ(large[0], 1);
    CHECK_EQ(large[(9 << 20) - 1], 1);
    CHECK_EQ(arena.total, 8 + (9 << 20) + 8);
    pd_arena_fini(&arena);
}

static void
a_reset_gives_the_same_memory_again(void **state)
{
    struct pd_arena arena;

    (void)state;
    pd_arena_init(&arena);
    void *first = pd_arena_alloc(&arena, 100);
    for (int i = 0; i < 10000; i++) pd_arena_alloc(&arena, 1000);
    pd_arena_reset(&arena);
    CHECK_EQ(arena.total, 0);
    CHECK(pd_arena_alloc(&arena, 100) == first);
    pd_arena_fini(&arena);
}

static void
an_arena_over_given_memory_uses_it_first_and_then_the_heap(void **state)
{
    static _Alignas(16) char memory[4096];
    struct pd_arena          arena;

    (void)state;
    pd_arena_init_over(&arena, memory, sizeof memory);
    for (int round = 0; round < 3; round++) {
        char *inside = pd_arena_alloc(&arena, 1000);
        CHECK(inside >= memory && inside + 1000 <= memory + sizeof memory);
        char *outside = pd_arena_alloc(&arena, 10000);
        CHECK(outside + 10000 <= memory || outside >= memory + sizeof memory);
        memset(outside, round, 10000);
        pd_arena_reset(&arena);
    }
    pd_arena_fini(&arena);
}

static void
a_copied_text_ends_in_nul_and_an_absent_one_stays_absent(void **state)
{
    struct pd_arena arena;
    char            written[] = "pedido";

    (void)state;
    pd_arena_init(&arena);
    struct pd_text copy = pd_arena_text(&arena, pd_text(written));
    struct pd_text empty = pd_arena_text(&arena, PD_TEXT(""));
    struct pd_text absent = pd_arena_text(&arena, (struct pd_text){NULL, 0});
    written[0] = 'x';
    CHECK_TEXT(copy, "pedido");
    CHECK_EQ(copy.data[copy.size], '\0');
    CHECK(empty.data != NULL && empty.size == 0);
    CHECK(absent.data == NULL);
    pd_arena_fini(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_allocated_is_aligned_and_stays),
        TEST(zeroed_memory_is_zero_after_use_too),
        TEST(a_piece_larger_than_any_chunk_fits),
        TEST(a_reset_gives_the_same_memory_again),
        TEST(an_arena_over_given_memory_uses_it_first_and_then_the_heap),
        TEST(a_copied_text_ends_in_nul_and_an_absent_one_stays_absent),
    };
    return RUN(tests);
}
