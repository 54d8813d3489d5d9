/* pedido-worker: runs the user's executable for each task that the engine hands out. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clients/lib/json.h"
#include "clients/worker/shell.h"
#include "proto/check.h"

enum { USAGE = 2, SECONDS_MAX = 31536000 };

static const char help[] =
    "pedido-worker - runs an executable for each provisioning task\n"
    "\n"
    "usage: pedido-worker --group NAME [--group NAME]... --exec FILE [options]\n"
    "\n"
    "  --endpoint ENDPOINT      the engine's commands port; else $PEDIDO_ENDPOINT, or tcp://127.0.0.1:7411\n"
    "  --identity FILE          the worker's key pair, of `pedido key new`, for an encrypted port; else $PEDIDO_IDENTITY\n"
    "  --server-key KEY         the engine's public key, or a file that has it; else $PEDIDO_SERVER_KEY\n"
    "  --group NAME             a group of plans to work for; up to 16\n"
    "  --exec FILE              what to run for each task\n"
    "  --exec-deprovision FILE  what to run instead to remove a service\n"
    "  --operation OPERATION    provision or deprovision; may be given twice (both)\n"
    "  --name NAME              this worker's name, of A-Z a-z 0-9 . _ - (host and process number); under a key it is the\n"
    "                           key's name, or begins with that and a dot\n"
    "  --jobs N                 how many tasks at a time, 1-64 (1)\n"
    "  --time-limit SECONDS     how long one run may take; never beyond the task's deadline (no other limit)\n"
    "  --kill-after SECONDS     how long a process group has to end after SIGTERM, before SIGKILL (5)\n"
    "  --drain-timeout SECONDS  how long what runs may go on when the worker is told to end (30)\n"
    "  --help, --version\n"
    "\n"
    "The executable gets the task as one JSON object on its standard input and as variables: PEDIDO_TASK, PEDIDO_LEASE,\n"
    "PEDIDO_OPERATION, PEDIDO_INSTANCE, PEDIDO_ATTEMPT, PEDIDO_ORDER, PEDIDO_ITEM, PEDIDO_CUSTOMER, PEDIDO_PLAN,\n"
    "PEDIDO_PERIOD, PEDIDO_QUANTITY, PEDIDO_DOMAIN, PEDIDO_DOMAIN_UNICODE, ..., PEDIDO_PARAM_<KEY> for each parameter, and\n"
    "PEDIDO_SERVICE_<KEY> for each that the run which provisioned the service has printed.\n"
    "PEDIDO_OPERATION is provision or deprovision: a script that cannot remove what it makes needs --operation provision.\n"
    "PEDIDO_INSTANCE is the same in every attempt: name what you make after it, and doing it twice does it once.\n"
    "\n"
    "What it prints: `40%` or `40% copying` is progress, any other line a message. The last 2,000 bytes of standard output\n"
    "and standard error together, in whole lines, stand in the task's history.\n"
    "\n"
    "How it ends:\n"
    "  exit status 0    success. If the last line is a JSON object of texts and numbers, such as {\"login\":\"https://...\"}, it\n"
    "                   becomes the subscription's parameters, else the result's message.\n"
    "  exit status 75   a failure that may pass: it is tried again after a pause, up to the task's deadline\n"
    "  any other        a failure for good. Every failure is told in the words of the last line of standard error.\n"
    "  a signal         that the worker has not sent: a failure that may pass, code `signal`\n"
    "  the time limit   a failure that may pass, code `time_limit`\n"
    "  not started      code `not_started`: for good, unless there was no memory, process or file left to start it with\n"
    "\n"
    "A task ends with its first process: what that leaves behind in its process group is killed. When a run is over its time,\n"
    "its lease is lost or to be given back, or the worker ends, the group gets SIGTERM, then SIGKILL. What had not ended by\n"
    "itself then is given back, and is no failure.\n"
    "At the first SIGTERM, SIGINT or SIGHUP the worker takes no more tasks, gives back what has not begun and lets the rest\n"
    "finish; at the second it stops that, too.\n";

/* What the options say beside the worker's own. */
struct files {
    const char *provision, *deprovision;
    const char *identity, *server_key; /* the latter may be the key itself */
};

static int
complain(const char *what, const char *value)
{
    fprintf(stderr, "pedido-worker: %s%s%s\n`pedido-worker --help` shows how it is used.\n", what, value == NULL ? "" : ": ",
            value == NULL ? "" : value);
    return USAGE;
}

static bool
is_id(const char *s)
{
    size_t size = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
    return size >= 1 && size <= 64 && s[size] == '\0';
}

static const char *
default_name(void)
{
    static char name[64];
    char        host[32] = "";

    gethostname(host, sizeof host - 1);
    host[strspn(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")] = '\0';
    snprintf(name, sizeof name, "%s-%ld", host[0] == '\0' ? "worker" : host, (long)getpid());
    return name;
}

static struct pd_text
make_nonce(void)
{
    static char   text[17];
    unsigned char bytes[8];

    PD_CHECK(getrandom(bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return pd_text(text);
}

/* A whole number from `min` to `max`. */
static bool
read_number(const char *text, long min, long max, long *ret_number)
{
    char *end;

    errno = 0;
    *ret_number = strtol(text, &end, 10);
    return *text != '\0' && *end == '\0' && errno == 0 && *ret_number >= min && *ret_number <= max;
}

static bool
add_operation(const char *name, struct worker_options *options)
{
    if (pd_enum_number(pd_enum_operation(), pd_text(name)) == 0) return false;
    for (size_t i = 0; i < options->operation_count; i++)
        if (pd_text_equal(options->operations[i], pd_text(name))) return true;
    options->operations[options->operation_count++] = pd_text(name);
    return true;
}

/* 0, or an exit status + 1. */
static int
read_option(int c, struct worker_options *options, struct files *files)
{
    long n;

    switch (c) {
    case 'e': options->endpoint = pd_text(optarg); return 0;
    case 'i': files->identity = optarg; return 0;
    case 's': files->server_key = optarg; return 0;
    case 'x': files->provision = optarg; return 0;
    case 'd': files->deprovision = optarg; return 0;
    case 'g':
        if (!is_id(optarg)) return 1 + complain("a group is 1-64 of A-Z a-z 0-9 . _ -", optarg);
        if (options->group_count == WORKER_GROUPS_MAX) return 1 + complain("at most 16 groups", NULL);
        options->groups[options->group_count++] = pd_text(optarg);
        return 0;
    case 'o': return add_operation(optarg, options) ? 0 : 1 + complain("--operation takes provision or deprovision", optarg);
    case 'n':
        if (!is_id(optarg)) return 1 + complain("a name is 1-64 of A-Z a-z 0-9 . _ -", optarg);
        options->name = pd_text(optarg);
        return 0;
    case 'j':
        if (!read_number(optarg, 1, WORKER_SLOTS_MAX, &n)) return 1 + complain("--jobs takes a number from 1 to 64", optarg);
        options->slots = (size_t)n;
        return 0;
    case 't':
        if (!read_number(optarg, 1, SECONDS_MAX, &n)) return 1 + complain("--time-limit takes seconds, 1 to a year's", optarg);
        options->time_limit_ms = n * 1000;
        return 0;
    case 'k':
        if (!read_number(optarg, 0, 3600, &n)) return 1 + complain("--kill-after takes seconds, 0 to 3600", optarg);
        options->grace_ms = n * 1000;
        return 0;
    case 'r':
        if (!read_number(optarg, 0, SECONDS_MAX, &n)) return 1 + complain("--drain-timeout takes seconds, 0 to a year's", optarg);
        options->drain_ms = n * 1000;
        return 0;
    case 'h': fputs(help, stdout); return 1;
    case 'v': puts("pedido-worker " PD_VERSION); return 1;
    default: return 1 + complain("unknown option, or one without its value", NULL);
    }
}

static bool
does(const struct worker_options *options, struct pd_text operation)
{
    for (size_t i = 0; i < options->operation_count; i++)
        if (pd_text_equal(options->operations[i], operation)) return true;
    return false;
}

/* Every operation that is declared has its file. 0, or an exit status + 1. */
static int
check_options(struct worker_options *options, struct files *files)
{
    if (options->group_count == 0) return 1 + complain("--group is missing", NULL);
    if (options->operation_count == 0)
        for (int o = PD_operation_provision; o < SHELL_OPERATIONS; o++)
            options->operations[options->operation_count++] = PD_NAME(operation, o);
    if (files->deprovision == NULL) files->deprovision = files->provision;
    if (!does(options, PD_TEXT("deprovision"))) files->deprovision = NULL;
    else if (files->deprovision == NULL) return 1 + complain("--exec is missing", NULL);
    if (!does(options, PD_TEXT("provision"))) files->provision = NULL;
    else if (files->provision == NULL) return 1 + complain("--exec is missing", NULL);
    return 0;
}

/* 0, or an exit status + 1. */
static int
read_options(int argc, char **argv, struct worker_options *options, struct files *files)
{
    static const struct option known[] = {
        {"endpoint", required_argument, NULL, 'e'},   {"group", required_argument, NULL, 'g'},
        {"identity", required_argument, NULL, 'i'},   {"server-key", required_argument, NULL, 's'},
        {"exec", required_argument, NULL, 'x'},       {"exec-deprovision", required_argument, NULL, 'd'},
        {"operation", required_argument, NULL, 'o'},  {"name", required_argument, NULL, 'n'},
        {"jobs", required_argument, NULL, 'j'},       {"time-limit", required_argument, NULL, 't'},
        {"kill-after", required_argument, NULL, 'k'}, {"drain-timeout", required_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},             {"version", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };

    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        int stop = read_option(c, options, files);
        if (stop != 0) return stop;
    }
    if (optind < argc) return 1 + complain("unexpected argument", argv[optind]);
    return check_options(options, files);
}

/* Replaces a name by a path that stays right when the working directory changes. */
static bool
find_executable(const char **name, char path[PATH_MAX])
{
    struct stat info;
    bool        found;

    if (*name == NULL) return true;
    found = realpath(*name, path) != NULL && stat(path, &info) == 0;
    if (found && S_ISDIR(info.st_mode)) {
        errno = EISDIR;
        found = false;
    }
    if (found && access(path, X_OK) == 0) {
        *name = path;
        return true;
    }
    fprintf(stderr, "pedido-worker: %s cannot be run: %s%s\n", *name, strerror(errno),
            errno == EACCES ? "; `chmod +x` makes it executable" : "");
    return false;
}

/* NULL: it is not set. */
static const char *
environment(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static struct pd_text
default_endpoint(void)
{
    const char *value = environment("PEDIDO_ENDPOINT");
    return value != NULL ? pd_text(value) : PD_TEXT("tcp://127.0.0.1:7411");
}

/* Where none is said. Under a key it may have the key's name, and then is another than those beside it. */
static void
give_name(const struct shell_keys *keys, struct worker_options *options)
{
    static char name[PD_KEY_NAME_SIZE];
    const char *of = keys == NULL ? "" : keys->own.name;

    if (options->name.data != NULL) return;
    int size = snprintf(name, sizeof name, "%s%s%s", of, of[0] == '\0' ? "" : ".", default_name());
    options->name = (struct pd_text){name, size < (int)sizeof name ? (size_t)size : sizeof name - 1};
}

/* *ret_keys NULL: there are none. False: said on stderr. */
static bool
read_keys(const struct files *files, const struct shell_keys **ret_keys)
{
    static struct shell_keys keys;
    char                     why[256];

    *ret_keys = NULL;
    if (files->identity == NULL && files->server_key == NULL) return true;
    *ret_keys = &keys;
    prctl(PR_SET_DUMPABLE, 0); /* no secrets in a core */
    if (files->identity == NULL || files->server_key == NULL)
        fputs("pedido-worker: --identity and --server-key go together: its own key pair, and the engine's public key\n", stderr);
    else if (!pd_key_file_read(files->identity, &keys.own, why))
        fprintf(stderr, "pedido-worker: --identity %s: %s\n", files->identity, why);
    else if (keys.own.secret_key[0] == '\0')
        fprintf(stderr, "pedido-worker: --identity %s: it has no secret key\n", files->identity);
    else if (!pd_key_read_public(files->server_key, &keys.server, why))
        fprintf(stderr, "pedido-worker: --server-key %s: %s\n", files->server_key, why);
    else return true;
    return false;
}

int
main(int argc, char **argv)
{
    struct worker_options options = {.endpoint = default_endpoint(), .nonce = make_nonce(), .slots = 1, .grace_ms = 5000,
                                     .drain_ms = 30000};
    struct files files = {.identity = environment("PEDIDO_IDENTITY"), .server_key = environment("PEDIDO_SERVER_KEY")};
    const struct shell_keys *keys;
    static char  paths[2][PATH_MAX];

    pd_json_check_memory();
    int stop = read_options(argc, argv, &options, &files);
    if (stop == 1 && fflush(stdout) != 0) {
        fputs("pedido-worker: the output cannot be written\n", stderr);
        return EXIT_FAILURE;
    }
    if (stop > 0) return stop - 1;
    if (!find_executable(&files.provision, paths[0]) || !find_executable(&files.deprovision, paths[1])) return USAGE;
    if (!read_keys(&files, &keys)) return USAGE;
    give_name(keys, &options);
    return shell_run(&options, keys, (const char *[SHELL_OPERATIONS]){[PD_operation_provision] = files.provision,
                                                                      [PD_operation_deprovision] = files.deprovision});
}
