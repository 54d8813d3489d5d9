/* appends.c - what a disk gives: bare flushes, and rows appended by LMDB and SQLite, durable with each batch. */
#include <fcntl.h>
#include <inttypes.h>
#include <lmdb.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/check.h"
#include "tests/bench/load.h"
#include "tests/bench/reference.h"

enum { ZEROES_MAX = 64 << 20, PIECE = 1 << 20, HEAD = 120 };

struct appending {
    size_t            bytes, batch;
    char             *body;
    uint64_t          count, begun_us, end_us;
    struct load_times times; /* of batches */
};

static struct appending
begin(char *const *settings, size_t bytes)
{
    struct appending a = {.bytes = (size_t)load_number(settings, "bytes", (double)bytes),
                          .batch = (size_t)load_number(settings, "batch", 1)};

    PD_CHECK((a.body = calloc(1, a.bytes + 1)) != NULL);
    a.begun_us = load_now_us();
    a.end_us = a.begun_us + (uint64_t)(load_number(settings, "seconds", 1) * 1e6);
    return a;
}

static int
say(struct appending *a)
{
    printf("{\"count\":%" PRIu64 ",\"rate\":%.0f,\"p50_us\":%" PRIu64 ",\"p99_us\":%" PRIu64 "}\n", a->count,
           (double)a->count * 1e6 / (double)(load_now_us() - a->begun_us), load_percentile(&a->times, 0.5),
           load_percentile(&a->times, 0.99));
    free(a->body);
    return EXIT_SUCCESS;
}

/* ---- flushes ------------------------------------------------------------------------------------------------------- */

/* As a commit of LMDB's: the pages, flushed, and the head, through a descriptor that flushes by itself. */
int
flush_file(const char *path, char *const *settings)
{
    int   file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), head = open(path, O_RDWR | O_DSYNC | O_CLOEXEC);
    char *zeroes = calloc(1, PIECE);
    off_t at = 4096;

    PD_CHECK(file >= 0 && head >= 0 && zeroes != NULL);
    for (off_t n = 0; n < ZEROES_MAX; n += PIECE) PD_CHECK(pwrite(file, zeroes, PIECE, n) == PIECE);
    PD_CHECK(fsync(file) == 0);
    struct appending a = begin(settings, 5 * 4096);
    memset(a.body, 'x', a.bytes);
    for (uint64_t before = load_now_us(), now; before < a.end_us; before = now) {
        PD_CHECK(pwrite(file, a.body, a.bytes, at) == (ssize_t)a.bytes && fdatasync(file) == 0);
        PD_CHECK(pwrite(head, a.body, HEAD, 0) == HEAD);
        at = at + 2 * (off_t)a.bytes > ZEROES_MAX ? 4096 : at + (off_t)a.bytes;
        now = load_now_us();
        load_count(&a.times, now - before);
        a.count++;
    }
    close(file);
    close(head);
    free(zeroes);
    return say(&a);
}

/* ---- LMDB ---------------------------------------------------------------------------------------------------------- */

int
append_lmdb(const char *dir, char *const *settings)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi  dbi;

    PD_CHECK(mdb_env_create(&env) == 0 && mdb_env_set_mapsize(env, (size_t)64 << 30) == 0);
    PD_CHECK(mdb_env_open(env, dir, 0, 0600) == 0 && mdb_txn_begin(env, NULL, 0, &txn) == 0);
    PD_CHECK(mdb_dbi_open(txn, NULL, MDB_INTEGERKEY, &dbi) == 0 && mdb_txn_commit(txn) == 0);
    struct appending a = begin(settings, 256);
    for (uint64_t before = load_now_us(), now; before < a.end_us; before = now) {
        PD_CHECK(mdb_txn_begin(env, NULL, 0, &txn) == 0);
        for (size_t i = 0; i < a.batch; i++) {
            size_t  number = ++a.count;
            MDB_val key = {sizeof number, &number}, value = {a.bytes, a.body};
            PD_CHECK(mdb_put(txn, dbi, &key, &value, MDB_APPEND) == 0);
        }
        PD_CHECK(mdb_txn_commit(txn) == 0);
        now = load_now_us();
        load_count(&a.times, now - before);
    }
    mdb_env_close(env);
    return say(&a);
}

/* ---- SQLite -------------------------------------------------------------------------------------------------------- */

static void
run(sqlite3 *db, const char *statement)
{
    PD_CHECK(sqlite3_exec(db, statement, NULL, NULL, NULL) == SQLITE_OK);
}

int
append_sqlite(const char *path, char *const *settings)
{
    enum { STREAMS = 64 };
    sqlite3      *db;
    sqlite3_stmt *insert;

    PD_CHECK(sqlite3_open(path, &db) == SQLITE_OK);
    run(db, "PRAGMA journal_mode=WAL");
    run(db, "PRAGMA synchronous=FULL");
    run(db, "CREATE TABLE event (position INTEGER PRIMARY KEY, stream INTEGER, version INTEGER, body BLOB,"
            " UNIQUE (stream, version))");
    PD_CHECK(sqlite3_prepare_v2(db, "INSERT INTO event (stream, version, body) VALUES (?, ?, ?)", -1, &insert, NULL) == SQLITE_OK);
    struct appending a = begin(settings, 256);
    for (uint64_t before = load_now_us(), now; before < a.end_us; before = now) {
        run(db, "BEGIN IMMEDIATE");
        for (size_t i = 0; i < a.batch; i++, a.count++) {
            sqlite3_bind_int64(insert, 1, (sqlite3_int64)(a.count % STREAMS));
            sqlite3_bind_int64(insert, 2, (sqlite3_int64)(a.count / STREAMS));
            sqlite3_bind_blob(insert, 3, a.body, (int)a.bytes, SQLITE_STATIC);
            PD_CHECK(sqlite3_step(insert) == SQLITE_DONE && sqlite3_reset(insert) == SQLITE_OK);
        }
        run(db, "COMMIT");
        now = load_now_us();
        load_count(&a.times, now - before);
    }
    sqlite3_finalize(insert);
    sqlite3_close(db);
    return say(&a);
}
