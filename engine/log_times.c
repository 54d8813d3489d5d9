#include "engine/log_times.h"

#include "engine/store/record.h"

enum store_error
log_find_time(struct store_reader *log, pd_time_us time, struct pd_arena *arena, uint64_t *ret_position)
{
    uint64_t low = 1, high = store_reader_last(log) + 1;

    while (low < high) {
        uint64_t         middle = low + (high - low) / 2;
        struct pd_text   bytes;
        struct record    r;
        enum store_error error = store_read_record(log, middle, arena, &bytes);
        if (error != STORE_OK) return error == STORE_NONE ? STORE_DAMAGED : error;
        if (!record_read(bytes, &r)) return STORE_DAMAGED;
        if (r.header.time < time) low = middle + 1;
        else high = middle;
    }
    *ret_position = low;
    return STORE_OK;
}
