#include "engine/store/lmdb_page.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC 0xBEEFC0DEu
#define MAP_MAX (1ull << 47) /* we choose our own; LMDB's other programs take this one */
enum { VERSION = 1, HEADER = 16, NODE = 8, BIG = 1, TABLE = 2 /* flags of a leaf's entry */ };

struct header {
    uint64_t number;
    uint16_t pad, kind, lower, upper; /* of overflow pages, the last two are one number: how many pages */
};

_Static_assert(sizeof(struct header) == HEADER && sizeof(struct page_table) == 48 && sizeof(struct page_meta) == 136,
               "as on disk");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "as on disk");

static bool
read_at(const struct page_file *f, uint64_t offset, void *to, size_t size)
{
    return pread(f->fd, to, size, (off_t)offset) == (ssize_t)size;
}

static struct header
header_of(const uint8_t *page)
{
    struct header h;
    memcpy(&h, page, sizeof h);
    return h;
}

/* ---- meta pages ---------------------------------------------------------------------------------------------------- */

static const char *
read_one_meta(const struct page_file *f, uint64_t number, struct page_meta *ret_meta)
{
    struct {
        struct header    header;
        struct page_meta meta;
    } page;

    if (!read_at(f, number * f->page_size, &page, sizeof page)) return "the file ends before its meta pages do";
    const struct page_meta *m = &page.meta;
    if (page.header.number != number || page.header.kind != PAGE_META) return "a meta page's head is not one";
    if (m->magic != MAGIC || m->version != VERSION) return "a meta page's magic number or version is wrong";
    if (m->free.pad < 512 || m->free.pad > PAGE_BYTES_MAX || (m->free.pad & (m->free.pad - 1)) != 0)
        return "a meta page's page size is none";
    if (m->free.flags != PAGE_INTEGER_KEYS || m->main.flags != 0) return "a meta page's flags are unknown";
    if (m->map_size > MAP_MAX) return "a meta page's map is larger than any machine's";
    if (m->turn % 2 != number && m->turn != 0) return "a meta page's transaction stands in the other one's place";
    *ret_meta = *m;
    return NULL;
}

/* ---- branches and leaves ------------------------------------------------------------------------------------------- */

struct raw_node {
    uint16_t low, high, flags, key_size; /* of a branch, the first three are a page; of a leaf, two are the value's size */
};

static struct raw_node
raw_node(const uint8_t *page, size_t offset)
{
    struct raw_node n;
    memcpy(&n, page + offset, sizeof n);
    return n;
}

static size_t
offset_of(const uint8_t *page, int i)
{
    uint16_t offset;
    memcpy(&offset, page + HEADER + 2 * i, sizeof offset);
    return offset;
}

int
page_nodes(const uint8_t *page)
{
    return (header_of(page).lower - HEADER) / 2;
}

static const char *
check_nodes(const uint8_t *page, size_t page_size, int *ret_node)
{
    struct header h = header_of(page);
    size_t        used = 0;

    for (int i = 0; i < page_nodes(page); i++) {
        size_t offset = offset_of(page, i);
        *ret_node = i;
        if (offset % 2 != 0 || offset < h.upper || offset + NODE > page_size) return "it lies outside of its page";
        struct raw_node n = raw_node(page, offset);
        size_t          size = (size_t)NODE + n.key_size;
        if (h.kind == PAGE_LEAF) {
            if (n.flags != 0 && n.flags != BIG && n.flags != TABLE) return "its flags are unknown";
            size += n.flags == BIG ? sizeof(uint64_t) : (size_t)n.high << 16 | n.low;
        }
        if (size > page_size - offset) return "it is longer than its page";
        used += size + size % 2;
    }
    *ret_node = -1;
    return used == page_size - h.upper ? NULL : "its entries are not as long as they say";
}

const char *
page_load(const struct page_file *f, uint64_t number, unsigned kinds, uint8_t *page, int *ret_node)
{
    *ret_node = -1;
    if (number < 2 || number >= f->pages) return "it lies outside of the file";
    if (!read_at(f, number * f->page_size, page, f->page_size)) return "it cannot be read";
    struct header h = header_of(page);
    if (h.number != number) return "its head has another page's number";
    if ((h.kind != PAGE_BRANCH && h.kind != PAGE_LEAF) || (h.kind & kinds) == 0)
        return "its head says that it is another kind of page";
    if (h.lower < HEADER + 2 || h.lower % 2 != 0 || h.lower > h.upper || h.upper > f->page_size)
        return "its head says that it has no entries, or more than fit";
    return check_nodes(page, f->page_size, ret_node);
}

struct page_node
page_node(const uint8_t *page, int i)
{
    size_t           offset = offset_of(page, i);
    struct raw_node  raw = raw_node(page, offset);
    const char      *key = (const char *)page + offset + NODE;
    struct page_node n = {.key = {key, raw.key_size}, .page = PAGE_NONE, .offset = offset + NODE + raw.key_size};

    if (header_of(page).kind == PAGE_BRANCH) {
        n.page = (uint64_t)raw.flags << 32 | (uint64_t)raw.high << 16 | raw.low;
        return n;
    }
    n.size = (size_t)raw.high << 16 | raw.low;
    n.is_table = raw.flags == TABLE;
    if (raw.flags == BIG) memcpy(&n.page, page + n.offset, sizeof n.page);
    else n.data = (struct pd_text){key + raw.key_size, n.size};
    return n;
}

const char *
page_load_overflow(const struct page_file *f, const struct page_node *node, uint64_t *ret_pages)
{
    struct header h;
    uint32_t      pages;

    if (node->page < 2 || node->page >= f->pages) return "its value lies outside of the file";
    if (!read_at(f, node->page * f->page_size, &h, sizeof h)) return "its value cannot be read";
    memcpy(&pages, &h.lower, sizeof pages);
    if (h.number != node->page || h.kind != PAGE_OVERFLOW) return "its value's pages have another head";
    if (pages > f->pages - node->page || (HEADER - 1 + node->size) / f->page_size + 1 > pages)
        return "its value has another number of pages than it needs";
    *ret_pages = pages;
    return NULL;
}

/* ---- what they hold ------------------------------------------------------------------------------------------------ */

struct page_table
page_read_table(struct pd_text data)
{
    struct page_table t;
    memcpy(&t, data.data, sizeof t);
    return t;
}

uint64_t
page_number(struct pd_text key)
{
    uint64_t number;
    memcpy(&number, key.data, sizeof number);
    return number;
}

/* ---- the pair of meta pages ---------------------------------------------------------------------------------------- */

/* Every commit but the first frees pages, under its own number, which is then the last in its list: so a meta page whose number was
 * altered is known, as the other one would count in its place. Both commits' pages are kept until the next. The meta page's own
 * number also when the list cannot be read, which the walk tells if it matters. */
static uint64_t
turn_by_its_frees(const struct page_file *f, const struct page_meta *m)
{
    uint8_t  page[PAGE_BYTES_MAX];
    uint64_t number = m->free.root;
    int      node;

    if (m->turn < 2) return m->turn;
    for (int level = 0; level < PAGE_DEPTH_MAX; level++) {
        if (page_load(f, number, PAGE_BRANCH | PAGE_LEAF, page, &node) != NULL) break;
        struct page_node n = page_node(page, page_nodes(page) - 1);
        if (header_of(page).kind == PAGE_LEAF) return n.key.size == sizeof m->turn ? page_number(n.key) : m->turn;
        number = n.page;
    }
    return m->turn;
}

const char *
page_read_meta(struct page_file *f, struct page_meta *ret_meta)
{
    struct page_meta m[2];
    struct stat      st;

    f->page_size = 0; /* the first stands at 0, and says where the second does */
    const char *wrong = read_one_meta(f, 0, &m[0]);
    if (wrong != NULL) return wrong;
    f->page_size = m[0].free.pad;
    if ((wrong = read_one_meta(f, 1, &m[1])) != NULL) return wrong;
    if (m[1].free.pad != f->page_size) return "the meta pages differ in their page size";
    /* Each commit writes one of them, in turn. */
    bool fresh = m[0].turn == 0 && m[1].turn == 0;
    if (!fresh && m[0].turn + 1 != m[1].turn && m[1].turn + 1 != m[0].turn) return "the meta pages are not of two commits in a row";
    const struct page_meta *newer = &m[m[1].turn > m[0].turn], *older = newer == &m[0] ? &m[1] : &m[0];
    *ret_meta = *newer;
    if (fstat(f->fd, &st) != 0) return "the file cannot be looked at";
    f->pages = (uint64_t)st.st_size / f->page_size;
    if (ret_meta->last_page < 1 || ret_meta->last_page >= PAGE_NONE) return "a meta page's last page is none";
    if (ret_meta->last_page < f->pages) f->pages = ret_meta->last_page + 1;
    uint64_t older_turn = turn_by_its_frees(f, older);
    /* Where a meta page could not be written LMDB takes the commit back: that page gets its old number and last page again, and
     * keeps the new roots. */
    f->taken_back = older_turn == older->turn + 2 && older->last_page <= newer->last_page;
    if (turn_by_its_frees(f, newer) != newer->turn || (older_turn != older->turn && !f->taken_back))
        return "a meta page's transaction is not the one whose pages it freed";
    return NULL;
}

/* ---- looking up ---------------------------------------------------------------------------------------------------- */

/* The entry under which a number is, or would be: the last that is not above it, in a branch the first at least. -1: none. */
static int
last_not_above(const uint8_t *page, uint64_t key)
{
    int low = header_of(page).kind == PAGE_BRANCH ? 0 : -1, high = page_nodes(page);

    while (low + 1 < high) {
        int              middle = (low + high) / 2;
        struct page_node n = page_node(page, middle);
        if (n.key.size == sizeof key && page_number(n.key) <= key) low = middle;
        else high = middle;
    }
    return low;
}

/* The numbers of a leaf, if they follow each other and all of its values are on it. */
static void
note_extent(const uint8_t *page, struct page_place *place)
{
    int      count = page_nodes(page);
    uint64_t first = page_number(page_node(page, 0).key);

    for (int i = 0; i < count; i++) {
        struct page_node n = page_node(page, i);
        if (n.page != PAGE_NONE || n.key.size != sizeof first || page_number(n.key) != first + (uint64_t)i) return;
    }
    place->first = first;
    place->last = first + (uint64_t)count - 1;
}

const char *
page_find(const struct page_file *f, uint64_t root, uint64_t key, struct page_place *ret_place)
{
    uint8_t     page[PAGE_BYTES_MAX];
    const char *wrong;
    int         node;

    *ret_place = (struct page_place){.page = root, .first = key, .last = key};
    if (root == PAGE_NONE) return NULL;
    for (int level = 0; level < PAGE_DEPTH_MAX; level++) {
        if ((wrong = page_load(f, ret_place->page, PAGE_BRANCH | PAGE_LEAF, page, &node)) != NULL) return wrong;
        int i = last_not_above(page, key);
        if (i < 0) return NULL;
        struct page_node n = page_node(page, i);
        if (header_of(page).kind == PAGE_BRANCH) {
            ret_place->page = n.page;
            continue;
        }
        if (n.key.size != sizeof key || page_number(n.key) != key) return NULL;
        uint64_t pages;
        if (n.page != PAGE_NONE && (wrong = page_load_overflow(f, &n, &pages)) != NULL) return wrong;
        ret_place->offset = n.page == PAGE_NONE ? ret_place->page * f->page_size + n.offset : n.page * f->page_size + HEADER;
        ret_place->size = n.size;
        note_extent(page, ret_place);
        return NULL;
    }
    return "its tree is deeper than any";
}
