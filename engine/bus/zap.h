/* zap.h - who may connect (rfc.zeromq.org/spec/27): asked by libzmq in each connection's handshake, before anything of it is read.
 *
 * What is answered stands beside each message of the connection as its User-Id: a key, uid/N of a user of this machine, or
 * ZAP_KEYLESS. */
#ifndef BUS_ZAP_H
#define BUS_ZAP_H

#include "engine/base/measures.h"
#include "engine/keys.h"
#include "proto/key_file.h"

#define ZAP_DOMAIN  "pedido"
#define ZAP_KEYLESS "-"

/* Handshakes of one key, and of one address, that are let through in a minute: a peer that comes again and again costs more than
 * one that stays. */
enum { HANDSHAKES_OF_KEY = 600, HANDSHAKES_OF_ADDRESS = 6000 };

struct zap;

/* In the context, before any socket is bound: what is bound before is open to everybody. False: errno. */
bool zap_open(void *context, struct zap **ret_zap);
void zap_close(struct zap **zap);

/* To poll for reading; then every question that waits is answered. `keys` NULL: nobody is known. */
void *zap_socket(const struct zap *zap);
void  zap_take(struct zap *zap, struct keys *keys, struct measures *measures, uint64_t now_ms);

/* Whether a key that nobody knows is really refused: connects with one to a socket of its own. */
bool zap_refuses(struct zap *zap, void *context);

#endif
