/* data.h - the data directory as a program meets it: its lock, and what is wrong with its books in words. */
#ifndef ENGINE_DATA_H
#define ENGINE_DATA_H

#include "engine/options.h"
#include "engine/store/store.h"

/* The directory's lock, where a lock is one: on a network's file system another machine may have it, and only --any-file-system
 * takes it all the same. `make`: the directory is made when it is missing. A descriptor, locked until it is closed; -1: the log
 * says why. */
int data_lock(const struct options *options, bool make);

/* Says what opening the books came to, and what to do; `known` is the position that STORE_SHORTER is about. True when all is
 * well. */
bool data_say_error(const struct options *options, enum store_error error, uint64_t known);

#endif
