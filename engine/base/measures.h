/* measures.h - what the daemon counts and times of itself since its start, told by GetMetrics. Any thread adds, any reads. Times
 * are in microseconds. */
#ifndef BASE_MEASURES_H
#define BASE_MEASURES_H

#include <pedido/messages.h>

#include "engine/base/histogram.h"

enum { MEASURES_PORTS = 4, MEASURES_CODES = PD_E_internal + 1 }; /* ports as in bus/net.h: commands, queries, workers, events */

struct measures {
    struct histogram turn_us; /* from the first command that a turn takes until its answers are durable */
    struct histogram turn_commands;
    struct histogram commit_us, rows_us, views_us, query_us;
    _Atomic uint64_t refused[MEASURES_CODES];
    _Atomic uint64_t peers_refused, peers_limited; /* handshakes of peers that may do nothing; that were too many */
    _Atomic uint64_t subscriptions_refused;
    _Atomic uint64_t unauthorised, unauthorised_said_ms; /* requests refused for who sent them; when that was said last */
    _Atomic uint64_t published; /* frames that were given to the stream */
    _Atomic uint64_t unaddressed[MEASURES_PORTS], disconnected[MEASURES_PORTS], undeliverable[MEASURES_PORTS];
};

static inline void
measures_refused(struct measures *m, enum pd_error_code code)
{
    if (m != NULL) atomic_fetch_add_explicit(&m->refused[code], 1, memory_order_relaxed);
}

#endif
