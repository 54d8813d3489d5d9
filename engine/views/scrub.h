/* scrub.h - looks at every row and entry of views once, in pieces: a key that has changed on the disk is not where it is looked
 * for, and whoever lists would not miss it. */
#ifndef VIEWS_SCRUB_H
#define VIEWS_SCRUB_H

#include "engine/views/view.h"

struct scrub {
    int            row_code; /* which rows are next; PD_ROW_CODES: entries are */
    struct row_key row;
    struct view_key entry;
    bool           done;
};

/* From the beginning. */
void scrub_begin(struct scrub *scrub);

/* The next piece. STORE_DAMAGED: something is not what was written. */
enum store_error scrub_step(struct scrub *scrub, struct store *store) STORE_MUST_CHECK;

#endif
