/* lifecycle.h - the life of orders, one after another: added, confirmed, opened, its task's success reported. Who carries the first
 * three to the engine, and how many in a message, is the carrier's affair: sockets (wire.c) or libpedido (library.c). */
#ifndef BENCH_LIFECYCLE_H
#define BENCH_LIFECYCLE_H

#include "tests/bench/load.h"

enum { SAGAS_MAX = 16384, ARRAY_MAX = 256 };

/* What one connection would do: an order at a time. */
struct saga {
    struct lifecycle *of;
    uint64_t          number;      /* of the order it is at; names reference and domain */
    uint64_t          task, lease; /* to be reported on */
    uint64_t          due_us, report_due_us; /* when its message was due; without a pace, when it was sent */
    uint32_t          reseller;
    char              step;  /* 'a'dd, 'c'onfirm or 'o'pen: what it sent last, but for its report, 'r' */
    char              ready; /* the step that waits until it is due */
    char              left;  /* once opened: answers that are still to come, of opening and report, in any order */
};

/* Messages to one socket that go together, as an array; one goes alone. */
struct bundle {
    struct load_peers peers;
    struct mp_writer  parts, whole;
    size_t            count, most;
};

struct lifecycle {
    const char       *run; /* is in every name: a log may see many runs */
    size_t            outstanding;
    uint64_t          resellers, random;
    double            pace; /* messages a second that are due; 0: as fast as answers come */
    void             *context;
    struct bundle     commands, reports;
    struct pd_client *client; /* NULL: by sockets */
    void (*send)(struct lifecycle *l, size_t saga); /* its step */
    struct saga       sagas[SAGAS_MAX];
    size_t            idle[SAGAS_MAX], idle_count;
    size_t            ready[SAGAS_MAX], ready_first, ready_count;
    uint64_t          due_count; /* messages that were sent when they were due */
    double            first_due_us;
    uint64_t          orders, answers, refusals, completed, messages, commands_sent, sent_bytes, received_bytes;
    struct load_times times;
    bool              ending;   /* no more orders are begun */
    uint64_t          ready_us; /* when the worker is to be heard of again */
    uint64_t          now_us;   /* read once for the messages that are taken together */
};

/* A saga's command or report was answered. */
void lifecycle_answered(struct lifecycle *l, size_t saga, char step, bool ok);

/* Its task was handed to the worker. */
void lifecycle_assigned(struct lifecycle *l, size_t saga);

/* Of the order that a saga is at, ended by NUL. */
void lifecycle_reference(const struct lifecycle *l, size_t saga, char reference[64]);
void lifecycle_domain(const struct lifecycle *l, size_t saga, char domain[64]);
void lifecycle_reseller(const struct lifecycle *l, size_t saga, char reseller[32]);

/* ---- carriers ---- */

void wire_open(struct lifecycle *l, const char *commands, const char *workers);
void wire_close(struct lifecycle *l);
void wire_send(struct lifecycle *l, size_t saga);
void wire_take(struct lifecycle *l);

/* The worker's side, whoever carries the rest. */
void wire_ready(struct lifecycle *l);
void wire_report(struct lifecycle *l, size_t saga);
void wire_take_worker(struct lifecycle *l);

/* What waits for others to fill its array with goes now. */
void wire_flush(struct lifecycle *l);

void library_open(struct lifecycle *l, const char *commands);
void library_close(struct lifecycle *l);
void library_send(struct lifecycle *l, size_t saga);
int  library_fd(const struct lifecycle *l);
void library_take(struct lifecycle *l);

/* The whole of it; prints one JSON line, and returns the exit status. */
int lifecycle(const char *commands, const char *workers, char *const *settings);

#endif
