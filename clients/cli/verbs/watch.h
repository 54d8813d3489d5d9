/* watch.h - which events are wanted, from where on, and how they are printed: what tail, read and follow share. */
#ifndef CLIENTS_CLI_VERBS_WATCH_H
#define CLIENTS_CLI_VERBS_WATCH_H

#include <pedido/events.h>

#include "clients/cli/cli.h"

struct watch {
    struct cli *cli;
    const char *reseller, *customer, *format;
    uint64_t    order;          /* 0: every one */
    json_t     *orders, *owned; /* with a customer: the numbers of its orders and of its subscriptions, as keys */
    uint64_t    left;           /* events until the end */
    uint64_t    shown;
    bool        exit_at_end;
};

/* Reads what was said of it. STATUS_OK, or it was reported; to be ended either way. */
int  watch_begin(struct cli *cli, struct watch *ret_watch);
void watch_end(struct watch *watch);

/* Asks the engine what is the order's or the customer's; after watch_from, so that nothing falls between. */
int watch_know(struct watch *watch);

/* Where --from says to begin, or `standard`, which is spelled the same way: a position, `beginning`, `now`, -N (so many back) or a
 * time. 0: what happens from now on. */
int watch_from(struct watch *watch, const char *standard, uint64_t *ret_from);

/* The event as the protocol shows it: {"position":..,"data":{..}}. */
json_t *watch_event(const struct pd_event *event);

/* Whether it is one of those; asked of every event, since some say whose others are. */
bool watch_wants(struct watch *watch, const json_t *event);

/* What the event is about, as it stands in its topic: order/17. */
void watch_name_thing(const json_t *event, char *ret_name, size_t size);

/* Prints it, and counts. */
void watch_print(struct watch *watch, const json_t *event);

#endif
