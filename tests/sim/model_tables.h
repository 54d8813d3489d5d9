/* model_tables.h - the model's memory, for the files it is made of: model.c (requests and answers), model_claims.c (whether a
 * refusal is right), model_events.c (whether an event is legal), model_rows.c (rows), model_sent.c (what goes out beside the
 * answers). Texts are kept as prints: 64 bits. */
#ifndef SIM_MODEL_TABLES_H
#define SIM_MODEL_TABLES_H

#include "tests/sim/model.h"

enum { M_ITEMS = 4, M_PERIODS = 64, M_CUSTOMERS = 32, M_PLANS = 16, M_SCOPES = 8, M_GROUPS = 4, M_WORKERS = 32, M_WAITS = 4096,
       M_COMMANDS = 1 << 16 };

struct m_item {
    uint64_t plan, plan_version, category, period, domain, quantity, setup, recurring, group, deadline_s;
    int      policy, provisioning, state;
    bool     trial, claims;
    uint64_t subscription, task, instance, attempt, lease, worker, message, deadline, stale;
    int      progress; /* -1: not told */
    uint64_t lease_until_ms;
};

struct m_order {
    uint64_t      reference, customer, currency, setup, recurring, total, version;
    int           state;
    size_t        count;
    struct m_item items[M_ITEMS];
};

struct m_subscription {
    uint64_t order, item, customer, plan, version, start, expiration;
    int      status, service;
};

struct m_task {
    uint64_t order, item;
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
    uint64_t    key, content, reply, life;
    enum m_fate fate;
};

struct m_worker {
    uint64_t name, address, groups[M_GROUPS], credit, heard_ms;
    size_t   group_count;
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

struct model {
    char              violation[400];
    uint64_t          lease_ms, life, now_ms, time, last;
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
    struct mp_reader  reader, answer_reader, event_reader;
    struct mp_writer  packed;
    struct pd_message message;
    struct m_order   *touched;
    int               touched_from;
    const struct m_item *done; /* what TaskSucceeded has just told */
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

struct m_scope    *m_scope(struct model *m, struct pd_text reseller);
struct m_customer *m_customer(struct m_scope *s, struct pd_text id);
struct m_plan     *m_plan(struct m_scope *s, struct pd_text id);
struct m_period   *m_period(struct m_plan *p, struct pd_text period);
struct m_order    *m_order(struct m_scope *s, uint64_t number, struct pd_text reference);
struct m_item     *m_item_of(struct m_scope *s, uint64_t task, struct m_order **ret_order);
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
/* What clients may send in a state: the sum of the names' prints. */
uint64_t m_allowed(int state);
bool     m_takes(int state, int command);

/* Whether an event is legal, and then what it changes. */
bool m_take_event(struct model *m, const struct model_record *r);
/* An order is as its items are. */
bool m_is_settled(const struct m_order *o);
/* Whether a refusal of this code is true of the command in m->message, now. */
bool m_is_right(struct model *m, struct m_scope *s, int code);
/* The order that the command in hand names, by itself or by a task; NULL: none. */
const struct m_order *m_asked(struct model *m, struct m_scope *s);
/* The version of what a command is about, for `expect`. */
bool m_version_of(struct model *m, struct m_scope *s, uint64_t *ret_version);
/* Whether a report is about the current lease; whether it repeats the one that closed the task. */
bool m_is_current(const struct m_item *i, uint64_t lease, struct pd_text worker);
bool m_has_closed(const struct m_item *i, int state, uint64_t lease, struct pd_text worker);

#endif
