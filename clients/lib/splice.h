/* splice.h - from a stream that may lose events, and a log that has them all, each once and in order: a step without sockets, clock
 * or files. What comes is shown to it; it says what to do.
 *
 *     the stream   events and heartbeats, perhaps twice or too late, perhaps not at all; each with the log's id
 *     pages        of the log, from pd_splice_next() on, when pd_splice_wants_page()
 *
 * A position that jumps, or a heartbeat ahead of what was given, is a gap: a page is wanted. While one is read the stream waits in
 * its socket, or is dropped there: it is a hint. */
#ifndef CLIENTS_LIB_SPLICE_H
#define CLIENTS_LIB_SPLICE_H

#include <pedido/types.h>

enum { PD_SPLICE_LOG_MAX = 40 };

struct pd_splice {
    char     log[PD_SPLICE_LOG_MAX + 1]; /* whose positions these are; "": the first one that is heard */
    uint64_t next; /* the position to be given next; 0: that behind the first head that is heard */
    uint64_t head; /* the highest position that is known to be there */
    bool     reset; /* another log was heard; nothing is given until pd_splice_begin */
};

enum pd_splice_verdict {
    PD_SPLICE_GIVE,  /* the event is the next one */
    PD_SPLICE_DROP,  /* it was given, or is to come from a page */
    PD_SPLICE_RESET, /* it is another log's: nothing more until it is begun anew */
};

void pd_splice_begin(struct pd_splice *splice, struct pd_text log, uint64_t next);

/* An event of the stream or of a page; a heartbeat. The log's id is absent for what a page has: it was asked of this log. */
enum pd_splice_verdict pd_splice_event(struct pd_splice *splice, struct pd_text log, uint64_t position);
enum pd_splice_verdict pd_splice_heartbeat(struct pd_splice *splice, struct pd_text log, uint64_t head);

/* A page has come to its end, and its answer shows the log up to `shown`. */
void pd_splice_page_end(struct pd_splice *splice, uint64_t shown);

/* There are events that did not come: they are to be read from `next` on. */
static inline bool
pd_splice_wants_page(const struct pd_splice *splice)
{
    return !splice->reset && splice->next > 0 && splice->next <= splice->head;
}

#endif
