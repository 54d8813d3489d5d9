/* door.h - the engine's door: bytes to a decoded, judged request. Domain names are made ASCII and time zones looked up here,
 * since the libraries for both allocate and the rules do not. No sockets, no clock. */
#ifndef BUS_DOOR_H
#define BUS_DOOR_H

#include "engine/engine.h"

/* What decoding needs; one per thread. */
struct door {
    struct mp_writer scratch;
    struct mp_cursor left; /* of the frame that was opened: the requests not yet taken */
};

void door_fini(struct door *door);

/* Scans a frame. False: ret_refusal says why. On success *ret_count is the number of requests in an array (from 1),
 * or 0 for a single one. */
bool door_open(struct door *door, enum pd_port port, struct pd_text body, size_t *ret_count, struct pd_refusal *ret_refusal);

/* Decodes the next request of the frame, whose texts point into the frame and the arena. A refusal is left in
 * request->refusal. */
void door_take(struct door *door, enum pd_port port, bool array, struct pd_arena *arena, struct request *request);

#endif
