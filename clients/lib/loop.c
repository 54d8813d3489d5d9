/* One descriptor for a foreign loop: an epoll of the sockets' descriptors and a timer. A ZeroMQ descriptor tells of changes only
 * and sending may swallow one, so whoever returns to the caller looks at the sockets themselves: where an answer is waiting, or a
 * request to be sent, the timer is made due at once. */
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "clients/lib/socket.h"
#include "clients/lib/state.h"

static bool
watch(struct pd_client *c, int fd)
{
    struct epoll_event in = {.events = EPOLLIN};
    return epoll_ctl(c->loop_fd, EPOLL_CTL_ADD, fd, &in) == 0;
}

void
pd_loop_add(struct pd_client *c, void *socket)
{
    if (c->loop_fd >= 0) watch(c, pd_socket_fd(socket));
}

void
pd_loop_remove(struct pd_client *c, void *socket)
{
    if (c->loop_fd >= 0) epoll_ctl(c->loop_fd, EPOLL_CTL_DEL, pd_socket_fd(socket), NULL);
}

void
pd_loop_close(struct pd_client *c)
{
    if (c->timer_fd >= 0) close(c->timer_fd);
    if (c->loop_fd >= 0) close(c->loop_fd);
    c->loop_fd = c->timer_fd = -1;
}

void
pd_loop_arm(struct pd_client *c)
{
    struct itimerspec at = {.it_value = {.tv_nsec = 0}}; /* none */
    bool              now = pd_sending_has(c);

    if (c->loop_fd < 0) return;
    for (int port = 0; port < PORTS; port++) now |= c->sockets[port] != NULL && pd_socket_has(c->sockets[port]);
    if (now) at.it_value.tv_nsec = 1;
    else if (c->count > 0)
        at.it_value = (struct timespec){(time_t)(c->wake_ms / 1000), (long)(c->wake_ms % 1000) * 1000000 + 1};
    timerfd_settime(c->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
}

int
pd_client_fd(struct pd_client *client)
{
    bool ok = true;

    if (client->loop_fd >= 0) return client->loop_fd;
    client->loop_fd = epoll_create1(EPOLL_CLOEXEC);
    client->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    ok = client->loop_fd >= 0 && client->timer_fd >= 0 && watch(client, client->timer_fd);
    for (int port = 0; ok && port < PORTS; port++)
        if (client->sockets[port] != NULL) ok = watch(client, pd_socket_fd(client->sockets[port]));
    if (!ok) {
        pd_client_fail(client, PD_CLIENT_FULL, "no descriptor for a loop: %s", strerror(errno));
        pd_loop_close(client);
        return -1;
    }
    pd_loop_arm(client);
    return client->loop_fd;
}
