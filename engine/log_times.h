/* log_times.h - where a time lies in the log: times never decrease there. */
#ifndef ENGINE_LOG_TIMES_H
#define ENGINE_LOG_TIMES_H

#include "engine/store/store.h"

/* The first position whose event is not before `time`; one behind the last when there is none. The arena is scratch. */
enum store_error log_find_time(struct store_reader *log, pd_time_us time, struct pd_arena *arena,
                               uint64_t *ret_position) STORE_MUST_CHECK;

#endif
