/* queries.h - what can be looked at. Until there are views, lists read the books themselves, in short transactions: a page is
 * a bounded slice of a table. Runs on its own thread; sees the last commit. */
#ifndef ENGINE_QUERIES_H
#define ENGINE_QUERIES_H

#include "engine/engine.h"

struct queries;

/* What else Health tells: counted elsewhere. */
struct query_counts {
    uint64_t unaddressed, disconnected, undeliverable;
};
typedef struct query_counts query_counts_fn(void *arg);

struct queries *queries_open(const struct books *books, struct engine *engine, struct pd_text software, query_counts_fn *counts,
                             void *arg);
void            queries_close(struct queries **queries);

/* Answers one decoded request; the answer is valid until the next call. */
struct pd_text queries_answer(struct queries *queries, const struct request *request);

#endif
