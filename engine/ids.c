#include "engine/ids.h"

#include <xxhash.h>

bool
is_worker(struct pd_text actor)
{
    return actor.size > 7 && memcmp(actor.data, "worker/", 7) == 0;
}

uint64_t
id_print(struct pd_text reseller, struct pd_text actor, struct pd_text id)
{
    uint64_t seed = XXH3_64bits(reseller.data, reseller.size);
    if (is_worker(actor)) seed = XXH3_64bits_withSeed(actor.data, actor.size, seed);
    return XXH3_64bits_withSeed(id.data, id.size, seed);
}

bool
ids_note(struct index *index, struct scopes *scopes, const struct record *r)
{
    const struct scope *scope = scopes_at(scopes, r->header.command_scope);

    if (r->header.index != 0 || scope == NULL || pd_text_equal(r->actor, PD_TEXT("engine"))) return false;
    index_add_id(index, id_print(scope->reseller.reseller, r->actor, r->command_id), r->header.position);
    return true;
}
