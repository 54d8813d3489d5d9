#include "clients/cli/context.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
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

static int
read_file(void)
{
    json_error_t error;
    const char  *path = context_path();

    if (path[0] == '\0' || (access(path, F_OK) != 0 && errno == ENOENT)) {
        file = json_pack("{s:{}}", "contexts");
        return STATUS_OK;
    }
    file = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (file == NULL) {
        cli_say("pedido: %s:%d: %s", path, error.line, error.text);
        return STATUS_TROUBLE;
    }
    if (json_is_object(contexts())) return STATUS_OK;
    cli_say("pedido: %s holds no contexts; `pedido context add` makes them", path);
    return STATUS_TROUBLE;
}

int
context_open(struct cli *cli)
{
    struct nearest n = {.wanted = ""};
    int            status = read_file();
    const char    *name = status == STATUS_OK ? name_in_use(cli) : NULL, *key;
    json_t        *one;

    /* What makes or lists them must work when the one in use is gone. */
    if (name == NULL || json_is_object(json_object_get(contexts(), name)) ||
        (cli->verb != NULL && verb_in_group(cli->verb, "context")))
        return status;
    n.wanted = name;
    json_object_foreach (contexts(), key, one) nearest_offer(&n, key, SIZE_MAX);
    if (nearest_best(&n) != NULL) return cli_usage(cli, "there is no context %s; did you mean %s?", name, nearest_best(&n));
    return cli_usage(cli, "there is no context %s; `pedido context list` shows them", name);
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
        snprintf(s.from, sizeof s.from, _("context %s"), context);
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

/* Beside the old one, then in its place: a full disk leaves the old one as it was. */
static int
write_file(void)
{
    char        next[PATH_MAX + 8];
    const char *path = context_path();
    char       *text = json_dumps(file, JSON_INDENT(2) | JSON_SORT_KEYS);
    int         fd = -1;

    if (path[0] == '\0') errno = ENOENT;
    snprintf(next, sizeof next, "%s.new", path);
    if (path[0] != '\0' && make_folders(path)) fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && text != NULL && dprintf(fd, "%s\n", text) > (int)strlen(text) && fsync(fd) == 0;
    if (fd >= 0) close(fd);
    ok = ok && rename(next, path) == 0;
    free(text);
    if (ok) return STATUS_OK;
    cli_say("pedido: cannot write %s: %s", path[0] == '\0' ? "$XDG_CONFIG_HOME" : path, strerror(errno));
    return STATUS_TROUBLE;
}

int
run_context_add(struct cli *cli)
{
    const char *name = cli->words[0], *endpoint = args_value(cli, "endpoint"), *reseller = args_value(cli, "reseller");

    if (endpoint == NULL && reseller == NULL)
        return cli_usage(cli, "--endpoint or --reseller is missing: a context says at least one of them");
    if (endpoint != NULL && strncmp(endpoint, "tcp://", 6) != 0 && strncmp(endpoint, "ipc://", 6) != 0)
        return cli_usage(cli, "--endpoint %s: tcp://HOST:PORT or ipc://PATH is expected", endpoint);
    json_t *context = json_pack("{s:s*,s:s*}", "endpoint", endpoint, "reseller", reseller);
    if (context == NULL || json_object_set_new(contexts(), name, context) != 0) return cli_usage(cli, "the name is not UTF-8");
    /* The first one is used without being told. */
    if (json_object_size(contexts()) == 1) json_object_set_new(file, "use", json_string(name));
    const char *used = json_string_value(json_object_get(file, "use"));
    int         status = write_file();
    if (status == STATUS_OK && strcmp(name, used == NULL ? "" : used) != 0)
        cli_say("next: pedido context use %s", name);
    else if (status == STATUS_OK) cli_say("context %s is in use", name);
    return status;
}

int
run_context_use(struct cli *cli)
{
    struct nearest n = {.wanted = cli->words[0]};
    const char    *key;
    json_t        *one;

    if (json_object_get(contexts(), cli->words[0]) == NULL) {
        json_object_foreach (contexts(), key, one) nearest_offer(&n, key, SIZE_MAX);
        if (nearest_best(&n) != NULL)
            return cli_usage(cli, "there is no context %s; did you mean %s?", n.wanted, nearest_best(&n));
        return cli_usage(cli, "there is no context %s; `pedido context add %s --endpoint ENDPOINT` makes it", n.wanted, n.wanted);
    }
    json_object_set_new(file, "use", json_string(cli->words[0]));
    return write_file();
}

int
run_context_remove(struct cli *cli)
{
    const char *used = json_string_value(json_object_get(file, "use"));

    if (json_object_get(contexts(), cli->words[0]) == NULL)
        return cli_usage(cli, "there is no context %s; `pedido context list` shows them", cli->words[0]);
    if (used != NULL && strcmp(used, cli->words[0]) == 0) json_object_del(file, "use");
    json_object_del(contexts(), cli->words[0]);
    return write_file();
}

int
run_context_list(struct cli *cli)
{
    const char  *used = name_in_use(cli), *key;
    json_t      *one;
    struct table table;

    table_init(&table);
    table_column(&table, "", false);
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
