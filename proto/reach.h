/* reach.h - where a port is for somebody who has reached another one of the same engine. */
#ifndef PROTO_REACH_H
#define PROTO_REACH_H

enum { PD_ENDPOINT_SIZE = 256 };

/* The endpoint that an engine tells of; where that is bound to every address (0.0.0.0, [::]), the host of the endpoint that was
 * dialled, with its port. */
void pd_endpoint_reach(const char *told, const char *dialled, char ret_endpoint[PD_ENDPOINT_SIZE]);

#endif
