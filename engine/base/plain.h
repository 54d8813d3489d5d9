/* plain.h - texts as people search for them: without accents, case and the fancy forms of letters. Any thread. */
#ifndef BASE_PLAIN_H
#define BASE_PLAIN_H

#include "proto/arena.h"

/* "Panadería" and "PANADERÍA", however their letters are composed, are both "panaderia"; "ﬁ" is "fi", "ß" is "ss". In the arena.
 * A text of nothing but accents comes out empty; one that is not UTF-8 comes out as it is. */
struct pd_text plain_text(struct pd_arena *arena, struct pd_text text);

#endif
