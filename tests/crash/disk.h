/* disk.h - what a disk may hold when the power fails, by what POSIX promises and no more:
 *
 *   - what was written to a file and then synced is there, and so is its size;
 *   - of what was written since, any part is there: whole writes, or what of them stands in blocks of 4,096 or 512 bytes, in any
 *     order; a block is the old or the new one, never a mixture;
 *   - a write through O_DSYNC is there when the call has returned, but makes nothing else durable;
 *   - a file's size is what it was after any of the changes since the sync; what was never written of it is zeroes;
 *   - a name that was made, renamed or removed is as before or after until its directory was synced, whatever the others are; what
 *     lies below a name that is missing is missing with it;
 *   - a file that is written through a map (LMDB's lock.mdb) holds anything.
 *
 * A disk is changed by the calls of a trace; an image of it is laid over it for a moment, and taken away again. */
#ifndef CRASH_DISK_H
#define CRASH_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <xxhash.h>

#include "tests/crash/trace.h"

enum { PAGE_BYTES = 4096, SECTOR_BYTES = 512, FILE_BYTES_MAX = 64 << 20, NODES_MAX = 128, LINKS_MAX = 256, PENDING_MAX = 4096 };

/* An entry of a trace; texts and bytes lie in it. */
struct trace_op {
    enum trace_kind kind;
    bool            durable;
    uint64_t        offset, size;
    char            path[256];
    const char     *bytes;
    size_t          bytes_size;
};

struct node {
    bool           is_dir;
    char          *bytes;     /* a file's, as it is on the disk, or in the image */
    uint64_t       size, end; /* `end`: behind it there are only zeroes */
    XXH128_hash_t *prints;    /* of its pages */
};

/* A change of names: `child` stands under the name now (-1: nothing), and nothing under the old one any more. */
struct link {
    int  parent, old_parent, child; /* old_parent -1: there is none */
    char name[64], old_name[64];
    bool durable, shown; /* shown: in the image */
};

struct pending {
    int         node;
    uint64_t    offset, size;
    const char *bytes; /* NULL: zeroes */
    bool        truncates, durable;
};

struct saved {
    int           node;
    uint64_t      page;
    XXH128_hash_t print;
    char          bytes[PAGE_BYTES];
};

struct disk {
    struct node    nodes[NODES_MAX]; /* the first is the root */
    int            node_count;
    struct link    links[LINKS_MAX];
    size_t         link_count;
    struct pending pending[PENDING_MAX]; /* in the order of the calls */
    size_t         pending_count;
    struct saved  *saved; /* what the image has covered */
    size_t         saved_count, saved_room;
    uint64_t       sizes[NODES_MAX], ends[NODES_MAX];
    bool           garbled; /* lock.mdb is full of garbage in the image, which its print does not count */
};

/* Numbers that look random and are the same for the same start. */
struct dice {
    uint64_t state;
};

uint64_t dice_roll(struct dice *dice, uint64_t below);

void disk_init(struct disk *disk);
void disk_fini(struct disk *disk);

/* A disk that holds what the image of another one shows, all of it durable. */
void disk_init_from(struct disk *disk, const struct disk *image);

/* A call begins: what it does is pending. It ends: what it promises is kept. */
void disk_begin(struct disk *disk, const struct trace_op *op);
void disk_end(struct disk *disk, const struct trace_op *op);

/* How many images of the present state are worth asking for. */
unsigned disk_images(const struct disk *disk);

/* Lays an image over the disk; the same number and dice, the same image. 0: all that is pending is there; 1: nothing of it. */
void disk_lay(struct disk *disk, unsigned number, struct dice dice);
void disk_lift(struct disk *disk);

/* The image by its content. */
XXH128_hash_t disk_print(const struct disk *disk);

/* Writes the image's root directory, which is made. */
void disk_write(const struct disk *disk, const char *path);

#endif
