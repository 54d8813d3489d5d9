/* query.h - the inside of the query thread, for the files it is made of: queries.c (answering; things, and which list a query is
 * of), log_pages.c (events), counters.c, find.c (the search), worklist.c (tasks and workers), status.c (the engine itself), and
 * pages.c, which they stand on.
 *
 * All of them read a snapshot of the views, which is of one position. */
#ifndef ENGINE_QUERY_H
#define ENGINE_QUERY_H

#include "engine/fold.h"
#include "engine/queries/queries.h"
#include "engine/views/list.h"

enum { SCAN_MAX = 20000 }; /* rows or events looked at for one answer */

struct queries {
    struct query_sources sources;
    struct pd_text   log;
    struct pd_arena  arena;
    struct pd_arena  scratch; /* what is looked at and may not be shown */
    struct rows      rows;
    struct folder    folder;
    struct mp_writer writer;

    /* The query that is answered. */
    const struct pd_message *message;
    struct views_reader      view;
    struct store_reader     *log_reader; /* NULL: not opened yet */
    uint64_t                 scope, head, print; /* head: of the scope, as it is shown */
    uint64_t                 order; /* the one that is asked for; 0: any */
    size_t                   limit;
    size_t                   scanned, bytes; /* rows looked at; what the page comes to: both are bounded */
    struct pd_text           needle;         /* its `text`, plain; absent: it has none */
    bool                     has_from, has_next;
    struct list_place        from; /* where a page begins */
    struct list_place        next; /* where the following page begins */
    struct pd_refusal        refusal;
    bool                     log_is_damaged; /* it is not the views' fault */
};

/* Whether a row belongs to the answer; what it needs for that lies in the scratch. */
typedef bool takes_row(struct queries *q, const void *row);

/* A list to be read: begun with the order that the query asks for, then given the keys that its rows are under. `low` and `high`
 * are positions of the log: only rows that an event between them made, high not included. */
struct page {
    struct list list;
    uint64_t    low, high;
};
void begin_page(struct queries *q, struct page *page, bool numbered, bool backwards);

/* Only what was made in a time; 0 and UINT64_MAX: any. False: the query is refused. */
bool narrow_page(struct queries *q, struct page *page, pd_time_us since, pd_time_us until);

/* At most q->limit of its rows, those that `takes` takes (NULL: every one): an array of struct pd_<row>, in the arena. Sets q->next
 * when there may be more, and q->refusal when a row is damaged. */
void *read_page(struct queries *q, struct page *page, int row_code, takes_row *takes, size_t *ret_count);

/* The key of a view in the query's scope. */
struct view_key scope_key(const struct queries *q, int view);

/* The following page begins there. */
void set_next(struct queries *q, struct list_place place);

/* Whether what is searched for is part of a text; anything is when nothing is searched for. */
bool has_needle(struct queries *q, struct pd_text text);

/* Refuses the query: `internal` when a damaged row was met, else the code. NULL. */
void *refuse_query(struct queries *q, enum pd_error_code code, const char *field);

/* Refuses it for now. */
void refuse_busy(struct queries *q);

/* A store's error: the query is refused with `internal`. True: it was none, or STORE_NONE. */
bool is_read(struct queries *q, enum store_error error);

/* The log, opened when it is first asked for. NULL: the query is refused. */
struct store_reader *open_log(struct queries *q);

/* The order that a query names by one of the two, or NULL: the query is refused. */
struct pd_order *seek_order(struct queries *q, bool has_order, uint64_t number, struct pd_text reference);

/* The reseller's customer, subscription, or NULL: the query is refused. */
struct pd_customer     *seek_customer(struct queries *q, struct pd_text id);
struct pd_subscription *seek_subscription(struct queries *q, uint64_t number);

/* The answers of other files' queries: struct pd_<reply>, or NULL: it is refused. */
void *health(struct queries *q);
void *list_views(struct queries *q, bool rebuild);
void *answer_backup(struct queries *q, const struct pd_start_backup *start); /* NULL: it is only looked at */
void *read_history(struct queries *q, const void *row);
void *read_log(struct queries *q);
void *list_counters(struct queries *q);
void *list_hours(struct queries *q);
void *find_things(struct queries *q);
void *list_tasks(struct queries *q);
void *get_task(struct queries *q);
void *list_workers(struct queries *q);
void *list_subscribers(struct queries *q);
void *get_metrics(struct queries *q);

/* Who follows under a name, all of them, with their heads. */
void read_subscribers(struct queries *q, struct pd_subscribers_reply *ret_subscribers);

#endif
