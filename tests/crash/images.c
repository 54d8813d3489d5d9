/* images.c - what may be on a disk, and what may not. */
#include <string.h>

#include "tests/crash/disk.h"
#include "tests/support/check.h"

enum { FILE_NODE = 1, IMAGES = 200, BLOCK = 16384 };

static struct disk disk;
static char        old[BLOCK], new[BLOCK];

static void
call(enum trace_kind kind, const char *path, uint64_t offset, const char *bytes, size_t size, bool durable)
{
    struct trace_op op = {.kind = kind, .durable = durable, .offset = offset, .size = size, .bytes = bytes,
                          .bytes_size = bytes == NULL ? 0 : size};
    snprintf(op.path, sizeof op.path, "%s", path);
    disk_begin(&disk, &op);
    disk_end(&disk, &op);
}

/* A file of old bytes, on stable storage with its name. */
static int
begin_story(void **state)
{
    check_start(state);
    memset(old, 'o', sizeof old);
    memset(new, 'n', sizeof new);
    disk_init(&disk);
    call(TRACE_CREATE, "file", 0, NULL, 0, false);
    call(TRACE_WRITE, "file", 0, old, sizeof old, false);
    call(TRACE_SYNC, "file", 0, NULL, 0, false);
    call(TRACE_SYNC, "", 0, NULL, 0, false);
    return 0;
}

static int
end_story(void **state)
{
    (void)state;
    disk_fini(&disk);
    return 0;
}

static const char *
bytes(void)
{
    return disk.nodes[FILE_NODE].bytes;
}

/* For each image, what a visitor counts of it. */
static unsigned
count_images(bool visit(void))
{
    unsigned found = 0;
    for (unsigned n = 0; n < IMAGES; n++) {
        disk_lay(&disk, n, (struct dice){n});
        found += visit();
        disk_lift(&disk);
    }
    return found;
}

static bool
is_all_old(void)
{
    return disk.links[0].shown && disk.nodes[FILE_NODE].size == BLOCK && memcmp(bytes(), old, BLOCK) == 0;
}

static bool
is_all_new(void)
{
    return memcmp(bytes(), new, BLOCK) == 0;
}

/* Old and new, and never both in a sector. */
static bool
is_torn(void)
{
    for (size_t at = 0; at < BLOCK; at += SECTOR_BYTES)
        CHECK(memcmp(bytes() + at, old, SECTOR_BYTES) == 0 || memcmp(bytes() + at, new, SECTOR_BYTES) == 0);
    return memchr(bytes(), 'n', BLOCK) != NULL && memchr(bytes(), 'o', BLOCK) != NULL;
}

static bool
has_tail(void)
{
    return disk.nodes[FILE_NODE].size == BLOCK + 4096 && disk.nodes[FILE_NODE].bytes[BLOCK] == 'n';
}

static bool
has_empty_tail(void)
{
    return disk.nodes[FILE_NODE].size == BLOCK + 4096 && disk.nodes[FILE_NODE].bytes[BLOCK] == 0;
}

static bool
has_second_name(void)
{
    return disk.links[1].shown;
}

static void
what_was_synced_is_in_every_image(void **state)
{
    (void)state;
    CHECK_EQ(count_images(is_all_old), IMAGES);
}

static void
what_was_not_is_there_or_not_or_in_part(void **state)
{
    (void)state;
    call(TRACE_WRITE, "file", 0, new, sizeof new, false);
    CHECK(count_images(is_all_old) > 0);
    CHECK(count_images(is_all_new) > 0);
    CHECK(count_images(is_torn) > IMAGES / 2);
    call(TRACE_SYNC, "file", 0, NULL, 0, false);
    CHECK_EQ(count_images(is_all_new), IMAGES);
}

static void
a_durable_write_is_there_and_takes_no_other_with_it(void **state)
{
    (void)state;
    call(TRACE_WRITE, "file", BLOCK, new, 4096, false);
    call(TRACE_WRITE, "file", 0, new, sizeof new, true);
    CHECK_EQ(count_images(is_all_new), IMAGES);
    unsigned with = count_images(has_tail);
    CHECK(with > 0 && with < IMAGES);
}

static void
a_size_may_be_there_without_its_bytes(void **state)
{
    (void)state;
    call(TRACE_WRITE, "file", BLOCK, new, 4096, false);
    CHECK(count_images(has_empty_tail) > 0);
    CHECK(count_images(is_all_old) > 0);
}

static void
a_name_is_there_for_certain_when_its_directory_was_synced(void **state)
{
    (void)state;
    call(TRACE_CREATE, "second", 0, NULL, 0, false);
    call(TRACE_SYNC, "second", 0, NULL, 0, false);
    unsigned with = count_images(has_second_name);
    CHECK(with > 0 && with < IMAGES);
    call(TRACE_SYNC, "", 0, NULL, 0, false);
    CHECK_EQ(count_images(has_second_name), IMAGES);
}

static void
an_image_that_is_taken_away_leaves_the_disk_as_it_was(void **state)
{
    (void)state;
    call(TRACE_WRITE, "file", 100, new, 5000, false);
    disk_lay(&disk, 1, (struct dice){0});
    XXH128_hash_t none = disk_print(&disk);
    disk_lift(&disk);
    for (unsigned n = 2; n < IMAGES; n++) {
        disk_lay(&disk, n, (struct dice){n});
        disk_lift(&disk);
    }
    disk_lay(&disk, 1, (struct dice){0});
    CHECK(XXH128_isEqual(disk_print(&disk), none));
    disk_lift(&disk);
    disk_lay(&disk, 0, (struct dice){0});
    CHECK(!XXH128_isEqual(disk_print(&disk), none));
    disk_lift(&disk);
}

int
main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin_story, end_story)
    const struct CMUnitTest tests[] = {
        STORY(what_was_synced_is_in_every_image),
        STORY(what_was_not_is_there_or_not_or_in_part),
        STORY(a_durable_write_is_there_and_takes_no_other_with_it),
        STORY(a_size_may_be_there_without_its_bytes),
        STORY(a_name_is_there_for_certain_when_its_directory_was_synced),
        STORY(an_image_that_is_taken_away_leaves_the_disk_as_it_was),
    };
    return RUN(tests);
}
