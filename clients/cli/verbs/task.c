/* task.c - task show: the task, and what has happened to it, which stands in the history of its order or subscription. And worker
 * list: who is at work, and which groups wait for somebody. */
#include "clients/cli/cli.h"

#include <stdio.h>

#include "clients/cli/show/text.h"

/* The events of a history that are about the task; takes `data`. */
static int
add_events(struct cli *cli, const struct pd_block *block, json_t *data, const json_t *number, json_t *events)
{
    json_t *rows = NULL, *event;
    size_t  i;
    int     status = request_rows(cli, block, data, &rows);

    json_array_foreach (rows, i, event)
        if (json_equal(json_object_get(json_object_get(event, "data"), "task"), number)) json_array_append(events, event);
    json_decref(rows);
    return status;
}

/* What its scripts have printed, line by line. */
static void
show_outputs(const json_t *events)
{
    const json_t *event;
    size_t        i;

    json_array_foreach (events, i, event) {
        const json_t *data = json_object_get(event, "data");
        const char   *text = cli_text(data, "output");
        long long    lease = json_integer_value(json_object_get(data, "lease"));
        if (text[0] != '\0') {
            putchar('\n');
            printf(_("printed under lease %lld:"), lease);
            putchar('\n');
        }
        while (*text != '\0') {
            fputs("    ", stdout);
            for (size_t size; *text != '\0' && *text != '\n'; text += size) {
                size = strcspn(text, "\n\t");
                text_print_part(stdout, text, size);
                if (text[size] == '\t') fputs("    ", stdout);
                size += text[size] == '\t';
            }
            putchar('\n');
            text += *text == '\n';
        }
    }
}

int
run_task_show(struct cli *cli)
{
    json_t *data, *answer = NULL, *events = json_array();
    int     status = fields_collect(cli, pd_block_get_task(), &data);

    if (status == STATUS_OK) status = request_data(cli, pd_block_get_task(), data, &answer);
    const json_t *task = json_object_get(answer, "task"), *number = json_object_get(task, "task"),
                 *order = json_object_get(task, "order"), *subscription = json_object_get(task, "subscription");
    bool provision = strcmp(cli_text(task, "operation"), "provision") == 0;
    if (status == STATUS_OK && order != NULL)
        status = add_events(cli, pd_block_get_order_history(), json_pack("{s:O}", "order", order), number, events);
    if (status == STATUS_OK && !provision)
        status = add_events(cli, pd_block_get_subscription_history(), json_pack("{s:O}", "subscription", subscription), number,
                            events);
    if (status == STATUS_OK && args_has(cli, "json")) {
        json_object_set(answer, "events", events);
        cli_print_json(answer);
    } else if (status == STATUS_OK) {
        show_answer(pd_block_task_view_reply(), answer);
        if (json_array_size(events) > 0) putchar('\n');
        show_rows(pd_block_event_view(), events);
        show_outputs(events);
        next_say(cli, pd_block_get_task(), answer, NULL);
    }
    json_decref(answer);
    json_decref(events);
    return status;
}

int
run_worker_list(struct cli *cli)
{
    json_t *answer = NULL;
    int     status = request_data(cli, pd_block_list_workers(), json_object(), &answer);

    const json_t *workers = json_object_get(answer, "workers"), *groups = json_object_get(answer, "groups");
    if (status == STATUS_OK && args_has(cli, "json")) cli_print_json(answer);
    else if (status == STATUS_OK) {
        if (json_array_size(workers) == 0) cli_say("no workers");
        show_rows(pd_block_worker_view(), workers);
        if (json_array_size(workers) > 0 && json_array_size(groups) > 0) putchar('\n');
        show_rows(pd_block_group_view(), groups);
    }
    json_decref(answer);
    return status;
}
