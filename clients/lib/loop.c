/* One descriptor for a foreign loop: an epoll of the sockets' descriptors, a timer and a flag. A ZeroMQ descriptor tells of
 * changes only and sending may swallow one, so whoever returns to the caller looks at the sockets themselves: where an answer is
 * waiting, or a request to be sent, the flag is raised. (A timer that is due at once does the same, but costs an interrupt: two
 * thirds of a busy client's time.) */
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
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
    if (c->flag_fd >= 0) close(c->flag_fd);
    if (c->loop_fd >= 0) close(c->loop_fd);
    c->loop_fd = c->timer_fd = c->flag_fd = -1;
    c->timer_ms = 0;
    c->flag_raised = false;
}

static void
set_flag(struct pd_client *c, bool raised)
{
    uint64_t one = 1;
    ssize_t  n = raised ? write(c->flag_fd, &one, sizeof one) : read(c->flag_fd, &one, sizeof one);

    if (n == (ssize_t)sizeof one || errno == EAGAIN) c->flag_raised = raised;
}

/* At 0 never. One that is due stays so until it is set anew. */
static void
set_timer(struct pd_client *c, uint64_t ms)
{
    struct itimerspec at = {.it_value = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000 + (ms > 0)}};

    if (timerfd_settime(c->timer_fd, TFD_TIMER_ABSTIME, &at, NULL) == 0) c->timer_ms = ms;
}

void
pd_loop_arm(struct pd_client *c)
{
    bool     now = pd_sending_has(c);
    uint64_t wake_ms = c->count > 0 && c->wake_ms < UINT64_MAX ? c->wake_ms : 0;

    if (c->loop_fd < 0) return;
    for (int port = 0; port < PORTS; port++) now |= c->sockets[port] != NULL && pd_socket_has(c->sockets[port]);
    if (now != c->flag_raised) set_flag(c, now);
    if (wake_ms != c->timer_ms) set_timer(c, wake_ms);
}

int
pd_client_fd(struct pd_client *client)
{
    bool ok = true;

    if (client->loop_fd >= 0) return client->loop_fd;
    client->loop_fd = epoll_create1(EPOLL_CLOEXEC);
    client->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    client->flag_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ok = client->loop_fd >= 0 && client->timer_fd >= 0 && client->flag_fd >= 0 && watch(client, client->timer_fd) &&
         watch(client, client->flag_fd);
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
