#include "engine/data.h"

#include <inttypes.h>
#include <unistd.h>

#include "engine/base/file_system.h"
#include "engine/base/lock.h"
#include "engine/base/log.h"

int
data_lock(const struct options *options, bool make)
{
    const char *name;
    int         fd = lock_directory(options->data, make);

    if (fd < 0 || file_system_of(options->data, &name) != FILE_SYSTEM_REMOTE || options->any_file_system) return fd;
    log_error("file_system_refused", "path=\"%s\" file_system=%s hint=\"locks and flushes may mean less there than they say; "
              "--any-file-system takes it all the same\"", options->data, name);
    close(fd);
    return -1;
}

bool
data_say_error(const struct options *options, enum store_error error, uint64_t known)
{
    switch (error) {
    case STORE_OK: return true;
    case STORE_SHORTER:
        log_error("log_shorter_than_known",
                  "path=\"%s\" known=%" PRIu64 " hint=\"events are missing: restore the directory, or start with "
                  "--accept-shorter-log, which gives the log a new id\"",
                  options->data, known);
        break;
    case STORE_EXISTS_NOT:
        log_error("no_books", "path=\"%s\" hint=\"there is no data directory of pedidod here\"", options->data);
        break;
    case STORE_FULL: log_error("storage_full", "path=\"%s\" hint=\"free some disk space\"", options->data); break;
    case STORE_DAMAGED:
        log_error("books_damaged",
                  "path=\"%s\" hint=\"pedidod verify names it; DIR/rows may be moved away: the next start folds it again\"",
                  options->data);
        break;
    default: log_error("start_failed", "path=\"%s\"", options->data); break;
    }
    return false;
}
