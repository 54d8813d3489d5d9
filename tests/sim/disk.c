#include "tests/sim/disk.h"

struct disk disk;

enum store_error __real_store_begin(struct store *store);
enum store_error __real_store_commit(struct store *store, const uint8_t *chain);
enum store_error __real_store_prepare(struct store *store, size_t bytes, size_t pages);
enum store_error __real_store_read_record(struct store_reader *r, uint64_t position, struct pd_arena *arena,
                                          struct pd_text *ret_bytes);
enum store_error __wrap_store_begin(struct store *store);
enum store_error __wrap_store_commit(struct store *store, const uint8_t *chain);
enum store_error __wrap_store_prepare(struct store *store, size_t bytes, size_t pages);
enum store_error __wrap_store_read_record(struct store_reader *r, uint64_t position, struct pd_arena *arena,
                                          struct pd_text *ret_bytes);

static bool
fails(enum disk_fault fault)
{
    bool counted = fault == DISK_ANY || fault == DISK_READ || fault == DISK_VIEWS_LOST || fault == DISK_VIEWS_KEPT;
    if (disk.armed != fault || (counted && disk.calls-- > 0)) return false;
    disk.armed = DISK_FINE;
    disk.fired = true;
    return true;
}

enum store_error
__wrap_store_begin(struct store *store)
{
    if ((store != disk.rows && fails(DISK_BEGIN)) || fails(DISK_ANY)) return STORE_FAILED;
    return __real_store_begin(store);
}

enum store_error
__wrap_store_commit(struct store *store, const uint8_t *chain)
{
    bool rows = store == disk.rows, views = store != disk.rows && store != disk.log;

    if (fails(views ? DISK_VIEWS_LOST : rows ? DISK_ROWS_LOST : DISK_COMMIT_LOST) || fails(DISK_ANY)) {
        store_abort(store);
        return STORE_FAILED;
    }
    bool             kept = fails(views ? DISK_VIEWS_KEPT : rows ? DISK_ROWS_KEPT : DISK_COMMIT_KEPT);
    enum store_error error = __real_store_commit(store, chain);
    return kept ? STORE_FAILED : error;
}

enum store_error
__wrap_store_prepare(struct store *store, size_t bytes, size_t pages)
{
    if (fails(DISK_ROOM) || fails(DISK_ANY)) return STORE_FAILED;
    if (store == disk.rows ? disk.rows_full : disk.log_full) {
        disk.refused = true;
        return STORE_FULL;
    }
    return __real_store_prepare(store, bytes, pages);
}

enum store_error
__wrap_store_read_record(struct store_reader *r, uint64_t position, struct pd_arena *arena, struct pd_text *ret_bytes)
{
    if (fails(DISK_READ)) return STORE_FAILED;
    return __real_store_read_record(r, position, arena, ret_bytes);
}
