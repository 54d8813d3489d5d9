/* views.h - what can be listed: everything that queries show, as of one position of the log, some milliseconds behind its head.
 *
 * A projector follows the log, by views_step in a thread of its own; readers look at what it has committed, in short
 * transactions. The views are never authoritative: when they are missing, of another log or another making of the rows, or from
 * another version, they are made anew, beside those that serve if there are such, and take their place when they have caught up.
 *
 * They lie in one of two places (places.h). */
#ifndef VIEWS_VIEWS_H
#define VIEWS_VIEWS_H

#include "engine/store/books.h"
#include "engine/store/store.h"
#include "engine/views/view.h"

struct views;

/* Opens what there is in the data directory; what cannot be used is thrown away, and made anew by the steps that follow. The books
 * stay the caller's. */
enum store_error views_open(const char *dir, const struct books *books, struct views **ret_views) STORE_MUST_CHECK;

/* Up to which position of this log the views in the directory have seen it; 0: there are none. To be asked before anything is
 * appended: a log that ends before that has lost events. */
enum store_error views_seen(const char *dir, const struct books *books, uint64_t *ret_position) STORE_MUST_CHECK;
void             views_close(struct views **views);

/* The projector's: one piece of work. *ret_more: there is more. STORE_FULL: there is no space; again later. */
enum store_error views_step(struct views *views, bool *ret_more) STORE_MUST_CHECK;

/* Any thread from here on. */

/* Up to which position the rows' changes need not be kept for the views. */
uint64_t views_needed(struct views *views);

/* Makes them anew. False: that is being done already. */
bool views_rebuild(struct views *views);

struct views_figures {
    bool     serving, building;
    uint64_t position;      /* that is shown */
    uint64_t built;         /* while they are made: how far, as a position */
    uint64_t rows;          /* that changed and were projected since the start */
};
struct views_figures views_figures(struct views *views);

/* As store_forget_dead. */
void views_forget_dead(struct views *views);

/* The store of what serves. False: nothing does. */
bool views_store_figures(struct views *views, struct store_figures *ret_figures);

/* A snapshot of what serves, and its position. STORE_NONE: nothing serves yet. STORE_DAMAGED: nor can it, since what
 * views are made from is damaged. */
struct views_reader {
    struct store_reader *reader;
    uint64_t             position;
    int                  place;
};
enum store_error views_reader_open(struct views *views, struct views_reader *ret_reader) STORE_MUST_CHECK;
void             views_reader_close(struct views *views, struct views_reader *reader);

#endif
