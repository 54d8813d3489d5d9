#include "engine/base/file_system.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

/* Numbers from statfs(2) and linux/magic.h. */
static const struct {
    unsigned long         number;
    enum file_system_kind kind;
    const char           *name;
} known[] = {
    {0xEF53, FILE_SYSTEM_LOCAL, "ext4"},
    {0x58465342, FILE_SYSTEM_LOCAL, "xfs"},
    {0x9123683E, FILE_SYSTEM_LOCAL, "btrfs"},
    {0x2FC12FC1, FILE_SYSTEM_LOCAL, "zfs"},
    {0xF2F52010, FILE_SYSTEM_LOCAL, "f2fs"},
    {0x794C7630, FILE_SYSTEM_LOCAL, "overlay"},
    {0xCA451A4E, FILE_SYSTEM_LOCAL, "bcachefs"},
    {0x01021994, FILE_SYSTEM_MEMORY, "tmpfs"},
    {0x858458F6, FILE_SYSTEM_MEMORY, "ramfs"},
    {0x6969, FILE_SYSTEM_REMOTE, "nfs"},
    {0xFF534D42, FILE_SYSTEM_REMOTE, "cifs"},
    {0xFE534D42, FILE_SYSTEM_REMOTE, "smb"},
    {0x517B, FILE_SYSTEM_REMOTE, "smb"},
    {0x01021997, FILE_SYSTEM_REMOTE, "9p"},
    {0x65735546, FILE_SYSTEM_REMOTE, "fuse"},
    {0x00C36400, FILE_SYSTEM_REMOTE, "ceph"},
    {0x5346414F, FILE_SYSTEM_REMOTE, "afs"},
    {0x0BD00BD0, FILE_SYSTEM_REMOTE, "lustre"},
    {0x73757245, FILE_SYSTEM_REMOTE, "coda"},
    {0x786F4256, FILE_SYSTEM_REMOTE, "vboxsf"},
};

enum file_system_kind
file_system_by_number(unsigned long number, const char **ret_name)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].number != number) continue;
        *ret_name = known[i].name;
        return known[i].kind;
    }
    *ret_name = "a kind that is not known here";
    return FILE_SYSTEM_OTHER;
}

enum file_system_kind
file_system_of(const char *dir, const char **ret_name)
{
    struct statfs st;

    if (statfs(dir, &st) == 0) return file_system_by_number((unsigned long)st.f_type & 0xFFFFFFFF, ret_name);
    *ret_name = strerror(errno);
    return FILE_SYSTEM_OTHER;
}

bool
file_system_sync(const char *dir)
{
    int  fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0) close(fd);
    return ok;
}
