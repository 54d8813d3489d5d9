/* key_file.h - a CURVE key pair, or the public half of one, in a file: the certificates of CZMQ (rfc.zeromq.org/spec/4, ZPL), which
 * pyzmq and others read as well.
 *
 *     metadata
 *         name = "w1"
 *     curve
 *         public-key = "..."
 *         secret-key = "..."
 *
 * A file with a secret is its owner's alone (0600). */
#ifndef PROTO_KEY_FILE_H
#define PROTO_KEY_FILE_H

#include <pedido/types.h>
#include <stdbool.h>

enum { PD_KEY_SIZE = 41 /* Z85, with its zero */, PD_KEY_NAME_SIZE = 65 };

struct pd_key_pair {
    char name[PD_KEY_NAME_SIZE];  /* whose it is; empty: it does not say */
    char public_key[PD_KEY_SIZE];
    char secret_key[PD_KEY_SIZE]; /* empty: the file has none */
};

/* False: ret_why, of 256 bytes, says why not, in English, without anything of the file's content. */
bool pd_key_file_read(const char *path, struct pd_key_pair *ret_pair, char ret_why[256]);

/* A public key as it is, or from a file that has it. The same. */
bool pd_key_read_public(const char *key_or_file, struct pd_key_pair *ret_pair, char ret_why[256]);

/* A new file, 0600 where it has a secret, synced; one that is there is not touched (errno EEXIST). False: errno. */
bool pd_key_file_write(const char *path, const struct pd_key_pair *pair);

/* Whether it is 40 characters of Z85 (rfc.zeromq.org/spec/32). */
bool pd_key_is_z85(struct pd_text text);

#endif
