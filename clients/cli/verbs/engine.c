/* engine.c - send and ping. */
#include "clients/cli/cli.h"

#include <stdio.h>

int
run_send(struct cli *cli)
{
    static const enum pd_block_kind kinds[] = {PD_BLOCK_command, PD_BLOCK_query};
    struct pd_text                  type = pd_text(cli->words[0]);
    struct nearest                  n = {.wanted = cli->words[0]};
    const struct pd_block          *block = NULL;
    json_t                         *data;

    for (size_t i = 0; i < 2 && block == NULL; i++) block = pd_schema_find(kinds[i], type);
    if (block == NULL) {
        const struct pd_block *b;
        for (size_t i = 0; (b = pd_schema_block(i)) != NULL; i++)
            if (b->kind == PD_BLOCK_command || b->kind == PD_BLOCK_query) nearest_offer(&n, b->Name, SIZE_MAX);
        if (nearest_best(&n) == NULL)
            return cli_usage(cli, "there is no message %s; `pedido schema` lists them", cli->words[0]);
        return cli_usage(cli, "there is no message %s; did you mean %s?", cli->words[0], nearest_best(&n));
    }
    if (block->port == PD_port_engine) return cli_usage(cli, "%s is the engine's own; nobody else sends it", block->Name);
    int status = args_check_list(cli, block);
    if (status == STATUS_OK) status = fields_send(cli, block, &data);
    return status != STATUS_OK ? status : request_show(cli, block, data);
}

/* The first Hello opens the connection; the second is measured. */
int
run_ping(struct cli *cli)
{
    json_t *answer = NULL;
    int     status = request_data(cli, pd_block_hello(), json_object(), &answer);

    if (status != STATUS_OK) return status;
    json_decref(answer);
    uint64_t start = cli_now_us();
    status = request_data(cli, pd_block_hello(), json_object(), &answer);
    if (status != STATUS_OK) return status;
    uint64_t took_us = cli_now_us() - start;
    if (args_has(cli, "json")) {
        json_object_set_new(answer, "latency_us", json_integer((json_int_t)took_us));
        cli_print_json(answer);
    } else {
        json_object_del(answer, "limits"); /* nothing for people */
        show_answer(pd_block_hello_reply(), answer);
        printf("%-16s %.2f ms\n", lang_label("latency"), (double)took_us / 1000);
    }
    json_decref(answer);
    return STATUS_OK;
}
