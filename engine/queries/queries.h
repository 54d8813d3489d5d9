/* queries.h - what can be looked at: answered from the views, in short transactions, on a thread of their own.
 *
 * A query that asks for nothing else is answered from all that was committed when it came, so that whoever has changed something
 * sees it; it waits for the views for QUERY_FRESH_MS at most, and is then answered from what there is. With `at_least` it waits for
 * that position, for QUERY_LIMIT_MS at most, and is then refused with `busy`; 0 waits for nothing. Who waits is the caller's
 * business: it asks again. */
#ifndef ENGINE_QUERIES_H
#define ENGINE_QUERIES_H

#include "engine/backups.h"
#include "engine/engine.h"
#include "engine/base/measures.h"
#include "engine/views/views.h"

enum { QUERY_FRESH_MS = 200, QUERY_LIMIT_MS = 1500 };

struct queries;

/* What else there is to be told, as it is now. */
struct query_gauges {
    pd_time_us time;
    uint64_t   up_s;
    uint64_t   commands_pending, queries_pending, queries_held;
};
typedef struct query_gauges query_gauges_fn(void *arg);

/* What queries are answered from; it outlives them. */
struct query_sources {
    const struct books *books;
    struct engine      *engine;
    struct views       *views; /* NULL: there are none */
    struct backups     *backups; /* NULL: none can be made */
    struct pd_text      software;
    struct measures    *measures;
    query_gauges_fn    *gauges;
    void               *arg;
};

struct queries *queries_open(const struct query_sources *sources);
void            queries_close(struct queries **queries);

/* Answers one decoded request; the answer is valid until the next call. False: the views are not so far yet, and the same is to be
 * asked again when they are, at the latest *ret_wait_ms after the first time, then with `is_late`. *wanted, 0 the first time, is
 * kept for the request between calls. */
bool queries_answer(struct queries *queries, const struct request *request, bool is_late, uint64_t *wanted, uint64_t *ret_wait_ms,
                    struct pd_text *ret_answer);

#endif
