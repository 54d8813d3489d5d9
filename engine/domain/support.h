/* support.h - what several aggregates' rules share. */
#ifndef DOMAIN_SUPPORT_H
#define DOMAIN_SUPPORT_H

#include "engine/domain/rules.h"

/* The command's `expect`, when given, against the aggregate's version (0: it does not exist); refuses version_conflict. */
bool meets_expectation(const struct view *view, uint64_t version, struct decision *out);

/* Whether an order is named by its number or its reference, by one of the two; else ret_refusal says what is wrong. */
bool names_one_order(bool has_order, struct pd_text reference, struct pd_refusal *ret_refusal);

/* The order a command addresses by number or reference, with its expectation met; else refuses and returns NULL. */
const struct pd_order *find_order(const struct view *view, const struct pd_text *reference, bool has_order,
                                  uint64_t order, struct decision *out);
/* The same for a command that changes the order, which must take it in its state. */
const struct pd_order *find_movable_order(const struct view *view, enum pd_command_code command,
                                          const struct pd_text *reference, bool has_order, uint64_t order,
                                          struct decision *out);

/* The customer a command is about, with its expectation met; else refuses and returns NULL. */
const struct pd_customer *find_customer(const struct view *view, struct pd_text id, struct decision *out);

/* An item's place in the array of its order. */
struct pd_order_item *item_numbered(const struct pd_order *order, uint64_t item);

/* What an order's items come to. */
struct totals {
    uint64_t       setup, recurring, total;
    struct pd_text currency;
};

/* A plan's period, or NULL. */
const struct pd_plan_period *find_period(const struct pd_plan *plan, struct pd_text period);

/* Prices and checks a new order's lines, or a changed one's (`order` its number, else 0): plan, period, domain and amounts
 * as AddOrder's guard says. False: refused, the field named. */
bool price_items(const struct view *view, struct pd_text customer, uint64_t order, const struct pd_item_request *requests,
                 size_t count, struct pd_order_item *ret_items, struct totals *ret_totals, struct decision *out);

/* Whether the items' domains are still free for this customer and order; refuses domain_taken. */
bool domains_are_free(const struct view *view, struct pd_text customer, uint64_t order,
                      const struct pd_order_item *items, size_t count, struct decision *out);

/* What an order becomes when the events so far have closed its last open item: emits OrderCompleted or
 * OrderProvisioningFailed when no item is open any more. `failure` is this item's, or absent. */
void settle_order(const struct pd_order *order, uint64_t closed_item, bool completed, struct pd_text failure,
                  struct decision *out);

/* Emits the activation of an item's subscription. */
void activate(const struct view *view, const struct pd_order *order, const struct pd_order_item *item,
              uint64_t subscription, const struct pd_pair *parameters, size_t parameter_count, struct decision *out);

#endif
