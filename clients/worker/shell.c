#include "clients/worker/shell.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "clients/worker/child.h"
#include "clients/worker/log.h"
#include "clients/worker/task.h"
#include "proto/check.h"
#include "proto/limits.h"

enum {
    LINGER_MS      = 1000, /* for the goodbye */
    KILL_AGAIN_MS  = 1000,
    RECONNECT_MS   = 100,
    RECONNECT_MAX_MS = 1000,
    FRAMES_MAX     = 64, /* taken at a time, before the children are looked at */
    COMPLAINTS_MAX = 100, /* lines of a run's stderr that are logged */
    ITEMS_MAX      = 2 + 3 * WORKER_JOBS_MAX,
};

struct shell {
    struct worker worker;
    const char   *executables[SHELL_OPERATIONS];
    const struct shell_keys *keys; /* NULL: none */
    void         *context, *socket;
    int           signals;
    int64_t       wake_ms;
    bool          done;
    int           exit_status;
    struct child  children[WORKER_JOBS_MAX]; /* one per job */
    struct pd_arena scratch;                 /* one line's */
    int           start_errors[WORKER_JOBS_MAX];
};

/* What is read of a child: of its progress only the last word counts. */
struct speaker {
    struct shell    *shell;
    size_t           job;
    struct worker_in news;
    char             text[WORKER_TEXT_MAX];
};

static int64_t
clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- actions ------------------------------------------------------------------------------------------------------- */

static void
set_option(void *socket, int option, int value)
{
    PD_CHECK(zmq_setsockopt(socket, option, &value, sizeof value) == 0);
}

static void
set_key(void *socket, int option, const char *key)
{
    PD_CHECK(zmq_setsockopt(socket, option, key, PD_KEY_SIZE - 1) == 0);
}

static void
close_socket(struct shell *s, int linger_ms)
{
    if (s->socket == NULL) return;
    set_option(s->socket, ZMQ_LINGER, linger_ms);
    zmq_close(s->socket);
    s->socket = NULL;
}

/* No ZMTP heartbeats: libzmq 4.3.4 aborts on them. Silence is noticed by the step. */
static void
open_socket(struct shell *s, struct pd_text endpoint)
{
    char    name[256];
    int64_t frame_max = PD_FRAME_MAX;

    close_socket(s, 0);
    if (endpoint.size >= sizeof name) return;
    memcpy(name, endpoint.data, endpoint.size);
    name[endpoint.size] = '\0';
    s->socket = zmq_socket(s->context, ZMQ_DEALER);
    PD_CHECK(s->socket != NULL);
    set_option(s->socket, ZMQ_LINGER, LINGER_MS);
    set_option(s->socket, ZMQ_RECONNECT_IVL, RECONNECT_MS);
    set_option(s->socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS);
    set_option(s->socket, ZMQ_TCP_KEEPALIVE, 1);
    PD_CHECK(zmq_setsockopt(s->socket, ZMQ_MAXMSGSIZE, &frame_max, sizeof frame_max) == 0);
    if (s->keys != NULL) {
        set_key(s->socket, ZMQ_CURVE_SERVERKEY, s->keys->server.public_key);
        set_key(s->socket, ZMQ_CURVE_PUBLICKEY, s->keys->own.public_key);
        set_key(s->socket, ZMQ_CURVE_SECRETKEY, s->keys->own.secret_key);
    }
    if (zmq_connect(s->socket, name) == 0) return;
    log_begin("error", "connect_failed");
    log_text("endpoint", endpoint);
    log_text("error", pd_text(zmq_strerror(zmq_errno())));
    log_end();
    close_socket(s, 0);
}

static void
log_action(const char *event, const struct worker_action *a)
{
    log_begin("info", event);
    if (a->task != NULL) {
        log_text("reseller", a->task->reseller);
        log_number("task", a->task->task);
        log_number("lease", a->task->lease);
        log_number("attempt", a->task->attempt);
    }
    log_text("detail", a->text);
    log_end();
}

static void
start(struct shell *s, const struct worker_action *a)
{
    struct child *c = &s->children[a->job];
    const char   *executable = s->executables[a->task->operation];

    log_action("task_started", a);
    if (executable == NULL) {
        s->start_errors[a->job] = ENOSYS;
        return;
    }
    s->start_errors[a->job] = child_start(c, executable, task_json(&c->arena, a->task),
                                          task_environment(&c->arena, environ, a->task));
    if (s->start_errors[a->job] == 0) child_write(c);
}

static void
perform(struct shell *s, const struct worker_action *a)
{
    switch (a->kind) {
    case WORKER_OPEN: open_socket(s, a->text); return;
    case WORKER_SEND: /* what cannot be sent now is said again */
        if (s->socket != NULL) zmq_send(s->socket, a->text.data, a->text.size, ZMQ_DONTWAIT);
        return;
    case WORKER_START: start(s, a); return;
    case WORKER_STOP: child_stop(&s->children[a->job], clock_ms() + s->worker.options.grace_ms); return;
    case WORKER_NOTE: log_action(a->what, a); return;
    case WORKER_EXIT:
        s->done = true;
        if (a->what == NULL) return;
        s->exit_status = 1;
        log_begin("error", "refused");
        log_text("reason", pd_text(a->what));
        log_text("detail", a->text);
        log_end();
        return;
    }
}

/* What may be over when it is tried again: too many processes or files, too little memory, a script that is being written. */
static bool
passes(int error)
{
    return error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE || error == ETXTBSY;
}

static const char *
words_of(int error)
{
    switch (error) {
    case ENOEXEC: return "a script needs a #! line that names its interpreter";
    case ENOSYS: return "there is no executable for this operation";
    default: return strerror(error);
    }
}

static void
step(struct shell *s, const struct worker_in *in)
{
    for (struct worker_action *a = worker_step(&s->worker, clock_ms(), in, &s->wake_ms); a != NULL; a = a->next) perform(s, a);
    for (size_t i = 0; i < WORKER_JOBS_MAX; i++) {
        if (s->start_errors[i] == 0) continue;
        struct worker_in ended = {.kind = WORKER_ENDED, .job = i, .unasked = true, .code = PD_TEXT("not_started"),
                                  .retryable = passes(s->start_errors[i]), .text = pd_text(words_of(s->start_errors[i]))};
        s->start_errors[i] = 0;
        child_clear(&s->children[i]);
        step(s, &ended);
    }
}

/* ---- what happens -------------------------------------------------------------------------------------------------- */

static void
hear_line(void *context, struct pd_text line)
{
    struct speaker  *speaker = context;
    struct pd_arena *scratch = &speaker->shell->scratch;
    struct pd_pair  *pairs;
    size_t           count;
    char             clean[WORKER_TEXT_MAX];

    tail_add(&speaker->shell->children[speaker->job].tail, line);
    pd_arena_reset(scratch);
    if (output_parameters(scratch, line, &pairs, &count)) return; /* counts only as the last line */
    if (output_percent(line, &speaker->news.percent, &line)) speaker->news.has_percent = true;
    size_t size = output_clean(line, clean);
    if (size == 0) return;
    memcpy(speaker->text, clean, size);
    speaker->news.text = (struct pd_text){speaker->text, size};
}

static void
hear_complaint(void *context, struct pd_text line)
{
    struct speaker *speaker = context;
    struct child   *c = &speaker->shell->children[speaker->job];

    tail_add(&c->tail, line);
    if (++c->complaints > COMPLAINTS_MAX) return;
    log_begin("warn", c->complaints == COMPLAINTS_MAX ? "script_stderr_last_logged" : "script_stderr");
    log_number("task", speaker->shell->worker.jobs[speaker->job].task.task);
    log_text("text", line);
    log_end();
}

/* Reads what there is; `ended`: what stands without a newline is a line, too. */
static void
listen_to(struct shell *s, size_t job, bool ended)
{
    struct child  *c = &s->children[job];
    struct speaker speaker = {.shell = s, .job = job, .news = {.kind = WORKER_PROGRESS, .job = job}};

    child_read_out(c, hear_line, &speaker);
    child_read_err(c, hear_complaint, &speaker);
    if (ended) {
        output_end(&c->said, hear_line, &speaker);
        output_end(&c->complained, hear_complaint, &speaker);
    }
    if (speaker.news.has_percent || speaker.news.text.size > 0) step(s, &speaker.news);
}

static void
reap_children(struct shell *s)
{
    for (size_t i = 0; i < WORKER_JOBS_MAX; i++) {
        struct child    *c = &s->children[i];
        struct worker_in in = {.kind = WORKER_ENDED, .job = i};
        int              status;

        if (!child_reap(c, &status)) continue;
        listen_to(s, i, true);
        output_result(&c->arena, status, &c->said, &c->complained, &in);
        in.unasked = c->kill_at_ms == 0;
        in.output = tail_text(&c->tail);
        c->pid = 0;
        step(s, &in);
        child_clear(c);
    }
}

static void
take_signals(struct shell *s)
{
    struct signalfd_siginfo info;
    while (read(s->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD) continue; /* looked for each time round */
        bool again = s->worker.leaving >= WORKER_DRAINING;
        log_begin("info", again ? "leaving_now" : "leaving");
        log_text("signal", pd_text(sigabbrev_np((int)info.ssi_signo)));
        log_end();
        step(s, &(struct worker_in){.kind = again ? WORKER_LEAVE : WORKER_DRAIN});
    }
}

static void
take_frames(struct shell *s)
{
    for (int i = 0; i < FRAMES_MAX && s->socket != NULL; i++) {
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, s->socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&frame);
            return;
        }
        struct worker_in in = {.kind = WORKER_FRAME, .text = {zmq_msg_data(&frame), zmq_msg_size(&frame)}};
        if (!zmq_msg_more(&frame) && in.text.size > 0) step(s, &in);
        zmq_msg_close(&frame);
    }
}

/* ---- the loop ------------------------------------------------------------------------------------------------------ */

static size_t
gather(struct shell *s, zmq_pollitem_t items[ITEMS_MAX], int64_t *ret_wake_ms)
{
    size_t n = 0;

    *ret_wake_ms = s->wake_ms;
    items[n++] = (zmq_pollitem_t){.fd = s->signals, .events = ZMQ_POLLIN};
    if (s->socket != NULL) items[n++] = (zmq_pollitem_t){.socket = s->socket, .events = ZMQ_POLLIN};
    for (size_t i = 0; i < WORKER_JOBS_MAX; i++) {
        const struct child *c = &s->children[i];
        if (c->pid == 0) continue;
        if (c->kill_at_ms != 0 && c->kill_at_ms < *ret_wake_ms) *ret_wake_ms = c->kill_at_ms;
        if (c->in >= 0) items[n++] = (zmq_pollitem_t){.fd = c->in, .events = ZMQ_POLLOUT};
        if (c->out >= 0) items[n++] = (zmq_pollitem_t){.fd = c->out, .events = ZMQ_POLLIN};
        if (c->err >= 0) items[n++] = (zmq_pollitem_t){.fd = c->err, .events = ZMQ_POLLIN};
    }
    return n;
}

static void
serve_children(struct shell *s, int64_t now)
{
    for (size_t i = 0; i < WORKER_JOBS_MAX; i++) {
        struct child *c = &s->children[i];
        if (c->pid == 0) continue;
        child_write(c);
        listen_to(s, i, false);
        if (c->kill_at_ms == 0 || now < c->kill_at_ms) continue;
        child_kill(c);
        c->kill_at_ms = now + KILL_AGAIN_MS;
    }
    reap_children(s);
}

static void
loop(struct shell *s)
{
    zmq_pollitem_t items[ITEMS_MAX];
    int64_t        wake_ms;

    step(s, &(struct worker_in){.kind = WORKER_TICK});
    while (!s->done) {
        size_t  n = gather(s, items, &wake_ms);
        int64_t wait_ms = wake_ms - clock_ms();
        if (zmq_poll(items, (int)n, wait_ms > 0 ? (long)wait_ms : 0) < 0 && errno != EINTR) {
            log_begin("error", "poll_failed");
            log_text("error", pd_text(zmq_strerror(errno)));
            log_end();
            s->exit_status = 1;
            return;
        }
        take_signals(s);
        take_frames(s);
        serve_children(s, clock_ms());
        if (!s->done && clock_ms() >= s->wake_ms) step(s, &(struct worker_in){.kind = WORKER_TICK});
    }
}

static int
open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_BLOCK, &set, NULL); /* before libzmq starts its threads, which inherit it */
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

int
shell_run(const struct worker_options *options, const struct shell_keys *keys, const char *const executables[SHELL_OPERATIONS])
{
    struct shell *s = calloc(1, sizeof *s);

    PD_CHECK(s != NULL);
    memcpy(s->executables, executables, sizeof s->executables);
    s->keys = keys;
    s->signals = open_signals();
    s->context = zmq_ctx_new();
    PD_CHECK(s->signals >= 0 && s->context != NULL);
    worker_init(&s->worker, options);
    pd_arena_init(&s->scratch);
    log_begin("info", "looking_for_engine");
    log_text("endpoint", options->endpoint);
    log_text("worker", options->name);
    log_end();
    for (size_t i = 0; i < WORKER_JOBS_MAX; i++) child_init(&s->children[i]);

    loop(s);

    for (size_t i = 0; i < WORKER_JOBS_MAX; i++) {
        child_kill(&s->children[i]);
        child_fini(&s->children[i]);
    }
    close_socket(s, LINGER_MS);
    zmq_ctx_term(s->context);
    worker_fini(&s->worker);
    pd_arena_fini(&s->scratch);
    close(s->signals);
    int status = s->exit_status;
    free(s);
    return status;
}
