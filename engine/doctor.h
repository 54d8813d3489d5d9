/* doctor.h - `pedidod doctor`: whether a disk and a machine will do, before anything is entrusted to them. */
#ifndef ENGINE_DOCTOR_H
#define ENGINE_DOCTOR_H

#include <stdbool.h>

/* Examines the directory and prints, on stdout, the worst verdict and then one line each: file system, flush, device, space,
 * limits, clock. It writes to a file that has no name and is gone with the process; books that are there are not touched, and an
 * engine may serve meanwhile, more slowly. Takes about a second. Returns the worst, as Nagios and its heirs want it: 0 OK,
 * 1 WARNING, 2 CRITICAL, 3 UNKNOWN. To be called while there is one thread.
 *
 * Whether a flush is honoured is seen in two ways: what a process was told is on the device must be there after it was killed, read
 * past the page cache; and a flush that takes no time is none. Neither can know what the device does when its power fails. */
int doctor_examine(const char *dir, bool any_file_system);

#endif
