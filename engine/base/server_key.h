/* server_key.h - the engine's own key pair, in memory that is locked, and left out of core dumps (libsodium's). */
#ifndef BASE_SERVER_KEY_H
#define BASE_SERVER_KEY_H

#include <stdbool.h>

struct server_key;

/* Reads a key file (proto/key_file.h) that has a secret. False: said in the log. */
bool server_key_open(const char *path, struct server_key **ret_key);
void server_key_close(struct server_key **key);

/* In Z85, ended by a zero; valid while it is open. */
const char *server_key_secret(const struct server_key *key);
const char *server_key_public(const struct server_key *key);

#endif
