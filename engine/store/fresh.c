#include "engine/store/fresh.h"

#include <errno.h>
#include <lmdb.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int
fresh_make(const char *dir)
{
    char     fresh[4200], made[4210], path[4200];
    MDB_env *env;

    snprintf(fresh, sizeof fresh, "%s/new", dir);
    snprintf(made, sizeof made, "%s/data.mdb", fresh);
    snprintf(path, sizeof path, "%s/data.mdb", dir);
    if (mkdir(fresh, 0750) != 0 && errno != EEXIST) return errno;
    if (unlink(made) != 0 && errno != ENOENT) return errno;
    int rc = mdb_env_create(&env);
    if (rc != MDB_SUCCESS) return rc;
    rc = mdb_env_open(env, fresh, MDB_NOLOCK, 0640);
    if (rc == MDB_SUCCESS) rc = mdb_env_sync(env, 1);
    mdb_env_close(env);
    if (rc == MDB_SUCCESS && rename(made, path) != 0) rc = errno;
    (void)rmdir(fresh); /* one that stays is empty, and in nobody's way */
    return rc;
}
