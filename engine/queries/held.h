/* held.h - queries that came before the views were so far: kept with their addresses, asked again when the views have moved, and
 * at the latest when their time is over. The query thread's. */
#ifndef ENGINE_HELD_H
#define ENGINE_HELD_H

#include "engine/queries/queries.h"

enum { HELD_MAX = 4096 }; /* one more is answered from what there is */

struct held;

struct held *held_open(struct queries *queries);
void         held_close(struct held **held);

/* Answers a query, or keeps it: false. The answer is valid until the next call. */
bool held_take(struct held *held, uint64_t now_ms, const struct request *request, struct pd_text *ret_answer);

/* Asks those again that were kept, and gives what is answered to its address. Returns how many it gave. */
typedef void held_give(void *arg, struct pd_text address, struct pd_text answer);
size_t       held_ask_again(struct held *held, uint64_t now_ms, held_give *give, void *arg);

/* How many are kept. */
size_t held_count(const struct held *held);

#endif
