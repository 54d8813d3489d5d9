/* outbox.h - what no request asked for, on its way from a working thread to the net thread: assignments, answers of waits,
 * events. Bounded in bytes: over the bound events are dropped and counted (the log has them), nothing else is. */
#ifndef BUS_OUTBOX_H
#define BUS_OUTBOX_H

#include <pedido/types.h>

enum { OUTBOX_BYTES_MAX = 64 << 20 };

/* `where` is an enum pd_port, or OUTBOX_EVENTS with the topic as address. */
enum { OUTBOX_EVENTS = 100 };

struct outbox;

struct outbox *outbox_open(void);
void           outbox_close(struct outbox **outbox);

/* Any thread. Once OUTBOX_BYTES_MAX wait, events are left out: their readers see the gap in the positions and ask the log. */
void outbox_put(struct outbox *outbox, int where, struct pd_text address, struct pd_text body);

/* Net thread: calls for each message since the last call, in order. Returns how many. */
typedef void outbox_visit(void *arg, int where, struct pd_text address, struct pd_text body);
size_t   outbox_take(struct outbox *outbox, outbox_visit *visit, void *arg);
bool     outbox_is_empty(struct outbox *outbox);

#endif
