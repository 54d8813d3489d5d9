/* fresh.h - the file of new books appears whole, or not at all. */
#ifndef STORE_FRESH_H
#define STORE_FRESH_H

/* Makes DIR/data.mdb: empty books, whole and on stable storage before they get their name, by way of DIR/new. LMDB by itself
 * would write its first pages into a file that has its name already: after a power failure they may be missing or torn, and what
 * has a size and no first page is never opened again. What an earlier try has left is thrown away. The name is for certain when the
 * caller has synced DIR. 0, or an error as mdb_strerror takes it. */
int fresh_make(const char *dir);

#endif
