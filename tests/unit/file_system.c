/* file_system.c - which file systems are taken for what. */
#include "engine/base/file_system.h"

#include <linux/magic.h>

#include "tests/support/check.h"

static void
a_networks_file_system_is_known(void **state)
{
    static const unsigned long remote[] = {NFS_SUPER_MAGIC, CIFS_SUPER_MAGIC, SMB_SUPER_MAGIC, V9FS_MAGIC, FUSE_SUPER_MAGIC,
                                           CEPH_SUPER_MAGIC, AFS_SUPER_MAGIC, CODA_SUPER_MAGIC};
    const char                *name;

    (void)state;
    for (size_t i = 0; i < sizeof remote / sizeof remote[0]; i++)
        CHECK_EQ(file_system_by_number(remote[i], &name), FILE_SYSTEM_REMOTE);
    CHECK_TEXT(pd_text(name), "coda");
}

static void
a_disk_of_this_machine_is_taken(void **state)
{
    static const unsigned long local[] = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC};
    const char                *name;

    (void)state;
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++)
        CHECK_EQ(file_system_by_number(local[i], &name), FILE_SYSTEM_LOCAL);
    CHECK_EQ(file_system_by_number(TMPFS_MAGIC, &name), FILE_SYSTEM_MEMORY);
    CHECK_EQ(file_system_by_number(1, &name), FILE_SYSTEM_OTHER);
    CHECK_EQ(file_system_of("/no such place", &name), FILE_SYSTEM_OTHER);
    CHECK_TEXT(pd_text(name), "No such file or directory");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_networks_file_system_is_known),
        TEST(a_disk_of_this_machine_is_taken),
    };
    return RUN(tests);
}
