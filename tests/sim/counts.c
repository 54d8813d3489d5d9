#include "tests/sim/counts.h"

#include <inttypes.h>
#include <stdio.h>

#include "proto/schema.h"

struct move {
    const char *row;
    int         from, command, to;
};

static const struct move moves[] = {
#define PD_TRANSITION(row, from, command, to, certainty) {row, PD_order_state_##from, PD_COMMAND_##command, PD_order_state_##to},
#include "engine/domain/transitions.def"
};
enum { MOVES = sizeof moves / sizeof moves[0] };

static const char *const faults[] = {
#define SIM_FAULT(name, description) description,
#include "tests/sim/faults.def"
};

void
counts_move(struct counts *c, int from, int command, int to)
{
    for (size_t i = 0; i < MOVES; i++) c->moves[i] += moves[i].from == from && moves[i].command == command && moves[i].to == to;
}

void
counts_add(struct counts *sum, const struct counts *c)
{
    const uint64_t *from = (const uint64_t *)(const void *)c;
    uint64_t       *to = (uint64_t *)(void *)sum;
    for (size_t i = 0; i < sizeof *c / sizeof *from; i++) to[i] += from[i];
}

/* Refusals that need not come. Whoever asks queries here asks them well. Nobody corrects one item fifteen times while no removal
 * succeeds. Nobody has a key. */
static bool
is_rare(int code)
{
    return code == PD_E_cursor_invalid || code == PD_E_views_off || code == PD_E_too_many_remains ||
           code == PD_E_key_not_found || code == PD_E_not_authorised;
}

static unsigned
print(uint64_t count, const char *what)
{
    printf("  %10" PRIu64 "  %s\n", count, what);
    return count == 0;
}

unsigned
counts_print(const struct counts *c)
{
    unsigned               zeroes = 0;
    size_t                 count;
    const struct pd_error *errors = pd_schema_errors(&count);
    char                   line[128];

    puts("transitions");
    for (size_t i = 0; i < MOVES; i++) {
        snprintf(line, sizeof line, "%-3s %s: %s -> %s", moves[i].row, pd_schema_command(moves[i].command)->Name,
                 moves[i].from == PD_order_state_absent ? "-" : PD_NAME(order_state, moves[i].from).data,
                 PD_NAME(order_state, moves[i].to).data);
        zeroes += print(c->moves[i], line);
    }
    puts("refusals");
    for (size_t i = 0; i < count; i++)
        if (!is_rare(errors[i].number)) zeroes += print(c->refusals[errors[i].number], errors[i].code);
    puts("faults");
    for (size_t i = 0; i < FAULTS; i++) zeroes += print(c->faults[i], faults[i]);
    printf("%" PRIu64 " commands, %" PRIu64 " answers, %" PRIu64 " events, %" PRIu64 " turns, %" PRIu64 " crashes, %"
           PRIu64 " views compared\n", c->commands, c->answers, c->events, c->turns, c->crashes, c->compared);
    return zeroes;
}
