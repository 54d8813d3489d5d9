/* offline.h - the verbs on the directory of an engine that does not serve: `pedidod verify`,
 * `rebuild`, `restore`, `dump` and `locate`.
 *
 * Each takes the directory's lock and keeps it to the end of the process, prints its result on stdout, progress and complaints on
 * stderr, and returns the exit status: 0, 1, or OFFLINE_USAGE for an operand that is none. */
#ifndef ENGINE_OFFLINE_H
#define ENGINE_OFFLINE_H

#include "engine/options.h"

enum { OFFLINE_USAGE = 2 };

/* Looks at every page, checks the chain, folds the log and compares every row; writes nothing. */
int offline_verify(const struct options *options);

/* Throws every row away and folds the log again. */
int offline_rebuild(const struct options *options);

/* Makes a data directory of the backup that is the operand. */
int offline_restore(const struct options *options);

/* Prints all that the views hold. */
int offline_dump(const struct options *options);

/* Where an event lies: file, offset and size, for whoever wants to look at its bytes, or to see that damage is found. */
int offline_locate(const struct options *options);

#endif
