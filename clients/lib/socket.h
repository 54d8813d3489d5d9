/* socket.h - how this library opens ZeroMQ sockets: finite linger, no blocking sends, and never ZMTP heartbeats (libzmq
 * 4.3.4 aborts on them). */
#ifndef CLIENTS_LIB_SOCKET_H
#define CLIENTS_LIB_SOCKET_H

#include <pedido/client.h>

/* A connected socket, or NULL with the reason in the client. */
void *pd_socket_open(struct pd_client *client, int type, const char *endpoint);
void  pd_socket_close(void **socket);

/* Waits for a message and receives it, its last frame into `body` and the one before into `head` (where not NULL), both
 * zmq_msg_t that are initialised. False when the time is over. */
bool pd_socket_receive(void *socket, uint64_t timeout_ms, void *head, void *body);

/* Keeps a sentence for pd_client_problem, and returns the status. */
enum pd_client_status pd_client_fail(struct pd_client *client, enum pd_client_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
