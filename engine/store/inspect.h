/* inspect.h - a store's file looked at before LMDB touches it: every page that will be read, by a reader that cannot be misled
 * (lmdb_page.h), in one pass over the trees. Found are pages and entries that are none, keys out of their order, events that are
 * missing, values and pages that overlap, counts that do not fit, pages that are in use and given away as free, or neither, and
 * tables nobody knows. What is in a value, its own checksum tells when it is read.
 *
 * The file may not change meanwhile: for whoever has the directory's lock. */
#ifndef STORE_INSPECT_H
#define STORE_INSPECT_H

#include "engine/store/store.h"

/* Told what is wrong, a sentence each: the position that it hit, else the page and what hung below it. At most 20 of them. */
typedef void inspect_tell(void *arg, const char *what);

struct inspected {
    uint64_t from;
    /* The newer meta page could not be written, and LMDB has taken that commit back; or a bit of its number is flipped. Both leave
     * the commit before: of the log, DATA/head knows whether one is missing; rows are folded on from there. */
    bool taken_back;
};

/* Of DIR/books, DIR/rows or views. With `tail`, a look that takes no longer the older the log is: its leaves are read as far
 * as they hold one of its last `tail` events, and those of other large tables not at all; 0: everything is read.
 * ret_found->from is the first event whose leaf has been looked at. STORE_OK; STORE_EXISTS_NOT, also
 * when the file is empty; STORE_DAMAGED; or STORE_FAILED, with errno, when the file cannot be opened. */
enum store_error inspect_store(const char *dir, uint64_t tail, inspect_tell *tell, void *arg,
                               struct inspected *ret_found) STORE_MUST_CHECK;

/* Where the value of an event lies in DIR/books/data.mdb: its checksum, then its record. STORE_NONE: there is no such event;
 * *ret_last is the last one. STORE_DAMAGED: told. */
enum store_error inspect_locate(const char *dir, uint64_t position, inspect_tell *tell, void *arg, uint64_t *ret_offset,
                                uint64_t *ret_size, uint64_t *ret_last) STORE_MUST_CHECK;

#endif
