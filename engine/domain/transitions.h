/* transitions.h - the order's transition table. */
#ifndef DOMAIN_TRANSITIONS_H
#define DOMAIN_TRANSITIONS_H

#include <pedido/messages.h>

struct transition {
    const char          *row; /* in the domain's table */
    enum pd_order_state  from; /* absent: the order does not exist yet */
    enum pd_command_code command;
    enum pd_order_state  to;
    bool                 sure;
};

/* A table: what the checks below are about. `transitions` counts rows; `terminal` are bits of enum pd_order_state. */
struct transition_table {
    const struct transition *rows;
    size_t                   count;
    uint32_t                 terminal;
};
const struct transition_table *order_transitions(void);

/* Whether the table lets an order go from one state to the other by this command; whether it takes the command at all. */
bool may_move(enum pd_order_state from, enum pd_command_code command, enum pd_order_state to);
bool takes_command(enum pd_order_state from, enum pd_command_code command);

/* The commands that clients may send in this state: bit n is command code n. */
uint64_t allowed_commands(enum pd_order_state state);

/* NULL, or what is wrong with a table: a state that cannot be reached, or one without a sure way to an end. */
const char *check_transitions(const struct transition_table *table, enum pd_order_state *ret_state);

#endif
