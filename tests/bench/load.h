/* load.h - what the loads of scripts/bench share: sockets to this machine, requests packed by hand, a shop. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "proto/msgpack.h"

uint64_t load_now_us(void); /* of a clock that never goes back */

/* Only endpoints on this machine. */
void *load_socket(void *context, int type, const char *endpoint, bool bind);

/* So many connections of one socket to one endpoint, 1 to PEERS_MAX, each a peer by itself to whom it is connected: more than one
 * are a ROUTER's that names them. *ret_peer is over which of them it came. */
enum { PEERS_MAX = 1024 };
struct load_peers {
    void  *socket;
    size_t count;
};
struct load_peers load_peers_open(void *context, const char *endpoint, size_t count);
void              load_send_to(const struct load_peers *peers, size_t peer, const void *bytes, size_t size);
int               load_receive_from(const struct load_peers *peers, char *in, size_t capacity, int flags, size_t *ret_peer);

/* What follows `name=` in settings, which end in NULL; else what is standard. */
double      load_number(char *const *settings, const char *name, double standard);
const char *load_word(char *const *settings, const char *name, const char *standard);

void load_text(struct mp_writer *w, const char *key, const char *value);

/* A text and a number behind it. */
void load_numbered(struct mp_writer *w, const char *key, const char *prefix, uint64_t number);

/* Begins a request, up to `data`, which is to have so many fields; the other one behind what is packed already. */
void load_request(struct mp_writer *w, const char *type, const char *id, const char *reseller, size_t fields);
void load_add_request(struct mp_writer *w, const char *type, const char *id, const char *reseller, size_t fields);

/* Sends what is packed; waits for the answers to so many. A refusal ends the program. */
void load_send(const struct mp_writer *w, void *socket);
void load_take(void *socket, size_t count);

/* What stands behind a packed key, which must be there; and a packed number. */
const char *load_after(const char *bytes, size_t size, const char *key);
uint64_t    load_uint(const char *packed);
size_t      load_array_size(const char *packed);

/* A reseller `reseller-<n>` with a customer `ana`, and a plan `web` by whom `provisioning` says, in the group `hosting`; so many of
 * them, from 0. OF_SHOP commands each. */
enum { OF_SHOP = 4 };
void load_shops(struct mp_writer *w, void *commands, const char *run, unsigned count, const char *provisioning);
void load_shop(struct mp_writer *w, void *commands, const char *run, unsigned n, const char *provisioning);

/* How often what was seen, sixteen buckets for each power of two: a percentile is at most 1/16 too high. */
enum { LOAD_TIMES = 61 * 16 };
struct load_times {
    uint64_t counts[LOAD_TIMES];
};
void     load_count(struct load_times *times, uint64_t value);
uint64_t load_percentile(const struct load_times *times, double share);

#endif
