/* lmdb_page.h - the pages of LMDB 0.9 as they lie in the file, read without LMDB.
 *
 * LMDB's pages have no checksum, and LMDB follows what they say: a bit that was flipped in a page's head has it read behind its
 * map, which ends the process by a signal that tells nothing. Here every number is held against the file before it is used.
 *
 *   meta (pages 0 and 1)   which trees there are; the newer of the two counts
 *   branch                 keys and the pages below
 *   leaf                   keys and values, or where a long value's pages are, or a named table's root
 *   overflow               a long value, over as many pages as it needs */
#ifndef STORE_LMDB_PAGE_H
#define STORE_LMDB_PAGE_H

#include <pedido/types.h>

enum page_kind { PAGE_BRANCH = 1, PAGE_LEAF = 2, PAGE_OVERFLOW = 4, PAGE_META = 8 };
enum { PAGE_DEPTH_MAX = 32, PAGE_BYTES_MAX = 32768, PAGE_INTEGER_KEYS = 8 /* a table's flag */ };
#define PAGE_NONE UINT64_MAX /* an empty table's root */

struct page_file {
    int      fd;
    size_t   page_size;
    uint64_t pages; /* as many may be spoken of: those that the file has and the meta page knows */
    bool     taken_back; /* the commit of the older meta page looks as LMDB leaves one that it could not write */
};

/* As it lies on disk. */
struct page_table {
    uint32_t pad; /* of the first table in a meta page: the page size */
    uint16_t flags, depth;
    uint64_t branches, leaves, overflows, entries, root;
};

struct page_meta {
    uint32_t          magic, version;
    uint64_t          address, map_size;
    struct page_table free, main;
    uint64_t          last_page, turn;
};

/* An entry of a page that was loaded. */
struct page_node {
    struct pd_text key, data; /* data: absent in a branch, and when it lies in overflow pages */
    uint64_t       page;      /* below a branch, or the first of overflow pages; else PAGE_NONE */
    size_t         size;      /* of the value */
    size_t         offset;    /* of the value in its page */
    bool           is_table;
};

/* The newer of the meta pages, once both have been found to belong together; sets the file's page size and number of pages.
 * NULL, or what is wrong. */
const char *page_read_meta(struct page_file *file, struct page_meta *ret_meta);

/* Reads a page of one of the `kinds` (branch, leaf) into `page` (page_size bytes) and looks at all of its entries. NULL, or what
 * is wrong, and with which entry (-1: with the page). */
const char *page_load(const struct page_file *file, uint64_t number, unsigned kinds, uint8_t *page, int *ret_node);

/* Looks at the first page of a long value; *ret_pages is how many it has. NULL, or what is wrong. */
const char *page_load_overflow(const struct page_file *file, const struct page_node *node, uint64_t *ret_pages);

/* Of a page that page_load has found well. The texts point into it. */
int              page_nodes(const uint8_t *page);
struct page_node page_node(const uint8_t *page, int i);

/* A table's description from a leaf's value of 48 bytes. */
struct page_table page_read_table(struct pd_text data);

/* A key of eight bytes. */
uint64_t page_number(struct pd_text key);

/* Where a number's value lies in the file. */
struct page_place {
    uint64_t page;         /* that was looked at last */
    uint64_t offset, size; /* offset 0: there is no such number */
    uint64_t first, last;  /* who has looked at this number has looked at all of these: they and their values are on one page */
};

/* Looks at the way to a number in the tree below `root`. NULL, or what is wrong, then with ret_place->page. */
const char *page_find(const struct page_file *file, uint64_t root, uint64_t key, struct page_place *ret_place);

#endif
