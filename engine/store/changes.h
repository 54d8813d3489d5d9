/* changes.h - which rows each writing of rows has touched, kept for the views, which follow: they read these rows and need not fold
 * the log once more. A list (lists.h) of the kind "c": for each row its table, position and item, 1 + 8 + 4 bytes. Where lists are
 * missing the views are made anew.
 *
 * Beside them, under "m": how often all rows were made anew, 8 bytes. Views of another making show what is no more. */
#ifndef STORE_CHANGES_H
#define STORE_CHANGES_H

#include "engine/base/sort.h"
#include "engine/store/lists.h"

/* A row that was touched. */
struct change {
    int            row_code;
    struct row_key key;
};

/* Rows in order of table and key. The lower half of `low` is the caller's. */
static inline struct sort_key
change_sort_key(struct change c)
{
    return (struct sort_key){(uint64_t)c.row_code << 56 | c.key.position, (uint64_t)c.key.item << 32};
}

static inline struct change
change_of(struct sort_key k)
{
    return (struct change){(int)(k.high >> 56), {k.high & (((uint64_t)1 << 56) - 1), (uint32_t)(k.low >> 32)}};
}

/* Writes a list, in the open transaction of the rows' store: begin, one call for each row, end. The writer is scratch. */
void changes_begin(struct mp_writer *list, uint64_t from);
void changes_add(struct mp_writer *list, struct change change);
void changes_end(const struct mp_writer *list, struct store *rows, uint64_t to);

/* Forgets lists up to a position, in the open transaction; not all at once when there are many. */
void changes_forget(struct store *rows, uint64_t until);

/* The first list that ends behind `after`, as far as the reader sees. STORE_NONE: there is none. */
enum store_error changes_read(struct store_reader *rows, uint64_t after, struct pd_arena *arena,
                              struct list_of_rows *ret_list) STORE_MUST_CHECK;

/* Takes the next row of a list. False: there are no more. */
bool changes_next(struct list_of_rows *list, struct change *ret_change);

/* How often the rows were made; and once more. */
enum store_error changes_making(struct store_reader *rows, struct pd_arena *arena, uint64_t *ret_making) STORE_MUST_CHECK;
void             changes_set_making(struct store *rows, uint64_t making);

#endif
