/* model_tables.h - the model's memory, for the files it is made of: model.c (requests and answers), model_crew.c (workers' words),
 * model_claims.c (whether a refusal is right), model_events.c, model_orders.c, model_tasks.c and model_subscriptions.c (whether an
 * event is legal), model_rows.c (rows), model_sent.c (what goes out beside the answers), model_readers.c (subscribers and queries,
 * and logs that are restored), model_names.c (subscribers with a name), model_server.c (what exists). Texts are kept as prints:
 * 64 bits. */
#ifndef SIM_MODEL_TABLES_H
#define SIM_MODEL_TABLES_H

#include "tests/sim/model.h"

enum { M_ITEMS = 4, M_PERIODS = 64, M_CUSTOMERS = 32, M_PLANS = 16, M_SCOPES = 8, M_GROUPS = 4, M_WORKERS = 32, M_WAITS = 4096,
       M_COMMANDS = 1 << 16, M_FORMERS = 15, M_REMAINS = 16, M_OWED = 64, M_STOPS = 256, M_MOVES = 4096, M_READERS = 8,
       M_NAMES = 16, M_TOLDS = 4096, M_EXPIRY_DAYS = 30, M_EXPIRY_TURNS = 40 };

/* How far a task has come: an item's, or the one that removes what a subscription may have. */
struct m_slot {
    uint64_t task, attempt, lease, stale, worker, message, deadline, next_try, lease_until_ms;
    int      state, progress; /* enum pd_task_state; -1: not told */
    bool     stopping;
    uint64_t given_instance, given_deadline, given_domain; /* with the last lease */
    uint64_t turn, turn_lease;               /* when that was given, and the first lease of that turn */
};

/* An instance that an item had until it was corrected, and the last lease under which that was worked on. */
struct m_former {
    uint64_t instance, lease;
};

struct m_item {
    uint64_t        plan, plan_version, category, period, domain, quantity, setup, recurring, group, deadline_s;
    int             policy, provisioning, state;
    bool            trial, claims;
    uint64_t        subscription, instance;
    struct m_former formers[M_FORMERS];
    size_t          former_count;
    struct m_slot   slot;
};

struct m_order {
    uint64_t      reference, customer, currency, setup, recurring, total, version, updated;
    int           state, goal;
    size_t        count, late; /* turns for which it should have expired */
    struct m_item items[M_ITEMS];
};

struct m_subscription {
    uint64_t      order, item, customer, plan, version, start, expiration; /* order 0: imported */
    int           status, service;
    uint64_t      reference, imported; /* an import: what was said of it, as a print */
    uint64_t      category, domain, instance, group, deadline_s, remains[M_REMAINS];
    int           policy, provisioning;
    bool          claims, asked; /* asked: somebody wants it to end */
    size_t        remain_count;
    struct m_slot slot; /* of its removal */
};

/* An item's, or a subscription's removal. */
struct m_task {
    uint64_t order, item, subscription;
};

/* A task, with what it is of. Of a removal `order` and `item` are those that wait for it. */
struct m_work {
    struct m_order        *order;
    struct m_item         *item;
    struct m_subscription *subscription; /* NULL: a provisioning */
    struct m_slot         *slot;
    uint64_t               group;
    int                    provisioning;
};

struct m_customer {
    uint64_t id, name, version, holds[PD_REASONS_MAX];
    size_t   hold_count;
};

struct m_period {
    uint64_t period, setup, recurring, currency, version;
    bool     enabled, trial;
};

struct m_plan {
    uint64_t        id, name, category, group, deadline_s, version;
    int             policy, provisioning;
    bool            published;
    size_t          count;
    struct m_period periods[M_PERIODS];
};

/* A reseller. Numbers count from 1: order n stands at n - 1. */
struct m_scope {
    uint64_t               id, version, position;
    struct m_order        *orders;
    struct m_subscription *subscriptions;
    struct m_task         *tasks;
    size_t                 order_count, subscription_count, task_count, customer_count, plan_count;
    struct m_customer      customers[M_CUSTOMERS];
    struct m_plan          plans[M_PLANS];
};

enum m_fate { M_UNKNOWN, M_ACCEPTED, M_STALE, M_REFUSED };

/* A command by its id, in its reseller and, on the workers port, its worker. */
struct m_command {
    uint64_t    key, content, reply, life, last; /* last: the position of its last event */
    enum m_fate fate;
};

struct m_worker {
    uint64_t name, address, former, groups[M_GROUPS], credit, heard_ms;
    size_t   group_count;
    uint32_t operations; /* bit n: enum pd_operation n */
    bool     draining;
};

/* What must come of the command in hand: an instance that is to be removed; a worker that is to be told to stop. */
struct m_owed {
    uint64_t subscription, instance;
};

struct m_stop {
    uint64_t scope, task, lease, worker;
};

struct m_wait {
    uint64_t address, id, scope, order, version, due_ms;
    bool     to_end;
};

/* What is published must be this. */
struct m_event {
    uint64_t print, scope_position, scope, time;
    int      type;
};

/* The log that was served before a restore; and what the judge knew when the backup began. */
struct m_log {
    uint64_t        id, last, time;
    struct m_event *events;
    struct m_scope *scopes[M_SCOPES];
    size_t          scope_count;
};

/* What the engine keeps under a name; scope: the reseller's id, or that of ~all. */
struct m_kept {
    bool     there;
    uint64_t log, position;
};

/* A subscriber with a name. `life` counts its makings; `done`: all up to there was done by who followed, of the log `done_log`. */
struct m_name {
    uint64_t      scope, id, holder, heard_ms, life, done, done_log;
    bool          followed;
    struct m_kept kept, backup;
    struct m_kept look; /* as it was when it was last looked at; and when, in which life */
    uint64_t      look_ms, look_life;
};

/* Who was let have a name, and the positions that it was told. */
struct m_told {
    uint64_t             holder, life, log, first, last;
    const struct m_name *name;
    bool                 taken; /* by a process that follows */
};

/* A subscriber: the log that it is in, the next position it is to be given (0: where it begins anew), what it has done. */
struct m_reader {
    bool     there, exact, all;
    uint64_t scope, log, next, given, done, former_done;
    uint64_t at; /* where its last event stands in the log */
    struct m_name *name; /* NULL: it has none */
    struct m_told *told; /* when it was let have it */
    uint64_t life; /* of the name, in which it was counted last */
};

struct model {
    char              violation[400];
    uint64_t          lease_ms, life, turn, now_ms, time, last;
    model_moved      *moved;
    void             *moved_arg;
    struct m_scope   *scopes[M_SCOPES]; /* scopes[0]: what belongs to no reseller */
    size_t            scope_count;
    struct m_command *commands;
    struct m_worker   workers[M_WORKERS];
    size_t            worker_count;
    struct m_wait     waits[M_WAITS];
    size_t            wait_count;
    struct m_event   *events; /* of position p at p - 1 */
    size_t            event_capacity, seen[PD_ROW_CODES];
    bool              unread, stopping, full;

    /* One command's. */
    struct pd_arena   arena;
    struct mp_reader  reader, answer_reader;
    struct mp_writer  packed;
    struct pd_message message;
    uint64_t          scope; /* its number */
    struct m_order   *touched;
    int               touched_from;
    const struct m_item *done; /* what TaskSucceeded has just told */
    struct m_subscription *changed;
    struct m_owed     owed[M_OWED];
    size_t            owed_count;

    struct m_stop     stops[M_STOPS];
    size_t            stop_count;
    uint64_t          moves[M_MOVES]; /* workers' addresses that others have come after */
    size_t            move_count;
    struct m_servers *servers;

    uint64_t        log; /* the id of the one that is served */
    struct m_log    former, backup;
    bool            restored;
    struct m_reader readers[M_READERS];
    struct m_name   names[M_NAMES];
    size_t          name_count, told_count;
    struct m_told   tolds[M_TOLDS];
};

/* Keeps what must not be; the first one stands. Always false, so that it can be returned. */
bool wrong(struct model *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define NEED(m, condition, ...)                                                                                        \
    do {                                                                                                               \
        if (!(condition)) return wrong((m), __VA_ARGS__);                                                              \
    } while (0)

/* 64 bits of a text; 0: absent. */
uint64_t m_print(struct pd_text text);
uint64_t m_mix(uint64_t a, uint64_t b);
/* Of all that an import says beside its reference. */
uint64_t m_print_import(uint64_t customer, struct pd_text plan, struct pd_text period, uint64_t domain, uint64_t start,
                        uint64_t expiration);

void               m_free_scope(struct m_scope *s);
struct m_scope    *m_scope(struct model *m, struct pd_text reseller);
struct m_customer *m_customer(struct m_scope *s, struct pd_text id);
struct m_plan     *m_plan(struct m_scope *s, struct pd_text id);
struct m_period   *m_period(struct m_plan *p, struct pd_text period);
struct m_order    *m_order(struct m_scope *s, uint64_t number, struct pd_text reference);
struct m_subscription *m_subscription(struct m_scope *s, uint64_t number);
/* What a task is of; false: there is none. */
bool               m_work_of(struct m_scope *s, uint64_t task, struct m_work *ret_work);
/* Whether an item waits for its subscription's removal: when no worker is at it any more. */
bool               m_is_awaited(const struct m_item *i);
/* The item that a subscription came from, or NULL. */
struct m_item     *m_item_of(struct m_scope *s, const struct m_subscription *sub);
size_t             m_count_items(const struct m_order *o, int state);
bool               m_is_open(const struct m_slot *slot);
struct m_worker   *m_worker(struct model *m, struct pd_text name);
bool               m_on_hold(const struct m_customer *c);

/* What an answer says: PD_OK or a refusal's number, -1: it cannot be read; a number under a key, 0: there is none. */
int      m_code_of(struct model *m, struct pd_text answer, msgpack_object *ret_answer);
uint64_t m_number(const msgpack_object *map, const char *key);
/* Whether a status is what the log says of the order. */
bool m_check_status(struct model *m, const struct m_order *o, const msgpack_object *data);

/* Domain names as the story's people write them, in ASCII; absent: it is none. */
struct pd_text m_ascii(struct pd_text domain);
/* Whether a customer's items may have their domains: by what others hold, and among themselves. */
bool m_domains_free(const struct m_scope *s, const struct m_order *order, uint64_t customer, const struct m_item *items,
                    size_t count);
/* Whether one may, beside all but those of `order` or but `self`; NULL: beside all. */
bool m_domain_free(const struct m_scope *s, uint64_t customer, const struct m_item *item, const struct m_order *order,
                   const struct m_item *self);
/* What clients may send in a state: the sum of the names' prints. */
uint64_t m_allowed(int state);
bool     m_takes(int state, int command);

/* Nothing goes on by itself. */
static inline bool
m_is_at_rest(const struct m_order *o)
{
    return o->state != PD_order_state_provisioning && o->state != PD_order_state_cancelling;
}

/* Whether an event is legal, and then what it changes. */
bool m_take_event(struct model *m, const struct model_record *r);
bool m_take_of_order(struct model *m, struct m_scope *s, const struct model_record *r, const struct pd_block *block,
                     const char *body);
bool m_take_order_event(struct model *m, struct m_scope *s, const struct model_record *r, struct m_order *o, const void *body);
bool m_take_added(struct model *m, struct m_scope *s, const struct model_record *r, const struct pd_order_added *e);
bool m_take_task_event(struct model *m, struct m_scope *s, const struct model_record *r, struct m_work *w, const void *body);
bool m_take_created(struct model *m, struct m_scope *s, const struct model_record *r, const struct pd_task_created *e);
bool m_take_subscription_event(struct model *m, struct m_scope *s, const struct model_record *r, const void *body);
bool m_is_by_engine(const struct model_record *r);
void *m_add(void **list, size_t *count, size_t size);
#define M_ADD(list, count) m_add((void **)&(list), &(count), sizeof *(list))

/* An instance of a subscription is to be removed; TaskCreated must say so, unless that is under way. */
void m_owe(struct model *m, struct m_scope *s, uint64_t subscription, uint64_t instance);
/* Something may exist under the item's present instance. */
bool m_may_exist(const struct m_item *i);
/* A lease is over, or to be given back; its holder is told, unless it is the one who said so. */
void m_owe_stop(struct model *m, const struct model_record *r, const struct m_slot *slot);

/* One command's events bring an order, and a subscription, to where its items bear it out. */
bool m_is_settled(struct model *m, struct m_scope *s, const struct m_order *o);
bool m_is_sound(struct model *m, struct m_scope *s, const struct m_subscription *sub);
/* Whether a refusal of this code is true of the command in m->message, now. */
bool m_is_right(struct model *m, struct m_scope *s, int code);
/* The order that the command in hand names, by itself or by a task; NULL: none. */
const struct m_order *m_asked(struct model *m, struct m_scope *s);
/* The version of what a command is about, for `expect`. */
bool m_version_of(struct model *m, struct m_scope *s, uint64_t *ret_version);
/* Whether a report is about the current lease; whether it repeats the one that closed the task. */
bool m_is_current(const struct m_slot *slot, uint64_t lease, struct pd_text worker);
bool m_has_closed(const struct m_slot *slot, int state, uint64_t lease, struct pd_text worker);

/* What workers say of themselves. */
bool m_take_ready(struct model *m, const struct model_request *r, int code, const msgpack_object *data);
bool m_take_goodbye(struct model *m, const struct model_request *r);
void m_forget_worker(struct model *m, struct m_worker *w);
bool m_take_drain(struct model *m, int code, const msgpack_object *data);

/* Subscribers with a name: what is asked about them, and that events were skipped; who follows has done an event, or is told of
 * another log; and what becomes of them. */
bool m_take_name(struct model *m, const struct m_scope *s, const struct model_request *r, int code, const msgpack_object *answer);
bool m_take_skipped(struct model *m, struct m_scope *s, const struct model_record *r, const struct pd_event_skipped *e);
bool m_is_skip_wrong(struct model *m, const struct m_scope *s, int code);
void m_name_done(struct model *m, struct m_reader *r);
void m_names_begin_life(struct model *m);
void m_names_restored(struct model *m);
bool m_name_is_at_head(const struct model *m, const struct m_name *n);
/* The last position of a reseller, or of ~all. */
uint64_t m_head(const struct model *m, uint64_t scope);

/* What exists: the log tells of it too. */
void m_server_hears(struct model *m, const struct m_scope *s, const struct m_work *w, int event, uint64_t lease, bool by_hand,
                    uint64_t instance);
struct m_servers *m_servers_open(void);
void m_server_imports(struct model *m, const struct m_subscription *sub);
void m_server_orphans(struct model *m, const struct pd_orphan *orphans, size_t count);

#endif
