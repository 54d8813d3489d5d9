#include "engine/base/server_key.h"

#include <sodium.h>
#include <string.h>

#include "engine/base/log.h"
#include "proto/check.h"
#include "proto/key_file.h"

struct server_key {
    struct pd_key_pair pair;
};

bool
server_key_open(const char *path, struct server_key **ret_key)
{
    char why[256];

    PD_CHECK(sodium_init() >= 0);
    struct server_key *k = sodium_malloc(sizeof *k);
    PD_CHECK(k != NULL);
    bool ok = pd_key_file_read(path, &k->pair, why);
    if (!ok) log_error("key_failed", "path=\"%s\" error=\"%s\" hint=\"pedido key new FILE makes one\"", path, why);
    else if (k->pair.secret_key[0] == '\0') {
        log_error("key_failed", "path=\"%s\" error=\"it has no secret key\" hint=\"the engine needs its own pair\"", path);
        ok = false;
    }
    if (ok) *ret_key = k;
    else sodium_free(k);
    return ok;
}

void
server_key_close(struct server_key **key)
{
    if (*key != NULL) sodium_free(*key); /* which wipes it */
    *key = NULL;
}

const char *
server_key_secret(const struct server_key *k)
{
    return k->pair.secret_key;
}

const char *
server_key_public(const struct server_key *k)
{
    return k->pair.public_key;
}
