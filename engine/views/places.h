/* places.h - the two places on the disk where views may be, DIR/views-a and DIR/views-b. At most one of them serves, the other is
 * being made. */
#ifndef VIEWS_PLACES_H
#define VIEWS_PLACES_H

#include "engine/views/projection.h"

enum { PLACES = 2, NOWHERE = -1 };

/* Allocated. */
char *places_path(const char *dir, int place);

/* Opens those that are whole; the one that is further, should both have been left by a crash, serves (NOWHERE: none). What is
 * damaged is passed over, but STORE_DAMAGED for who only looks (STORE_VIEWS_LOOK). What was opened is the caller's to close. */
enum store_error places_open(struct projector *projector, const char *dir, enum store_mode mode,
                             struct projection ret_places[PLACES], int *ret_serving) STORE_MUST_CHECK;

#endif
