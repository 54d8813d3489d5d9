/* shares.h - what each sender has of the ports, and how much of it one may have: so that whoever is in haste, or hostile, waits for
 * himself and the others do not notice. Senders are told apart by what they were granted as (keys.h): those without a key are one
 * and all, and nobody's share. The net thread's. */
#ifndef BUS_SHARES_H
#define BUS_SHARES_H

#include "engine/base/tally.h"
#include "engine/bus/slots.h"

/* Half of what there may be of all before everybody is answered `busy`. */
enum { SHARE_REQUESTS = SLOTS / 10 * 4, SHARE_BYTES = SLOTS_BYTES_MAX / 10 * 4 };

/* Requests that were received and are not answered yet, and the bytes of their frames. */
struct shares {
    struct tally requests, bytes;
};

void shares_fini(struct shares *shares);

/* Whom an identity's share is of; 0: nobody's, it has none. */
uint64_t shares_whom(struct pd_text identity);

/* Whether he has his share of requests under way already. */
bool shares_is_greedy(struct shares *shares, uint64_t whom);

/* A request came, or was answered; the bytes of its frame, or 0. */
void shares_take(struct shares *shares, uint64_t whom, size_t bytes);
void shares_give(struct shares *shares, uint64_t whom, size_t bytes);

#endif
