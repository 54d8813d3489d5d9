#include "engine/store/inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/store/lmdb_page.h"
#include "proto/check.h"
#include "proto/schema.h"

enum {
    TELL_MAX = 20, TABLES_MAX = PD_ROW_CODES + 4, ROW_KEY = 12, UNWRITTEN_MAX = 1 << 20,
    LEAVES_MAX = 4096, /* of a table that is read even in a hurry */
};

enum content { FREE_PAGES, TABLES, EVENTS, META, ENTRIES, ROWS };

struct table {
    enum content      content;
    const char       *name;
    struct page_table said;
};

struct walk {
    struct page_file  file;
    struct page_meta  meta;
    inspect_tell     *tell;
    void             *arg;
    int               told;
    uint8_t          *used, *free; /* a bit for each page */
    uint8_t          *pages;       /* one for each level */
    struct table      table;       /* that is walked */
    struct page_table seen;        /* of it */
    uint64_t          from, last;  /* events: the leaves from there on are read; the last that was met */
    bool              shallow;     /* the leaves of the table that is walked are not read */
    bool              partial;     /* of some table they were not */
    struct table      tables[TABLES_MAX];
    size_t            table_count;
};

/* The keys between which those below a page are. Absent: there is no such bound. */
struct bounds {
    struct pd_text low, high;
};

/* ---- telling ------------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void
tell(struct walk *w, const char *format, ...)
{
    char    text[256];
    va_list args;

    if (w->told++ >= TELL_MAX) return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    w->tell(w->arg, text);
}

/* A key as a person finds it again. */
static void
name_key(const struct walk *w, struct pd_text key, char text[64])
{
    uint64_t position = 0;
    uint32_t item = 0;

    text[0] = '\0';
    if (w->table.content == EVENTS && key.size == sizeof position) snprintf(text, 64, "%" PRIu64, page_number(key));
    if (w->table.content != ROWS || key.size != ROW_KEY) return;
    for (int i = 0; i < 8; i++) position = position << 8 | (uint8_t)key.data[i];
    for (int i = 8; i < ROW_KEY; i++) item = item << 8 | (uint8_t)key.data[i];
    snprintf(text, 64, "%" PRIu64 "/%" PRIu32, position, item);
}

/* What hung below a page. */
static void
tell_page(struct walk *w, uint64_t page, struct bounds b, const char *wrong)
{
    char low[64], high[64], below[224];

    name_key(w, b.low, low);
    name_key(w, b.high, high);
    if (w->table.content == FREE_PAGES) snprintf(below, sizeof below, "the list of free pages");
    else if (w->table.content == TABLES) snprintf(below, sizeof below, "the list of tables");
    else if (w->table.content == EVENTS && b.high.data != NULL)
        snprintf(below, sizeof below, "events %s to %" PRIu64, low[0] == '\0' ? "1" : low, page_number(b.high) - 1);
    else if (w->table.content == EVENTS)
        snprintf(below, sizeof below, "events %s to %" PRIu64, low[0] == '\0' ? "1" : low, w->table.said.entries);
    else if (w->table.content == ENTRIES) snprintf(below, sizeof below, "entries");
    else snprintf(below, sizeof below, "rows %s%s%s%s%s", w->table.name, low[0] == '\0' ? "" : " from position ", low,
                  high[0] == '\0' ? "" : " to before position ", high);
    tell(w, "page %" PRIu64 ": %s; below it: %s", page, wrong, below);
}

/* An entry, by its own key or the one before it. */
static void
tell_entry(struct walk *w, uint64_t page, struct pd_text key, bool own, struct bounds b, const char *wrong)
{
    char text[64];

    name_key(w, key, text);
    if (w->table.content == EVENTS)
        tell(w, "event %" PRIu64 " on page %" PRIu64 ": %s", text[0] == '\0' ? 1 : page_number(key) + (own ? 0 : 1), page, wrong);
    else if (text[0] != '\0')
        tell(w, "row %s %s position %s on page %" PRIu64 ": %s", w->table.name, own ? "at" : "behind", text, page, wrong);
    else tell_page(w, page, b, wrong);
}

/* ---- keys and pages ------------------------------------------------------------------------------------------------ */

static bool
has_integers(const struct walk *w)
{
    return w->table.content == FREE_PAGES || w->table.content == EVENTS;
}

static bool
key_fits(const struct walk *w, struct pd_text key)
{
    if (has_integers(w)) return key.size == sizeof(uint64_t);
    return w->table.content == ROWS ? key.size == ROW_KEY : key.size > 0;
}

static bool
is_before(const struct walk *w, struct pd_text a, struct pd_text b)
{
    if (has_integers(w)) return page_number(a) < page_number(b);
    int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
    return order < 0 || (order == 0 && a.size < b.size);
}

static bool
has_bit(const uint8_t *bits, uint64_t page)
{
    return (bits[page / 8] >> page % 8 & 1) != 0;
}

/* NULL, or why the page is not to be had. */
static const char *
take(struct walk *w, uint8_t *bits, uint64_t page)
{
    if (page < 2 || page > w->meta.last_page || page >= w->file.pages) return "it lies outside of the file";
    if (has_bit(bits, page)) return bits == w->free ? "it is free twice" : "it is in use twice";
    bits[page / 8] = (uint8_t)(bits[page / 8] | 1 << page % 8);
    return NULL;
}

/* A long value's pages. */
static const char *
take_overflow(struct walk *w, const struct page_node *n)
{
    uint64_t    pages;
    const char *wrong = page_load_overflow(&w->file, n, &pages);

    if (wrong != NULL) return wrong;
    for (uint64_t i = 0; i < pages; i++)
        if (take(w, w->used, n->page + i) != NULL) return "its value's pages are in use twice";
    w->seen.overflows += pages;
    return NULL;
}

/* ---- entries of leaves --------------------------------------------------------------------------------------------- */

/* A count, and then so many pages, the highest first. They may lie behind the file's end: what was never written. */
static const char *
take_free(struct walk *w, const uint64_t *ids, size_t size)
{
    if (size % sizeof *ids != 0 || size == 0 || ids[0] != size / sizeof *ids - 1) return "its count of free pages is wrong";
    for (uint64_t i = 1; i <= ids[0]; i++) {
        if (ids[i] < 2 || ids[i] > w->meta.last_page) return "a free page lies outside of the file";
        if ((i > 1 && ids[i] >= ids[i - 1]) || has_bit(w->free, ids[i])) return "a page is free twice, or out of order";
        w->free[ids[i] / 8] = (uint8_t)(w->free[ids[i] / 8] | 1 << ids[i] % 8);
    }
    return NULL;
}

static const char *
see_free(struct walk *w, const struct page_node *n)
{
    if (page_number(n->key) > w->meta.turn) return "its transaction is none yet";
    uint64_t *ids = malloc(n->size + sizeof *ids); /* no more than the file has: its overflow pages were looked at */
    PD_CHECK(ids != NULL);
    bool ok = n->data.data != NULL ||
              pread(w->file.fd, ids, n->size, (off_t)(n->page * w->file.page_size + 16)) == (ssize_t)n->size;
    if (n->data.data != NULL) memcpy(ids, n->data.data, n->size);
    const char *wrong = ok ? take_free(w, ids, n->size) : "it cannot be read";
    free(ids);
    return wrong;
}

static const char *
see_table(struct walk *w, const struct page_node *n)
{
    struct table t = {.content = ROWS};

    if (!n->is_table || n->data.size != sizeof t.said) return "it is no table";
    t.said = page_read_table(n->data);
    if (pd_text_equal(n->key, PD_TEXT("events"))) t.content = EVENTS, t.name = "events";
    else if (pd_text_equal(n->key, PD_TEXT("meta"))) t.content = META, t.name = "meta";
    else if (pd_text_equal(n->key, PD_TEXT("entries"))) t.content = ENTRIES, t.name = "entries";
    for (int code = 1; code < PD_ROW_CODES && t.name == NULL; code++) {
        const struct pd_block *row = pd_schema_row(code);
        if (row != NULL && pd_text_equal(n->key, pd_text(row->name))) t.name = row->name;
    }
    if (t.name == NULL) return "it is a table that nobody knows";
    if (t.said.flags != (t.content == EVENTS ? PAGE_INTEGER_KEYS : 0)) return "its table's flags are unknown";
    if (w->table_count == TABLES_MAX) return "it is one table too many";
    w->tables[w->table_count++] = t;
    return NULL;
}

static const char *
see_entry(struct walk *w, const struct page_node *n)
{
    const char *wrong = n->page == PAGE_NONE ? NULL : take_overflow(w, n);

    w->seen.entries++;
    if (wrong != NULL) return wrong;
    if (n->is_table != (w->table.content == TABLES)) return "its flags are unknown";
    if (w->table.content == FREE_PAGES) return see_free(w, n);
    if (w->table.content == TABLES) return see_table(w, n);
    if (w->table.content == META && !pd_text_equal(n->key, PD_TEXT("log_id")) && !pd_text_equal(n->key, PD_TEXT("folded")))
        return "its name is unknown";
    if (w->table.content != EVENTS) return NULL;
    bool follows = w->last == 0 || page_number(n->key) == w->last + 1;
    w->last = page_number(n->key);
    return follows ? NULL : "its position does not follow the one before";
}

/* ---- trees --------------------------------------------------------------------------------------------------------- */

/* The key of an entry; of a branch's first, which says nothing, the least that can be below it. */
static struct pd_text
key_at(const uint8_t *page, int i, bool leaf, struct bounds b)
{
    return i == 0 && !leaf ? b.low : page_node(page, i).key;
}

/* The first entry whose key is not between those beside it, or -1. */
static int
find_disorder(const struct walk *w, const uint8_t *page, bool leaf, struct bounds b)
{
    struct pd_text before = {NULL, 0};

    for (int i = 0; i < page_nodes(page); i++) {
        struct pd_text key = key_at(page, i, leaf, b);
        if (i > 0 || leaf) {
            if (!key_fits(w, key) || (b.high.data != NULL && !is_before(w, key, b.high))) return i;
            if (before.data != NULL && !is_before(w, before, key)) return i;
            if (i == 0 && b.low.data != NULL && is_before(w, key, b.low)) return i;
        }
        before = key;
    }
    return -1;
}

static void
walk_page(struct walk *w, uint64_t number, int level, struct bounds b)
{
    uint8_t    *page = w->pages + (size_t)level * w->file.page_size;
    bool        leaf = level + 1 == w->table.said.depth;
    int         node = -1;
    const char *wrong = take(w, w->used, number);

    *(leaf ? &w->seen.leaves : &w->seen.branches) += 1;
    if (wrong == NULL) {
        if (leaf && w->shallow) return;
        if (leaf && w->table.content == EVENTS && b.high.data != NULL && page_number(b.high) <= w->from) return;
        wrong = page_load(&w->file, number, leaf ? PAGE_LEAF : PAGE_BRANCH, page, &node);
    }
    /* LMDB takes it for granted that there is something to choose from. */
    if (wrong == NULL && !leaf && page_nodes(page) < 2 && w->table.content != FREE_PAGES) wrong = "it has one page below only";
    if (wrong == NULL && (node = find_disorder(w, page, leaf, b)) >= 0) wrong = "its key is out of order";
    if (wrong != NULL && (node < 0 || !leaf)) tell_page(w, number, b, wrong);
    else if (wrong != NULL) tell_entry(w, number, node == 0 ? b.low : key_at(page, node - 1, leaf, b), node == 0, b, wrong);
    if (wrong != NULL) {
        w->last = 0; /* unknown */
        return;
    }
    for (int i = 0; i < page_nodes(page); i++) {
        struct page_node n = page_node(page, i);
        if (!leaf) {
            struct pd_text high = i + 1 < page_nodes(page) ? key_at(page, i + 1, leaf, b) : b.high;
            walk_page(w, n.page, level + 1, (struct bounds){key_at(page, i, leaf, b), high});
        } else if ((wrong = see_entry(w, &n)) != NULL) tell_entry(w, number, n.key, true, b, wrong);
    }
}

/* A tree, and what its table says of it. */
static void
walk_table(struct walk *w, struct table table)
{
    const struct page_table *said = &table.said;
    int                      told = w->told;

    w->table = table;
    w->seen = (struct page_table){.entries = 0};
    if (said->depth > PAGE_DEPTH_MAX || (said->depth == 0) != (said->root == PAGE_NONE)) {
        tell(w, "table %s: its depth is impossible", table.name);
        return;
    }
    if (said->depth > 0) walk_page(w, said->root, 0, (struct bounds){{NULL, 0}, {NULL, 0}});
    if (w->told > told || w->from > 1 || w->shallow) return;
    if (said->branches != w->seen.branches || said->leaves != w->seen.leaves || said->overflows != w->seen.overflows ||
        said->entries != w->seen.entries)
        tell(w, "table %s: its counts of pages and entries are not what it has", table.name);
    if (table.content == EVENTS && w->last != said->entries)
        tell(w, "table %s: it ends with event %" PRIu64 " and has %" PRIu64, table.name, w->last, said->entries);
}

/* The last event, without a look at any other leaf. False: what is on the way will be told by the walk. */
static bool
find_last(struct walk *w, const struct page_table *events, uint64_t *ret_last)
{
    uint64_t page = events->root;
    int      node;

    for (int level = 0; level < events->depth && level < PAGE_DEPTH_MAX; level++) {
        if (page_load(&w->file, page, PAGE_BRANCH | PAGE_LEAF, w->pages, &node) != NULL) return false;
        struct page_node n = page_node(w->pages, page_nodes(w->pages) - 1);
        page = n.page;
        if (level + 1 == events->depth && n.key.size == sizeof *ret_last) *ret_last = page_number(n.key);
    }
    return true;
}

/* Every page is one or the other. What is below a page that is damaged was not seen, nor the long values of leaves that were not
 * read: then only what is both is told. */
static void
compare_free(struct walk *w)
{
    bool whole = w->told == 0 && !w->partial;

    for (uint64_t p = 2; p <= w->meta.last_page; p++) {
        bool used = has_bit(w->used, p), is_free = has_bit(w->free, p);
        if (used && is_free) tell(w, "page %" PRIu64 ": it is in use, and in the list of free pages", p);
        else if (whole && !used && !is_free) tell(w, "page %" PRIu64 ": it is neither in use nor in the list of free pages", p);
    }
}

/* ---- files --------------------------------------------------------------------------------------------------------- */

static enum store_error
open_walk(const char *dir, inspect_tell *told, void *arg, struct walk *w)
{
    char path[4200];

    *w = (struct walk){.tell = told, .arg = arg};
    snprintf(path, sizeof path, "%s/data.mdb", dir);
    w->file.fd = open(path, O_RDONLY | O_CLOEXEC);
    if (w->file.fd < 0) return errno == ENOENT ? STORE_EXISTS_NOT : STORE_FAILED;
    if (lseek(w->file.fd, 0, SEEK_END) == 0) return STORE_EXISTS_NOT; /* LMDB would make it anew */
    const char *wrong = page_read_meta(&w->file, &w->meta);
    /* Those that a transaction took and did not need may be in the list of free pages and not in the file. */
    if (wrong == NULL && w->meta.last_page > w->file.pages + UNWRITTEN_MAX) wrong = "the last page is far behind the file's end";
    if (wrong != NULL) {
        tell(w, "meta pages: %s", wrong);
        return STORE_DAMAGED;
    }
    w->used = calloc(1, w->meta.last_page / 8 + 1);
    w->free = calloc(1, w->meta.last_page / 8 + 1);
    w->pages = malloc(PAGE_DEPTH_MAX * w->file.page_size);
    PD_CHECK(w->used != NULL && w->free != NULL && w->pages != NULL);
    return STORE_OK;
}

static void
close_walk(struct walk *w)
{
    if (w->file.fd >= 0) close(w->file.fd);
    free(w->used);
    free(w->free);
    free(w->pages);
}

enum store_error
inspect_store(const char *dir, uint64_t tail, inspect_tell *told, void *arg, struct inspected *ret_found)
{
    struct walk      w;
    enum store_error error = open_walk(dir, told, arg, &w);

    *ret_found = (struct inspected){.from = 1, .taken_back = w.file.taken_back};
    if (error == STORE_OK) {
        walk_table(&w, (struct table){FREE_PAGES, "of free pages", w.meta.free});
        walk_table(&w, (struct table){TABLES, "of tables", w.meta.main});
        for (size_t i = 0; i < w.table_count; i++) {
            uint64_t last = 0;
            bool     is_log = w.tables[i].content == EVENTS;
            w.from = is_log && tail > 0 && find_last(&w, &w.tables[i].said, &last) && last > tail ? last - tail + 1 : 1;
            w.shallow = !is_log && tail > 0 && w.tables[i].said.leaves > LEAVES_MAX;
            w.partial = w.partial || w.shallow || w.from > 1;
            walk_table(&w, w.tables[i]);
            if (is_log) ret_found->from = w.from;
        }
        compare_free(&w);
        if (w.told > 0) error = STORE_DAMAGED;
    }
    close_walk(&w);
    return error;
}

enum store_error
inspect_locate(const char *dir, uint64_t position, inspect_tell *told, void *arg, uint64_t *ret_offset, uint64_t *ret_size,
               uint64_t *ret_last)
{
    struct walk       w;
    struct page_place place;
    enum store_error  error = open_walk(dir, told, arg, &w);

    *ret_last = 0;
    if (error == STORE_OK) walk_table(&w, (struct table){TABLES, "of tables", w.meta.main});
    for (size_t i = 0; i < w.table_count && error == STORE_OK; i++) {
        const struct page_table *said = &w.tables[i].said;
        if (w.tables[i].content != EVENTS) continue;
        *ret_last = said->entries;
        const char *wrong = page_find(&w.file, said->root, position, &place);
        if (wrong != NULL) tell(&w, "page %" PRIu64 ": %s; on the way to event %" PRIu64, place.page, wrong, position);
        else if (place.offset == 0) error = STORE_NONE;
        *ret_offset = place.offset;
        *ret_size = place.size;
    }
    if (w.told > 0) error = STORE_DAMAGED;
    close_walk(&w);
    return error;
}
