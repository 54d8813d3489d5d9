/* follow-sqlite ENDPOINT RESELLER FILE - each event of a reseller into a table, exactly once: the position is kept with what is
 * done, in one transaction. It may be killed at any moment. Ends with 3 when the engine has another log. */
#include <pedido/pedido.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static sqlite3 *db;

static void
must(int code, int wanted)
{
    if (code == wanted) return;
    fprintf(stderr, "%s\n", sqlite3_errmsg(db));
    exit(1);
}

static void
run(const char *sql)
{
    must(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void
open_file(const char *path)
{
    must(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 10000);
    run("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL"); /* it is killed; the power does not fail */
    run("CREATE TABLE IF NOT EXISTS events (position INTEGER PRIMARY KEY, type TEXT, bytes BLOB)");
    run("CREATE TABLE IF NOT EXISTS progress (one INTEGER PRIMARY KEY CHECK (one = 1), log TEXT, position INTEGER)");
}

/* Where it was left. */
static uint64_t
read_progress(char log[48])
{
    sqlite3_stmt *s;
    uint64_t      position = 0;

    log[0] = '\0';
    must(sqlite3_prepare_v2(db, "SELECT log, position FROM progress", -1, &s, NULL), SQLITE_OK);
    if (sqlite3_step(s) == SQLITE_ROW) {
        snprintf(log, 48, "%s", (const char *)sqlite3_column_text(s, 0));
        position = (uint64_t)sqlite3_column_int64(s, 1);
    }
    sqlite3_finalize(s);
    return position;
}

static void
put(sqlite3_stmt *effect, sqlite3_stmt *progress, const struct pd_event *event)
{
    run("BEGIN");
    sqlite3_bind_int64(effect, 1, (sqlite3_int64)event->position);
    sqlite3_bind_text(effect, 2, event->type_name.data, (int)event->type_name.size, SQLITE_STATIC);
    sqlite3_bind_blob(effect, 3, event->bytes.data, (int)event->bytes.size, SQLITE_STATIC);
    must(sqlite3_step(effect), SQLITE_DONE); /* twice is a mistake, and fails */
    sqlite3_reset(effect);
    sqlite3_bind_text(progress, 1, event->log.data, (int)event->log.size, SQLITE_STATIC);
    sqlite3_bind_int64(progress, 2, (sqlite3_int64)event->position);
    must(sqlite3_step(progress), SQLITE_DONE);
    sqlite3_reset(progress);
    run("COMMIT");
}

int
main(int argc, char **argv)
{
    struct pd_client_options options = PD_CLIENT_DEFAULTS;
    struct pd_client        *client;
    struct pd_subscriber    *subscriber = NULL;
    struct pd_event          event = {0};
    sqlite3_stmt            *effect, *progress;
    char                     log[48];

    if (argc != 4) return 2;
    options.endpoint = argv[1];
    open_file(argv[3]);
    must(sqlite3_prepare_v2(db, "INSERT INTO events VALUES (?, ?, ?)", -1, &effect, NULL), SQLITE_OK);
    must(sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO progress VALUES (1, ?, ?)", -1, &progress, NULL), SQLITE_OK);
    struct pd_follow_options from = {.reseller = pd_text(argv[2]), .from = read_progress(log) + 1};
    if (log[0] != '\0') from.log = pd_text(log);
    if (pd_client_open(&options, &client) != PD_CLIENT_OK) return 2;
    enum pd_client_status status = pd_subscriber_follow(client, &from, &subscriber);
    while (status == PD_CLIENT_OK || status == PD_CLIENT_NO_ANSWER) {
        status = pd_subscriber_event(subscriber, 1000, &event);
        if (status == PD_CLIENT_OK) put(effect, progress, &event);
    }
    fprintf(stderr, "%s\n", pd_client_problem(client));
    pd_event_fini(&event);
    pd_subscriber_close(&subscriber);
    pd_client_close(&client);
    sqlite3_finalize(effect);
    sqlite3_finalize(progress);
    sqlite3_close(db);
    return status == PD_CLIENT_RESET ? 3 : 1;
}
