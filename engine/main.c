/* main.c - the daemon: argv -> options -> run -> exit code. Threads are started here.
 *
 *   net       (the main thread) owns the sockets, drains, decodes, sends
 *   engine    decides: one turn over what queued during the last commit
 *   log       makes a turn durable, then gives its answers away
 *   rows      writes what turns have made of the rows, and sees to space ahead
 *   index     writes and merges the files by which rows are found
 *   views     follows the log and the rows with what can be listed
 *   queries   reads the views
 *   backups   copies the log, when somebody asks for it
 *
 * The last three are in reading.c. Before anything else: the directory's lock, then the sockets, then the books, whose first act
 * is a durable EngineStarted. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "engine/bad_end.h"
#include "engine/base/clock.h"
#include "engine/base/domain_name.h"
#include "engine/base/log.h"
#include "engine/daemon.h"
#include "engine/data.h"
#include "engine/doctor.h"
#include "engine/domain/transitions.h"
#include "engine/offline.h"
#include "engine/publish.h"
#include "proto/check.h"

enum {
    EXIT_USAGE = 2,
    SLICE = 64,     /* commands that are decided before the log is asked whether it is idle */
    ROWS_MS = 50,   /* that rows may be behind while nobody waits for them */
    ROOM_AHEAD = 2, /* so that the log's thread need not wait for it */
};

/* ---- the log's thread ---------------------------------------------------------------------------------------------- */

static bool
wants_topic(void *arg, struct pd_text topic)
{
    return subscriptions_want(((struct daemon *)arg)->subscriptions, topic);
}

static void
publish_topic(void *arg, struct pd_text topic, struct pd_text body)
{
    struct daemon *d = arg;

    outbox_put(d->outbox, OUTBOX_EVENTS, topic, body);
    atomic_fetch_add_explicit(&d->measures.published, 1, memory_order_relaxed);
}

/* What the turn left beside the answers: assignments and waits first, then events, if anybody subscribes. */
static bool
send_results(struct daemon *d, struct mp_writer *scratch)
{
    size_t                 outgoing_count, appended_count;
    const struct outgoing *outgoing = engine_outgoing(d->engine, &outgoing_count);
    const struct appended *appended = engine_appended(d->engine, &appended_count);
    struct publisher       publisher = {d, wants_topic, publish_topic};

    for (size_t i = 0; i < outgoing_count; i++)
        outbox_put(d->outbox, (int)outgoing[i].port, outgoing[i].address, outgoing[i].body);
    if (!subscriptions_any(d->subscriptions)) appended_count = 0;
    for (size_t i = 0; i < appended_count; i++) publish_event(&appended[i], engine_log(d->engine), scratch, &publisher);
    return outgoing_count + appended_count > 0;
}

/* A commit that failed may have been half written, and its pages may be marked clean: only a new process can tell. */
void
insist(enum store_error error)
{
    if (error == STORE_OK) return;
    log_error("turn_failed", "action=exit");
    _exit(EXIT_FAILURE);
}

/* Turns without a command are the engine's own; turns without an event write nothing. */
static void
measure_turn(struct daemon *d, size_t requests, uint64_t began_us, uint64_t ended_us)
{
    size_t events;

    (void)engine_appended(d->engine, &events);
    if (events > 0) histogram_add(&d->measures.commit_us, ended_us - began_us);
    if (requests == 0) return;
    histogram_add(&d->measures.turn_commands, requests);
    histogram_add(&d->measures.turn_us, ended_us - d->turn_us);
}

static void *
log_thread(void *arg)
{
    struct daemon   *d = arg;
    struct mp_writer scratch = {0};
    size_t           requests;

    while (relay_take(d->turns, &requests)) {
        uint64_t began_us = clock_us();
        insist(engine_commit(d->engine));
        measure_turn(d, requests, began_us, clock_us());
        if (requests > 0) slots_commit(d->command_slots, requests);
        if (send_results(d, &scratch)) slots_ring_net(d->command_slots);
        if (engine_leaves_rows(d->engine)) {
            relay_wait_idle(d->rows); /* written they are, but perhaps not yet said */
            relay_hand(d->rows, 0);
        }
        insist(engine_make_room(d->engine, 1));
        relay_done(d->turns);
        slots_nudge(d->command_slots);
    }
    mp_writer_fini(&scratch);
    return NULL;
}

/* ---- the rows' thread ---------------------------------------------------------------------------------------------- */

static void *
rows_thread(void *arg)
{
    struct daemon *d = arg;
    size_t         none;
    bool           written = true;

    while (relay_take(d->rows, &none)) {
        uint64_t began_us = clock_us();
        for (insist(engine_write_rows(d->engine, &written)); !written && !slots_is_stopped(d->command_slots);
             insist(engine_write_rows(d->engine, &written)))
            usleep(FULL_MS * 1000);
        histogram_add(&d->measures.rows_us, clock_us() - began_us);
        relay_done(d->rows);
        bell_ring(d->rows_bell);
        slots_nudge(d->command_slots); /* there may be more by now */
        insist(engine_make_room(d->engine, ROOM_AHEAD));
    }
    return NULL;
}

/* ---- the index's thread -------------------------------------------------------------------------------------------- */

static void *
index_thread(void *arg)
{
    struct daemon *d = arg;

    while (!slots_is_stopped(d->command_slots))
        if (!index_work(engine_index(d->engine))) bell_wait(d->index_bell, TURN_MS);
    return NULL;
}

/* ---- the engine's thread ------------------------------------------------------------------------------------------- */

/* Decides what waits, for the turn that is open or a new one. False: the turn is full. */
static bool
decide_waiting(struct daemon *d, size_t waiting, size_t *requests_of_turn)
{
    struct request *requests[SLICE];
    size_t          count = waiting < SLICE ? waiting : SLICE, taken;

    for (size_t i = 0; i < count; i++) requests[i] = &slots_waiting(d->command_slots, i)->request;
    insist(engine_decide(d->engine, clock_now(), requests, count, &taken));
    slots_take(d->command_slots, taken);
    *requests_of_turn += taken;
    return taken == count;
}

/* The last turn before a stop: lets go of what is held beside the slots. */
static void
let_go(struct daemon *d)
{
    size_t none;
    insist(engine_decide(d->engine, clock_now(), NULL, 0, &none));
    engine_release_waits(d->engine);
    engine_seal(d->engine);
    relay_hand(d->turns, 0);
    relay_wait_idle(d->turns);
    slots_set_drained(d->command_slots);
}

/* How long until a turn is due without requests. */
static uint64_t
rest_ms(struct daemon *d, uint64_t turned_ms)
{
    struct now now = clock_now();
    uint64_t   idle_ms = engine_idle_ms(d->engine, now), passed_ms = now.monotonic_ms - turned_ms;

    if (passed_ms >= d->beat_ms) return 0;
    return idle_ms < d->beat_ms - passed_ms ? idle_ms : d->beat_ms - passed_ms;
}

static void *
engine_thread(void *arg)
{
    struct daemon *d = arg;
    size_t         requests = 0; /* of the open turn */
    bool           open = false, full = false;
    uint64_t       turned_ms = 0, taken_us = 0;

    while (!slots_is_stopped(d->command_slots)) {
        /* While the last turn is committed, the next one takes what comes. */
        if (full) relay_wait_idle(d->turns);
        bool     idle = relay_is_idle(d->turns);
        size_t   waiting = slots_pending(d->command_slots);
        uint64_t wait_ms = waiting > 0 || (open && idle) ? 0 : open || !idle ? TURN_MS : rest_ms(d, turned_ms);

        if (wait_ms > 0 && slots_wait(d->command_slots, wait_ms) == 0 &&
            slots_is_draining(d->command_slots) == slots_is_drained(d->command_slots))
            continue;
        if (!full && (!open || waiting > 0)) {
            if (requests == 0) taken_us = clock_us();
            full = !decide_waiting(d, slots_pending(d->command_slots), &requests);
            open = true;
            if (full && requests == 0) relay_wait_idle_for(d->rows, FULL_MS / 10); /* their writing is behind */
        }
        if (open && relay_is_idle(d->turns)) {
            engine_seal(d->engine);
            if (engine_index_waits(d->engine)) bell_ring(d->index_bell);
            turned_ms = clock_now().monotonic_ms;
            d->turn_us = taken_us;
            relay_hand(d->turns, requests);
            open = full = false;
            requests = 0;
        }
        if (!slots_is_draining(d->command_slots) || slots_is_drained(d->command_slots)) continue;
        if (open || slots_pending(d->command_slots) > 0) continue; /* there may be a wait among them */
        relay_wait_idle(d->turns);
        let_go(d);
    }
    relay_wait_idle(d->turns);
    return NULL;
}

/* ---- serving ------------------------------------------------------------------------------------------------------- */

static bool
check_domain(void)
{
    enum pd_order_state state;
    const char         *wrong = check_transitions(order_transitions(), &state);

    if (wrong != NULL) {
        struct pd_text name = PD_NAME(order_state, state);
        log_error("transitions_wrong", "state=%.*s error=\"%s\"", (int)name.size, name.data, wrong);
        return false;
    }
    if (!domain_name_ready()) {
        log_error("public_suffixes_missing", "hint=\"libpsl was built without its list\"");
        return false;
    }
    return true;
}

/* A log that is shorter than the views have seen it has lost events. */
static enum store_error
check_views(struct daemon *d, uint64_t *ret_known)
{
    enum store_error error = views_seen(d->options.data, &d->books, ret_known);

    if (error != STORE_OK || *ret_known <= store_last(d->books.log)) return error;
    return d->options.accept_shorter ? books_renew(&d->books) : STORE_SHORTER;
}

static struct pd_endpoints
endpoints_of(const struct net *net, bool local)
{
    return (struct pd_endpoints){
        .commands = pd_text(net_endpoint(net, PORT_COMMANDS, local)), .queries = pd_text(net_endpoint(net, PORT_QUERIES, local)),
        .workers = pd_text(net_endpoint(net, PORT_WORKERS, local)), .events = pd_text(net_endpoint(net, PORT_EVENTS, local)),
    };
}

static bool
open_engine(struct daemon *d)
{
    uint64_t              known = 0;
    const char           *software = "pedidod " PD_VERSION;
    char                  own[32];

    snprintf(own, sizeof own, "uid/%lu", (unsigned long)geteuid());
    struct engine_options options = {
        .lease_ms = d->options.lease_ms,
        .known_commands = d->options.known_commands,
        .young = d->options.index_memory,
        .index_apart = true, /* a stop does not wait for a long merge */
        .order_expiry_us = d->options.order_expiry_s * 1000000,
        .rows_ms = ROWS_MS,
        .views = d->options.views == 0,
        .software = pd_text(software),
        .measures = &d->measures,
        .keys = {.own = pd_text(own), .open_loopback = d->options.open_loopback},
        .endpoints = endpoints_of(d->net, false),
        .local_endpoints = endpoints_of(d->net, true),
    };

    enum store_error error = books_open(d->options.data, STORE_CREATE, d->options.accept_shorter, &d->books, &known);
    if (error == STORE_OK) error = check_views(d, &known);
    if (error == STORE_OK) error = engine_open(&d->books, &options, clock_now(), &d->engine);
    if (error == STORE_OK && options.views) error = views_open(d->options.data, &d->books, &d->views);
    if (!data_say_error(&d->options, error, known)) return false;
    d->backups = backups_open(d->books.log);
    d->queries = queries_open(&(struct query_sources){
        .books = &d->books, .engine = d->engine, .views = d->views, .backups = d->backups, .software = pd_text(software),
        .measures = &d->measures, .gauges = reading_gauges, .arg = d,
    });
    d->held = held_open(d->queries);
    return true;
}

/* The service manager hears what goes on. */
static void
tell_manager(void *arg, struct now now, bool stopping)
{
    struct daemon         *d = arg;
    struct notify_progress p;

    if (stopping) notify_stopping(&d->notify);
    if (stopping || !notify_is_due(&d->notify, now.monotonic_ms)) return;
    p.figures = engine_figures(d->engine);
    p.answered[0] = slots_answered(d->command_slots, &p.waiting[0]);
    p.answered[1] = slots_answered(d->query_slots, &p.waiting[1]);
    notify_tell(&d->notify, now.monotonic_ms, &p);
}

/* Its name is shown by top -H, and in what a debugger says. */
static pthread_t
start_thread(const char *name, void *(*run_thread)(void *), struct daemon *d)
{
    pthread_t thread;
    PD_CHECK(pthread_create(&thread, NULL, run_thread, d) == 0);
    (void)pthread_setname_np(thread, name);
    return thread;
}

/* And nothing that views have to follow; those that are being made are thrown away. */
static void
settle_views(struct daemon *d)
{
    bool more = d->views != NULL && views_figures(d->views).serving;
    if (more && views_step(d->views, &more) != STORE_OK) log_warn("views_behind", "hint=\"the next start has them follow\"");
}

static bool
run(struct daemon *d)
{
    struct net_parts parts = {
        .commands = d->command_slots, .queries = d->query_slots, .outbox = d->outbox, .subscriptions = d->subscriptions,
        .scopes = engine_scopes(d->engine), .keys = engine_keys(d->engine), .measures = &d->measures, .log = engine_log(d->engine),
        .signal_fd = d->signal_fd, .beat = tell_manager, .beat_arg = d, .beat_ms = d->beat_ms,
    };
    pthread_t engine = start_thread("engine", engine_thread, d), log = start_thread("log", log_thread, d);
    pthread_t index = start_thread("index", index_thread, d);
    pthread_t rows = start_thread("rows", rows_thread, d), queries = start_thread("queries", query_thread, d);
    pthread_t backups = start_thread("backups", backups_thread, d), views = engine;
    if (d->views != NULL) views = start_thread("views", views_thread, d);

    bad_end_forget(); /* what there was to be looked at was */
    log_info("serving", "version=%s data=\"%s\" log=%s commands=%s events=%s queries=%s workers=%s", PD_VERSION, d->options.data,
             engine_log(d->engine).data, d->options.commands, d->options.events, d->options.queries, d->options.workers);
    notify_ready(&d->notify, clock_now().monotonic_ms);
    bool ok = net_run(d->net, &parts);
    slots_stop(d->command_slots);
    slots_stop(d->query_slots);
    pthread_join(engine, NULL);
    relay_stop(d->turns);
    pthread_join(log, NULL);
    relay_stop(d->rows);
    pthread_join(rows, NULL);
    bell_ring(d->index_bell);
    pthread_join(index, NULL);
    backups_stop(d->backups);
    pthread_join(backups, NULL);
    bell_ring(d->rows_bell);
    bell_ring(d->query_bell);
    if (d->views != NULL) pthread_join(views, NULL);
    pthread_join(queries, NULL);
    insist(engine_settle(d->engine, clock_now())); /* the next start then finds nothing to be folded */
    settle_views(d);
    log_info("stopped", "data=\"%s\"", d->options.data);
    return ok;
}

static bool
is_servable(const struct daemon *d)
{
    const char *why = backup_forbids(d->options.data);

    if (why != NULL) log_error("not_served", "path=\"%s\" hint=\"%s\"", d->options.data, why);
    return why == NULL;
}

/* A core dump would have the keys in it, which libzmq copies. */
static bool
take_server_key(struct daemon *d, struct net_options *sockets)
{
    if (d->options.open_loopback) log_warn("loopback_open", "hint=\"whoever connects over tcp from here may do everything\"");
    if (d->options.server_key[0] == '\0') return true;
    if (prctl(PR_SET_DUMPABLE, 0) != 0) log_warn("core_dumps", "error=\"%s\"", strerror(errno));
    if (!server_key_open(d->options.server_key, &sockets->key)) return false;
    log_info("encrypted", "server_key=\"%s\"", server_key_public(sockets->key));
    return true;
}

static int
serve(struct daemon *d)
{
    struct net_options sockets = {
        .endpoints = {d->options.commands, d->options.queries, d->options.workers, d->options.events},
        .open_loopback = d->options.open_loopback,
    };

    d->started_ms = clock_now().monotonic_ms;
    notify_init(&d->notify);
    d->beat_ms = notify_beat_ms(&d->notify, TURN_MS);
    notify_say(&d->notify, "starting: the log and its rows are read");
    bool ok = check_domain() && (d->lock_fd = data_lock(&d->options, true)) >= 0 && is_servable(d);
    d->command_slots = slots_open();
    d->query_slots = slots_open();
    d->turns = relay_open();
    d->rows = relay_open();
    d->rows_bell = bell_open();
    d->query_bell = bell_open();
    d->index_bell = bell_open();
    d->outbox = outbox_open();
    d->subscriptions = subscriptions_open();
    if (ok) bad_end_watch(d->options.data);
    ok = ok && take_server_key(d, &sockets) && net_open(&sockets, &d->net) && open_engine(d) && run(d);
    held_close(&d->held);
    queries_close(&d->queries);
    backups_close(&d->backups);
    views_close(&d->views);
    engine_close(&d->engine);
    books_close(&d->books);
    net_close(&d->net);
    server_key_close(&sockets.key);
    subscriptions_close(&d->subscriptions);
    outbox_close(&d->outbox);
    bell_close(&d->rows_bell);
    bell_close(&d->query_bell);
    bell_close(&d->index_bell);
    relay_close(&d->turns);
    relay_close(&d->rows);
    slots_close(&d->query_slots);
    slots_close(&d->command_slots);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- main ---------------------------------------------------------------------------------------------------------- */

/* Signals come through the poll set, so that none is lost between a test and a sleep. */
static int
open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Each connection takes a descriptor, and where an ipc connection finds none libzmq 4.3.4 ends the process (ipc_listener.cpp): as
 * many as may be had. */
static void
raise_descriptors(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
}

/* What needs no directory. False: there is more to do. */
static bool
say(const struct options *o)
{
    if (o->help) options_print_help();
    else if (o->version) puts("pedidod " PD_VERSION);
    else if (o->print_config) options_print_config(o);
    return o->help || o->version || o->print_config;
}

static int
act(struct daemon *d)
{
    if (say(&d->options)) return EXIT_SUCCESS;
    if (d->options.data[0] == '\0') {
        fputs("pedidod: --data DIR says where the log is; see pedidod --help\n", stderr);
        return EXIT_USAGE;
    }
    log_set_level((enum log_level)d->options.log_level);
    if (strcmp(d->options.verb, "verify") == 0) return offline_verify(&d->options);
    if (strcmp(d->options.verb, "rebuild") == 0) return offline_rebuild(&d->options);
    if (strcmp(d->options.verb, "restore") == 0) return offline_restore(&d->options);
    if (strcmp(d->options.verb, "dump") == 0) return offline_dump(&d->options);
    if (strcmp(d->options.verb, "locate") == 0) return offline_locate(&d->options);
    if (strcmp(d->options.verb, "doctor") == 0) return doctor_examine(d->options.data, d->options.any_file_system);
    if (strcmp(d->options.verb, "serve") != 0) {
        fprintf(stderr, "pedidod: there is no verb \"%s\"; see pedidod --help\n", d->options.verb);
        return EXIT_USAGE;
    }
    raise_descriptors();
    d->signal_fd = open_signals();
    if (d->signal_fd >= 0) return serve(d);
    log_error("start_failed", "error=\"signals: %s\"", strerror(errno));
    return EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
    struct daemon d = {.lock_fd = -1};

    if (!options_parse(argc, argv, &d.options)) return EXIT_USAGE;
    int status = act(&d);
    if (status == EXIT_SUCCESS && (fflush(stdout) != 0 || ferror(stdout))) {
        fputs("pedidod: the output cannot be written\n", stderr);
        status = EXIT_FAILURE;
    }
    options_fini(&d.options);
    return status;
}
