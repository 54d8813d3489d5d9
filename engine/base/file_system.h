/* file_system.h - what a directory's file system is, and does. */
#ifndef BASE_FILE_SYSTEM_H
#define BASE_FILE_SYSTEM_H

#include <stdbool.h>

enum file_system_kind {
    FILE_SYSTEM_LOCAL,
    FILE_SYSTEM_MEMORY, /* nothing of it survives a power cut */
    FILE_SYSTEM_REMOTE, /* over a network, or made by another program: locks, maps and flushes may mean less than they say */
    FILE_SYSTEM_OTHER,  /* not known; or it cannot be asked, and *ret_name says why */
};

/* Of a directory that is there; *ret_name is how a person calls it, a constant or strerror's. */
enum file_system_kind file_system_of(const char *dir, const char **ret_name);

/* The same by the number that statfs gives. */
enum file_system_kind file_system_by_number(unsigned long number, const char **ret_name);

/* Brings a directory's entries to stable storage; whether they are there, or else errno. */
bool file_system_sync(const char *dir);

#endif
