/* ordered.h - keys and values in memory, in order of key, whose changes since the last ordered_keep can be undone. For the books in
 * memory. */
#ifndef STORE_ORDERED_H
#define STORE_ORDERED_H

#include <pedido/types.h>

struct ordered_pair {
    struct pd_text key, value;
};

struct ordered_change {
    struct pd_text key, before; /* before absent: there was none */
};

/* Zeroed, it is empty. */
struct ordered {
    struct ordered_pair   *pairs;
    size_t                 count, capacity;
    struct ordered_change *changes;
    size_t                 change_count, change_capacity;
};

void ordered_fini(struct ordered *ordered);

void ordered_put(struct ordered *ordered, struct pd_text key, struct pd_text value);
void ordered_delete(struct ordered *ordered, struct pd_text key);
void ordered_clear(struct ordered *ordered);
void ordered_keep(struct ordered *ordered);
void ordered_undo(struct ordered *ordered);

/* The place of the first key that is not before this one; what stands at a place, NULL beyond the last. */
size_t                     ordered_place(const struct ordered *ordered, struct pd_text key);
const struct ordered_pair *ordered_at(const struct ordered *ordered, size_t place);

#endif
