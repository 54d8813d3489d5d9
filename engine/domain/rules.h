/* rules.h - the pure core: what a rule may look at, and what it may answer.
 *
 *   decide_<command>(view, command, out)     looks, and emits events or a refusal; changes nothing
 *   evolve_<event>__<row>(row, event, fold)  folds one event into one row; total, cannot refuse
 *
 * Time, ids and randomness are inputs. A rule has no clock, no heap of its own (what it makes lives in the turn's arena),
 * no storage, no output; the linker holds it to that (tests/lint). The same evolve functions run live, in a rebuild and in
 * a verification.
 *
 * A command is declared by its row in proto/commands.def, an event by its row in proto/events.def; a missing rule or fold
 * is a link error that names it. */
#ifndef DOMAIN_RULES_H
#define DOMAIN_RULES_H

#include "proto/arena.h"
#include "proto/refusal.h"
#include "proto/schema.h"

/* Which of the numbers that count per reseller from 1. */
enum number_kind { NUMBER_order, NUMBER_subscription, NUMBER_task, NUMBER_KINDS };

/* Who holds a domain: an item of an order, or an imported subscription. */
struct claim {
    struct pd_text        customer, category, domain;
    enum pd_domain_policy policy;
    uint64_t              order; /* 0: none */
    uint64_t              item;
};
typedef void claim_visit(void *arg, const struct claim *claim);

/* What a rule may look at: the command's envelope, and rows of its reseller. The only struct of function pointers in the
 * engine. Rows are valid until the rule returns; NULL when there is none. A look-up that fails for another reason answers
 * NULL and marks the turn; the engine then throws the decision away, so that rules never see storage errors. */
struct view {
    void             *ctx;
    pd_time_us        now;
    struct pd_text    command_id, actor, on_behalf_of;
    bool              has_expect;
    uint64_t          expect;
    const struct pd_reseller *reseller; /* the command's own; NULL for the engine's commands outside any */

    const struct pd_reseller *(*find_reseller)(void *ctx, struct pd_text id);
    const struct pd_key *(*key)(void *ctx, struct pd_text key); /* revoked ones, too */
    const struct pd_customer *(*customer)(void *ctx, struct pd_text id);
    const struct pd_plan *(*plan)(void *ctx, struct pd_text id);
    const struct pd_order *(*order)(void *ctx, uint64_t number);
    const struct pd_order *(*order_by_reference)(void *ctx, struct pd_text reference);
    const struct pd_order *(*order_by_task)(void *ctx, uint64_t task);
    const struct pd_subscription *(*subscription)(void *ctx, uint64_t number);
    const struct pd_subscription *(*subscription_by_task)(void *ctx, uint64_t task);
    const struct pd_subscription *(*subscription_by_reference)(void *ctx, struct pd_text reference); /* of imports */
    void (*each_claim)(void *ctx, struct pd_text ascii_domain, claim_visit *visit, void *arg);
    uint64_t (*next_number)(void *ctx, enum number_kind kind);
    /* 32 hexadecimal digits that no other item of any order has had. */
    struct pd_text (*new_instance)(void *ctx, uint64_t item);
    /* anchor + n periods, in the calendar of the zone. */
    pd_time_us (*expiry)(void *ctx, struct pd_text zone, pd_time_us anchor, uint64_t n, struct pd_text period);
    /* Why tasks of this group wait, for a person; absent when workers are there. */
    struct pd_text (*group_trouble)(void *ctx, struct pd_text group, enum pd_operation operation);
};

/* An event that was decided; `version` is its aggregate's, set when it is appended. `found` is the engine's. */
struct preload;
struct event {
    int                code; /* enum pd_event_code */
    void              *body; /* struct pd_<event> */
    uint64_t           version;
    const struct preload *found;
};

/* A decision: events, or a refusal, or an answer alone (reads, and reports that repeat what is known). A report under a
 * stale lease is the one case of both: it is recorded and refused. */
struct decision {
    struct pd_arena  *arena;
    struct pd_refusal refusal; /* code PD_OK: accepted */
    struct event      events[PD_EVENTS_MAX];
    size_t            count;
    void             *answer; /* reads: struct pd_<reply block> */
};

/* The next event's body, zeroed. Cannot fail: a command's events are bounded. */
void *emit(struct decision *out, enum pd_event_code code);
#define EMIT(out, name) ((struct pd_##name *)emit((out), PD_EVENT_##name))

static inline void
refuse(struct decision *out, struct pd_refusal refusal)
{
    out->refusal = refusal;
}

/* The circumstances of the event that is folded. `order` is the order row that the event touches, already folded; NULL for
 * events of other aggregates that touch none. */
struct fold {
    struct pd_arena       *arena;
    pd_time_us             time;
    uint64_t               scope; /* the reseller's number in the log */
    struct pd_text         actor, on_behalf_of;
    const struct pd_order *order;
};

#define PD_COMMAND(code, name, ...)                                                                                    \
    void decide_##name(const struct view *view, const struct pd_##name *c, struct decision *out);
#define PD_TOUCHES(event, row)                                                                                         \
    void evolve_##event##__##row(struct pd_##row *row, const struct pd_##event *e, const struct fold *f);
#define PD_TOUCHES_EACH(event, list, block, row)                                                                       \
    void evolve_##event##__##row(struct pd_##row *row, const struct pd_##event *e, const struct pd_##block *element,   \
                                 const struct fold *f);
#include "proto/schema.def"

/* The tables of the above: any command's rule, any event's fold into one of its rows (`element`: of the list that names
 * the row; else NULL). */
void decide(const struct view *view, const struct pd_block *command, const void *body, struct decision *out);
void evolve(int event_code, const void *event, const void *element, int row_code, void *row, const struct fold *f);

/* The answer to an accepted command, from its events alone, so that it can be given again after a crash. `body` is the
 * command, whose content is the same each time. */
void *make_answer(struct pd_arena *arena, const struct pd_block *command, const void *body, const struct event *events,
                  size_t count);

#endif
