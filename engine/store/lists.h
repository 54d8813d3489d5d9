/* lists.h - what each writing of rows leaves beside them for who follows: a list that reaches from a position of the log to
 * another, among the rows' entries. Lists of one kind are without gap, or whoever follows begins anew.
 *
 *   key   = a letter, the kind; the position that the rows are folded to, 8 bytes, most significant first
 *   value = the position that they were folded to before, 8 bytes, the same way; then what the kind says */
#ifndef STORE_LISTS_H
#define STORE_LISTS_H

#include "engine/store/store.h"
#include "proto/msgpack.h"

/* Writes a list, in the open transaction of the rows' store: begin, then its bytes are appended, end. The writer is scratch. */
void lists_begin(struct mp_writer *list, uint64_t from);
void lists_end(const struct mp_writer *list, struct store *rows, char kind, uint64_t to);

/* Forgets lists up to a position, in the open transaction; not all at once when there are many. */
void lists_forget(struct store *rows, char kind, uint64_t until);

/* The first list that ends behind `after`, as far as the reader sees; in the arena. STORE_NONE: there is none. */
struct list_of_rows {
    uint64_t       from, to;
    struct pd_text bytes;
};
enum store_error lists_read(struct store_reader *rows, char kind, uint64_t after, struct pd_arena *arena,
                            struct list_of_rows *ret_list) STORE_MUST_CHECK;

/* Numbers in keys and values: most significant byte first. */
void     lists_put_number(char *to, uint64_t number, int size);
uint64_t lists_number(const char *from, int size);

#endif
