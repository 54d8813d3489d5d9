/* reading.h - the loads of scripts/bench that read a filled log, and what is in it. */
#ifndef BENCH_READING_H
#define BENCH_READING_H

#include "tests/bench/load.h"

/* Order n, from 0, is order n / RESELLERS, counted from 0, of reseller n % RESELLERS. A full log has a multiple of ORDERS_STEP
 * orders: then each customer has as many as another, of each state as many as another. */
enum {
    RESELLERS = 100,
    OF_CUSTOMER = 20,                      /* a customer's orders */
    OF_TEN_COMPLETED = 7, OF_TEN_DRAFT = 1, /* one each is left new, and cancelled */
    CANCELLED_OF_TEN = 1,
    ORDERS_STEP = RESELLERS * OF_CUSTOMER,
};

/* Each prints a JSON line and returns the exit status. */
int fill(const char *commands, uint64_t from, uint64_t to, uint64_t orders);
int ask(const char *queries, const char *what, uint64_t orders, size_t outstanding, double pace);
int follow(const char *commands, uint64_t events);
int read_pages(const char *queries, uint64_t events);
int listen_live(const char *events, const char *scope, size_t subscribers);

#endif
