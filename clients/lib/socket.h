/* socket.h - how this library opens ZeroMQ sockets: finite linger, no blocking sends, and never ZMTP heartbeats (libzmq
 * 4.3.4 aborts on them). */
#ifndef CLIENTS_LIB_SOCKET_H
#define CLIENTS_LIB_SOCKET_H

#include <pedido/client.h>

/* A connected socket, or NULL with the reason in the client. */
void *pd_socket_open(struct pd_client *client, int type, const char *endpoint);
void  pd_socket_close(void **socket);

/* Receives a message that is there, its last frame into `body` and the one before into `head` (where not NULL), both
 * zmq_msg_t that are initialised. False when there is none. */
bool pd_socket_receive(void *socket, void *head, void *body);

/* The descriptor that tells that something happened, edge-triggered; whether there is something to receive. */
int  pd_socket_fd(void *socket);
bool pd_socket_has(void *socket);

#endif
