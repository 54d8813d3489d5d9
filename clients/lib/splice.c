#include "clients/lib/splice.h"

void
pd_splice_begin(struct pd_splice *s, struct pd_text log, uint64_t next)
{
    *s = (struct pd_splice){.next = next};
    if (log.data != NULL && log.size <= PD_SPLICE_LOG_MAX) memcpy(s->log, log.data, log.size);
}

/* Positions of one log mean nothing in another. */
static bool
is_ours(struct pd_splice *s, struct pd_text log)
{
    if (log.data == NULL) return true;
    if (s->log[0] == '\0' && log.size <= PD_SPLICE_LOG_MAX) memcpy(s->log, log.data, log.size);
    return pd_text_equal(log, pd_text(s->log));
}

enum pd_splice_verdict
pd_splice_event(struct pd_splice *s, struct pd_text log, uint64_t position)
{
    if (s->reset || !is_ours(s, log)) {
        s->reset = true;
        return PD_SPLICE_RESET;
    }
    if (s->next == 0) s->next = position;
    if (position > s->head) s->head = position;
    if (position != s->next) return PD_SPLICE_DROP;
    s->next++;
    return PD_SPLICE_GIVE;
}

enum pd_splice_verdict
pd_splice_heartbeat(struct pd_splice *s, struct pd_text log, uint64_t head)
{
    if (s->reset || !is_ours(s, log)) {
        s->reset = true;
        return PD_SPLICE_RESET;
    }
    if (s->next == 0) s->next = head + 1;
    if (head > s->head) s->head = head;
    return PD_SPLICE_DROP;
}

void
pd_splice_page_end(struct pd_splice *s, uint64_t shown)
{
    if (shown > s->head) s->head = shown;
}
