/* key.c - key pairs in files, and what they may do. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clients/cli/cli.h"

/* Public halves only. */
static void
print_pair(const struct cli *cli, const char *file, const struct pd_key_pair *pair)
{
    if (args_has(cli, "json")) {
        json_t *one = json_pack("{s:s,s:s,s:s}", "file", file, "name", pair->name, "key", pair->public_key);
        cli_print_json(one);
        json_decref(one);
    } else puts(pair->public_key);
}

int
run_key_new(struct cli *cli)
{
    const char        *file = cli->words[0], *name = args_value(cli, "name");
    struct pd_key_pair pair = {.name = ""};

    if (name != NULL && !args_is_id(name)) return cli_usage(cli, "--name %s: 1-64 of A-Z a-z 0-9 . _ - are expected", name);
    if (name != NULL) memcpy(pair.name, name, strlen(name) + 1);
    pd_client_new_keys(pair.public_key, pair.secret_key);
    bool ok = pd_key_file_write(file, &pair);
    int  code = errno;
    explicit_bzero(pair.secret_key, sizeof pair.secret_key);
    if (!ok) {
        cli_say("pedido: cannot write %s: %s", file, strerror(code));
        return STATUS_TROUBLE;
    }
    print_pair(cli, file, &pair);
    if (args_has(cli, "json")) return STATUS_OK;
    if (args_has(cli, "server")) cli_say("next: pedidod --server-key %s ...; clients say --server-key with the key above", file);
    else cli_say("next: pedido key grant %s --role ROLE, by an admin; then --identity %s", file, file);
    return STATUS_OK;
}

int
run_key_show(struct cli *cli)
{
    const char        *file = cli->words[0];
    struct pd_key_pair pair;
    char               why[256];

    if (!pd_key_file_read(file, &pair, why)) {
        cli_say("pedido: %s: %s", file, why);
        return STATUS_TROUBLE;
    }
    explicit_bzero(pair.secret_key, sizeof pair.secret_key);
    print_pair(cli, file, &pair);
    return STATUS_OK;
}

/* A file stands for the key in it, and for whose it is. */
int
run_key_change(struct cli *cli)
{
    const struct pd_block *block = cli->verb->block();
    struct pd_key_pair     pair = {.name = ""};
    json_t                *data = NULL;
    char                   why[256];

    bool file = !pd_key_is_z85(pd_text(cli->words[0])) && strncmp(cli->words[0], "uid/", 4) != 0;
    if (file && !pd_key_file_read(cli->words[0], &pair, why))
        return cli_usage(cli, "%s: a key of 40 characters, uid/N or a key file is expected (%s)", cli->words[0], why);
    explicit_bzero(pair.secret_key, sizeof pair.secret_key);
    if (file) cli->words[0] = pair.public_key;
    int status = fields_given(cli, block, &data);
    if (status == STATUS_OK && block == pd_block_grant_key() && pair.name[0] != '\0' && json_object_get(data, "name") == NULL)
        json_object_set_new(data, "name", json_string(pair.name));
    if (status == STATUS_OK) status = fields_complete(cli, block, data);
    if (status == STATUS_OK) return request_show(cli, block, data);
    json_decref(data);
    return status;
}
