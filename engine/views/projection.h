/* projection.h - one store of views: copies of the rows, the keys under which they are found, and what is folded from events;
 * all of it as of one position of the log, in one transaction.
 *
 * It follows in two ways. Rows: what the rows' store says has changed since (changes.h) is read there, held against the copy, and
 * what differs in its keys is put and deleted. Events: each is read once from the log. A new one reads all rows first, in pieces,
 * then all events, writes what it has gathered of both (bulk.h), and then follows like any other. */
#ifndef VIEWS_PROJECTION_H
#define VIEWS_PROJECTION_H

#include "engine/store/changes.h"
#include "engine/views/bulk.h"
#include "proto/codec.h"

struct projection {
    struct store *store; /* NULL: there is none */
    uint64_t      rows_at, events_at; /* positions; the same once it is complete */
    uint64_t      making;   /* of the rows that it shows */
    bool          complete;
    struct bulk  *bulk;     /* while it is made, until its entries are written */
    struct change from;     /* while it is made: the rows before have been read */
    uint64_t      of;       /* while it is made: the log's last position, for progress */
};

/* What a step needs; one for all projections of a thread. */
struct projector {
    struct store      *rows, *log;
    struct pd_arena    arena, chunk;
    struct operations  operations;
    struct view_keys   before, now; /* of the row that is looked at, in one view */
    struct sort_key   *changes; /* that the last step followed; none if it had another piece of work, or nothing to do */
    size_t             count, capacity;
};

void projector_init(struct projector *projector, struct store *rows, struct store *log);
void projector_fini(struct projector *projector);

/* Opens the views in `dir`, of one of the modes of views; STORE_EXISTS_NOT, also when they are not whole, or of another log, making
 * or format. STORE_VIEWS: new and empty ones. */
enum store_error projection_open(struct projector *projector, const char *dir, enum store_mode mode,
                                 struct projection *ret_projection) STORE_MUST_CHECK;
void             projection_close(struct projection *projection);

/* How far one is that is made, as a position; `of`: it is made. */
uint64_t projection_built(const struct projection *projection);

/* One piece of work. *ret_more: there is more to do at once. STORE_NONE: what it would have to follow is not there any more, and it
 * has to be made anew. STORE_FULL: no space; nothing was done. */
enum store_error projection_step(struct projector *projector, struct projection *projection, bool *ret_more) STORE_MUST_CHECK;

#endif
