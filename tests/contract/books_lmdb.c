#include <lmdb.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/check.h"
#include "proto/schema.h"
#include "tests/contract/books.h"

const bool books_have_snapshots = true;

static char dir[] = "/tmp/pedido-contract-XXXXXX";

static const char *
file(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

const char *
books_make(void)
{
    memcpy(dir + sizeof dir - 7, "XXXXXX", 6);
    PD_CHECK(mkdtemp(dir) != NULL);
    return dir;
}

void
books_forget(void)
{
    books_fill(false);
    static const char *const names[] = {"books/data.mdb", "books/lock.mdb", "rows/data.mdb", "rows/lock.mdb", "head"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) unlink(file(names[i]));
    rmdir(file("books"));
    rmdir(file("rows"));
    rmdir(file("index"));
    PD_CHECK(rmdir(dir) == 0 || errno == ENOENT); /* nothing is left behind */
}

/* A file that may not grow looks like a full disk. */
void
books_fill(bool full)
{
    struct rlimit limit;
    struct stat   st;

    signal(SIGXFSZ, SIG_IGN);
    PD_CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit.rlim_cur = limit.rlim_max;
    if (full && stat(file("books/data.mdb"), &st) == 0) limit.rlim_cur = (rlim_t)st.st_size;
    PD_CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

void
books_damage(int row_code, struct row_key key)
{
    uint8_t  packed[12];
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi  rows;
    MDB_val  k = {sizeof packed, packed}, v;
    char     bytes[512];

    for (int i = 0; i < 8; i++) packed[i] = (uint8_t)(key.position >> (56 - 8 * i));
    for (int i = 0; i < 4; i++) packed[8 + i] = (uint8_t)(key.item >> (24 - 8 * i));
    PD_CHECK(mdb_env_create(&env) == 0 && mdb_env_set_maxdbs(env, 16) == 0 && mdb_env_open(env, file("books"), 0, 0600) == 0);
    PD_CHECK(mdb_txn_begin(env, NULL, 0, &txn) == 0 && mdb_dbi_open(txn, pd_schema_row(row_code)->name, 0, &rows) == 0);
    PD_CHECK(mdb_get(txn, rows, &k, &v) == 0 && v.mv_size <= sizeof bytes);
    memcpy(bytes, v.mv_data, v.mv_size);
    bytes[v.mv_size - 1] ^= 1;
    v.mv_data = bytes;
    PD_CHECK(mdb_put(txn, rows, &k, &v, 0) == 0 && mdb_txn_commit(txn) == 0);
    mdb_env_close(env);
}
