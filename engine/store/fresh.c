#include "engine/store/fresh.h"

#include <errno.h>
#include <lmdb.h>
#include <stdio.h>
#include <unistd.h>

int
fresh_make(const char *dir)
{
    char     fresh[4200], path[4200];
    MDB_env *env;

    snprintf(fresh, sizeof fresh, "%s/data.new", dir);
    snprintf(path, sizeof path, "%s/data.mdb", dir);
    if (unlink(fresh) != 0 && errno != ENOENT) return errno;
    int rc = mdb_env_create(&env);
    if (rc != MDB_SUCCESS) return rc;
    rc = mdb_env_open(env, fresh, MDB_NOSUBDIR | MDB_NOLOCK, 0640);
    if (rc == MDB_SUCCESS) rc = mdb_env_sync(env, 1);
    mdb_env_close(env);
    return rc == MDB_SUCCESS && rename(fresh, path) != 0 ? errno : rc;
}
