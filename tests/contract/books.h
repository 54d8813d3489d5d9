/* books.h - what the contract suite may do to a store from outside; one implementation per store. */
#ifndef CONTRACT_BOOKS_H
#define CONTRACT_BOOKS_H

#include "engine/store/store.h"

enum { SPACE = 4 << 20 }; /* that a transaction of these stories may want */

/* A new, empty place for books; its name is valid until books_forget. */
const char *books_make(void);
void        books_forget(void);

/* No space from now on, or again. */
void books_fill(bool full);

/* Flips a bit of a row, of books that are closed. */
void books_damage(int row_code, struct row_key key);

/* Whether a reader keeps seeing the commit it was opened on while another is made. */
extern const bool books_have_snapshots;

#endif
