/* pedido-worker: runs the user's executable for each task that the engine hands out. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clients/lib/json.h"
#include "clients/worker/shell.h"
#include "proto/check.h"

enum { USAGE = 2 };

static const char help[] =
    "pedido-worker - runs an executable for each provisioning task\n"
    "\n"
    "usage: pedido-worker --group NAME [--group NAME]... --exec FILE [options]\n"
    "\n"
    "  --endpoint ENDPOINT  the engine's commands port; else $PEDIDO_ENDPOINT, or tcp://127.0.0.1:7411\n"
    "  --group NAME         a group of plans to work for; up to 16\n"
    "  --exec FILE          what to run for each task\n"
    "  --name NAME          this worker's name, of A-Z a-z 0-9 . _ - (host and process number)\n"
    "  --jobs N             how many tasks at a time, 1-64 (1)\n"
    "  --help, --version\n"
    "\n"
    "The executable gets the task as one JSON object on its standard input and as variables: PEDIDO_TASK, PEDIDO_LEASE,\n"
    "PEDIDO_OPERATION, PEDIDO_INSTANCE, PEDIDO_ATTEMPT, PEDIDO_ORDER, PEDIDO_ITEM, PEDIDO_CUSTOMER, PEDIDO_PLAN,\n"
    "PEDIDO_PERIOD, PEDIDO_QUANTITY, PEDIDO_DOMAIN, PEDIDO_DOMAIN_UNICODE, ..., and PEDIDO_PARAM_<KEY> for each parameter.\n"
    "PEDIDO_INSTANCE is the same in every attempt: name what you make after it, and doing it twice does it once.\n"
    "\n"
    "What it prints: `40%` or `40% copying` is progress, any other line a message.\n"
    "Exit status 0 is success. If the last line is a JSON object of texts and numbers, such as {\"login\":\"https://...\"}, it\n"
    "becomes the subscription's parameters, else the result's message. Any other exit is a failure, told in the words of the last\n"
    "line of its standard error. When the lease is lost, or the worker is told to end, its process group gets SIGTERM.\n";

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

/* 0, or an exit status + 1. */
static int
read_options(int argc, char **argv, struct worker_options *options, const char **ret_executable)
{
    static const struct option known[] = {
        {"endpoint", required_argument, NULL, 'e'}, {"group", required_argument, NULL, 'g'},
        {"exec", required_argument, NULL, 'x'},     {"name", required_argument, NULL, 'n'},
        {"jobs", required_argument, NULL, 'j'},     {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},        {NULL, 0, NULL, 0},
    };
    char *end;
    long  jobs;

    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (c) {
        case 'e': options->endpoint = pd_text(optarg); break;
        case 'x': *ret_executable = optarg; break;
        case 'g':
            if (!is_id(optarg)) return 1 + complain("a group is 1-64 of A-Z a-z 0-9 . _ -", optarg);
            if (options->group_count == WORKER_GROUPS_MAX) return 1 + complain("at most 16 groups", NULL);
            options->groups[options->group_count++] = pd_text(optarg);
            break;
        case 'n':
            if (!is_id(optarg)) return 1 + complain("a name is 1-64 of A-Z a-z 0-9 . _ -", optarg);
            options->name = pd_text(optarg);
            break;
        case 'j':
            jobs = strtol(optarg, &end, 10);
            if (*optarg == '\0' || *end != '\0' || jobs < 1 || jobs > WORKER_SLOTS_MAX)
                return 1 + complain("--jobs takes a number from 1 to 64", optarg);
            options->slots = (size_t)jobs;
            break;
        case 'h': fputs(help, stdout); return 1;
        case 'v': puts("pedido-worker " PD_VERSION); return 1;
        default: return 1 + complain("unknown option, or one without its value", NULL);
        }
    }
    if (optind < argc) return 1 + complain("unexpected argument", argv[optind]);
    if (options->group_count == 0) return 1 + complain("--group is missing", NULL);
    if (*ret_executable == NULL) return 1 + complain("--exec is missing", NULL);
    return 0;
}

static bool
find_executable(const char *name, char ret_path[PATH_MAX])
{
    struct stat info;

    if (realpath(name, ret_path) == NULL || stat(ret_path, &info) != 0) return false;
    if (S_ISDIR(info.st_mode)) {
        errno = EISDIR;
        return false;
    }
    return access(ret_path, X_OK) == 0;
}

static struct pd_text
default_endpoint(void)
{
    const char *value = getenv("PEDIDO_ENDPOINT");
    return value != NULL && value[0] != '\0' ? pd_text(value) : PD_TEXT("tcp://127.0.0.1:7411");
}

int
main(int argc, char **argv)
{
    struct worker_options options = {
        .endpoint = default_endpoint(), .name = pd_text(default_name()), .nonce = make_nonce(), .slots = 1};
    const char *executable = NULL;
    static char path[PATH_MAX];

    pd_json_check_memory();
    int stop = read_options(argc, argv, &options, &executable);
    if (stop == 1 && fflush(stdout) != 0) {
        fputs("pedido-worker: the output cannot be written\n", stderr);
        return EXIT_FAILURE;
    }
    if (stop > 0) return stop - 1;
    if (!find_executable(executable, path)) {
        fprintf(stderr, "pedido-worker: %s cannot be run: %s%s\n", executable, strerror(errno),
                errno == EACCES ? "; `chmod +x` makes it executable" : "");
        return USAGE;
    }
    return shell_run(&options, path);
}
