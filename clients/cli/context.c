#include "clients/cli/context.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clients/cli/show/table.h"

/* One for the program, as the environment is. */
static json_t *file;

static const char *
environment(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

const char *
context_path(void)
{
    static char path[PATH_MAX];
    const char *config = environment("XDG_CONFIG_HOME"), *home = environment("HOME");

    if (config != NULL && config[0] == '/') snprintf(path, sizeof path, "%s/pedido/contexts.json", config);
    else if (home != NULL) snprintf(path, sizeof path, "%s/.config/pedido/contexts.json", home);
    else path[0] = '\0';
    return path;
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

static json_t *
contexts(void)
{
    return json_object_get(file, "contexts");
}

/* The context that is meant, or NULL. */
static const char *
name_in_use(const struct cli *cli)
{
    const char *name = args_value(cli, "context");
    if (name == NULL) name = environment("PEDIDO_CONTEXT");
    return name != NULL ? name : json_string_value(json_object_get(file, "use"));
}

/* What is wrong with the file; "" when nothing is. */
static char problem[PATH_MAX + 200];

static json_t *
no_contexts(void)
{
    return json_pack("{s:{}}", "contexts");
}

/* An empty file and an empty object hold none; so does what is not there, or not for us. */
static void
read_file(void)
{
    json_error_t error;
    struct stat  info;
    const char  *path = context_path();

    json_decref(file);
    problem[0] = '\0';
    file = NULL;
    if (path[0] != '\0' && access(path, R_OK) == 0 && stat(path, &info) == 0 && info.st_size > 0) {
        file = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
        if (file == NULL) snprintf(problem, sizeof problem, "%s:%d: %s", path, error.line, error.text);
        else if (json_object_size(file) > 0 && !json_is_object(contexts()))
            snprintf(problem, sizeof problem, _("%s holds no contexts"), path);
    }
    if (json_is_object(contexts())) return;
    json_decref(file);
    file = no_contexts();
}

const char *
context_problem(void)
{
    return problem[0] == '\0' ? NULL : problem;
}

static int
no_such_context(const struct cli *cli, const char *name)
{
    struct nearest n = {.wanted = name};
    const char    *key;
    json_t        *one;

    json_object_foreach (contexts(), key, one) nearest_offer(&n, key, SIZE_MAX);
    if (nearest_best(&n) != NULL) return cli_usage(cli, "there is no context %s; did you mean %s?", name, nearest_best(&n));
    return cli_usage(cli, "there is no context %s; `pedido context list` shows them", name);
}

int
context_open(struct cli *cli)
{
    read_file();
    const char *name = name_in_use(cli);

    /* Verbs that ask no engine work with any file; what mends it, too. */
    if (cli->verb->flags & VERB_ALONE) return STATUS_OK;
    if (context_problem() != NULL) {
        cli_say("pedido: %s; mend it, or take it away", context_problem());
        return STATUS_TROUBLE;
    }
    return name == NULL || json_is_object(json_object_get(contexts(), name)) ? STATUS_OK : no_such_context(cli, name);
}

struct setting
context_setting(const struct cli *cli, const char *name, const char *variable, const char *usual)
{
    const char    *context = name_in_use(cli);
    const char    *own = context == NULL ? NULL : json_string_value(json_object_get(json_object_get(contexts(), context), name));
    struct setting s = {.value = args_value(cli, name)};

    if (s.value != NULL && s.value[0] != '\0') {
        snprintf(s.from, sizeof s.from, "--%s", name);
        return s;
    }
    if (own != NULL && (args_has(cli, "context") || environment(variable) == NULL)) {
        s.value = own;
        snprintf(s.from, sizeof s.from, "--context %s", context);
        return s;
    }
    s.value = environment(variable);
    if (s.value != NULL) snprintf(s.from, sizeof s.from, "$%s", variable);
    else s.value = usual;
    return s;
}

void
context_each(context_name *tell, void *context)
{
    const char *key;
    json_t     *one;
    json_object_foreach (contexts(), key, one) tell(context, key, json_string_value(json_object_get(one, "endpoint")));
}

/* ---- writing ------------------------------------------------------------------------------------------------------- */

/* The folders above a file, for its owner alone: keys will stand there. */
static bool
make_folders(const char *path)
{
    char part[PATH_MAX];
    for (const char *p = strchr(path + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
        snprintf(part, sizeof part, "%.*s", (int)(p - path), path);
        if (mkdir(part, 0700) != 0 && errno != EEXIST) return false;
    }
    return true;
}

/* Of several that change it one comes after the other. The lock stands beside it, since the file itself is replaced. */
static int
lock_file(void)
{
    char path[PATH_MAX + 8];

    snprintf(path, sizeof path, "%s.lock", context_path());
    int fd = context_path()[0] != '\0' && make_folders(path) ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd >= 0 && flock(fd, LOCK_EX) == 0) return fd;
    cli_say("pedido: cannot write %s: %s", context_path()[0] == '\0' ? "$XDG_CONFIG_HOME" : path, strerror(errno));
    if (fd >= 0) close(fd);
    return -1;
}

/* Beside the old one, then in its place: a full disk leaves the old one as it was. A link stays a link. */
static int
write_file(void)
{
    char  real[PATH_MAX], next[PATH_MAX + 8];
    char *text = json_dumps(file, JSON_INDENT(2) | JSON_SORT_KEYS);

    if (realpath(context_path(), real) == NULL) snprintf(real, sizeof real, "%s", context_path());
    snprintf(next, sizeof next, "%s.XXXXXX", real);
    int  fd = mkostemp(next, O_CLOEXEC);
    bool ok = fd >= 0 && text != NULL && dprintf(fd, "%s\n", text) > (int)strlen(text) && fsync(fd) == 0 && rename(next, real) == 0;
    int  error = errno;
    if (fd >= 0) close(fd);
    if (fd >= 0 && !ok) unlink(next);
    free(text);
    if (ok) return STATUS_OK;
    cli_say("pedido: cannot write %s: %s", real, strerror(error));
    return STATUS_TROUBLE;
}

/* What changes the file as it is now, and says what it did; not STATUS_OK: nothing is written. */
typedef int change_file(struct cli *cli, const char *name);

static int
change(struct cli *cli, change_file *how)
{
    int lock = lock_file();
    if (lock < 0) return STATUS_TROUBLE;
    read_file();
    int status = STATUS_TROUBLE;
    if (context_problem() != NULL) cli_say("pedido: %s; mend it, or take it away", context_problem());
    else status = how(cli, cli->words[0]);
    close(lock);
    return status;
}

static void
say_used(const char *name)
{
    if (name == NULL) cli_say("no context is in use now");
    else cli_say("context %s is in use now; `pedido context use none` leaves it", name);
}

static int
add(struct cli *cli, const char *name)
{
    const char *endpoint = args_value(cli, "endpoint"), *reseller = args_value(cli, "reseller");
    json_t     *context = json_object_get(contexts(), name);
    json_t     *given = json_pack("{s:s*,s:s*,s:s*,s:s*}", "endpoint", endpoint, "reseller", reseller, "identity",
                                  args_value(cli, "identity"), "server-key", args_value(cli, "server-key"));
    bool        first = json_object_size(contexts()) == 0;

    if (given == NULL) return cli_usage(cli, "an option's value is not UTF-8");
    /* One that is there keeps what is not said again. */
    if (context != NULL) json_object_update_missing(given, context);
    json_object_set_new(contexts(), name, given);
    if (first) json_object_set_new(file, "use", json_string(name));
    int status = write_file();
    if (status == STATUS_OK && first) say_used(name);
    return status;
}

int
run_context_add(struct cli *cli)
{
    const char *name = cli->words[0], *endpoint = args_value(cli, "endpoint");

    if (!args_is_id(name) || strcmp(name, "none") == 0)
        return cli_usage(cli, "a context's name is 1-64 of A-Z a-z 0-9 . _ -, and not none");
    if (endpoint == NULL && args_value(cli, "reseller") == NULL)
        return cli_usage(cli, "--endpoint or --reseller is missing: a context says at least one of them");
    if (endpoint != NULL && strncmp(endpoint, "tcp://", 6) != 0 && strncmp(endpoint, "ipc://", 6) != 0)
        return cli_usage(cli, "--endpoint %s: tcp://HOST:PORT or ipc://PATH is expected", endpoint);
    return change(cli, add);
}

static int
use(struct cli *cli, const char *name)
{
    bool none = strcmp(name, "none") == 0;

    if (!none && json_object_get(contexts(), name) == NULL) return no_such_context(cli, name);
    if (none) json_object_del(file, "use");
    else json_object_set_new(file, "use", json_string(name));
    int status = write_file();
    if (status == STATUS_OK) say_used(none ? NULL : name);
    return status;
}

int
run_context_use(struct cli *cli)
{
    return change(cli, use);
}

static int
take_away(struct cli *cli, const char *name)
{
    const char *used = json_string_value(json_object_get(file, "use"));
    bool        was_used = used != NULL && strcmp(used, name) == 0;

    if (json_object_get(contexts(), name) == NULL) return no_such_context(cli, name);
    if (was_used) json_object_del(file, "use");
    json_object_del(contexts(), name);
    int status = write_file();
    if (status == STATUS_OK && was_used) say_used(NULL);
    return status;
}

int
run_context_remove(struct cli *cli)
{
    return change(cli, take_away);
}

int
run_context_list(struct cli *cli)
{
    const char  *used = name_in_use(cli), *key;
    json_t      *one;
    struct table table;

    table_init(&table);
    table_column(&table, "", false);
    if (context_problem() != NULL) cli_say("pedido: %s; mend it, or take it away", context_problem());
    table_column(&table, _("CONTEXT"), false);
    table_column(&table, _("ENDPOINT"), false);
    table_column(&table, _("RESELLER"), false);
    json_object_foreach (contexts(), key, one) {
        const char *endpoint = json_string_value(json_object_get(one, "endpoint")),
                   *reseller = json_string_value(json_object_get(one, "reseller"));
        bool        is_used = used != NULL && strcmp(used, key) == 0;
        if (args_has(cli, "json")) {
            json_t *row = json_pack("{s:s,s:s*,s:s*,s:b}", "context", key, "endpoint", endpoint, "reseller", reseller, "used",
                                    is_used);
            cli_print_json(row);
            json_decref(row);
            continue;
        }
        table_cell(&table, strdup(is_used ? "*" : ""));
        table_cell(&table, strdup(key));
        table_cell(&table, strdup(endpoint == NULL ? "" : endpoint));
        table_cell(&table, strdup(reseller == NULL ? "" : reseller));
    }
    table_print(&table);
    if (json_object_size(contexts()) == 0)
        cli_say("There is no context yet; `pedido context add NAME --endpoint ENDPOINT` makes one.");
    table_fini(&table);
    return STATUS_OK;
}
