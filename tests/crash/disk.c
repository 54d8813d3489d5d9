#include "tests/crash/disk.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/check.h"

enum { PAGES_MAX = FILE_BYTES_MAX / PAGE_BYTES, FEW = 4, SAMPLES = 64 };

uint64_t
dice_roll(struct dice *d, uint64_t below)
{
    uint64_t z = (d->state += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (z ^ z >> 31) % below;
}

/* ---- nodes and names ----------------------------------------------------------------------------------------------- */

static void *
reserve(size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    PD_CHECK(at != MAP_FAILED);
    return at;
}

static int
add_node(struct disk *d, bool is_dir)
{
    PD_CHECK(d->node_count < NODES_MAX);
    struct node *n = &d->nodes[d->node_count];
    *n = (struct node){.is_dir = is_dir};
    if (!is_dir) {
        n->bytes = reserve(FILE_BYTES_MAX);
        n->prints = reserve(PAGES_MAX * sizeof *n->prints);
    }
    return d->node_count++;
}

/* What stands under a name: in the image, or for the program that runs. -1: nothing. */
static int
child_of(const struct disk *d, int parent, const char *name, bool in_image)
{
    int child = -1;
    for (const struct link *l = d->links; l < d->links + d->link_count; l++) {
        if (in_image && !l->shown) continue;
        if (l->parent == parent && strcmp(l->name, name) == 0) child = l->child;
        if (l->old_parent == parent && strcmp(l->old_name, name) == 0) child = -1;
    }
    return child;
}

/* The directory of a path, and the last name of it. The root's own path is empty. */
static int
find_parent(const struct disk *d, const char *path, char ret_name[64])
{
    int         node = 0;
    const char *slash;

    for (; (slash = strchr(path, '/')) != NULL; path = slash + 1) {
        snprintf(ret_name, 64, "%.*s", (int)(slash - path), path);
        node = child_of(d, node, ret_name, false);
        PD_CHECK(node >= 0);
    }
    snprintf(ret_name, 64, "%s", path);
    return node;
}

static int
find_node(const struct disk *d, const char *path)
{
    char name[64];
    int  parent = find_parent(d, path, name), node = name[0] == '\0' ? 0 : child_of(d, parent, name, false);
    PD_CHECK(node >= 0);
    return node;
}

static void
add_link(struct disk *d, const char *path, int child, const char *old_path)
{
    PD_CHECK(d->link_count < LINKS_MAX);
    struct link *l = &d->links[d->link_count];
    *l = (struct link){.child = child, .old_parent = -1};
    l->parent = find_parent(d, path, l->name);
    if (old_path != NULL) l->old_parent = find_parent(d, old_path, l->old_name);
    d->link_count++;
}

/* ---- a file's bytes ------------------------------------------------------------------------------------------------ */

static void
print_page(struct node *n, uint64_t page)
{
    static const char    zeroes[PAGE_BYTES];
    const char          *bytes = n->bytes + page * PAGE_BYTES;
    static const XXH128_hash_t nothing;
    n->prints[page] = memcmp(bytes, zeroes, PAGE_BYTES) == 0 ? nothing : XXH3_128bits_withSeed(bytes, PAGE_BYTES, page + 1);
}

/* Zeroes behind the end are there already. */
static void
put_bytes(struct node *n, uint64_t offset, const char *bytes, uint64_t size)
{
    PD_CHECK(offset + size <= FILE_BYTES_MAX);
    if (bytes == NULL && offset + size > n->end) size = offset < n->end ? n->end - offset : 0;
    if (size == 0) return;
    if (bytes != NULL) memcpy(n->bytes + offset, bytes, size);
    else memset(n->bytes + offset, 0, size);
    if (offset + size > n->end) n->end = offset + size;
}

static void
cut_bytes(struct node *n, uint64_t size)
{
    if (n->end <= size) return;
    memset(n->bytes + size, 0, n->end - size);
    n->end = size;
}

static uint64_t
size_after(const struct pending *p, uint64_t size)
{
    if (p->truncates) return p->size;
    return p->offset + p->size > size ? p->offset + p->size : size;
}

static void
keep(struct disk *d, const struct pending *p)
{
    struct node *n = &d->nodes[p->node];
    uint64_t     first = (p->truncates ? p->size : p->offset) / PAGE_BYTES, before = n->end;

    if (p->truncates) cut_bytes(n, p->size);
    else put_bytes(n, p->offset, p->bytes, p->size);
    n->size = size_after(p, n->size);
    uint64_t last = p->truncates ? before : p->offset + p->size < n->end ? p->offset + p->size : n->end;
    for (uint64_t page = first; page * PAGE_BYTES < last; page++) print_page(n, page);
}

/* ---- calls --------------------------------------------------------------------------------------------------------- */

void
disk_init(struct disk *d)
{
    memset(d, 0, sizeof *d);
    add_node(d, true);
}

void
disk_fini(struct disk *d)
{
    for (int i = 0; i < d->node_count; i++) {
        if (d->nodes[i].is_dir) continue;
        munmap(d->nodes[i].bytes, FILE_BYTES_MAX);
        munmap(d->nodes[i].prints, PAGES_MAX * sizeof(XXH128_hash_t));
    }
    free(d->saved);
}

void
disk_init_from(struct disk *d, const struct disk *image)
{
    disk_init(d);
    for (int i = 1; i < image->node_count; i++) {
        const struct node *from = &image->nodes[i];
        struct node       *to = &d->nodes[add_node(d, from->is_dir)];
        if (from->is_dir) continue;
        put_bytes(to, 0, from->bytes, from->end);
        to->size = from->size;
        memcpy(to->prints, from->prints, (from->end + PAGE_BYTES - 1) / PAGE_BYTES * sizeof *to->prints);
    }
    for (const struct link *l = image->links; l < image->links + image->link_count; l++)
        if (l->shown) d->links[d->link_count++] = *l;
    for (struct link *l = d->links; l < d->links + d->link_count; l++) l->durable = true;
}

void
disk_begin(struct disk *d, const struct trace_op *op)
{
    char text[256];

    switch (op->kind) {
    case TRACE_MKDIR: add_link(d, op->path, add_node(d, true), NULL); break;
    case TRACE_CREATE: add_link(d, op->path, add_node(d, false), NULL); break;
    case TRACE_REMOVE: add_link(d, op->path, -1, NULL); break;
    case TRACE_RENAME:
        snprintf(text, sizeof text, "%.*s", (int)op->bytes_size, op->bytes);
        add_link(d, text, find_node(d, op->path), op->path);
        break;
    case TRACE_WRITE:
    case TRACE_TRUNCATE:
        PD_CHECK(d->pending_count < PENDING_MAX);
        d->pending[d->pending_count++] = (struct pending){
            .node = find_node(d, op->path), .offset = op->offset, .size = op->size,
            .bytes = op->bytes_size > 0 ? op->bytes : NULL, .truncates = op->kind == TRACE_TRUNCATE,
        };
        break;
    default: break;
    }
}

/* What is pending of a file is on the disk. */
static void
settle(struct disk *d, int node)
{
    size_t kept = 0;
    for (size_t i = 0; i < d->pending_count; i++) {
        if (d->pending[i].node == node) keep(d, &d->pending[i]);
        else d->pending[kept++] = d->pending[i];
    }
    d->pending_count = kept;
}

static bool
is_alone(const struct disk *d, int node)
{
    size_t count = 0;
    for (size_t i = 0; i < d->pending_count; i++) count += d->pending[i].node == node;
    return count == 1;
}

void
disk_end(struct disk *d, const struct trace_op *op)
{
    if (op->kind == TRACE_WRITE && op->durable) {
        struct pending *p = &d->pending[d->pending_count - 1];
        p->durable = true;
        if (is_alone(d, p->node)) settle(d, p->node);
    }
    if (op->kind != TRACE_SYNC) return;
    int node = find_node(d, op->path);
    if (!d->nodes[node].is_dir) settle(d, node);
    else
        for (struct link *l = d->links; l < d->links + d->link_count; l++) l->durable = l->durable || l->parent == node;
}

/* ---- images -------------------------------------------------------------------------------------------------------- */

/* What may be there or not. */
static unsigned
count_open(const struct disk *d)
{
    unsigned count = 0;
    for (size_t i = 0; i < d->pending_count; i++) count += !d->pending[i].durable;
    for (size_t i = 0; i < d->link_count; i++) count += !d->links[i].durable;
    return count;
}

unsigned
disk_images(const struct disk *d)
{
    unsigned count = count_open(d);
    return count == 0 ? 1 : SAMPLES;
}

static void
save_page(struct disk *d, int node, uint64_t page)
{
    const struct node *n = &d->nodes[node];

    for (size_t i = 0; i < d->saved_count; i++)
        if (d->saved[i].node == node && d->saved[i].page == page) return;
    if (d->saved_count == d->saved_room) {
        d->saved_room = d->saved_room * 2 + 64;
        d->saved = realloc(d->saved, d->saved_room * sizeof *d->saved);
        PD_CHECK(d->saved != NULL);
    }
    struct saved *s = &d->saved[d->saved_count++];
    s->node = node;
    s->page = page;
    s->print = n->prints[page];
    memcpy(s->bytes, n->bytes + page * PAGE_BYTES, PAGE_BYTES);
}

static void
lay_bytes(struct disk *d, const struct pending *p, uint64_t offset, uint64_t size)
{
    struct node *n = &d->nodes[p->node];
    /* Zeroes on zeroes change nothing. */
    if (p->bytes == NULL && offset >= n->end) return;
    if (p->bytes == NULL && offset + size > n->end) size = n->end - offset;
    for (uint64_t page = offset / PAGE_BYTES; page * PAGE_BYTES < offset + size; page++) save_page(d, p->node, page);
    put_bytes(n, offset, p->bytes == NULL ? NULL : p->bytes + (offset - p->offset), size);
}

static void
lay_cut(struct disk *d, int node, uint64_t size)
{
    struct node *n = &d->nodes[node];
    for (uint64_t page = size / PAGE_BYTES; page * PAGE_BYTES < n->end; page++) save_page(d, node, page);
    cut_bytes(n, size);
}

/* What of the open things is there: those of a mask; all but one, of which a part is; a part of each. */
enum style { WHOLE, TORN, SCATTERED };

struct choice {
    enum style style;
    uint64_t   mask;
    unsigned   torn;
    uint64_t   grain; /* of a part */
};

/* First what can be told off: all, none; every subset of a few, or each of many missing; each torn. Then by the dice. */
static struct choice
choose(const struct disk *d, unsigned number, struct dice *dice)
{
    unsigned      count = count_open(d), subsets = count <= FEW ? 1u << count : 2 + count;
    struct choice c = {.style = WHOLE, .mask = number == 0 ? UINT64_MAX : 0};

    if (number < 2 || count == 0) return c;
    c.grain = dice_roll(dice, 2) == 0 ? SECTOR_BYTES : PAGE_BYTES;
    if (number < subsets) {
        c.mask = count <= FEW ? number - 1 : ~(UINT64_C(1) << (number - 2) % 64);
    } else if (number < subsets + count) {
        c.style = TORN;
        c.torn = number - subsets;
    } else {
        c.style = dice_roll(dice, 2) == 0 ? TORN : SCATTERED;
        c.torn = (unsigned)dice_roll(dice, count);
    }
    return c;
}

/* Whether the n-th open thing is there as a whole. */
static bool
is_there(struct choice c, unsigned n)
{
    if (c.style == WHOLE) return c.mask >> (n < 64 ? n : 63) & 1;
    return c.style == TORN && c.torn != n;
}

/* The parts of a write that are there: blocks, each by the dice; or all before or behind one. */
static void
lay_parts(struct disk *d, const struct pending *p, struct choice c, struct dice *dice)
{
    uint64_t end = p->offset + p->size, blocks = (end - 1) / c.grain - p->offset / c.grain + 1, at = p->offset;
    uint64_t tear = dice_roll(dice, blocks + 1);
    bool     behind = dice_roll(dice, 2) == 0;

    for (uint64_t block = 0; block < blocks; block++) {
        uint64_t next = (at / c.grain + 1) * c.grain;
        if (next > end) next = end;
        bool there = c.style == TORN ? (block < tear) != behind : dice_roll(dice, 2) == 0;
        if (there) lay_bytes(d, p, at, next - at);
        at = next;
    }
}

static void
lay_pending(struct disk *d, struct choice c, struct dice *dice)
{
    uint64_t sizes[NODES_MAX];
    bool     halts[NODES_MAX] = {false};
    unsigned open = 0;

    for (int i = 0; i < d->node_count; i++) sizes[i] = d->nodes[i].size;
    for (size_t i = 0; i < d->pending_count; i++) {
        const struct pending *p = &d->pending[i];
        bool there = p->durable || is_there(c, open);
        bool part = !there && c.style != WHOLE && !p->truncates;
        /* A size is as after one of the changes, and nobody knows which; that of a whole image goes with its bytes. */
        if (c.style != WHOLE && !p->durable && dice_roll(dice, 8) == 0) halts[p->node] = true;
        if (p->durable || (c.style == WHOLE ? there : !halts[p->node])) sizes[p->node] = size_after(p, sizes[p->node]);
        if (there && p->truncates) lay_cut(d, p->node, p->size);
        else if (there) lay_bytes(d, p, p->offset, p->size);
        else if (part) lay_parts(d, p, c, dice);
        open += !p->durable;
    }
    for (struct link *l = d->links; l < d->links + d->link_count; l++) {
        l->shown = l->durable || is_there(c, open) || (c.style == SCATTERED && dice_roll(dice, 2) == 0);
        open += !l->durable;
    }
    for (int i = 1; i < d->node_count; i++) {
        if (d->nodes[i].is_dir) continue;
        d->nodes[i].size = sizes[i];
        lay_cut(d, i, sizes[i]);
    }
}

void
disk_lay(struct disk *d, unsigned number, struct dice dice)
{
    PD_CHECK(d->saved_count == 0);
    for (int i = 0; i < d->node_count; i++) {
        d->sizes[i] = d->nodes[i].size;
        d->ends[i] = d->nodes[i].end;
    }
    lay_pending(d, choose(d, number, &dice), &dice);
    for (size_t i = 0; i < d->saved_count; i++) print_page(&d->nodes[d->saved[i].node], d->saved[i].page);
    d->garbled = number > 1 && dice_roll(&dice, 4) == 0;
}

void
disk_lift(struct disk *d)
{
    for (size_t i = 0; i < d->saved_count; i++) {
        const struct saved *s = &d->saved[i];
        memcpy(d->nodes[s->node].bytes + s->page * PAGE_BYTES, s->bytes, PAGE_BYTES);
        d->nodes[s->node].prints[s->page] = s->print;
    }
    d->saved_count = 0;
    for (int i = 0; i < d->node_count; i++) {
        d->nodes[i].size = d->sizes[i];
        d->nodes[i].end = d->ends[i];
    }
}

/* Of each file that can be reached: where, how long, what. The order does not count. */
static void
print_below(const struct disk *d, int dir, uint64_t where, XXH128_hash_t *sum)
{
    for (const struct link *l = d->links; l < d->links + d->link_count; l++) {
        if (!l->shown || l->child < 0 || l->parent != dir || child_of(d, dir, l->name, true) != l->child) continue;
        const struct node *n = &d->nodes[l->child];
        uint64_t           path = XXH3_64bits_withSeed(l->name, strlen(l->name), where);
        XXH128_hash_t      all = {path, n->size};
        for (uint64_t page = 0; !n->is_dir && page * PAGE_BYTES < n->end; page++) {
            all.low64 += n->prints[page].low64;
            all.high64 += n->prints[page].high64;
        }
        XXH128_hash_t print = XXH3_128bits_withSeed(&all, sizeof all, path);
        sum->low64 += print.low64;
        sum->high64 += print.high64;
        if (n->is_dir) print_below(d, l->child, path, sum);
    }
}

XXH128_hash_t
disk_print(const struct disk *d)
{
    XXH128_hash_t sum = {0, 0};
    print_below(d, 0, 0, &sum);
    return sum;
}

static void
write_file(const struct node *n, bool garbled, const char *path)
{
    char garbage[PAGE_BYTES];
    memset(garbage, 0xa5, sizeof garbage);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);

    PD_CHECK(fd >= 0 && ftruncate(fd, (off_t)n->size) == 0);
    if (n->end > 0) PD_CHECK(pwrite(fd, n->bytes, n->end, 0) == (ssize_t)n->end);
    for (uint64_t at = 0; garbled && at < n->size; at += sizeof garbage)
        PD_CHECK(pwrite(fd, garbage, n->size - at < sizeof garbage ? n->size - at : sizeof garbage, (off_t)at) > 0);
    close(fd);
}

static void
write_below(const struct disk *d, int dir, const char *path)
{
    PD_CHECK(mkdir(path, 0750) == 0);
    for (const struct link *l = d->links; l < d->links + d->link_count; l++) {
        char name[512];
        if (!l->shown || l->child < 0 || l->parent != dir || child_of(d, dir, l->name, true) != l->child) continue;
        snprintf(name, sizeof name, "%s/%s", path, l->name);
        if (d->nodes[l->child].is_dir) write_below(d, l->child, name);
        else write_file(&d->nodes[l->child], d->garbled && strcmp(l->name, "lock.mdb") == 0, name);
    }
}

void
disk_write(const struct disk *d, const char *path)
{
    write_below(d, 0, path);
}
