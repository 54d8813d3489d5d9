/* invariants.h - what is true of every reseller's orders after every event. */
#ifndef SCENARIOS_INVARIANTS_H
#define SCENARIOS_INVARIANTS_H

struct runner;

/* Asks the queries as a client would; fails the story where the answers do not fit together. */
void check_invariants(struct runner *r);

#endif
