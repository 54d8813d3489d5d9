/* matrix.h - which pairs of order state and command the stories tell of, and that orders go only where the table says. */
#ifndef SCENARIOS_MATRIX_H
#define SCENARIOS_MATRIX_H

#include <jansson.h>

#include <pedido/messages.h>

struct pd_block;
struct runner;

/* The file that each refusal reached is written to, "code scenarios/story"; NULL: nobody asks. */
void cover_open(const char *path);
void cover_close(void);
void cover_refusal(const char *code, const char *file);

/* The state of the order that a command is about, absent when there is none. */
enum pd_order_state state_addressed(struct runner *r, enum pd_port port, struct pd_text reseller, json_t *data);

/* Whatever the rules do, an order goes only where the table says. */
void check_move(struct runner *r, enum pd_order_state from, const struct pd_block *command, enum pd_order_state to);

/* The outcome is "yes" or how the command was refused. */
void cover(enum pd_order_state state, int command, const char *outcome);

/* Prints all pairs; false, and says so, when one is not told of. */
bool show_matrix(void);

#endif
