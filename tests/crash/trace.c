#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/check.h"
#include "tests/crash/story.h"

/* One entry; its bytes are where they lie. */
static const char *
read_op(const char *at, struct trace_op *ret_op)
{
    struct trace_head head;

    memcpy(&head, at, sizeof head);
    at += sizeof head;
    *ret_op = (struct trace_op){
        .kind = head.kind, .durable = head.durable != 0, .offset = head.offset, .size = head.size, .bytes_size = head.bytes_size,
    };
    PD_CHECK(head.path_size < sizeof ret_op->path);
    memcpy(ret_op->path, at, head.path_size);
    at += head.path_size;
    ret_op->bytes = at;
    return at + head.bytes_size;
}

void
trace_open(struct trace *t, const char *path)
{
    struct stat st;
    size_t      room = 0;
    int         fd = open(path, O_RDONLY | O_CLOEXEC);

    PD_CHECK(fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0);
    *t = (struct trace){.map_size = (size_t)st.st_size};
    t->map = mmap(NULL, t->map_size, PROT_READ, MAP_PRIVATE, fd, 0);
    PD_CHECK(t->map != MAP_FAILED);
    close(fd);
    for (const char *at = t->map; at < t->map + t->map_size; t->count++) {
        if (t->count == room) {
            room = room * 2 + 1024;
            t->ops = realloc(t->ops, room * sizeof *t->ops);
            PD_CHECK(t->ops != NULL);
        }
        at = read_op(at, &t->ops[t->count]);
    }
}

void
trace_close(struct trace *t)
{
    munmap(t->map, t->map_size);
    free(t->ops);
    *t = (struct trace){.map = NULL};
}
