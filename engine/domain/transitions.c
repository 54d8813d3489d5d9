#include "engine/domain/transitions.h"

#include "proto/schema.h"

static const struct transition rows[] = {
#define LUCK false
#define SURE true
#define PD_TRANSITION(row, from, command, to, certainty)                                                               \
    {row, PD_order_state_##from, PD_COMMAND_##command, PD_order_state_##to, certainty},
#include "engine/domain/transitions.def"
#undef LUCK
#undef SURE
};

static const struct transition_table table = {
    .rows = rows,
    .count = sizeof rows / sizeof rows[0],
    .terminal = 0
#define PD_TERMINAL(state) | 1u << PD_order_state_##state
#include "engine/domain/transitions.def"
    ,
};

const struct transition_table *
order_transitions(void)
{
    return &table;
}

bool
may_move(enum pd_order_state from, enum pd_command_code command, enum pd_order_state to)
{
    for (size_t i = 0; i < table.count; i++)
        if (rows[i].from == from && rows[i].command == command && rows[i].to == to) return true;
    return false;
}

bool
takes_command(enum pd_order_state from, enum pd_command_code command)
{
    for (size_t i = 0; i < table.count; i++)
        if (rows[i].from == from && rows[i].command == command) return true;
    return false;
}

uint64_t
allowed_commands(enum pd_order_state state)
{
    uint64_t taken = 0, allowed = 0;

    for (size_t i = 0; i < table.count; i++)
        if (rows[i].from == state) taken |= (uint64_t)1 << rows[i].command;
    /* Operators' commands are about tasks. */
    for (uint64_t left = taken; left != 0; left &= left - 1) {
        const struct pd_block *command = pd_schema_command(__builtin_ctzll(left));
        if (command->port == PD_port_commands && command->role == PD_role_reseller) allowed |= left & -left;
    }
    return allowed;
}

/* Grows a set of states along the table's rows until it no longer changes: forwards from where orders begin, or backwards
 * along sure ways from the ends. */
static uint32_t
spread(const struct transition_table *t, uint32_t set, bool backwards)
{
    for (uint32_t before = 0; before != set;) {
        before = set;
        for (size_t i = 0; i < t->count; i++) {
            const struct transition *r = &t->rows[i];
            if (backwards && r->sure && set >> r->to & 1) set |= 1u << r->from;
            if (!backwards && set >> r->from & 1) set |= 1u << r->to;
        }
    }
    return set;
}

const char *
check_transitions(const struct transition_table *t, enum pd_order_state *ret_state)
{
    uint32_t reached = spread(t, 1u << PD_order_state_absent, false);
    uint32_t ending = spread(t, t->terminal, true);

    for (size_t s = 1; s <= pd_enum_order_state()->count; s++) {
        *ret_state = (enum pd_order_state)s;
        if (!(reached >> s & 1)) return "cannot be reached";
        if (!(ending >> s & 1)) return "has no way out that needs no luck";
        for (size_t i = 0; i < t->count; i++)
            if ((size_t)t->rows[i].from == s && t->terminal >> s & 1) return "is an end and yet has a way out";
    }
    return NULL;
}
