/* endpoint.h - where a port can be bound: tcp://ADDRESS:PORT, where the address is one of this machine's, an interface or * for all
 * of them, and the port may be * for a free one; or ipc://PATH. Several stand with commas between them. */
#ifndef BASE_ENDPOINT_H
#define BASE_ENDPOINT_H

#include <pedido/types.h>
#include <stdbool.h>

enum { ENDPOINTS_MAX = 4 /* of a port */ };

/* Takes the first of the list from it. False: there is none. */
bool endpoint_next(struct pd_text *list, struct pd_text *ret_endpoint);

bool endpoint_is_valid(struct pd_text endpoint);
bool endpoint_is_tcp(struct pd_text endpoint);

/* Only this machine reaches it: loopback, or ipc. */
bool endpoint_is_local(struct pd_text endpoint);

#endif
