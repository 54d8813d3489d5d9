#include "engine/bus/shares.h"

#include <xxhash.h>

void
shares_fini(struct shares *s)
{
    tally_fini(&s->requests);
    tally_fini(&s->bytes);
}

uint64_t
shares_whom(struct pd_text identity)
{
    return identity.data == NULL ? 0 : XXH3_64bits(identity.data, identity.size) | 1;
}

bool
shares_is_greedy(struct shares *s, uint64_t whom)
{
    return whom != 0 && (*tally_of(&s->requests, whom) >= SHARE_REQUESTS || *tally_of(&s->bytes, whom) >= SHARE_BYTES);
}

void
shares_take(struct shares *s, uint64_t whom, size_t bytes)
{
    if (whom == 0) return;
    ++*tally_of(&s->requests, whom);
    *tally_of(&s->bytes, whom) += bytes;
}

void
shares_give(struct shares *s, uint64_t whom, size_t bytes)
{
    if (whom == 0) return;
    --*tally_of(&s->requests, whom);
    *tally_of(&s->bytes, whom) -= bytes;
}
