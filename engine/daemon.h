/* daemon.h - what the threads of the daemon share: main.c starts them and has those that write, reading.c those that read. */
#ifndef ENGINE_DAEMON_H
#define ENGINE_DAEMON_H

#include <pthread.h>

#include "engine/backups.h"
#include "engine/base/bell.h"
#include "engine/base/measures.h"
#include "engine/bus/net.h"
#include "engine/bus/relay.h"
#include "engine/notify.h"
#include "engine/options.h"
#include "engine/queries/held.h"

enum {
    TURN_MS = 1000, /* between two turns where there is nothing to do, at most */
    FULL_MS = 200,  /* between two looks at a full disk */
};

struct daemon {
    struct options        options;
    int                   lock_fd, signal_fd;
    struct net           *net;
    struct books          books;
    struct engine        *engine;
    struct views         *views;
    struct queries       *queries;
    struct held          *held;
    struct backups       *backups;
    struct bell          *rows_bell, *query_bell; /* rows were written; a query waits for the views */
    struct bell          *index_bell; /* the index has work */
    struct slots         *command_slots, *query_slots;
    struct relay         *turns, *rows; /* to the log's thread, and from there to the rows' */
    uint64_t              turn_us;      /* when the first command was taken of the turn that was handed on */
    struct measures       measures;
    struct outbox        *outbox;
    struct subscriptions *subscriptions;
    struct notify         notify; /* the net thread's */
    uint64_t              beat_ms, started_ms;
};

/* Ends the process unless all is well: a commit that failed may have been half written. */
void insist(enum store_error error);

void *views_thread(void *daemon);
void *backups_thread(void *daemon);
void *query_thread(void *daemon);

/* What there is now, for Health and GetMetrics; the query thread's. */
struct query_gauges reading_gauges(void *daemon);

#endif
