/* books.h - what a data directory holds: the log, the rows that are folded from it, and the files of the index by which they are
 * found.
 *
 * Two stores of one kind. A turn's events are durable before anybody hears of them; rows follow in transactions of their own,
 * many turns at once, and none of them waits for the other. The rows' store knows of which log it is and how far it is folded;
 * what is missing is folded at the next start, and all of it when it is of another log. */
#ifndef STORE_BOOKS_H
#define STORE_BOOKS_H

#include "engine/store/store.h"

struct books {
    struct store *log, *rows;
    struct shelf *index; /* the index's files (engine/index) */
};

/* As store_open; STORE_SHORTER as well when rows are ahead of the log. Not STORE_CREATE or STORE_EXISTING: a bug. */
enum store_error books_open(const char *dir, enum store_mode mode, bool accept_shorter, struct books *ret_books,
                            uint64_t *ret_known) STORE_MUST_CHECK;
void             books_close(struct books *books);

/* The log is another one from here on, and its rows are to be folded anew: what is accepted as shorter than something knew it. */
enum store_error books_renew(struct books *books) STORE_MUST_CHECK;

#endif
