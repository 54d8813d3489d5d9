/* operations.h - what a batch puts, deletes and counts, gathered and then done in order of key: the same pages are met together. */
#ifndef VIEWS_OPERATIONS_H
#define VIEWS_OPERATIONS_H

#include "engine/views/view.h"

struct operation {
    uint64_t       prefix; /* the key's first bytes behind the code and scope, to be compared first */
    uint64_t       place;  /* code and scope */
    struct pd_text key, value;
    int64_t        count;  /* COUNTS: to be added */
    uint8_t        what;
};

struct operations {
    struct operation *list;
    size_t            count, capacity;
};

void operations_fini(struct operations *operations);

/* Key and value stay the caller's until they are done. */
void operations_put(struct operations *operations, struct pd_text key, struct pd_text value);
void operations_delete(struct operations *operations, struct pd_text key);
void operations_add(struct operations *operations, struct pd_text key, int64_t count);

/* Does all of them in the open transaction, and forgets them. */
enum store_error operations_do(struct operations *operations, struct store *store, struct pd_arena *scratch) STORE_MUST_CHECK;

/* A number as it is stored, of one to ten bytes; returns how many. What it reads it moves on; false: it is cut off. */
enum { VARINT_MAX = 10 };
size_t varint_write(char *to, uint64_t number);
bool   varint_read(struct pd_text *from, uint64_t *ret_number);

#endif
