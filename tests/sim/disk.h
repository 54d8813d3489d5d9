/* disk.h - the books' disk: the store in memory with what goes wrong in front. The linker has the engine's calls of store.h come
 * by here (--wrap), so neither engine nor store knows. */
#ifndef SIM_DISK_H
#define SIM_DISK_H

#include "engine/store/store.h"

enum disk_fault {
    DISK_FINE, DISK_BEGIN, DISK_COMMIT_LOST, DISK_COMMIT_KEPT, DISK_ROWS_LOST, DISK_ROWS_KEPT, DISK_ROOM, DISK_ANY, DISK_READ,
    DISK_VIEWS_LOST, DISK_VIEWS_KEPT,
};

/* The next call of this kind fails; once. */
extern struct disk {
    enum disk_fault     armed;
    unsigned            calls;     /* DISK_ANY, DISK_READ, DISK_VIEWS_: that many calls go well before */
    bool                fired;
    const struct store *log, *rows; /* which store is whose; others are the views' */
    bool                log_full, rows_full, refused; /* refused: space, since it was last set false */
} disk;

#endif
