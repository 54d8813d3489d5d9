/* list.h - reading views: the rows that are under several keys at once, in order of their own, from either end. */
#ifndef VIEWS_LIST_H
#define VIEWS_LIST_H

#include "engine/views/view.h"

enum { LIST_KEYS_MAX = 6, LIST_STEPS_MAX = 20000 /* for one call of list_next: it answers STORE_NONE with `stopped` then */ };

/* Rows are in the order in which they were made; where the view's last column is a number (`numbered`; then it is the only key) by
 * that first. */
struct list_place {
    uint64_t       number; /* 0 where there is none */
    struct row_key row;
};

struct list {
    struct store_cursor *cursors[LIST_KEYS_MAX];
    struct view_key      keys[LIST_KEYS_MAX];
    size_t               count;
    bool                 numbered, backwards, moved, stopped;
    struct list_place    from, next; /* not before it, or backwards not behind it */
};

/* Keys are to be added between the two; at least one. */
void             list_init(struct list *list, bool numbered, bool backwards, struct list_place from);
void             list_add(struct list *list, struct view_key key);
enum store_error list_open(struct list *list, struct store_reader *reader) STORE_MUST_CHECK;
enum store_error list_next(struct list *list, struct list_place *ret_place) STORE_MUST_CHECK;
void             list_close(struct list *list);

/* The end from which a list begins when it has no other. */
struct list_place list_begin(bool backwards);

#endif
