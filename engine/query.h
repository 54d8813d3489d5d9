/* query.h - the inside of the query thread, for the files it is made of: queries.c (answering; lists, things, histories),
 * find.c (the search), worklist.c (tasks and workers), and pages.c, which they stand on. */
#ifndef ENGINE_QUERY_H
#define ENGINE_QUERY_H

#include "engine/fold.h"
#include "engine/queries.h"

enum { SCAN_MAX = 200000 }; /* rows or events looked at for one answer */

struct queries {
    struct books     books;
    struct engine   *engine;
    struct pd_text   software;
    query_counts_fn *counts;
    void            *counts_arg;
    struct pd_text   log;
    struct pd_arena  arena;
    struct pd_arena  scratch; /* what is looked at and may not be shown */
    struct rows      rows;
    struct folder    folder;
    struct mp_writer writer;

    /* The query that is answered. */
    const struct pd_message *message;
    struct store_reader     *rows_reader, *log_reader;
    uint64_t                 scope, head, print;
    uint64_t                 order; /* the one that is asked for; 0: any */
    size_t                   limit;
    size_t                   scanned, bytes; /* rows looked at; what the page comes to: both are bounded */
    struct pd_text           needle;         /* its `text`, plain; absent: it has none */
    struct row_key           from; /* where a page begins */
    struct row_key           next; /* where the following page begins; position 0: there is none */
    struct pd_refusal        refusal;
};

/* Whether a row belongs to the answer; what it needs for that lies in the scratch. */
typedef bool takes_row(struct queries *q, const void *row);

/* A page of a table, from q->from on and of at most q->limit rows: those of the scope (or of all) that `takes` takes (NULL: every
 * one). An array of struct pd_<row>, in the arena. Sets q->next when there may be more, and q->refusal when a row is damaged. */
void *read_page(struct queries *q, int row_code, takes_row *takes, bool all_scopes, size_t *ret_count);

/* Whether what is searched for is part of a text; anything is when nothing is searched for. */
bool has_needle(struct queries *q, struct pd_text text);

/* Refuses the query: `internal` when a damaged row was met, else the code. NULL. */
void *refuse_query(struct queries *q, enum pd_error_code code, const char *field);

/* The order that a query names by one of the two, or NULL: the query is refused. */
struct pd_order *seek_order(struct queries *q, bool has_order, uint64_t number, struct pd_text reference);

/* The reseller's customer, or NULL: the query is refused. */
struct pd_customer *seek_customer(struct queries *q, struct pd_text id);

/* The answers of Find, ListTasks, GetTask and ListWorkers. */
void *find_things(struct queries *q);
void *list_tasks(struct queries *q);
void *get_task(struct queries *q);
void *list_workers(struct queries *q);

#endif
