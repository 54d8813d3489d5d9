/* arguments.c - the command line's words, one a line: options and fields of a message, or a sentence and status 2. */
#include <stdlib.h>

#include "clients/cli/cli.h"
#include "clients/lib/json.h"
#include "tests/fuzz/fuzz.h"

enum { WORDS_MAX = 64 };

/* What the message would be: JSON of a block is packed as one value. */
static void
check_data(const struct pd_block *block, json_t *data)
{
    struct mp_writer       w = {0};
    struct mp_reader       reader = {.ready = false};
    struct pd_json_problem problem;
    msgpack_object         o;

    if (pd_json_to_request(&w, block, data, &problem)) PD_CHECK(mp_parse(&reader, w.data, w.size, &o));
    mp_writer_fini(&w);
    mp_reader_fini(&reader);
    json_decref(data);
}

static void
check_verb(struct cli *cli)
{
    const struct pd_block *block = cli->verb->block == NULL ? NULL : cli->verb->block();
    json_t                *data = NULL;
    int                    status;

    if (cli->verb->run == run_send && cli->word_count > 0) {
        block = pd_schema_find(PD_BLOCK_command, pd_text(cli->words[0]));
        if (block == NULL) return;
        status = fields_send(cli, block, &data);
    } else if (block == NULL) return;
    else status = fields_collect(cli, block, &data);
    PD_CHECK(status == STATUS_OK || status == STATUS_USAGE);
    if (status == STATUS_OK) check_data(block, data);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char      *argv[WORDS_MAX + 2], *text = strndup((const char *)data, size), *rest = text;
    int        argc = 0;
    struct cli cli = {.verb = NULL};

    PD_CHECK(text != NULL);
    argv[argc++] = text + strlen(text);
    while (rest != NULL && argc <= WORDS_MAX) argv[argc++] = strsep(&rest, "\n");
    argv[argc] = NULL;
    if (args_parse(&cli, argc, argv) == STATUS_OK && cli.verb != NULL && !args_has(&cli, "help") && !args_has(&cli, "version"))
        check_verb(&cli);
    free(cli.given);
    free(cli.words);
    free(text);
    return 0;
}
