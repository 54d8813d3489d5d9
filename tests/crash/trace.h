/* trace.h - what the recorder writes and the explorer reads: the calls that changed a directory tree, in their order, and what
 * the program said of itself meanwhile. Each entry is a head, a path below the root (of the root itself: empty), and bytes. */
#ifndef CRASH_TRACE_H
#define CRASH_TRACE_H

#include <stdint.h>
#include <sys/types.h>

enum trace_kind {
    TRACE_MKDIR = 1,
    TRACE_CREATE,
    TRACE_WRITE,    /* no bytes: so many zeroes */
    TRACE_TRUNCATE, /* to `size`, shorter or longer */
    TRACE_SYNC,     /* of a file or a directory */
    TRACE_RENAME,   /* bytes: the new path */
    TRACE_REMOVE,
    /* Said by the program, through recorder_say: */
    TRACE_EVENT,  /* offset: an event's position, which is on stable storage; bytes: its record */
    TRACE_ASKED,  /* bytes: a command */
    TRACE_ANSWER, /* bytes: what it was answered */
    TRACE_BACKED_UP, /* offset: the log's last event in the backup, which is made */
    TRACE_RESTORED,  /* the same, of what was restored from it */
};

struct trace_head {
    uint16_t kind, durable; /* durable: written through O_DSYNC or O_SYNC */
    uint32_t path_size;
    uint64_t offset, size;
    uint64_t bytes_size;
};

/* In the recorder; NULL in a program that runs without it. Any thread. */
void recorder_say(enum trace_kind kind, uint64_t offset, const char *bytes, size_t size) __attribute__((weak));

/* In the recorder, too: `pause` is called before each call that will be recorded, and may go on with something else meanwhile. */
void recorder_pause_by(void (*pause)(void)) __attribute__((weak));

#endif
