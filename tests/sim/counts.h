/* counts.h - how often each transition, refusal and fault occurred. A simulation in which one never did proves little. */
#ifndef SIM_COUNTS_H
#define SIM_COUNTS_H

#include <pedido/messages.h>

enum fault {
#define SIM_FAULT(name, description) FAULT_##name,
#include "tests/sim/faults.def"
    FAULTS,
    FAULT_first_crash = FAULT_in_turn,
};

enum { MOVES_MAX = 64, CODES_MAX = 100 };

struct counts {
    uint64_t commands, answers, events, turns, crashes, compared; /* compared: views with new ones */
    uint64_t moves[MOVES_MAX], refusals[CODES_MAX], faults[FAULTS];
};

/* An order went from one state to another by a command: one of the rows of transitions.def. */
void counts_move(struct counts *counts, int from, int command, int to);
void counts_add(struct counts *sum, const struct counts *counts);

/* Prints all of them; how many that should have occurred did not. */
unsigned counts_print(const struct counts *counts);

#endif
