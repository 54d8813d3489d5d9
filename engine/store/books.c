#include "engine/store/books.h"

#include <sodium.h>

#include "proto/check.h"

static bool
is_same_log(const struct books *b)
{
    return memcmp(store_log_id(b->log), store_log_id(b->rows), PD_LOG_ID_BYTES) == 0;
}

/* Throws away what is not this log's. */
static enum store_error
adopt(struct books *b)
{
    enum store_error error = store_begin(b->rows);

    if (error != STORE_OK) return error;
    store_drop_rows(b->rows);
    store_set_log_id(b->rows, store_log_id(b->log));
    return store_commit(b->rows, NULL);
}

static enum store_error
renew_log(struct books *b)
{
    uint8_t          id[PD_LOG_ID_BYTES];
    enum store_error error = store_begin(b->log);

    if (error != STORE_OK) return error;
    randombytes_buf(id, sizeof id);
    store_set_log_id(b->log, id);
    return store_commit(b->log, NULL);
}

enum store_error
books_open(const char *dir, enum store_mode mode, bool accept_shorter, struct books *ret_books, uint64_t *ret_known)
{
    struct books b = {NULL, NULL, NULL};
    uint64_t     none;

    PD_CHECK(mode == STORE_CREATE || mode == STORE_EXISTING);
    enum store_error error = store_open(dir, mode, accept_shorter, &b.log, ret_known);
    if (error == STORE_OK) error = store_open(dir, STORE_ROWS, false, &b.rows, &none);
    if (error == STORE_OK && is_same_log(&b) && store_folded(b.rows) > store_last(b.log)) {
        *ret_known = store_folded(b.rows);
        error = accept_shorter ? renew_log(&b) : STORE_SHORTER;
    }
    if (error == STORE_OK && !is_same_log(&b)) error = adopt(&b);
    if (error == STORE_OK) error = store_open_shelf(dir, mode, &b.index);
    if (error != STORE_OK) books_close(&b);
    else *ret_books = b;
    return error;
}

enum store_error
books_renew(struct books *b)
{
    enum store_error error = renew_log(b);
    return error == STORE_OK ? adopt(b) : error;
}

void
books_close(struct books *books)
{
    store_close_shelf(&books->index);
    store_close(&books->rows);
    store_close(&books->log);
}
