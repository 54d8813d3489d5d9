#include "engine/audit.h"

#include <inttypes.h>

#include "engine/base/log.h"

enum { EVERY_MS = 1000 };

void
audit_refused(struct measures *m, uint64_t now_ms, struct pd_text identity, const struct pd_message *message,
              const struct pd_refusal *refusal)
{
    if (m == NULL) return;
    uint64_t times = atomic_fetch_add(&m->unauthorised, 1) + 1, said_ms = atomic_load(&m->unauthorised_said_ms);
    if (times > 1 && now_ms < said_ms + EVERY_MS) return;
    if (!atomic_compare_exchange_strong(&m->unauthorised_said_ms, &said_ms, now_ms)) return;
    log_warn("not_authorised", "who=\"%.*s\" message=%s reseller=%.*s code=%s times=%" PRIu64, (int)identity.size,
             identity.data == NULL ? "" : identity.data, message->block == NULL ? "unknown" : message->block->Name,
             (int)message->envelope.reseller.size, message->envelope.reseller.data == NULL ? "" : message->envelope.reseller.data,
             pd_schema_error(refusal->code)->code, times);
}
