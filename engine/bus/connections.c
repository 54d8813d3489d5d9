#include "engine/bus/connections.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <xxhash.h>

#include "engine/base/tally.h"
#include "engine/bus/shares.h"
#include "proto/check.h"

/* A prefix that a connection was given. */
struct subscription {
    struct subscription *beside;      /* in its chain */
    struct subscription *next, **at;  /* of the connection; where it hangs there */
    uint64_t             print;       /* of the connection and the prefix */
    int                  fd;
    bool                 counted;     /* as itself, not among those beyond */
    size_t               size;
    char                 prefix[];
};

struct connection {
    char                *identity; /* NULL: it has none, or there is no connection */
    size_t               identity_size, count, refused;
    struct subscription *first;
};

struct connections {
    struct subscriptions *subscriptions;
    struct connection    *all; /* by file descriptor */
    size_t                size;
    struct subscription **chains; /* by print */
    size_t                mask, count;
    struct tally          of_key;
};

struct connections *
connections_open(struct subscriptions *subscriptions)
{
    struct connections *c = calloc(1, sizeof *c);

    PD_CHECK(c != NULL);
    c->subscriptions = subscriptions;
    c->mask = 255;
    PD_CHECK((c->chains = calloc(c->mask + 1, sizeof *c->chains)) != NULL);
    return c;
}

void
connections_close(struct connections **connections)
{
    struct connections *c = *connections;

    if (c == NULL) return;
    for (size_t fd = 0; fd < c->size; fd++) connections_ended(c, (int)fd);
    tally_fini(&c->of_key);
    free(c->chains);
    free(c->all);
    free(c);
    *connections = NULL;
}

static struct connection *
connection_of(struct connections *c, int fd)
{
    PD_CHECK(fd >= 0);
    if ((size_t)fd < c->size) return &c->all[fd];
    size_t size = (size_t)fd + 64, before = c->size;
    struct connection *all = calloc(size, sizeof *all);
    PD_CHECK(all != NULL);
    for (size_t i = 0; i < before; i++) {
        all[i] = c->all[i];
        if (all[i].first != NULL) all[i].first->at = &all[i].first;
    }
    free(c->all);
    c->all = all;
    c->size = size;
    return &c->all[fd];
}

static struct pd_text
identity_of(const struct connection *one)
{
    return (struct pd_text){one->identity, one->identity_size};
}

static struct pd_text
prefix_of(const struct subscription *s)
{
    return (struct pd_text){s->prefix, s->size};
}

/* How many subscriptions those of this key have; NULL: it is nobody's. */
static uint64_t *
count_of(struct connections *c, const struct connection *one)
{
    uint64_t whom = shares_whom(identity_of(one));
    return whom == 0 ? NULL : tally_of(&c->of_key, whom);
}

static bool
is_too_many(struct connections *c, const struct connection *one)
{
    const uint64_t *of_key = count_of(c, one);
    return one->count >= CONNECTION_SUBSCRIPTIONS || c->count >= ALL_SUBSCRIPTIONS ||
           (of_key != NULL && *of_key >= KEY_SUBSCRIPTIONS);
}

/* ---- chains -------------------------------------------------------------------------------------------------------- */

static uint64_t
print_of(int fd, struct pd_text prefix)
{
    return XXH3_64bits_withSeed(prefix.data, prefix.size, (uint64_t)fd);
}

/* Where it hangs; *NULL where it would. */
static struct subscription **
find(struct connections *c, int fd, struct pd_text prefix)
{
    uint64_t              print = print_of(fd, prefix);
    struct subscription **link = &c->chains[print & c->mask];

    while (*link != NULL && ((*link)->print != print || (*link)->fd != fd || !pd_text_equal(prefix_of(*link), prefix)))
        link = &(*link)->beside;
    return link;
}

static void
grow(struct connections *c)
{
    struct subscription **old = c->chains;
    size_t                chains = c->mask + 1;

    c->mask = 2 * chains - 1;
    PD_CHECK((c->chains = calloc(c->mask + 1, sizeof *c->chains)) != NULL);
    for (size_t i = 0; i < chains; i++)
        for (struct subscription *s = old[i], *beside; s != NULL; s = beside) {
            beside = s->beside;
            s->beside = c->chains[s->print & c->mask];
            c->chains[s->print & c->mask] = s;
        }
    free(old);
}

static void
add(struct connections *c, int fd, struct connection *one, struct pd_text prefix)
{
    struct subscription *s = malloc(sizeof *s + prefix.size);

    PD_CHECK(s != NULL);
    if (c->count > c->mask) grow(c);
    *s = (struct subscription){.next = one->first, .at = &one->first, .print = print_of(fd, prefix), .fd = fd, .size = prefix.size};
    memcpy(s->prefix, prefix.data, prefix.size);
    s->counted = subscriptions_add(c->subscriptions, prefix);
    s->beside = c->chains[s->print & c->mask];
    c->chains[s->print & c->mask] = s;
    if (s->next != NULL) s->next->at = &s->next;
    one->first = s;
    one->count++;
    c->count++;
    uint64_t *of_key = count_of(c, one);
    if (of_key != NULL) ++*of_key;
}

static void
drop(struct connections *c, struct connection *one, struct subscription **link)
{
    struct subscription *s = *link;
    uint64_t            *of_key = count_of(c, one);

    subscriptions_remove(c->subscriptions, prefix_of(s), s->counted);
    *link = s->beside;
    *s->at = s->next;
    if (s->next != NULL) s->next->at = s->at;
    free(s);
    one->count--;
    c->count--;
    if (of_key != NULL) --*of_key;
}

/* ---- what is asked ------------------------------------------------------------------------------------------------- */

/* What a connection said last may come behind its end: whoever has its descriptor then is somebody else. */
static void
know(struct connections *c, const struct subscriber *who)
{
    struct connection *one = &c->all[who->fd];

    connections_ended(c, who->fd);
    if (who->identity.data == NULL) return;
    PD_CHECK((one->identity = malloc(who->identity.size)) != NULL);
    memcpy(one->identity, who->identity.data, who->identity.size);
    one->identity_size = who->identity.size;
}

enum connections_answer
connections_subscribe(struct connections *c, const struct subscriber *who, struct pd_text prefix, bool allowed)
{
    struct connection *one = connection_of(c, who->fd);

    if (!pd_text_equal(identity_of(one), who->identity)) know(c, who);
    if (*find(c, who->fd, prefix) != NULL) return SUBSCRIPTION_MADE;
    if (allowed && !(who->limited && is_too_many(c, one))) {
        add(c, who->fd, one, prefix);
        return SUBSCRIPTION_MADE;
    }
    if (++one->refused < CONNECTION_REFUSED) return SUBSCRIPTION_REFUSED;
    shutdown(who->fd, SHUT_RDWR);
    return SUBSCRIPTION_CUT;
}

bool
connections_unsubscribe(struct connections *c, int fd, struct pd_text prefix)
{
    struct subscription **link = find(c, fd, prefix);

    if (*link == NULL) return false;
    drop(c, connection_of(c, fd), link);
    return true;
}

void
connections_ended(struct connections *c, int fd)
{
    if (fd < 0 || (size_t)fd >= c->size) return;
    struct connection *one = &c->all[fd];
    while (one->first != NULL) drop(c, one, find(c, fd, prefix_of(one->first)));
    free(one->identity);
    *one = (struct connection){.identity = NULL};
}

size_t
connections_judge(struct connections *c, connections_may *may, void *arg)
{
    size_t cut = 0;

    for (size_t fd = 0; fd < c->size; fd++) {
        const struct connection   *one = &c->all[fd];
        const struct subscription *s = one->first;
        while (s != NULL && may(arg, identity_of(one), prefix_of(s))) s = s->next;
        if (s == NULL) continue;
        shutdown((int)fd, SHUT_RDWR);
        cut++;
    }
    return cut;
}
